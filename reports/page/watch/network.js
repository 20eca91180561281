// A learned prior in the slot: the shipped U-Net that is told the noise level (priors/network.py), in plain loops.
import { Covariance } from "./data.js";

const BLOCK = 4; // pixels of a row and output channels that are computed together: their sums stay in registers

// Features with a rim of zeros, channel by channel: [channels, height + 2, width + 2]. Widths are multiples of BLOCK.
class Features {
  constructor(channels, height, width) {
    Object.assign(this, { channels, height, width, line: width + 2, plane: (height + 2) * (width + 2) });
    this.values = new Float32Array(channels * this.plane);
  }

  at(row, column) { return (row + 1) * this.line + column + 1; }

  // Change every value that is no rim: f(value, channel, pixel).
  change(f) {
    for (let c = 0; c < this.channels; c++) {
      for (let row = 0; row < this.height; row++) {
        const start = c * this.plane + this.at(row, 0);
        for (let i = start; i < start + this.width; i++) this.values[i] = f(this.values[i], c, i);
      }
    }
    return this;
  }
}

// The tensors of a .safetensors file of half floats, by name.
export function tensors(buffer) {
  const view = new DataView(buffer), length = Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  delete header.__metadata__;
  return Object.fromEntries(Object.entries(header).map(([name, { shape, data_offsets: [from, to] }]) => {
    const values = new Float32Array((to - from) / 2);
    for (let i = 0; i < values.length; i++) values[i] = half(view.getUint16(8 + length + from + 2 * i, true));
    return [name, { shape, values }];
  }));
}

function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = bits >> 10 & 31, fraction = bits & 1023;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * fraction / 1024);
}

// A convolution's weights, of weight(output, input, row, column), in the order in which they are met: BLOCK outputs side by side.
function packed(weight, bias, outputs, inputs, rows, columns) {
  const padded = Math.ceil(outputs / BLOCK) * BLOCK, values = [];
  for (let o = 0; o < padded; o += BLOCK) {
    for (let i = 0; i < inputs; i++) {
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < columns; c++) for (let b = o; b < o + BLOCK; b++) values.push(b < outputs ? weight(b, i, r, c) : 0);
      }
    }
  }
  return { values: Float32Array.from(values), bias: Float32Array.from({ length: padded }, (_, o) => bias[o] ?? 0), outputs, inputs, rows, columns };
}

// A convolution [outputs, inputs, n, n] of a file, and a transposed one [inputs, outputs, 2, 2] as one for each of its four pixels.
function convolution(found, name) {
  const { shape: [outputs, inputs, rows, columns], values } = found[`${name}.weight`];
  return packed((o, i, r, c) => values[((o * inputs + i) * rows + r) * columns + c], found[`${name}.bias`].values, outputs, inputs, rows, columns);
}

function transposed(found, name) {
  const { shape: [inputs, outputs], values } = found[`${name}.weight`], bias = found[`${name}.bias`].values;
  return [0, 1, 2, 3].map(pixel => packed((o, i) => values[(i * outputs + o) * 4 + pixel], bias, outputs, inputs, 1, 1));
}

// out(row, column) = bias + sum of weights times the pixels from (stride * row - reach, stride * column - reach) on. ``outAt`` says where
// in ``out`` it stands, ``step`` how far apart neighbours are there.
function convolve(input, layer, out, { height, width, stride = 1, reach = 0, step = 1, outAt = (row, column) => out.at(row, column) }) {
  const { values: w, bias, outputs, inputs, rows, columns } = layer, x = input.values, y = out.values;
  const offsets = new Int32Array(inputs * rows * columns);
  for (let i = 0, k = 0; i < inputs; i++) for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) offsets[k++] = i * input.plane + r * input.line + c;
  for (let o = 0; o < outputs; o += BLOCK) {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column += BLOCK) {
        const sums = inner(x, offsets, w, o * offsets.length, input.at(stride * row - reach, stride * column - reach), stride, bias, o);
        const place = outAt(row, column);
        for (let b = 0; b < BLOCK && o + b < outputs; b++) for (let j = 0; j < BLOCK; j++) y[(o + b) * out.plane + place + j * step] = sums[BLOCK * b + j];
      }
    }
  }
  return out;
}

