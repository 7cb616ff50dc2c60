/** What can come of a scan; Outcome of certsvc/license/visits.py. */
export const OUTCOMES = ["qualified", "rectify", "first_exempt", "filed", "transferred"];
/** The one that carries a day. */
export const RECTIFY = "rectify";
