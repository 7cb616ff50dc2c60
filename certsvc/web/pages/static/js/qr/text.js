// From data bytes to text: segments of digits, capitals and bytes (ISO/IEC 18004, 7.4). Other modes are not ours.
const CAPITALS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const END = 0;
const NUMERIC = 1;
const ALPHANUMERIC = 2;
const BYTES = 4;
const ECI = 7;
const COUNT_BITS = { [NUMERIC]: [10, 12, 14], [ALPHANUMERIC]: [9, 11, 13], [BYTES]: [8, 16, 16] };

/** The text of `data`, or null when a segment is damaged or of another mode. */
export function textOf(data, version) {
  let place = 0;
  const left = () => data.length * 8 - place;
  const take = (count) => {
    let value = 0;
    for (let bit = 0; bit < count; bit += 1, place += 1) value = (value << 1) | ((data[place >> 3] >> (7 - (place & 7))) & 1);
    return value;
  };
  const range = version < 10 ? 0 : version < 27 ? 1 : 2;
  const bytes = [];
  while (left() >= 4) {
    const mode = take(4);
    if (mode === END) break;
    if (mode === ECI) {
      take(8);
      continue;
    }
    if (!COUNT_BITS[mode] || left() < COUNT_BITS[mode][range]) return null;
    let count = take(COUNT_BITS[mode][range]);
    const needed = mode === BYTES ? count * 8 : mode === ALPHANUMERIC ? Math.floor(count * 5.5) : Math.floor((count * 10) / 3);
    if (left() < needed) return null;
    if (mode === BYTES) {
      for (; count > 0; count -= 1) bytes.push(take(8));
    } else if (mode === ALPHANUMERIC) {
      for (; count > 1; count -= 2) {
        const pair = take(11);
        bytes.push(CAPITALS.charCodeAt(Math.floor(pair / 45)), CAPITALS.charCodeAt(pair % 45));
      }
      if (count) bytes.push(CAPITALS.charCodeAt(take(6)));
    } else {
      for (; count > 0; count -= 3) {
        const digits = Math.min(3, count);
        for (const digit of String(take([0, 4, 7, 10][digits])).padStart(digits, "0")) bytes.push(digit.charCodeAt(0));
      }
    }
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes));
  } catch {
    return null;
  }
}