const SUMS = new Float64Array(BLOCK * BLOCK);

// Four outputs at four neighbouring pixels: nearly all of the time is spent in this loop.
function inner(x, offsets, w, start, place, stride, bias, o) {
  let a0 = bias[o], a1 = a0, a2 = a0, a3 = a0, b0 = bias[o + 1], b1 = b0, b2 = b0, b3 = b0;
  let c0 = bias[o + 2], c1 = c0, c2 = c0, c3 = c0, d0 = bias[o + 3], d1 = d0, d2 = d0, d3 = d0;
  for (let k = 0, q = start; k < offsets.length; k++, q += 4) {
    const p = place + offsets[k], x0 = x[p], x1 = x[p + stride], x2 = x[p + 2 * stride], x3 = x[p + 3 * stride];
    const wa = w[q], wb = w[q + 1], wc = w[q + 2], wd = w[q + 3];
    a0 += wa * x0; a1 += wa * x1; a2 += wa * x2; a3 += wa * x3;
    b0 += wb * x0; b1 += wb * x1; b2 += wb * x2; b3 += wb * x3;
    c0 += wc * x0; c1 += wc * x1; c2 += wc * x2; c3 += wc * x3;
    d0 += wd * x0; d1 += wd * x1; d2 += wd * x2; d3 += wd * x3;
  }
  SUMS[0] = a0; SUMS[1] = a1; SUMS[2] = a2; SUMS[3] = a3; SUMS[4] = b0; SUMS[5] = b1; SUMS[6] = b2; SUMS[7] = b3;
  SUMS[8] = c0; SUMS[9] = c1; SUMS[10] = c2; SUMS[11] = c3; SUMS[12] = d0; SUMS[13] = d1; SUMS[14] = d2; SUMS[15] = d3;
  return SUMS;
}

const same = (input, layer) =>
  convolve(input, layer, new Features(layer.outputs, input.height, input.width), { height: input.height, width: input.width, reach: 1 });

function down(input, layer) {
  const height = input.height / 2, width = input.width / 2;
  return convolve(input, layer, new Features(layer.outputs, height, width), { height, width, stride: 2 });
}

function up(input, layers) {
  const { height, width } = input, out = new Features(layers[0].outputs, 2 * height, 2 * width);
  layers.forEach((layer, pixel) => {
    const outAt = (row, column) => out.at(2 * row + (pixel >> 1), 2 * column + pixel % 2);
    convolve(input, layer, out, { height, width, step: 2, outAt });
  });
  return out;
}

const sum = (a, b) => a.change((value, _, i) => value + b.values[i]);
const silu = values => values.map(value => value / (1 + Math.exp(-value)));

function linear(found, name, x) {
  const { shape: [outputs, inputs], values } = found[`${name}.weight`], bias = found[`${name}.bias`].values;
  return Float64Array.from({ length: outputs }, (_, o) => {
    let total = bias[o];
    for (let i = 0; i < inputs; i++) total += values[o * inputs + i] * x[i];
    return total;
  });
}

// E[clean | x] as the network has learned it, and how far it errs: what Learned.belief of priors/learned.py answers.
export class Network {
  // card: widths, blocks, mean, std, lowest sigma, and the measured correlation of its errors.
  constructor(buffer, card, shape) {
    Object.assign(this, { found: tensors(buffer), card, shape, layers: new Map() });
  }

  layer(name, make = convolution) {
    if (!this.layers.has(name)) this.layers.set(name, make(this.found, `net.${name}`));
    return this.layers.get(name);
  }

