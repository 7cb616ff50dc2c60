"""A seal object that somebody wants verified: judged as what it is, never as a license."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from signing_pages import NOW, SM2_SEAL, Workshop, open_workshop, seal_draft

from certsvc.commands.ports import TrustChoice
from certsvc.seal.verdict import Indication, Reason, SubIndication
from certsvc.signing.inspector import PdfInspector
from certsvc.signing.seal_object import make_seal
from certsvc.signing.trust import TrustAnchors

MAKER = "seal-maker-1"
OTHERS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "sm2-sm3-ses" / "ofdrw"
EXAMPLES = [f"ofdrw-gm__src__test__resources__User{version}.esl" for version in ("V1", "V4", "V5", "V5_ts")]


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("objects"))


@pytest.fixture(scope="module")
def made(workshop: Workshop) -> bytes:
    return make_seal(seal_draft(workshop.seals[SM2_SEAL], workshop.ring), workshop.ring, MAKER)


@pytest.fixture(scope="module")
def inspector(workshop: Workshop) -> PdfInspector:
    return PdfInspector(workshop.anchors)


def test_ours_passes_as_a_seal_object(inspector: PdfInspector, made: bytes) -> None:
    findings = inspector.inspect(made, TrustChoice(), NOW)
    assert (findings.indication, findings.reason) == (Indication.TOTAL_PASSED, Reason.OK_SEAL_OBJECT)
    assert [report.kind for report in findings.signatures] == ["seal_object"]


@pytest.mark.parametrize("sub", [SubIndication.EXPIRED, SubIndication.NOT_YET_VALID])
def test_outside_its_period_it_says_so(inspector: PdfInspector, workshop: Workshop, sub: SubIndication) -> None:
    begins, ends = NOW + timedelta(days=10), NOW + timedelta(days=30)
    short = seal_draft(workshop.seals[SM2_SEAL], workshop.ring, begins=begins, ends=ends)
    moment = ends + timedelta(days=1) if sub is SubIndication.EXPIRED else begins - timedelta(days=1)
    findings = inspector.inspect(make_seal(short, workshop.ring, MAKER), TrustChoice(at=moment), NOW)
    assert (findings.indication, findings.sub_indication, findings.reason) == (
        Indication.TOTAL_FAILED,
        sub,
        Reason.SEAL_EXPIRED,
    )


def test_without_an_anchor_it_is_not_trusted(made: bytes) -> None:
    findings = PdfInspector(TrustAnchors(())).inspect(made, TrustChoice(), NOW)
    assert (findings.indication, findings.reason) == (Indication.INDETERMINATE, Reason.UNTRUSTED_CHAIN)


@pytest.mark.parametrize("name", EXAMPLES)
def test_those_of_others_are_read_and_their_makers_are_strangers(inspector: PdfInspector, name: str) -> None:
    findings = inspector.inspect((OTHERS / name).read_bytes(), TrustChoice(), NOW)
    assert findings.signatures[0].format.startswith("SESeal v")
    assert findings.indication is not Indication.TOTAL_PASSED


@settings(
    max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(st.data())
def test_no_bit_can_be_changed(inspector: PdfInspector, made: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(made) - 1))
    changed = bytearray(made)
    changed[at] ^= 1 << data.draw(st.integers(0, 7))
    assert inspector.inspect(bytes(changed), TrustChoice(), NOW).indication is not Indication.TOTAL_PASSED


@pytest.mark.parametrize("tail", [b"\x00", b"%PDF-1.7", b"0"])
def test_nothing_may_stand_behind_it(inspector: PdfInspector, made: bytes, tail: bytes) -> None:
    assert inspector.inspect(made + tail, TrustChoice(), NOW).indication is not Indication.TOTAL_PASSED
