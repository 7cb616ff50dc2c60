// What /v1/departments answers; openapi/certsvc.json has all of it.
export interface Named {
  key: string;
  name: string;
}

export interface Refusal {
  code: string;
  title: string;
  title_en: string;
  next: string;
  next_en: string;
}

export interface Tally {
  fetches: number;
  copies: number;
  answers: number;
  refused: number;
}

export interface NamedTally {
  code: string;
  name: string;
  uses: Tally;
}

export interface Quota {
  policy_id: string;
  matter_code: string;
  matter_name: string;
  type: string;
  type_name: string;
  keys: Named[];
  bases: string[];
  quota: number | null;
  used_today: number | null;
}

export interface Overview {
  authority_code: string;
  authority_name: string;
  consent_only: boolean;
  since: string;
  whole: boolean;
  counted_from: string | null;
  total: Tally;
  matters: NamedTally[];
  types: NamedTally[];
  refusals: { refusal: Refusal; uses: number }[];
  policies: Quota[];
}

export interface BodyUse {
  use_id: string;
  at: string;
  kind: string;
  matter_code: string;
  matter_name: string;
  case_no: string;
  client_name: string;
  type: string;
  type_name: string;
  fields: Named[];
  question: string;
  answer: string;
  answer_zh: string;
  basis: string;
  basis_zh: string;
  given: boolean;
  refusal: Refusal | null;
  holder: string;
  withheld_until: string | null;
}

export interface Policy {
  policy_id: string;
  matter_code: string;
  type: string;
  type_name: string;
  keys: string[];
  bases: string[];
  quota: number | null;
  purpose: string;
  state: string;
  requested_at: string;
  decided_at: string | null;
  reason: string;
  opened_on: string | null;
  closed_at: string | null;
  close_reason: string;
}

export interface System {
  client_id: string;
  name: string;
  active: boolean;
  staff_required: boolean;
  purpose: string;
  staff: number;
}

export interface Member {
  account: string;
  name: string;
  division: string;
  active: boolean;
  from_on: string | null;
  until_on: string | null;
}

export interface Alert {
  alert_id: string;
  identifier: string;
  license_type: string;
  type_name: string;
  change: string;
  change_zh: string;
  changed_at: string;
  client_id: string;
  due_at: string;
  late: boolean;
  cases: string[];
  more_cases: boolean;
}

export interface OpenRequest {
  request_id: string;
  client_name: string;
  matter_name: string;
  case_no: string;
  types: string[];
  types_en: string[];
  holder: string;
  lapses_at: string;
}

export interface Withholding {
  withholding_id: string;
  matter_code: string;
  case_no: string;
  legal_basis: string;
  until: string;
  state: string;
  asked_by: string;
  asked_at: string;
}
