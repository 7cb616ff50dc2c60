"""Uploads to be stamped are read in workers: the same answers as here, and a bad file costs only its worker."""

from __future__ import annotations

import os
import signal
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pikepdf
import pytest
from signing_pages import NOW
from upload_documents import changed, letter, picture, red_box

from certsvc.errors import SigningError, Unavailable, UploadRefused
from certsvc.rendering.mark_drawings import packed
from certsvc.rendering.next_update import prepare_next
from certsvc.rendering.upload_worker import ANSWER, answer, unpacked
from certsvc.rendering.uploads import IsolatedUploads
from certsvc.seal.marks import Drawing, NextField, NextSignature, VisibleMark
from certsvc.signing import worker_pool
from certsvc.signing.worker_pool import WorkerPool

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    made = WorkerPool(ANSWER, workers=1, time_limit_s=8.0)
    yield made
    made.close()


@pytest.fixture(scope="module")
def desk(pool: WorkerPool) -> IsolatedUploads:
    return IsolatedUploads(pool.ask)


def red() -> Drawing:
    inner = packed("/BBox[0 0 10 10]", "1 0 0 rg 0 0 10 10 re f")
    return packed("/BBox[0 0 10 10]", "/A Do", parts=(("A", inner),))


SIGNATURE = NextSignature(
    filter="Adobe.PPKLite", sub_filter="ETSI.CAdES.detached", signed_at=NOW, signer="示例", reserved_bytes=100
)


def test_a_worker_says_what_would_be_said_here(desk: IsolatedUploads) -> None:
    report = desk.judge(letter(2))
    assert [(view.box, view.rotate) for view in report.pages] == [((0.0, 0.0, 595.28, 841.89), 0)] * 2
    assert (report.refusals, report.signatures) == ((), 0)
    assert [code for code, _ in desk.judge(b"x").refusals] == ["not_pdf"]
    assert [one.page for one in desk.find(letter(2), "盖章").found] == [0, 1]
    assert desk.find(letter(1), "盖璋章").near
    assert desk.picture(letter(1), page=0, width_px=300).startswith(b"\x89PNG")


def test_an_update_is_the_same_through_the_wire(desk: IsolatedUploads) -> None:
    drawing = red()
    marks = tuple(VisibleMark(page=0, rect=(x, 100, x + 50, 150), drawing=drawing) for x in (100, 200))
    later = NextField(name="L", create=True, marks=(VisibleMark(page=0, rect=(1, 1, 9, 9)),))
    field = NextField(name="S", create=True, marks=marks)
    signature = NextSignature(**{**_fields(SIGNATURE), "later": (later,), "docmdp": 2, "reason": "同意"})
    there, here = desk.prepare(letter(1), field, signature), prepare_next(letter(1), field, signature)
    assert there == here
    assert red_box(picture(there.data)) is not None
    with pytest.raises(SigningError, match="没有名为"):
        desk.prepare(letter(1), NextField(name="S"), SIGNATURE)
    with pytest.raises(SigningError):
        desk.prepare(b"%PDF-1.4", field, SIGNATURE)


def _fields(signature: NextSignature) -> dict[str, Any]:
    return {name: getattr(signature, name) for name in signature.__slots__}


def test_a_file_that_is_none_is_refused_and_not_taken_for_a_dead_worker(desk: IsolatedUploads) -> None:
    for ask in (lambda: desk.find(b"%PDF-", "x"), lambda: desk.picture(b"%PDF-", page=0, width_px=300)):
        with pytest.raises(UploadRefused) as caught:
            ask()
        assert caught.value.problems[0].code == "broken"


def test_a_worker_that_overstays_is_killed_and_the_file_refused() -> None:
    pool = WorkerPool(ANSWER, workers=1, time_limit_s=1.0)
    try:
        desk = IsolatedUploads(pool.ask)
        desk.judge(letter(1))
        worker = pool._idle.get_nowait()
        pool._idle.put(worker)
        assert worker is not None
        os.kill(worker._process.pid, signal.SIGSTOP)
        with pytest.raises(UploadRefused) as caught:
            desk.judge(letter(1))
        assert caught.value.problems[0].code == "too_complex"
        assert desk.judge(letter(1)).refusals == ()
    finally:
        pool.close()


def test_a_bomb_spends_the_memory_of_its_worker_only() -> None:
    def bomb(document: pikepdf.Pdf) -> None:
        stream = document.make_stream(zlib.compress(zlib.compress(bytes(400 * MIB), 9), 9))
        stream["/Filter"] = pikepdf.Array([pikepdf.Name.FlateDecode, pikepdf.Name.FlateDecode])
        document.pages[0].obj["/Contents"] = document.make_indirect(stream)

    pool = WorkerPool(ANSWER, workers=1, time_limit_s=8.0, memory_limit_bytes=300 * MIB)
    try:
        desk = IsolatedUploads(pool.ask)
        data = changed(letter(1), bomb)
        assert len(data) < MIB
        with suppress(UploadRefused):  # or a white page: either way it is over in time
            desk.judge(data)
            desk.picture(data, page=0, width_px=300)
        assert desk.judge(letter(1)).refusals == ()
    finally:
        pool.close()


def test_when_nobody_is_free_it_says_so(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_pool, "QUEUE_LIMIT_S", 0.05)
    held = pool._idle.get_nowait()
    try:
        with pytest.raises(Unavailable, match="几秒后再试"):
            IsolatedUploads(pool.ask).judge(letter(1))
    finally:
        pool._idle.put(held)


def test_an_answer_that_is_none_is_no_answer() -> None:
    said, blob = unpacked(answer({"do": "judge"}, b"x"))
    assert said["refusals"][0][0] == "not_pdf"
    assert blob == b""
    for bad in (b"", b"\0\0\0\x02[]", b"\0\0\0\x02{"):
        with pytest.raises((ValueError, TypeError)):
            unpacked(bad)
        with pytest.raises(UploadRefused):
            IsolatedUploads(lambda _request, _data, bad=bad: bad).judge(b"")  # type: ignore[misc]
