"""Several short units of work in one transaction of a database with one writer: a group commit.

A commit waits for the disk, and on SQLite everybody else waits with it. So a short unit that finds another short one
waiting behind it does not commit: it hands the open transaction on with its turn, and waits until the last one has
committed for all. Each unit has a savepoint of its own, so what one of them raises undoes its own work only; none
returns, with a result or an error, before the disk has what it stands on.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from sqlalchemy import exc

from certsvc.errors import Unavailable
from certsvc.store.failures import in_our_words
from certsvc.store.transaction import Transaction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine, RootTransaction

    from certsvc.commands.ports import Cipher
    from certsvc.store.turnstile import Turnstile

MOST_UNITS = 16
"""Units of one transaction: the first of them waits for the last, and other writers for all (a flood of short units
must not keep them out)."""


def commit(connection: Connection, transaction: RootTransaction) -> None:
    """Commit; a connection whose commit failed is thrown away, for SQLite would still be inside the transaction."""
    try:
        with in_our_words():
            transaction.commit()
    except BaseException:
        with suppress(exc.SQLAlchemyError):
            connection.invalidate()
        raise


class SharedTransactions:
    """Gives short units of work their turn in a transaction that they may share."""

    def __init__(self, engine: Engine, cipher: Cipher, turnstile: Turnstile) -> None:
        """Write through ``engine``, which has one connection, in the turns of ``turnstile``."""
        self._engine = engine
        self._cipher = cipher
        self._turnstile = turnstile
        self._handed_on: _Group | None = None

    @contextmanager
    def unit(self) -> Iterator[Transaction]:
        """One unit; when the block has ended, it is committed or undone.

        Raises:
            Unavailable: as a unit of work of its own; also when the commit for all failed, whatever the block raised,
                for what it saw is not there.
        """
        self._turnstile.enter(shares=True)
        try:
            group, self._handed_on = self._handed_on or _Group(self._engine), None
        except BaseException:
            self._turnstile.leave()
            raise
        try:
            with group.part(self._cipher) as statements:
                yield statements
        finally:
            self._end(group)

    def _end(self, group: _Group) -> None:
        if group.may_grow:
            self._handed_on = group
            if self._turnstile.pass_on():
                group.wait(self._turnstile.wait_s)
                return
            self._handed_on = None
        try:
            group.settle()
        finally:
            self._turnstile.leave()
        group.wait(0)


class _Group:
    """One open transaction and those who share it; used by one thread at a time, but for waiting."""

    def __init__(self, engine: Engine) -> None:
        with in_our_words():
            self._connection = engine.connect()
            try:
                self._transaction = self._connection.begin()
            except BaseException:
                self._connection.close()
                raise
        self._units = 0
        self._broken: Exception | None = None
        self._over = threading.Event()

    @property
    def may_grow(self) -> bool:
        return self._broken is None and self._units < MOST_UNITS

    @contextmanager
    def part(self, cipher: Cipher) -> Iterator[Transaction]:
        """The work of one unit within a savepoint."""
        self._units += 1
        try:
            with in_our_words():
                self._connection.exec_driver_sql("SAVEPOINT unit")
            statements = Transaction(self._connection, cipher, read_only=False)
            yield statements
            statements.finish()
        except BaseException:
            self._undo()
            raise
        self._run("RELEASE unit")

    def _undo(self) -> None:
        self._run("ROLLBACK TO unit")
        self._run("RELEASE unit")

    def _run(self, statement: str) -> None:
        """After some errors (a full disk) SQLite has undone everything: then nobody's work is there."""
        try:
            self._connection.exec_driver_sql(statement)
        except exc.SQLAlchemyError as error:
            self._broken = error

    def settle(self) -> None:
        """Commit for all, or undo all; who waits is told by :meth:`wait`."""
        try:
            if self._broken is None:
                commit(self._connection, self._transaction)
        except Exception as error:  # noqa: BLE001  (told to everyone who shares it)
            self._broken = error
        finally:
            with suppress(exc.SQLAlchemyError):
                self._connection.close()  # rolls back what was not committed
            self._over.set()

    def wait(self, seconds: float) -> None:
        """Until it is committed.

        Raises:
            Unavailable: it failed, or did not end in time.
        """
        if not self._over.wait(seconds):
            raise Unavailable("数据库写入繁忙，本次提交的结果未知，请以同一幂等键重试")
        if self._broken is not None:
            raise Unavailable("数据库未能提交，本次内容未保存，请稍后重试") from self._broken
