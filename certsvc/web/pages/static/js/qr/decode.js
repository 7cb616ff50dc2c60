// Reads a QR code from pixels, for browsers without a reader of their own (ISO/IEC 18004, clause 11).
import { darkNear, darkOverall, greyOf } from "./binarize.js";
import { alignmentNear, corners, triples, unitAlong } from "./locate.js";
import { dataOf } from "./matrix.js";
import { textOf } from "./text.js";

const LARGEST = 177;

/** The text of a code in an RGBA picture, or null when none can be read. */
export function decode(rgba, width, height) {
  const grey = greyOf(rgba, width, height);
  for (const dark of [darkNear(grey, width, height), darkOverall(grey)]) {
    for (const marks of triples(corners(dark, width, height))) {
      const text = readAt(dark, width, height, marks);
      if (text !== null) return text;
    }
  }
  return null;
}

function readAt(dark, width, height, [topLeft, topRight, bottomLeft]) {
  const units = [[topLeft, topRight], [topRight, topLeft], [topLeft, bottomLeft], [bottomLeft, topLeft]].map(([from, to]) => unitAlong(dark, width, height, from, to)).filter((unit) => unit);
  if (!units.length) return null;
  const unit = units.reduce((sum, one) => sum + one, 0) / units.length;
  const across = (Math.hypot(topRight.x - topLeft.x, topRight.y - topLeft.y) + Math.hypot(bottomLeft.x - topLeft.x, bottomLeft.y - topLeft.y)) / 2;
  const nearest = 17 + 4 * Math.max(1, Math.round((across / unit + 7 - 17) / 4));
  for (const size of [nearest, nearest - 4, nearest + 4]) {
    if (size < 21 || size > LARGEST) continue;
    for (const modules of squares(dark, width, height, topLeft, topRight, bottomLeft, size)) {
      const read = dataOf(modules, size);
      const text = read && textOf(read.data, read.version);
      if (text) return text;
    }
  }
  return null;
}

/** The modules as seen with the alignment mark as fourth corner, then without it. */
function* squares(dark, width, height, topLeft, topRight, bottomLeft, size) {
  const span = size - 7;
  const u = { x: (topRight.x - topLeft.x) / span, y: (topRight.y - topLeft.y) / span };
  const v = { x: (bottomLeft.x - topLeft.x) / span, y: (bottomLeft.y - topLeft.y) / span };
  const three = [[3.5, 3.5, topLeft], [size - 3.5, 3.5, topRight], [3.5, size - 3.5, bottomLeft]];
  if (size > 21) {
    const guess = { x: topLeft.x + (span - 3) * (u.x + v.x), y: topLeft.y + (span - 3) * (u.y + v.y) };
    const mark = alignmentNear(dark, width, height, guess, u, v);
    if (mark) yield sample(dark, width, height, size, [...three, [size - 6.5, size - 6.5, mark]]);
  }
  const corner = { x: topRight.x + bottomLeft.x - topLeft.x, y: topRight.y + bottomLeft.y - topLeft.y };
  yield sample(dark, width, height, size, [...three, [size - 3.5, size - 3.5, corner]]);
}

/** Five looks at every module; the majority decides. */
function sample(dark, width, height, size, pairs) {
  const h = perspective(pairs);
  const modules = new Uint8Array(size * size);
  for (let r = 0; r < size; r += 1) {
    for (let c = 0; c < size; c += 1) {
      let votes = 0;
      for (const [dx, dy] of [[0.5, 0.5], [0.3, 0.5], [0.7, 0.5], [0.5, 0.3], [0.5, 0.7]]) {
        const mx = c + dx;
        const my = r + dy;
        const w = h[6] * mx + h[7] * my + 1;
        const x = Math.floor((h[0] * mx + h[1] * my + h[2]) / w);
        const y = Math.floor((h[3] * mx + h[4] * my + h[5]) / w);
        if (x >= 0 && y >= 0 && x < width && y < height) votes += dark[y * width + x];
      }
      modules[r * size + c] = votes >= 3 ? 1 : 0;
    }
  }
  return modules;
}

/** The eight numbers that carry module places to pixels, from four pairs, by elimination. */
function perspective(pairs) {
  const rows = [];
  for (const [mx, my, { x, y }] of pairs) {
    rows.push([mx, my, 1, 0, 0, 0, -mx * x, -my * x, x], [0, 0, 0, mx, my, 1, -mx * y, -my * y, y]);
  }
  for (let column = 0; column < 8; column += 1) {
    let pivot = column;
    for (let row = column + 1; row < 8; row += 1) if (Math.abs(rows[row][column]) > Math.abs(rows[pivot][column])) pivot = row;
    [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
    for (let row = 0; row < 8; row += 1) {
      if (row === column) continue;
      const factor = rows[row][column] / rows[column][column];
      for (let index = column; index < 9; index += 1) rows[row][index] -= factor * rows[column][index];
    }
  }
  return rows.map((row, index) => row[8] / row[index]);
}
