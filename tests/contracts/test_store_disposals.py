"""Lists of 鉴定销毁, holds, and what personal columns hold before and afterwards, on both databases."""

from __future__ import annotations

import dataclasses
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from disposal_records import REASON, make_disposal, make_erased, make_hold, make_item, run_disposals, words_of_visits
from sqlalchemy import TextClause, text
from store_records import make_intent, make_move, make_request, make_version

from certsvc.license.disposal import DisposalState, ItemState
from certsvc.license.model import Decision
from certsvc.store.engine import Store


def test_every_operation_has_its_effect(store: Store) -> None:
    with store.uow() as tx:
        run_disposals(tx, 77)
        words_of_visits(tx)


def test_of_many_at_once_one_takes_a_step_of_a_list_and_of_an_item(store: Store) -> None:
    with store.uow() as tx:
        tx.disposals.insert(make_disposal(), [make_item()])

    def attempt(n: int) -> tuple[bool, bool]:
        target = DisposalState.APPROVED if n % 2 else DisposalState.WITHDRAWN
        with store.uow() as tx:
            listed = tx.disposals.move(make_disposal(state=target), source=DisposalState.PROPOSED)
            taken = tx.disposals.move_item(make_item(state=ItemState.REMOVING), source=ItemState.LISTED)
            return listed, taken

    with ThreadPoolExecutor(6) as pool:
        came = list(pool.map(attempt, range(6)))
    assert Counter(one for one, _ in came) == Counter(one for _, one in came) == {True: 1, False: 5}


def test_words_about_people_are_in_no_column_in_clear_and_come_back(store: Store) -> None:
    with store.uow() as tx:
        tx.disposals.insert(make_disposal(opinion=REASON), [make_item()])
        tx.disposals.place(make_hold())
    with store._engines[0].connect() as connection:
        rows = [tuple(row) for table in ("disposals", "disposal_holds") for row in connection.execute(_all(table))]
    plain = b"".join(_bytes(value) for row in rows for value in row)
    assert REASON.encode() not in plain
    assert b"archivist-1" in plain, "the search finds what is not hidden"


def test_a_request_and_a_move_keep_what_they_decided_and_nobodys_words(store: Store) -> None:
    decision = Decision(
        authority_code="x", document_no="示例罚〔2026〕1号", decided_on=make_intent(1).issued_on, basis="示例王五之行为"
    )
    request, version, move = make_request(5), make_version(5, request_id="req_000005"), make_move(5, decision=decision)
    move = dataclasses.replace(move, version_id=version.version_id)
    with store.uow() as tx:
        assert tx.requests.insert(request)
        tx.licenses.insert(version)
        assert tx.licenses.move(move, revision=version.revision, suspended_until=None)
    with store.uow() as tx:
        assert tx.erased.version(version, make_erased("license", version.version_id))
        assert tx.erased.move(move, make_erased("move", move.move_id))
        assert not tx.erased.move(move, make_erased("move", move.move_id))
    with store.uow.read() as tx:
        left, asked = tx.licenses.by_version_id(version.version_id), tx.requests.by_id(request.request_id)
        [moved] = tx.licenses.moves_of(version.version_id)
    assert left is not None
    assert asked is not None
    assert (left.identifier, left.artifact, left.valid_until) == (
        version.identifier,
        version.artifact,
        version.valid_until,
    )
    assert moved.decision == dataclasses.replace(decision, basis="")
    payload = request.payload
    assert (asked.payload.business_no, asked.body_hash) == (payload.business_no, request.body_hash)
    assert (asked.payload.holder.name, asked.payload.holder.code, asked.payload.data) == ("", "", {})


def _all(table: str) -> TextClause:
    return text(f"SELECT * FROM {table}")


def _bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
