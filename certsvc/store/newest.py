"""The newest rows of several owners, at a cost of owners times limit however long their histories are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, or_, select

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Column, ColumnElement, RowMapping, Select, Table, TextClause

    from certsvc.store.transaction import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Newest:
    """Reads each owner's newest rows through its index and merges them."""

    statement: Select[Any]
    further: Select[Any]
    time: str
    row_id: str

    def rows(
        self,
        tx: Transaction,
        owners: Sequence[Any],
        *,
        limit: int,
        behind: tuple[datetime, str] | None = None,
        **values: Any,
    ) -> Sequence[RowMapping]:
        """At most ``limit`` rows of these owners, newest first; only what comes ``behind`` a time and an id, if given.

        ``values`` are those of the further condition, if there is one.

        One query per owner: ``IN (…) ORDER BY`` would sort everything that the owners ever had.
        """
        statement, place = self.statement, dict(values)
        if behind is not None:
            statement, place = self.further, {**values, "moment": behind[0], "last": behind[1]}
        found = [row for owner in dict.fromkeys(owners) for row in tx.rows(statement, which=owner, most=limit, **place)]
        found.sort(key=self._age, reverse=True)
        return found[:limit]

    def _age(self, row: RowMapping) -> tuple[datetime, str]:
        return row[self.time], row[self.row_id]


def newest_of(
    table: Table,
    owner: Column[Any],
    time: Column[datetime],
    row_id: Column[str],
    only: ColumnElement[bool] | TextClause | None = None,
) -> Newest:
    """The reader of ``table``, which has an index on (owner, time desc, row_id desc); ``only`` leaves rows out."""
    moment = bindparam("moment", type_=time.type)
    statement = (
        select(*table.c)
        .where(owner == bindparam("which"))
        .order_by(time.desc(), row_id.desc())
        .limit(bindparam("most"))
    )
    if only is not None:
        statement = statement.where(only)
    # The first bound alone is one that the index can use.
    further = statement.where(time <= moment, or_(time < moment, row_id < bindparam("last")))
    return Newest(statement=statement, further=further, time=time.name, row_id=row_id.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewestOfAny:
    """As :class:`Newest`, or of everybody: along an index on (time desc, row_id desc)."""

    owned: Newest
    statement: Select[Any]
    further: Select[Any]

    def rows(
        self, tx: Transaction, owners: Sequence[Any] | None, *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[RowMapping]:
        """At most ``limit`` rows, newest first, of these owners; None: of all."""
        if owners is not None:
            return self.owned.rows(tx, owners, limit=limit, behind=behind)
        if behind is None:
            return tx.rows(self.statement, most=limit)
        return tx.rows(self.further, most=limit, moment=behind[0], last=behind[1])


def newest_of_any(table: Table, owner: Column[Any], time: Column[datetime], row_id: Column[str]) -> NewestOfAny:
    """The reader of ``table``, which has an index of either kind."""
    moment = bindparam("moment", type_=time.type)
    statement = select(*table.c).order_by(time.desc(), row_id.desc()).limit(bindparam("most"))
    return NewestOfAny(
        owned=newest_of(table, owner, time, row_id),
        statement=statement,
        further=statement.where(time <= moment, or_(time < moment, row_id < bindparam("last"))),
    )
