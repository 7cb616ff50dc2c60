// Days in China: the day of an authority is the day in Shanghai, wherever the device thinks it is.
const DAY = new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Shanghai" });
const DAY_MS = 24 * 60 * 60 * 1000;

/** The ISO date in Shanghai at `ms` (Unix milliseconds). */
export function dayOf(ms: number): string {
  return DAY.format(ms);
}

/** The ISO date so many days from today. */
export function dayIn(days: number): string {
  return dayOf(Date.now() + days * DAY_MS);
}

/** One line of text, as the ledgers take it: line breaks of a box become spaces. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
