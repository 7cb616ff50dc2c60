// Reading CBOR (RFC 8949), as far as our own signed files use it: definite lengths, no floats. What is read was signed by
// the service, so this is a reader and no judge; anything it does not know is an error.
import type { Bytes } from "./bytes";

export type Cbor = number | string | boolean | null | Bytes | Cbor[] | CborMap | Tagged;
export type CborMap = Map<number | string, Cbor>;

export interface Tagged {
  tag: number;
  value: Cbor;
}

/** Nothing of ours is nested deeper; stops a file that would fill the stack. */
const MAX_DEPTH = 16;

class Reader {
  private at = 0;
  private readonly data: Bytes;
  private readonly view: DataView;

  constructor(data: Bytes) {
    this.data = data;
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  whole(): Cbor {
    const value = this.item(0);
    if (this.at !== this.data.length) throw new TypeError("CBOR: bytes behind the end");
    return value;
  }

  private take(size: number): Bytes {
    if (this.at + size > this.data.length) throw new TypeError("CBOR: cut off");
    this.at += size;
    return this.data.subarray(this.at - size, this.at);
  }

  private size(short: number): number {
    if (short < 24) return short;
    const start = this.at;
    if (short === 24) return this.take(1)[0] ?? 0;
    if (short === 25) return this.take(2) && this.view.getUint16(start);
    if (short === 26) return this.take(4) && this.view.getUint32(start);
    if (short === 27) return this.take(8) && Number(this.view.getBigUint64(start));
    throw new TypeError("CBOR: an open end");
  }

  private item(depth: number): Cbor {
    if (depth > MAX_DEPTH) throw new TypeError("CBOR: nested too deeply");
    const head = this.take(1)[0] ?? 0;
    const kind = head >> 5;
    if (kind === 7) return this.simple(head);
    const size = this.size(head & 31);
    switch (kind) {
      case 0:
        return size;
      case 1:
        return -1 - size;
      case 2:
        return this.take(size).slice(); // a copy, so that a kept part does not keep its whole file
      case 3:
        return new TextDecoder("utf-8", { fatal: true }).decode(this.take(size));
      case 4:
        return this.items(size, depth);
      case 5:
        return this.map(size, depth);
      default:
        return { tag: size, value: this.item(depth + 1) };
    }
  }

  private simple(head: number): Cbor {
    if (head === 0xf4 || head === 0xf5) return head === 0xf5;
    if (head === 0xf6) return null;
    throw new TypeError("CBOR: a kind that we do not use");
  }

  private items(size: number, depth: number): Cbor[] {
    const found: Cbor[] = [];
    for (let left = size; left > 0; left -= 1) found.push(this.item(depth + 1));
    return found;
  }

  private map(size: number, depth: number): CborMap {
    const found: CborMap = new Map();
    for (let left = size; left > 0; left -= 1) {
      const key = this.item(depth + 1);
      if (typeof key !== "number" && typeof key !== "string") throw new TypeError("CBOR: an odd key");
      found.set(key, this.item(depth + 1));
    }
    return found;
  }
}

/** The one item that `data` is. */
export function readCbor(data: Bytes): Cbor {
  return new Reader(data).whole();
}

/** What stands in front of a byte string of `size` bytes. */
export function byteStringHead(size: number): number[] {
  if (size < 24) return [0x40 + size];
  if (size < 0x100) return [0x58, size];
  if (size < 0x10000) return [0x59, size >> 8, size & 0xff];
  return [0x5a, (size >>> 24) & 0xff, (size >> 16) & 0xff, (size >> 8) & 0xff, size & 0xff];
}
