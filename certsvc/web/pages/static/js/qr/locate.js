// Where a code lies in a picture: its three corner marks, the size of its modules, and the mark near the fourth corner.
const SHARES = [1, 1, 3, 1, 1];
const SPREAD = 0.5;
const MOST_MARKS = 20;
const MOST_TRIES = 10;

/** Whether five runs stand as 1:1:3:1:1. */
function likeFinder(runs) {
  const total = runs[0] + runs[1] + runs[2] + runs[3] + runs[4];
  if (total < 7) return false;
  const unit = total / 7;
  return SHARES.every((share, index) => Math.abs(runs[index] - share * unit) < share * unit * SPREAD + 0.6);
}

/** Runs through (x, y) in the direction (dx, dy), dark in the middle; null when they are no corner mark. */
function cross(dark, width, height, x, y, dx, dy) {
  const is = (px, py) => (px >= 0 && py >= 0 && px < width && py < height ? dark[py * width + px] : -1);
  const runs = [0, 0, 0, 0, 0];
  const walk = (sign) => {
    let px = x + (sign > 0 ? dx : 0);
    let py = y + (sign > 0 ? dy : 0);
    for (const [slot, colour] of [[2, 1], [2 + sign, 0], [2 + 2 * sign, 1]]) {
      while (is(px, py) === colour) {
        runs[slot] += 1;
        px += sign * dx;
        py += sign * dy;
      }
    }
  };
  walk(-1);
  const before = runs[2];
  walk(1);
  if (!likeFinder(runs)) return null;
  const total = runs.reduce((sum, run) => sum + run, 0);
  const misfit = SHARES.reduce((sum, share, index) => sum + Math.abs((runs[index] * 7) / total - share), 0);
  return { shift: runs[2] - 2 * before + 1, total, misfit };
}

/** Corner marks, the most regular and most often seen first: {x, y, unit (pixels of a module), misfit, hits}. */
export function corners(dark, width, height) {
  const marks = [];
  const add = (x, y, unit, misfit) => {
    const near = marks.find((mark) => Math.hypot(mark.x - x, mark.y - y) < mark.unit * 2.5);
    if (!near) {
      marks.push({ x, y, unit, misfit, hits: 1 });
      return;
    }
    near.x = (near.x * near.hits + x) / (near.hits + 1);
    near.y = (near.y * near.hits + y) / (near.hits + 1);
    near.unit = (near.unit * near.hits + unit) / (near.hits + 1);
    near.misfit = (near.misfit * near.hits + misfit) / (near.hits + 1);
    near.hits += 1;
  };
  for (let y = 0; y < height; y += 1) {
    let runs = [0, 0, 0, 0, 0];
    let colour = 0;
    for (let x = 0; x <= width; x += 1) {
      const value = x < width ? dark[y * width + x] : -1;
      if (value === colour) {
        runs[4] += 1;
        continue;
      }
      if (colour === 1 && likeFinder(runs)) {
        const middle = Math.round(x - runs[4] - runs[3] - runs[2] / 2 - 0.5);
        const down = cross(dark, width, height, middle, y, 0, 1);
        if (down) {
          const cy = Math.round(y + down.shift / 2);
          const along = cross(dark, width, height, middle, cy, 1, 0);
          const centre = middle + Math.round((along ? along.shift : 0) / 2);
          // A corner mark looks the same along its diagonals; data rarely does.
          const falling = along && cross(dark, width, height, centre, cy, 1, 1);
          const rising = falling && cross(dark, width, height, centre, cy, 1, -1);
          if (rising) add(middle + along.shift / 2 + 0.5, y + down.shift / 2 + 0.5, (down.total + along.total) / 14, down.misfit + along.misfit + falling.misfit + rising.misfit);
        }
      }
      runs = [runs[1], runs[2], runs[3], runs[4], 1];
      colour = value;
    }
  }
  return marks.sort((a, b) => b.hits / (1 + b.misfit) - a.hits / (1 + a.misfit)).slice(0, MOST_MARKS);
}

/** Sets of three marks that could be one code, the likeliest first, each in the order top left, top right, bottom left. */
export function triples(marks) {
  const found = [];
  for (let i = 0; i < marks.length; i += 1) {
    for (let j = i + 1; j < marks.length; j += 1) {
      for (let k = j + 1; k < marks.length; k += 1) {
        const three = [marks[i], marks[j], marks[k]];
        const units = three.map((mark) => mark.unit);
        if (Math.max(...units) > 1.5 * Math.min(...units)) continue;
        const far = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);
        const sides = [[0, 1, 2], [0, 2, 1], [1, 2, 0]].map(([a, b, other]) => ({ length: far(three[a], three[b]), a: three[a], b: three[b], other: three[other] }));
        sides.sort((a, b) => b.length - a.length);
        const [long, mid, short] = sides;
        const skew = Math.abs(long.length ** 2 - mid.length ** 2 - short.length ** 2) / long.length ** 2 + (mid.length - short.length) / mid.length + Math.max(...units) / Math.min(...units) - 1;
        if (skew > 1 || short.length < 10 * Math.min(...units)) continue;
        const corner = long.other;
        const turn = (long.a.x - corner.x) * (long.b.y - corner.y) - (long.a.y - corner.y) * (long.b.x - corner.x);
        found.push({ skew, marks: turn > 0 ? [corner, long.a, long.b] : [corner, long.b, long.a] });
      }
    }
  }
  return found.sort((a, b) => a.skew - b.skew).slice(0, MOST_TRIES).map((item) => item.marks);
}

/** Pixels of one module, measured from the middle of the mark `from` towards `to`: 3.5 modules to the mark's outer edge. */
export function unitAlong(dark, width, height, from, to) {
  const distance = Math.hypot(to.x - from.x, to.y - from.y);
  const dx = (to.x - from.x) / distance;
  const dy = (to.y - from.y) / distance;
  let changes = 0;
  let colour = 1;
  for (let step = 0; step < distance; step += 0.25) {
    const x = Math.floor(from.x + dx * step);
    const y = Math.floor(from.y + dy * step);
    if (x < 0 || y < 0 || x >= width || y >= height) break;
    if (dark[y * width + x] !== colour) {
      colour = 1 - colour;
      changes += 1;
      if (changes === 3) return step / 3.5;
    }
  }
  return null;
}

/** The middle of the alignment mark near `guess`; `u` and `v` are one module along a row and a column. Null when unsure. */
export function alignmentNear(dark, width, height, guess, u, v) {
  const reach = 5;
  const step = Math.max(0.5, Math.hypot(u.x, u.y) / 3);
  const span = reach * Math.hypot(u.x, u.y);
  let best = 0;
  let sumX = 0;
  let sumY = 0;
  let count = 0;
  for (let oy = -span; oy <= span; oy += step) {
    for (let ox = -span; ox <= span; ox += step) {
      let score = 0;
      for (let r = -2; r <= 2; r += 1) {
        for (let c = -2; c <= 2; c += 1) {
          const x = Math.floor(guess.x + ox + c * u.x + r * v.x);
          const y = Math.floor(guess.y + oy + c * u.y + r * v.y);
          const wanted = Math.max(Math.abs(r), Math.abs(c)) === 1 ? 0 : 1;
          if (x >= 0 && y >= 0 && x < width && y < height && dark[y * width + x] === wanted) score += 1;
        }
      }
      if (score > best) {
        best = score;
        sumX = sumY = count = 0;
      }
      if (score === best) {
        sumX += ox;
        sumY += oy;
        count += 1;
      }
    }
  }
  return best >= 22 ? { x: guess.x + sumX / count, y: guess.y + sumY / count } : null;
}
