// 用证申请: what systems asked the reader, and how many of them wait. Kept for the whole page, so that every view can say
// that somebody waits.
import { computed, shallowRef } from "vue";
import { Problem } from "../../../pages/static/js/api.js";
import type { Session } from "../shared/session";

/** A key that was asked for; `name` is what the service calls it. */
export interface Wanted {
  key: string;
  name: string;
}

/** A license that a yes may be for. */
export interface Choice {
  identifier: string;
  number: string;
  place: string;
}

/** Which license of a type. */
export interface Chosen {
  type: string;
  identifier: string;
}

export interface UseRequest {
  request_id: string;
  authority_name: string;
  client_name: string;
  matter_name: string;
  case_no: string;
  operator: string;
  purpose: string;
  items: { type: string; type_name: string; type_name_en: string; fields: Wanted[]; choices: Choice[] }[];
  state: string;
  state_zh: string;
  waiting: number;
  created_at: string;
  lapses_at: string;
  until: string;
  party_id: string;
  holder_name: string;
  delegation_id: string;
  asked_as: string;
  answer_for: string;
  answer: string;
}

export const COPY = "*copy";
const QUESTION = "?";

const rows = shallowRef<UseRequest[] | null>(null);

/** Whether it waits for this reader. */
export function mayAnswer(one: UseRequest): boolean {
  return one.state === "asked" && one.answer === "asked";
}

/** Those that wait come first; the service has the newest first. */
const sorted = computed(() => {
  const all = rows.value;
  return all && [...all.filter(mayAnswer), ...all.filter((one) => !mayAnswer(one))];
});
const waiting = computed(() => rows.value?.filter(mayAnswer).length ?? 0);

/** What is wanted of one license: fields to read, questions to answer, and whether a copy. */
export function partsOf(wanted: readonly Wanted[]): { read: Wanted[]; asked: Wanted[]; copy: boolean } {
  return {
    read: wanted.filter(({ key }) => key !== COPY && !key.startsWith(QUESTION)),
    asked: wanted.filter(({ key }) => key.startsWith(QUESTION)),
    copy: wanted.some(({ key }) => key === COPY),
  };
}

export function useRequests(session: Session) {
  async function read(): Promise<void> {
    const who = session.person.value;
    const found = await session.call<UseRequest[]>("GET", "/v1/use-requests");
    // Another reader may have signed in meanwhile.
    if (session.person.value === who) rows.value = found;
  }

  /** Look whether anything waits; a failure is nobody's concern here, the view that is open tells of it. */
  async function glance(): Promise<void> {
    try {
      if (session.person.value) await read();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
  }

  async function answer(one: UseRequest, accept: boolean, licenses: Chosen[]): Promise<UseRequest> {
    const path = `/v1/use-requests/${encodeURIComponent(one.request_id)}/answers`;
    return await session.call("POST", path, {
      body: { accept, party_id: one.party_id, delegation_id: one.delegation_id, licenses },
    });
  }

  function forget(): void {
    rows.value = null;
  }

  return { rows: sorted, waiting, read, glance, answer, forget };
}
