"""Opens the database: SQLite for the embedded shape, PostgreSQL for server and cluster.

A SQLite store has one writing connection (a transaction begins with ``BEGIN IMMEDIATE``; threads wait for it in turn,
other processes at a gate) and several reading ones that cannot write. Durability is WAL with
``synchronous=FULL``: a commit that was acknowledged survives a power cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, exc, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import QueuePool

from certsvc.errors import ConfigurationError
from certsvc.store.failures import in_our_words
from certsvc.store.file_gate import FileGate
from certsvc.store.listening import Listener
from certsvc.store.postgres_connection import ANSWER_S, LIVENESS, STATEMENT_TIMEOUT_MS, give_up_silent
from certsvc.store.turnstile import Turnstile
from certsvc.store.uow import UnitsOfWork

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

    from certsvc.commands.ports import Cipher

POOL_SIZE = 10
"""Connections per process; PostgreSQL's default allows 100 in all."""
LOOKING = 2
"""More of them per process, for looks at single rows without a transaction; one look takes less than a millisecond."""
WAIT_S = 10.0
"""How long a caller waits for a free connection, its turn or a lock before it is told "unavailable" (a flood must not
pile up threads)."""
IDLE_IN_TRANSACTION_MS = 60_000
"""PostgreSQL ends a transaction whose client hangs, so that it gives its locks back."""
STATEMENT_CACHE = 512


@dataclass(frozen=True, slots=True)
class Store:
    """An open database.

    Attributes:
        uow: the factory of units of work.
        listener: hears what other processes leave; None where only processes of one service write.
    """

    uow: UnitsOfWork
    _engines: tuple[Engine, ...]
    _gate: FileGate | None = None
    listener: Listener | None = None

    def ping(self) -> None:
        """Ask the database for an answer; Unavailable when there is none (readiness)."""
        with in_our_words(), self._engines[-1].connect() as connection:
            connection.execute(text("SELECT 1")).all()

    def pools(self) -> tuple[tuple[str, int, int], ...]:
        """Per pool its name, how many connections are in use, and how many there may be; nothing is asked."""
        names = ("main", "looking") if self._engines[0].dialect.name == "postgresql" else ("writing", "reading")
        pools = [engine.pool for engine in self._engines]
        return tuple(
            (name, pool.checkedout(), pool.size())
            for name, pool in zip(names, pools, strict=True)
            if isinstance(pool, QueuePool)
        )

    def close(self) -> None:
        """Close every connection; the last one folds SQLite's write-ahead log back into the file."""
        for engine in reversed(self._engines):
            with in_our_words():
                engine.dispose()
        if self._gate is not None:
            self._gate.close()


def open_store(
    url: str, cipher: Cipher, *, pool_size: int = POOL_SIZE, wait_s: float = WAIT_S, answer_s: float = ANSWER_S
) -> Store:
    """Open ``sqlite:///path`` or ``postgresql://…``; ``migrate.upgrade`` made its tables before.

    No connection is made yet, so a database that is down shows as Unavailable when the first work begins.

    Raises:
        ConfigurationError: another kind of URL, or SQLite without a file.
    """
    writing = writing_engine(url, pool_size=pool_size, wait_s=wait_s, answer_s=answer_s)
    if writing.dialect.name == "postgresql":
        # REPEATABLE READ, so that a read sees one snapshot as it does on SQLite.
        reading: Engine = writing.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        looking = _postgresql(writing.url, pool_size=LOOKING, wait_s=wait_s, looking=True)
        give_up_silent(looking, answer_s)
        engines: tuple[Engine, ...] = (writing, looking)
        turnstile = gate = None
    else:
        reading = looking = _sqlite(writing.url, pool_size=pool_size, read_only=True, wait_s=wait_s)
        engines = (writing, reading)
        gate = FileGate(Path(writing.url.database or ""))
        turnstile = Turnstile(wait_s=wait_s, gate=gate)
    units = UnitsOfWork(writing=writing, reading=reading, looking=looking, cipher=cipher, turnstile=turnstile)
    listener = Listener(url) if writing.dialect.name == "postgresql" else None
    return Store(units, engines, gate, listener)


def writing_engine(
    url: str, *, pool_size: int = POOL_SIZE, wait_s: float = WAIT_S, answer_s: float | None = ANSWER_S
) -> Engine:
    """The engine that writes; the room's own (``migrate.py`` uses it too).

    With ``answer_s`` None an answer of PostgreSQL may take as long as it takes, while its host is there.
    """
    try:
        parsed = make_url(url)
    except exc.ArgumentError as error:
        raise ConfigurationError("database_url 无法识别，请写成 sqlite:///路径 或 postgresql://…") from error
    match parsed.get_backend_name():
        case "sqlite":
            if parsed.database in {None, "", ":memory:"}:
                raise ConfigurationError("database_url 缺少文件路径：SQLite 数据库必须存放在文件中")
            return _sqlite(parsed.set(drivername="sqlite+pysqlite"), pool_size=1, read_only=False, wait_s=wait_s)
        case "postgresql":
            engine = _postgresql(parsed.set(drivername="postgresql+psycopg"), pool_size=pool_size, wait_s=wait_s)
            if answer_s is not None:
                give_up_silent(engine, answer_s)
            return engine
        case other:
            raise ConfigurationError(f"database_url 的数据库类型 {other} 不受支持，请使用 SQLite 或 PostgreSQL")


def _create(url: URL, *, pool_size: int, wait_s: float, connect_args: dict[str, Any], **more: str) -> Engine:
    return create_engine(
        url,
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=wait_s,
        hide_parameters=True,  # parameters are personal data: never in a log or a trace
        connect_args=connect_args,
        query_cache_size=STATEMENT_CACHE,
        execution_options={"preserve_rowcount": True},
        **more,
    )


def _postgresql(url: URL, *, pool_size: int, wait_s: float, looking: bool = False) -> Engine:
    """``looking``: each statement is a transaction of its own, and none may write."""
    options = {
        "statement_timeout": STATEMENT_TIMEOUT_MS,
        "lock_timeout": int(wait_s * 1000),
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_MS,
        "timezone": "UTC",
        "application_name": "certsvc",
    }
    if looking:
        options["default_transaction_read_only"] = "on"
    arguments = {**LIVENESS, "options": " ".join(f"-c {name}={value}" for name, value in options.items())}
    isolation = {"isolation_level": "AUTOCOMMIT"} if looking else {}
    return _create(url, pool_size=pool_size, wait_s=wait_s, connect_args=arguments, **isolation)


def _sqlite(url: URL, *, pool_size: int, read_only: bool, wait_s: float) -> Engine:
    # isolation_level None: the driver begins nothing by itself; _begin below does.
    arguments = {"isolation_level": None, "check_same_thread": False, "cached_statements": STATEMENT_CACHE}
    engine = _create(url, pool_size=pool_size, wait_s=wait_s, connect_args=arguments)
    Path(url.database or "").resolve().parent.mkdir(parents=True, exist_ok=True)

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={int(wait_s * 1000)}")
        if not read_only:
            cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA trusted_schema=OFF")
        cursor.execute("PRAGMA temp_store=MEMORY")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN DEFERRED" if read_only else "BEGIN IMMEDIATE")

    return engine
