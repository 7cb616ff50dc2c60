// What the views of webhooks read; the whole answer is in openapi/certsvc.json.
export interface Webhook {
  subscription_id: string;
  client_id: string;
  url: string;
  types: string[];
  state: string;
  reason: string;
  missed_after: number | null;
  missed_until: number | null;
  failures: number;
  failing_since: string | null;
  last_success_at: string | null;
  waiting: number;
  failed: number;
}

export interface Delivery {
  position: number;
  event_id: string;
  type: string;
  subject: string;
  state: string;
  attempts: number;
  next_try_at: string | null;
  created_at: string;
  tries: { at: string; status: number; fault: string; duration_ms: number }[];
}

/** Colour of a subscription; a word and a symbol stand beside it. */
export function colourOf(one: Webhook): string {
  if (one.state === "disabled") return "red";
  return one.state === "paused" || one.failing_since ? "amber" : "green";
}

/** Its symbol, so that colour is not the only sign. */
export function symbolOf(one: Webhook): string {
  return { red: "ended", amber: "doubt", green: "ok" }[colourOf(one)] ?? "doubt";
}
