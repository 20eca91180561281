// The data step: how a believed image meets the measurement (solvers/data.py).
import { dot, each, filled, mean } from "./arrays.js";
import { circulant } from "./fourier.js";
import { conjugateGradients } from "./operators.js";

const HIDDEN = 0.03; // of the noise to come is what a draw may miss the data by before it
const CLOSE = 1e-2; // of the data's residual is left by the inner conjugate gradients

// diag(pixel) S diag(pixel): how far an image may be off; S is circulant, the square of spectrum holds its eigenvalues.
export class Covariance {
  constructor(pixel, spectrum, shape) {
    Object.assign(this, { pixel, spectrum, shape, power: spectrum.map(s => s * s) });
  }

  // White noise to an error.
  root(white) { return each((p, w) => p * w, this.pixel, circulant(white, this.spectrum, this.shape)); }

  times(x) {
    return each((p, s) => p * s, this.pixel, circulant(each((p, x) => p * x, this.pixel, x), this.power, this.shape));
  }
}

// y = A x + noise. Both steps are on F(z) = |A z - y|^2 / (2 noise^2) + |z - x0|^2 / (2 width^2).
export class Measurement {
  constructor(operator, y, noiseSigma) {
    Object.assign(this, { operator, y, noiseSigma });
  }

  // The constant image that fits the data best: where chains begin.
  flat(length) {
    const response = this.operator.forward(filled(length, 1));
    return filled(length, dot(response, this.y) / dot(response, response));
  }

  residual(x, y = this.y) { return each((y, seen) => y - seen, y, this.operator.forward(x)); }

  // argmin F, as a correction of x0: what is not measured stays as believed. Noise of the level ``fresh`` will be added to it.
  minimise(x0, width, y = this.y, fresh = 0) {
    if (width === 0) return x0;
    const found = width instanceof Covariance
      ? this.correction(this.residual(x0, y), width, HIDDEN * fresh)
      : this.operator.correction(this.residual(x0, y), (this.noiseSigma / width) ** 2);
    return each((x, c) => x + c, x0, found);
  }

  // C A^T (A C A^T + noise^2)^-1 residual, by conjugate gradients in the space of the data.
  correction(residual, width, enough) {
    const { operator } = this, noise = this.noiseSigma ** 2;
    const own = operator.forward(width.pixel).map(seen => Math.sqrt(seen ** 2 + noise));
    const matvec = v => each((seen, v) => seen + noise * v, operator.forward(width.times(operator.adjoint(v))), v);
    const inverse = operator.gramInverse(width.power, noise / mean(width.pixel.map(p => p * p)));
    const precondition = r => each((r, o) => r / o, inverse(each((r, o) => r / o, r, own)), own);
    return width.times(operator.adjoint(conjugateGradients(matvec, residual, precondition, CLOSE, enough)));
  }

  // An exact draw from exp(-F): perturb both terms by their own noise, then minimise (Papandreou, Yuille 2010).
  draw(x0, width, noise, fresh) {
    const believed = each((x, e) => x + e, x0, width.root(noise.normal(x0.length)));
    const measured = each((y, e) => y + this.noiseSigma * e, this.y, noise.normal(this.y.length));
    return this.minimise(believed, width, measured, fresh);
  }
}

// Nothing measured: the data step leaves what is believed as it is.
export const nothing = { minimise: x0 => x0, flat: length => filled(length, 0.5) };
