// The Fourier transform of pictures whose sides are powers of two (Cooley, Tukey 1965). A shape is [height, width].

const tables = new Map();

// cos and sin of the angles that the halves of a block are turned by.
function turns(half, sign) {
  const key = sign * half;
  if (!tables.has(key)) {
    const angles = Float64Array.from({ length: half }, (_, k) => sign * Math.PI * k / half);
    tables.set(key, [angles.map(Math.cos), angles.map(Math.sin)]);
  }
  return tables.get(key);
}

function reorder(values, start, stride, n) {
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) [values[start + i * stride], values[start + j * stride]] = [values[start + j * stride], values[start + i * stride]];
  }
}

// One line of n values, in place.
function transform({ re, im }, start, stride, n, sign) {
  reorder(re, start, stride, n);
  reorder(im, start, stride, n);
  for (let half = 1; half < n; half *= 2) {
    const [cos, sin] = turns(half, sign);
    for (let block = 0; block < n; block += 2 * half) {
      for (let k = 0; k < half; k++) {
        const i = start + (block + k) * stride, j = i + half * stride;
        const real = re[j] * cos[k] - im[j] * sin[k], imaginary = re[j] * sin[k] + im[j] * cos[k];
        re[j] = re[i] - real;
        im[j] = im[i] - imaginary;
        re[i] += real;
        im[i] += imaginary;
      }
    }
  }
}

function transform2(spectrum, [height, width], sign) {
  for (let row = 0; row < height; row++) transform(spectrum, row * width, 1, width, sign);
  for (let column = 0; column < width; column++) transform(spectrum, column, width, height, sign);
  return spectrum;
}

export const fft2 = (x, shape) => transform2({ re: Float64Array.from(x), im: new Float64Array(x.length) }, shape, -1);

export function ifft2(spectrum, shape) {
  const { re } = transform2(spectrum, shape, 1);
  for (let i = 0; i < re.length; i++) re[i] /= re.length;
  return re;
}

// |coefficient|^2 of the orthonormal transform.
export function power(x, shape) {
  const { re, im } = fft2(x, shape);
  return re.map((value, i) => (value ** 2 + im[i] ** 2) / x.length);
}

// Multiply the coefficients of x by real gains, or by complex ones {re, im}.
export function circulant(x, gain, shape) {
  const { re, im } = fft2(x, shape);
  for (let i = 0; i < re.length; i++) {
    const real = gain.re ? gain.re[i] : gain[i], imaginary = gain.im ? gain.im[i] : 0;
    [re[i], im[i]] = [re[i] * real - im[i] * imaginary, re[i] * imaginary + im[i] * real];
  }
  return ifft2({ re, im }, shape);
}
