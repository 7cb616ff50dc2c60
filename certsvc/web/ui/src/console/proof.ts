// Inclusion proofs (RFC 9162 §2.1.3.2), computed here: the page takes nobody's word for a root.
import type { Proof } from "./types";

type Bytes = Uint8Array<ArrayBuffer>;

function decoded(base64: string): Bytes {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/** The hash of an inner node. */
async function node(left: Bytes, right: Bytes): Promise<Bytes> {
  const whole = new Uint8Array(1 + left.length + right.length);
  whole[0] = 1;
  whole.set(left, 1);
  whole.set(right, 1 + left.length);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
}

/** Whether a digest can be computed at all: browsers do it over https and on the own machine. */
export function canProve(): boolean {
  return Boolean(globalThis.crypto?.subtle);
}

/** Whether the path leads from the leaf to the root. Sizes may be larger than 32 bits, so nothing is shifted. */
export async function proves(proof: Proof): Promise<boolean> {
  if (proof.leaf_index >= proof.size) return false;
  let at = proof.leaf_index;
  let last = proof.size - 1;
  let hash = decoded(proof.leaf_hash);
  for (const step of proof.path) {
    if (last === 0) return false;
    const other = decoded(step);
    if (at % 2 === 1 || at === last) {
      hash = await node(other, hash);
      while (at % 2 === 0 && at !== 0) {
        at = Math.floor(at / 2);
        last = Math.floor(last / 2);
      }
    } else {
      hash = await node(hash, other);
    }
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  const root = decoded(proof.root);
  return last === 0 && hash.length === root.length && hash.every((byte, place) => byte === root[place]);
}
