"""Changed files: none is reported as issued, none crashes or takes long; the unchanged always pass.

The general path judges as for an upload, the strict path as for our own pages. A change that no signature covers (the
case of hexadecimal digits in the hole) is no forgery of a signature, so files are also compared with the register, as
the verifier does: only the very bytes that were issued are issued.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass

import pytest
from mutations import Mutation, case_of_hex, flipped, mutations
from signing_pages import ALL_FORMATS, NOW, Workshop, open_workshop

from certsvc.clock import SystemClock
from certsvc.commands.ports import TrustChoice
from certsvc.seal.verdict import FileFindings, Indication
from certsvc.signing.inspector import PdfInspector
from certsvc.signing.strict import StrictInspector

SECONDS_EACH = 5.0
IN_CI, IN_FULL = 1_200, 20_000


@dataclass(frozen=True)
class Issued:
    """Files as issued, with the two inspectors that judge them."""

    files: tuple[bytes, ...]
    general: PdfInspector
    strict: StrictInspector

    def is_issued(self, data: bytes, findings: FileFindings) -> bool:
        """What the verifier would report: good signatures over bytes that are on the register."""
        registered = {hashlib.sha256(one).hexdigest() for one in self.files}
        return findings.indication is Indication.TOTAL_PASSED and hashlib.sha256(data).hexdigest() in registered


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("mutations"))


@pytest.fixture(scope="module")
def issued(workshop: Workshop) -> Issued:
    files = [
        workshop.sealed(form, seal_id, text=f"License {number}")[1]
        for form, seal_id in ALL_FORMATS
        for number in range(3)
    ]
    return Issued(tuple(files), PdfInspector(workshop.anchors), StrictInspector(workshop.ring, workshop.anchors))


def judged(inspector: PdfInspector, mutation: Mutation) -> FileFindings:
    clock = SystemClock()
    begun = clock.monotonic()
    findings = inspector.inspect(mutation.data, TrustChoice(), NOW)
    assert clock.monotonic() - begun < SECONDS_EACH, mutation.name
    return findings


def none_passes(issued: Issued, count: int, seed: int) -> None:
    for one in issued.files:
        for inspector in (issued.general, issued.strict):
            assert issued.is_issued(one, inspector.inspect(one, TrustChoice(), NOW))
    uncovered = case_of_hex.__name__
    for mutation in mutations(issued.files, count, seed):
        # What does not match goes on to the general path, so both paths are one question each.
        assert issued.strict.match(mutation.data, NOW) is None, mutation.name
        findings = judged(issued.general, mutation)
        assert not issued.is_issued(mutation.data, findings), mutation.name
        if not mutation.name.endswith(uncovered):
            assert findings.indication is not Indication.TOTAL_PASSED, mutation.name


def test_no_changed_file_is_reported_as_issued(issued: Issued) -> None:
    none_passes(issued, IN_CI, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_no_changed_file_of_twenty_thousand_is_reported_as_issued(issued: Issued) -> None:
    none_passes(issued, IN_FULL, seed=2)


def test_the_changes_are_of_every_kind_and_repeat(issued: Issued) -> None:
    first, again = (mutations(issued.files, 24, seed=3) for _ in range(2))
    assert first == again
    assert len({mutation.name.rsplit(":", 1)[1] for mutation in first}) == 11


def test_one_bit_of_every_byte_of_a_small_file(issued: Issued) -> None:
    """Every place, not a sample: the strict path on the smallest file, and every ninth place on the general one."""
    data = min(issued.files, key=len)
    chance = random.Random(4)
    for at in range(len(data)):
        changed = flipped(data, at, chance)
        if at % 9 == 0:
            findings = issued.general.inspect(changed, TrustChoice(), NOW)
            assert not issued.is_issued(changed, findings), at
        assert issued.strict.match(changed, NOW) is None, at
