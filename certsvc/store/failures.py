"""What went wrong in the database, in our own words: nothing of SQLAlchemy leaves the room."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import exc

from certsvc.errors import CertsvcError, IntegrityError, InvalidInput, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def in_our_words() -> Iterator[None]:
    """Translate every error of the database layer.

    Raises:
        IntegrityError: a unique or foreign key was violated, or the file is damaged.
        InvalidInput: text or a number that the database cannot hold.
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
    if isinstance(error, exc.DataError):
        return InvalidInput("内容超出数据库可保存的范围，请检查文本与数字后重试")
    if isinstance(error, exc.OperationalError | exc.InterfaceError | exc.TimeoutError | exc.DisconnectionError):
        return Unavailable("数据库暂时无法应答，请稍后重试")
    if isinstance(error, exc.DBAPIError) and error.connection_invalidated:
        return Unavailable("数据库连接已中断，请稍后重试")
    if type(error) is exc.DatabaseError:  # SQLite: "malformed", "not a database"
        return IntegrityError("数据库文件已损坏或不是数据库，请从备份恢复")
    return RuntimeError(f"misuse of the database: {type(error).__name__}")
