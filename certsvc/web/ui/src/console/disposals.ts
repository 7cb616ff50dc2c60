// What the service says of 鉴定销毁.
export interface Over {
  kind: string;
  kind_zh: string;
  label: string;
  title: string;
  keeping: string;
  keeping_zh: string;
  formed_on: string;
  over_on: string;
  bound: { code: string; reason: string }[];
}

export interface Disposal {
  list_id: string;
  authority_code: string;
  outcome: string;
  outcome_zh: string;
  years: number;
  reason: string;
  state: string;
  state_zh: string;
  proposed_by: string;
  proposed_at: string;
  opinion: string;
  decided_by: string;
  decided_at: string | null;
  effect_at: string | null;
  ended_by: string;
  ended_at: string | null;
}

export interface DisposalItem {
  place: number;
  kind: string;
  kind_zh: string;
  label: string;
  title: string;
  keeping: string;
  keeping_zh: string;
  formed_on: string;
  over_on: string;
  files: number;
  state: string;
  state_zh: string;
  remark: string;
}

/** Items of one list at most: the service takes no more. */
export const MOST = 200;

export const COLOURS: Record<string, string> = {
  proposed: "amber",
  approved: "amber",
  running: "amber",
  done: "green",
  listed: "amber",
  spared: "amber",
  removing: "amber",
  destroyed: "green",
  extended: "green",
};
