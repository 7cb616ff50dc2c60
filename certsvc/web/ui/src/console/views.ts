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
    symbol: "list",
    roles: ["batch_clerk", "batch_verifier", AUDITOR],
    load: () => import("./ImportsView.vue"),
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
    symbol: "card",
    roles: ["catalog_proposer", "catalog_publisher", OPERATOR, AUDITOR],
    load: () => import("./TypesView.vue"),
  },
];

/** The views that somebody with these roles may see. */
export function viewsOf(roles: readonly string[]): View[] {
  return VIEWS.filter((view) => view.roles.some((role) => roles.includes(role)));
}

/** Everybody who may see at least one view. */
export const ROLES: string[] = [...new Set([OPERATOR, AUDITOR, ...VIEWS.flatMap((view) => view.roles)])];
