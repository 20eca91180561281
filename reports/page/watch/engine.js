// The worker that runs the network: told its weights once, then chain after chain, each with a number; another number ends it.
import { Measurement, nothing } from "./data.js";
import { each } from "./arrays.js";
import { METHODS } from "./loop.js";
import { Network } from "./network.js";
import { Noise } from "./noise.js";
import { Blur, Mask, gaussianKernel } from "./operators.js";

let network = null, running = null;

// y = A truth + noise, or nothing.
function measure({ measured, blur, mask, noise, seed, truth }, shape) {
  if (measured === "nothing") return nothing;
  const operator = measured === "blur" ? new Blur(...gaussianKernel(blur), shape) : new Mask(mask, shape);
  const clean = operator.forward(truth);
  return new Measurement(operator, each((value, e) => value + noise * e, clean, new Noise(seed, 777).normal(clean.length)), noise);
}

async function run(asked) {
  const { number } = asked, { shape } = network, data = measure(asked, shape), length = shape[0] * shape[1], noise = new Noise(asked.seed, 1);
  const { levels } = asked, method = METHODS[asked.sampler];
  let x = each((flat, e) => flat + levels[0] * e, data.flat(length), noise.normal(length)), began = performance.now();
  if (data !== nothing) postMessage({ number, shown: asked.measured === "blur" ? data.y : data.operator.adjoint(data.y) });
  for (const step of method.run({ method, prior: network, data, levels, x, noise })) {
    const pixel = step.width.pixel ?? null;
    postMessage({ number, noisy: x, believed: step.believed, measured: step.measured, x: step.x, pixel, seconds: (performance.now() - began) / 1000 });
    x = step.x;
    await new Promise(resolve => setTimeout(resolve)); // so that another number is heard
    if (running !== number) return;
    began = performance.now();
  }
}

addEventListener("message", ({ data }) => {
  if (data.weights) network = new Network(data.weights, data.card, data.shape);
  else running = data.number;
  if (data.levels) run(data);
});
