// Sums and rates of the console's charts.
import type { Bar } from "./types";

const DAY_MS = 24 * 60 * 60 * 1000;

/** A share in percent with one place; never 100 % or 0 % where there is a rest. */
export function rateOf(part: number, all: number): string {
  const share = (100 * part) / all;
  if (part < all && share > 99.9) return ">99.9%";
  if (part && share < 0.1) return "<0.1%";
  return `${share.toFixed(1)}%`;
}

/** Bars of the same key become one. */
export function summed(rows: readonly Bar[]): Bar[] {
  const found = new Map<string, Bar>();
  for (const row of rows) {
    const was = found.get(row.key);
    found.set(row.key, was ? { ...was, value: was.value + row.value } : row);
  }
  return [...found.values()];
}

/** The Monday of an ISO date. */
function monday(iso: string): string {
  const at = new Date(`${iso}T00:00:00Z`);
  return new Date(at.getTime() - ((at.getUTCDay() + 6) % 7) * DAY_MS).toISOString().slice(0, 10);
}

/** One bar for every day, or for every week by its Monday, from `first` to `last`, newest first. */
export function spanned(
  first: string,
  last: string,
  rows: readonly { day: string; value: number }[],
  weekly: boolean,
): Bar[] {
  const found = new Map<string, Bar>();
  const keyOf = (iso: string): string => (weekly ? monday(iso) : iso);
  for (let at = Date.parse(last); at >= Date.parse(first); at -= DAY_MS) {
    const key = keyOf(new Date(at).toISOString().slice(0, 10));
    found.set(key, { key, name: key, value: 0 });
  }
  for (const row of rows) {
    const bar = found.get(keyOf(row.day));
    if (bar) bar.value += row.value;
  }
  return [...found.values()];
}
