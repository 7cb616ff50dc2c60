// Dark or light, pixel by pixel: against the mean of its surroundings, so that shadows and screens with glare can be read.
const WINDOW_PART = 8;
const DARKER = 0.86;

/** Grey values (0 to 255) of RGBA pixels. */
export function greyOf(rgba, width, height) {
  const grey = new Uint8Array(width * height);
  for (let index = 0, at = 0; index < grey.length; index += 1, at += 4) grey[index] = (rgba[at] * 77 + rgba[at + 1] * 150 + rgba[at + 2] * 29) >> 8;
  return grey;
}

/** 1 where a pixel is darker than its neighbourhood; sums over rectangles make every window cost the same. */
export function darkNear(grey, width, height) {
  const sums = new Float64Array((width + 1) * (height + 1));
  for (let y = 0; y < height; y += 1) {
    let row = 0;
    for (let x = 0; x < width; x += 1) {
      row += grey[y * width + x];
      sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1] + row;
    }
  }
  const half = Math.max(4, Math.floor(Math.max(width, height) / WINDOW_PART / 2));
  const dark = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    const top = Math.max(0, y - half);
    const bottom = Math.min(height, y + half + 1);
    for (let x = 0; x < width; x += 1) {
      const from = Math.max(0, x - half);
      const to = Math.min(width, x + half + 1);
      const sum = sums[bottom * (width + 1) + to] - sums[top * (width + 1) + to] - sums[bottom * (width + 1) + from] + sums[top * (width + 1) + from];
      dark[y * width + x] = grey[y * width + x] * (to - from) * (bottom - top) < sum * DARKER ? 1 : 0;
    }
  }
  return dark;
}

/** 1 where a pixel is darker than the one level that parts the picture best (Otsu): for clean pictures. */
export function darkOverall(grey) {
  const counts = new Float64Array(256);
  for (const value of grey) counts[value] += 1;
  let all = 0;
  for (let level = 0; level < 256; level += 1) all += level * counts[level];
  let below = 0;
  let belowSum = 0;
  let best = 0;
  let cut = 127;
  for (let level = 0; level < 256; level += 1) {
    below += counts[level];
    belowSum += level * counts[level];
    const above = grey.length - below;
    if (!below || !above) continue;
    const apart = belowSum / below - (all - belowSum) / above;
    const score = below * above * apart * apart;
    if (score > best) {
      best = score;
      cut = level;
    }
  }
  return grey.map((value) => (value <= cut ? 1 : 0));
}
