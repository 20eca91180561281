// The one loop: believe, measure, go on (solvers/loop.py, solvers/unconditional.py).
import { each } from "./arrays.js";

const STRIDE = 0.17; // in log sigma: levels nearer than this renew a share of the noise only

// How much of the old noise is carried (b), and how much fresh noise is added (q), on the way from sigma to the next level.
const ancestral = (sigma, after) => [(after / sigma) ** 2, after * Math.sqrt(1 - (after / sigma) ** 2)];
const ddim = (sigma, after) => [after / sigma, 0];
const zeta = share => (sigma, after) => [Math.sqrt(1 - share) * after / sigma, Math.sqrt(share) * after];
const renew = (sigma, after) => zeta(after > 0 ? Math.min(1, Math.log(sigma / after) / STRIDE) : 1)(sigma, after);

// What the prior believes of a noisy image, and how far the data step may move it.
const level = (prior, x, sigma) => ({ mean: prior.denoise(x, sigma), width: sigma });
const ownError = (prior, x, sigma) => prior.belief(x, sigma);

// The data step: nothing, the best compromise, or a draw of it.
const minimise = (data, x0, width) => data.minimise(x0, width);
const draw = (data, x0, width, noise, fresh) => data.draw(x0, width, noise, fresh);

export const METHODS = {
  ancestral: { believe: level, measure: minimise, goOn: ancestral, run: loop },
  ddim: { believe: level, measure: minimise, goOn: ddim, run: loop },
  heun: { run: heun },
  annealed: { believe: ownError, measure: draw, goOn: renew, run: loop },
  diffpir: { believe: level, measure: minimise, goOn: zeta(0.1), run: loop },
  "diffpir on masks": { believe: level, measure: minimise, goOn: zeta(1), run: loop },
};

// Yields what each level led to: { sigma, width, believed, measured, x }.
export function* loop({ method, prior, data, levels, x, noise }) {
  for (const [sigma, after] of descent(levels)) {
    const { mean: x0, width } = method.believe(prior, x, sigma); // believe
    const [b, q] = method.goOn(sigma, after);
    const z = method.measure(data, x0, width, noise, q); // measure
    x = each((z, x) => z + b * (x - z), z, x); // go on
    if (q > 0) x = each((x, e) => x + q * e, x, noise.normal(x.length));
    yield { sigma, width, believed: x0, measured: z, x };
  }
}

// The probability flow by second-order steps, the last one Euler's (Karras et al. 2022, algorithm 1).
export function* heun({ prior, levels, x }) {
  for (const [sigma, after] of descent(levels)) {
    const x0 = prior.denoise(x, sigma);
    let slope = each((x, x0) => (x - x0) / sigma, x, x0);
    if (after > 0) {
      const ahead = each((x, s) => x + (after - sigma) * s, x, slope);
      slope = each((s, a, d) => (s + (a - d) / after) / 2, slope, ahead, prior.denoise(ahead, after));
    }
    x = each((x, s) => x + (after - sigma) * s, x, slope);
    yield { sigma, width: sigma, believed: x0, measured: x0, x };
  }
}

// Every level with the next; after the last comes 0.
const descent = levels => levels.map((sigma, i) => [sigma, levels[i + 1] ?? 0]);

// Levels from first to last with a constant ratio.
export const geometric = (first, last, steps) =>
  Array.from({ length: steps }, (_, i) => i === 0 ? first : first * (last / first) ** (i / (steps - 1)));
