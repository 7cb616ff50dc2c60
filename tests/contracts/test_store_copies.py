"""Annotated copies and alerts keep their promises on both databases."""

from __future__ import annotations

import dataclasses
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from copy_records import make_alert, make_batch, make_copy
from sqlalchemy import text
from store_records import ISSUER, T0, make_version

from certsvc.errors import IntegrityError
from certsvc.license.copies import AnnotatedCopy, CopyState
from certsvc.license.use_alerts import AlertState, BatchStage
from certsvc.store.columns import text_sha256
from certsvc.store.engine import Store


@pytest.fixture
def register(store: Store) -> Store:
    """A store with one license and one batch."""
    with store.uow() as tx:
        tx.licenses.insert(make_version(1))
        tx.alerts.insert_batch(make_batch(1))
    return store


def give(store: Store, n: int) -> AnnotatedCopy:
    given = make_copy(
        n,
        state=CopyState.GIVEN,
        sha256=f"{n:064x}",
        size=n,
        object_name=f"copies/{n}.pdf",
        given_at=T0 + timedelta(minutes=1),
    )
    with store.uow() as tx:
        assert tx.copies.insert(make_copy(n))
        assert tx.copies.give(
            given.copy_id, sha256=given.sha256, size=n, object_name=given.object_name, now=T0 + timedelta(minutes=1)
        )
    return given


def test_an_intent_leads_nowhere_until_it_is_given(register: Store) -> None:
    copy = make_copy(1)
    with register.uow() as tx:
        assert tx.copies.insert(copy)
        assert not tx.copies.insert(make_copy(2, fetch_id=copy.fetch_id)), "one copy per fetch"
        assert tx.copies.by_fetch(copy.fetch_id) == copy
        assert tx.copies.by_id(copy.copy_id) is None
        assert tx.copies.by_token(text_sha256(copy.token)) is None
        assert tx.copies.by_sha256("") is None, "many intents have no file"
        assert tx.copies.of_fetches([copy.fetch_id]) == {}


def test_a_copy_is_given_once_and_withdrawn_once(register: Store) -> None:
    given = give(register, 1)
    with register.uow() as tx:
        assert not tx.copies.give(given.copy_id, sha256="f" * 64, size=1, object_name="x", now=T0)
        for found in (
            tx.copies.by_id(given.copy_id),
            tx.copies.by_sha256(given.sha256),
            tx.copies.by_token(text_sha256(given.token)),
            tx.copies.by_fetch(given.fetch_id),
            tx.copies.of_fetches([given.fetch_id, "fch_0"])[given.fetch_id],
        ):
            assert found == given

    def withdraw(_: int) -> bool:
        with register.uow() as tx:
            return tx.copies.withdraw(given.copy_id, now=T0)

    with ThreadPoolExecutor(4) as pool:
        assert Counter(pool.map(withdraw, range(4))) == {True: 1, False: 3}
    with register.uow.read() as tx:
        withdrawn = tx.copies.by_sha256(given.sha256)
    assert withdrawn == dataclasses.replace(given, state=CopyState.WITHDRAWN, withdrawn_at=T0)


def test_only_old_intents_are_forgotten(register: Store) -> None:
    give(register, 1)
    with register.uow() as tx:
        for n in (2, 3):
            assert tx.copies.insert(make_copy(n))
        assert tx.copies.forget_unmade(before=T0 + timedelta(seconds=3), limit=9) == 1
        assert [tx.copies.by_fetch(f"fch_{n:06d}") is not None for n in (1, 2, 3)] == [True, False, True]


def test_what_is_personal_of_a_copy_is_hidden_and_does_not_open_in_another_row(register: Store) -> None:
    give(register, 1)
    give(register, 2)
    with register._engines[0].begin() as connection:
        cells = [cell for row in connection.execute(text("SELECT * FROM copies")) for cell in row]
        connection.execute(
            text(
                "UPDATE copies SET circumstances = (SELECT circumstances FROM copies WHERE copy_id = 'cpy_000001') "
                "WHERE copy_id = 'cpy_000002'"
            )
        )
    shown = b" ".join(bytes(cell) if isinstance(cell, bytes | memoryview) else str(cell).encode() for cell in cells)
    assert b"BJ-1" in shown
    assert make_copy(1).purpose.encode() not in shown
    assert make_copy(1).token.encode() not in shown
    with register.uow.read() as tx, pytest.raises(IntegrityError):
        tx.copies.by_id("cpy_000002")


