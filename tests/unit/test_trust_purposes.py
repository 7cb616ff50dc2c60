"""Purposes and validity of anchors, as the signing room obeys them; and changes that are taken up while it runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from signing_pages import EC_SEAL, NOW, SM2_SEAL, Workshop, one_page, open_workshop, prepare, signature_object
from signing_strangers import make_stranger, sealed_by, timestamped_by, with_revision

from certsvc.clock import FixedClock, SystemClock
from certsvc.commands.ports import TrustChoice
from certsvc.errors import ConfigurationError
from certsvc.ids import SystemIds
from certsvc.seal.trust_list import FILE, OWN_PURPOSES, PERSON, SEAL, SIGNED, TIMESTAMP, Anchor, TrustList
from certsvc.seal.verdict import FileFindings, Indication, Reason
from certsvc.signing.formats import FORMATS
from certsvc.signing.inspector import PdfInspector
from certsvc.signing.isolated import IsolatedInspector
from certsvc.signing.listed_anchors import ListedAnchors
from certsvc.signing.long_term import PadesTimestamped
from certsvc.signing.sealer import LicenseSealer
from certsvc.signing.strict import StrictInspector
from certsvc.signing.timestamps import DevelopmentTsa, TimestampClient
from certsvc.signing.trust import TrustAnchors, read_anchors
from certsvc.signing.trust_files import directory_anchors

DAY = timedelta(days=1)
PARTNER = "partner-a"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("purposes"))


class Listing:
    """A trust list that a test exchanges while an inspector runs."""

    def __init__(self, workshop: Workshop) -> None:
        self.found = directory_anchors((workshop.keys.trust_dir,))
        self.now = TrustList(anchors=self.found)
        self.anchors = ListedAnchors(workshop.anchors, lambda: self.now)

    def serve(self, *purposes: str, **changes: object) -> None:
        """Give every anchor these purposes."""
        changed = tuple(replace(one, purposes=frozenset(purposes), **changes) for one in self.found)  # type: ignore[arg-type]
        self.now = TrustList(version=self.now.version + 1, anchors=changed)


@pytest.fixture
def listing(workshop: Workshop) -> Listing:
    return Listing(workshop)


def judged(listing: Listing, data: bytes, **choice: object) -> FileFindings:
    return PdfInspector(listing.anchors).inspect(data, TrustChoice(**choice), NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(("form", "seal"), [("pades-b-b", EC_SEAL), ("sm2-cms", SM2_SEAL), ("ses-v4", SM2_SEAL)])
def test_only_an_anchor_of_seals_makes_a_seal_trusted(
    workshop: Workshop, listing: Listing, form: str, seal: str
) -> None:
    _, data = workshop.sealed(form, seal)
    for purpose in (TIMESTAMP, PERSON, PARTNER):
        listing.serve(purpose)
        findings = judged(listing, data)
        assert (findings.indication, findings.reason) == (Indication.INDETERMINATE, Reason.UNTRUSTED_CHAIN), purpose
        assert findings.anchors == ("",)
    listing.serve(SEAL)
    assert judged(listing, data).indication is Indication.TOTAL_PASSED
    (anchor,) = judged(listing, data).anchors
    assert listing.now.anchor(anchor) is not None


def test_a_persons_anchor_holds_documents_that_people_sign_and_no_license(workshop: Workshop, listing: Listing) -> None:
    _, data = workshop.sealed("pades-b-b", EC_SEAL)
    listing.serve(PERSON)
    assert judged(listing, data, uses=SIGNED).indication is Indication.TOTAL_PASSED
    assert judged(listing, data).reason is Reason.UNTRUSTED_CHAIN


def test_an_anchor_of_seals_makes_no_timestamp_trusted(workshop: Workshop, listing: Listing) -> None:
    tsa = DevelopmentTsa(workshop.ring, "tsa-1", FixedClock(NOW), SystemIds())
    client = TimestampClient(("direct",), lambda _, body: tsa(body), SystemIds())
    sealer, seal = LicenseSealer(workshop.ring, (*FORMATS, PadesTimestamped(client))), workshop.seals[EC_SEAL]
    prepared = one_page(sealer.reserved_bytes(seal, "pades-b-t"))
    data = sealer.seal(prepared, seal, "pades-b-t", signed_at=NOW)
    listing.serve(SEAL)
    findings = judged(listing, data)
    assert (findings.reason, findings.detail) == (Reason.UNTRUSTED_CHAIN, "timestamp inside the signature")
    listing.serve(SEAL, TIMESTAMP)
    assert judged(listing, data).indication is Indication.TOTAL_PASSED
    listing.serve(TIMESTAMP)
    assert judged(listing, data).reason is Reason.UNTRUSTED_CHAIN


def test_a_document_timestamp_stands_on_anchors_of_timestamps(tmp_path: Path) -> None:
    clock = SystemClock()
    begins, ends = clock.now() - DAY, clock.now() + DAY
    stranger = make_stranger(timestamps=True, begins=begins, ends=ends, usages=("digital_signature",))
    stamp = signature_object(6000, sub_filter="ETSI.RFC3161", kind="DocTimeStamp")
    data = timestamped_by(stranger, prepare(with_revision(one_page(8, docmdp=0).data, {7: stamp})), tmp_path)
    root = Anchor(certificate=_der(stranger.root_pem), name="r", purposes=frozenset({SEAL}))
    for purposes, wanted in (({SEAL}, Reason.UNTRUSTED_CHAIN), ({TIMESTAMP}, Reason.OK)):
        listed = TrustList(anchors=(replace(root, purposes=frozenset(purposes)),))
        inspector = PdfInspector(ListedAnchors(TrustAnchors(()), lambda listed=listed: listed))  # type: ignore[misc]
        assert inspector.inspect(data, TrustChoice(), clock.now()).signatures[0].reason is wanted


def test_a_pinned_certificate_is_pinned_for_its_purpose_alone(tmp_path: Path) -> None:
    stranger = make_stranger()
    data = sealed_by(stranger, one_page(6000, docmdp=0), tmp_path)
    for purpose, wanted in ((SEAL, Indication.TOTAL_PASSED), (TIMESTAMP, Indication.INDETERMINATE)):
        pinned = Anchor(certificate=_der(stranger.pem), name="p", purposes=frozenset({purpose}))
        listed = TrustList(anchors=(pinned,))
        inspector = PdfInspector(ListedAnchors(TrustAnchors(()), lambda listed=listed: listed))  # type: ignore[misc]
        findings = inspector.inspect(data, TrustChoice(), NOW)
        assert findings.indication is wanted
        assert findings.anchors == ((pinned.anchor_id,) if wanted is Indication.TOTAL_PASSED else ("",))


def test_an_anchor_outside_of_its_validity_is_none(workshop: Workshop, listing: Listing) -> None:
    _, data = workshop.sealed("pades-b-b", EC_SEAL)
    listing.serve(SEAL, valid_from=NOW - DAY, valid_until=NOW)
    assert judged(listing, data).reason is Reason.UNTRUSTED_CHAIN
    assert judged(listing, data, at=NOW - timedelta(microseconds=1)).reason is not Reason.UNTRUSTED_CHAIN
    listing.serve(SEAL, valid_from=NOW)
    assert judged(listing, data).indication is Indication.TOTAL_PASSED
    listing.serve(SEAL, valid_from=NOW + DAY)
    assert judged(listing, data).reason is Reason.UNTRUSTED_CHAIN


def test_a_question_may_stand_on_an_earlier_version(workshop: Workshop, listing: Listing) -> None:
    _, data = workshop.sealed("pades-b-b", EC_SEAL)
    before = listing.now
    listing.serve(TIMESTAMP)
    assert judged(listing, data).reason is Reason.UNTRUSTED_CHAIN
    assert judged(listing, data, listed=before).indication is Indication.TOTAL_PASSED


def test_a_running_worker_takes_up_a_change_without_a_restart(workshop: Workshop, listing: Listing) -> None:
    _, data = workshop.sealed("pades-b-b", EC_SEAL)
    with IsolatedInspector(listing.anchors, workers=1) as inspector:
        seen: list[bool] = []
        processes: set[int] = set()
        for purposes in ((SEAL,), (TIMESTAMP,), (SEAL, TIMESTAMP), (PARTNER,)):
            listing.serve(*purposes)
            findings = inspector.inspect(data, TrustChoice(), NOW)
            seen.append(findings.indication is Indication.TOTAL_PASSED)
            worker = inspector._pool._idle.get_nowait()
            inspector._pool._idle.put(worker)
            assert worker is not None
            processes.add(worker._process.pid)
        assert seen == [True, False, True, False]
        assert len(processes) == 1, "the very same process"
        listing.serve(PARTNER)
        assert inspector.inspect(data, TrustChoice(uses=frozenset({PARTNER})), NOW).anchors != ("",)


def test_the_fast_path_forgets_what_it_confirmed_under_other_anchors(workshop: Workshop, listing: Listing) -> None:
    _, data = workshop.sealed("pades-b-b", EC_SEAL)
    strict, slow = StrictInspector(workshop.ring, listing.anchors), PdfInspector(listing.anchors)
    for purposes in ((SEAL,), (PARTNER,), (SEAL,), (SEAL, TIMESTAMP), ()):
        listing.serve(*purposes)
        for _ in range(2):
            fast, judged_slowly = (one.inspect(data, TrustChoice(), NOW) for one in (strict, slow))
            assert replace(fast, wanted=()) == replace(judged_slowly, wanted=()), purposes


def test_the_directory_keeps_every_purpose_unless_its_file_says_otherwise(workshop: Workshop, tmp_path: Path) -> None:
    roots = sorted(workshop.keys.trust_dir.glob("*.pem"))
    for root in roots:
        (tmp_path / root.name).write_bytes(root.read_bytes())
    found = directory_anchors((tmp_path,))
    assert {one.purposes for one in found} == {OWN_PURPOSES}
    assert {one.origin for one in found} == {FILE}
    assert [one.name for one in found] == ["示例省电子印章开发根证书 SM2", "示例省电子印章开发根证书"]
    (tmp_path / "trust.toml").write_text(
        f'[[anchor]]\nfile = "{roots[0].name}"\npurposes = ["timestamp"]\nvalid_until = 2030-01-01T00:00:00+08:00\n',
        encoding="utf-8",
    )
    one, other = directory_anchors((tmp_path, workshop.keys.trust_dir))
    assert {one.purposes, other.purposes} == {OWN_PURPOSES, frozenset({TIMESTAMP})}


@pytest.mark.parametrize(
    "text",
    [
        "= = =",
        "[other]\n",
        '[[anchor]]\nfile = "gone.pem"\n',
        '[[anchor]]\npurposes = ["seal"]\n',
        '[[anchor]]\nfile = "dev-root.pem"\npurposes = ["alles"]\n',
        '[[anchor]]\nfile = "dev-root.pem"\npurpose = ["seal"]\n',
        '[[anchor]]\nfile = "dev-root.pem"\nvalid_until = 2030-01-01T00:00:00\n',
        "anchor = 3\n",
    ],
)
def test_a_trust_file_that_cannot_be_used_stops_the_start(workshop: Workshop, tmp_path: Path, text: str) -> None:
    (tmp_path / "dev-root.pem").write_bytes((workshop.keys.trust_dir / "dev-root.pem").read_bytes())
    (tmp_path / "trust.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"trust\.toml"):
        directory_anchors((tmp_path,))


def _der(pem: bytes) -> bytes:
    return read_anchors(pem)[0]
