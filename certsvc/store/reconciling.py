"""Rows of the whole register in pages, for comparing it with everything else."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, select, tuple_

from certsvc.errors import IntegrityError
from certsvc.license.books import FileRow, IssuedRow, ReadEvidence, VersionRow
from certsvc.license.model import LATER_FORMS
from certsvc.store.outbox import event_of, evidence_of
from certsvc.store.seals import reservation_of
from certsvc.store.tables import artifacts, licenses, moves, requests, reservations
from certsvc.store.tables_archives import archives, materials
from certsvc.store.tables_disposals import gone_files
from certsvc.store.tables_imports import stock_licenses
from certsvc.store.tables_life import registered_licenses
from certsvc.store.tables_signers import signing_revisions
from certsvc.store.tables_stamping import stampings
from certsvc.store.tables_uses import events, evidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, RowMapping, Select

    from certsvc.events.envelope import Event
    from certsvc.events.evidence import EvidenceRow
    from certsvc.license.books import Period
    from certsvc.seal.model import SealReservation
    from certsvc.store.transaction import Transaction

_L = licenses.c
_A = artifacts.c
_S = stampings.c
_V = signing_revisions.c
_P, _M = archives.c, materials.c


_MADE = and_(_A.version_id == _L.version_id, _A.kind.not_in(sorted(LATER_FORMS)))
"""The file that a version was registered with, which its event and its evidence name."""


def _paged(statement: Select[Any], key: ColumnElement[Any]) -> Select[Any]:
    """Rows behind a place, in the order of the key."""
    return statement.where(key > bindparam("behind")).order_by(key).limit(bindparam("most"))


_VERSIONS = _paged(
    select(
        _L.version_id,
        _L.identifier,
        _L.request_id,
        _A.sha256,
        registered_licenses.c.version_id.label("elsewhere"),
    )
    .outerjoin_from(licenses, artifacts, _MADE)
    .outerjoin(registered_licenses, registered_licenses.c.version_id == _L.version_id),
    _L.version_id,
)
_MOVES = select(moves.c.version_id, moves.c.name).where(moves.c.version_id.in_(bindparam("those", expanding=True)))
_ARTIFACTS = _paged(
    select(_A.artifact_id.label("place"), _L.identifier.label("about"), _A.sha256, _A.object_name)
    .join_from(artifacts, licenses, _L.version_id == _A.version_id)
    .outerjoin(gone_files, gone_files.c.object_name == _A.object_name)
    .where(gone_files.c.object_name.is_(None)),  # what went by decision is expected nowhere
    _A.artifact_id,
)
_STAMPED = _paged(
    select(_S.stamping_id.label("place"), _S.sha256, _S.object_name, _S.reservation_id),
    _S.stamping_id,
)
_ARCHIVES = _paged(
    select(_P.archive_id.label("place"), _P.sha256, _P.object_name)
    .outerjoin(gone_files, gone_files.c.object_name == _P.object_name)
    .where(gone_files.c.object_name.is_(None)),
    _P.archive_id,
)
_MATERIALS = _paged(
    select(_M.material_id.label("place"), _M.sha256, _M.object_name)
    .outerjoin(gone_files, gone_files.c.object_name == _M.object_name)
    .where(gone_files.c.object_name.is_(None)),
    _M.material_id,
)
_SIGNED = (
    select(_V.round_id, _V.number, _V.sha256)
    .where(tuple_(_V.round_id, _V.number) > tuple_(bindparam("round"), bindparam("last", type_=_V.number.type)))
    .order_by(_V.round_id, _V.number)
    .limit(bindparam("most"))
)
_EVENTS = _paged(
    select(*events.c).where(events.c.type.in_(bindparam("types", expanding=True))),
    events.c.row_no,
)
_EVIDENCE = _paged(
    select(*evidence.c).where(evidence.c.kind.in_(bindparam("kinds", expanding=True))),
    evidence.c.row_no,
)
_RESERVATIONS = _paged(select(*reservations.c), reservations.c.reservation_id)
_RESERVATION = select(*reservations.c).where(reservations.c.reservation_id == bindparam("which"))
_Q = requests.c
_UNDER = (
    select(_Q.business_no, _Q.state, _L.identifier, _A.sha256)
    .outerjoin_from(requests, licenses, _L.version_id == _Q.version_id)
    .outerjoin(artifacts, _MADE)
    .where(_Q.authority_code == bindparam("authority"), _Q.business_no.in_(bindparam("those", expanding=True)))
    .order_by(_Q.business_no)
)
_ISSUED_IN = (
    select(_L.issued_on, _L.version_id, _L.identifier, _Q.business_no, _Q.state, _A.sha256)
    .join_from(licenses, requests, _Q.request_id == _L.request_id)
    .join(artifacts, _MADE)
    .outerjoin(stock_licenses, stock_licenses.c.version_id == _L.version_id)
    .where(
        _L.issuer_code == bindparam("authority"),
        _L.issued_on <= bindparam("last_day"),
        tuple_(_L.issued_on, _L.version_id) > tuple_(bindparam("day", type_=_L.issued_on.type), bindparam("version")),
        stock_licenses.c.version_id.is_(None),
    )
    .order_by(_L.issued_on, _L.version_id)
    .limit(bindparam("most"))
)


class ReconcilingRows:
    """Implements ``reconcile_ports.Reconciling``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def versions_after(self, version_id: str, *, limit: int) -> Sequence[VersionRow]:
        """License versions behind an id."""
        rows = self._tx.rows(_VERSIONS, behind=version_id, most=limit)
        named: dict[str, list[str]] = {row["version_id"]: [] for row in rows}
        for row in self._tx.rows(_MOVES, those=list(named)) if named else ():
            named[row["version_id"]].append(row["name"])
        return [
            VersionRow(
                version_id=row["version_id"],
                identifier=row["identifier"],
                request_id=row["request_id"],
                sha256=row["sha256"] or "",
                issued_here=row["elsewhere"] is None,
                moves=tuple(named[row["version_id"]]),
            )
            for row in rows
        ]

    def artifacts_after(self, place: str, *, limit: int) -> Sequence[FileRow]:
        """Files of licenses."""
        return [FileRow(**row) for row in self._tx.rows(_ARTIFACTS, behind=place, most=limit)]

    def stamped_after(self, place: str, *, limit: int) -> Sequence[FileRow]:
        """Files that were stamped by hand."""
        return [FileRow(about=row["place"], **row) for row in self._tx.rows(_STAMPED, behind=place, most=limit)]

    def signed_after(self, place: str, *, limit: int) -> Sequence[FileRow]:
        """Revisions of files that people sign."""
        round_id, _, number = place.partition(" ")
        rows = self._tx.rows(_SIGNED, round=round_id, last=int(number or -1), most=limit)
        return [
            FileRow(place=f"{row['round_id']} {row['number']}", about=row["round_id"], sha256=row["sha256"])
            for row in rows
        ]

    def archives_after(self, place: str, *, limit: int) -> Sequence[FileRow]:
        """归档信息包."""
        return [FileRow(about=row["place"], **row) for row in self._tx.rows(_ARCHIVES, behind=place, most=limit)]

    def materials_after(self, place: str, *, limit: int) -> Sequence[FileRow]:
        """电子材料, those that were withdrawn too."""
        return [FileRow(about=row["place"], **row) for row in self._tx.rows(_MATERIALS, behind=place, most=limit)]

    def events_after(self, row_no: int, *, types: Sequence[str], limit: int) -> Sequence[tuple[int, Event]]:
        """Events of some types with their row numbers, with or without a position."""
        rows = self._tx.rows(_EVENTS, behind=row_no, types=list(types), most=limit)
        return [(row["row_no"], event_of(row)) for row in rows]

    def evidence_after(self, row_no: int, *, kinds: Sequence[str], limit: int) -> Sequence[ReadEvidence]:
        """Evidence rows of some kinds, with or without a position."""
        return [
            ReadEvidence(row_no=row["row_no"], evidence_id=row["evidence_id"], row=self._evidence(row))
            for row in self._tx.rows(_EVIDENCE, behind=row_no, kinds=list(kinds), most=limit)
        ]

    def _evidence(self, row: RowMapping) -> EvidenceRow | None:
        """None for one that does not open: it was changed, and that is told like any other difference."""
        try:
            return evidence_of(self._tx, row)
        except IntegrityError:
            return None

    def reservations_after(self, reservation_id: str, *, limit: int) -> Sequence[SealReservation]:
        """Reservations of seal uses."""
        return [reservation_of(row) for row in self._tx.rows(_RESERVATIONS, behind=reservation_id, most=limit)]

    def reservation(self, reservation_id: str) -> SealReservation | None:
        """One of them."""
        row = self._tx.row(_RESERVATION, which=reservation_id)
        return None if row is None else reservation_of(row)

    def issued_under(self, authority_code: str, business_nos: Sequence[str]) -> Sequence[IssuedRow]:
        """What an authority's business numbers led to; one number may have led to several licenses, or to none yet."""
        rows = self._tx.rows(_UNDER, authority=authority_code, those=list(business_nos)) if business_nos else ()
        return [
            IssuedRow(
                business_no=row["business_no"],
                request_state=row["state"],
                identifier=row["identifier"] or "",
                sha256=row["sha256"] or "",
            )
            for row in rows
        ]

    def issued_in(self, authority_code: str, period: Period, *, after: str, limit: int) -> Sequence[IssuedRow]:
        """What an authority's approvals had issued in a period, behind a place; without 存量."""
        day, _, version_id = after.partition(" ")
        rows = self._tx.rows(
            _ISSUED_IN,
            authority=authority_code,
            day=date.fromisoformat(day) if day else period.first,
            last_day=period.last,
            version=version_id,
            most=limit,
        )
        return [
            IssuedRow(
                business_no=row["business_no"],
                request_state=row["state"],
                identifier=row["identifier"],
                sha256=row["sha256"],
                place=f"{row['issued_on'].isoformat()} {row['version_id']}",
            )
            for row in rows
        ]
