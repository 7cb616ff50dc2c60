// Names of fields: in Chinese from the public catalog, in English what their keys say (the catalog has no English); for
// those that every type has there are words.
import { reactive } from "vue";
import { call } from "../../../pages/static/js/api.js";
import { english, has, t } from "./words";

const names = reactive(new Map<string, string>());
let read: Promise<void> | null = null;

/** Read the catalog's field names once. */
export function readNames(): Promise<void> {
  read ||= call("GET", "/v1/catalog/types").then(
    (types: { fields: { key: string; name: string }[] }[]) => {
      for (const kind of types) for (const field of kind.fields) names.set(field.key, field.name);
    },
    (error) => {
      read = null;
      throw error;
    },
  );
  return read;
}

/** "Legal representative" for legal_representative, as certsvc/commands/offline/labels.py has it. */
export function englishOf(key: string): string {
  const words = key.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const SCOPE = "?scope:";

/** A question of a policy in words; empty where the page has none. */
function questionName(key: string): string {
  if (!key.startsWith(SCOPE)) return has(`ask.${key.slice(1)}`) ? t(`ask.${key.slice(1)}`) : "";
  return has("ask.scope") ? t("ask.scope", { name: fieldName(key.slice(SCOPE.length)) }) : "";
}

/** The name of a field in the reader's language; `name` is what the service calls it. */
export function fieldName(key: string, name = ""): string {
  if (key === "*copy") return t("uses.copy");
  if (key.startsWith("?")) return questionName(key) || name || key;
  if (!english() && name) return name;
  if (has(`field.${key}`)) return t(`field.${key}`);
  return english() ? englishOf(key) : names.get(key) || key;
}

/** What a type of licenses is called, in the reader's language. */
export function typeName(one: { type_name: string; type_name_en: string }): string {
  return (english() && one.type_name_en) || one.type_name;
}

/** What a scene is called, in the reader's language. */
export function sceneName(scene: { name: string; name_en: string }): string {
  return (english() && scene.name_en) || scene.name;
}

/** What the service calls the states of a license, in English. */
const STATES: Record<string, string> = {
  正常: "In order",
  模拟审批: "Provisional",
  暂扣: "Suspended",
  已换发: "Replaced",
  撤销: "Rescinded",
  撤回: "Withdrawn",
  吊销: "Revoked",
  注销: "Cancelled",
  作废: "Voided",
  已到期: "Expired",
};

/** A state in the reader's language; one without English stays as the service said it. */
export function stateName(said: string): string {
  return (english() && STATES[said]) || said;
}

/** The names of fields, in one line. */
export function namesOf(keys: readonly string[]): string {
  return keys.map((key) => fieldName(key)).join(english() ? ", " : "、");
}
