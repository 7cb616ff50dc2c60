// Chinese names of field keys, from the public catalog; keys that every type has stand here.
import { reactive } from "vue";
import { call } from "../../../pages/static/js/api.js";
import { t } from "./words";

const names = reactive(
  new Map<string, string>([
    ["holder_name", "持证主体"],
    ["holder_code", "持证主体代码"],
    ["number", "证照编号"],
    ["issuer_name", "颁发机构"],
    ["issued_on", "颁发日期"],
    ["valid_from", "有效期起"],
    ["valid_until", "有效期止"],
  ]),
);
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

/** The names of fields, in one line. */
export function namesOf(keys: readonly string[]): string {
  return keys.map((key) => (key === "*copy" ? t("uses.copy") : names.get(key) || key)).join("、");
}
