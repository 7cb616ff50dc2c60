"""Every file of pyHanko's published test set, judged as an upload: in a worker, under its own anchors and moment."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certsvc.clock import SystemClock
from certsvc.commands.ports import TrustChoice
from certsvc.seal.verdict import Check, FileFindings, Indication, Reason
from certsvc.signing.inspector import PdfInspector
from certsvc.signing.isolated import IsolatedInspector
from certsvc.signing.trust import TrustAnchors

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "pyhanko"
MISSING = f"the vectors made by others are absent: put them beside the project at {VECTORS}"
TIME_LIMIT_S = 10.0
NOW = datetime(2026, 3, 1, tzinfo=UTC)
NO_ANCHORS = TrustAnchors(())


def manifest() -> list[dict[str, str]]:
    path = VECTORS / "MANIFEST.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


ROWS = manifest()


def rows_of(*classes: str) -> list[object]:
    return [pytest.param(row, id=row["file"]) for row in ROWS if row["cls"] in classes]


@pytest.fixture(scope="module")
def inspector() -> Iterator[IsolatedInspector]:
    with IsolatedInspector(NO_ANCHORS, workers=1) as isolated:
        yield isolated


def choice_of(row: dict[str, str]) -> TrustChoice:
    anchors = ((VECTORS / row["anchors"]).read_bytes(),) if row["anchors"] else ()
    at = datetime.fromisoformat(row["claimed_time"]) if row["claimed_time"] else None
    return TrustChoice(extra_anchors=anchors, at=at)


def judged(inspector: IsolatedInspector, row: dict[str, str]) -> FileFindings:
    clock = SystemClock()
    begun = clock.monotonic()
    findings = inspector.inspect((VECTORS / row["file"]).read_bytes(), choice_of(row), NOW)
    assert clock.monotonic() - begun < TIME_LIMIT_S
    return findings


def test_the_vectors_are_there_and_complete() -> None:
    assert ROWS, MISSING
    counted: dict[str, int] = {}
    for row in ROWS:
        counted[row["cls"]] = counted.get(row["cls"], 0) + 1
    assert counted == {"attack": 10, "policy": 1, "dos": 1, "genuine": 18, "genuine-lenient": 3, "malformed": 51}


@pytest.mark.parametrize("row", rows_of("attack", "policy"))
def test_no_attack_passes_even_when_its_certificates_are_trusted(
    inspector: IsolatedInspector, row: dict[str, str]
) -> None:
    findings = judged(inspector, row)
    assert findings.indication is not Indication.TOTAL_PASSED
    # The attack itself must be seen: not a stranger's chain, not an expired certificate.
    assert findings.reason not in {Reason.OK, Reason.UNTRUSTED_CHAIN, Reason.CERT_EXPIRED, Reason.TIMED_OUT}
    assert findings.integrity is not Check.GOOD


@pytest.mark.parametrize("row", rows_of("genuine"))
def test_every_genuine_file_passes_with_its_anchor_and_time(inspector: IsolatedInspector, row: dict[str, str]) -> None:
    findings = judged(inspector, row)
    assert findings.indication is Indication.TOTAL_PASSED, (findings.reason, findings.detail)
    assert (findings.integrity, findings.coverage, findings.modification, findings.trust) == (Check.GOOD,) * 4
    assert any(report.kind == "seal" for report in findings.signatures)


@pytest.mark.parametrize("row", rows_of("genuine"))
def test_a_genuine_file_without_its_anchor_is_sound_and_untrusted(
    inspector: IsolatedInspector, row: dict[str, str]
) -> None:
    data = (VECTORS / row["file"]).read_bytes()
    findings = inspector.inspect(data, TrustChoice(at=choice_of(row).at), NOW)
    assert findings.indication is Indication.INDETERMINATE
    assert findings.reason is Reason.UNTRUSTED_CHAIN
    assert (findings.integrity, findings.coverage, findings.modification) == (Check.GOOD,) * 3
    assert findings.trust is Check.UNKNOWN


@pytest.mark.parametrize("row", rows_of("genuine-lenient"))
def test_a_lenient_file_is_sound_and_has_its_reason(inspector: IsolatedInspector, row: dict[str, str]) -> None:
    findings = judged(inspector, row)
    assert (findings.indication is Indication.TOTAL_PASSED) == (findings.reason is Reason.OK)
    # Their signatures carry timestamps of an authority that is not among the anchors.
    assert findings.detail == "timestamp inside the signature"
    assert findings.integrity is Check.GOOD


@pytest.mark.parametrize("row", rows_of("malformed", "dos"))
def test_a_malformed_file_ends_in_time_and_never_passes(inspector: IsolatedInspector, row: dict[str, str]) -> None:
    findings = judged(inspector, row)
    assert findings.indication is not Indication.TOTAL_PASSED
    assert findings.reason not in {Reason.OK, Reason.TIMED_OUT}


@pytest.mark.parametrize("row", rows_of("attack", "genuine", "malformed", "dos"))
def test_the_same_file_judged_in_process_gets_the_same_findings(
    inspector: IsolatedInspector, row: dict[str, str]
) -> None:
    data = (VECTORS / row["file"]).read_bytes()
    here = PdfInspector(NO_ANCHORS).inspect(data, choice_of(row), NOW)
    assert inspector.inspect(data, choice_of(row), NOW) == here
