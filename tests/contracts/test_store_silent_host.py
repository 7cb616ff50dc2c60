"""A database host that vanishes without a reset: what waits for it is told in seconds, and work goes on afterwards."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from fault_proxy import FaultProxy
from sqlalchemy.engine import make_url

from certsvc.api import desks
from certsvc.commands.access.principals import Claimed
from certsvc.commands.combine import WAIT_S
from certsvc.commands.ports import Principal
from certsvc.errors import Unauthenticated, Unavailable
from certsvc.signing.cipher import ColumnCipher
from certsvc.store.engine import Store, open_store, writing_engine
from certsvc.store.postgres_connection import ANSWER_S, SILENT_HOST_S, STATEMENT_TIMEOUT_MS

ANSWER_IN_TEST_S = 1.0


@pytest.fixture
def proxy(postgres_url: str) -> Iterator[FaultProxy]:
    """Between the store and the real PostgreSQL."""
    proxy = FaultProxy(make_url(postgres_url).port or 0)
    yield proxy
    proxy.close()


@pytest.fixture
def far_store(postgres_url: str, proxy: FaultProxy, cipher: ColumnCipher) -> Iterator[Store]:
    """A store that reaches its database through the proxy, with several connections open."""
    host, port = proxy.address.split(":")
    url = make_url(postgres_url).set(host=host, port=int(port)).render_as_string(hide_password=False)
    store = open_store(url, cipher, wait_s=2, answer_s=ANSWER_IN_TEST_S)
    with store.uow() as one, store.uow() as two:
        one.clock.mark()
        two.clock.mark()
    yield store
    store.close()


def mark(store: Store) -> None:
    with store.uow.read() as tx:
        tx.clock.mark()


def test_every_connection_asks_whether_the_host_is_there(postgres_url: str) -> None:
    engine = writing_engine(postgres_url)
    with engine.connect() as connection:
        named: Any = connection.connection.driver_connection
        with socket.socket(fileno=socket.dup(named.fileno())) as wire:
            assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == SILENT_HOST_S * 1000
            assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            idle, every, most = (
                wire.getsockopt(socket.IPPROTO_TCP, option)
                for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
            )
            assert 5 <= idle + every * most <= SILENT_HOST_S
    engine.dispose()
    assert ANSWER_S > STATEMENT_TIMEOUT_MS / 1000, "PostgreSQL speaks first"


def test_a_silent_host_is_given_up_and_all_of_its_connections_with_it(far_store: Store, proxy: FaultProxy) -> None:
    proxy.silent = True
    begun = time.monotonic()
    with pytest.raises(Unavailable):
        mark(far_store)
    assert time.monotonic() - begun < ANSWER_IN_TEST_S + 20
    assert far_store.pools()[0][1] == 0, "the connection went back to nobody"
    proxy.silent = False
    for _ in range(3):
        mark(far_store)


def test_a_commit_that_nobody_answers_is_unavailable(far_store: Store, proxy: FaultProxy) -> None:
    def write() -> None:
        with far_store.uow() as tx:
            tx.clock.mark()
            proxy.silent = True

    with pytest.raises(Unavailable):
        write()
    proxy.silent = False
    mark(far_store)


def test_those_who_stand_at_a_desk_are_told_in_time(far_store: Store, proxy: FaultProxy) -> None:
    deps: Any = SimpleNamespace(uow=far_store.uow)
    desk: desks._Desk[Claimed, Principal] = desks._Desk("test", partial(desks._known, deps))
    who = Claimed(subject="cli_nobody", bound_by="", token_key="", issued_s=0, ends_s=0)

    async def ask_many(count: int) -> list[Any]:
        return await asyncio.gather(*(desk.ask(who) for _ in range(count)), return_exceptions=True)

    begun = time.monotonic()
    proxy.silent = True
    found = asyncio.run(ask_many(20))
    assert {type(one) for one in found} == {Unavailable}
    assert time.monotonic() - begun < WAIT_S
    proxy.silent = False
    assert {type(one) for one in asyncio.run(ask_many(3))} == {Unauthenticated}, "the desk works on"


def test_work_that_has_begun_and_hangs_leaves_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "WAIT_S", 0.1)
    monkeypatch.setattr(desks, "WORK_S", 0.2)
    go_on = threading.Event()

    def work(several: Sequence[int]) -> list[int]:
        assert go_on.wait(10)
        return [*several]

    desk: desks._Desk[int, int] = desks._Desk("test", work)
    begun = time.monotonic()
    with pytest.raises(Unavailable, match="结果未知"):
        asyncio.run(desk.ask(1))
    assert time.monotonic() - begun < 5
    go_on.set()
    assert asyncio.run(desk.ask(2)) == 2
