// What the service answers about counters, how it looks, and the slips this page writes while the service is away.
import { ref } from "vue";
import type { Scan, ShownField } from "../shared/types";
import { t } from "../shared/words";

export interface Named {
  code: string;
  name: string;
}

export interface CounterMatter {
  code: string;
  name: string;
  authority_name: string;
  consent_only: boolean;
  materials: {
    id: string;
    name: string;
    paper: string;
    applies: string;
    electronic: boolean;
    promise: boolean;
    later_days: number;
  }[];
  types: { slug: string; name: string; issuers: Named[]; fields: Named[] }[];
}

export interface Taken {
  kind: string;
  counts: boolean;
  reason: string | null;
  text: string;
  due_on: string | null;
  flag: string | null;
}

export interface SheetRow {
  number: number;
  material: string;
  name: string;
  paper: string;
  answer: string;
  why: string;
  next_step: string;
  days: number;
  promise: string;
  taken: Taken | null;
}

export interface Sheet {
  version: number;
  at: string;
  operator: string;
  slip_no: string;
  rows: SheetRow[];
}

export interface Case {
  case_no: string;
  matter_code: string;
  matter_name: string;
  authority_name: string;
  holder_masked: string;
  outage: boolean;
}

export interface Check {
  case: Case;
  sheet: Sheet;
  consented: { note: string; scan: Scan | null; state_zh: string; fields: ShownField[] } | null;
  differences: { material: string; name: string; before: string; after: string }[];
  /** Made by this page, because nobody could be reached. */
  local?: boolean;
}

export interface Ticket {
  ticket_id: string;
  kind: string;
  issuer_name: string;
  type_name: string;
  case_no: string;
  right: string;
  state: string;
  overdue: boolean;
  due_on: string;
  answer: string;
}

/** What a ticket begins with. */
export interface Draft {
  matter: CounterMatter;
  caseNo: string;
  holder: string;
  holderType: string;
  material: string;
}

/** Word, symbol and colour stand together. */
const LOOKS: Record<string, { symbol: string; colour: string }> = {
  exempt_license: { symbol: "ok", colour: "green" },
  exempt_data: { symbol: "seal_only", colour: "green" },
  promise: { symbol: "pen", colour: "blue" },
  later: { symbol: "later", colour: "amber" },
  bring: { symbol: "card", colour: "red" },
  not_applicable: { symbol: "dash", colour: "grey" },
};

/** How an answer looks; one that this page does not know is drawn as a doubt. */
export function lookOf(answer: string): { symbol: string; colour: string } {
  return LOOKS[answer] ?? { symbol: "doubt", colour: "grey" };
}

export const EXEMPT = ["exempt_license", "exempt_data"];
export const REASONS = ["holder_wish", "fetch_failed", "differs", "unclear", "law", "other"];

export interface Slip {
  matter: string;
  caseNo: string;
  at: string;
}

const SLIPS = "certsvc.counter.slips";
const MOST_SLIPS = 200;

/** Slips to be entered later; they name the case, and nobody: the applicant is scanned again. */
export const slips = ref<Slip[]>(kept());

function kept(): Slip[] {
  try {
    return JSON.parse(localStorage.getItem(SLIPS) || "[]");
  } catch {
    return [];
  }
}

function keep(list: Slip[]): void {
  slips.value = list.slice(-MOST_SLIPS);
  localStorage.setItem(SLIPS, JSON.stringify(slips.value));
}

export function addSlip(slip: Slip): void {
  keep([...slips.value.filter((one) => one.caseNo !== slip.caseNo), slip]);
}

export function dropSlip(caseNo: string): void {
  keep(slips.value.filter((one) => one.caseNo !== caseNo));
}

/** The sheet of an outage, by the rules of the service (`license/counter.py`): what is electronic is checked later. */
export function slipOf(matter: CounterMatter, caseNo: string, holderType: string, operator: string): Check {
  const kind = holderType === "001" ? "organisation" : "person";
  const rows = matter.materials.map((one, index) => {
    const applies = one.applies === "all" || one.applies === kind;
    const answer = !applies
      ? "not_applicable"
      : one.electronic
        ? "later"
        : one.promise
          ? "promise"
          : one.later_days
            ? "later"
            : "bring";
    const away = applies && one.electronic;
    return {
      number: index + 1,
      material: one.id,
      name: one.name,
      paper: one.paper,
      answer,
      why: away ? t("outage.why") : "",
      next_step: away ? t("outage.next") : "",
      days: 0,
      promise: "",
      taken: null,
    };
  });
  const at = new Date().toISOString();
  return {
    case: {
      case_no: caseNo,
      matter_code: matter.code,
      matter_name: matter.name,
      authority_name: matter.authority_name,
      holder_masked: "",
      outage: true,
    },
    sheet: { version: 0, at, operator, slip_no: `${caseNo}-${at.slice(0, 10)}`, rows },
    consented: null,
    differences: [],
    local: true,
  };
}
