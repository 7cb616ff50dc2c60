"""The maker of a seal and the time of a SES_Signature: what is known is told, what cannot be does not pass."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from signing_pages import MAKER, NOW, SM2_SEAL, Workshop, open_workshop
from test_signing_foreign_forms import OCT, OID, SEQ, bits, leaf, seal_info, ses_page

from certsvc.commands.ports import TrustChoice
from certsvc.seal.verdict import FileFindings, Indication, Reason, SubIndication
from certsvc.signing.authority import Revocation, make_crl, open_ca
from certsvc.signing.der import tlv
from certsvc.signing.inspector import PdfInspector

LATER = NOW + timedelta(hours=1)
BEFORE = NOW - timedelta(minutes=1)
CAS = ("dev-issuer-sm2", "dev-root-sm2")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("ring"))


def judged(
    workshop: Workshop,
    data: bytes,
    *,
    lists: Path | None = None,
    revoked: dict[str, datetime] | None = None,
    cas: tuple[str, ...] = CAS,
    required: bool = False,
) -> FileFindings:
    """Findings an hour later, with a list of each of ``cas`` where ``lists`` is a directory for them."""
    anchors = workshop.anchors
    if lists is not None:
        ended = {
            workshop.ring.certificate(key).certificate.serial_number: Revocation(at=at)
            for key, at in (revoked or {}).items()
        }
        for name in cas:
            ca = open_ca(workshop.keys.directory, name, workshop.master)
            (lists / f"{name}.crl").write_bytes(make_crl(ca, ended, number=1, now=NOW))
        anchors = anchors.with_crls(lists, required=required)
    return PdfInspector(anchors).inspect(data, TrustChoice(), LATER)


def test_a_maker_that_was_revoked_before_it_made_the_seal_fails_the_page(workshop: Workshop, tmp_path: Path) -> None:
    page = ses_page(workshop, seal_info(workshop).whole)
    good = judged(workshop, page, lists=tmp_path)
    assert (good.indication, good.not_checked) == (Indication.TOTAL_PASSED, ())
    bad = judged(workshop, page, lists=tmp_path, revoked={MAKER: BEFORE})
    assert (bad.indication, bad.sub_indication) == (Indication.TOTAL_FAILED, SubIndication.REVOKED)
    assert (bad.reason, bad.detail) == (Reason.CERT_REVOKED, "maker of the seal")


def pinned(workshop: Workshop) -> PdfInspector:
    """An inspector that trusts the signer's own certificate, and the maker by its root."""
    anchors = workshop.anchors
    return PdfInspector(type(anchors)((*anchors.certificates, leaf(workshop)), anchors.intermediates))


def test_a_maker_of_which_nothing_is_known_is_told(workshop: Workshop) -> None:
    """The signer is pinned here, so that the maker alone could have been revoked."""
    findings = pinned(workshop).inspect(ses_page(workshop, seal_info(workshop).whole), TrustChoice(), LATER)
    assert findings.indication is Indication.TOTAL_PASSED
    assert "revocation" in findings.not_checked


def test_a_signing_time_of_the_future_is_not_believed(workshop: Workshop) -> None:
    seal = seal_info(workshop, ends=NOW + timedelta(days=3650)).whole
    tomorrow = judged(workshop, ses_page(workshop, seal, at=NOW + timedelta(days=1)))
    assert (tomorrow.indication, tomorrow.detail) == (Indication.INDETERMINATE, "signing time of the future")
    assert judged(workshop, ses_page(workshop, seal, at=LATER + timedelta(minutes=4))).reason is Reason.OK


def test_a_signing_time_outside_the_period_of_the_certificate_fails(workshop: Workshop) -> None:
    long = {"begins": NOW - timedelta(days=900), "ends": NOW + timedelta(days=9000)}
    seal = seal_info(workshop, **long).whole
    for at in (NOW - timedelta(days=635), NOW + timedelta(days=8000)):
        findings = judged(workshop, ses_page(workshop, seal, at=at))
        assert (findings.indication, findings.detail) == (
            Indication.TOTAL_FAILED,
            "signed outside the period of the certificate",
        )


def test_nobody_makes_the_own_seal(workshop: Workshop) -> None:
    info = seal_info(workshop).children[0]
    value = workshop.ring.sign_digest(workshop.seals[SM2_SEAL].key_id, "sm3", info.whole)
    own = tlv(SEQ, info.whole, tlv(OCT, leaf(workshop)), OID["sm2_sm3"], bits(value))
    findings = judged(workshop, ses_page(workshop, own))
    assert (findings.indication, findings.reason) == (Indication.INDETERMINATE, Reason.SEAL_MAKER_UNKNOWN)
