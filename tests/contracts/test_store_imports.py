"""Imports, their rows and bulk decisions keep their promises on both databases."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from typing import Any

import pytest
from import_records import make_bulk, make_import, make_row
from store_records import ISSUER, T0, make_payload, make_request, make_version

from certsvc.errors import IntegrityError
from certsvc.license.bulk import BulkRow, BulkRowState, BulkState
from certsvc.license.imports import Fault, ImportRow, ImportState, Judgement, RowState
from certsvc.license.model import Decision
from certsvc.license.request import Lane, StockClaim
from certsvc.license.states import State
from certsvc.license.stock import StockEntry, Trust
from certsvc.store.engine import Store

NOW = T0 + timedelta(hours=1)
LATER = NOW + timedelta(hours=1)
FAULT = Fault(column="证照编号", code="missing", detail="必填")


def claimed(store: Store, name: str = "t") -> str:
    with store.uow() as tx:
        found = tx.imports.claim(token=name, now=NOW, until=LATER)
    assert found is not None
    return found.batch.import_id


def checked(store: Store, *rows: ImportRow) -> str:
    """A checked import with these rows."""
    with store.uow() as tx:
        assert tx.imports.insert(make_import())
        tx.import_rows.add("imp_000001", "food-operation", rows)
    claimed(store)
    with store.uow() as tx:
        assert tx.imports.end_check(
            "imp_000001", claim_token="t", state=ImportState.CHECKED, problems=(), total=len(rows)
        )
    return "imp_000001"


def test_an_import_comes_back_as_it_was_and_the_same_file_is_open_once(store: Store) -> None:
    batch = make_import(problems=(FAULT,), columns=(("number", "证照编号"), ("", "结果")))
    with store.uow() as tx:
        assert tx.imports.insert(batch)
        assert not tx.imports.insert(make_import(2, sha256=batch.sha256))
        assert tx.imports.insert(make_import(3, sha256=batch.sha256, type_slug="other"))
        assert tx.imports.insert(make_import(4, sha256=batch.sha256, authority_code="other"))
    with store.uow() as tx:
        assert tx.imports.by_id("imp_000001") == batch
        assert tx.imports.open_file(ISSUER, "food-operation", batch.sha256) == batch
        mine = [one.import_id for one in tx.imports.of_authority(ISSUER, before="", limit=9)]
        assert mine == ["imp_000003", "imp_000001"]
        assert [one.import_id for one in tx.imports.of_authority(ISSUER, before="imp_000003", limit=9)] == [
            "imp_000001"
        ]
        how: dict[str, Any] = {"source": ImportState.UPLOADED, "by": "clerk", "reason": "错", "now": NOW}
        assert tx.imports.decide("imp_000001", target=ImportState.DROPPED, **how)
        assert not tx.imports.decide("imp_000001", target=ImportState.DROPPED, **how)
        assert tx.imports.insert(make_import(5, sha256=batch.sha256)), "the first one has ended"


def test_one_worker_holds_an_import_until_its_lease_ends(store: Store) -> None:
    with store.uow() as tx:
        assert tx.imports.insert(make_import())
    import_id = claimed(store, "first")
    with store.uow() as tx:
        assert tx.imports.claim(token="second", now=NOW, until=LATER) is None
        assert tx.imports.keep(import_id, claim_token="first", ready_at=NOW, total=7, waits_for="印章")
        assert not tx.imports.keep(import_id, claim_token="second", ready_at=NOW, total=9, waits_for="")
    assert claimed(store, "second") == import_id
    with store.uow() as tx:
        found = tx.imports.by_id(import_id)
        assert found is not None
        assert (found.total, found.waits_for, found.tries) == (7, "印章", 1)
        assert not tx.imports.end_check(import_id, claim_token="first", state=ImportState.CHECKED, problems=(), total=0)
        assert tx.imports.read_heading(import_id, claim_token="second", columns=(("number", "证照编号"),))
        assert tx.imports.end_check(
            import_id, claim_token="second", state=ImportState.UNREADABLE, problems=(FAULT,), total=0
        )
        found = tx.imports.by_id(import_id)
    assert found is not None
    assert (found.state, found.problems, found.upload) == (ImportState.UNREADABLE, (FAULT,), "")


def test_rows_come_back_and_are_counted_queued_and_ended_once(store: Store) -> None:
    rows = (make_row(2, photo=b"\xff\xd8"), make_row(3), make_row(4, state=RowState.FAULTY, faults=(FAULT,), number=""))
    import_id = checked(store, *rows)
    with store.uow() as tx:
        with_photo = tx.import_rows.row(import_id, 2)
        assert with_photo is not None
        assert (with_photo.photo, with_photo.cells, len(with_photo.row_key)) == (b"\xff\xd8", {"number": "N-2"}, 64)
        assert [row.photo for row in tx.import_rows.some(import_id, after=1, limit=9)] == [None] * 3
        assert [row.row_no for row in tx.import_rows.some(import_id, after=2, limit=1)] == [3]
        faulty = tx.import_rows.some(import_id, after=0, limit=9, state=RowState.FAULTY)
        assert [(row.row_no, row.faults) for row in faulty] == [(4, (FAULT,))]
        assert tx.import_rows.passed_numbers(import_id) == [2, 3]
        assert tx.import_rows.last(import_id) == 4
        assert tx.import_rows.waiting_numbers("food-operation", ["N-2", "N-9"]) == {"N-2": (import_id, 2)}
        assert tx.import_rows.waiting_numbers("other", ["N-2"]) == {}
        assert tx.requests.insert(make_request(1, lane=Lane.BACKFILL))
        assert tx.import_rows.queue(import_id, 2, request_id="req_000001")
        assert not tx.import_rows.queue(import_id, 2, request_id="req_000001")
        assert tx.import_rows.ended_requests(import_id, limit=9) == []
        assert [row.row_no for row in tx.import_rows.passed(import_id, limit=9)] == [3]
        assert tx.requests.claim(worker="w", token="c", now=NOW, lease_s=9, up_to=Lane.LIVE) is None
        assert tx.requests.claim(worker="w", token="c", now=NOW, lease_s=9)
        assert tx.requests.refuse("req_000001", claim_token="c", code="refused", detail="不行", now=NOW)
        [ended] = tx.import_rows.ended_requests(import_id, limit=9)
        assert (ended.row_no, ended.identifier, ended.code, ended.detail) == (2, "", "refused", "不行")
        how: dict[str, Any] = {"state": RowState.REFUSED, "identifier": "", "faults": (FAULT,)}
        assert tx.import_rows.end(import_id, 2, source=RowState.QUEUED, **how)
        assert not tx.import_rows.end(import_id, 2, source=RowState.QUEUED, **how)
        counts = tx.import_rows.counts(import_id)
    assert counts == {**dict.fromkeys(RowState, 0), RowState.FAULTY: 1, RowState.PASSED: 1, RowState.REFUSED: 1}
    with pytest.raises(IntegrityError), store.uow() as tx:
        tx.import_rows.add(import_id, "food-operation", [make_row(3)])


def test_a_sample_grows_and_its_rows_alone_are_judged(store: Store) -> None:
    import_id = checked(store, *(make_row(n) for n in range(2, 6)))
    with store.uow() as tx:
        assert tx.imports.draw(import_id, seed="ab", size=2)
        assert not tx.imports.draw(import_id, seed="ab", size=2)
        assert not tx.imports.draw(import_id, seed="cd", size=3), "the seed is made once"
        tx.import_rows.sample(import_id, [2, 4])
        assert not tx.import_rows.judge(import_id, 3, judgement=Judgement.CONFIRMED, by="v", reason="", now=NOW)
        assert tx.import_rows.judge(import_id, 2, judgement=Judgement.REFUSED, by="v", reason="姓名", now=NOW)
        assert tx.import_rows.judged(import_id) == {Judgement.CONFIRMED: 0, Judgement.REFUSED: 1}
        assert tx.import_rows.judge(import_id, 2, judgement=Judgement.CONFIRMED, by="v", reason="", now=NOW)
        rows = tx.import_rows.sampled(import_id)
    assert [(row.row_no, row.judged, row.judged_by, row.judged_at) for row in rows] == [
        (2, Judgement.CONFIRMED, "v", NOW),
        (4, None, "", None),
    ]


def test_what_is_forgotten_is_gone_and_what_is_being_issued_is_not_over(store: Store) -> None:
    import_id = checked(store, make_row(2))
    with store.uow() as tx:
        assert tx.imports.over(now=NOW, limit=9) == []
        assert [one.import_id for one in tx.imports.over(now=LATER + timedelta(1), limit=9)] == [import_id]
        how: dict[str, Any] = {
            "source": ImportState.CHECKED,
            "target": ImportState.APPROVED,
            "by": "v",
            "reason": "好",
            "now": NOW,
        }
        assert tx.imports.decide(import_id, **how)
        assert tx.imports.over(now=LATER + timedelta(1), limit=9) == []
    assert claimed(store) == import_id
    with store.uow() as tx:
        assert not tx.imports.finish(import_id, claim_token="x", keep_until=NOW)
        assert tx.imports.finish(import_id, claim_token="t", keep_until=NOW)
        assert tx.imports.forget(import_id)
        assert not tx.imports.forget(import_id)
        assert tx.imports.over(now=LATER, limit=9) == []
        row, batch = tx.import_rows.row(import_id, 2), tx.imports.by_id(import_id)
        assert tx.import_rows.waiting_numbers("food-operation", ["N-2"]) == {}
    assert row is not None
    assert batch is not None
    assert (row.cells, row.state, batch.forgotten, batch.reason) == ({}, RowState.PASSED, True, "好")


def test_numbers_on_the_register_are_found_with_their_newest_state(store: Store) -> None:
    with store.uow() as tx:
        tx.licenses.insert(make_version(1, number="N-1", state=State.REVOKED))
        tx.licenses.insert(make_version(2, number="N-1", created_at=LATER))
        tx.licenses.insert(make_version(3, number="N-3", state=State.CANCELLED))
        kind = make_version(1).type_slug
        found = tx.import_rows.registered_numbers(kind, ["N-1", "N-2", "N-3"])
        assert tx.import_rows.registered_numbers("other", ["N-1"]) == {}
    assert {number: state for number, (_, state) in found.items()} == {"N-1": "valid", "N-3": "cancelled"}


def test_a_version_and_a_request_remember_the_row_that_they_come_from(store: Store) -> None:
    entry = StockEntry(import_id="imp_1", row_no=7, trust=Trust.C)
    decision = Decision(
        authority_code=ISSUER, document_no="1", decided_on=date(2026, 1, 1), basis="法", until=date(2027, 1, 1)
    )
    claim = StockClaim(entry=entry, first_issued_on=date(2015, 1, 1), suspension=decision)
    request = make_request(1, payload=make_payload(1, stock=claim), lane=Lane.BACKFILL)
    with store.uow() as tx:
        tx.licenses.insert(make_version(1, stock=entry))
        tx.licenses.insert(make_version(2))
        assert tx.requests.insert(request)
    with store.uow.read() as tx:
        assert tx.licenses.by_version_id("ver_000001") == make_version(1, stock=entry)
        assert tx.licenses.by_version_id("ver_000002") == make_version(2)
        assert tx.requests.by_id("req_000001") == request


def test_the_live_lane_is_claimed_first_and_alone_where_it_is_asked_for(store: Store) -> None:
    with store.uow() as tx:
        for n in (1, 2, 3, 4):
            assert tx.requests.insert(make_request(n, lane=Lane.BACKFILL if n < 3 else Lane.LIVE))
        order = []
        for up_to in (Lane.BACKFILL, Lane.LIVE, Lane.LIVE, Lane.BACKFILL, Lane.BACKFILL, Lane.BACKFILL):
            found = tx.requests.claim(worker="w", token="t", now=NOW, lease_s=60, up_to=up_to)
            order.append((found.request.request_id[-1], found.request.lane) if found else ("", None))
    live, backfill = Lane.LIVE, Lane.BACKFILL
    assert order == [("3", live), ("4", live), ("", None), ("1", backfill), ("2", backfill), ("", None)]


def test_a_series_goes_on_behind_numbers_of_old_and_never_back(store: Store) -> None:
    with store.uow() as tx:
        tx.intents.raise_number("s", to=5)
        assert tx.intents.next_numbers("s", 1)[0] == 6
        tx.intents.raise_number("s", to=3)
        assert tx.intents.next_numbers("s", 1)[0] == 7
        tx.intents.raise_number("s", to=9)
        assert tx.intents.next_numbers("s", 1)[0] == 10


def test_a_bulk_decision_is_confirmed_due_and_carried_out_in_this_order(store: Store) -> None:
    row = BulkRow(row_no=1, state=BulkRowState.READY, given="N-1", identifier="1.2", stood="valid", detail="变为吊销")
    with store.uow() as tx:
        assert tx.bulks.insert(make_bulk(), [row], content="same")
        assert not tx.bulks.insert(make_bulk(2), [row], content="same")
        assert tx.bulks.insert(make_bulk(3), [], content="other")
        assert tx.bulks.by_id("blk_000001") == make_bulk()
        assert tx.bulks.open_content(ISSUER, "same") == make_bulk()
        assert tx.bulks.rows("blk_000001", after=0, limit=9) == [row]
        assert [one.bulk_id for one in tx.bulks.of_authority(ISSUER, before="", limit=9)] == [
            "blk_000003",
            "blk_000001",
        ]
        assert tx.bulks.claim(token="t", now=LATER, until=LATER) is None, "a preview is never due"
        assert tx.bulks.confirm("blk_000001", by="v", effect_at=NOW)
        assert not tx.bulks.confirm("blk_000001", by="v", effect_at=NOW)
        assert tx.bulks.claim(token="t", now=NOW - timedelta(seconds=1), until=LATER) is None
        found = tx.bulks.claim(token="t", now=NOW, until=LATER)
        assert found is not None
        assert (found.batch.state, found.batch.effect_at, found.batch.confirmed_by) == (BulkState.WORKING, NOW, "v")
        assert not tx.bulks.drop("blk_000001", source=BulkState.CONFIRMED, by="c", reason="", now=NOW)
        done = dataclasses.replace(row, state=BulkRowState.DONE, detail="已变为吊销")
        assert tx.bulks.set_row("blk_000001", done, source=BulkRowState.READY)
        assert not tx.bulks.set_row("blk_000001", done, source=BulkRowState.READY)
        assert tx.bulks.counts("blk_000001")[BulkRowState.DONE] == 1
        assert tx.bulks.rows("blk_000001", after=0, limit=9, state=BulkRowState.READY) == []
        assert tx.bulks.ended_requests("blk_000001", limit=9) == []
        assert not tx.bulks.keep("blk_000001", claim_token="x", ready_at=NOW)
        assert tx.bulks.keep("blk_000001", claim_token="t", ready_at=NOW)
        assert tx.bulks.finish("blk_000001", claim_token="t", now=LATER)
        assert tx.bulks.drop("blk_000003", source=BulkState.PREVIEW, by="c", reason="错", now=NOW)
        assert tx.bulks.insert(make_bulk(4), [], content="same")
        dropped = tx.bulks.by_id("blk_000003")
    assert dropped is not None
    assert (dropped.state, dropped.reason, dropped.ended_by, dropped.ended_at) == (BulkState.DROPPED, "错", "c", NOW)
