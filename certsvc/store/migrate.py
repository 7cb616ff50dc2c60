"""Brings a database to the newest schema by the Alembic chain in ``migrations/``, which lies next to the package.

Migrations are run from a checkout (or an image that copies both directories side by side): a wheel alone carries no
``migrations/``, and :func:`upgrade` then says so. The chain is the same on SQLite and PostgreSQL.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import text

from certsvc.errors import ConfigurationError
from certsvc.store.engine import writing_engine
from certsvc.store.failures import in_our_words
from certsvc.store.tables_reseal import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
DDL_LOCK_TIMEOUT_MS = 5_000
"""A migration that waits for a lock makes every later query wait behind it: rather fail and be run again."""
_ADVISORY_LOCK = 0x6365727473766300
"""Two processes that start at once migrate one after the other ("certsvc" in ASCII)."""


def upgrade(url: str, *, directory: Path = MIGRATIONS, revision: str = "head") -> None:
    """Bring the database to ``revision``, in one transaction.

    Raises:
        ConfigurationError: no migrations in ``directory``, or the database is of a newer release.
        Unavailable: no connection, or a lock was not given in time.
    """
    config = _config(directory)
    with _connected(url) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            # Whoever upgrades before may take as long as its indexes do: its turn is waited for without a limit.
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
            connection.execute(text(f"SET LOCAL lock_timeout = {DDL_LOCK_TIMEOUT_MS}"))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, revision)
        except CommandError as error:
            raise ConfigurationError(f"数据库版本与程序不符，请使用不低于数据库版本的程序：{error}") from error


def current(url: str) -> str:
    """The revision the database stands at, or empty."""
    with _connected(url) as connection:
        return MigrationContext.configure(connection).get_current_revision() or ""


def head(*, directory: Path = MIGRATIONS) -> str:
    """The newest revision of the chain."""
    return ScriptDirectory.from_config(_config(directory)).get_current_head() or ""


def require_newest(url: str, *, directory: Path = MIGRATIONS) -> None:
    """Nothing, unless the database is of an older release than the program; a newer one carries older programs too.

    Raises:
        ConfigurationError: it is to be upgraded first.
        Unavailable: no connection.
    """
    scripts = ScriptDirectory.from_config(_config(directory))
    found, newest = current(url), scripts.get_current_head()
    known = {script.revision for script in scripts.walk_revisions()}
    if found != newest and (not found or found in known):
        raise ConfigurationError(
            f"数据库的结构是 {found or '空的'}，本程序需要 {newest}，请先运行 certsvc db upgrade，再启动"
        )


def differences(url: str) -> tuple[str, ...]:
    """What the tables of this release have and the database has not, or the other way round; empty when equal."""
    with _connected(url) as connection:
        # SQLite keeps no identity clause: its row numbers are identities by themselves.
        defaults = connection.dialect.name == "postgresql"
        options = {"compare_type": True, "compare_server_default": defaults}
        context = MigrationContext.configure(connection, opts=options)
        return tuple(str(difference) for difference in compare_metadata(context, metadata))


def _config(directory: Path) -> Config:
    if not (directory / "env.py").is_file():
        raise ConfigurationError(f"找不到数据库迁移目录 {directory}，请在源码目录或完整镜像中运行")
    config = Config()
    config.set_main_option("script_location", str(directory).replace("%", "%%"))
    config.attributes["metadata"] = metadata
    return config


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    """A connection of an engine that lives no longer than the block; an index may take as long as it takes."""
    engine = writing_engine(url, pool_size=1, answer_s=None)
    try:
        with in_our_words(), engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
