// The prior: equally likely components N(template, spread^2), whose denoiser is known exactly (priors/mixture.py).
import { each, filled, mean } from "./arrays.js";
import { power } from "./fourier.js";
import { Covariance } from "./data.js";

const TINY = 1e-12; // variance between components below which it counts as rounding

export class Mixture {
  // templates: flat arrays; labels: what each shows; spread: standard deviation of every value about its template.
  constructor(templates, labels, spread, shape) {
    Object.assign(this, { templates, labels, spread, shape });
  }

  // p(component | x) where x = clean + sigma noise.
  responsibilities(x, sigma) {
    const variance = this.spread ** 2 + sigma ** 2;
    return softmax(this.templates.map(template => {
      let square = 0;
      for (let i = 0; i < x.length; i++) square += (x[i] - template[i]) ** 2;
      return -square / (2 * variance);
    }));
  }

  // p(label | x), a share for each of the known labels.
  odds(x, sigma) {
    return this.byLabel(this.responsibilities(x, sigma));
  }

  byLabel(parts) {
    const found = new Map([...new Set(this.labels)].map(label => [label, 0]));
    parts.forEach((part, k) => found.set(this.labels[k], found.get(this.labels[k]) + part));
    return found;
  }

  // E[clean | x]: the mean of all components' answers, each weighed by its responsibility.
  denoise(x, sigma) {
    return this.answer(x, sigma, weighed(this.responsibilities(x, sigma), this.templates));
  }

  // How much of what differs from a template is kept: the Wiener filter of white pixels.
  kept(sigma) {
    return this.spread ** 2 / (this.spread ** 2 + sigma ** 2);
  }

  answer(x, sigma, template) {
    const gain = this.kept(sigma);
    return each((x, t) => t + gain * (x - t), x, template);
  }

  // p(clean | x) as a Gaussian: its mean, and how far it may be off, pixel by pixel and by frequency.
  belief(x, sigma) {
    const parts = this.responsibilities(x, sigma), template = weighed(parts, this.templates);
    const within = this.kept(sigma) * sigma ** 2, doubt = (1 - this.kept(sigma)) ** 2;
    const variance = (square, centre) => each((s, c) => Math.max(within + doubt * (s - c), TINY), square, centre);
    const pixel = variance(weighed(parts, this.squares), each(t => t * t, template));
    const spectrum = variance(weighed(parts, this.powers), power(template, this.shape));
    const level = mean(spectrum);
    return { mean: this.answer(x, sigma, template), width: new Covariance(pixel.map(Math.sqrt), spectrum.map(p => Math.sqrt(p / level)), this.shape) };
  }

  get squares() {
    return this.ownSquares ??= this.templates.map(template => each(t => t * t, template));
  }

  get powers() {
    return this.ownPowers ??= this.templates.map(template => power(template, this.shape));
  }

  // The components of one label alone, exactly p(x | label); at another guidance than 1, guided. null is no label.
  given(label, guidance = 1) {
    if (label === null) return this;
    const bound = this.only(label);
    return guidance === 1 ? bound : new Guided(this, bound, guidance);
  }

  only(label) {
    const chosen = this.templates.filter((_, k) => this.labels[k] === label);
    return new Mixture(chosen, chosen.map(() => label), this.spread, this.shape);
  }

  // p(label | y), exactly: the components differ only in how well their templates explain the data.
  posteriorOdds(operator, y, noiseSigma) {
    const misfit = template => operator.square(each((y, t) => y - t, y, operator.forward(template)), this.spread ** 2, noiseSigma ** 2);
    return this.byLabel(softmax(this.templates.map(template => -misfit(template) / 2)));
  }
}

// Classifier-free guidance: D_u + w (D_c - D_u) (Ho, Salimans 2022). Widths are those of the prior that knows the label; at w = 0, of the other.
export class Guided {
  constructor(free, bound, guidance) {
    Object.assign(this, { free, bound, guidance, shape: free.shape });
  }

  denoise(x, sigma) {
    return each((free, bound) => free + this.guidance * (bound - free), this.free.denoise(x, sigma), this.bound.denoise(x, sigma));
  }

  belief(x, sigma) {
    return { mean: this.denoise(x, sigma), width: (this.guidance ? this.bound : this.free).belief(x, sigma).width };
  }
}

function softmax(logs) {
  const top = Math.max(...logs), shares = logs.map(log => Math.exp(log - top));
  const sum = shares.reduce((a, b) => a + b);
  return shares.map(share => share / sum);
}

function weighed(parts, arrays) {
  const out = filled(arrays[0].length, 0);
  arrays.forEach((array, k) => {
    if (parts[k] < 1e-18) return; // too little to change a double
    for (let i = 0; i < out.length; i++) out[i] += parts[k] * array[i];
  });
  return out;
}

// Ten digits, each at nine places, from rows of five bits: bilinear interpolation of the framed bits, as torch does it.
export function glyphs({ digits, dark, bright, shifts }, side) {
  const templates = [], labels = [];
  digits.forEach((rows, digit) => {
    const clean = enlarged(framed(rows), side).map(value => dark + (bright - dark) * value);
    for (const down of shifts) {
      for (const right of shifts) {
        templates.push(rolled(clean, side, Math.round(down * side / 16), Math.round(right * side / 16)));
        labels.push(String(digit));
      }
    }
  });
  return { templates, labels };
}

// 7 rows of 5 pixels in a frame of one row and two columns: 9 x 9.
function framed(rows) {
  const out = filled(81, 0);
  rows.forEach((row, r) => [0, 1, 2, 3, 4].forEach(c => { out[9 * (r + 1) + c + 2] = row >> (4 - c) & 1; }));
  return out;
}

function enlarged(picture, side) {
  const small = Math.sqrt(picture.length);
  const near = Array.from({ length: side }, (_, i) => {
    const at = Math.min(Math.max((i + 0.5) * small / side - 0.5, 0), small - 1), low = Math.floor(at);
    return [low, Math.min(low + 1, small - 1), at - low];
  });
  return Float64Array.from({ length: side * side }, (_, i) => {
    const [top, bottom, down] = near[Math.floor(i / side)], [left, right, across] = near[i % side];
    const row = r => (1 - across) * picture[small * r + left] + across * picture[small * r + right];
    return (1 - down) * row(top) + down * row(bottom);
  });
}

function rolled(picture, side, down, right) {
  const from = (i, by) => (i - by + side) % side;
  return picture.map((_, i) => picture[side * from(Math.floor(i / side), down) + from(i % side, right)]);
}
