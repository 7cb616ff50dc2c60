"""How long a sealed file proves itself: what its signatures stand on, and the day on which the file alone fails.

The rules are those of EN 319 102-1 §5.5 and §5.6 and EN 319 142-1 §6, for a reader who has the file and no register. A
signature stands as long as its certificate and its algorithms do. Behind that day it stands only where a timestamp
that covers it was made before, and itself stands; where the certificate ended or was revoked, the file must also carry
revocation data for it, for without it nobody can tell that it was good then. Our own register proves more: it knows
when the bytes were registered, so that files which fail here still pass where it is asked.

Days are those of Asia/Shanghai, so that a picture of ten million files is a few thousand sums. A file is said to fail
on the day on which it stops to hold for the whole day.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.clock import local_day

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class SignatureKind(StrEnum):
    """What a signature in a file is."""

    SEAL = "seal"
    SIGNATURE = "signature"
    """of a person"""
    TIMESTAMP = "timestamp"
    """inside the seal before it, over its value (B-T)"""
    ARCHIVE_TIMESTAMP = "archive_timestamp"
    """a document timestamp, over everything before it (B-LTA)"""


KIND_ZH = {
    SignatureKind.SEAL: "电子印章",
    SignatureKind.SIGNATURE: "电子签名",
    SignatureKind.TIMESTAMP: "签名时间戳",
    SignatureKind.ARCHIVE_TIMESTAMP: "归档时间戳",
}

STAMPS = frozenset({SignatureKind.TIMESTAMP, SignatureKind.ARCHIVE_TIMESTAMP})


@dataclass(frozen=True, kw_only=True, slots=True)
class SignatureFacts:
    """One signature of a file and what it stands on; a file has them in the order in which they were made.

    Attributes:
        format: name of the format registry, or ``rfc3161``.
        key: algorithm and size of the key, such as ``rsa2048``.
        signature_algorithm, digest_algorithm: such as ``rsa_sha256`` and ``sha256``.
        certificate_sha256, serial, issuer_key: lower-case hex of the signer's certificate, its serial and
            the key id of its issuer.
        issuer: common name of the CA.
        seal_id: of a seal of ours; empty otherwise.
        tsa: common name of the timestamping authority; empty for what is no timestamp.
        certificate_until: end of the certificate.
        revocation: whether the file carries revocation data of the certificate's issuer.
    """

    kind: SignatureKind
    format: str
    key: str
    signature_algorithm: str
    digest_algorithm: str
    certificate_sha256: str
    serial: str
    issuer_key: str
    issuer: str
    seal_id: str = ""
    tsa: str = ""
    signed_at: datetime
    certificate_until: datetime
    revocation: bool = False

    @property
    def family(self) -> str:
        """The algorithm of the key without its size, such as ``rsa`` for ``rsa2048``; it means nothing for others."""
        return re.sub(r"\d+$", "", self.key)


@dataclass(frozen=True, kw_only=True, slots=True)
class FileGroup:
    """Files in use whose signatures stand on the same, of one type and issuing body.

    Attributes:
        profile: :func:`profile_of` them.
        in_force: whether their licenses are in force; the others have ended and are kept.
        files: how many there are.
        first, last: when the first signature of the first and last of them was made.
        sample: id of the artifact of one of them.
    """

    profile: str
    type_slug: str
    issuer_code: str
    in_force: bool
    files: int
    first: datetime
    last: datetime
    sample: str


class LossKind(StrEnum):
    """What may go."""

    CA = "ca"
    SEAL = "seal"
    ALGORITHM = "algorithm"
    TSA = "tsa"


@dataclass(frozen=True, kw_only=True, slots=True)
class Loss:
    """Something that cannot be relied on from a day on: a CA, a seal, an algorithm, a timestamping authority."""

    kind: LossKind
    value: str
    on: date

    def hits(self, one: SignatureFacts) -> bool:
        """Whether a signature stands on it."""
        match self.kind:
            case LossKind.CA:
                return self.value in {one.issuer_key, one.issuer}
            case LossKind.SEAL:
                return one.seal_id == self.value
            case LossKind.ALGORITHM:
                named = {one.key, one.signature_algorithm, one.digest_algorithm}
                return self.value in (named | {one.family} if one.family != one.key and len(one.family) > 1 else named)
            case LossKind.TSA:
                return one.kind in STAMPS and self.value in {one.tsa, one.certificate_sha256}


def first_bad_day(signatures: Sequence[SignatureFacts], loss: Loss | None = None) -> date:
    """The first day on which a file with these signatures does not prove itself, by itself or after a loss.

    Raises:
        ValueError: no seal and no signature of a person: there is nothing to prove.
    """
    days: list[date] = [date.max] * len(signatures)
    for place in reversed(range(len(signatures))):
        one = signatures[place]
        ends = list(_ends(one, loss))
        first = min(day for day, _ in ends)
        last = first
        for later in range(place + 1, len(signatures)):
            stamp = signatures[later]
            if _covers(stamp, later, place) and local_day(stamp.signed_at) < first:
                last = max(last, days[later])
        if not one.revocation:
            last = min(last, min((day for day, needs_data in ends if needs_data), default=date.max))
        days[place] = last
    return min(day for day, one in zip(days, signatures, strict=True) if one.kind not in STAMPS)


def _ends(one: SignatureFacts, loss: Loss | None) -> Iterator[tuple[date, bool]]:
    """When a signature stops to hold by itself, and whether what saves it needs revocation data."""
    yield local_day(one.certificate_until), True
    if loss is not None and loss.hits(one):
        yield loss.on, loss.kind is not LossKind.ALGORITHM


def _covers(stamp: SignatureFacts, later: int, place: int) -> bool:
    if stamp.kind is SignatureKind.ARCHIVE_TIMESTAMP:
        return True
    return stamp.kind is SignatureKind.TIMESTAMP and later == place + 1


def level_of(signatures: Sequence[SignatureFacts]) -> str:
    """The PAdES level of a file (EN 319 142-1 §6): ``B-B``, ``B-T``, ``B-LT`` or ``B-LTA``.

    A document timestamp without revocation data is B-T: it proves a time, and no more.
    """
    seals = [one for one in signatures if one.kind not in STAMPS]
    stamped = any(one.kind in STAMPS for one in signatures)
    if not stamped:
        return "B-B"
    if not seals or not all(one.revocation for one in seals):
        return "B-T"
    archived = signatures[-1].kind is SignatureKind.ARCHIVE_TIMESTAMP
    return "B-LTA" if archived else "B-LT"


def profile_of(signatures: Sequence[SignatureFacts]) -> str:
    """Digest of everything about the signatures that :func:`first_bad_day` looks at; files that share it fail alike.

    When a seal was used says nothing; when a timestamp was made does, to the day.
    """
    told = []
    for one in signatures:
        values = {field.name: str(getattr(one, field.name)) for field in fields(one) if field.name != "signed_at"}
        day = local_day(one.signed_at).isoformat() if one.kind in STAMPS else ""
        told.append({**values, "day": day})
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]


def with_seals(signatures: Sequence[SignatureFacts], seals: Sequence[str]) -> tuple[SignatureFacts, ...]:
    """The signatures with the ids of the seals that made them, in the order of the file."""
    named = iter(seals)
    return tuple(replace(one, seal_id=next(named, "")) if one.kind is SignatureKind.SEAL else one for one in signatures)
