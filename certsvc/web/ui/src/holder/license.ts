// What is said of a license in more than one place.
import { useSession } from "../shared/session";
import type { Card, Matter, MoveRecord } from "../shared/types";
import { day, t } from "../shared/words";

/** 有效期 as a field: from and until, or open-ended. */
export function datesOf(card: Card): string {
  if (!card.valid_until) return t("wallet.dates_open", { from: day(card.valid_from) });
  return t("wallet.dates", { from: day(card.valid_from), until: day(card.valid_until) });
}

/** Whether some matter may use this license with the holder's consent: without one there is nothing to grant. */
export function grantable(card: Card, matters: readonly Matter[]): boolean {
  return card.good && matters.some((matter) => matter.bases.includes("consent") && matter.allows[card.type]);
}

/** A question about what was decided about a license; the newest decision comes first. */
export function useDecisions(): (card: Card) => Promise<MoveRecord[]> {
  const session = useSession();
  return async (card) => {
    const path = `/v1/wallet/${encodeURIComponent(card.identifier)}/moves`;
    const moves = await session.call<MoveRecord[]>("GET", path);
    return moves.filter((move) => move.document_no).sort((a, b) => b.at.localeCompare(a.at));
  };
}
