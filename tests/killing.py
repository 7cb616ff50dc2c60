"""Programs that die by SIGKILL at a fault point, for tests.

Each is a real process of its own. All are forked from one that has imported the service and done nothing else: to
import it anew costs more than everything else that such a program does.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection

from certsvc.settings import FAULT_KEY

KILLED_WITHIN_S = 120

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["certsvc.app"])


def kill_at(point: str, program: Callable[..., None], *arguments: str) -> None:
    """Run ``program``, a function of a module, with the fault point set; it must not live to its end."""
    ours, theirs = _context.Pipe(duplex=False)
    process = _context.Process(target=_run, args=(theirs, point, program, arguments))
    process.start()
    theirs.close()
    process.join(KILLED_WITHIN_S)
    told = ""
    with suppress(EOFError):
        told = ours.recv() if ours.poll() else "it does not end"
    if process.is_alive():
        process.kill()
    assert process.exitcode == -signal.SIGKILL, (process.exitcode, told[-2000:])
    assert told == "", told[-2000:]


def _run(theirs: Connection, point: str, program: Callable[..., None], arguments: tuple[str, ...]) -> None:
    os.environ[FAULT_KEY] = point
    try:
        program(*arguments)
    except BaseException:
        theirs.send(traceback.format_exc())
        raise
    theirs.send("survived")
