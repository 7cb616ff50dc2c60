"""Worker processes: the same verdicts, and a hostile or unlucky file that costs only its own worker."""

from __future__ import annotations

import os
import signal
import socket
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from signing_pages import EC_SEAL, NOW, Workshop, one_page, open_workshop

from certsvc.clock import SystemClock
from certsvc.commands.ports import TrustChoice
from certsvc.errors import InvalidInput
from certsvc.seal.verdict import Indication, Reason
from certsvc.signing import worker_pool, worker_process
from certsvc.signing.findings_json import dump_findings, load_findings
from certsvc.signing.inspector import PdfInspector
from certsvc.signing.isolated import IsolatedInspector
from certsvc.signing.sealer import LicenseSealer
from certsvc.signing.trust import TrustAnchors
from certsvc.signing.worker_process import MAX_MESSAGE, TAKEN

CHOICE = TrustChoice()
MIB = 1024 * 1024
FLATE_BOMB = zlib.compress(bytes(64 * MIB))


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("ring"))


@pytest.fixture(scope="module")
def anchors(workshop: Workshop) -> TrustAnchors:
    return TrustAnchors.from_directory(workshop.keys.trust_dir)


@pytest.fixture(scope="module")
def sealed(workshop: Workshop) -> bytes:
    sealer, seal = LicenseSealer(workshop.ring), workshop.seals[EC_SEAL]
    prepared = one_page(sealer.reserved_bytes(seal, "pades-b-b"))
    return sealer.seal(prepared, seal, "pades-b-b", signed_at=NOW)


@pytest.fixture
def isolated(anchors: TrustAnchors) -> Iterator[IsolatedInspector]:
    with IsolatedInspector(anchors, workers=1, time_limit_s=5.0) as inspector:
        yield inspector


def worker_pid(isolated: IsolatedInspector) -> int:
    worker = isolated._pool._idle.get_nowait()
    isolated._pool._idle.put(worker)
    assert worker is not None
    return worker._process.pid


def file_of(objects: list[bytes], tail: bytes = b"") -> bytes:
    """A file of these objects, the first the catalog."""
    out = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    xref = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, xref)
    return bytes(out + tail)


def test_a_worker_says_what_the_inspector_says(
    isolated: IsolatedInspector, anchors: TrustAnchors, sealed: bytes
) -> None:
    here = PdfInspector(anchors)
    for data in (sealed, sealed + b"x", sealed[:-300], b"PK", one_page(100, sub_filter="GM.sm2seal").data):
        assert isolated.inspect(data, CHOICE, NOW) == here.inspect(data, CHOICE, NOW)
    assert isolated.inspect(sealed, CHOICE, NOW).indication is Indication.TOTAL_PASSED


def test_findings_survive_their_json(anchors: TrustAnchors, sealed: bytes) -> None:
    findings = PdfInspector(anchors).inspect(sealed, CHOICE, NOW)
    assert load_findings(dump_findings(findings)) == findings
    for bad in (b"", b"[]", b"{}", b"null", dump_findings(findings).replace(b"TOTAL-PASSED", b"PASSED")):
        with pytest.raises(ValueError):
            load_findings(bad)


def test_one_warm_worker_serves_many_files(isolated: IsolatedInspector, sealed: bytes) -> None:
    isolated.inspect(sealed, CHOICE, NOW)
    first = worker_pid(isolated)
    for _ in range(5):
        isolated.inspect(sealed, CHOICE, NOW)
    assert worker_pid(isolated) == first


def test_a_worker_that_overstays_is_killed_and_replaced(anchors: TrustAnchors, sealed: bytes) -> None:
    with IsolatedInspector(anchors, workers=1, time_limit_s=1.0) as isolated:
        isolated.inspect(sealed, CHOICE, NOW)
        stuck = worker_pid(isolated)
        os.kill(stuck, signal.SIGSTOP)
        clock = SystemClock()
        begun = clock.monotonic()
        findings = isolated.inspect(sealed, CHOICE, NOW)
        assert clock.monotonic() - begun < 5
        assert (findings.indication, findings.reason) == (Indication.INDETERMINATE, Reason.TIMED_OUT)
        assert not Path(f"/proc/{stuck}").exists()
        assert isolated.inspect(sealed, CHOICE, NOW).indication is Indication.TOTAL_PASSED


def test_a_worker_that_died_while_idle_costs_no_verdict(isolated: IsolatedInspector, sealed: bytes) -> None:
    isolated.inspect(sealed, CHOICE, NOW)
    os.kill(worker_pid(isolated), signal.SIGKILL)
    assert isolated.inspect(sealed, CHOICE, NOW).indication is Indication.TOTAL_PASSED


