// The real network: a worker computes its chain, every step is shown when it comes and kept.
import { geometric } from "./loop.js";
import { MASKS } from "./masks.js";
import { blank, find, picture, short, shrunk } from "./paint.js";
import { Player, onDials } from "./player.js";

if (find("#network")) {
  const section = find("#network"), form = find("form", section), { card, side, pictures } = JSON.parse(find("#card").textContent);
  const canvas = name => find(`[data-picture=${name}]`, section), size = side * side;
  const value = name => form.elements[name].value, amount = name => Number(value(name));
  const player = new Player(find("[data-timeline]", section), { show, rest: () => {}, pause: 160 });
  let seed = 1, number = 0, worker = null, steps = [], levels = [], hidden = null, shown = null, failed = "";

  // The weights lie in the page as text; the worker's program too.
  function awake() {
    if (worker) return worker;
    const program = new Blob([find("#engine").textContent], { type: "text/javascript" });
    worker = new Worker(URL.createObjectURL(program));
    worker.addEventListener("message", ({ data }) => heard(data));
    worker.addEventListener("error", event => { failed = event.message || "it does not start here"; tell(); });
    const text = atob(find("#weights").textContent), weights = Uint8Array.from(text, sign => sign.charCodeAt(0)).buffer;
    worker.postMessage({ weights, card, shape: [side, side] }, [weights]);
    return worker;
  }

  function begin() {
    const measured = value("measured"), alone = measured === "nothing", noise = 10 ** amount("noise");
    const mask = MASKS[measured]?.(side, 3).map(hidden => 1 - hidden) ?? null, truth = pictures[amount("picture")].map(grey => grey / 255);
    levels = alone ? geometric(20, 0.01, amount("steps")) : geometric(2.5, noise / 2, amount("steps"));
    [steps, hidden, shown, failed] = [[], mask?.map(seen => 1 - seen) ?? null, null, ""];
    player.stop();
    player.last = levels.length - 1;
    section.setAttribute("aria-busy", true);
    describe();
    for (const name of ["shown", "noisy", "believed", "measured", "pixel"]) blank(canvas(name));
    player.tell("loading the weights ...");
    number++;
    setTimeout(() => { // once that is shown
      awake().postMessage({ number, measured: mask ? "mask" : measured, sampler: alone ? "ddim" : "annealed", blur: amount("blur"), mask, noise, seed, truth, levels });
    });
  }

  function heard(data) {
    if (data.number !== number) return; // of a chain that was given up
    if (data.shown) {
      shown = data.shown;
      return picture(canvas("shown"), shown, hidden);
    }
    steps.push(data);
    if (steps.length === levels.length) section.setAttribute("aria-busy", false);
    player.go(steps.length - 1);
    tell();
  }

  function show(at) {
    const step = steps[at];
    if (!step) return steps.length && player.go(steps.length - 1);
    const sigma = levels[at];
    picture(canvas("noisy"), step.noisy.map(grey => 0.5 + shrunk(sigma) * (grey - 0.5)));
    picture(canvas("believed"), step.believed);
    picture(canvas("measured"), step.measured);
    if (step.pixel) {
      const top = Math.max(...step.pixel);
      picture(canvas("pixel"), step.pixel.map(width => width / top));
      canvas("pixel").nextElementSibling.textContent = `how far x0 may be off, by its own word: 0 to ${short(top)}`;
    }
    player.tell(`level ${at + 1} of ${levels.length}, σ = ${short(sigma)}`);
  }

  function tell() {
    const seconds = steps.map(step => step.seconds).slice(1).sort((a, b) => a - b), middle = seconds[seconds.length >> 1];
    const pace = middle ? `${steps.length} of ${levels.length} steps, ${short(middle)} s each on this machine.` : "";
    find("[data-told]", section).textContent = failed ? `This browser cannot run the network (${failed}).` : pace;
  }

  function describe() {
    const measured = value("measured"), alone = measured === "nothing";
    picture(canvas("truth"), pictures[amount("picture")].map(grey => grey / 255));
    for (const name of ["truth", "shown", "measured", "pixel"]) canvas(name).closest("figure").hidden = alone;
    form.elements.blur.closest("label").hidden = measured !== "blur";
    form.elements.noise.closest("label").hidden = alone;
    form.elements.picture.closest("label").hidden = alone;
    const words = { steps: value("steps"), noise: `σ = ${short(10 ** amount("noise"))}`, blur: `${value("blur")} pixels` };
    for (const [name, told] of Object.entries(words)) find(`[data-shown=${name}]`, section).textContent = told;
  }

  onDials(form, () => {
    if (worker) worker.postMessage({ number: ++number });
    section.setAttribute("aria-busy", false);
    find("[data-told]", section).textContent = "Press Run to see what these settings do.";
    describe();
  });
  form.elements.run.addEventListener("click", begin);
  form.elements.other.addEventListener("click", () => { seed++; begin(); });
  describe();
}
