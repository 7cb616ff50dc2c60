"""What came of scans, their pictures, and the history of a body."""

from __future__ import annotations

import base64
import binascii
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, exists, select, tuple_

from certsvc.errors import IntegrityError
from certsvc.license.visits import Inspection, Outcome, Picture
from certsvc.store.showing import scan_of
from certsvc.store.tables_uses import scans
from certsvc.store.tables_visits import inspection_pictures, inspections
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Select, Table

    from certsvc.commands.visit_ports import HistoryFilter
    from certsvc.license.uses import Scan
    from certsvc.store.transaction import Transaction

_I = inspections.c
_P = inspection_pictures.c
_S = scans.c
_PERSONAL = "inspections.personal"
_PICTURE = "inspection_pictures.object"

_OF_SCANS = select(*_I).where(_I.scan_id.in_(bindparam("which", expanding=True))).order_by(_I.scan_id, _I.seq)
_SCAN = select(*_S).where(_S.scan_id == bindparam("which"))
_HOLD = select(_S.scan_id).where(_S.scan_id == bindparam("which")).with_for_update()
_PICTURES = select(*_P).where(_P.scan_id.in_(bindparam("which", expanding=True))).order_by(_P.at, _P.picture_id)
_HAS_OBJECT = select(_P.picture_id).where(_P.object_name == bindparam("which"))
_OVER = select(*_P).where(_P.until <= bindparam("now")).order_by(_P.until, _P.picture_id).limit(bindparam("most"))
_DROP = delete(inspection_pictures).where(_P.picture_id.in_(bindparam("which", expanding=True)))

_LAST_READ = select(_S.at, _S.scan_id).where(
    _S.scan_id == bindparam("before"), _S.authority_code == bindparam("authority")
)
_LATER = inspections.alias("later")


def _history(
    *, since: bool, until: bool, badge: bool, versions: bool, outcome: bool, visit: bool, on: bool
) -> Select[Any]:
    """The statement of one combination of conditions; each is compiled once."""
    wanted = select(*_S).where(_S.authority_code == bindparam("authority"))
    if since:
        wanted = wanted.where(_S.at >= bindparam("since"))
    if until:
        wanted = wanted.where(_S.at < bindparam("until"))
    if badge:
        wanted = wanted.where(_S.badge == bindparam("badge"))
    if versions:
        wanted = wanted.where(_S.version_id.in_(bindparam("versions", expanding=True)))
    if visit:
        wanted = wanted.where(_S.visit_id == bindparam("visit"))
    if outcome:
        last = ~exists().where(_LATER.c.scan_id == _I.scan_id, _LATER.c.seq > _I.seq)
        wanted = wanted.where(exists().where(_I.scan_id == _S.scan_id, _I.outcome == bindparam("outcome"), last))
    if on:
        wanted = wanted.where(tuple_(_S.at, _S.scan_id) < _LAST_READ.scalar_subquery())
    return wanted.order_by(_S.at.desc(), _S.scan_id.desc()).limit(bindparam("most"))


_history_of = cache(_history)


@cache
def _once(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table).on_conflict_do_nothing()


