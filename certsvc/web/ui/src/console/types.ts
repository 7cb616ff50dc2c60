// What the console's own parts share; what the service answers is in openapi/certsvc.json.
import type { Component } from "vue";
import type { Me } from "../shared/types";

/** One view of the console: who may see it is said here, and refused by the service all the same. */
export interface View {
  /** What stands behind "#" in the address; what follows a "/" is the view's own. */
  key: string;
  /** Chinese and English name. */
  name: readonly [string, string];
  /** What it is for, in one sentence. */
  lead: readonly [string, string];
  /** A key of SHAPES in dom.js. */
  symbol: string;
  /** Whoever has one of these may see it. */
  roles: readonly string[];
  /** A view that is reached from another one and stands in no list, and under which it is then shown. */
  under?: string;
  load: () => Promise<{ default: Component }>;
}

/** What every view is given: who looks, and what follows the "/" in the address (an identifier, or nothing). */
export interface ViewProps {
  me: Me;
  rest: string;
}

export interface Flag {
  code: string;
  zh: string;
  light: string;
}

export interface LicenseRow {
  identifier: string;
  number: string;
  type: string;
  type_name: string;
  type_name_en: string;
  issuer_name: string;
  holder: string;
  issued_on: string;
  valid_until: string;
  state: string;
  state_zh: string;
  good: boolean;
  light: string;
  flags: Flag[];
  version: number;
  origin: string;
}

export interface RequestRow {
  request_id: string;
  state: string;
  business_no: string;
  case_no: string;
  type: string;
  type_name: string;
  authority_name: string;
  reason: string;
  attempts: number;
  created_at: string;
  updated_at: string;
}

export interface Found {
  licenses: LicenseRow[];
  requests: RequestRow[];
  whole: boolean;
  next: string;
}

export interface Entry {
  at: string;
  kind: string;
  zh: string;
  en: string;
  who: string;
  why: string;
  evidence_id: string;
  position: number;
}

export interface History {
  license: LicenseRow;
  issuer_today: string;
  sha256: string;
  entries: Entry[];
  counts: Record<string, number>;
  whole: boolean;
  place: number;
  size: number;
  versions: { identifier: string; version: number; state: string; state_zh: string; issued_on: string }[];
  newest: string[];
}

/** What is to be done next about requests that do not go on. */
export type Step = "retry" | "clear_up" | "start";

export interface StuckRequest extends RequestRow {
  step: Step;
}

export interface Group {
  reason: string;
  step: Step;
  why: string;
  why_en: string;
  next: string;
  next_en: string;
  retry: boolean;
  count: number;
  since: string;
}

export interface Stuck {
  groups: Group[];
  requests: StuckRequest[];
  parked: { parked_id: string; client_id: string; code: string; parked_at: string }[];
  reservations: { reservation_id: string; seal_id: string; purpose: string; result: string; reserved_at: string }[];
  behind: { name: string; count: number; since: string }[];
  unsequenced: number;
  unsequenced_since: string | null;
  failed_deliveries: number;
}

export interface NamedValue {
  key: string;
  name: string;
  value: number;
}

export interface Charts {
  first: string;
  last: string;
  today: string;
  issued: { day: string; type: string; type_name: string; type_name_en: string; value: number }[];
  days: { day: string; measure: string; value: number }[];
  scenes: NamedValue[];
  sealed: number;
  to_seal: number;
  states: NamedValue[];
  requests: NamedValue[];
}

export interface Leaf {
  position: number;
  evidence_id: string;
  kind: string;
  at: string;
}

export interface Leaves {
  leaves: Leaf[];
  before: number;
  size: number;
  checkpoint_at: string | null;
  kinds: { key: string; zh: string; en: string }[];
}

export interface Proof {
  leaf_index: number;
  leaf_hash: string;
  size: number;
  root: string;
  path: string[];
}

/** One row of a chart. */
export interface Bar {
  key: string;
  name: string;
  value: number;
}
