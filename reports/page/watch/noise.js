// Noise that can be had again: the same seed, the same numbers.

export class Noise {
  constructor(...seed) {
    this.state = seed.reduce((mixed, value) => Math.imul(mixed ^ value + 0x9e3779b9, 0x85ebca6b) ^ mixed >>> 13, 0x2545f491);
  }

  // Between 0 and 1 (mulberry32).
  uniform() {
    this.state = this.state + 0x6d2b79f5 | 0;
    let t = Math.imul(this.state ^ this.state >>> 15, 1 | this.state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  }

  // n standard normal numbers (Box, Muller 1958).
  normal(n) {
    return Float64Array.from({ length: n }, () => Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform()));
  }
}
