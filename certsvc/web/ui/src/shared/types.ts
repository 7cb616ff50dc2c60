// The answers of /v1 that these pages read; openapi/certsvc.json has all of it.

export interface Scene {
  code: string;
  name: string;
  audience: string;
}

export interface ShownField {
  key: string;
  name: string;
  value: string;
}

export interface Reason {
  code: string;
  family: string;
  text: string;
  text_en: string;
  word: string;
  word_en: string;
  next: string;
  next_en: string;
}

export interface Card {
  identifier: string;
  number: string;
  type: string;
  type_name: string;
  holder_name: string;
  issuer_name: string;
  issued_on: string;
  valid_from: string;
  valid_until: string;
  state: string;
  state_zh: string;
  good: boolean;
  light: string;
  origin_text: string;
  scenes: Scene[];
}

export interface MoveRecord {
  at: string;
  basis: string;
  decided_on: string;
  document_no: string;
  move_zh: string;
  until: string;
}

export interface Shown {
  show_id: string;
  code: string;
  type_name: string;
  scene: Scene;
  fields: ShownField[];
  good: boolean;
  state_zh: string;
  created_at: string;
  refresh_at: string;
  expires_at: string;
}

export interface Use {
  kind: string;
  at: string;
  type_name: string;
  identifier: string;
  who: string;
  why: string;
  fields: string[];
  outcome: string;
  result: Reason | null;
}

export interface Matter {
  code: string;
  name: string;
  authority_code: string;
  bases: string[];
  allows: Record<string, string[]>;
}

export interface Grant {
  grant_id: string;
  code: string;
  client_name: string;
  matter_code: string;
  case_no: string;
  fields: string[];
  expires_at: string;
  used_at: string | null;
  withdrawn_at: string | null;
}

export interface LicenseFacts {
  type_name: string;
  number: string;
  holder_masked: string;
  issuer_name: string;
  origin_text: string;
  state_zh: string;
  valid_from: string;
  valid_until: string;
  identifier: string;
  replaced_by: string;
}

export interface Scan {
  scan_id: string;
  light: string;
  text: string;
  reasons: Reason[];
  license: LicenseFacts | null;
  fields: ShownField[];
  photo: string;
  seal: { name: string; owner_name: string; state: string } | null;
  scene_name: string;
  notes: string[];
  at: string;
}

export interface Inspection {
  scan_id: string;
  badge: string;
  code_kind: string;
  scene: string;
  outcome: string;
  result: Reason | null;
  fields: string[];
  at: string;
}

export interface Me {
  subject: string;
  name: string;
  authority_name: string;
  roles: string[];
}

export interface SamplePerson {
  subject: string;
  name: string;
  roles: string[];
  authority_name: string;
}

/** A verifier's question: who asks, why, and the own licenses that answer it. */
export interface Opened {
  authority_name: string;
  badge: string;
  purpose: string;
  task_no: string;
  scene_name: string;
  matter_name: string;
  case_no: string;
  expires_at: string;
  fits: { card: Card; delegation_id: string; presenter: string; fields: ShownField[]; photo: boolean }[];
}
