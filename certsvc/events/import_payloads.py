"""Payloads of imports (存量): counts only; what the rows say stays in the register."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from certsvc.events.payload import Payload


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportChecked(Payload):
    """An upload was checked; nothing is issued before its department has approved it."""

    NAME: ClassVar[str] = "import.checked.v1"
    import_id: str
    authority_code: str
    license_type: str
    trust: str
    """可信等级: ``A``, ``B`` or ``C``"""
    passed: int
    faulty: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportApproved(Payload):
    """A department sampled and approved an import; its rows are being issued."""

    NAME: ClassVar[str] = "import.approved.v1"
    import_id: str
    authority_code: str
    license_type: str
    trust: str
    passed: int
    sampled: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportFinished(Payload):
    """Every row of an approved import was issued or refused."""

    NAME: ClassVar[str] = "import.finished.v1"
    import_id: str
    authority_code: str
    license_type: str
    trust: str
    issued: int
    refused: int


IMPORT_PAYLOADS: tuple[type[Payload], ...] = (ImportChecked, ImportApproved, ImportFinished)
