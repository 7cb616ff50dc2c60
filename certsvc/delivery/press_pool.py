"""A press of several processes: each has its own fonts, templates and keys, so that every core draws and seals.

A batch is cut into one piece per process. A process that dies takes its pieces with it: they come back as Unavailable,
are tried again like any other failure, and the pool is opened anew. Keys are opened in each process from the same
encrypted files; none travels between them.
"""

from __future__ import annotations

import copyreg
import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from certsvc.errors import CertsvcError, WorkerDied

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from certsvc.commands.page_ports import PageJob, Press, SealTask
    from certsvc.seal.prepared import PreparedPdf

log = structlog.get_logger("certsvc.press")

SMALLEST_BATCH = 8
"""Below this the way to another process and back costs more than it saves: the own press does it."""

_Task = TypeVar("_Task")
_Made = TypeVar("_Made")

_opened: Press | None = None
"""The press of this process, when it is one of a pool's."""


class PressPool:
    """Implements ``ports.Press`` over several processes. Safe to share between threads."""

    def __init__(self, own: Press, open_press: Callable[[], Press], processes: int) -> None:
        """Give small batches to ``own``; ``open_press`` is called once in each of ``processes`` (spawned, pickled)."""
        self._own = own
        self._open = open_press
        self._processes = processes
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def draw(self, jobs: Sequence[PageJob]) -> list[PreparedPdf | CertsvcError]:
        """The pages of ``jobs``, in their order."""
        return self._own.draw(jobs) if len(jobs) < SMALLEST_BATCH else self._spread(_draw, jobs)

    def seal(self, tasks: Sequence[SealTask]) -> list[bytes | CertsvcError]:
        """The sealed files of ``tasks``, in their order."""
        return self._own.seal(tasks) if len(tasks) < SMALLEST_BATCH else self._spread(_seal, tasks)

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(cancel_futures=True)

    def _spread(
        self, work: Callable[[Sequence[_Task]], list[_Made | CertsvcError]], tasks: Sequence[_Task]
    ) -> list[_Made | CertsvcError]:
        pool = self._running()
        size = -(-len(tasks) // self._processes)
        cuts = [tasks[at : at + size] for at in range(0, len(tasks), size)]
        futures: list[Future[list[_Made | CertsvcError]] | None] = []
        for cut in cuts:
            try:
                futures.append(pool.submit(work, cut))
            except (BrokenProcessPool, RuntimeError):
                futures.append(None)
        made: list[_Made | CertsvcError] = []
        for cut, future in zip(cuts, futures, strict=True):
            made += self._result(pool, future, len(cut))
        return made

    def _result(
        self, pool: ProcessPoolExecutor, future: Future[list[_Made | CertsvcError]] | None, count: int
    ) -> list[_Made | CertsvcError]:
        try:
            if future is not None:
                return future.result()
        except BrokenProcessPool:
            log.error("a process of the press died", action="press.died", pages=count)  # noqa: TRY400
        with self._lock:
            if self._pool is pool:
                self._pool = None
                pool.shutdown(wait=False, cancel_futures=True)
        return [WorkerDied("制证进程中断，系统将自动重试") for _ in range(count)]

    def _running(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                copyreg.pickle(MappingProxyType, _pickled_mapping)
                self._pool = ProcessPoolExecutor(
                    self._processes,
                    mp_context=multiprocessing.get_context("spawn"),
                    initializer=_begin,
                    initargs=(self._open,),
                )
            return self._pool


def _pickled_mapping(
    mapping: MappingProxyType[Any, Any],
) -> tuple[Callable[..., MappingProxyType[Any, Any]], tuple[Any, ...]]:
    """The fields of a license type are read-only mappings, which pickle does not know by itself."""
    return _mapping, (dict(mapping),)


def _mapping(values: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(values)


def _begin(open_press: Callable[[], Press]) -> None:
    global _opened  # noqa: PLW0603  (one press per process of the pool, made by its initializer)
    _opened = open_press()


def _press() -> Press:
    if _opened is None:
        msg = "this process was not opened as part of a press"
        raise RuntimeError(msg)
    return _opened


def _draw(jobs: Sequence[PageJob]) -> list[PreparedPdf | CertsvcError]:
    pages = _press().draw(jobs)
    for page in pages:
        if not isinstance(page, CertsvcError):
            # The reservation needs it: counted here, it travels with the page.
            page.digest("sha256")
    return pages


def _seal(tasks: Sequence[SealTask]) -> list[bytes | CertsvcError]:
    return _press().seal(tasks)
