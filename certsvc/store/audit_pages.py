"""Pages of an audit: rows in the order of a key, each told from the next even when it was damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import bindparam

from certsvc.errors import CertsvcError
from certsvc.license.audited import Read

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement, RowMapping, Select

RowT = TypeVar("RowT")

DAMAGED = (CertsvcError, ValueError, TypeError, KeyError, AttributeError)
"""What reading a row may raise that somebody changed past this service."""


def paged(statement: Select[Any], key: ColumnElement[Any]) -> Select[Any]:
    """Rows behind a place, in the order of the key."""
    return statement.where(key > bindparam("behind")).order_by(key).limit(bindparam("most"))


def read_row(row: RowMapping, place: str, row_id: str, read: Callable[[RowMapping], RowT]) -> Read[RowT]:
    """A row as an audit reads it: with its place, and nothing where it is not what it should be."""
    opened: RowT | None
    try:
        opened = read(row)
    except DAMAGED:
        opened = None
    return Read(place=row[place], row_id=row[row_id], row=opened)
