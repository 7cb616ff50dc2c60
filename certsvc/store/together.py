"""Many rows of one table in one statement of PostgreSQL, whose text is the same for any number of rows.

A driver that is given a list sends a statement per row; a VALUES list has another text for each number of rows, which
is taken apart anew by the driver and planned anew by the database. So all rows travel as one JSON document.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import JSON, LargeBinary, Text, bindparam, cast, column, func, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import BigInteger, DateTime, Integer, String, TypeDecorator

from certsvc.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Table, TableValuedAlias, TextClause
    from sqlalchemy.types import TypeEngine

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
ROWS = "several"
"""The one parameter: what :func:`document` made."""
_WORDS: tuple[tuple[type[TypeEngine[Any]], str], ...] = (
    (String, "text"),
    (LargeBinary, "bytea"),
    (BigInteger, "bigint"),
    (Integer, "integer"),
    (DateTime, "timestamptz"),
)
"""PostgreSQL's names for the kinds of columns that may come this way; text without a length, which the column has."""


@cache
def insert_together(table: Table, names: tuple[str, ...], telling: str = "") -> TextClause:
    """An INSERT of the rows in the parameter :data:`ROWS`.

    With ``telling`` only those are written of which no unique key is taken, also not by one before it, and that column
    of each is returned. Every name in the text is a table's or a column's of ours.
    """
    quoted = [_quoted(table.c[name].name) for name in names]
    kinds = ", ".join(f"{name} {_word(table.c[key].type)}" for key, name in zip(names, quoted, strict=True))
    columns = ", ".join(quoted)
    statement = (
        f"INSERT INTO {_quoted(table.name)} ({columns}) SELECT {columns} "  # noqa: S608  (names of ours alone)
        f"FROM json_to_recordset(CAST(:{ROWS} AS json)) AS one({kinds})"
    )
    if telling:
        statement += f" ON CONFLICT DO NOTHING RETURNING {_quoted(telling)}"
    return text(statement).bindparams(bindparam(ROWS, type_=String()))


def given_texts(*names: str) -> TableValuedAlias:
    """Rows of texts in the parameter :data:`ROWS`, a JSON list of objects, to be joined in an UPDATE."""
    rows = cast(bindparam(ROWS, type_=Text()), JSON())
    found = func.json_to_recordset(rows).table_valued(*(column(name, Text()) for name in names))
    return found.render_derived(name="given", with_types=True)


def _quoted(name: str) -> str:
    """As SQLAlchemy writes it: in quotes only where a word of SQL is meant as a name."""
    return str(_DIALECT.identifier_preparer.quote(name))


def _word(kind: TypeEngine[Any]) -> str:
    plain = kind.impl_instance if isinstance(kind, TypeDecorator) else kind
    return next(word for known, word in _WORDS if isinstance(plain, known))


@cache
def _shapers(table: Table, names: tuple[str, ...]) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    """What makes a value of a column ready for JSON: what its type does before it goes into the database."""
    return tuple((name, _shaper(table.c[name].type)) for name in names)


def _shaper(kind: TypeEngine[Any]) -> Callable[[Any], Any]:
    if isinstance(kind, LargeBinary):
        return _hex
    if isinstance(kind, TypeDecorator):
        prepare = kind.process_bind_param
        return lambda value: prepare(value, _DIALECT)
    return _same


def _hex(value: bytes | None) -> str | None:
    return None if value is None else "\\x" + value.hex()


def _same(value: Any) -> Any:
    return value


def document(table: Table, rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows that all name the same columns, as JSON.

    Raises:
        InvalidInput: a text or a number that the database cannot hold.
    """
    shapers = _shapers(table, tuple(rows[0]))
    shaped = [{name: shape(row[name]) for name, shape in shapers} for row in rows]
    try:
        return orjson.dumps(shaped).decode()
    except TypeError as error:
        raise InvalidInput("内容含有无法保存的字符或数字，请检查编码后重试") from error
