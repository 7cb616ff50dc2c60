// Bytes: joined, compared, written as base64url (RFC 4648 §5) and base45 (RFC 9285).

// WebCrypto takes only views over plain buffers.
export type Bytes = Uint8Array<ArrayBuffer>;

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const BASE = 45;

export function joined(...parts: readonly (Bytes | readonly number[])[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Whether `part` stands in `whole` at `at`. */
export function standsAt(whole: Bytes, at: number, part: readonly number[]): boolean {
  return part.every((byte, index) => whole[at + index] === byte);
}

export function ascii(text: string): Bytes {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

export function hex(bytes: Bytes): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function toBase64Url(bytes: Bytes): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

export function fromBase64Url(text: string): Bytes {
  return ascii(atob(text.replaceAll("-", "+").replaceAll("_", "/")));
}

/** Three characters for two bytes, two for a last single one. */
export function toBase45(bytes: Bytes): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 2) {
    const odd = at + 1 === bytes.length;
    let value = odd ? (bytes[at] ?? 0) : (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
    for (let left = odd ? 2 : 3; left > 0; left -= 1) {
      text += ALPHABET[value % BASE];
      value = Math.floor(value / BASE);
    }
  }
  return text;
}

/** The bytes of `text`; null for anything that toBase45 does not write. */
export function fromBase45(text: string): Bytes | null {
  const values = Array.from(text, (letter) => ALPHABET.indexOf(letter));
  if (values.includes(-1) || values.length % 3 === 1) return null;
  const bytes: number[] = [];
  for (let at = 0; at < values.length; at += 3) {
    const [a = 0, b = 0, c] = values.slice(at, at + 3);
    const value = a + BASE * b + BASE * BASE * (c ?? 0);
    if (value > (c === undefined ? 0xff : 0xffff)) return null;
    if (c !== undefined) bytes.push(value >> 8);
    bytes.push(value & 0xff);
  }
  return Uint8Array.from(bytes);
}
