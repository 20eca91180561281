// What is measured: operators with their adjoint and a solved quadratic (problems/operators.py).
import { dot, each, filled } from "./arrays.js";
import { circulant, fft2, power } from "./fourier.js";

// Circular convolution with a kernel [size, size] whose centre is laid on the first pixel.
export class Blur {
  constructor(kernel, size, shape) {
    const [height, width] = this.shape = shape, laid = filled(height * width, 0), half = Math.floor(size / 2);
    const place = (i, n) => ((i - half) % n + n) % n;
    kernel.forEach((value, i) => { laid[width * place(Math.floor(i / size), height) + place(i % size, width)] += value; });
    this.transfer = fft2(laid, shape);
    this.conjugate = { re: this.transfer.re, im: this.transfer.im.map(value => -value) };
    this.power = each((re, im) => re ** 2 + im ** 2, this.transfer.re, this.transfer.im);
  }

  forward(x) { return circulant(x, this.transfer, this.shape); }
  adjoint(y) { return circulant(y, this.conjugate, this.shape); }

  // (A^T A + c)^-1 A^T residual
  correction(residual, c) { return circulant(this.adjoint(residual), this.power.map(p => 1 / (p + c)), this.shape); }

  // About (A S A^T + c)^-1 for a circulant S: preconditions conjugate gradients.
  gramInverse(spectrum, c) {
    const gain = each((p, s) => 1 / (p * s + c), this.power, spectrum);
    return residual => circulant(residual, gain, this.shape);
  }

  // residual^T (variance A A^T + noise)^-1 residual
  square(residual, variance, noise) {
    const seen = power(residual, this.shape);
    return seen.reduce((sum, value, i) => sum + value / (variance * this.power[i] + noise), 0);
  }
}

export function gaussianKernel(std) {
  const radius = Math.floor(4 * std + 0.5), size = 2 * radius + 1;
  const row = Array.from({ length: size }, (_, i) => Math.exp(-0.5 * ((i - radius) / std) ** 2));
  const kernel = Float64Array.from({ length: size * size }, (_, i) => row[Math.floor(i / size)] * row[i % size]);
  const sum = kernel.reduce((a, b) => a + b);
  return [kernel.map(value => value / sum), size];
}

// Pixels are measured where mask is true; the data are packed.
export class Mask {
  constructor(mask, shape) {
    Object.assign(this, { shape, measured: [...mask.keys()].filter(i => mask[i]) });
  }

  forward(x) { return Float64Array.from(this.measured, i => x[i]); }

  adjoint(y) {
    const out = filled(this.shape[0] * this.shape[1], 0);
    this.measured.forEach((place, i) => { out[place] = y[i]; });
    return out;
  }

  correction(residual, c) { return this.adjoint(residual).map(value => value / (1 + c)); }

  gramInverse(spectrum, c) {
    const gain = spectrum.map(s => 1 / (s + c));
    return residual => this.forward(circulant(this.adjoint(residual), gain, this.shape));
  }

  square(residual, variance, noise) { return dot(residual, residual) / (variance + noise); }
}

// One number measured of a point in the plane: how far along a direction it lies.
export class Line {
  constructor(angle) {
    this.direction = Float64Array.of(Math.cos(angle), Math.sin(angle));
    this.shape = [1, 2];
  }

  forward(x) { return Float64Array.of(dot(this.direction, x)); }
  adjoint(y) { return this.direction.map(value => value * y[0]); }
  correction(residual, c) { return this.adjoint(residual).map(value => value / (1 + c)); }
  gramInverse() { return residual => residual; }
  square(residual, variance, noise) { return residual[0] ** 2 / (variance + noise); }
}

// Solve a symmetric positive definite system (Hestenes, Stiefel 1952), until the residual is ``tolerance`` of b or ``enough``, root mean square.
export function conjugateGradients(matvec, b, precondition, tolerance, enough) {
  const goal = Math.max(dot(b, b) * tolerance ** 2, b.length * enough ** 2);
  let x = filled(b.length, 0), r = b, p = precondition(b), rho = dot(r, p);
  for (let turn = 0; turn < 2000 && dot(r, r) > goal; turn++) {
    const q = matvec(p), alpha = rho / dot(p, q);
    x = each((x, p) => x + alpha * p, x, p);
    r = each((r, q) => r - alpha * q, r, q);
    const step = precondition(r), before = rho;
    rho = dot(r, step);
    p = each((s, p) => s + rho / before * p, step, p);
  }
  return x;
}
