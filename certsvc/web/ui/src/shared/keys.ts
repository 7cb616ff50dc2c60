// ECDSA on P-256 by WebCrypto: keys of this device, which nobody can take out of it, and public keys of others.
import { type Bytes, fromBase64Url, toBase64Url } from "./bytes";

const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const WAY = { name: "ECDSA", hash: "SHA-256" };

// SEC 2 §2.4.2: y² = x³ - 3x + b over the field of P.
const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

/** A key pair for this device; the private half cannot be exported. */
export function makeKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(CURVE, false, ["sign", "verify"]);
}

export function publicJwk(keys: CryptoKeyPair): Promise<JsonWebKey> {
  return crypto.subtle.exportKey("jwk", keys.publicKey);
}

export async function sign(keys: CryptoKeyPair, message: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.sign(WAY, keys.privateKey, message));
}

export function holds(key: CryptoKey, signature: Bytes, message: Bytes): Promise<boolean> {
  return crypto.subtle.verify(WAY, key, signature, message);
}

/** A public key of a JWKS. */
export function readJwk({ kty, crv, x, y }: JsonWebKey): Promise<CryptoKey> {
  return crypto.subtle.importKey("jwk", { kty, crv, x, y }, CURVE, false, ["verify"]);
}

export async function digestOf(data: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data));
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}

function number(bytes: Bytes): bigint {
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function bytesOf(value: bigint): Bytes {
  return Uint8Array.from(value.toString(16).padStart(64, "0").match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** The key of a point of which only `x` and whether `y` is odd are known; null when there is none (SEC 1 §2.3.4). */
export async function readPoint(x: Bytes, odd: boolean): Promise<CryptoKey | null> {
  const abscissa = number(x);
  if (x.length !== 32 || abscissa >= P) return null;
  const square = (power(abscissa, 3n) + (P - 3n) * abscissa + B) % P;
  const root = power(square, (P + 1n) / 4n);
  if ((root * root) % P !== square) return null;
  const y = (root & 1n) === (odd ? 1n : 0n) ? root : P - root;
  return readJwk({ kty: "EC", crv: "P-256", x: toBase64Url(x), y: toBase64Url(bytesOf(y)) });
}

/** The id of an issuer's key in codes and bundles: the first bytes of its thumbprint (RFC 7638). */
export function keyId(kid: string): Bytes {
  return fromBase64Url(kid).subarray(0, 8);
}
