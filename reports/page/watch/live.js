// Chains from noise to an answer, computed in the page: in pictures, and in the plane.
import { digits, example, levelWords, shape, side, size, wheel } from "./alone.js";
import { each, rms } from "./arrays.js";
import { Measurement, nothing } from "./data.js";
import { METHODS, geometric } from "./loop.js";
import { MASKS, brushed, readMask, written } from "./masks.js";
import { Noise } from "./noise.js";
import { Blur, Line, Mask, gaussianKernel } from "./operators.js";
import { all, bars, blank, colour, curves, find, likeliest, percent, picture, plane, short, shrunk, underground } from "./paint.js";
import { cells, density, likelihood } from "./plane.js";
import { Player, onDials } from "./player.js";

// Chains: every step is kept, so that one can go back
class Chain {
  constructor(task) {
    Object.assign(this, { task, steps: [], rest: task.method.run(task) });
  }

  advance() {
    const { value, done } = this.rest.next();
    if (!done) this.steps.push(value);
    return !done;
  }

  noisy(k) { return k === 0 ? this.task.x : this.steps[k - 1].x; }
}

const SAMPLERS = {
  ancestral: "ancestral (DDPM)", ddim: "DDIM", heun: "Heun", annealed: "annealed posterior", diffpir: "DiffPIR, biased",
};
const ALONE = ["ancestral", "ddim", "heun"], MEASURING = ["annealed", "diffpir"];
const RULES = {
  ancestral: "part of the old noise stays, part is fresh", ddim: "the old noise, shrunk; nothing fresh",
  heun: "as DDIM, corrected by a second look from there", annealed: "nearly all of the noise is fresh", diffpir: "part of the noise is fresh",
};
const DOTS = 400, ARROWS = 36, ANSWERS = 8;
const live = find("#live"), dials = find("form", live), timeline = find("[data-timeline]", live);
const canvases = Object.fromEntries(all("[data-picture]", live).map(canvas => [canvas.dataset.picture, canvas]));
const paper = find(".paper", live);
const value = name => dials.elements[name].value, amount = name => Number(value(name));
let seed = 1, covered = MASKS.half(side), now = null, computing = 0;
const player = new Player(timeline, { show, rest: remember, ready: at => now.pictures[0].steps[where(at).k] });

// All that the dials say.
function settings() {
  const measured = value("measured"), angle = amount("angle") * Math.PI / 180, noise = 10 ** amount("noise");
  const label = value("label") || null;
  return {
    measured, angle, noise, label, guidance: label === null ? 1 : amount("guidance"), sampler: value("sampler"), steps: amount("steps"),
    start: 10 ** amount("start"), offset: amount("offset"), blur: amount("blur"), truth: Number(value("truth")), covered, seed,
  };
}

// What was measured of the true picture, and of the point in the plane.
function measurements(set) {
  const noise = new Noise(set.seed, 777), truth = example(set.truth, noise);
  const operator = set.measured === "blur" ? new Blur(...gaussianKernel(set.blur), shape) : new Mask(set.covered.map(c => 1 - c), shape);
  const y = each((clean, e) => clean + set.noise * e, operator.forward(truth), noise.normal(operator.forward(truth).length));
  const line = new Line(set.angle), middle = line.forward(Float64Array.of(0.5, 0.5))[0];
  return { truth, image: new Measurement(operator, y, set.noise), point: new Measurement(line, Float64Array.of(middle + set.offset), set.noise) };
}

function chain(set, prior, data, length, levels, ...own) {
  const noise = new Noise(set.seed, ...own), from = data.flat(length);
  const name = set.sampler === "diffpir" && set.measured === "mask" && length === size ? "diffpir on masks" : set.sampler;
  return new Chain({ method: METHODS[name], prior, data, levels, noise, x: each((f, e) => f + levels[0] * e, from, noise.normal(length)) });
}

// The exact density under the dots: that of the prior is found once for each label, a measurement multiplies it.
const GRID = cells(180), priorDensity = new Map();

function exactDensity(label, data) {
  if (!priorDensity.has(label)) priorDensity.set(label, density(wheel.given(label), GRID));
  return data ? each((p, l) => p * l, priorDensity.get(label), likelihood(GRID, data)) : priorDensity.get(label);
}