  denoise(x, sigma) { return this.belief(x, sigma).mean; }

  belief(x, sigma) {
    const { mean, std, lowest } = this.card, at = Math.max(sigma, lowest), total = Math.hypot(at, std), shrink = Math.min(1, sigma / lowest);
    const [skip, out] = [std ** 2 / total ** 2, at * std / total], z = x.map(value => value - mean);
    const [residual, logStd] = this.run(z.map(value => value / total), Math.log(at) / 4);
    const clean = x.map((value, i) => value + shrink ** 2 * (mean + skip * z[i] + out * residual[i] - value));
    const pixel = logStd.map(value => shrink * out * Math.exp(Math.min(Math.max(value, Math.log(1 / 200)), Math.log(4))));
    return { mean: clean, width: new Covariance(pixel, this.correlation(sigma), this.shape) };
  }

  run(scaled, level) {
    const [height, width] = this.shape, { blocks } = this.card, depth = blocks.length - 1, skips = [];
    const told = silu(linear(this.found, "net.embed.2", silu(linear(this.found, "net.embed.0", [level]))));
    const input = new Features(1, height, width);
    for (let row = 0; row < height; row++) for (let column = 0; column < width; column++) input.values[input.at(row, column)] = scaled[row * width + column];
    let h = same(input, this.layer("head"));
    for (let scale = 0; scale < depth; scale++) {
      h = this.through(`encoder.${scale}`, blocks[scale], h, told);
      skips.push(h);
      h = down(h, this.layer(`down.${scale}`));
    }
    h = this.through("bottom", blocks[depth], h, told);
    for (let scale = 0; scale < depth; scale++) {
      h = sum(up(h, this.layer(`up.${scale}`, transposed)), skips.pop());
      h = this.through(`decoder.${scale}`, blocks[depth - 1 - scale], h, told);
    }
    return [same(h, this.layer("tail")), this.modulated("variance", h, told)].map(features => pixels(features));
  }

  through(name, count, h, told) {
    for (let i = 0; i < count; i++) h = sum(this.modulated(`${name}.${i}`, h, told), h);
    return h;
  }

  // Two convolutions, between them the noise level scales and shifts the features (FiLM).
  modulated(name, h, told) {
    const film = linear(this.found, `net.${name}.film`, told), first = same(h, this.layer(`${name}.first`)), n = first.channels;
    return same(first.change((value, c) => Math.max((1 + film[c]) * value + film[n + c], 0)), this.layer(`${name}.second`));
  }

  // How errors, divided by their own widths, spread over frequencies: measured at some levels and bands, interpolated between them.
  correlation(sigma) {
    const { levels, bands, correlation } = this.card.error, [height, width] = this.shape;
    const place = between(Math.log(Math.max(sigma, levels[0])), levels.map(Math.log)), low = Math.min(Math.floor(place), levels.length - 2);
    const rows = correlation[low].map((value, i) => Math.exp((1 - place + low) * Math.log(value) + (place - low) * Math.log(correlation[low + 1][i])));
    const frequency = (i, n) => Math.min(i, n - i) / n;
    return Float64Array.from({ length: height * width }, (_, i) => {
      const at = between(Math.hypot(frequency(Math.floor(i / width), height), frequency(i % width, width)), bands), k = Math.min(Math.floor(at), bands.length - 2);
      return rows[k] + (at - k) * (rows[k + 1] - rows[k]);
    });
  }
}

// Where a value lies among rising ones: 2.5 is half way from the third to the fourth.
function between(value, rising) {
  const above = rising.findIndex(each => each >= value);
  if (above < 0) return rising.length - 1;
  return above === 0 ? 0 : above - 1 + (value - rising[above - 1]) / (rising[above] - rising[above - 1]);
}

const pixels = features =>
  Float64Array.from({ length: features.height * features.width }, (_, i) => features.values[features.at(Math.floor(i / features.width), i % features.width)]);
