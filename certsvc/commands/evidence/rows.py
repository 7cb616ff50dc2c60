"""What evidence says of the rows that were written with it, so that a row that is changed later is found.

The content of a leaf may hold ``rows``: for each row ``<noun> <id> <SHA-256>``, over every column that never changes
again. What does change follows from rows or leaves that are there anyway: the state of a license from its moves, the
redemption of a show code from its scans, the use of a grant from its fetches, and an end from the moment of its leaf.
The result of a seal use has a key of its own (``answered``), over the whole row; ``former`` are keys that hold no more.
"""

from __future__ import annotations

import hashlib
from dataclasses import MISSING, fields
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson

from certsvc.clock import rfc3339
from certsvc.events.envelope import Event
from certsvc.license.archives import Archive, Material
from certsvc.license.delegations import Delegation
from certsvc.license.model import Artifact, LicenseVersion, MoveRecord
from certsvc.license.relations import CoHolder, Relation
from certsvc.license.uses import Fetch, Grant, Scan, Show
from certsvc.seal.model import SealReservation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

ROWS = "rows"
"""The key in the content of a leaf."""
FORMER = "former"
"""Keys that earlier leaves named and that hold no more, in the content of the leaf that names their successors."""

CARRIED = "suspended_until"
"""The key in the content of a leaf of :data:`MADE` under which a license that begins suspended names its term."""

MADE = frozenset({"license.issued", "license.simulated", "license.registered"})
"""Kinds of the leaf with which a license begins."""

LICENSE, MOVE, FETCH, SCAN, EVENT, FORM = "license", "move", "fetch", "scan", "event", "form"
SHOW, GRANT, RESERVATION, ANSWERED = "show", "grant", "reservation", "answered"
DELEGATION, RELATION, CO_HOLDER = "delegation", "relation", "co_holder"
ARCHIVE, MATERIAL = "archive", "material"
RIGHTS = (SHOW, GRANT, RESERVATION, ANSWERED, DELEGATION, RELATION, CO_HOLDER)
NOUNS = (LICENSE, MOVE, FETCH, SCAN, EVENT, FORM, *RIGHTS, ARCHIVE, MATERIAL)

ERASED, GONE_FILES = "erased", "gone_files"
"""Keys in the content of a leaf of 鉴定销毁: ``<key after> <key before>`` of rows, ``<name> <SHA-256>`` of files."""

_CHANGES = frozenset(
    {
        "suspended_until",
        "replaced_by_version_id",
        "revision",
        "status_entry",
    }  # a version's, by its moves; its state is that of its beginning
)
_OF_EVENT = frozenset({"position"})  # given later

_OF_SHOW = frozenset({"redeemed_at", "redeemed_by"})  # of the scan that redeemed it
_OF_GRANT = frozenset({"used_at", "withdrawn_at", "answers"})  # of fetches, and of the leaf of its end
_OF_RESERVATION = frozenset({"result", "signature_sha256", "answered_at"})  # of its answer
_OF_DELEGATION = frozenset({"used", "slot", "state", "accepted_at", "ended_at", "ended_because"})
_OF_ARCHIVE = frozenset({"handed_to", "receipt_no", "received_on", "receipt_by", "receipt_at"})

_Row = (
    LicenseVersion
    | MoveRecord
    | Fetch
    | Scan
    | Event
    | Artifact
    | Show
    | Grant
    | SealReservation
    | Delegation
    | Relation
    | CoHolder
    | Archive
    | Material
)
_IDS: dict[type, tuple[str, Callable[[Any], str], frozenset[str]]] = {
    LicenseVersion: (LICENSE, lambda row: row.identifier, _CHANGES),
    MoveRecord: (MOVE, lambda row: row.move_id, frozenset()),
    Fetch: (FETCH, lambda row: row.fetch_id, frozenset()),
    Scan: (SCAN, lambda row: row.scan_id, frozenset()),
    Artifact: (FORM, lambda row: row.artifact_id, frozenset()),
    Event: (EVENT, lambda row: f"{row.event_id}", _OF_EVENT),
    Show: (SHOW, lambda row: row.show_id, _OF_SHOW),
    Grant: (GRANT, lambda row: row.grant_id, _OF_GRANT),
    SealReservation: (RESERVATION, lambda row: row.reservation_id, _OF_RESERVATION),
    Delegation: (DELEGATION, lambda row: row.delegation_id, _OF_DELEGATION),
    Relation: (RELATION, lambda row: row.relation_id, frozenset({"ended_at"})),
    Archive: (ARCHIVE, lambda row: row.archive_id, _OF_ARCHIVE),
    Material: (MATERIAL, lambda row: row.material_id, frozenset({"state", "moved_at"})),
    CoHolder: (CO_HOLDER, lambda row: row.co_holder_id, frozenset({"removed_at"})),
}


def row_key(row: _Row) -> str:
    """``<noun> <id> <SHA-256>`` of a row."""
    noun, id_of, left_out = _IDS[type(row)]
    return f"{noun} {id_of(row)} {hashlib.sha256(_form(row, left_out)).hexdigest()}"


def moment_key(noun: str, row_id: str, at: datetime, because: str = "") -> str:
    """``<noun> <id> <SHA-256>`` of what happened to a row once, at ``at``: that of the moment and of the reason."""
    return f"{noun} {row_id} {hashlib.sha256(f'{rfc3339(at)} {because}'.encode()).hexdigest()}"


def rows_of(rows: Iterable[_Row]) -> list[str]:
    """The keys of several, as they stand in the content of a leaf."""
    return [row_key(row) for row in rows]


def answered_key(row: SealReservation) -> str:
    """The key of a reservation with its result: over the whole row."""
    return f"{ANSWERED} {row.reservation_id} {hashlib.sha256(_form(row, frozenset())).hexdigest()}"


def named_rows(content: Mapping[str, Any]) -> Sequence[str] | None:
    """The keys that the content of a leaf names; None where it names none.

    An export of inspections of an earlier release has the number of its lines under the same name.
    """
    found = content.get(ROWS)
    return found if isinstance(found, list) else None


def _form(row: _Row, left_out: frozenset[str]) -> bytes:
    """One spelling of a row: JSON with sorted names, moments in UTC to the microsecond.

    What has its default is left out, so that rows of today keep their form when a later release adds a column.
    """
    return orjson.dumps(_values(row, left_out), option=orjson.OPT_SORT_KEYS)


def _values(row: Any, left_out: frozenset[str] = frozenset()) -> dict[str, Any]:
    defaults = _defaults(row.__class__)
    values = {name: getattr(row, name) for name in _names(row.__class__) if name not in left_out}
    return {name: _plain(value) for name, value in values.items() if value != defaults.get(name, MISSING)}


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@cache
def _defaults(kind: type) -> dict[str, Any]:
    given = {field.name: field.default for field in fields(kind) if field.default is not MISSING}
    made = {field.name: field.default_factory() for field in fields(kind) if field.default_factory is not MISSING}
    return {**given, **made}


def _plain(value: Any) -> Any:
    if value.__class__ is str or value is None:  # most of them
        return value
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if hasattr(value, "items"):
        return {str(key): _plain(one) for key, one in value.items()}
    if hasattr(value, "__dataclass_fields__"):
        return _values(value)
    return value
