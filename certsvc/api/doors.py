"""Doors before what takes long: few files at a time, and no queue, so that the threads of everything else stay free."""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from fastapi import Depends

from certsvc.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


class FileDoor:
    """Lets a fixed number of files in; the next one is told to come back. Use it with ``with``."""

    def __init__(self, places: int, busy_zh: str) -> None:
        """``busy_zh`` is what the one who does not come in is told."""
        self.places = places
        self._busy = busy_zh
        self._places = BoundedSemaphore(places)

    def __enter__(self) -> None:
        """Unavailable when all places are taken."""
        if not self._places.acquire(blocking=False):
            raise Unavailable(self._busy)

    def __exit__(self, *_: object) -> None:
        """Give the place back."""
        self._places.release()


FILE_DOOR = FileDoor(4, "正在处理的文件较多，请几秒后再试")
"""Uploads judged, drawn or sealed at one time, of 40 threads: a flood of slow files must not stop the API."""


def _enter() -> Iterator[None]:
    with FILE_DOOR:
        yield


DOOR = Depends(_enter)
"""Before every route that judges, draws or seals a file of others."""