// Start anew with what the dials say; what is computed is shown as it comes.
function begin() {
  const set = settings(), alone = set.measured === "nothing", { truth, image, point } = measurements(set);
  const levels = geometric(set.start, alone ? 1 / 255 : Math.min(set.noise / 2, set.start), set.steps);
  const bound = prior => prior.given(set.label, set.guidance);
  const pictures = Array.from({ length: ANSWERS }, (_, i) => chain(set, bound(digits), alone ? nothing : image, size, levels, 1, i));
  const dots = Array.from({ length: DOTS }, (_, i) => chain(set, bound(wheel), alone ? nothing : point, 2, levels, 2, i));
  const shown = set.label === null ? wheel : wheel.only(set.label), exact = set.guidance === 1;
  now = {
    set, alone, levels, pictures, dots, truth, data: image, phases: alone ? ["noisy", "believed"] : ["noisy", "believed", "measured"],
    under: underground(exactDensity(set.label, alone ? null : point)),
    odds: exact ? (alone ? certain(digits, set.label) : digits.given(set.label).posteriorOdds(image.operator, image.y, set.noise)) : null,
    arms: exact ? (alone ? certain(wheel, set.label) : shown.posteriorOdds(point.operator, point.y, set.noise)) : null,
  };
  player.last = now.phases.length * set.steps;
  describe();
  if (!alone) paint();
  clearTimeout(computing);
  compute([pictures[0], ...dots, ...pictures.slice(1)]);
}

const certain = (prior, label) => new Map([...new Set(prior.labels)].map(each => [each, label === null ? 0.1 : Number(each === label)]));

// A few milliseconds at a time, so that the page answers; what is there is shown ten times a second.
function compute(chains, shownAt = 0) {
  const end = performance.now() + 12;
  while (chains.length && performance.now() < end) if (!chains[0].advance()) chains.shift();
  const due = !chains.length || end - shownAt > 100;
  if (due) show(player.at);
  live.setAttribute("aria-busy", chains.length > 0);
  if (chains.length) computing = setTimeout(compute, 0, chains, due ? end : shownAt);
}

// Which level and phase a place on the timeline is; the last place is the answer.
function where(place) {
  const phases = now.phases.length, k = Math.min(Math.floor(place / phases), now.levels.length - 1);
  return { k, phase: place === phases * now.levels.length ? "on" : now.phases[place - phases * k] };
}

function show(at) {
  if (!now) return;
  const { k, phase } = where(at), main = now.pictures[0], step = main.steps[k];
  if (!step) return;
  const sigma = now.levels[k], before = main.steps[k - 1];
  const after = phase === "on", x = after ? step.x : main.noisy(k), scale = after ? 1 : shrunk(sigma);
  picture(canvases.noisy, x.map(value => 0.5 + scale * (value - 0.5)));
  picture(canvases.believed, step.believed);
  if (!now.alone) picture(canvases.measured, step.measured);
  pull("priorPull", before?.measured, step.believed, "the prior's pull");
  if (!now.alone) pull("dataPull", step.believed, step.measured, "the data's pull");
  bars(find("[data-bars=seen]", live), digits.odds(main.noisy(k), sigma));
  for (const marked of all("[data-frame], [data-phase]", live)) {
    const own = marked.dataset.frame ?? marked.dataset.phase;
    marked.classList.toggle("now", own === phase || after && own === "noisy" && Boolean(marked.dataset.frame));
  }
  const told = { noisy: "noise", believed: "believe", measured: "measure", on: "the answer" }[phase];
  player.tell(`level ${k + 1} of ${now.levels.length}, ${levelWords(after ? 0 : sigma)}: ${told}`);
  showPlane(k, phase, sigma);
  showAnswers(k);
}

// What changed, on a grey ground: brighter or darker, with its root mean square.
function pull(name, from, to, words) {
  const canvas = canvases[name], caption = canvas.nextElementSibling;
  if (!from) {
    blank(canvas);
    caption.textContent = `${words}: from nothing yet`;
    return;
  }
  const change = each((a, b) => b - a, from, to);
  picture(canvas, change.map(value => 0.5 + 2 * value));
  caption.textContent = `${words}, ${short(rms(change))}`;
}

function showPlane(k, phase, sigma) {
  const ready = now.dots.filter(dot => dot.steps[k]), middle = Float64Array.of(0.5, 0.5);
  const seen = (point, level) => each((p, m) => m + shrunk(level) * (p - m), point, middle);
  const place = {
    noisy: dot => seen(dot.noisy(k), sigma), believed: dot => dot.steps[k].believed, measured: dot => dot.steps[k].measured,
    on: dot => dot.steps[k].x,
  };
  const last = now.alone ? "believed" : "measured", from = { noisy: null, believed: "noisy", measured: "believed", on: last }[phase];
  plane(find("[data-plane]", live), {
    under: now.under, line: now.alone ? null : now.set, tint: colour({ believed: "prior", measured: "data" }[phase] ?? "ink"),
    arrows: from ? ready.slice(0, ARROWS).map(dot => [place[from](dot), place[phase](dot)]) : [], dots: ready.map(place[phase]),
  });
  bars(find("[data-bars=arms]", live), shares(wheel, ready.map(dot => dot.steps[k][last])), now.arms);
}

