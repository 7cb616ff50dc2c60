// Chinese names of field keys, from the public catalog; keys every type has stand here.
import { call } from "./api.js";
import { t } from "./words.js";

const BUILT_IN = {
  holder_name: "持证主体", holder_code: "持证主体代码", number: "证照编号", issuer_name: "颁发机构", issued_on: "颁发日期", valid_from: "有效期起", valid_until: "有效期止",
};
const names = new Map(Object.entries(BUILT_IN));
let read = null;

/** Read the catalog's field names once. */
export function readNames() {
  read ||= call("GET", "/v1/catalog/types")
    .then((types) => { for (const kind of types) for (const field of kind.fields) names.set(field.key, field.name); })
    .catch((error) => { read = null; throw error; });
  return read;
}

/** The name of a field, or its key when the catalog has none. */
export function nameOf(key) {
  return key === "*copy" ? t("uses.copy") : names.get(key) || key;
}
