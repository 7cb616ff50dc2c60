"""One open transaction: how the nouns of the room run statements, and how they hide personal columns."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from certsvc.errors import IntegrityError, InvalidInput
from certsvc.store.failures import in_our_words
from certsvc.store.together import ROWS, document, insert_together

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from enum import Enum

    from sqlalchemy import Connection, CursorResult, Executable, RowMapping

    from certsvc.commands.ports import Cipher

    WordT = TypeVar("WordT", bound=Enum)

Insert = postgresql.Insert | sqlite.Insert

WRITE_IN_READ = "a write in a read-only unit of work: use uow(), not uow.read()"


class Transaction:
    """Runs statements on one connection and translates its errors; results are read at once."""

    __slots__ = ("_appended", "_cipher", "_connection", "_error", "_read_only", "dialect")

    def __init__(self, connection: Connection, cipher: Cipher, *, read_only: bool) -> None:
        """Work on a connection that has begun."""
        self._connection = connection
        self._cipher = cipher
        self._read_only = read_only
        self.dialect = connection.dialect.name
        self._error: Exception | None = None
        self._appended: dict[Executable | Table, list[Mapping[str, Any]]] = {}

    def rows(self, statement: Executable, **values: Any) -> Sequence[RowMapping]:
        """All rows."""
        with self._watched():
            return self._execute(statement, values).mappings().all()

    def row(self, statement: Executable, **values: Any) -> RowMapping | None:
        """The first row, if any."""
        with self._watched():
            return self._execute(statement, values).mappings().first()

    def changed(self, statement: Executable, **values: Any) -> int:
        """How many rows a writing statement touched."""
        with self._watched():
            return self._execute(statement, values).rowcount

    def changed_all(self, statement: Executable, values: Sequence[Mapping[str, Any]]) -> int:
        """Run a writing statement once per set of values; how many rows were touched in all."""
        if not values:
            return 0
        with self._watched():
            return self._execute(statement, values).rowcount

    def rows_all(self, statement: Executable, values: Sequence[Mapping[str, Any]]) -> Sequence[RowMapping]:
        """Run an INSERT … RETURNING once per set of values; all rows that were returned, in any order."""
        if not values:
            return ()
        with self._watched():
            return self._execute(statement, values).mappings().all()

    def append(self, statement: Executable, **values: Any) -> None:
        """Insert a row that this unit of work does not read again: all of a statement go together, in their order.

        They are written before the commit, or when :meth:`flush` is called.
        """
        self._check_writing(statement)
        self._appended.setdefault(statement, []).append(values)

    def append_row(self, table: Table, **values: Any) -> None:
        """As :meth:`append`, a row of a table; all of them name the same columns."""
        if self._read_only:
            raise RuntimeError(WRITE_IN_READ)
        self._appended.setdefault(table, []).append(values)

    def flush(self) -> None:
        """Write what was appended."""
        while self._appended:
            where, values = next(iter(self._appended.items()))
            del self._appended[where]
            if isinstance(where, Table):
                self.insert_rows(where, values)
            else:
                self.changed_all(where, values)

    def insert_rows(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows that all name the same columns, in their order; IntegrityError when a unique key is taken."""
        if self.dialect == "postgresql" and rows and not self._read_only:
            statement = insert_together(table, tuple(rows[0]))
            self.changed(statement, **{ROWS: document(table, rows)})
        else:
            self.changed_all(_plain(self.dialect, table), rows)

    def insert_new_rows(self, table: Table, rows: Sequence[Mapping[str, Any]], *, telling: str) -> Sequence[RowMapping]:
        """Insert those of which no unique key is taken, also not by one before it; the column ``telling`` of each."""
        if self.dialect == "postgresql" and rows and not self._read_only:
            statement = insert_together(table, tuple(rows[0]), telling)
            return self.rows(statement, **{ROWS: document(table, rows)})
        return self.rows_all(_if_new(self.dialect, table, telling), rows)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Remember the first error.

        After one, PostgreSQL would end a commit with a silent rollback, and SQLite would keep the half that was
        written; so on both the unit of work is over, even if its block swallows the error.
        """
        if self._error is not None:
            msg = "the unit of work has failed: leave its block and begin another"
            raise RuntimeError(msg) from self._error
        try:
            with in_our_words():
                yield
        except Exception as error:
            self._error = error
            raise

    def _execute(
        self, statement: Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]]
    ) -> CursorResult[Any]:
        self._check_writing(statement)
        return self._connection.execute(statement, values)

    def _check_writing(self, statement: Executable) -> None:
        # The databases refuse it too, but in words that look like a full disk.
        if self._read_only and statement.is_dml:
            raise RuntimeError(WRITE_IN_READ)

    def finish(self) -> None:
        """Write what is still to be written, and raise the error that a statement raised, if one did."""
        if self._error is not None:
            raise self._error
        self.flush()

    def seal(self, text: str, column: str, row_id: str) -> bytes:
        """Encrypt ``text`` for ``column`` (table.column), bound to its row: moved to another row it does not open."""
        try:
            return self._cipher.seal_text(_owner(row_id) + text, column)
        except UnicodeEncodeError as error:
            raise InvalidInput("文本含有不成对的代理码位，无法保存，请检查编码后重试") from error

    def open(self, blob: bytes, column: str, row_id: str) -> str:
        """Decrypt what :meth:`seal` made.

        Raises:
            IntegrityError: changed, or taken from another column or row.
        """
        text = self._cipher.open_text(bytes(blob), column)
        owner = _owner(row_id)
        if not text.startswith(owner):
            raise IntegrityError(f"加密字段 {column} 的内容属于另一行：数据可能被改动")
        return text[len(owner) :]

    def seal_json(self, value: Any, column: str, row_id: str) -> bytes:
        """Encrypt a plain JSON value."""
        return self.seal(to_json(value), column, row_id)

    def open_json(self, blob: bytes, column: str, row_id: str) -> Any:
        """Decrypt a plain JSON value."""
        return from_json(self.open(blob, column, row_id))

    def blind(self, text: str, column: str) -> bytes:
        """Keyed digest for equality search in ``column``."""
        try:
            return self._cipher.blind(text, column)
        except UnicodeEncodeError as error:
            raise InvalidInput("文本含有不成对的代理码位，无法保存，请检查编码后重试") from error


def _owner(row_id: str) -> str:
    """Prefix of a sealed text that names its row; the length makes it unambiguous."""
    return f"{len(row_id)}:{row_id}:"


def insert_into(dialect: str, table: Table) -> Insert:
    """An INSERT of this dialect, which can say ON CONFLICT; it never asks for a generated key."""
    made = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    return made.inline()


@cache
def _plain(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table)


@cache
def _if_new(dialect: str, table: Table, telling: str) -> Executable:
    return insert_into(dialect, table).on_conflict_do_nothing().returning(table.c[telling])


def to_json(value: Any) -> str:
    """Compact JSON text; InvalidInput for lone surrogates and integers over 64 bits."""
    try:
        return orjson.dumps(value).decode("utf-8")
    except TypeError as error:
        raise InvalidInput("内容含有无法保存的字符或数字，请检查编码后重试") from error


def from_json(text: str) -> Any:
    """The JSON value; IntegrityError when it was damaged."""
    try:
        return orjson.loads(text)
    except ValueError as error:
        raise IntegrityError("保存的 JSON 已损坏，请从备份恢复") from error


def as_word(words: type[WordT], value: Any) -> WordT:
    """The word of an enumeration; IntegrityError for one that this release does not know."""
    try:
        return words(value)
    except ValueError as error:
        raise IntegrityError(f"数据库中的 {words.__name__} 取值不认识：请确认程序版本不低于数据库版本") from error
