// What both pages do at their start: words, the frame's buttons, the session, the worker that keeps the page on the device.
import { type Component, createApp } from "vue";
import { startShell } from "../../../pages/static/js/shell.js";
import { SHELL_WORDS } from "../../../pages/static/js/words_shell.js";
import { SESSION, Session } from "./session";
import { addWords, sayAgain } from "./words";
import "./app.css";

export interface Start {
  root: Component;
  name: string;
  roles: string[];
  words: Record<string, readonly string[]>[];
}

export function start({ root, name, roles, words }: Start): void {
  addWords(Object.assign({}, SHELL_WORDS, ...words));
  startShell(sayAgain);
  createApp(root).provide(SESSION, new Session(name, roles)).mount("#app");
  if ("serviceWorker" in navigator) {
    // Without it the page still works, only not without network.
    navigator.serviceWorker.register(`/${name}/worker.js`, { scope: `/${name}` }).catch(() => undefined);
  }
}

/** What the service wrote into the frame: profile, the host of codes. */
export const frame = document.documentElement.dataset;

/** Whether this service can do `what`; install.py says so in the frame. */
export function able(what: string): boolean {
  return (frame.able ?? "").split(" ").includes(what);
}
