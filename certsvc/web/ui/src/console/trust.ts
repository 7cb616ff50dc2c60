// What the view of trust reads; the whole answer is in openapi/certsvc.json.
import { named, t } from "../shared/words";

export interface TrustSources {
  at: string;
  version: number;
  confirmed: number;
  anchors: { sha256: string; name: string; purposes: string[]; origin: string; ends_at: string; freshness: string }[];
  authorities: { ca_id: string; name: string; valid_until: string; freshness: string }[];
  publishers: {
    host: string;
    kinds: string[];
    answered_at: string | null;
    failed_at: string | null;
    freshness: string;
  }[];
  stamped_at: string | null;
  stamp_freshness: string;
}

export interface TrustProposal {
  proposal_id: string;
  kind: string;
  entry_id: string;
  entry: { name: string };
  reason: string;
  proposed_by: string;
  proposed_at: string;
  expires_at: string;
}

export interface TrustRecord {
  version: number;
  waiting: TrustProposal[];
  changes: (TrustProposal & { number: number; confirmed_by: string; confirmed_at: string })[];
}

/** Colour and symbol of how fresh something is; the word stands beside both. */
export const COLOURS: Record<string, string> = {
  good: "green",
  soon: "amber",
  stale: "amber",
  ended: "red",
  not_yet: "grey",
  unknown: "grey",
};
export const SYMBOLS: Record<string, string> = {
  good: "ok",
  soon: "later",
  stale: "doubt",
  ended: "expired",
  not_yet: "early",
  unknown: "unsure",
};

const PARTNER = "partner-";

/** What a purpose of an anchor is called. */
export function purposeName(purpose: string): string {
  if (purpose.startsWith(PARTNER)) return t("ctrust.partner", { code: purpose.slice(PARTNER.length) });
  return named("ctrust.purpose", purpose);
}
