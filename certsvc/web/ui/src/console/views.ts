// Every view of the console, in the order of the way between them. A view is one entry here and one file.
import type { View } from "./types";

/** Who gives roles and keeps the service running, and who audits it. */
const OPERATOR = "operator";
const AUDITOR = "auditor";

/** Seals: those who apply for, approve, make, keep and use them, the one who stops them, and who audits. */
const SEALS = [
  "seal_keeper",
  "seal_applicant",
  "seal_approver",
  "seal_maker",
  "seal_use_approver",
  "security",
  AUDITOR,
];

export const VIEWS: readonly View[] = [
  {
    key: "search",
    name: ["查证照", "Licenses"],
    lead: [
      "按编号、标识、证件号码、流水号找到任何一张证照，看它的全部经过。",
      "Find any license by its numbers and see all that happened to it.",
    ],
    symbol: "find",
    roles: [OPERATOR, AUDITOR],
    load: () => import("./SearchView.vue"),
  },
  {
    key: "license",
    name: ["一张证照", "One license"],
    lead: ["一张证照的全部经过。", "All that happened to one license."],
    symbol: "find",
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
    symbol: "bars",
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
  {
    key: "seals",
    name: ["印章", "Seals"],
    lead: ["印章的状态、用量、办理和记录。", "State, use, moves and history of seals."],
    symbol: "seal",
    roles: SEALS,
    load: () => import("./SealsView.vue"),
  },
  {
    key: "imports",
    name: ["批量导入", "Imports"],
    lead: [
      "存量证照成批检查、核实、制证，批量办理。",
      "Old licenses checked, sampled and issued in batches; bulk decisions.",
    ],
    symbol: "up",
    roles: ["batch_clerk", "batch_verifier", AUDITOR],
    load: () => import("./ImportsView.vue"),
  },
  {
    key: "disposals",
    name: ["到期鉴定", "Disposals"],
    lead: [
      "保管期限已满的证照和办件：提出、审批、收回，销毁清册。",
      "What is over its term: proposed, agreed, taken back; the sheet of what goes.",
    ],
    symbol: "book",
    roles: ["archivist", AUDITOR],
    load: () => import("./DisposalsView.vue"),
  },
  {
    key: "webhooks",
    name: ["推送", "Webhooks"],
    lead: ["事件推送到各系统的情况、失败和重发。", "What is sent to which system, what failed, and replays."],
    symbol: "replaced",
    roles: [OPERATOR, AUDITOR],
    load: () => import("./WebhooksView.vue"),
  },
  {
    key: "trust",
    name: ["信任", "Trust"],
    lead: ["信任证书、时间戳和撤销信息及其新旧。", "Anchors, timestamps and revocation data, and how fresh they are."],
    symbol: "key",
    roles: ["trust_proposer", "trust_confirmer", OPERATOR, AUDITOR],
    load: () => import("./TrustView.vue"),
  },
  {
    key: "catalog",
    name: ["目录", "Catalog"],
    lead: [
      "证照类型的信息项、遮盖、场景和版面，修改和发布。",
      "Fields, masks, scenes and faces of types; editing and publishing.",
    ],
    symbol: "book",
    roles: ["catalog_proposer", "catalog_publisher", OPERATOR, AUDITOR],
    load: () => import("./TypesView.vue"),
  },
];

/** The views that somebody with these roles may see. */
export function viewsOf(roles: readonly string[]): View[] {
  return VIEWS.filter((view) => view.roles.some((role) => roles.includes(role)));
}

/** Everybody who may see at least one view. */
export const ROLES: string[] = [...new Set(VIEWS.flatMap((view) => view.roles))];
