"""Which sessions ended before their tokens, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import text
from store_records import T0, make_client, make_person

from certsvc.store.engine import Store

HERE, THERE = "a" * 64, "b" * 64
LATER = T0 + timedelta(minutes=30)


def test_one_token_is_ended_and_the_others_of_everybody_are_not(store: Store) -> None:
    with store.uow() as tx:
        for n in (1, 2):
            tx.access.upsert_person(make_person(n))
        tx.access.upsert_client(make_client(1))
        tx.access.end_session("person", "person-1", HERE, at=T0, until=LATER)
        tx.access.end_session("system", "client_1", THERE, at=T0, until=LATER)
    with store.uow.look() as tx:
        people = tx.access.persons_asking(["person-1", "person-2"], [HERE, THERE])
        clients = tx.access.clients_asking(["client_1"], [HERE, THERE])
        assert tx.access.persons_asking([], []) == {}
    now = int(T0.timestamp())
    assert [people[name].is_out(HERE, now) for name in ("person-1", "person-2")] == [True, False]
    assert [people["person-1"].is_out(THERE, now), clients["client_1"].is_out(HERE, now)] == [False, False]
    assert clients["client_1"].is_out(THERE, now)
    assert people["person-1"].party == make_person(1)


def test_all_sessions_end_up_to_a_moment_that_only_moves_on(store: Store) -> None:
    with store.uow() as tx:
        tx.access.upsert_person(make_person(1))
        for token, at in ((HERE, T0), ("", LATER), ("", T0)):
            tx.access.end_session("person", "person-1", token, at=at, until=LATER + timedelta(minutes=1))
    with store.uow.look() as tx:
        asking = tx.access.persons_asking(["person-1"], [HERE])["person-1"]
    assert asking.ended_before == LATER
    second = int(LATER.timestamp())
    assert asking.is_out(HERE, second + 60), "a token that was ended stays so"
    assert [asking.is_out(THERE, at) for at in (0, second - 1, second, second + 1)] == [True, True, False, False]


def test_ends_of_tokens_that_are_over_go_and_the_end_of_all_stays(store: Store) -> None:
    with store.uow() as tx:
        tx.access.upsert_person(make_person(1))
        tx.access.end_session("person", "person-1", at=T0, until=T0)
        for n in range(120):
            tx.access.end_session("person", "person-1", f"{n:064d}", at=T0, until=T0 + timedelta(seconds=1))
    for _ in range(2):
        with store.uow() as tx:
            tx.access.end_session("person", "person-1", HERE, at=LATER, until=LATER + timedelta(seconds=1))
    with store._engines[0].connect() as connection:
        left = connection.execute(text("SELECT token_key FROM session_ends ORDER BY token_key")).scalars().all()
    assert left == ["", HERE]


def test_many_may_end_the_same_sessions_at_once(store: Store) -> None:
    with store.uow() as tx:
        tx.access.upsert_person(make_person(1))

    def end(n: int) -> None:
        with store.uow() as tx:
            tx.access.end_session("person", "person-1", HERE, at=T0 + timedelta(seconds=n), until=LATER)
            tx.access.end_session("person", "person-1", at=T0 + timedelta(seconds=n), until=LATER)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(end, range(12)))
    with store.uow.look() as tx:
        assert tx.access.persons_asking(["person-1"], [])["person-1"].ended_before == T0 + timedelta(seconds=11)