class InspectionRows:
    """Implements ``visit_ports.Inspections``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def append(self, inspection: Inspection) -> bool:
        """Store; False when the scan has a record of this number."""
        personal = {"note": inspection.note, "reason": inspection.reason}
        made = self._tx.changed(
            _once(self._tx.dialect, inspections),
            inspection_id=inspection.inspection_id,
            scan_id=inspection.scan_id,
            seq=inspection.seq,
            visit_id=inspection.visit_id,
            version_id=inspection.version_id,
            authority_code=inspection.authority_code,
            badge=inspection.badge,
            actor=inspection.actor,
            outcome=inspection.outcome.value,
            due_on=inspection.due_on,
            personal=self._tx.seal_json(personal, _PERSONAL, inspection.inspection_id),
            at=inspection.at,
        )
        return made == 1

    def of_scans(self, scan_ids: Sequence[str]) -> Mapping[str, Sequence[Inspection]]:
        """The records of each of these scans that has any, oldest first."""
        found: dict[str, list[Inspection]] = {}
        for row in self._tx.rows(_OF_SCANS, which=sorted(set(scan_ids))) if scan_ids else ():
            found.setdefault(row["scan_id"], []).append(self._inspection(row))
        return found

    def scan(self, scan_id: str) -> Scan | None:
        """The scan."""
        row = self._tx.row(_SCAN, which=scan_id)
        return None if row is None else scan_of(row)

    def history(self, wanted: HistoryFilter, *, limit: int) -> Sequence[Scan]:
        """Scans of a body, newest first."""
        statement = _history_of(
            since=wanted.since is not None,
            until=wanted.until is not None,
            badge=bool(wanted.badge),
            versions=bool(wanted.version_ids),
            outcome=bool(wanted.outcome),
            visit=bool(wanted.visit_id),
            on=bool(wanted.before),
        )
        values = {
            "since": wanted.since,
            "until": wanted.until,
            "badge": wanted.badge,
            "versions": list(wanted.version_ids),
            "outcome": wanted.outcome,
            "visit": wanted.visit_id,
            "before": wanted.before,
        }
        used = {name: value for name, value in values.items() if value}
        rows = self._tx.rows(statement, authority=wanted.authority_code, most=limit, **used)
        return [scan_of(row) for row in rows]

    def add_picture(self, picture: Picture) -> bool:
        """Store; False when the scan has this picture."""
        values = {column.name: getattr(picture, column.name) for column in _P}
        return self._tx.changed(_once(self._tx.dialect, inspection_pictures), **values) == 1

    def pictures_of(self, scan_ids: Sequence[str]) -> Mapping[str, Sequence[Picture]]:
        """The pictures of each of these scans that has any, oldest first."""
        found: dict[str, list[Picture]] = {}
        for row in self._tx.rows(_PICTURES, which=sorted(set(scan_ids))) if scan_ids else ():
            found.setdefault(row["scan_id"], []).append(Picture(**row))
        return found

    def has_picture_object(self, object_name: str) -> bool:
        """Whether a picture is stored under this name."""
        return self._tx.row(_HAS_OBJECT, which=object_name) is not None

    def hold_scan(self, scan_id: str) -> None:
        """Let nobody else add a picture to this scan until the end of the transaction."""
        self._tx.rows(_HOLD, which=scan_id)

    def pictures_over(self, *, now: datetime, limit: int) -> Sequence[Picture]:
        """Pictures that are to be removed, oldest first."""
        return [Picture(**row) for row in self._tx.rows(_OVER, now=now, most=limit)]

    def drop_pictures(self, picture_ids: Sequence[str]) -> None:
        """Forget pictures."""
        if picture_ids:
            self._tx.changed(_DROP, which=list(picture_ids))

    def seal_picture(self, picture_id: str, data: bytes) -> bytes:
        """The bytes of a picture as its object holds them: encrypted, bound to the picture."""
        return self._tx.seal(base64.b64encode(data).decode("ascii"), _PICTURE, picture_id)

    def open_picture(self, picture_id: str, sealed: bytes) -> bytes:
        """The bytes again; IntegrityError when they were changed or are another picture's."""
        try:
            return base64.b64decode(self._tx.open(sealed, _PICTURE, picture_id), validate=True)
        except binascii.Error as error:
            raise IntegrityError("检查照片内容已损坏，请从备份恢复") from error

    def _inspection(self, row: RowMapping) -> Inspection:
        values: dict[str, Any] = dict(row)
        values.update(self._tx.open_json(values.pop("personal"), _PERSONAL, row["inspection_id"]))
        values["outcome"] = as_word(Outcome, row["outcome"])
        return Inspection(**values)
