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
        revocation_at: when the newest revocation data of the certificate's issuer that the file carries was made;
            None without any.
        imprint: digest algorithm of what a timestamp was made over; empty for what is no timestamp, and unknown.
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
    revocation_at: datetime | None = None
    imprint: str = ""

    @property
    def revocation(self) -> bool:
        """Whether the file says, from after the signature, how its certificate stood."""
        return self.revocation_at is not None and self.revocation_at >= self.signed_at

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


LOSS_ZH = {
    LossKind.CA: "证书颁发机构",
    LossKind.SEAL: "印章",
    LossKind.ALGORITHM: "算法",
    LossKind.TSA: "时间戳机构",
}


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
                named = {one.key, one.signature_algorithm, one.digest_algorithm} | ({one.imprint} - {""})
                return self.value in (named | {one.family} if one.family != one.key and len(one.family) > 1 else named)
            case LossKind.TSA:
                return one.kind in STAMPS and self.value in {one.tsa, one.certificate_sha256}


@dataclass(frozen=True, kw_only=True, slots=True)
class Revoked:
    """A certificate that is revoked already: its serial, the key id of its issuer, and the day."""

    serial: str
    issuer_key: str
    on: date

    def hits(self, one: SignatureFacts) -> bool:
        """Whether it is the certificate of this signature."""
        return (self.serial, self.issuer_key) == (one.serial, one.issuer_key)


@dataclass(frozen=True, kw_only=True, slots=True)
class _End:
    """When a signature stops to hold by itself, and what it takes to stand on behind that day."""

    day: date
    data: bool = True
    """revocation data about its certificate"""
    ca: bool = False
    """that data must be older than the loss: its signer is lost too"""
    digest: bool = False
    """a timestamp over the document, for what was signed can be changed from then on"""


def first_bad_day(signatures: Sequence[SignatureFacts], *losses: Loss | Revoked) -> date:
    """The first day on which a file with these signatures does not prove itself, by itself or after losses.

    Raises:
        ValueError: no seal and no signature of a person: there is nothing to prove.
    """
    days: list[date] = [date.max] * len(signatures)
    for place in reversed(range(len(signatures))):
        ends = list(_ends(signatures[place], losses))
        first = min(end.day for end in ends)
        digest = min((end.day for end in ends if end.digest), default=date.max)
        last = first
        for later in range(place + 1, len(signatures)):
            stamp = signatures[later]
            if _covers(stamp, later, place) and local_day(stamp.signed_at) < first:
                holds = days[later] if stamp.kind is SignatureKind.ARCHIVE_TIMESTAMP else min(days[later], digest)
                last = max(last, holds)
        days[place] = min([last, *(_without_data(signatures, place, end, days) for end in ends if end.data)])
    return min(day for day, one in zip(days, signatures, strict=True) if one.kind not in STAMPS)


def _ends(one: SignatureFacts, losses: Sequence[Loss | Revoked]) -> Iterator[_End]:
    yield _End(day=local_day(one.certificate_until))
    for loss in losses:
        if not loss.hits(one):
            continue
        if isinstance(loss, Loss) and loss.kind is LossKind.ALGORITHM:
            yield _End(day=loss.on, data=False, digest=loss.value in {one.digest_algorithm, one.imprint})
        else:
            yield _End(day=loss.on, ca=isinstance(loss, Loss) and loss.kind is LossKind.CA)


def _without_data(signatures: Sequence[SignatureFacts], place: int, end: _End, days: Sequence[date]) -> date:
    """Until when the revocation data about a signature lets it stand behind ``end``."""
    one = signatures[place]
    if not one.revocation:
        return end.day
    if not end.ca:
        return date.max
    # Whoever has the key of the CA makes lists of any date: one counts that a timestamp proves to be from before.
    guards = [
        days[later]
        for later in _guards(signatures, place)
        if max(local_day(signatures[later].signed_at), _day_of_data(one)) < end.day
    ]
    return max([end.day, *guards])


def _guards(signatures: Sequence[SignatureFacts], place: int) -> Iterator[int]:
    """The archive timestamps behind a signature that were made no earlier than the data about it."""
    made = signatures[place].revocation_at
    for later in range(place + 1, len(signatures)):
        stamp = signatures[later]
        if stamp.kind is SignatureKind.ARCHIVE_TIMESTAMP and made is not None and stamp.signed_at >= made:
            yield later


def _day_of_data(one: SignatureFacts) -> date:
    return local_day(one.revocation_at) if one.revocation_at is not None else date.max


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


_MOMENTS = frozenset({"signed_at", "revocation_at"})
"""What counts by its day, and by what came before what."""


def profile_of(signatures: Sequence[SignatureFacts]) -> str:
    """Digest of everything about the signatures that :func:`first_bad_day` looks at; files that share it fail alike.

    When a seal was used says nothing; when a timestamp was made does, to the day.
    """
    told = []
    for place, one in enumerate(signatures):
        values = {field.name: str(getattr(one, field.name)) for field in fields(one) if field.name not in _MOMENTS}
        day = local_day(one.signed_at).isoformat() if one.kind in STAMPS else ""
        data = f"{_day_of_data(one)} {next(_guards(signatures, place), '')}" if one.revocation else ""
        told.append({**values, "day": day, "data": data})
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]


def with_seals(signatures: Sequence[SignatureFacts], seals: Sequence[str]) -> tuple[SignatureFacts, ...]:
    """The signatures with the ids of the seals that made them, in the order of the file."""
    named = iter(seals)
    return tuple(replace(one, seal_id=next(named, "")) if one.kind is SignatureKind.SEAL else one for one in signatures)
