// English names of the fields that every type has; others are called in English what their keys say (names.ts).
export const FIELD_WORDS: Record<string, readonly [string, string]> = {
  "field.holder_name": ["持证主体", "Holder"],
  "field.holder_code": ["持证主体代码", "Holder's code"],
  "field.number": ["证照编号", "Number"],
  "field.issuer_name": ["颁发机构", "Issuer"],
  "field.issued_on": ["颁发日期", "Issued on"],
  "field.valid_from": ["有效期起", "From"],
  "field.valid_until": ["有效期止", "Until"],
};
