"""Previews, the register of stamped documents and batches, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from certsvc.errors import IntegrityError
from certsvc.seal.placing import PageView, PlacedMark
from certsvc.seal.stampings import (
    BatchItem,
    ItemState,
    StampBatch,
    StampCase,
    Stamping,
    StampPreview,
    StampUpload,
    StampWish,
)
from certsvc.store.engine import Store

NOW = datetime(2026, 3, 1, 4, 5, 6, 789, tzinfo=UTC)
LATER = NOW + timedelta(minutes=15)
UPLOAD = StampUpload(
    upload_id="upl_1",
    authority_code="A",
    operator="keeper-1",
    object_name="uploads/upl_1.pdf",
    sha256="0" * 64,
    pages=(PageView(box=(0.0, 0.5, 595.28, 841.89), rotate=90),),
    created_at=NOW,
    expires_at=LATER,
)
PREVIEW = StampPreview(
    key_id="seal-key-1",
    preview_id="prv_1",
    seal_id="seal_1",
    authority_code="A",
    operator="keeper-1",
    upload_id="upl_1",
    sha256="0" * 64,
    marks=(
        PlacedMark(kind="stamp", page=0, rect=(1.25, 2.5, 3.75, 4.0), rotate=90),
        PlacedMark(kind="watermark", page=0, rect=(0.0, 0.0, 595.28, 841.89), text="仅供示例使用"),
    ),
    lock=True,
    created_at=NOW,
    expires_at=LATER,
)
CASE = StampCase(purpose="示例用印", case_no="示例〔2026〕7号", matter_code="000", approval_id="apr_1")
STAMPING = Stamping(
    stamping_id="stp_1",
    work_id="prv_1",
    seal_id="seal_1",
    authority_code="A",
    operator="keeper-1",
    case=CASE,
    sha256_before="0" * 64,
    sha256="1" * 64,
    pages=1,
    marks=2,
    object_name="stamped/11/x.pdf",
    reservation_id="use_1",
    at=NOW,
)
BATCH = StampBatch(
    batch_id="bat_1",
    seal_id="seal_1",
    authority_code="A",
    operator="keeper-1",
    case=CASE,
    wish=StampWish(point_mm=(1.5, 2.0), keyword="盖章", offset_mm=(0.0, -3.5)),
    total=2,
    created_at=NOW,
)
ITEMS = [
    BatchItem(
        item_id=f"itm_{number}", batch_id="bat_1", number=number, file_name=f"示例{number}.pdf", upload=f"u{number}"
    )
    for number in (1, 2)
]


def test_an_upload_and_a_preview_come_back_as_they_were(store: Store) -> None:
    with store.uow() as tx:
        tx.stampings.insert_upload(UPLOAD)
        tx.stampings.insert_preview(PREVIEW)
    with store.uow.read() as tx:
        assert tx.stampings.upload("upl_1") == UPLOAD
        assert tx.stampings.preview("prv_1") == PREVIEW
        assert tx.stampings.upload("x") is None
        assert tx.stampings.preview("x") is None
        assert tx.stampings.stale_uploads(before=LATER, limit=9) == []
        assert tx.stampings.stale_uploads(before=LATER + timedelta(seconds=1), limit=9) == [UPLOAD]
    with store.uow() as tx:
        tx.stampings.forget_object("upl_1")
    with store.uow.read() as tx:
        assert tx.stampings.stale_uploads(before=LATER + timedelta(days=1), limit=9) == []


def test_a_preview_is_taken_once_and_in_time(store: Store) -> None:
    with store.uow() as tx:
        tx.stampings.insert_upload(UPLOAD)
        tx.stampings.insert_preview(PREVIEW)
        tx.stampings.insert_preview(replace(PREVIEW, preview_id="prv_2"))
    with store.uow() as tx:
        assert tx.stampings.take_preview("prv_1", now=NOW)
        assert not tx.stampings.take_preview("prv_1", now=NOW)
        assert not tx.stampings.take_preview("prv_2", now=LATER)
        assert not tx.stampings.take_preview("x", now=NOW)


def test_the_register_finds_a_stamping_by_everything_that_names_it(store: Store) -> None:
    second = replace(STAMPING, stamping_id="stp_2", work_id="prv_2", sha256="2" * 64)
    with store.uow() as tx:
        tx.stampings.insert(STAMPING)
        tx.stampings.insert(second)
    with store.uow.read() as tx:
        rows = tx.stampings
        assert rows.by_id("stp_1") == rows.by_work("prv_1") == rows.by_sha256("1" * 64) == STAMPING
        assert rows.of_authority("A", limit=9) == [second, STAMPING]
        assert rows.of_authority("A", limit=1) == [second]
        assert rows.of_authority("B", limit=9) == []


@pytest.mark.parametrize("change", [{"work_id": "prv_9"}, {"sha256": "9" * 64}])
def test_no_bytes_and_no_preview_are_registered_twice(store: Store, change: dict[str, str]) -> None:
    with store.uow() as tx:
        tx.stampings.insert(STAMPING)
    with pytest.raises(IntegrityError), store.uow() as tx:
        tx.stampings.insert(replace(STAMPING, stamping_id="stp_9", **change))  # type: ignore[arg-type]


def test_files_of_a_batch_are_claimed_one_by_one_and_answered_once(store: Store) -> None:
    with store.uow() as tx:
        tx.stampings.insert_batch(BATCH, ITEMS)
    with store.uow() as tx:
        first = tx.stampings.claim_item(worker="a", token="t1", now=NOW, lease_s=60)
    with store.uow() as tx:
        second = tx.stampings.claim_item(worker="b", token="t2", now=NOW, lease_s=60)
        assert tx.stampings.claim_item(worker="c", token="t3", now=NOW, lease_s=60) is None
    assert first is not None
    assert second is not None
    assert (first.item, second.item) == (ITEMS[0], ITEMS[1])
    with store.uow() as tx:
        assert not tx.stampings.finish_item("itm_1", claim_token="t2", stamping_id="stp_1", code="", detail="")
        assert tx.stampings.finish_item("itm_1", claim_token="t1", stamping_id="stp_1", code="", detail="")
        assert not tx.stampings.finish_item("itm_1", claim_token="t1", stamping_id="", code="x", detail="x")
        late = tx.stampings.claim_item(worker="c", token="t3", now=NOW + timedelta(seconds=61), lease_s=60)
        assert late is not None
        assert not tx.stampings.finish_item("itm_2", claim_token="t2", stamping_id="", code="broken", detail="损坏")
        assert tx.stampings.finish_item("itm_2", claim_token="t3", stamping_id="", code="broken", detail="损坏")
    with store.uow.read() as tx:
        assert tx.stampings.batch("bat_1") == BATCH
        one, two = tx.stampings.items("bat_1")
    assert (one.state, one.stamping_id, one.upload) == (ItemState.DONE, "stp_1", "")
    assert (two.state, two.code, two.detail) == (ItemState.REFUSED, "broken", "损坏")


def test_a_file_waits_is_kept_is_run_again_and_is_given_up(store: Store) -> None:
    with store.uow() as tx:
        tx.stampings.insert_batch(BATCH, ITEMS)
        first = tx.stampings.claim_item(worker="a", token="t1", now=NOW, lease_s=60)
    assert first is not None
    with store.uow() as tx:
        assert [tx.stampings.count_try("itm_1") for _ in range(3)] == [1, 2, 3]
        later = NOW + timedelta(minutes=5)
        assert not tx.stampings.defer_item("itm_1", claim_token="t9", ready_at=later, code="seal_rate", detail="稍后")
        assert tx.stampings.defer_item("itm_1", claim_token="t1", ready_at=later, code="seal_rate", detail="稍后")
        assert not tx.stampings.finish_item("itm_1", claim_token="t1", stamping_id="stp_1", code="", detail="")
    with store.uow() as tx:
        second = tx.stampings.claim_item(worker="a", token="t2", now=NOW, lease_s=600)
        assert second is not None
        assert second.item.item_id == "itm_2", "the other one waits"
        third = tx.stampings.claim_item(worker="a", token="t3", now=NOW + timedelta(minutes=5), lease_s=60)
    assert third is not None
    assert (third.item.item_id, third.item.code, third.item.detail) == ("itm_1", "seal_rate", "稍后")
    with store.uow() as tx:
        said = {"stamping_id": "", "code": "seal_budget", "detail": "上限"}
        assert tx.stampings.finish_item("itm_1", claim_token="t3", **said, kept_from=LATER)
        assert tx.stampings.finish_item("itm_2", claim_token="t2", stamping_id="", code="broken", detail="损坏")
    with store.uow.read() as tx:
        rows = tx.stampings
        one, two = rows.items("bat_1")
        assert (one.state, one.upload, one.code, two.upload) == (ItemState.REFUSED, "u1", "seal_budget", "")
        assert rows.keeps("u1", "itm_1")
        assert not rows.keeps("u2", "itm_2")
        assert not rows.keeps("u1", "itm_2")
        assert rows.kept_items(before=LATER, limit=9) == []
        assert rows.kept_items(before=LATER + timedelta(seconds=1), limit=9) == [one]
    with store.uow() as tx:
        assert tx.stampings.run_again("bat_9", now=LATER) == 0
        assert tx.stampings.run_again("bat_1", now=LATER) == 1
        assert not tx.stampings.forget_kept("itm_1", before=LATER + timedelta(days=9)), "it waits once more"
        assert tx.stampings.count_try("itm_1") == 1, "with all its tries"
        fourth = tx.stampings.claim_item(worker="a", token="t4", now=LATER, lease_s=60)
    assert fourth is not None
    assert (fourth.item.item_id, fourth.item.code, fourth.item.detail) == ("itm_1", "", "")
    with store.uow() as tx:
        assert tx.stampings.finish_item("itm_1", claim_token="t4", **said, kept_from=LATER)
        assert not tx.stampings.forget_kept("itm_1", before=LATER)
        assert tx.stampings.forget_kept("itm_1", before=LATER + timedelta(seconds=1))
        assert tx.stampings.run_again("bat_1", now=LATER) == 0


def test_an_upload_is_kept_as_long_as_its_row_says(store: Store) -> None:
    with store.uow() as tx:
        tx.stampings.insert_upload(UPLOAD)
        assert tx.stampings.keeps("uploads/upl_1.pdf", "upl_1")
        tx.stampings.forget_object("upl_1")
        assert not tx.stampings.keeps("uploads/upl_1.pdf", "upl_1")


def test_in_whose_name_a_seal_was_used_is_kept_and_only_then_written(store: Store) -> None:
    case = replace(CASE, represented_by="rep_1")
    assert "represented_by" not in CASE.as_said()
    with store.uow() as tx:
        tx.stampings.insert(replace(STAMPING, case=case))
        tx.stampings.insert_batch(replace(BATCH, case=case), ITEMS)
    with store.uow.read() as tx:
        found, batch = tx.stampings.by_id("stp_1"), tx.stampings.batch("bat_1")
    assert found is not None
    assert batch is not None
    assert found.case == batch.case == case
