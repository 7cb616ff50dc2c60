"""The maker of a seal and the time of a SES_Signature: what is known is told, what cannot be does not pass."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from signing_pages import MAKER, NOW, SM2_SEAL, Workshop, open_workshop
from test_signing_foreign_forms import OCT, OID, SEQ, bits, leaf, seal_info, ses_page

from certsvc.commands.ports import TrustChoice
from certsvc.seal.verdict import FileFindings, Indication, Reason, SubIndication
from certsvc.signing.authority import Revocation, make_crl, open_ca
from certsvc.signing.der import integer, tlv
from certsvc.signing.inspector import PdfInspector
from certsvc.signing.seal_object import import_seal, verify_seal
from certsvc.signing.trust import TrustAnchors

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


ORDINARY = "seal-11990100MB000102XT-sm2-1"
"""The key of another seal: its certificate may sign documents, and nobody said that it may make seals."""


def made_by(workshop: Workshop, key_id: str, *, version: int = 4) -> bytes:
    """The seal object of :func:`seal_info` under the signature of another key, of version 5 with an empty timestamp."""
    header, *rest = seal_info(workshop).children[0].children
    mark, _, vendor = header.children
    info = tlv(SEQ, tlv(SEQ, mark.whole, integer(version), vendor.whole), *(one.whole for one in rest))
    value = bits(workshop.ring.sign_digest(key_id, "sm3", info))
    stamp = tlv(0xA0, bits(b"\x30\x00")) if version == 5 else b""
    return tlv(SEQ, info, tlv(OCT, certificate_of(workshop, key_id)), OID["sm2_sm3"], value, stamp)


def certificate_of(workshop: Workshop, key_id: str) -> bytes:
    return workshop.ring.certificate(key_id).certificate.public_bytes(Encoding.DER)


def test_a_certificate_that_nobody_called_a_makers_is_told(workshop: Workshop) -> None:
    """Its chain is good: any certificate below an anchor of seals would do as the maker of a seal."""
    page = ses_page(workshop, made_by(workshop, ORDINARY))
    findings = judged(workshop, page)
    assert (findings.indication, findings.not_checked) == (Indication.TOTAL_PASSED, ("revocation", "seal_maker"))
    known = workshop.anchors.with_makers([certificate_of(workshop, ORDINARY)])
    assert PdfInspector(known).inspect(page, TrustChoice(), LATER).not_checked == ("revocation",)
    alone = PdfInspector(workshop.anchors).inspect(made_by(workshop, ORDINARY), TrustChoice(), LATER)
    assert alone.not_checked == ("revocation", "seal_maker")
    assert verify_seal(import_seal(made_by(workshop, ORDINARY)), workshop.anchors, LATER).reason is (
        Reason.SEAL_MAKER_UNKNOWN
    )


def test_every_part_that_was_not_looked_into_is_named(workshop: Workshop) -> None:
    page = ses_page(workshop, made_by(workshop, ORDINARY, version=5), version=5)
    assert judged(workshop, page).not_checked == ("revocation", "seal_maker", "seal_timestamp")
    assert judged(workshop, ses_page(workshop, made_by(workshop, MAKER, version=5), version=5)).not_checked == (
        "revocation",
        "seal_timestamp",
    )


def test_makers_are_those_in_their_directory_and_our_own_now_and_before(workshop: Workshop, tmp_path: Path) -> None:
    shutil.copytree(workshop.keys.trust_dir, tmp_path / "trust")
    keys, makers = tmp_path / "keys", tmp_path / "trust" / "makers"
    for place in (keys / "certs" / "retired", makers):
        place.mkdir(parents=True)
    source = workshop.keys.directory / "certs"
    shutil.copy(source / f"{ORDINARY}.pem", makers / "theirs.pem")
    shutil.copy(source / f"{MAKER}.pem", keys / "certs" / f"{MAKER}.pem")
    before = workshop.seals[SM2_SEAL].key_id
    shutil.copy(source / f"{before}.pem", keys / "certs" / "retired" / f"{MAKER}.1f.pem")
    anchors = TrustAnchors.from_directory(tmp_path / "trust").with_maker_of(keys, MAKER)
    # A file of ours holds the CA behind the certificate: that one makes nothing. In the directory every one is named.
    assert {certificate_of(workshop, key) for key in (ORDINARY, MAKER, before)} <= set(anchors.makers)
    assert len(TrustAnchors(()).with_maker_of(keys, MAKER).makers) == 2


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
