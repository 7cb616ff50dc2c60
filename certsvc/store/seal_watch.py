"""Uses by the hour and refused tries: what odd use is seen by."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, func, select, update

from certsvc.seal.odd import OddRule
from certsvc.store.tables_seals import seal_hours, seal_tries
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Executable

    from certsvc.store.transaction import Transaction

_H = seal_hours.c
_T = seal_tries.c

TRIES_KEPT = timedelta(days=1)
"""Older tries of a seal are deleted with every new one, so that a flood of them leaves no heap behind."""

_BUSY = (
    select(_H.used)
    .where(_H.seal_id == bindparam("seal"), _H.hour_start >= bindparam("since"), _H.hour_start < bindparam("before"))
    .order_by(_H.hour_start)
)
_OLD_TRIES = delete(seal_tries).where(_T.seal_id == bindparam("seal"), _T.at < bindparam("before"))
_ALL_TRIES = delete(seal_tries).where(_T.seal_id == bindparam("seal"))
_TRIES = (
    select(_T.rule, func.count().label("tries"))
    .where(_T.seal_id == bindparam("seal"), _T.at >= bindparam("since"))
    .group_by(_T.rule)
)
_EXCUSE = (
    update(seal_hours).where(_H.seal_id == bindparam("seal"), _H.hour_start == bindparam("hour")).values(excused=True)
)


@cache
def _count(dialect: str) -> Executable:
    made = insert_into(dialect, seal_hours)
    made = made.values(seal_id=bindparam("seal"), hour_start=bindparam("hour"), used=bindparam("uses"), excused=False)
    made = made.on_conflict_do_update(
        index_elements=[_H.seal_id, _H.hour_start], set_={"used": seal_hours.c.used + made.excluded.used}
    )
    return made.returning(_H.used, _H.excused)


@cache
def _note(dialect: str) -> Insert:
    made = insert_into(dialect, seal_tries)
    return made.on_conflict_do_update(
        index_elements=[_T.seal_id, _T.rule, _T.purpose_sha256], set_={"at": made.excluded.at}
    )


class SealWatchRows:
    """Implements ``seal_ports.SealWatch``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def count_hour(self, seal_id: str, hour_start: datetime, *, uses: int = 1) -> tuple[int, bool]:
        """More uses in this hour: how many there are now, and whether the hour is excused."""
        row = self._tx.row(_count(self._tx.dialect), seal=seal_id, hour=hour_start, uses=uses)
        return (0, False) if row is None else (row["used"], row["excused"])

    def busy_hours(self, seal_id: str, *, since: datetime, before: datetime) -> Sequence[int]:
        """Uses of every hour with any, between the two."""
        return [row["used"] for row in self._tx.rows(_BUSY, seal=seal_id, since=since, before=before)]

    def note_try(self, seal_id: str, rule: OddRule, purpose: str, *, now: datetime) -> None:
        """A refused use; the same purpose is one try, with the time of the newest."""
        digest = hashlib.sha256(purpose.encode()).hexdigest()
        self._tx.changed(_OLD_TRIES, seal=seal_id, before=now - TRIES_KEPT)
        self._tx.changed(_note(self._tx.dialect), seal_id=seal_id, rule=rule.value, purpose_sha256=digest, at=now)

    def tries(self, seal_id: str, *, since: datetime) -> Mapping[OddRule, int]:
        """How many different tries there were since then, by rule."""
        return {as_word(OddRule, row["rule"]): row["tries"] for row in self._tx.rows(_TRIES, seal=seal_id, since=since)}

    def excuse(self, seal_id: str, hour_start: datetime) -> None:
        """A keeper resumed: forget the tries, and let this hour be as busy as it is."""
        self._tx.changed(_ALL_TRIES, seal=seal_id)
        self._tx.changed(_EXCUSE, seal=seal_id, hour=hour_start)
