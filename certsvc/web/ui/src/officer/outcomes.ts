import type { Said } from "./queue";

/** What can come of a scan; Outcome of certsvc/license/visits.py. */
export const OUTCOMES = ["qualified", "rectify", "first_exempt", "filed", "transferred"];
/** The one that carries a day. */
export const RECTIFY = "rectify";

/** Where a form without network puts what it is told. */
export interface Keep {
  outcome(said: Said): Promise<void>;
  picture(file: Blob): Promise<void>;
}
