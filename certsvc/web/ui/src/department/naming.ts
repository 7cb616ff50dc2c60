// Names in the reader's language: in English types and fields are called what their codes say, as the service does it.
import { englishOf, fieldName } from "../shared/names";
import { day, english, has, t } from "../shared/words";
import type { BodyUse, Named } from "./types";

/** What stands before the field in the key of a question. */
const SCOPE = "?scope:";
/** The day of a question after the state of a license; without one it is about now. */
const VALID = /^(\d{4}-\d{2}-\d{2})? ?(?:现在)?是否有效$/;
/** A question after the content of a field: its name. What was looked for is not told to a whole office. */
const CONTAINS = /^“(.*)”是否包含/;

/** What a type is called. */
export function kindName(slug: string, name: string): string {
  return english() && slug ? englishOf(slug) : name;
}

/** What a key of a policy or of a use is called. */
export function keyName(one: Named): string {
  return english() ? fieldName(one.key, one.name) : one.name;
}

/** The names of keys, in one line. */
export function keyNames(keys: readonly Named[]): string {
  return keys.map(keyName).join(english() ? ", " : "、");
}

/** On what a use or a policy rests; `said` is the service's word for it. */
export function basisName(basis: string, said = ""): string {
  const key = `basis.${basis}`;
  return (!english() && said) || (has(key) ? t(key) : said || basis);
}

/** The question of a use. */
export function questionOf(row: BodyUse): string {
  if (!english()) return row.question;
  const about = VALID.exec(row.question);
  if (about) return about[1] ? t("duses.asked_then", { day: day(about[1]) }) : t("duses.asked_now");
  const inside = CONTAINS.exec(row.question);
  if (!inside) return t("duses.asked_holder");
  const scope = row.fields.find(({ key }) => key.startsWith(SCOPE));
  const name = scope ? fieldName(scope.key.slice(SCOPE.length)) : inside[1];
  return t("duses.asked_scope", { name });
}
