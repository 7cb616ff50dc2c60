// Every view of the console, in the order of the way between them. A view is one entry here and one file.
import type { View } from "./types";

/** Who gives roles and keeps the service running, and who audits it. */
const OPERATOR = "operator";
const AUDITOR = "auditor";

export const VIEWS: readonly View[] = [];

/** The views that somebody with these roles may see. */
export function viewsOf(roles: readonly string[]): View[] {
  return VIEWS.filter((view) => view.roles.some((role) => roles.includes(role)));
}

/** Everybody who may see at least one view. */
export const ROLES: string[] = [...new Set([OPERATOR, AUDITOR, ...VIEWS.flatMap((view) => view.roles)])];
