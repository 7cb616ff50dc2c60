"""Dependencies are asked at once, each by one thread, and none holds up whoever asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from certsvc.commands.operations import metrics, probing
from certsvc.commands.operations.metrics import Dashboard, Sources
from certsvc.commands.operations.probing import DEADLINE_S, KEPT_S, Prober
from certsvc.commands.operations.readiness import Probes
from certsvc.errors import NotFound, SigningError, Unavailable
from certsvc.meters import Meters


class Counted:
    """A question that counts how often it is put."""

    def __init__(self, answer: Callable[[], bool | None]) -> None:
        self.times = 0
        self._answer = answer

    def __call__(self) -> bool | None:
        self.times += 1
        return self._answer()


def fails() -> bool:
    raise SigningError("no")


def crashes() -> bool:
    raise ZeroDivisionError


def test_each_answers_for_itself() -> None:
    asked = {"database": lambda: None, "broker": lambda: False, "keys": fails, "objects": crashes}
    found = Prober().ask(asked, time.monotonic)
    assert found == {"database": "ok", "broker": "unused", "keys": SigningError.code, "objects": "internal"}


def test_what_hangs_is_asked_once_and_waited_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "DEADLINE_S", 0.3)
    go_on = threading.Event()
    hangs = {name: Counted(lambda: go_on.wait(20)) for name in ("database", "objects", "keys")}
    prober, begun = Prober(), time.monotonic()
    found: list[Any] = []
    crowd = [threading.Thread(target=lambda: found.append(prober.ask(hangs, time.monotonic))) for _ in range(8)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join(15)
    assert time.monotonic() - begun < 15, "what hangs does so for twenty"
    assert found == [dict.fromkeys(hangs, Unavailable.code)] * 8
    assert [one.times for one in hangs.values()] == [1, 1, 1]
    go_on.set()
    until = time.monotonic() + 60
    while prober.ask(hangs, time.monotonic)["objects"] != "ok":
        assert time.monotonic() < until
        time.sleep(0.01)


def test_the_answer_of_the_keys_is_told_again_for_some_seconds() -> None:
    now = [100.0]
    keys, database = Counted(lambda: None), Counted(lambda: None)
    prober = Prober()
    for _ in range(5):
        assert set(prober.ask({"keys": keys, "database": database}, lambda: now[0]).values()) == {"ok"}
    assert (keys.times, database.times) == (1, 5)
    now[0] += KEPT_S["keys"]
    prober.ask({"keys": keys, "database": database}, lambda: now[0])
    assert (keys.times, database.times) == (2, 6)


def test_figures_of_a_database_that_does_not_answer_are_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def read() -> Any:
        raise Unavailable

    def not_there(_name: str) -> bytes:
        raise NotFound("none")

    counted = Counted(lambda: None)
    monkeypatch.setattr(metrics, "database_figures", lambda *_: counted() or [])
    clock = SimpleNamespace(now=lambda: None, monotonic=time.monotonic)
    deps: Any = SimpleNamespace(
        clock=clock, uow=SimpleNamespace(read=read), objects=SimpleNamespace(get=not_there), policy=None
    )
    probes = Probes(loops_alive=lambda: True, keys=lambda: None, log=lambda: None, broker=lambda: False)
    sources = Sources(meters=Meters(), probes=probes, pools=lambda: (), key_ends=dict, consumers=())
    told = Dashboard(deps, sources).text().decode()
    assert 'certsvc_dependency_up{dependency="database"} 0' in told
    assert 'certsvc_dependency_up{dependency="objects"} 1' in told
    assert counted.times == 0


def test_a_scrape_fits_into_the_time_of_its_scraper() -> None:
    assert 2 * DEADLINE_S < 10, "Prometheus gives up after ten seconds unless it is told otherwise"
