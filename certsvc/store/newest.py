"""The newest rows of several owners, at a cost of owners times limit however long their histories are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, or_, select

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Column, ColumnElement, RowMapping, Select, Table

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
    only: ColumnElement[bool] | None = None,
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
