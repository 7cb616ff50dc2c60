// From a square of dark and light modules to its bytes: format, mask, order of codewords (ISO/IEC 18004, 7.7 to 7.9).
import { correct } from "./correct.js";
import { alignment, blocksOf } from "./tables.js";

const FORMAT_XOR = 0x5412;
const FORMAT_CHECK = 0x537;
const MOST_WRONG = 3;

/** The 32 format words: five bits and their ten check bits. */
const FORMATS = Array.from({ length: 32 }, (_, data) => {
  let rest = data << 10;
  for (let bit = 14; bit >= 10; bit -= 1) if (rest & (1 << bit)) rest ^= FORMAT_CHECK << (bit - 10);
  return ((data << 10) | rest) ^ FORMAT_XOR;
});

const MASKS = [
  (r, c) => (r + c) % 2 === 0,
  (r) => r % 2 === 0,
  (r, c) => c % 3 === 0,
  (r, c) => (r + c) % 3 === 0,
  (r, c) => (Math.floor(r / 2) + Math.floor(c / 3)) % 2 === 0,
  (r, c) => ((r * c) % 2) + ((r * c) % 3) === 0,
  (r, c) => (((r * c) % 2) + ((r * c) % 3)) % 2 === 0,
  (r, c) => (((r + c) % 2) + ((r * c) % 3)) % 2 === 0,
];

function differing(a, b) {
  let rest = a ^ b;
  let count = 0;
  for (; rest; rest &= rest - 1) count += 1;
  return count;
}

/** Level and mask from the better of the two copies, or null. */
function format(modules, size) {
  let first = 0;
  for (const [r, c] of [[8, 0], [8, 1], [8, 2], [8, 3], [8, 4], [8, 5], [8, 7], [8, 8], [7, 8], [5, 8], [4, 8], [3, 8], [2, 8], [1, 8], [0, 8]]) first = (first << 1) | modules[r * size + c];
  let second = 0;
  for (let index = 1; index <= 7; index += 1) second = (second << 1) | modules[(size - index) * size + 8];
  for (let index = 8; index >= 1; index -= 1) second = (second << 1) | modules[8 * size + size - index];
  let best = null;
  for (let data = 0; data < 32; data += 1) {
    const wrong = Math.min(differing(FORMATS[data], first), differing(FORMATS[data], second));
    if (wrong <= MOST_WRONG && (!best || wrong < best.wrong)) best = { level: data >> 3, mask: data & 7, wrong };
  }
  return best;
}

/** Which modules carry no data. */
function reserved(version, size) {
  const taken = new Uint8Array(size * size);
  const fill = (row, column, height, width) => { for (let r = row; r < row + height; r += 1) taken.fill(1, r * size + column, r * size + column + width); };
  fill(0, 0, 9, 9);
  fill(0, size - 8, 9, 8);
  fill(size - 8, 0, 8, 9);
  fill(6, 0, 1, size);
  for (let r = 0; r < size; r += 1) taken[r * size + 6] = 1;
  const centres = alignment(version);
  const last = centres.length - 1;
  centres.forEach((r, i) => centres.forEach((c, j) => {
    const inFinder = (i === 0 && j === 0) || (i === 0 && j === last) || (i === last && j === 0);
    if (!inFinder) fill(r - 2, c - 2, 5, 5);
  }));
  if (version >= 7) {
    fill(0, size - 11, 6, 3);
    fill(size - 11, 0, 3, 6);
  }
  return taken;
}

/** The codewords in the order of the zigzag, unmasked. */
function codewords(modules, size, version, mask, total) {
  const taken = reserved(version, size);
  const words = new Uint8Array(total);
  let bits = 0;
  let upwards = true;
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right -= 1;
    for (let step = 0; step < size; step += 1) {
      const r = upwards ? size - 1 - step : step;
      for (const c of [right, right - 1]) {
        if (taken[r * size + c] || bits >= total * 8) continue;
        const dark = modules[r * size + c] ^ (MASKS[mask](r, c) ? 1 : 0);
        words[bits >> 3] |= dark << (7 - (bits & 7));
        bits += 1;
      }
    }
    upwards = !upwards;
  }
  return words;
}

/** The data bytes of a square of modules (1 dark, row by row), or null when it is no readable code. */
export function dataOf(modules, size) {
  const version = (size - 17) / 4;
  const read = format(modules, size);
  if (!read) return null;
  const { total, check, count } = blocksOf(version, read.level);
  const words = codewords(modules, size, version, read.mask, total);
  const short = Math.floor(total / count) - check;
  const longFrom = count - (total % count);
  const blocks = Array.from({ length: count }, (_, index) => new Uint8Array(short + (index >= longFrom ? 1 : 0) + check));
  let next = 0;
  for (let place = 0; place <= short; place += 1) blocks.forEach((block, index) => { if (place < short || index >= longFrom) block[place] = words[next++]; });
  for (let place = 0; place < check; place += 1) for (const block of blocks) block[block.length - check + place] = words[next++];
  const data = [];
  for (const block of blocks) {
    if (!correct(block, check)) return null;
    data.push(...block.subarray(0, block.length - check));
  }
  return { version, data: Uint8Array.from(data) };
}