def test_a_file_that_kills_its_worker_is_not_tried_again(
    anchors: TrustAnchors, sealed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = file_of([b"<< /Type /Catalog /A [" + b"0 " * MIB + b"] >>"])
    said: list[bytes] = []
    receive = worker_process.receive

    def killing(channel: socket.socket, left: Callable[[], float] | None = None) -> bytes:
        said.append(receive(channel, left))
        if said.count(TAKEN) == 2 and said[-1] == TAKEN:
            workers[-1]._process.kill()  # as its memory limit would, over the second file
        return said[-1]

    workers: list[worker_pool._Worker] = []
    ask = worker_pool._Worker.ask
    monkeypatch.setattr(worker_pool, "receive", killing)

    def counted(worker: worker_pool._Worker, request: bytes, data: bytes, limit_s: float) -> bytes:
        workers.append(worker)
        return ask(worker, request, data, limit_s)

    monkeypatch.setattr(worker_pool._Worker, "ask", counted)
    with IsolatedInspector(anchors, workers=1) as isolated:
        isolated.inspect(sealed, CHOICE, NOW)
        assert isolated.inspect(slow, CHOICE, NOW).indication is not Indication.TOTAL_PASSED
        assert len(workers) == 2, "one try for each file"


def test_lists_too_large_for_a_message_say_nothing_about_the_file(isolated: IsolatedInspector, sealed: bytes) -> None:
    findings = isolated.inspect(sealed, TrustChoice(crls=(bytes(MAX_MESSAGE // 2),)), NOW)
    assert (findings.indication, findings.reason) == (Indication.INDETERMINATE, Reason.CANNOT_CHECK_NOW)


def test_memory_runs_out_in_the_worker_and_not_here(anchors: TrustAnchors, sealed: bytes) -> None:
    bomb = file_of([b"<< /Type /Catalog /A [" + b"0 " * (8 * MIB) + b"] >>"])
    with IsolatedInspector(anchors, workers=1, memory_limit_bytes=160 * MIB) as isolated:
        findings = isolated.inspect(bomb, CHOICE, NOW)
        assert findings.indication is not Indication.TOTAL_PASSED
        assert findings.reason in {Reason.MALFORMED, Reason.TIMED_OUT}
        assert isolated.inspect(sealed, CHOICE, NOW).indication is Indication.TOTAL_PASSED


@pytest.mark.parametrize(
    "bomb",
    [
        file_of([b"<< /Type /Catalog /A " + b"[" * 100_000 + b"]" * 100_000 + b" >>"]),
        file_of([b"<< /Type /Catalog /AcroForm << /Fields [ 2 0 R ] >> >>", b"<< /Kids [ 2 0 R ] >>"]),
        file_of(
            [b"<< /Type /Catalog /AcroForm << /Fields [ 2 0 R ] >> >>"]
            + [b"<< /Kids [ %d 0 R ] >>" % (number + 1) for number in range(2, 3000)]
            + [b"<< >>"]
        ),
        file_of([b"<< /Type /Catalog /AcroForm << /Fields [ " + b"2 0 R " * 200_000 + b"] >> >>", b"<< /FT /Sig >>"]),
        file_of(
            [
                b"<< /Type /Catalog /AcroForm 2 0 R >>",
                b"<< /Filter /FlateDecode /Length %d >>\nstream\n%b\nendstream" % (len(FLATE_BOMB), FLATE_BOMB),
            ]
        ),
        b"%PDF-1.7\n" + b"1 0 obj\n" * 1_000_000 + b"startxref\n9\n%%EOF\n",
        b"%PDF-1.7\nstartxref\n9\n%%EOF\n" * 100_000,
    ],
    ids=["nested arrays", "field loop", "deep form", "one field 200,000 times", "flate", "objects", "ends"],
)
def test_bombs_end_in_time_and_never_pass(isolated: IsolatedInspector, bomb: bytes) -> None:
    clock = SystemClock()
    begun = clock.monotonic()
    findings = isolated.inspect(bomb, CHOICE, NOW)
    assert clock.monotonic() - begun < 10
    assert findings.indication is not Indication.TOTAL_PASSED
    assert findings.reason is not Reason.OK


def test_many_signatures_are_too_many(isolated: IsolatedInspector, sealed: bytes) -> None:
    fields = b"".join(b"<< /FT /Sig /T (s%d) /V 2 0 R >> " % number for number in range(10_000))
    value = b"<< /Type /Sig /SubFilter /adbe.pkcs7.detached /ByteRange [0 1 2 3] /Contents <00> >>"
    findings = isolated.inspect(
        file_of([b"<< /Type /Catalog /AcroForm << /Fields [ " + fields + b"] >> >>", value]), CHOICE, NOW
    )
    assert findings.reason is Reason.MALFORMED
    assert findings.detail == "TooComplex"


def test_threads_share_the_pool(anchors: TrustAnchors, sealed: bytes) -> None:
    with IsolatedInspector(anchors, workers=2) as isolated, ThreadPoolExecutor(6) as threads:
        asked = [threads.submit(isolated.inspect, sealed, CHOICE, NOW) for _ in range(24)]
        assert {one.result().indication for one in asked} == {Indication.TOTAL_PASSED}


def test_a_worker_inherits_no_environment_and_no_files(isolated: IsolatedInspector, sealed: bytes) -> None:
    isolated.inspect(sealed, CHOICE, NOW)
    pid = worker_pid(isolated)
    names = {entry.split(b"=")[0] for entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\x00") if entry}
    assert names == {b"LC_ALL", b"MALLOC_ARENA_MAX"}
    targets = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    assert len(targets) == 4
    assert sum(target.startswith("socket:") for target in targets) == 1


def test_closing_ends_the_workers(anchors: TrustAnchors, sealed: bytes) -> None:
    isolated = IsolatedInspector(anchors, workers=1)
    isolated.inspect(sealed, CHOICE, NOW)
    pid = worker_pid(isolated)
    isolated.close()
    assert not Path(f"/proc/{pid}").exists()


def test_an_anchor_that_is_none_is_the_callers_mistake(isolated: IsolatedInspector) -> None:
    with pytest.raises(InvalidInput):
        isolated.inspect(b"%PDF-", TrustChoice(extra_anchors=(b"no PEM",)), NOW)
