"""An S3 server of one's own: SeaweedFS from its wheel, loopback, free ports, versions and object lock.

It is a child process, so a test can stop it hard and start it again, and it is ended by the handle that started it.
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
from pathlib import Path

import urllib3
from postgres_process import _die_with_parent, _free_port

START_S = 60
REGION = "us-east-1"


class S3Process:
    """One server with its own directory below the temporary directory."""

    def __init__(self) -> None:
        """Choose ports and keys; nothing runs yet."""
        self._home = Path(tempfile.mkdtemp(prefix="certsvc-s3-"))
        (self._home / "data").mkdir()
        self.access_key, self.secret_key = "certsvc", secrets.token_hex(16)
        keys = [{"accessKey": self.access_key, "secretKey": self.secret_key}]
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        identities = [{"name": "certsvc", "credentials": keys, "actions": actions}]
        (self._home / "s3.json").write_text(json.dumps({"identities": identities}))
        self.port = _free_port()
        self._ports = {name: _free_port() for name in ("master", "volume", "filer")}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start and wait until it answers."""
        # The gRPC ports are given too: by default they are the others plus 10,000, which may be taken.
        ports = [f"-{name}.port={port}" for name, port in self._ports.items()]
        grpc = [f"-{name}.port.grpc={_free_port()}" for name in (*self._ports, "s3")]
        command = [
            str(Path(sys.executable).parent / "weed"),
            "server",
            f"-dir={self._home / 'data'}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-s3",
            f"-s3.port={self.port}",
            f"-s3.config={self._home / 's3.json'}",
            *ports,
            *grpc,
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            f"-s3.localSocket={self._home / 's3.sock'}",
            f"-filer.localSocket={self._home / 'filer.sock'}",
            "-volume.max=0",
            "-master.volumeSizeLimitMB=64",
        ]
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd=self._home,
                preexec_fn=_die_with_parent,  # noqa: PLW1509  (a system call only)
            )
        with urllib3.PoolManager(retries=False, timeout=2) as http:
            for _ in range(START_S * 10):
                try:
                    # An unsigned question: any answer of the S3 door will do, but not before its store is behind it.
                    if http.request("GET", f"{self.url}/healthz").status == 200:
                        return
                except urllib3.exceptions.HTTPError:
                    pass
                if self._process.poll() is not None:
                    break
                time.sleep(0.1)
        raise RuntimeError(f"the S3 server did not start: {(self._home / 'log').read_text()[-2000:]}")

    def stop(self) -> None:
        """End it hard, as a power cut would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(START_S)
            self._process = None

    def close(self) -> None:
        """End it and remove its data."""
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)