def test_an_addressee_has_one_alert_of_a_batch(register: Store) -> None:
    with register.uow() as tx:
        tx.alerts.insert_batch(make_batch(1, change="suspended"))
        new = [make_alert(1), make_alert(2), make_alert(3, client_id="using-1")]
        assert tx.alerts.insert(new) == new[:2]
        assert tx.alerts.insert([make_alert(4, client_id="using-2")]) == []
        of_body = make_alert(5, client_id="")
        assert tx.alerts.insert([of_body]) == [of_body]
    with register.uow() as tx:
        assert tx.alerts.by_id("alt_000001") == make_alert(1)
        assert tx.alerts.next_batch() == make_batch(1), "what was stored first stays"


def test_batches_come_in_turn_and_keep_their_place(register: Store) -> None:
    later = make_batch(2)
    with register.uow() as tx:
        tx.alerts.insert_batch(later)
        moved = dataclasses.replace(make_batch(1), stage=BatchStage.SCANS, last_at=T0, last_id="scn_1")
        tx.alerts.keep_place(moved)
        assert tx.alerts.next_batch() == moved
        tx.alerts.keep_place(dataclasses.replace(moved, stage=BatchStage.DONE))
        assert tx.alerts.next_batch() == later
        tx.alerts.keep_place(dataclasses.replace(later, stage=BatchStage.DONE))
        assert tx.alerts.next_batch() is None


def test_alerts_are_listed_for_whom_they_are(register: Store) -> None:
    body, other = "11990000MB0000019F", "11990000MB00000355"
    with register.uow() as tx:
        tx.alerts.insert(
            [
                make_alert(1),
                make_alert(2, client_id=""),
                make_alert(3, client_id="", authority_code=other),
                make_alert(4, issuer_code="elsewhere"),
            ]
        )

        def ids(found: Any) -> list[str]:
            return [one.alert_id[-1] for one in found]

        def received(client: str, code: str, **more: Any) -> list[str]:
            wanted: dict[str, Any] = {"limit": 9, "behind": None, **more}
            return ids(tx.alerts.received(client, code, AlertState.OPEN, **wanted))

        assert received("using-1", body) == ["2", "1"]
        assert received("", body) == ["2"], "people have no client id, which is that of no client"
        assert received("using-1", "") == ["1"]
        assert received("using-9", other) == ["3"]
        assert received("using-1", body, limit=1) == ["2"]
        two = make_alert(2)
        assert received("using-1", body, behind=(two.created_at, two.alert_id)) == ["1"]
        assert ids(tx.alerts.issued(ISSUER, AlertState.OPEN, limit=9, behind=None)) == ["3", "2", "1"]
        assert ids(tx.alerts.open(limit=2, behind=None)) == ["4", "3"]
        assert ids(tx.alerts.open(limit=9, behind=(two.created_at, two.alert_id))) == ["1"]


def test_an_alert_is_acknowledged_once_and_then_not_open(register: Store) -> None:
    with register.uow() as tx:
        tx.alerts.insert([make_alert(1)])
        assert tx.alerts.acknowledge("alt_000001", done="reviewed", note="示例说明", by="using-1", now=T0)
        assert not tx.alerts.acknowledge("alt_000001", done="reviewed", note="", by="using-1", now=T0)
        assert tx.alerts.by_id("alt_000001") == make_alert(
            1,
            state=AlertState.ACKNOWLEDGED,
            done="reviewed",
            note="示例说明",
            acknowledged_by="using-1",
            acknowledged_at=T0,
        )
        assert tx.alerts.open(limit=9, behind=None) == []


def test_an_open_alert_is_brought_to_mind_once(register: Store) -> None:
    with register.uow() as tx:
        tx.alerts.insert([make_alert(1), make_alert(2), make_alert(3)])
        assert tx.alerts.acknowledge("alt_000002", done="reviewed", note="", by="using-2", now=T0)
        before = T0 + timedelta(seconds=3)
        assert [one.alert_id for one in tx.alerts.remind(before=before, now=T0, limit=9)] == ["alt_000001"]
        assert list(tx.alerts.remind(before=before, now=T0, limit=9)) == []
