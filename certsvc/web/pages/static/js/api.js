// Calls to the service. Every failure becomes a Problem with a sentence that says the next step.
import { el, shape } from "./dom.js";
import { has, t } from "./speech.js";

const PATIENCE_MS = 30000;
const RETRY_SECONDS = 5;
/** Kinds of trouble that are no fault: whoever signs in again goes on. */
export const OF_SESSIONS = ["401", "idle"];

/** A failure: `kind` is network, slow, camera, no_code, idle or the HTTP status; `detail` and `errors` come from the service. */
export class Problem extends Error {
  constructor(kind, { detail = "", errors = [], code = "", retryAfter = RETRY_SECONDS } = {}) {
    super(detail || kind);
    this.kind = String(kind);
    this.detail = detail;
    this.errors = errors;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** Call `method path`; `body` is sent as JSON, `token` as Bearer. Gives the JSON; `blob` asks for the PDF, `accept` for another form of it; both give a Blob. No answer within `patience` ms is a Problem `slow`. `keepalive` lets the request outlive the page. */
export async function call(method, path, { body, token, patience = PATIENCE_MS, keepalive = false, blob = false, accept = blob ? "application/pdf" : "application/json" } = {}) {
  // A file has several forms; without this, asking for the PDF would give its face as data.
  const headers = { Accept: accept };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), patience);
  let response;
  try {
    response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: stop.signal, keepalive, cache: "no-store", credentials: "omit" });
    if (!response.ok) throw problemOf(response.status, await response.text(), response.headers.get("Retry-After"));
    if (response.status === 204) return null;
    return accept === "application/json" ? await response.json() : await response.blob();
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem(stop.signal.aborted ? "slow" : "network");
  } finally {
    clearTimeout(timer);
  }
}

/** Send a file and report how much of it is gone; `cancel.now` stops it. */
export function upload(path, file, onProgress, cancel, { token } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    cancel.now = () => request.abort();
    request.open("POST", path);
    if (token) request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.timeout = PATIENCE_MS * 6;
    request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) onProgress(Math.round((100 * event.loaded) / event.total)); });
    request.addEventListener("load", () => {
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText));
      else reject(problemOf(request.status, request.responseText, request.getResponseHeader("Retry-After")));
    });
    request.addEventListener("error", () => reject(new Problem("network")));
    request.addEventListener("timeout", () => reject(new Problem("slow")));
    request.addEventListener("abort", () => resolve(null));
    const form = new FormData();
    // A fixed name: a file name may hold a person's name and is nobody's business.
    form.append("file", file, "license.pdf");
    request.send(form);
  });
}

function problemOf(status, text, retryAfter) {
  let document = {};
  try {
    document = JSON.parse(text);
  } catch {
    // A gateway answered, not the service; the status says enough.
  }
  const seconds = Number(retryAfter);
  return new Problem(status, {
    detail: typeof document.detail === "string" ? document.detail : "",
    errors: Array.isArray(document.errors) ? document.errors : [],
    code: document.code || "",
    retryAfter: Number.isFinite(seconds) && seconds > 0 ? seconds : RETRY_SECONDS,
  });
}

/** Which of our words for trouble a problem has. */
export function troubleKind(problem) {
  if (has(`trouble.${problem.code}`)) return problem.code;
  if (has(`trouble.${problem.kind}`)) return problem.kind;
  return Number(problem.kind) >= 502 ? "503" : Number(problem.kind) >= 500 ? "500" : "422";
}

/** The words for a problem: what happened, what the service said, what to do next. */
export function problemBox(problem, { retry } = {}) {
  const known = troubleKind(problem);
  const box = el("div", { class: `notice ${OF_SESSIONS.includes(known) ? "amber" : "red"}`, role: "alert", data: { problem: known } });
  box.append(el("b", { t: `trouble.${known}` }));
  if (problem.detail) box.append(el("p", {}, problem.detail));
  // A single fault is often said whole in the sentence above.
  const more = problem.errors.filter((item) => !item.detail || !problem.detail.includes(item.detail));
  if (more.length) box.append(el("ul", {}, more.map((item) => el("li", {}, item.detail || item.code || item.pointer))));
  box.append(el("p", { t: `trouble.${known}_next`, args: { seconds: problem.retryAfter } }));
  if (retry) box.append(el("p", { class: "row" }, el("button", { type: "button", class: "button", t: "shell.retry", on: { click: retry } })));
  box.prepend(shape(known === "503" || known === "slow" ? "later" : "doubt", "notice-shape"));
  return box;
}

/** Show `problem` in the page's place for trouble; null clears it. */
export function trouble(problem, options = {}) {
  const place = document.getElementById("trouble");
  place.replaceChildren();
  if (!problem) return;
  if (!(problem instanceof Problem)) throw problem;
  place.append(problemBox(problem, options));
  place.scrollIntoView({ block: "nearest" });
}
