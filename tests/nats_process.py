"""A NATS server with JetStream of one's own, from its wheel: loopback, a free port, every write synced to disk."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from postgres_process import _die_with_parent, _free_port

START_S = 30


class NatsProcess:
    """One server with its own directory below the temporary directory."""

    def __init__(self, *, more: str = "") -> None:
        """Choose a port; nothing runs yet. ``more`` is added to its configuration."""
        self._more = more
        self._home = Path(tempfile.mkdtemp(prefix="certsvc-nats-"))
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start and wait until it listens."""
        # sync_interval: the default acknowledges two minutes before the disk has it (RELIABILITY.md 1.4).
        (self._home / "nats.conf").write_text(
            f'host: "127.0.0.1"\nport: {self.port}\n'
            f'jetstream {{ store_dir: "{self._home / "data"}", sync_interval: always }}\n'
            f"{self._more}\n",
            encoding="utf-8",
        )
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(Path(sys.executable).parent / "nats-server"), "-c", str(self._home / "nats.conf")],
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,  # noqa: PLW1509  (a system call only)
            )
        for _ in range(START_S * 20):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"the NATS server did not start: {(self._home / 'log').read_text()[-2000:]}")

    def stop(self) -> None:
        """End it hard, as a power cut would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(START_S)
            self._process = None

    def wipe(self) -> None:
        """Lose its disk, while it is stopped."""
        shutil.rmtree(self._home / "data", ignore_errors=True)

    def close(self) -> None:
        """End it and remove its data."""
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)