// How often each label is the likeliest one among samples.
function shares(prior, samples) {
  const found = new Map([...new Set(prior.labels)].map(label => [label, 0]));
  for (const sample of samples) {
    const [label] = likeliest(prior.odds(sample, 0.05));
    found.set(label, found.get(label) + 1 / samples.length);
  }
  return found;
}

function showAnswers(k) {
  const last = now.alone ? "believed" : "measured", ready = now.pictures.filter(each => each.steps[k]);
  now.pictures.forEach((each, i) => each.steps[k] ? picture(strip[i], each.steps[k][last]) : blank(strip[i]));
  const found = shares(digits, ready.map(each => each.steps[k][last]));
  bars(find("[data-bars=answers]", live), found, now.odds);
  showPulls(k);
}

// How far the prior and the data moved the picture at each level from the second on.
function pulls(steps) {
  const moved = (from, to) => rms(each((a, b) => b - a, from, to));
  return {
    prior: steps.slice(1).map((step, i) => moved(steps[i].measured, step.believed)),
    data: steps.slice(1).map(step => moved(step.believed, step.measured)),
  };
}

function showPulls(k) {
  const { prior, data } = now.pulls ?? pulls(now.pictures[0].steps), last = now.levels.length - 1;
  if (prior.length === last) now.pulls = { prior, data };
  const series = [{ name: "prior", colour: "var(--prior)", values: prior }, ...now.alone ? [] : [{ name: "data", colour: "var(--data)", values: data }]];
  const told = "Root mean square change by the prior and by the data, level by level";
  curves(find("[data-curves=pulls]", live), series, told, Math.max(k - 1, 0) / Math.max(last - 1, 1));
}

// Words that depend on the dials.
function describe() {
  const { set, alone } = now;
  for (const each of all(".measuring", live)) each.hidden = alone;
  find(".masking", live).hidden = set.measured !== "mask";
  find(".blurring", live).hidden = set.measured !== "blur";
  dials.elements.blur.closest("label").hidden = set.measured !== "blur";
  dials.elements.guidance.disabled = set.label === null;
  const shown = {
    steps: set.steps, start: levelWords(set.start), guidance: set.label === null ? "(of a label)" : set.guidance, noise: levelWords(set.noise),
    blur: `${set.blur} pixels`, angle: `${value("angle")}°`, offset: value("offset"),
  };
  for (const [name, words] of Object.entries(shown)) find(`[data-shown=${name}]`, live).textContent = words;
  find("[data-how]", live).textContent = set.sampler === "annealed" ? "a draw of what prior and data allow together" : "the best compromise of both";
  find("[data-rule]", live).textContent = RULES[set.sampler];
  for (const each of all("[data-z]", live)) each.textContent = alone ? "x0" : "z";
  const exact = now.odds ? " Ticks are the exact shares." : "";
  find("[data-answers]", live).textContent = `Digits among the eight answers.${exact}`;
  const under = alone ? "the prior" : "prior times likelihood, what is exactly right";
  find("[data-under]", live).textContent = `Under the dots: ${now.arms ? under : "the prior of this label; guided, nothing exact is known"}.` +
    (alone ? "" : " The band is the measured line with its noise; drag it to turn it.");
  const label = `Plane with ${DOTS} dots under the loop${alone ? "" : `, a measured line at ${value("angle")} degrees`}`;
  find("[data-plane]", live).setAttribute("aria-label", label);
  const guided = now.odds ? "" : "At a guidance other than 1 no density stands behind the samples, so nothing exact is drawn. ";
  const few = set.steps < 15 ? "So few steps leave errors: raise them and watch the shares. " : "";
  find(":scope > [data-told]", live).textContent = `${guided}${few}`;
}

// The measured picture, what is missing of it tinted
function paint() {
  picture(canvases.truth, now.truth);
  const hidden = now.set.measured === "mask" ? covered : null;
  picture(canvases.data, hidden ? now.data.operator.adjoint(now.data.y) : now.data.y, hidden);
  paper.tabIndex = hidden ? 0 : -1;
  paper.setAttribute("role", hidden ? "application" : "img");
  const share = covered.reduce((sum, c) => sum + c, 0) / size;
  paper.setAttribute("aria-label", hidden ? `Measured picture, ${percent(share)} covered; arrows move, space covers or uncovers` : "Measured picture");
  if (hidden) paper.setAttribute("aria-describedby", "drawing");
  else paper.removeAttribute("tabindex");
}

const cursor = { row: side / 2, column: side / 2 };

function showCursor(on) {
  const mark = find(".cursor", live), cell = 100 / side;
  mark.hidden = !on;
  Object.assign(mark.style, { left: `${cell * (cursor.column - 1)}%`, top: `${cell * (cursor.row - 1)}%`, width: `${3 * cell}%`, height: `${3 * cell}%` });
}

