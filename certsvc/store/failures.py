"""What went wrong in the database, in our own words: nothing of SQLAlchemy leaves the room."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import exc

from certsvc.errors import CertsvcError, IntegrityError, InvalidInput, SchemaBehind, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNDEFINED = frozenset({"42P01", "42703"})
"""PostgreSQL's states for a table and a column that are not there."""
_NOT_THERE = re.compile(r"no such (table|column)|has no column named")
"""SQLite's words for the same: it files them under "operational", as it does a lock that was not given."""


@contextmanager
def in_our_words() -> Iterator[None]:
    """Translate every error of the database layer.

    Raises:
        IntegrityError: a unique or foreign key was violated, or the file is damaged.
        InvalidInput: text or a number that the database cannot hold.
        SchemaBehind: a table or column is not there: the database is of an older release than the program.
        Unavailable: no connection, a timeout, a lock that was not given, a full disk.
        RuntimeError: our own mistake (a wrong statement, work after the end of its transaction).
    """
    try:
        yield
    except exc.SQLAlchemyError as error:
        raise _ours(error) from error


def _ours(error: exc.SQLAlchemyError) -> Exception:
    """The error to raise; SQLAlchemy's stays as its cause, without parameters (``hide_parameters``)."""
    cause = error.orig if isinstance(error, exc.StatementError) else None
    if isinstance(cause, CertsvcError | RuntimeError):
        return cause  # raised by a column type of ours while parameters were bound
    if isinstance(error, exc.IntegrityError):
        return IntegrityError("与已有记录重复，或引用的记录不存在，未写入任何内容")
    if _lacks_a_table(cause):
        return SchemaBehind("数据库的结构早于本程序（缺少所需的表或列），请先运行 certsvc db upgrade，再启动")
    if isinstance(error, exc.DataError):
        return InvalidInput("内容超出数据库可保存的范围，请检查文本与数字后重试")
    if isinstance(error, exc.OperationalError | exc.InterfaceError | exc.TimeoutError | exc.DisconnectionError):
        return Unavailable("数据库暂时无法应答，请稍后重试")
    if isinstance(error, exc.DBAPIError) and error.connection_invalidated:
        return Unavailable("数据库连接已中断，请稍后重试")
    if type(error) is exc.DatabaseError:  # SQLite: "malformed", "not a database"
        return IntegrityError("数据库文件已损坏或不是数据库，请从备份恢复")
    return RuntimeError(f"misuse of the database: {type(error).__name__}")


def _lacks_a_table(cause: BaseException | None) -> bool:
    if getattr(cause, "sqlite_errorname", "") == "SQLITE_ERROR":
        return _NOT_THERE.search(str(cause)) is not None
    return getattr(cause, "sqlstate", "") in _UNDEFINED
