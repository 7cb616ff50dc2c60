// Offline bundles (docs/offline-codes.md): what an officer's device holds to check codes without network. A file names
// every part that there is with the version in which it last changed, and carries those that changed.
import { ascii, type Bytes, hex, joined } from "../shared/bytes";
import { byteStringHead, type Cbor, type CborMap, readCbor } from "../shared/cbor";
import { holds, keyId, readJwk } from "../shared/keys";

const COSE_SIGN1 = 18;
const KID = 4;
const PAYLOAD_OF_CWT = 2;
const STATUS_LIST = 65533;
const SUBJECT = 2;
const FORMAT = 1;
/** One bit for each of the 2²⁰ entries of a status list. */
const LIST_BYTES = 2 ** 20 / 8;

export interface Part {
  version: number;
  value: Cbor;
}

/** Status data older than a day prove nothing, whatever the policy says. */
const STALE_S = 24 * 60 * 60;

/** What the device keeps: every part in its newest version, as the service said it at `asOf` (Unix seconds). */
export interface Held {
  version: number;
  asOf: number;
  issuer: string;
  parts: Map<string, Part>;
}

/** The same, made ready for checks. */
export interface Ready {
  asOf: number;
  keys: Map<string, CryptoKey>;
  lists: Map<number, Bytes>;
  blocked: Set<string>;
  policy: { proofAge: number; tolerance: number; coreLifetime: number; amber: number; stale: number };
  reasons: Map<string, string[]>;
  types: Map<string, { zh: string; en: string; cardNeeded: boolean }>;
}

function asMap(value: Cbor | undefined): CborMap {
  if (value instanceof Map) return value;
  throw new TypeError("bundle: a map was expected");
}

function asList(value: Cbor | undefined): Cbor[] {
  if (Array.isArray(value)) return value;
  throw new TypeError("bundle: a list was expected");
}

function asBytes(value: Cbor | undefined): Bytes {
  if (value instanceof Uint8Array) return value;
  throw new TypeError("bundle: bytes were expected");
}

function asNumber(value: Cbor | undefined): number {
  if (typeof value === "number") return value;
  throw new TypeError("bundle: a number was expected");
}

function signedParts(file: Bytes): Cbor[] {
  const read = readCbor(file);
  if (typeof read !== "object" || read === null || !("tag" in read) || read.tag !== COSE_SIGN1) {
    throw new TypeError("bundle: not a signed file");
  }
  return asList(read.value);
}

/** The public key of an issuer with this id (hex of its first bytes); undefined when the issuer names no such key. */
export type KeyOf = (id: string) => Promise<CryptoKey | undefined>;

/** A page may stay open for weeks: a key that the issuer took back is trusted for a day at most. */
const KEYS_KEPT_MS = 24 * 60 * 60 * 1000;

/**
 * Keys of bundles by their ids, asked for once and kept as long as the page is open. An id that is not among them means
 * that the issuer has a new key: then they are asked for again, and those that are named no more are forgotten.
 */
export function keysOf(ask: () => Promise<(JsonWebKey & { kid: string })[]>): KeyOf {
  let known = new Map<string, CryptoKey>();
  let askedAt = 0;
  return async (id) => {
    if (!known.has(id) || Date.now() - askedAt > KEYS_KEPT_MS) {
      const jwks = await ask();
      known = new Map(await Promise.all(jwks.map(async (one) => [hex(keyId(one.kid)), await readJwk(one)] as const)));
      askedAt = Date.now();
    }
    return known.get(id);
  };
}

/** The claims of a file whose signature holds under the key that it names; an error otherwise. */
async function claimsOf(file: Bytes, keyOf: KeyOf): Promise<CborMap> {
  const [first, , third, fourth] = signedParts(file);
  const [head, payload, signature] = [asBytes(first), asBytes(third), asBytes(fourth)];
  const key = await keyOf(hex(asBytes(asMap(readCbor(head)).get(KID))));
  const start = joined([0x84, 0x6a], ascii("Signature1"));
  const message = joined(start, byteStringHead(head.length), head, [0x40], byteStringHead(payload.length), payload);
  if (!key || !(await holds(key, signature, message))) throw new TypeError("bundle: the signature is wrong");
  const claims = asMap(readCbor(payload));
  if (claims.get("format") !== FORMAT) throw new TypeError("bundle: another format");
  return claims;
}

/** What is held after `file`; null when parts are missing, and all of it must be asked for. */
export async function applied(was: Held | undefined, file: Bytes, keyOf: KeyOf): Promise<Held | null> {
  const claims = await claimsOf(file, keyOf);
  const asOf = asNumber(claims.get("as_of"));
  const issuer = String(claims.get("iss"));
  if (was && (asOf < was.asOf || issuer !== was.issuer)) throw new TypeError("bundle: older, or another issuer's");
  const data = asMap(claims.get("data"));
  const parts = new Map<string, Part>();
  for (const [key, changed] of asMap(claims.get("parts"))) {
    const name = String(key);
    const value = data.get(name);
    const part = value === undefined ? was?.parts.get(name) : { version: asNumber(changed), value };
    if (part?.version !== changed) return null;
    parts.set(name, part);
  }
  return { version: asNumber(claims.get("version")), asOf, issuer, parts };
}

async function inflated(data: Bytes): Promise<Bytes> {
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The array in a Status List Token that came inside a signed bundle. */
async function arrayOf(part: CborMap): Promise<Bytes> {
  const claims = asMap(readCbor(asBytes(signedParts(asBytes(part.get("cwt")))[PAYLOAD_OF_CWT])));
  const listed = asMap(claims.get(STATUS_LIST));
  const array = await inflated(asBytes(listed.get("lst")));
  if (claims.get(SUBJECT) !== part.get("uri") || listed.get("bits") !== 1 || array.length !== LIST_BYTES) {
    throw new TypeError("bundle: a status list is not what it says");
  }
  return array;
}

/** Keys parsed, lists unpacked. */
export async function ready(held: Held): Promise<Ready> {
  const part = (name: string) => held.parts.get(name)?.value;
  const keys = new Map<string, CryptoKey>();
  for (const one of asList(part("code_keys"))) {
    const jwk = Object.fromEntries(asMap(one)) as unknown as JsonWebKey & { kid: string };
    keys.set(hex(keyId(jwk.kid)), await readJwk(jwk));
  }
  const lists = new Map<number, Bytes>();
  for (const [name, { value }] of held.parts) {
    if (name.startsWith("status/")) lists.set(asNumber(asMap(value).get("list")), await arrayOf(asMap(value)));
  }
  const policy = asMap(part("policy"));
  const types = asList(part("types")).map((one) => {
    const said = asMap(one);
    const label = {
      zh: String(said.get("zh")),
      en: String(said.get("en")),
      cardNeeded: said.get("card_before_detention") === true,
    };
    return [String(said.get("type")), label] as const;
  });
  return {
    asOf: held.asOf,
    keys,
    lists,
    blocked: new Set(asList(part("blocked_devices")).map((id) => hex(asBytes(id)))),
    policy: {
      proofAge: asNumber(policy.get("proof_age_s")),
      tolerance: asNumber(policy.get("tolerance_s")),
      coreLifetime: asNumber(policy.get("core_lifetime_s")),
      amber: asNumber(policy.get("status_amber_s")),
      stale: Math.min(asNumber(policy.get("status_stale_s")), STALE_S),
    },
    reasons: new Map(Array.from(asMap(part("reasons")), ([code, words]) => [String(code), asList(words).map(String)])),
    types: new Map(types),
  };
}
