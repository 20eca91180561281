// What is covered of a picture [side, side], pixel by pixel: 1 where nothing is measured (problems/masks.py, the other way round).
import { Noise } from "./noise.js";

const covers = (side, isCovered) => Uint8Array.from({ length: side * side }, (_, i) => isCovered(Math.floor(i / side), i % side) ? 1 : 0);

export const MASKS = {
  half: side => covers(side, (_, column) => column < 0.56 * side), // a 3 and an 8 differ there
  box: side => covers(side, (row, column) => [row, column].every(at => at >= side / 4 && at < 3 * side / 4)),
  random: (side, seed) => { const noise = new Noise(seed, 5); return covers(side, () => noise.uniform() < 0.5); },
  none: side => covers(side, () => false),
};

// Three by three pixels covered or uncovered; one pixel at least stays measured.
export function brushed(mask, row, column, cover) {
  const side = Math.sqrt(mask.length), next = mask.slice();
  for (let r = Math.max(row - 1, 0); r <= Math.min(row + 1, side - 1); r++) {
    for (let c = Math.max(column - 1, 0); c <= Math.min(column + 1, side - 1); c++) next[side * r + c] = cover;
  }
  return next.every(Boolean) ? mask : next;
}

// Four pixels to a letter, as in an address.
export const written = mask =>
  Array.from({ length: mask.length / 4 }, (_, i) => [0, 1, 2, 3].reduce((sum, bit) => 2 * sum + mask[4 * i + bit], 0).toString(16)).join("");

// null for a text that is no mask, or covers all.
export function readMask(text, side) {
  if (!new RegExp(`^[0-9a-f]{${side * side / 4}}$`).test(text) || /^f+$/.test(text)) return null;
  return Uint8Array.from({ length: side * side }, (_, i) => parseInt(text[i >> 2], 16) >> 3 - i % 4 & 1);
}
