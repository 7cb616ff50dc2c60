"""What the sources of registered licenses reported, and when it happened there."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from certsvc.store.tables_life import source_reports
from certsvc.store.transaction import Insert, insert_into

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.store.transaction import Transaction

_C = source_reports.c
_LAST = select(_C.happened_at).where(_C.version_id == bindparam("which")).order_by(_C.happened_at.desc()).limit(1)
_BY_MOVE = select(_C.happened_at).where(_C.move_id == bindparam("which"))


@cache
def _insert(dialect: str) -> Insert:
    return insert_into(dialect, source_reports)


class SourceReportRows:
    """Implements ``life_ports.SourceReports``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, move_id: str, version_id: str, happened_at: datetime) -> None:
        """Store; IntegrityError when the move has one or is unknown."""
        self._tx.changed(_insert(self._tx.dialect), move_id=move_id, version_id=version_id, happened_at=happened_at)

    def last(self, version_id: str) -> datetime | None:
        """When the newest thing that a source reported of this version happened."""
        row = self._tx.row(_LAST, which=version_id)
        return None if row is None else row["happened_at"]

    def of_move(self, move_id: str) -> datetime | None:
        """When what this move carries out happened at the source."""
        row = self._tx.row(_BY_MOVE, which=move_id)
        return None if row is None else row["happened_at"]
