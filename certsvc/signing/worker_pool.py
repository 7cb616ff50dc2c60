"""A pool of worker processes for files of others, so that a hostile file can spend only its own time and memory.

What a worker does is one function, named at the start of the pool: it takes a request and a file and answers bytes.
Each call has a time limit and its worker a memory limit; a worker that overstays or dies is killed by its own process
handle, and the next file gets a new worker (RELIABILITY.md S3, S10).
"""

from __future__ import annotations

import queue
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from certsvc.clock import SystemClock
from certsvc.errors import FieldProblem, Unavailable, UploadRefused
from certsvc.signing.worker_process import receive, send

TIME_LIMIT_S = 8.0
"""Wall-clock time for one file, so that with a worker's start it stays below ten (RELIABILITY S1: 3/3 dos files)."""

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
    "from certsvc.signing.worker_process import main; main(sys.argv[1:])"
)


class AllBusy(Exception):
    """No worker became free in time, or none starts: nothing is known about the file."""


class WorkerDied(Exception):
    """The worker ended over this file; the text is the name of the error and nothing of the file."""


class WorkerPool:
    """Calls one function in other processes. Threads may share one; :meth:`close` it at the end."""

    def __init__(
        self,
        answer: str,
        *,
        workers: int = 2,
        time_limit_s: float = TIME_LIMIT_S,
        memory_limit_bytes: int = MEMORY_LIMIT_BYTES,
    ) -> None:
        """At most ``workers`` processes, started at their first use, that call ``answer`` (``module:function``)."""
        self._answer = answer
        self._time_limit_s = time_limit_s
        self._memory_limit_bytes = memory_limit_bytes
        # Last in, first out: with little to do, one warm worker does it all.
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        self._closed = False
        for _ in range(workers):
            self._idle.put(None)

    def call(self, request: bytes, data: bytes) -> bytes:
        """What the function answers.

        Raises:
            AllBusy: no worker in time.
            TimeoutError: the worker overstayed and was killed.
            WorkerDied: it ended, or sent no whole answer.
        """
        try:
            worker = self._idle.get(timeout=QUEUE_LIMIT_S)
        except queue.Empty:
            msg = "all workers are busy"
            raise AllBusy(msg) from None
        left: _Worker | None = None
        try:
            said, left = self._ask(worker, request, data)
        finally:
            self._idle.put(left)
            if self._closed:
                self.close()
        return said

    def ask(self, request: bytes, data: bytes) -> bytes:
        """As :meth:`call`, in errors that people understand.

        Raises:
            Unavailable: no worker in time.
            UploadRefused: the file took too long, or its worker died over it.
        """
        try:
            return self.call(request, data)
        except AllBusy:
            raise Unavailable("正在处理的文件较多，请几秒后再试") from None
        except (TimeoutError, WorkerDied) as error:
            detail = "文件内容过于复杂，无法在限定时间和内存内处理，请重新导出或拆分后上传"
            problem = FieldProblem(pointer="/file", code="too_complex", detail=detail)
            raise UploadRefused(detail, problems=(problem,)) from error

    def close(self) -> None:
        """Stop all idle workers; a call under way finishes first, its worker stops afterwards."""
        self._closed = True
        idle: list[_Worker | None] = []
        with suppress(queue.Empty):
            while True:
                idle.append(self._idle.get_nowait())
        for worker in idle:
            if worker is not None:
                worker.stop()
            self._idle.put_nowait(None)

    def _ask(self, worker: _Worker | None, request: bytes, data: bytes) -> tuple[bytes, _Worker]:
        """The answer, and the worker that gave it."""
        if worker is not None and worker.files < MAX_FILES_PER_WORKER:
            try:
                return self._attempt(worker, request, data), worker
            except WorkerDied:
                # It may have died while it was idle, which says nothing about this file: a fresh worker tells. One
                # that died over the file must not have it again: two deaths, and the time of two.
                if worker.has_it:
                    raise
        elif worker is not None:
            worker.stop()
        try:
            fresh = _Worker(self._answer, self._memory_limit_bytes)
        except (OSError, EOFError, ValueError) as error:
            msg = "no worker starts"
            raise AllBusy(msg) from error
        return self._attempt(fresh, request, data), fresh

    def _attempt(self, worker: _Worker, request: bytes, data: bytes) -> bytes:
        """The answer; a worker that overstayed or died is stopped."""
        try:
            return worker.ask(request, data, self._time_limit_s)
        except TimeoutError:
            worker.stop()
            raise
        except (OSError, EOFError, ValueError) as error:
            worker.stop()
            raise WorkerDied(type(error).__name__) from error


class _Worker:
    """One process and the socket to it."""

    def __init__(self, answer: str, memory_limit_bytes: int) -> None:
        """Start the process and wait until it is ready; TimeoutError or OSError when it is not."""
        self.files = 0
        self.has_it = False
        """whether the worker said that it has the last file"""
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
            answer,
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

    def ask(self, request: bytes, data: bytes, limit_s: float) -> bytes:
        """The worker's answer; TimeoutError, EOFError, OSError or ValueError when it gives none."""
        self.files += 1
        self.has_it = False
        deadline = self._clock.monotonic() + limit_s
        for message in (request, data):
            self._channel.settimeout(self._left(deadline))
            send(self._channel, message)
        receive(self._channel, lambda: self._left(deadline))
        self.has_it = True
        return receive(self._channel, lambda: self._left(deadline))

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
