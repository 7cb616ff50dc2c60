// Reed-Solomon correction over GF(256) with the polynomial x^8+x^4+x^3+x^2+1 (ISO/IEC 18004, 7.5.2; annex B).
const FIELD = 0x11d;
const EXP = new Uint8Array(510);
const LOG = new Uint8Array(256);
for (let power = 0, value = 1; power < 255; power += 1) {
  EXP[power] = value;
  EXP[power + 255] = value;
  LOG[value] = power;
  value <<= 1;
  if (value & 0x100) value ^= FIELD;
}

const times = (a, b) => (a && b ? EXP[LOG[a] + LOG[b]] : 0);
const inverse = (a) => EXP[255 - LOG[a]];

/** The polynomial (lowest power first) at `x`. */
function at(polynomial, x) {
  let sum = 0;
  for (let index = polynomial.length - 1; index >= 0; index -= 1) sum = times(sum, x) ^ polynomial[index];
  return sum;
}

/** Berlekamp and Massey: the shortest error locator that explains the syndromes. */
function locator(syndromes) {
  let current = [1];
  let previous = [1];
  let gap = 1;
  let length = 0;
  let lastOff = 1;
  for (let n = 0; n < syndromes.length; n += 1) {
    let off = syndromes[n];
    for (let index = 1; index <= length; index += 1) off ^= times(current[index] || 0, syndromes[n - index]);
    if (off === 0) {
      gap += 1;
      continue;
    }
    const factor = times(off, inverse(lastOff));
    const next = current.slice();
    for (let index = 0; index < previous.length; index += 1) next[index + gap] = (next[index + gap] || 0) ^ times(factor, previous[index]);
    if (2 * length <= n) {
      previous = current;
      lastOff = off;
      length = n + 1 - length;
      gap = 1;
    } else {
      gap += 1;
    }
    current = Array.from(next, (value) => value || 0);
  }
  return { polynomial: current.slice(0, length + 1), length };
}

/** Correct `block` (data, then `check` check words) in place; false when there are too many errors. */
export function correct(block, check) {
  const reversed = Array.from(block).reverse();
  const syndromes = [];
  for (let power = 0; power < check; power += 1) syndromes.push(at(reversed, EXP[power]));
  if (syndromes.every((value) => value === 0)) return true;
  const { polynomial, length } = locator(syndromes);
  if (2 * length > check) return false;
  const places = [];
  for (let place = 0; place < block.length; place += 1) if (at(polynomial, EXP[255 - (place % 255)]) === 0) places.push(place);
  if (places.length !== length) return false;
  // Forney: the size of each error from the evaluator polynomial and the locator's derivative.
  const evaluator = new Array(check).fill(0);
  for (let i = 0; i < check; i += 1) for (let j = 0; j <= Math.min(i, length); j += 1) evaluator[i] ^= times(polynomial[j] || 0, syndromes[i - j]);
  for (const place of places) {
    const x = EXP[place];
    const xInverse = EXP[255 - place];
    let derivative = 0;
    for (let power = 1; power <= length; power += 2) derivative ^= times(polynomial[power] || 0, EXP[(255 - place) * (power - 1) % 255]);
    if (derivative === 0) return false;
    reversed[place] ^= times(x, times(at(evaluator, xInverse), inverse(derivative)));
  }
  for (let power = 0; power < check; power += 1) if (at(reversed, EXP[power]) !== 0) return false;
  block.set(reversed.reverse());
  return true;
}