function drawMask(event) {
  if (!event.buttons || now.set.measured !== "mask") return;
  const box = paper.getBoundingClientRect(), place = (at, start, length) => Math.min(Math.max(Math.floor(side * (at - start) / length), 0), side - 1);
  const cover = find("[name=uncover]", live).checked ? 0 : 1;
  covered = brushed(covered, place(event.clientY, box.top, box.height), place(event.clientX, box.left, box.width), cover);
  changed();
}

function keyed(event) {
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }, step = steps[event.key];
  if (now.set.measured !== "mask" || !step && event.key !== " ") return;
  event.preventDefault();
  if (step) {
    cursor.row = Math.min(Math.max(cursor.row + step[0], 0), side - 1);
    cursor.column = Math.min(Math.max(cursor.column + step[1], 0), side - 1);
  } else {
    covered = brushed(covered, cursor.row, cursor.column, 1 - covered[side * cursor.row + cursor.column]);
    changed();
  }
  showCursor(true);
}

// The line in the plane goes through the pointer, across the way from the middle to it.
function turnLine(event) {
  if (!event.buttons || now.alone) return;
  const box = find("[data-plane]", live).getBoundingClientRect();
  const a = (event.clientX - box.left) / box.width - 0.5, b = 0.5 - (event.clientY - box.top) / box.height;
  let angle = Math.atan2(b, a) * 180 / Math.PI, offset = Math.hypot(a, b);
  if (angle < 0) [angle, offset] = [angle + 180, -offset];
  dials.elements.angle.value = Math.round(angle);
  dials.elements.offset.value = offset.toFixed(2);
  changed();
}

// The address remembers the dials, the drawn mask and the place
const NAMES = ["measured", "sampler", "steps", "start", "label", "guidance", "truth", "noise", "blur", "angle", "offset"];
const usual = Object.fromEntries(NAMES.filter(name => name !== "sampler").map(name => [name, value(name)]));

function remember() {
  const said = new URLSearchParams(NAMES.filter(name => value(name) !== usual[name]).map(name => [name, value(name)]));
  if (seed !== 1) said.set("seed", seed);
  if (value("measured") === "mask" && written(covered) !== written(MASKS.half(side))) said.set("mask", written(covered));
  said.set("at", player.at);
  history.replaceState(null, "", `#live&${said}`);
}

function recall() {
  if (!location.hash.startsWith("#live&")) return false;
  const said = new URLSearchParams(location.hash.slice(6)), measured = said.get("measured");
  if (measured && all(`[name=measured][value="${CSS.escape(measured)}"]`, live).length) dials.elements.measured.value = measured;
  choices();
  for (const name of NAMES) {
    const input = dials.elements[name], told = said.get(name);
    if (told !== null && name !== "measured" && (!input.options || [...input.options].some(option => option.value === told))) input.value = told;
  }
  seed = Math.abs(Math.trunc(Number(said.get("seed")))) || 1;
  covered = readMask(said.get("mask") ?? "", side) ?? MASKS.half(side);
  begin();
  player.go(Number(said.get("at")));
  return true;
}

// Samplers that go with what is measured, and where their levels begin.
function choices() {
  const fitting = value("measured") === "nothing" ? ALONE : MEASURING, select = dials.elements.sampler;
  if (fitting.includes(select.value)) return;
  select.replaceChildren(...fitting.map(name => new Option(SAMPLERS[name], name)));
  dials.elements.start.value = Math.log10(fitting === ALONE ? 40 : 2.5);
}

let later = 0;

function changed(event) {
  const share = player.at / player.last;
  if (event?.target.name === "measured") choices();
  begin();
  player.go(Math.round(share * player.last));
  clearTimeout(later);
  later = setTimeout(remember, 250);
}

find("[data-strip]", live).innerHTML = Array.from({ length: ANSWERS }, (_, i) =>
  `<figure class="panel"><canvas width="${side}" height="${side}" role="img" aria-label="Answer ${i + 1}"></canvas></figure>`).join("");
const strip = all("[data-strip] canvas", live);

onDials(dials, changed);
dials.elements.other.addEventListener("click", () => { seed++; changed(); });
dials.elements.anew.addEventListener("click", () => {
  dials.reset();
  [seed, covered] = [1, MASKS.half(side)];
  choices();
  changed();
});
for (const button of all("[data-mask]", live)) button.addEventListener("click", () => { covered = MASKS[button.dataset.mask](side, seed); changed(); });
for (const type of ["pointerdown", "pointermove"]) {
  paper.addEventListener(type, drawMask);
  find("[data-plane]", live).addEventListener(type, turnLine);
}
paper.addEventListener("keydown", keyed);
paper.addEventListener("focus", () => showCursor(paper.matches(":focus-visible")));
paper.addEventListener("blur", () => showCursor(false));
addEventListener("hashchange", recall);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => begin());

choices();
if (!recall()) {
  begin();
  player.go(0.62 * player.last);
}
