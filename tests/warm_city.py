"""What the cities of one test process share, because it depends on nothing that a city may change.

A service of its own starts worker processes, reads fonts, compiles faces and proves its keys: seconds that each of a
thousand cities would spend anew. Here they are spent once:

* worker processes that read files of others keep nothing between two files, so a city that closes leaves its idle ones
  to the next city that asks for the same function under the same limit;
* a renderer knows its faces by their content, so cities with the same fonts draw with the same one;
* a key ring proves a key by its bytes and its certificate's: the same two were proven before;
* an anchor of trust can be read, or not, by its bytes alone: what could be read once is not parsed anew;
* a SQLite file that is not there yet becomes a copy of a migrated one;
* a statement is compiled once for each kind of database, not once for each engine.

Only what :mod:`certsvc.app` composes is changed: the tests of these parts make their own, cold and each for itself.
"""

from __future__ import annotations

import shutil
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fixtures_store import migrated
from sqlalchemy import Engine, create_engine
from sqlalchemy.util import LRUCache

from certsvc.rendering.page import PageRenderer
from certsvc.signing.certificates import pkcs8
from certsvc.signing.inspection_worker import ANSWER
from certsvc.signing.isolated import IsolatedInspector
from certsvc.signing.keyfile import read_file
from certsvc.signing.keyring import KeyCertificate, SoftwareKeyRing
from certsvc.signing.trust import _check_anchor
from certsvc.signing.worker_pool import MAX_FILES_PER_WORKER, WorkerPool
from certsvc.store import migrate

KEPT = 2
"""Idle workers that wait for the next city, for each function: as many as one city uses."""

_Kind = tuple[str, int]


class Shelf:
    """Idle worker processes that belong to no city. Safe between threads."""

    def __init__(self) -> None:
        self._kept: defaultdict[_Kind, list[Any]] = defaultdict(list)
        self._lock = threading.Lock()

    def take(self, kind: _Kind) -> Any:
        """A worker, or None."""
        with self._lock:
            return self._kept[kind].pop() if self._kept[kind] else None

    def put(self, kind: _Kind, worker: Any) -> bool:
        """Keep it; False when there are enough, or it read enough files."""
        with self._lock:
            if len(self._kept[kind]) >= KEPT or worker.files >= MAX_FILES_PER_WORKER:
                return False
            self._kept[kind].append(worker)
            return True

    def close(self) -> None:
        """Stop them all."""
        with self._lock:
            kept, self._kept = self._kept, defaultdict(list)
        for workers in kept.values():
            for worker in workers:
                worker.stop()


SHELF = Shelf()


class WarmPool(WorkerPool):
    """Takes workers from the shelf before it starts any, and leaves them there at its end."""

    def _ask(self, worker: Any, request: bytes, data: bytes) -> tuple[bytes, Any]:
        return super()._ask(worker if worker is not None else SHELF.take(self._kind), request, data)

    def close(self) -> None:
        """Leave idle workers to others; what remains is stopped."""
        idle = [self._idle.get_nowait() for _ in range(self._idle.qsize())]
        for worker in idle:
            kept = worker is not None and SHELF.put(self._kind, worker)
            self._idle.put_nowait(None if kept else worker)
        super().close()

    @property
    def _kind(self) -> _Kind:
        return self._answer, self._memory_limit_bytes


class WarmInspector(IsolatedInspector):
    """The inspector of a service over a pool of warm workers."""

    def __init__(self, anchors: Any, **limits: Any) -> None:
        super().__init__(anchors, **limits)
        self._pool = WarmPool(ANSWER, **limits)


PROVEN: dict[tuple[str, bytes, bytes], KeyCertificate] = {}
"""By key id, private key and certificate file."""


class WarmRing(SoftwareKeyRing):
    """A ring that proves no pair of key and certificate file twice in a process; one that does not fit, each time."""

    def _public_half(self, key_id: str, key: Any) -> KeyCertificate:
        known = key_id, pkcs8(key), read_file(self._directory / "certs" / f"{key_id}.pem")
        if known not in PROVEN:
            PROVEN[known] = super()._public_half(key_id, key)
        return PROVEN[known]


def upgrading(place: Path) -> Callable[[str], None]:
    """What brings a database to the newest schema: a new SQLite file as a copy, every other one step by step."""

    def upgrade(url: str) -> None:
        file = Path(url.removeprefix("sqlite:///"))
        if url.startswith("sqlite:///") and not file.exists():
            shutil.copyfile(migrated(place), file)
        else:
            migrate.upgrade(url)

    return upgrade


class Statements:
    """The compiled statements of every engine of a kind: what SQLAlchemy keeps for one, under keys that name it.

    What a statement compiles to depends on its content and the kind of database, on nothing that one engine of ours
    has and another has not: they are all made in one place, and there is one server of each kind.
    """

    def __init__(self) -> None:
        self._kept: LRUCache[Any, Any] = LRUCache(4096)

    def get(self, key: tuple[Any, ...]) -> Any:
        return self._kept.get((type(key[0]), *key[1:]))

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        self._kept[(type(key[0]), *key[1:])] = compiled

    def clear(self) -> None:
        """An engine that closes takes nothing from the others."""


STATEMENTS = Statements()


def warm_engine(*given: Any, **named: Any) -> Engine:
    """An engine that knows what any other of its kind compiled."""
    engine = create_engine(*given, **named)
    engine._compiled_cache = STATEMENTS  # type: ignore[assignment]
    return engine


@pytest.fixture(scope="session", autouse=True)
def _cities_share(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Installed once per worker process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("certsvc.app.WorkerPool", WarmPool)
        patch.setattr("certsvc.app.IsolatedInspector", WarmInspector)
        patch.setattr("certsvc.app.PageRenderer", cache(PageRenderer))
        patch.setattr("certsvc.app.upgrade", upgrading(tmp_path_factory.getbasetemp()))
        patch.setattr("certsvc.app_keys.SoftwareKeyRing", WarmRing)
        patch.setattr("certsvc.signing.trust._check_anchor", cache(_check_anchor))
        patch.setattr("certsvc.store.engine.create_engine", warm_engine)
        yield
    SHELF.close()
