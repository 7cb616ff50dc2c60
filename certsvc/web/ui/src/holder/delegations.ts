// 代亮: what a reader may hand on, and in whose name.

import { call } from "../../../pages/static/js/api.js";
import { useSession } from "../shared/session";
import type { Card, Delegation, Matter, OtherCard } from "../shared/types";

/** Licenses that are handed on together: the own ones, those of a represented company, those of a 证照管理员. */
export interface Source {
  key: string;
  holder: string;
  /** The reader's own delegation when a 证照管理员 names an 办事人. */
  under: string;
  /** The last day above which nothing may be given; empty without one. */
  latest: string;
  cards: Card[];
  /** Matters for which the reader may let somebody consent; null for every one. */
  useMatters: string[] | null;
}

/** In `use_matters`: every matter. */
export const ANY_MATTER = "*";
/** How far a delegate may consent to uses. */
export type Consenting = "none" | "named" | "*";

/** Matters that may use one of these licenses by consent, and for which the reader may let somebody consent. */
export function mattersOf(source: Source | undefined, matters: readonly Matter[], identifiers: string[]): Matter[] {
  const types = (source?.cards ?? []).filter((card) => identifiers.includes(card.identifier)).map((card) => card.type);
  const mine = source?.useMatters ?? null;
  return matters.filter(
    (one) =>
      one.bases.includes("consent") &&
      (!mine || mine.includes(one.code)) &&
      types.some((type) => one.allows[type]?.length),
  );
}

/** What `use_matters` says, in one line. */
export function mattersInWords(codes: readonly string[], matters: readonly Matter[], any: string): string {
  const name = (code: string) => matters.find((one) => one.code === code)?.name ?? code;
  return codes.includes(ANY_MATTER) ? any : codes.map(name).join("、");
}

export interface Delegations {
  given: Delegation[];
  received: Delegation[];
}

const MANAGER = "manager";

export function sourcesOf(cards: Card[], others: OtherCard[], received: Delegation[]): Source[] {
  const shown = (card: Card) => card.good && card.scenes.length > 0;
  const sources: Source[] = [
    { key: "own", holder: "", under: "", latest: "", cards: cards.filter(shown), useMatters: null },
  ];
  const companies = others.filter((one) => one.basis === "representative" && shown(one.card));
  for (const holder of new Set(companies.map((one) => one.card.holder_name))) {
    const own = companies.filter((one) => one.card.holder_name === holder).map((one) => one.card);
    sources.push({ key: `company ${holder}`, holder, under: "", latest: "", cards: own, useMatters: null });
  }
  for (const one of received.filter((row) => row.level === MANAGER && row.state === "active")) {
    const own = others.filter((other) => other.delegation_id === one.delegation_id && shown(other.card));
    sources.push({
      key: one.delegation_id,
      holder: one.holder_name,
      under: one.delegation_id,
      latest: one.until,
      cards: own.map((other) => other.card),
      useMatters: one.use_matters.includes(ANY_MATTER) ? null : one.use_matters,
    });
  }
  return sources.filter((source) => source.cards.length > 0);
}

/** The reader's licenses, those of others, and the delegations of both sides. */
export function useDelegations() {
  const session = useSession();
  return async (): Promise<Delegations & { sources: Source[]; matters: Matter[] }> => {
    const [cards, others, lists, matters] = await Promise.all([
      session.call<Card[]>("GET", "/v1/wallet"),
      session.call<OtherCard[]>("GET", "/v1/wallet/others"),
      session.call<Delegations>("GET", "/v1/delegations"),
      call("GET", "/v1/catalog/matters") as Promise<Matter[]>,
    ]);
    return { ...lists, matters, sources: sourcesOf(cards, others, lists.received) };
  };
}
