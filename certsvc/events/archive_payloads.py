"""Payloads of archiving: packages and 电子材料; they name bodies and no people, and a case only to who used it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from certsvc.events.payload import Payload


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveMade(Payload):
    """A 归档信息包 was made, and every check of its four properties passed."""

    NAME: ClassVar[str] = "archive.made.v1"
    archive_id: str
    kind: str
    """``license`` or ``case``"""
    authority_code: str
    sha256: str
    keeping: str
    """保管期限: ``permanent``, ``years_30`` or ``years_10``"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveReceived(Payload):
    """A 归档信息包 was handed over and its receipt noted."""

    NAME: ClassVar[str] = "archive.received.v1"
    archive_id: str
    authority_code: str
    receipt_no: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MaterialRegistered(Payload):
    """A 电子材料 of a case was registered."""

    NAME: ClassVar[str] = "material.registered.v1"
    material_id: str
    authority_code: str
    matter_code: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MaterialWithdrawn(Payload):
    """A 电子材料 was registered by mistake, and counts no more."""

    NAME: ClassVar[str] = "material.withdrawn.v1"
    material_id: str
    authority_code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MaterialFetched(Payload):
    """A system was given data of a 电子材料, or the file, for a matter."""

    NAME: ClassVar[str] = "material.fetched.v1"
    material_id: str
    kind: str
    """``material:`` and the code of the kind"""
    authority_code: str
    """USCC of the body that registered it"""
    client_id: str
    matter_code: str
    case_no: str
    basis: str
    fields: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class DisposalMoved(Payload):
    """A list of 鉴定销毁 was proposed, decided, taken back, begun or ended."""

    NAME: ClassVar[str] = "disposal.moved.v1"
    list_id: str
    authority_code: str
    outcome: str
    """``destroy`` or ``extend``"""
    state: str
    """``proposed``, ``approved``, ``running``, ``done``, ``declined`` or ``withdrawn``"""
    items: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordsDestroyed(Payload):
    """The content of one license or case went by decision; its register rows, digests and evidence stay."""

    NAME: ClassVar[str] = "disposal.destroyed.v1"
    list_id: str
    place: int
    kind: str
    """``license`` or ``case``"""
    authority_code: str
    files: int


ARCHIVE_PAYLOADS: tuple[type[Payload], ...] = (
    ArchiveMade,
    ArchiveReceived,
    MaterialRegistered,
    MaterialWithdrawn,
    MaterialFetched,
    DisposalMoved,
    RecordsDestroyed,
)
