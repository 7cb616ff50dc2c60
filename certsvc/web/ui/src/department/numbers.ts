// Numbers of a department: sums and rates.
import type { Tally } from "./types";

/** Uses that gave something, in 件. */
export function given(uses: Tally): number {
  return uses.fetches + uses.copies + uses.answers;
}

/** The share that was refused, in whole percent; never 0 % where there was one. */
export function rateOf(uses: Tally): string {
  const all = given(uses) + uses.refused;
  if (!all || !uses.refused) return "0%";
  const share = (100 * uses.refused) / all;
  return share < 1 ? "<1%" : `${Math.round(share)}%`;
}
