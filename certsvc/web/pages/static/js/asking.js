// What was asked, so that it can be asked again: with a receipt, or after a refusal.
import { call, upload } from "./api.js";

/** A file: `progress` is told how much of it is gone, `cancel.now` stops it and the answer is then null. */
export function askFile(file, at) {
  const ask = ({ receipt = false, progress = () => {}, cancel = {} } = {}) => {
    const query = new URLSearchParams({ ...(at ? { at } : {}), ...(receipt ? { receipt: "true" } : {}) });
    return upload(`/v1/verifications/file${query.size ? `?${query}` : ""}`, file, progress, cancel);
  };
  return { from: "file", file, ask };
}

/** The trouble with a file that need not be sent at all: `empty`, `archive` or nothing. */
export function unfitFor(file) {
  if (!file.size) return "empty";
  return /\.(zip|rar|7z|tar|gz)$/i.test(file.name) ? "archive" : "";
}

/** A code or a number, as it stands now: only who has the file may ask about its past. */
export function askText(from, body) {
  const ask = ({ receipt = false } = {}) => call("POST", "/v1/verifications", { body: { ...body, ...(receipt ? { receipt } : {}) } });
  return { from, ask };
}
