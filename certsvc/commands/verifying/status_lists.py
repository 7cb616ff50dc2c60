"""Published status lists: built from the register when somebody asks, at most once per interval, and signed.

Nothing is shared between processes: each builds what the register says, so any of them gives the same list. None is
handed out older than :data:`REBUILD_S`; when the register cannot be read there is no answer rather than an old one.
"""

from __future__ import annotations

import hashlib
import re
import threading
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

from certsvc.errors import NotFound
from certsvc.license.status_list import (
    LIFETIME_S,
    REBUILD_S,
    RESIGN_S,
    WIDTHS,
    StatusArray,
    StatusClaims,
    aggregation_uri,
    compress,
    list_uri,
)

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps

LIST_ID = re.compile(r"([1-9][0-9]{0,8})(?:-(2))?")
NUMBERED_AT_ONCE = 500
"""Versions numbered in one transaction; an older release that is still running registers no faster."""


class Form(Enum):
    """The two forms of a Status List Token."""

    JWT = "application/statuslist+jwt"
    CWT = "application/statuslist+cwt"


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedList:
    """One form of one list.

    Attributes:
        signed_at: when it was signed, on the clock that never runs backwards.
        sha256: hex digest of its array, which is the same however often it is signed.
        as_of: the register said so at this moment or later; kept up with every look at the register.
    """

    data: bytes
    signed_at: float
    sha256: str
    as_of: datetime


@dataclass(kw_only=True, slots=True)
class _Kept:
    """What this process knows of one list, guarded by its lock."""

    array: StatusArray
    lock: threading.Lock = field(default_factory=threading.Lock)
    read_at: float | None = None
    moment: datetime | None = None
    sha256: bytes = b""
    lst: bytes = b""
    signed: dict[Form, SignedList] = field(default_factory=dict)


class StatusBoard:
    """The lists of one process. Threads may share it; one of them builds, those who ask meanwhile wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[int, int], _Kept] = {}

    def signed(self, deps: Deps, list_id: str, form: Form) -> SignedList:
        """A list as it stands on the register, at most :data:`REBUILD_S` old.

        Raises:
            NotFound: there is no such list.
            Unavailable: the register cannot be read, or there is no key.
        """
        list_no, bits = _read(list_id)
        with self._lock:
            kept = self._kept.get((list_no, bits))
        if kept is None:
            with deps.uow.read() as tx:
                if list_no > tx.statuses.lists():
                    raise NotFound("没有这个状态列表，请从 /v1/status-lists 取列表地址")
            with self._lock:
                kept = self._kept.setdefault((list_no, bits), _Kept(array=StatusArray(bits)))
        with kept.lock:
            now = deps.clock.monotonic()
            if kept.read_at is None or now - kept.read_at >= REBUILD_S:
                _rebuild(deps, kept, list_no, now)
            found = kept.signed.get(form)
            if found is None or now - found.signed_at >= RESIGN_S:
                found = kept.signed[form] = _sign(deps, kept, list_no, bits, form, now)
            return replace(found, as_of=kept.moment or found.as_of)


def lists(deps: Deps, bits: int) -> tuple[str, ...]:
    """The addresses of all lists of one width (draft-ietf-oauth-status-list §9.3)."""
    with deps.uow.read() as tx:
        count = tx.statuses.lists()
    return tuple(list_uri(deps.policy.public_base, list_no, bits) for list_no in range(1, count + 1))


def number_versions(deps: Deps) -> int:
    """Give entries to versions that a process of an older release registered; how many."""
    with deps.uow() as tx:
        return tx.statuses.number_some(limit=NUMBERED_AT_ONCE)


def _read(list_id: str) -> tuple[int, int]:
    match = LIST_ID.fullmatch(list_id)
    if match is None:
        raise NotFound("没有这个状态列表，请从 /v1/status-lists 取列表地址")
    return int(match[1]), int(match[2] or WIDTHS[0])


def _rebuild(deps: Deps, kept: _Kept, list_no: int, now: float) -> None:
    # The moment is taken first: the list is as new as it says, or newer.
    moment = deps.clock.now()
    with deps.uow.read() as tx:
        marks, places = tx.statuses.marks(list_no), tx.statuses.places(list_no)
    kept.array.follow(marks, places)
    array = bytes(kept.array)
    digest = hashlib.sha256(array).digest()
    if digest != kept.sha256:
        kept.lst = compress(array)
        kept.sha256 = digest
        kept.signed.clear()
    kept.moment = moment
    kept.read_at = now


def _sign(deps: Deps, kept: _Kept, list_no: int, bits: int, form: Form, now: float) -> SignedList:
    base = deps.policy.public_base
    issued_at = kept.moment or deps.clock.now()
    claims = StatusClaims(
        uri=list_uri(base, list_no, bits),
        aggregation_uri=aggregation_uri(base),
        bits=bits,
        lst=kept.lst,
        issued_at=issued_at,
        expires_at=issued_at + timedelta(seconds=LIFETIME_S),
    )
    signer = deps.status_signer
    data = signer.sign_jwt(claims) if form is Form.JWT else signer.sign_cwt(claims)
    return SignedList(data=data, signed_at=now, sha256=kept.sha256.hex(), as_of=issued_at)
