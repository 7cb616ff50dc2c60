"""Rows for an audit: page by page, each told from the next even when it was damaged."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import exists, func, or_, select, tuple_

from certsvc.license.audited import ReadLeaf, ReadVersion
from certsvc.license.model import LATER_FORMS, Artifact, as_registered
from certsvc.store.audit_pages import DAMAGED, paged, read_row
from certsvc.store.audit_rights import AuditRightRows
from certsvc.store.care import CareRows
from certsvc.store.erasing import ErasedRows
from certsvc.store.intents import NUMBER_BLIND
from certsvc.store.license_inserts import holder_blind
from certsvc.store.licenses import VERSION, LicenseRows
from certsvc.store.outbox import event_of, evidence_of
from certsvc.store.sharing import use_of_row
from certsvc.store.showing import scan_of
from certsvc.store.tables import artifacts, licenses, moves
from certsvc.store.tables_uses import events, evidence, fetches, scans

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import RowMapping

    from certsvc.events.envelope import Event
    from certsvc.events.evidence import EvidenceRow
    from certsvc.license.audited import Read
    from certsvc.license.model import MoveRecord
    from certsvc.license.uses import Fetch, Scan

LICENSE, MOVE = "license", "move"
"""Nouns of rows whose personal columns may have gone by decision."""

_LEAVES = paged(select(*evidence.c), evidence.c.position)
_EVENTS = paged(select(*events.c), events.c.position)
_LATER = licenses.alias("later")
_VERSIONS = paged(
    VERSION.add_columns(
        licenses.c.holder_blind.label("by_holder"),
        licenses.c.number_blind.label("by_number"),
        # An id that no version has is no successor either, so it stays as it is, which no leaf ever names.
        func.coalesce(
            select(_LATER.c.identifier)
            .where(_LATER.c.version_id == licenses.c.replaced_by_version_id)
            .scalar_subquery(),
            licenses.c.replaced_by_version_id,
        ).label("successor"),
    ),
    licenses.c.version_id,
)
_FIRST = artifacts.alias("first")
# A file beside the one that a version was registered with is a later form, whatever its row says that it is: only a
# leaf may make it one.
_BESIDE = exists().where(
    _FIRST.c.version_id == artifacts.c.version_id,
    _FIRST.c.kind.not_in(sorted(LATER_FORMS)),
    tuple_(_FIRST.c.created_at, _FIRST.c.artifact_id) < tuple_(artifacts.c.created_at, artifacts.c.artifact_id),
)
_FORMS = paged(
    select(*artifacts.c).where(or_(artifacts.c.kind.in_(sorted(LATER_FORMS)), _BESIDE)),
    artifacts.c.artifact_id,
)
_MOVES = paged(select(*moves.c), moves.c.row_no)
_FETCHES = paged(select(*fetches.c), fetches.c.fetch_id)
_SCANS = paged(select(*scans.c), scans.c.scan_id)


class AuditRows(AuditRightRows):
    """Implements ``log_ports.Audited``."""

    def leaves_after(self, position: int, *, limit: int) -> Sequence[ReadLeaf]:
        """Sequenced evidence."""
        return [self._leaf(row) for row in self._tx.rows(_LEAVES, behind=position, most=limit)]

    def events_after(self, position: int, *, limit: int) -> Sequence[Read[Event]]:
        """Sequenced events."""
        rows = self._tx.rows(_EVENTS, behind=position, most=limit)
        return [read_row(row, "position", "event_id", event_of) for row in rows]

    def versions_after(self, place: str, *, limit: int) -> Sequence[Read[ReadVersion]]:
        """License versions."""
        rows = self._tx.rows(_VERSIONS, behind=place, most=limit)
        later = [row["version_id"] for row in rows if row["artifact_kind"] in LATER_FORMS]
        forms = CareRows(self._tx).forms_of(later)
        gone = ErasedRows(self._tx).rows(LICENSE, [row["version_id"] for row in rows])
        return [
            replace(
                read_row(row, "version_id", "identifier", partial(self._version, forms=forms)),
                erased=gone.get(row["version_id"]),
            )
            for row in rows
        ]

    def forms_after(self, place: str, *, limit: int) -> Sequence[Read[Artifact]]:
        """Later forms of files."""
        rows = self._tx.rows(_FORMS, behind=place, most=limit)
        return [read_row(row, "artifact_id", "artifact_id", lambda one: Artifact(**one)) for row in rows]

    def moves_after(self, place: int, *, limit: int) -> Sequence[Read[MoveRecord]]:
        """Moves."""
        register = LicenseRows(self._tx)
        rows = self._tx.rows(_MOVES, behind=place, most=limit)
        gone = ErasedRows(self._tx).rows(MOVE, [row["move_id"] for row in rows])
        return [
            replace(read_row(row, "row_no", "move_id", register.record), erased=gone.get(row["move_id"]))
            for row in rows
        ]

    def fetches_after(self, place: str, *, limit: int) -> Sequence[Read[Fetch]]:
        """Fetches."""
        rows = self._tx.rows(_FETCHES, behind=place, most=limit)
        return [read_row(row, "fetch_id", "fetch_id", partial(use_of_row, self._tx)) for row in rows]

    def scans_after(self, place: str, *, limit: int) -> Sequence[Read[Scan]]:
        """Scans."""
        rows = self._tx.rows(_SCANS, behind=place, most=limit)
        return [read_row(row, "scan_id", "scan_id", scan_of) for row in rows]

    def _leaf(self, row: RowMapping) -> ReadLeaf:
        opened: EvidenceRow | None
        try:
            opened = evidence_of(self._tx, row)
        except DAMAGED:
            opened = None
        return ReadLeaf(
            position=row["position"],
            evidence_id=row["evidence_id"],
            kind=row["kind"],
            at=row["at"],
            leaf=bytes(row["leaf"]),
            row=opened,
        )

    def _version(self, row: RowMapping, *, forms: Mapping[str, Sequence[Artifact]]) -> ReadVersion:
        register = LicenseRows(self._tx)
        version = as_registered(register.version(row), forms)
        moved: tuple[MoveRecord, ...] | None
        try:
            moved = tuple(register.moves_of(version.version_id))
        except DAMAGED:
            moved = None  # the move is told by itself
        by_holder, by_number = holder_blind(self._tx, version.holder), self._tx.blind(version.number, NUMBER_BLIND)
        return ReadVersion(
            version=version,
            moves=moved,
            successor=row["successor"],
            searchable=(bytes(row["by_holder"]), bytes(row["by_number"])) == (by_holder, by_number),
        )
