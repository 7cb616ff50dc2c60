"""Rows of several keys are found however many they are and whatever is in them, by a statement of one text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import event
from store_records import make_client

from certsvc.errors import InvalidInput
from certsvc.store.engine import Store

ODD = ['"', "'", "\\", "{a,b}", "NULL", "证照", "a b", ",", "%s", ":digests", "\U00020000", " "]
"""What an array's text form, SQL and the driver each read in their own way."""


def test_every_key_finds_its_row_and_no_other(store: Store) -> None:
    with store.uow() as tx:
        for client_id in ODD:
            tx.access.upsert_client(make_client(client_id=client_id))
    with store.uow.look() as tx:
        for client_id in ODD:
            assert [found.client_id for found in tx.access.clients([client_id]).values()] == [client_id]
        assert set(tx.access.clients([*ODD, "a", "b", "null", ""])) == set(ODD)
        assert tx.access.clients(["a", "b", ""]) == {}
        assert tx.access.clients([]) == {}


@pytest.mark.parametrize("key", ["k" * 201, "a\0b", "\ud800"])
def test_keys_that_cannot_be_stored_are_refused_before_they_are_sent(store: Store, key: str) -> None:
    with pytest.raises(InvalidInput), store.uow() as tx:
        tx.showing.hold_by_tokens(["good", key])


def test_on_postgresql_the_text_is_the_same_for_any_number(postgres_store: Store) -> None:
    said: set[str] = set()

    def executing(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.add(statement)

    engine = postgres_store._engines[0]
    event.listen(engine, "before_cursor_execute", executing)
    try:
        for count in (1, 2, 33):
            keys: Sequence[str] = [f"key-{number}" for number in range(count)]
            with postgres_store.uow() as tx:
                tx.showing.hold_by_tokens(keys)
                tx.licenses.by_version_ids(keys)
                tx.licenses.by_printed_tokens(keys)
                tx.photos.get_all(keys)
    finally:
        event.remove(engine, "before_cursor_execute", executing)
    assert len(said) == 4
    assert all("= ANY" in one for one in said)
