// Arithmetic of images and points: flat arrays of numbers, row by row.

// f of the elements of up to four arrays of one length: each((z, x) => z + b * (x - z), z, x).
export function each(f, a, b = a, c = a, d = a) {
  const out = new Float64Array(a.length);
  for (let i = 0; i < out.length; i++) out[i] = f(a[i], b[i], c[i], d[i]);
  return out;
}

export const filled = (length, value) => new Float64Array(length).fill(value);

export function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

export const mean = a => a.reduce((sum, value) => sum + value, 0) / a.length;
export const rms = a => Math.sqrt(dot(a, a) / a.length);
