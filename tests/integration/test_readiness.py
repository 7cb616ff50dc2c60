"""Readiness tells the truth: a dependency that is stopped for real is red by its own name; the process still lives."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fixtures_city import ServedCity
from nats_process import NatsProcess
from postgres_process import PostgresProcess
from s3_process import S3Process

from certsvc.errors import SigningError
from certsvc.store.migrate import upgrade
from certsvc.store.objects_s3 import S3ObjectStore

NOTICED_S = 60
PARTS = {"database", "objects", "broker", "keys", "log", "loops", "clock"}


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[PostgresProcess, S3Process, NatsProcess]]:
    """Servers of this file alone, because it stops them."""
    found = (PostgresProcess(), S3Process(), NatsProcess())
    try:
        for server in found:
            server.start()
        yield found
    finally:
        for server in found:
            server.close()


def red(city: ServedCity) -> set[str]:
    """What is not good, by name; the status is checked against it."""
    answer = city.client.get("/readyz")
    body = answer.json()
    assert set(body) == PARTS | {"ready"}
    found = {part for part in PARTS if body[part] not in {"ok", "unused"}}
    assert body["ready"] == (not found)
    assert answer.status_code == (503 if found else 200)
    assert city.client.get("/healthz").status_code == 200
    return found


def becomes(city: ServedCity, wanted: set[str]) -> bool:
    """Whether it is so within seconds.

    A lost connection to the broker is noticed, and made again, beside requests; a question to a dependency that was
    silent is still on its way; the answer of the keys is kept.
    """
    deadline = time.monotonic() + NOTICED_S
    while (found := red(city)) != wanted and time.monotonic() < deadline:
        time.sleep(0.2)
    return found == wanted


def test_each_server_that_is_stopped_is_red_and_green_again(
    servers: tuple[PostgresProcess, S3Process, NatsProcess], make_city: Callable[..., ServedCity], tmp_path: Path
) -> None:
    database, objects, broker = servers
    keys = tmp_path / "s3.keys"
    keys.write_text(f"{objects.access_key}\n{objects.secret_key}\n")
    upgrade(database.url())
    city = make_city(
        database.url(),
        s3_url=objects.url,
        s3_bucket="ready",
        s3_credentials_file=keys,
        nats_servers=(broker.url,),
    )
    bucket = city.service.deps.objects
    assert isinstance(bucket, S3ObjectStore)
    bucket.prepare()
    city.service.loops.relays = True  # as in a process that hands events on; its threads would only add noise here
    assert red(city) == set()
    broker.stop()
    assert becomes(city, {"broker"})
    city.service.loops.relays = False
    assert red(city) == set(), "a process that only answers needs no broker"
    city.service.loops.relays = True
    broker.start()
    assert becomes(city, set()), "the connection is made again within seconds"
    objects.stop()
    assert red(city) == {"objects"}
    objects.start()
    assert becomes(city, set())
    database.stop(immediate=True)
    assert red(city) == {"database"}
    database.start()
    assert becomes(city, set())


def test_a_key_that_does_not_sign_and_a_dead_loop_are_red(
    small_city: ServedCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert red(small_city) == set()
    ring = small_city.service.deps.tokens._ring  # type: ignore[attr-defined]

    def broken(*_: object) -> bytes:
        raise SigningError("密码机没有应答")

    with monkeypatch.context() as patch:
        patch.setattr(ring, "sign_digest", broken)
        assert becomes(small_city, {"keys"}), "the answer of before is told again for some seconds"
    assert becomes(small_city, set())
    small_city.service.loops.start(workers=1, relay=False)
    assert red(small_city) == set()
    small_city.service.loops.stop()
    assert red(small_city) == {"loops"}
