"""Judges uploaded files in worker processes, so that a hostile file can spend only its own time and memory.

A small pool of workers stays up. Each file has :data:`TIME_LIMIT_S` and its worker :data:`MEMORY_LIMIT_BYTES`; a worker
that overstays or dies is killed by its own process handle, the file is "not verified", and the next file gets a new
worker (RELIABILITY.md S3, S10).
"""

from __future__ import annotations

import json
import queue
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from certsvc.clock import SystemClock, check_aware
from certsvc.seal.verdict import Indication, Reason
from certsvc.signing.findings_json import load_findings
from certsvc.signing.inspection_worker import ANCHOR_PARTS, receive, send
from certsvc.signing.inspector import cannot_verify, refuse_at_the_door

if TYPE_CHECKING:
    from datetime import datetime
    from types import TracebackType

    from certsvc.commands.ports import TrustChoice
    from certsvc.seal.verdict import FileFindings
    from certsvc.signing.trust import TrustAnchors

TIME_LIMIT_S = 10.0
"""Wall-clock time for one file (RELIABILITY S1: 3/3 dos files below 10 s)."""

MEMORY_LIMIT_BYTES = 512 * 1024 * 1024
"""Address space of a worker (RELIABILITY S3)."""

START_LIMIT_S = 30.0
"""Time for a worker to import its modules on a busy machine."""

QUEUE_LIMIT_S = 20.0
"""How long a caller waits for a free worker before it is told to try again."""

MAX_FILES_PER_WORKER = 500
"""A worker is replaced after so many files, so that memory lost in parsers cannot add up."""

_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
_START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from certsvc.signing.inspection_worker import main; main(sys.argv[1:])"
)


class IsolatedInspector:
    """The ``FileInspector`` port in a pool of worker processes. Threads may share one; :meth:`close` it at the end."""

    def __init__(
        self,
        anchors: TrustAnchors,
        *,
        workers: int = 2,
        time_limit_s: float = TIME_LIMIT_S,
        memory_limit_bytes: int = MEMORY_LIMIT_BYTES,
    ) -> None:
        """Judge under the configured ``anchors`` with at most ``workers`` processes, started at their first use."""
        self._anchors = anchors
        self._time_limit_s = time_limit_s
        self._memory_limit_bytes = memory_limit_bytes
        # Last in, first out: with little to do, one warm worker does it all.
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        self._closed = False
        for _ in range(workers):
            self._idle.put(None)

    def inspect(self, data: bytes, trust: TrustChoice, now: datetime) -> FileFindings:
        """Findings in the words of EN 319 102-1; never raises for a bad file.

        Raises:
            InvalidInput: an extra anchor of ``trust`` is not a PEM certificate.
        """
        moment = check_aware(trust.at if trust.at is not None else now)
        anchors = self._anchors.with_extra(trust.extra_anchors)
        refusal = refuse_at_the_door(data)
        if refusal is not None:
            return refusal
        parts = (anchors.certificates, anchors.intermediates, anchors.crls)
        request: dict[str, object] = {"moment": moment.isoformat()}
        request["revocation_required"] = anchors.revocation_required
        request |= {name: [der.hex() for der in ders] for name, ders in zip(ANCHOR_PARTS, parts, strict=True)}
        try:
            worker = self._idle.get(timeout=QUEUE_LIMIT_S)
        except queue.Empty:
            return cannot_verify(data, Indication.INDETERMINATE, Reason.CANNOT_CHECK_NOW, "all workers are busy")
        findings, worker = self._judge(worker, json.dumps(request).encode("ascii"), data)
        self._idle.put(worker)
        if self._closed:
            self.close()
        return findings

    def close(self) -> None:
        """Stop all idle workers; a file being judged finishes first, its worker stops afterwards."""
        self._closed = True
        idle: list[_Worker | None] = []
        with suppress(queue.Empty):
            while True:
                idle.append(self._idle.get_nowait())
        for worker in idle:
            if worker is not None:
                worker.stop()
            self._idle.put_nowait(None)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def _judge(self, worker: _Worker | None, request: bytes, data: bytes) -> tuple[FileFindings, _Worker | None]:
        """The findings, and the worker when it may go on."""
        if worker is not None and worker.files < MAX_FILES_PER_WORKER:
            findings, alive = self._attempt(worker, request, data)
            if alive or findings.reason is Reason.TIMED_OUT:
                return findings, worker if alive else None
            # It may have died while it was idle, which says nothing about this file: a fresh worker tells.
        elif worker is not None:
            worker.stop()
        try:
            worker = _Worker(self._memory_limit_bytes)
        except (OSError, EOFError, ValueError):
            return cannot_verify(data, Indication.INDETERMINATE, Reason.CANNOT_CHECK_NOW, "no worker starts"), None
        findings, alive = self._attempt(worker, request, data)
        return findings, worker if alive else None

    def _attempt(self, worker: _Worker, request: bytes, data: bytes) -> tuple[FileFindings, bool]:
        """The findings, and whether the worker lives on; one that overstayed or died was stopped."""
        try:
            return worker.judge(request, data, self._time_limit_s), True
        except TimeoutError:
            refusal = cannot_verify(data, Indication.INDETERMINATE, Reason.TIMED_OUT, "time limit")
        except (OSError, EOFError, ValueError) as error:
            # Out of memory at a place where Python cannot say so, or worse.
            detail = f"worker: {type(error).__name__}"
            refusal = cannot_verify(data, Indication.INDETERMINATE, Reason.MALFORMED, detail)
        worker.stop()
        return refusal, False


class _Worker:
    """One process and the socket to it."""

    def __init__(self, memory_limit_bytes: int) -> None:
        """Start the process and wait until it is ready; TimeoutError or OSError when it is not."""
        self.files = 0
        self._clock = SystemClock()
        ours, theirs = socket.socketpair()
        self._channel = ours
        command = [
            sys.executable,
            "-I",
            "-c",
            _START,
            str(_PACKAGE_ROOT),
            str(theirs.fileno()),
            str(memory_limit_bytes),
        ]
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  (fixed command, see above)
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env={"LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "1"},
            )
        try:
            ours.settimeout(START_LIMIT_S)
            receive(ours)
        except BaseException:
            self.stop()
            raise

    def judge(self, request: bytes, data: bytes, limit_s: float) -> FileFindings:
        """The worker's findings; TimeoutError, EOFError, OSError or ValueError when it gives none."""
        self.files += 1
        deadline = self._clock.monotonic() + limit_s
        for message in (request, data):
            self._channel.settimeout(self._left(deadline))
            send(self._channel, message)
        return load_findings(receive(self._channel, lambda: self._left(deadline)))

    def stop(self) -> None:
        """Kill this process, and no other, and wait for its end."""
        self._channel.close()
        self._process.kill()
        self._process.wait()

    def _left(self, deadline: float) -> float:
        left = deadline - self._clock.monotonic()
        if left <= 0:
            raise TimeoutError
        return left
