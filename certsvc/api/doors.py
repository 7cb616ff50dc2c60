"""Doors before what takes long: few files at a time, and no queue, so that the threads of everything else stay free."""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from fastapi import Depends

from certsvc.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES_AT_ONCE = 4
"""Uploads judged, drawn or sealed at one time, of 40 threads: a flood of slow files must not stop the API."""
FILE_DOOR = BoundedSemaphore(FILES_AT_ONCE)


def _enter() -> Iterator[None]:
    if not FILE_DOOR.acquire(blocking=False):
        raise Unavailable("正在处理的文件较多，请几秒后再试")
    try:
        yield
    finally:
        FILE_DOOR.release()


DOOR = Depends(_enter)
"""Before every route that judges, draws or seals a file of others."""
