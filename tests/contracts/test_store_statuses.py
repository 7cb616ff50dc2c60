"""Status entries: one for every version, none twice, none to be counted through; on both databases."""

from __future__ import annotations

import dataclasses
import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from sqlalchemy import text
from store_records import make_move, make_version

from certsvc.errors import IntegrityError
from certsvc.ids import SystemIds
from certsvc.license.states import State
from certsvc.license.status_list import ENTRIES, Status, StatusEntry
from certsvc.signing.cipher import ColumnCipher
from certsvc.signing.master_key import MasterKey
from certsvc.store.engine import Store, open_store


def register(store: Store, *numbers: int, **changes: object) -> None:
    with store.uow() as tx:
        for n in numbers:
            tx.licenses.insert(make_version(n, **changes))


def entry(store: Store, n: int) -> StatusEntry | None:
    with store.uow.read() as tx:
        version = tx.licenses.by_version_id(f"ver_{n:06d}")
    assert version is not None
    return version.status_entry


def entries(store: Store, count: int) -> list[StatusEntry]:
    found = [entry(store, n) for n in range(1, count + 1)]
    assert None not in found
    return [one for one in found if one is not None]


def not_good(store: Store, list_no: int = 1) -> dict[int, Status]:
    """Index and status of every entry that is not valid."""
    with store.uow.read() as tx:
        marks, place = tx.statuses.marks(list_no), tx.statuses.places(list_no)
    found = [(place(mark.word * 32 + at), mark.status) for mark in marks for at in range(32) if mark.mask >> at & 1]
    assert len(dict(found)) == len(found)
    return dict(found)


def execute(store: Store, statement: str) -> None:
    with store._engines[0].begin() as connection:
        connection.execute(text(statement))


def test_every_version_gets_an_entry_of_its_own_that_never_changes(store: Store) -> None:
    register(store, *range(1, 41))
    found = entries(store, 40)
    assert {one.list_no for one in found} == {1}
    assert len({one.index for one in found}) == 40
    assert all(0 <= one.index < ENTRIES for one in found)
    register(store, *range(41, 60))
    assert entries(store, 40) == found


def test_indexes_tell_neither_order_nor_number(store: Store) -> None:
    register(store, *range(1, 41))
    indexes = [one.index for one in entries(store, 40)]
    steps = sum(a < b for a, b in itertools.pairwise(indexes))
    assert 8 < steps < 32
    assert max(indexes) > 40 * 1000


def test_another_master_key_gives_other_indexes(store: Store, database_url: str) -> None:
    register(store, *range(1, 6))
    other = open_store(database_url, ColumnCipher(MasterKey(bytes(31) + b"\x02"), SystemIds()))
    key = [_index(one, number) for one in (store, other) for number in range(1, 6)]
    other.close()
    assert key[:5] != key[5:]
    assert key[:5] == [one.index for one in entries(store, 5)]


def _index(store: Store, number: int) -> int:
    """The index by the store's own key, from a state that is not good."""
    execute(store, f"UPDATE licenses SET state = 'revoked' WHERE status_no = {number}")
    (index,) = not_good(store)
    execute(store, "UPDATE licenses SET state = 'valid'")
    return index


def test_writers_at_once_never_get_the_same_entry(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: register(store, n), range(1, 81)))
    assert len({(one.list_no, one.index) for one in entries(store, 80)}) == 80


def test_what_is_rolled_back_leaves_no_entry_behind_that_is_given_twice(store: Store) -> None:
    register(store, 1)
    with pytest.raises(IntegrityError):
        register(store, 2, 3, identifier=make_version(2).identifier)
    register(store, 2, 4)
    assert len({one.index for one in (entry(store, n) for n in (1, 2, 4)) if one}) == 3


def test_a_list_holds_what_the_register_says_now(store: Store) -> None:
    register(store, 1, 2, 3)
    register(store, 4, state=State.SUSPENDED, suspended_until=date(2026, 9, 1))
    first, fourth = entries(store, 4)[0], entries(store, 4)[3]
    assert not_good(store) == {fourth.index: Status.SUSPENDED}
    with store.uow() as tx:
        assert tx.licenses.move(make_move(1), revision=1, suspended_until=date(2026, 6, 3))
    assert not_good(store) == {fourth.index: Status.SUSPENDED, first.index: Status.SUSPENDED}
    back = dataclasses.replace(
        make_move(2), name="resume", from_state=State.SUSPENDED, to_state=State.VALID, decision=None
    )
    with store.uow() as tx:
        assert tx.licenses.move(back, revision=2, suspended_until=None)
    assert not_good(store) == {fourth.index: Status.SUSPENDED}
    assert not_good(store, 2) == {}


def test_a_list_that_is_full_is_followed_by_another(store: Store) -> None:
    with store.uow.read() as tx:
        assert tx.statuses.lists() == 1  # there before the first license
    register(store, 1)
    _go_to(store, ENTRIES - 1)
    register(store, 2, 3, state=State.REVOKED)
    found = entries(store, 3)
    assert [one.list_no for one in found] == [1, 1, 2]
    with store.uow.read() as tx:
        assert tx.statuses.lists() == 2
    assert [not_good(store, list_no) for list_no in (1, 2)] == [{one.index: Status.INVALID} for one in found[1:]]


def _go_to(store: Store, number: int) -> None:
    """Let ``number`` have been given last."""
    if store._engines[0].dialect.name == "postgresql":
        execute(store, f"SELECT setval('license_status_numbers', {number})")
    else:
        execute(store, f"UPDATE licenses SET status_no = {number}")


def test_versions_of_an_older_release_are_numbered_once_by_whoever_comes(store: Store) -> None:
    register(store, *range(1, 31))
    kept = entries(store, 10)
    execute(store, "UPDATE licenses SET status_no = NULL WHERE version_id > 'ver_000010'")
    assert entry(store, 11) is None
    execute(store, "UPDATE licenses SET state = 'revoked' WHERE version_id = 'ver_000011'")
    assert not_good(store) == {}

    def some(_: int) -> int:
        with store.uow() as tx:
            return tx.statuses.number_some(limit=7)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(some, range(8))) == 20
    found = entries(store, 30)
    assert found[:10] == kept
    assert len({one.index for one in found}) == 30
    assert not_good(store) == {found[10].index: Status.INVALID}
    with store.uow() as tx:
        assert tx.statuses.number_some(limit=7) == 0


def test_neighbours_are_told_apart_to_the_last_of_a_word_and_of_a_list(store: Store) -> None:
    """32 neighbours make one word of 32 bits; the highest must not turn it negative, nor a sum carry over."""
    register(store, *range(1, 71))
    execute(store, "UPDATE licenses SET state = 'revoked' WHERE status_no <> 33")
    execute(store, "UPDATE licenses SET state = 'suspended' WHERE status_no IN (32, 64)")
    by_number = [one.index for one in entries(store, 70)]
    expected = {index: Status.INVALID for n, index in enumerate(by_number, 1) if n != 33}
    expected |= {by_number[n - 1]: Status.SUSPENDED for n in (32, 64)}
    assert not_good(store) == expected
