// Words in the reader's language. What a template says through t() changes by itself when the language does.
import { ref } from "vue";
import * as speech from "../../../pages/static/js/speech.js";

export const addWords = speech.addWords;
export const has = speech.has;

const turn = ref(0);

/** Let everything that was said be said again; called after the language changed. */
export function sayAgain(): void {
  turn.value += 1;
}

/** Whether the reader chose English. */
export function english(): boolean {
  return turn.value >= 0 && speech.english();
}

/** The word for `key`, with {places} filled from `args`. */
export function t(key: string, args: Record<string, unknown> = {}): string {
  return turn.value >= 0 ? speech.t(key, args) : "";
}

/** 2026年1月1日 for an ISO date. */
export function day(text: string): string {
  return turn.value >= 0 ? speech.day(text) : "";
}

/** 2026年1月1日 08:00:05, Beijing time, for an ISO instant. */
export function moment(iso: string): string {
  return turn.value >= 0 ? speech.moment(iso) : "";
}

/** The word for `prefix.value`, or the value itself when there is none. */
export function named(prefix: string, value: string): string {
  const key = `${prefix}.${value}`;
  return has(key) ? t(key) : value;
}
