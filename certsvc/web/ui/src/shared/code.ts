// Offline codes (docs/offline-codes.md): what the issuer signed, and beside it this device's signature over the time.
// A code has one spelling: everything around the claims is a fixed pattern of bytes and compared as such.
import { ascii, type Bytes, fromBase45, hex, joined, standsAt, toBase45 } from "./bytes";
import { byteStringHead, type CborMap, readCbor } from "./cbor";
import { digestOf, holds, readPoint, sign } from "./keys";

export const PREFIX = "ELC1:";
const MAX_BYTES = 390;
const MIN_BYTES = 160;
const MAX_TEXT = PREFIX.length + (MAX_BYTES / 2) * 3;

// {1: -7, 4: kid}: ES256 and the key's id, and nothing else (RFC 9052 §3.1).
const PROTECTED = [0x4d, 0xa2, 0x01, 0x26, 0x04, 0x48];
const CORE_START = [0xd2, 0x84, ...PROTECTED];
const KID_BYTES = 8;
const EMPTY_MAP = [0xa0];
const SIGNATURE = [0x58, 0x40];
const SIGNATURE_BYTES = 64;
// {1: -7}, an empty map, and the time as a CBOR integer of four bytes in a byte string of five.
const PROOF_START = [0x84, 0x43, 0xa1, 0x01, 0x26, 0xa0, 0x45, 0x1a];
const TIME_BYTES = 4;
const PROOF_BYTES = PROOF_START.length + TIME_BYTES + SIGNATURE.length + SIGNATURE_BYTES;
const PAIR = [0x82];
// RFC 9052 §4.4.
const SIGNED = joined([0x84, 0x6a], ascii("Signature1"));
const DEVICE_SIGNED = joined(SIGNED, [0x43, 0xa1, 0x01, 0x26, 0x58, 0x20]);

// Claims of CWT (RFC 8392 §4, RFC 8747 §3.1), and four of our own.
const CLAIM = { exp: 4, iat: 6, cti: 7, cnf: 8, type: -65537, name: -65538, lastDay: -65539, status: -65540 };
const DAY_MS = 24 * 60 * 60 * 1000;

/** What the issuer signed. Times are Unix seconds; `lastDay` is an ISO date, empty for 长期. */
export interface Core {
  token: string;
  type: string;
  name: string;
  lastDay: string;
  list: number;
  index: number;
  deviceId: string;
  issuedAt: number;
  expiresAt: number;
}

/** A code whose two signatures held. */
export interface OpenCode {
  core: Core;
  shownAt: number;
}

/** Why a text is no code of ours; reason codes of the service. */
export type Refused = "not_ours" | "code_unknown" | "code_key_unknown" | "code_device_wrong";

export function isOffline(text: string): boolean {
  return text.startsWith(PREFIX);
}

function timeBytes(seconds: number): number[] {
  return [(seconds >>> 24) & 0xff, (seconds >> 16) & 0xff, (seconds >> 8) & 0xff, seconds & 0xff];
}

async function deviceMessage(core: Bytes, shownAt: number): Promise<Bytes> {
  return joined(DEVICE_SIGNED, await digestOf(core), [0x45, 0x1a], timeBytes(shownAt));
}

/** The text of a code that this device shows now. */
export async function present(core: Bytes, keys: CryptoKeyPair, shownAt: number): Promise<string> {
  const signature = await sign(keys, await deviceMessage(core, shownAt));
  const proof = joined(PROOF_START, timeBytes(shownAt), SIGNATURE, signature);
  return PREFIX + toBase45(joined(PAIR, byteStringHead(core.length), core, proof));
}

/** The content of the one byte string that `data` is, in its shortest form. */
function item(data: Bytes): Bytes | null {
  const start = data[0] === 0x58 ? 2 : 3;
  const content = data.subarray(start);
  return content.length >= 24 && standsAt(data, 0, byteStringHead(content.length)) ? content : null;
}

