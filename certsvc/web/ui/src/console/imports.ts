// What the views of imports and bulk decisions read, and the two calls that are no plain JSON: an upload, a stream.
import { Problem } from "../../../pages/static/js/api.js";

export interface Fault {
  column: string;
  code: string;
  detail: string;
}

export interface ImportBatch {
  import_id: string;
  type: string;
  trust: string;
  state: string;
  state_zh: string;
  total: number;
  problems: Fault[];
  uploaded_by: string;
  uploaded_at: string;
  sample_size: number;
  decided_by: string;
  decided_at: string | null;
  reason: string;
  waits_for: string;
}

export interface Progress {
  batch: ImportBatch;
  rows: Record<string, number>;
  done: number;
  confirmed: number;
  refused: number;
}

export interface ImportRow {
  row: number;
  state: string;
  state_zh: string;
  cells: Record<string, string>;
  faults: Fault[];
  identifier: string;
  outcome: string;
  judge_reason: string;
  has_photo: boolean;
}

export interface BulkBatch {
  bulk_id: string;
  state: string;
  state_zh: string;
  action: string;
  document_no: string;
  decided_on: string;
  basis: string;
  window_hours: number;
  total: number;
  asked_by: string;
  asked_at: string;
  confirmed_by: string;
  effect_at: string | null;
  ended_by: string;
  ended_at: string | null;
  reason: string;
}

export interface BulkProgress {
  batch: BulkBatch;
  rows: Record<string, number>;
}

export interface BulkRow {
  row: number;
  given: string;
  identifier: string;
  state: string;
  state_zh: string;
  detail: string;
}

export interface TypeName {
  type: string;
  name: string;
}

/** An upload of hundreds of megabytes on an office's line. */
const PATIENCE_MS = 30 * 60 * 1000;

/** Send a table of `type`; `onPart` hears how many percent are gone. */
export function sendTable(
  file: File,
  fields: Record<string, string>,
  token: string,
  onPart: (percent: number) => void,
): Promise<ImportBatch> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/v1/imports");
    request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.timeout = PATIENCE_MS;
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onPart(Math.round((100 * event.loaded) / event.total));
    });
    request.addEventListener("load", () => {
      if (request.status < 300) resolve(JSON.parse(request.responseText));
      else reject(refusal(request.status, request.responseText));
    });
    request.addEventListener("error", () => reject(new Problem("network")));
    request.addEventListener("timeout", () => reject(new Problem("slow")));
    const form = new FormData();
    for (const [key, value] of Object.entries(fields)) form.append(key, value);
    // A fixed name: a file name may hold a person's name and is nobody's business.
    form.append("file", file, "table");
    request.send(form);
  });
}

function refusal(status: number, text: string): Problem {
  try {
    const said = JSON.parse(text);
    const problem = new Problem(status, { detail: said.detail ?? "", code: said.code ?? "" });
    problem.errors = said.errors ?? [];
    return problem;
  } catch {
    return new Problem(status);
  }
}

/** Follow the progress of an import as server-sent events, until nothing changes any more or `stop` is called. */
export async function follow(
  id: string,
  token: string,
  stop: AbortSignal,
  heard: (now: Progress) => void,
): Promise<void> {
  const headers = { Accept: "text/event-stream", Authorization: `Bearer ${token}` };
  const path = `/v1/imports/${encodeURIComponent(id)}/progress`;
  const answer = await fetch(path, { headers, signal: stop, cache: "no-store", credentials: "omit" });
  const reader = answer.ok ? answer.body?.pipeThrough(new TextDecoderStream()).getReader() : undefined;
  let rest = "";
  while (reader) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const data = part.split("\n").find((line) => line.startsWith("data: "));
      if (data) heard(JSON.parse(data.slice("data: ".length)));
    }
  }
}
