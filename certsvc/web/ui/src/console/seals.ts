// What the views of seals read; the whole answer is in openapi/certsvc.json.
export interface SealVersion {
  version: number;
  state: string;
  state_zh: string;
  cause_zh: string;
  algorithm: string;
  valid_from: string | null;
  valid_until: string | null;
  scope_types: string[];
  matters: string[];
  regions: string[];
  hours: { text: string } | null;
  per_minute: number;
  manual_needed: number;
  approvers: string[];
  keepers: string[];
  request: string;
}

export interface SealRow {
  seal_id: string;
  name: string;
  owner_code: string;
  owner_name: string;
  kind: string;
  state: string;
  state_zh: string;
  algorithm: string;
  version: number;
  valid_from: string | null;
  valid_until: string | null;
  daily_budget: number;
  used_today: number;
  current: SealVersion | null;
  under_way: SealVersion | null;
  moves: Allowed[];
}

export interface Allowed {
  move: string;
  name: string;
  needs: ("reason" | "document_no" | "filing_no")[];
}

export interface SealUse {
  reservation_id: string;
  purpose: string;
  reserved_at: string;
  result: string;
}

export interface SealUses {
  used_today: number;
  daily_budget: number;
  used_last_minute: number;
  per_minute: number;
  newest: SealUse[];
  unanswered: SealUse[];
  at: string;
}

export interface SealPast {
  version: number;
  move: string;
  name: string;
  to_state: string;
  to_state_zh: string;
  actor: string;
  actor_name: string;
  reason: string;
  document_no: string;
  filing_no: string;
  at: string;
}

export interface Approval {
  approval_id: string;
  seal_id: string;
  purpose: string;
  state: string;
  state_zh: string;
  needed: number;
  approvers: string[];
  asked_by: string;
  expires_at: string;
}

/** Colour of a state of a seal; the word stands beside it. */
export function colourOf(state: string): "green" | "amber" | "red" {
  if (state === "active") return "green";
  return ["applied", "approved", "made"].includes(state) ? "amber" : "red";
}

const SOON_MS = 90 * 24 * 60 * 60 * 1000;

/** How near an end is: ended, soon (90 days), or fine. */
export function nearness(until: string | null, now: number): "ended" | "soon" | "good" {
  if (!until) return "good";
  const left = Date.parse(until) - now;
  if (left <= 0) return "ended";
  return left <= SOON_MS ? "soon" : "good";
}
