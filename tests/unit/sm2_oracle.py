"""A second SM2 and a second reader of electronic seals, written from STANDARDS.md alone; nothing of certsvc is used.

Affine arithmetic in plain Python: slow, not constant time, and independent. It is an oracle for tests only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
Point = tuple[int, int]


def add(one: Point | None, other: Point | None) -> Point | None:
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2) = one, other
    if x1 == x2 and (y1 + y2) % P == 0:
        return None
    rise, run = (3 * x1 * x1 + A, 2 * y1) if one == other else (y2 - y1, x2 - x1)
    slope = rise * pow(run, -1, P) % P
    x3 = (slope * slope - x1 - x2) % P
    return x3, (slope * (x1 - x3) - y1) % P


def times(k: int, point: Point) -> Point | None:
    total: Point | None = None
    step: Point | None = point
    while k:
        if k & 1:
            total = add(total, step)
        step = add(step, step)
        k >>= 1
    return total


def public_point(d: int) -> bytes:
    point = times(d, G)
    assert point is not None
    return point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")


def sm3(data: bytes) -> bytes:
    return hashlib.new("sm3", data).digest()


def z_value(point: bytes, signer_id: bytes = b"1234567812345678") -> bytes:
    curve = b"".join(value.to_bytes(32, "big") for value in (A, B, *G))
    return sm3((8 * len(signer_id)).to_bytes(2, "big") + signer_id + curve + point)


def verifies(point: bytes, r: int, s: int, message: bytes, signer_id: bytes = b"1234567812345678") -> bool:
    if not (1 <= r < N and 1 <= s < N) or (r + s) % N == 0:
        return False
    e = int.from_bytes(sm3(z_value(point, signer_id) + message), "big")
    key = (int.from_bytes(point[:32], "big"), int.from_bytes(point[32:], "big"))
    found = add(times(s, G), times((r + s) % N, key))
    return found is not None and (e + found[0]) % N == r


@dataclass(frozen=True)
class Node:
    """One DER element: its tag, its whole bytes, its content."""

    tag: int
    whole: bytes
    content: bytes

    @property
    def children(self) -> list[Node]:
        out, rest = [], self.content
        while rest:
            child = parse(rest)
            out.append(child)
            rest = rest[len(child.whole) :]
        return out

    @property
    def bits(self) -> bytes:
        """Content of a BIT STRING without unused bits."""
        assert self.tag == 3
        assert self.content[0] == 0
        return self.content[1:]


def parse(data: bytes) -> Node:
    size, head = data[1], 2
    if size & 0x80:
        count = size & 0x7F
        size, head = int.from_bytes(data[2 : 2 + count], "big"), 2 + count
    assert head + size <= len(data)
    return Node(data[0], data[: head + size], data[head : head + size])


def signature_numbers(value: bytes) -> tuple[int, int]:
    if len(value) == 64:
        return int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big")
    node = parse(value)
    assert node.whole == value
    r, s = node.children
    return int.from_bytes(r.content, "big"), int.from_bytes(s.content, "big")


def point_of_certificate(der: bytes) -> bytes:
    """X ‖ y of the SubjectPublicKeyInfo of a certificate."""
    fields = parse(der).children[0].children
    spki = fields[6] if fields[0].tag == 0xA0 else fields[5]
    bits = spki.children[1].bits
    assert bits[0] == 4
    return bits[1:]


def signed_by(certificate: bytes, signature: bytes, message: bytes) -> bool:
    return verifies(point_of_certificate(certificate), *signature_numbers(signature), message)


def seal_verifies(seal: Node) -> bool:
    """The maker's signature of a v4 seal object, over the bytes of SES_SealInfo."""
    info, certificate, _, value = seal.children
    return signed_by(certificate.content, value.bits, info.whole)


def ses_v4_verifies(contents: bytes, document: bytes) -> bool:
    """A v4 SES_Signature over ``document``: both signatures, the hash, and the signer in the seal's list."""
    to_sign, certificate, _, value = parse(contents).children[:4]
    _, seal, _, data_hash, _ = to_sign.children[:5]
    listed = [one.content for one in seal.children[0].children[2].children[3].children]
    return (
        seal_verifies(seal)
        and certificate.content in listed
        and data_hash.bits == sm3(document)
        and signed_by(certificate.content, value.bits, to_sign.whole)
    )
