// 检查: the open visit of the officer who is signed in, for the badge, the forms and the scan.
import { computed, shallowRef, watch } from "vue";
import type { Session } from "../shared/session";
import type { Preparation, Visit } from "../shared/types";

/** What a visit is for; TaskKind of certsvc/license/visits.py. */
export const TASKS = ["routine", "random", "special", "complaint", "case"];

/** The text of a code that lets colleagues and other bodies join: the number of the visit. */
const NUMBER = /^vis_[0-9A-Z]{10,40}$/;

export function isVisitNumber(text: string): boolean {
  return NUMBER.test(text);
}

/** What a device keeps of a visit: nothing of the place and of who is visited. */
export type ShownVisit = Pick<Visit, "visit_id" | "task_kind_zh" | "task_no" | "officers" | "valid_until">;

export function shownOf({ visit_id, task_kind_zh, task_no, officers, valid_until }: Visit): ShownVisit {
  return { visit_id, task_kind_zh, task_no, officers, valid_until };
}

export function useVisit(session: Session) {
  const preparation = shallowRef<Preparation | null>(null);
  /** The open visit as the service last told it; null when there is none. */
  const visit = computed(() => preparation.value?.current ?? null);

  /** Read the visit and what a form begins with. */
  async function read(): Promise<void> {
    preparation.value = await session.call<Preparation>("GET", "/v1/visits/preparation");
  }

  async function close(): Promise<void> {
    if (!visit.value) return;
    await session.call("POST", `/v1/visits/${encodeURIComponent(visit.value.visit_id)}/close`);
    await read();
  }

  /** Take the officers of the own body, who joined, out of a visit that others lead. */
  async function leave(): Promise<void> {
    if (!visit.value) return;
    await session.call("POST", `/v1/visits/${encodeURIComponent(visit.value.visit_id)}/leave`);
    await read();
  }

  watch(session.person, () => {
    preparation.value = null;
  });

  return { visit, preparation, read, close, leave };
}

export type OwnVisit = ReturnType<typeof useVisit>;
