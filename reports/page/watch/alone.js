// One denoiser: a picture of the prior, noise on it, and what is believed. Here the priors of the page are made.
import { each } from "./arrays.js";
import { Mixture, glyphs } from "./mixture.js";
import { Noise } from "./noise.js";
import { bars, find, likeliest, percent, picture, short, shrunk } from "./paint.js";
import { pinwheel } from "./plane.js";
import { onDials } from "./player.js";

const facts = JSON.parse(find("#facts").textContent), drawn = glyphs(facts, facts.side);
export const side = facts.side, shape = [side, side], size = side * side;
export const digits = new Mixture(drawn.templates, drawn.labels, facts.spread, shape), wheel = pinwheel();
export const levelWords = sigma => `σ = ${short(sigma)}`;

// A picture of the prior: a template at its middle place, each pixel off by the prior's spread.
export function example(digit, noise) {
  return each((t, e) => t + facts.spread * e, digits.templates[9 * digit + 4], noise.normal(size));
}

{
  const section = find("#believes"), form = find("form", section), canvas = name => find(`[data-picture=${name}]`, section);
  let seed = 1;

  function show() {
    const digit = Number(form.elements.digit.value), sigma = 10 ** Number(form.elements.level.value), noise = new Noise(seed, digit);
    const clean = example(digit, noise), x = each((c, e) => c + sigma * e, clean, noise.normal(size)), odds = digits.odds(x, sigma);
    picture(canvas("clean"), clean);
    picture(canvas("noisy"), x.map(value => 0.5 + shrunk(sigma) * (value - 0.5)));
    picture(canvas("believed"), digits.denoise(x, sigma));
    bars(find("[data-bars]", section), odds);
    find("[data-shown=level]", section).textContent = levelWords(sigma);
    find("[data-told]", section).textContent = `Noise with a standard deviation of ${short(sigma)}, where black is 0 and white is 1. ${sure(odds)}`;
  }

  function sure(odds) {
    const [best, share] = likeliest(odds);
    if (share > 0.995) return `It is sure of a ${best}.`;
    return `A ${best} is likeliest, with ${percent(share)}; what you see is the average of all that it holds possible.`;
  }

  onDials(form, show);
  form.elements.again.addEventListener("click", () => { seed++; show(); });
  show();
}
