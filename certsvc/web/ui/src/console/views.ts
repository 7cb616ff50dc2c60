// Every view of the console, in the order of the way between them. A view is one entry here and one file.
import type { View } from "./types";

/** Who gives roles and keeps the service running, and who audits it. */
const OPERATOR = "operator";
const AUDITOR = "auditor";

export const VIEWS: readonly View[] = [
  {
    key: "search",
    name: ["查证照", "Licenses"],
    lead: [
      "按编号、标识、证件号码、流水号找到任何一张证照，看它的全部经过。",
      "Find any license by its numbers and see all that happened to it.",
    ],
    symbol: "card",
    roles: [OPERATOR, AUDITOR],
    load: () => import("./SearchView.vue"),
  },
  {
    key: "license",
    name: ["一张证照", "One license"],
    lead: ["一张证照的全部经过。", "All that happened to one license."],
    symbol: "card",
    under: "search",
    roles: [OPERATOR, AUDITOR],
    load: () => import("./LicenseView.vue"),
  },
  {
    key: "stuck",
    name: ["待处理", "Stuck"],
    lead: [
      "办不下去的申请、存放的事件、未答的用印：为什么、下一步做什么。",
      "Requests, events and seal uses that do not go on: why, and what to do.",
    ],
    symbol: "later",
    roles: [OPERATOR, AUDITOR],
    load: () => import("./StuckView.vue"),
  },
  {
    key: "charts",
    name: ["数字", "Numbers"],
    lead: [
      "制发、签章率、亮证、用证和减少的纸质材料，按日或按周。",
      "Issued, sealed, shown, used, and paper that was not needed, by day or week.",
    ],
    symbol: "list",
    roles: [OPERATOR, AUDITOR],
    load: () => import("./ChartsView.vue"),
  },
  {
    key: "audit",
    name: ["审计", "Audit"],
    lead: [
      "按对象、种类、日期查留痕，当场核对它在日志里；不看任何人的内容。",
      "Find evidence by subject, kind and day and check its place in the log; nobody's content is read.",
    ],
    symbol: "eye",
    roles: [AUDITOR],
    load: () => import("./AuditView.vue"),
  },
];

/** The views that somebody with these roles may see. */
export function viewsOf(roles: readonly string[]): View[] {
  return VIEWS.filter((view) => view.roles.some((role) => roles.includes(role)));
}

/** Everybody who may see at least one view. */
export const ROLES: string[] = [...new Set(VIEWS.flatMap((view) => view.roles))];
