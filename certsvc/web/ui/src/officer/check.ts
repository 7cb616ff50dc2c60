// The check of an offline code without network, in the steps of certsvc/signing/offline_check.py. Nothing is asked.
import type { OpenCode } from "../shared/code";
import { dayOf } from "../shared/shanghai";
import type { Ready } from "./bundle";

export type Light = "green" | "amber" | "red";

export interface Finding {
  light: Light;
  /** Reason codes of the service, most important first. */
  reasons: string[];
  code: OpenCode | null;
}

/** Everything that is red by itself; the rest is amber, and green is only what has nothing against it. */
const RED = ["not_ours", "code_unknown", "code_device_wrong", "device_blocked", "not_in_force", "license_expired"];
const GOOD = "ok_offline";

/** The codes this device has scanned, as long as the same code could be shown again. */
const seen = new Map<string, number>();

/** Whether this very code was scanned before; asked once per scan. */
export function scannedBefore(code: OpenCode, now: number, ready: Ready): boolean {
  const ends = ready.policy.proofAge + 2 * ready.policy.tolerance;
  for (const [mark, at] of seen) if (Math.abs(now - at) > ends) seen.delete(mark);
  const mark = `${code.core.token} ${code.shownAt}`;
  const known = seen.has(mark);
  if (!known) seen.set(mark, now);
  return known;
}

/** What speaks against the times of a code at `now` (Unix seconds). */
function timeFault({ core, shownAt }: OpenCode, now: number, { policy }: Ready): string | null {
  if (core.lastDay && dayOf(now * 1000) > core.lastDay) return "license_expired";
  if (Math.max(core.issuedAt, shownAt) > now + policy.tolerance) return "clock_differs";
  if (shownAt < now - policy.proofAge - policy.tolerance) return "code_expired";
  const good = now < core.expiresAt && core.expiresAt <= core.issuedAt + policy.coreLifetime;
  return good && shownAt >= core.issuedAt - policy.tolerance ? null : "code_expired";
}

/** What the status list says against the license; empty when it stands in a list of this day. */
function statusOf({ core }: OpenCode, now: number, ready: Ready): string {
  const array = ready.lists.get(core.list);
  if (!array || core.index >= array.length * 8) return "status_unknown";
  if (((array[core.index >> 3] ?? 0) >> (core.index & 7)) & 1) return "not_in_force";
  const age = now - ready.asOf;
  if (age < -ready.policy.tolerance) return "clock_differs";
  return age > ready.policy.stale ? "status_stale" : "";
}

function finding(reasons: string[], code: OpenCode | null): Finding {
  const first = reasons[0] ?? GOOD;
  const light = RED.includes(first) ? "red" : reasons.length === 0 ? "green" : "amber";
  return { light, reasons: reasons.length ? reasons : [GOOD], code };
}

/** The finding over a code that was opened at `now`; the officer's tick and an earlier scan take part in it. */
export function judge(
  opened: OpenCode | string,
  ready: Ready,
  { now, compared, repeated }: { now: number; compared: boolean; repeated: boolean },
): Finding {
  if (typeof opened === "string") return finding([opened], null);
  if (ready.blocked.has(opened.core.deviceId)) return finding(["device_blocked"], opened);
  const against = timeFault(opened, now, ready) ?? statusOf(opened, now, ready);
  if (against) return finding([against], opened);
  const reasons: string[] = [];
  if (repeated) reasons.push("code_repeated");
  if (now - ready.asOf > ready.policy.amber) reasons.push("status_old");
  if (!compared) reasons.push("identity_not_compared");
  return finding(reasons, opened);
}
