// The same prior with two numbers in place of a thousand: a pinwheel of ten arms, and its exact posterior along a measured line.
import { Mixture } from "./mixture.js";

export const ARMS = 10, BEADS = 9, SPREAD = 0.018;

export function pinwheel() {
  const templates = [], labels = [];
  for (let arm = 0; arm < ARMS; arm++) {
    for (let bead = 0; bead < BEADS; bead++) {
      const radius = 0.13 + 0.3 * bead / (BEADS - 1), angle = 2 * Math.PI * arm / ARMS + 2.4 * radius - 1.9;
      templates.push(Float64Array.of(0.5 + radius * Math.cos(angle), 0.5 + radius * Math.sin(angle)));
      labels.push(String(arm));
    }
  }
  return new Mixture(templates, labels, SPREAD, [1, 2]);
}

// The density of the prior at points, and how well points explain a measurement, both up to a constant: their product is p(x | y).
export const density = (prior, points) => Float64Array.from(points, x =>
  prior.templates.reduce((sum, t) => sum + Math.exp(-((x[0] - t[0]) ** 2 + (x[1] - t[1]) ** 2) / (2 * prior.spread ** 2)), 0));

export const likelihood = (points, data) => Float64Array.from(points, x => Math.exp(-((data.residual(x)[0] / data.noiseSigma) ** 2) / 2));

// The middles of side x side cells of the unit square, row by row from its upper left corner; the second number grows upwards.
export const cells = side =>
  Array.from({ length: side * side }, (_, i) => Float64Array.of((i % side + 0.5) / side, 1 - (Math.floor(i / side) + 0.5) / side));
