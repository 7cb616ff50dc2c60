"""清点: which algorithms, keys, CAs, seals and timestamping authorities the files in use stand on, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.seal.care import STAMPS, Revoked, first_bad_day, level_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.seal.care import FileGroup, Loss, SignatureFacts

READERS = (roles.OPERATOR, roles.AUDITOR)


class Dimension(StrEnum):
    """By what files are counted."""

    LEVEL = "level"
    KEY = "key"
    SIGNATURE_ALGORITHM = "signature_algorithm"
    DIGEST_ALGORITHM = "digest_algorithm"
    FORMAT = "format"
    CA = "ca"
    SEAL = "seal"
    TSA = "tsa"


DIMENSION_ZH = {
    Dimension.LEVEL: "保管级别",
    Dimension.KEY: "密钥算法",
    Dimension.SIGNATURE_ALGORITHM: "签名算法",
    Dimension.DIGEST_ALGORITHM: "摘要算法",
    Dimension.FORMAT: "签章格式",
    Dimension.CA: "证书颁发机构",
    Dimension.SEAL: "印章",
    Dimension.TSA: "时间戳机构",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """Files of one value of a dimension; a file with two seals counts for both.

    Attributes:
        value: as ``breaks`` takes it.
        name: what people call it.
        files, in_force: how many there are, and how many of them belong to licenses in force.
        first, last: days of the first and last of their signatures.
        earliest_end: the first day on which one of them does not prove itself any more.
    """

    dimension: Dimension
    value: str
    name: str
    files: int
    in_force: int
    first: date
    last: date
    earliest_end: date


@dataclass(frozen=True, kw_only=True, slots=True)
class Inventory:
    """What there is on a day.

    Attributes:
        files: files in use of which it is known what they stand on.
        in_force: those of them whose licenses are in force.
        unread: files made here that ``certsvc care backfill`` is still to read.
    """

    on: date
    files: int
    in_force: int
    unread: int
    rows: tuple[Counted, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownGroup:
    """A group of files with what all of them stand on, and the certificates among it that are revoked already."""

    group: FileGroup
    signatures: tuple[SignatureFacts, ...]
    revoked: tuple[Revoked, ...] = ()

    def fails(self, *losses: Loss) -> date:
        """The first day on which they do not prove themselves, as things are and after ``losses``."""
        return first_bad_day(self.signatures, *self.revoked, *losses)


class RevokedAmong:
    """The certificates of seals that the register says are revoked, found by what a file stands on."""

    def __init__(self, tx: UnitOfWork) -> None:
        """Read them."""
        self._days = {(one.serial, one.issuer_key_id): local_day(one.revoked_at) for one in tx.seal_lives.revocations()}

    def __call__(self, signatures: Sequence[SignatureFacts]) -> tuple[Revoked, ...]:
        """Those of these signatures."""
        held = {(one.serial, one.issuer_key) for one in signatures}
        return tuple(
            Revoked(serial=serial, issuer_key=issuer_key, on=self._days[serial, issuer_key])
            for serial, issuer_key in sorted(held & self._days.keys())
        )


def known_groups(tx: UnitOfWork, today: date) -> list[KnownGroup]:
    """Every file in use, in groups."""
    groups = tx.care.groups(today)
    samples = tx.care.of(sorted({group.sample for group in groups}))
    revoked = RevokedAmong(tx)
    return [
        KnownGroup(group=group, signatures=samples[group.sample], revoked=revoked(samples[group.sample]))
        for group in groups
    ]


def take_inventory(deps: Deps) -> Inventory:
    """Count all files in use by everything that they stand on."""
    today = local_day(deps.clock.now())
    with deps.uow.read() as tx:
        known = known_groups(tx, today)
        unread = tx.care.to_read()
        seals = {seal.seal_id: seal.name for seal in tx.seals.all()}
    rows: dict[tuple[Dimension, str], Counted] = {}
    for one in known:
        for dimension, value, name in _values(one.signatures, seals):
            found = _counted(one, dimension, value, name)
            before = rows.get((dimension, value))
            rows[dimension, value] = found if before is None else _sum(before, found)
    order = list(Dimension)
    return Inventory(
        on=today,
        files=sum(one.group.files for one in known),
        in_force=sum(one.group.files for one in known if one.group.in_force),
        unread=unread,
        rows=tuple(sorted(rows.values(), key=lambda row: (order.index(row.dimension), -row.files, row.value))),
    )


def _values(signatures: Sequence[SignatureFacts], seals: Mapping[str, str]) -> Iterator[tuple[Dimension, str, str]]:
    """Each value once, however many signatures of the file have it."""
    told = {(Dimension.LEVEL, level_of(signatures)): level_of(signatures)}
    for one in signatures:
        told[Dimension.KEY, one.key] = one.key
        told[Dimension.SIGNATURE_ALGORITHM, one.signature_algorithm] = one.signature_algorithm
        told[Dimension.DIGEST_ALGORITHM, one.digest_algorithm] = one.digest_algorithm
        if one.imprint:
            told[Dimension.DIGEST_ALGORITHM, one.imprint] = one.imprint
        told[Dimension.FORMAT, one.format] = one.format
        told[Dimension.CA, one.issuer_key or one.issuer] = one.issuer
        if one.seal_id:
            told[Dimension.SEAL, one.seal_id] = seals.get(one.seal_id, "")
        if one.kind in STAMPS:
            told[Dimension.TSA, one.tsa] = one.tsa
    for (dimension, value), name in told.items():
        yield dimension, value, name


def _counted(one: KnownGroup, dimension: Dimension, value: str, name: str) -> Counted:
    group = one.group
    return Counted(
        dimension=dimension,
        value=value,
        name=name,
        files=group.files,
        in_force=group.files if group.in_force else 0,
        first=local_day(group.first),
        last=local_day(group.last),
        earliest_end=one.fails(),
    )


def _sum(one: Counted, other: Counted) -> Counted:
    return Counted(
        dimension=one.dimension,
        value=one.value,
        name=one.name,
        files=one.files + other.files,
        in_force=one.in_force + other.in_force,
        first=min(one.first, other.first),
        last=max(one.last, other.last),
        earliest_end=min(one.earliest_end, other.earliest_end),
    )