function coreOf(claims: CborMap, deviceId: string): Core | null {
  const [exp, iat, cti, type, name, lastDay, status] = [
    CLAIM.exp,
    CLAIM.iat,
    CLAIM.cti,
    CLAIM.type,
    CLAIM.name,
    CLAIM.lastDay,
    CLAIM.status,
  ].map((key) => claims.get(key));
  if (typeof exp !== "number" || typeof iat !== "number" || !(cti instanceof Uint8Array) || cti.length !== 16)
    return null;
  if (typeof type !== "string" || typeof name !== "string" || !Array.isArray(status)) return null;
  const [list, index] = status;
  if (typeof list !== "number" || typeof index !== "number") return null;
  if (lastDay !== undefined && typeof lastDay !== "number") return null;
  return {
    token: hex(cti),
    type,
    name,
    lastDay: lastDay === undefined ? "" : new Date(lastDay * DAY_MS).toISOString().slice(0, 10),
    list,
    index,
    deviceId,
    issuedAt: iat,
    expiresAt: exp,
  };
}

interface OpenCore {
  core: Core;
  device: CryptoKey;
}

async function openCore(core: Bytes, keys: ReadonlyMap<string, CryptoKey>): Promise<OpenCore | Refused> {
  const id = core.subarray(CORE_START.length, CORE_START.length + KID_BYTES);
  const rest = core.subarray(CORE_START.length + KID_BYTES);
  const tail = rest.length - SIGNATURE.length - SIGNATURE_BYTES;
  if (!standsAt(core, 0, CORE_START) || !standsAt(rest, 0, EMPTY_MAP) || !standsAt(rest, tail, SIGNATURE)) {
    return "code_unknown";
  }
  const payload = rest.subarray(1, tail);
  const claims = item(payload);
  if (!claims) return "code_unknown";
  const key = keys.get(hex(id));
  if (!key) return "code_key_unknown";
  const signature = rest.subarray(tail + SIGNATURE.length);
  if (!(await holds(key, signature, joined(SIGNED, PROTECTED, id, [0x40], payload)))) return "code_unknown";
  const read = readCbor(claims);
  const point = read instanceof Map ? read.get(CLAIM.cnf) : undefined;
  const jwk = point instanceof Map ? point.get(1) : undefined;
  if (!(read instanceof Map) || !(jwk instanceof Map)) return "code_unknown";
  const [x, odd] = [jwk.get(-2), jwk.get(-3)];
  if (!(x instanceof Uint8Array) || typeof odd !== "boolean") return "code_unknown";
  const device = await readPoint(x, odd);
  const found = coreOf(read, hex((await digestOf(joined([odd ? 3 : 2], x))).subarray(0, 8)));
  return device && found ? { core: found, device } : "code_unknown";
}

/** The code in `text`, or why not. Times and the state of the license are for the caller to judge. */
export async function openCode(text: string, keys: ReadonlyMap<string, CryptoKey>): Promise<OpenCode | Refused> {
  if (!isOffline(text)) return "not_ours";
  const data = text.length <= MAX_TEXT ? fromBase45(text.slice(PREFIX.length)) : null;
  if (!data || data.length < MIN_BYTES || data.length > MAX_BYTES) return "code_unknown";
  const split = data.length - PROOF_BYTES;
  const core = item(data.subarray(1, split));
  const proof = data.subarray(split);
  const signature = PROOF_START.length + TIME_BYTES;
  if (!core || !standsAt(data, 0, PAIR) || !standsAt(proof, 0, PROOF_START) || !standsAt(proof, signature, SIGNATURE)) {
    return "code_unknown";
  }
  const opened = await openCore(core, keys);
  if (typeof opened === "string") return opened;
  const time = proof.subarray(PROOF_START.length, signature);
  const shownAt = new DataView(time.buffer, time.byteOffset).getUint32(0);
  const given = proof.subarray(signature + SIGNATURE.length);
  if (shownAt < 0x10000) return "code_unknown"; // a shorter integer would be its one spelling
  const held = await holds(opened.device, given, await deviceMessage(core, shownAt));
  return held ? { core: opened.core, shownAt } : "code_device_wrong";
}
