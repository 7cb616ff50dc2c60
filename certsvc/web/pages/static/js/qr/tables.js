// Figures of ISO/IEC 18004:2024, tables 7 and 9, and annex E: what a code of each version holds and where its alignment
// patterns lie.

/** Per version: codewords, then for the levels with format bits 00 (M), 01 (L), 10 (H), 11 (Q): check words per block, blocks. */
const BLOCKS = [
  [26, 10, 1, 7, 1, 17, 1, 13, 1], [44, 16, 1, 10, 1, 28, 1, 22, 1],
  [70, 26, 1, 15, 1, 22, 2, 18, 2], [100, 18, 2, 20, 1, 16, 4, 26, 2],
  [134, 24, 2, 26, 1, 22, 4, 18, 4], [172, 16, 4, 18, 2, 28, 4, 24, 4],
  [196, 18, 4, 20, 2, 26, 5, 18, 6], [242, 22, 4, 24, 2, 26, 6, 22, 6],
  [292, 22, 5, 30, 2, 24, 8, 20, 8], [346, 26, 5, 18, 4, 28, 8, 24, 8],
  [404, 30, 5, 20, 4, 24, 11, 28, 8], [466, 22, 8, 24, 4, 28, 11, 26, 10],
  [532, 22, 9, 26, 4, 22, 16, 24, 12], [581, 24, 9, 30, 4, 24, 16, 20, 16],
  [655, 24, 10, 22, 6, 24, 18, 30, 12], [733, 28, 10, 24, 6, 30, 16, 24, 17],
  [815, 28, 11, 28, 6, 28, 19, 28, 16], [901, 26, 13, 30, 6, 28, 21, 28, 18],
  [991, 26, 14, 28, 7, 26, 25, 26, 21], [1085, 26, 16, 28, 8, 28, 25, 30, 20],
  [1156, 26, 17, 28, 8, 30, 25, 28, 23], [1258, 28, 17, 28, 9, 24, 34, 30, 23],
  [1364, 28, 18, 30, 9, 30, 30, 30, 25], [1474, 28, 20, 30, 10, 30, 32, 30, 27],
  [1588, 28, 21, 26, 12, 30, 35, 30, 29], [1706, 28, 23, 28, 12, 30, 37, 28, 34],
  [1828, 28, 25, 30, 12, 30, 40, 30, 34], [1921, 28, 26, 30, 13, 30, 42, 30, 35],
  [2051, 28, 28, 30, 14, 30, 45, 30, 38], [2185, 28, 29, 30, 15, 30, 48, 30, 40],
  [2323, 28, 31, 30, 16, 30, 51, 30, 43], [2465, 28, 33, 30, 17, 30, 54, 30, 45],
  [2611, 28, 35, 30, 18, 30, 57, 30, 48], [2761, 28, 37, 30, 19, 30, 60, 30, 51],
  [2876, 28, 38, 30, 19, 30, 63, 30, 53], [3034, 28, 40, 30, 20, 30, 66, 30, 56],
  [3196, 28, 43, 30, 21, 30, 70, 30, 59], [3362, 28, 45, 30, 22, 30, 74, 30, 62],
  [3532, 28, 47, 30, 24, 30, 77, 30, 65], [3706, 28, 49, 30, 25, 30, 81, 30, 68],
];

/** Codewords, check words per block and number of blocks of `version` at the level with format bits `level`. */
export function blocksOf(version, level) {
  const row = BLOCKS[version - 1];
  return { total: row[0], check: row[1 + 2 * level], count: row[2 + 2 * level] };
}

/** Rows and columns of the centres of the alignment patterns; empty for version 1. */
export function alignment(version) {
  if (version === 1) return [];
  const last = 4 * version + 10;
  const count = Math.floor(version / 7) + 2;
  const step = version === 32 ? 26 : 2 * Math.ceil((last - 6) / (2 * (count - 1)));
  const places = [6];
  for (let index = count - 2; index >= 0; index -= 1) places.push(last - index * step);
  return places;
}
