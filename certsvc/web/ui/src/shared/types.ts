// The answers of /v1 that these pages read; openapi/certsvc.json has all of it.

export interface Scene {
  code: string;
  name: string;
  name_en: string;
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
  type_name_en: string;
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

/** Under which number of the evidence log a license stands; 0 while it waits for a checkpoint. */
export interface EvidencePlace {
  number: number;
  size: number;
}

export interface MoveRecord {
  at: string;
  basis: string;
  decided_on: string;
  document_no: string;
  move_zh: string;
  until: string;
}

/** A code on the screen, and when it ends; `good` is false where the page must say 状态异常. */
export interface Coded {
  show_id: string;
  code: string;
  good: boolean;
  created_at: string;
  refresh_at: string;
  expires_at: string;
}

export interface Presenter {
  text: string;
}

export interface Shown extends Coded {
  type_name: string;
  type_name_en: string;
  scene: Scene;
  fields: ShownField[];
  state_zh: string;
  presenter: Presenter | null;
}

/** What a reader would see of one license in one scene. */
export interface Seen {
  scene: Scene;
  fields: ShownField[];
  photo: boolean;
}

/** 一业一证: a bundle as it stands now. */
export interface Bundle {
  code: string;
  name: string;
  state: string;
  state_zh: string;
  members: { type: string; type_name: string; type_name_en: string; required: boolean; identifier: string }[];
}

export interface BundlePreview {
  bundle: Bundle;
  members: { type: string; type_name: string; type_name_en: string; identifier: string; seen: Seen }[];
  left_out: string[];
}

/** A license of somebody else that the reader may show. */
export interface OtherCard {
  card: Card;
  basis: string;
  delegation_id: string;
  until: string;
  uses_left: number | null;
}

export interface Delegation {
  delegation_id: string;
  level: string;
  level_zh: string;
  holder_name: string;
  grantor_name: string;
  delegate_name: string;
  delegate_code_masked: string;
  until: string;
  max_uses: number;
  used: number;
  state: string;
  state_zh: string;
  ended_because: string;
  use_matters: string[];
  licenses: { identifier: string; type_name: string; type_name_en: string; scenes: Scene[] }[];
}

export interface Dispute {
  dispute_id: string;
  about: string;
  authority_name: string;
  text: string;
  state: string;
  state_zh: string;
  filed_at: string;
  due_on: string;
  late: boolean;
  answer: string;
  identifier: string;
  type_name: string;
  type_name_en: string;
}

export interface OwnDevice {
  device_id: string;
  kind: string;
  state: string;
  name: string;
  created_at: string;
  blocked_at: string | null;
}

/** A visit of officers as the one who was visited sees it. */
export interface OwnVisit {
  visit_id: string;
  state_zh: string;
  authority_name: string;
  departments: string[];
  badges: string[];
  task_kind_zh: string;
  task_no: string;
  opened_at: string;
  may_rate: boolean;
  rating: { mark: number; text: string } | null;
}

export interface Use {
  use_id: string;
  kind: string;
  at: string;
  type_name: string;
  type_name_en: string;
  identifier: string;
  who: string;
  why: string;
  fields: { key: string; name: string }[];
  outcome: string;
  result: Reason | null;
  presenter: string;
  disputable: boolean;
  code_kind: string;
  unit: string;
  task: string;
  handled: string;
  use_basis: string;
  use_basis_zh: string;
  question: string;
  answer: string;
  withheld_why: string;
  copy_given: CopyGiven | null;
}

/** 加注件: a copy that a use gave. */
export interface CopyGiven {
  copy_id: string;
  number: string;
  until: string;
  state: string;
  withdrawable: boolean;
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
  identifier: string;
  type_name: string;
  type_name_en: string;
  number: string;
  holder_name: string;
  fields: string[];
  expires_at: string;
  used_at: string | null;
  answers: number;
  answers_left: number;
  copy_until: string | null;
  withdrawn_at: string | null;
}

/** A system that may be allowed to use a license, and its body. */
export interface Receiver {
  client_id: string;
  name: string;
  authority_name: string;
}

export interface LicenseFacts {
  type_name: string;
  type_name_en: string;
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
  scene_name_en: string;
  notes: string[];
  card_needed: boolean;
  presenter: Presenter | null;
  bundle: ScannedBundle | null;
  at: string;
}

/** One license of a scanned 一业一证; it has an inspection record of its own. */
export interface ScannedMember {
  scan_id: string;
  type: string;
  type_name: string;
  type_name_en: string;
  light: string;
  reasons: Reason[];
  license: LicenseFacts | null;
  scene_name: string;
  scene_name_en: string;
  fields: ShownField[];
  photo: string;
  notes: string[];
}

export interface ScannedBundle {
  name: string;
  state: string;
  state_zh: string;
  missing: string[];
  members: ScannedMember[];
}

export interface Body {
  code: string;
  name: string;
}

/** A visit as its officers see it; `proof_code` is what they show. */
export interface Visit {
  visit_id: string;
  state: string;
  state_zh: string;
  authority: Body;
  departments: Body[];
  task_kind_zh: string;
  task_no: string;
  region: string;
  place: string;
  kinds: string[];
  officers: { badge: string; authority: Body; unit: string }[];
  target_name: string;
  proof_code: string;
  valid_until: string;
}

/** What the register lets an officer begin with. */
export interface Preparation {
  badge: string;
  unit: string;
  kinds: string[];
  region: string;
  current: Visit | null;
  departments: Body[];
  below: Body[];
}

export interface OutcomeRecord {
  seq: number;
  outcome: string;
  outcome_zh: string;
  due_on: string | null;
  note: string;
  reason: string;
  badge: string;
  at: string;
}

/** One inspection record of the history, and what came of it. */
export interface HistoryRecord {
  scan_id: string;
  at: string;
  badge: string;
  authority: Body;
  task_kind_zh: string;
  task_no: string;
  type_name: string;
  type_name_en: string;
  identifier: string;
  code_kind: string;
  result: Reason | null;
  fields: string[];
  records: OutcomeRecord[];
  pictures: { picture_id: string }[];
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
  scene_name_en: string;
  matter_name: string;
  case_no: string;
  expires_at: string;
  fits: { card: Card; delegation_id: string; presenter: string; fields: ShownField[]; photo: boolean }[];
}
