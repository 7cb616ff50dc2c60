// What a dispute is about, until it is filed.
import { typeName } from "../shared/names";
import type { Card, Use } from "../shared/types";

export interface Disputed {
  identifier: string;
  about: string;
  useId: string;
  title: string;
  at: string;
}

export function ofUse(use: Use): Disputed {
  const title = `${typeName(use)}　${use.who}`;
  return { identifier: use.identifier, about: use.kind, useId: use.use_id, title, at: use.at };
}

export function ofContent(card: Card): Disputed {
  const title = `${typeName(card)}　${card.number}`;
  return { identifier: card.identifier, about: "content", useId: "", title, at: "" };
}
