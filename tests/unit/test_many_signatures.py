"""Many signatures of another writer on one page: all are judged, in two seconds, in a worker process."""

from __future__ import annotations

import io

import pytest
from asn1crypto import keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore
from signing_pages import one_page
from signing_strangers import Stranger, make_stranger

from certsvc.clock import SystemClock
from certsvc.commands.ports import TrustChoice
from certsvc.seal.verdict import Indication, Reason
from certsvc.signing.isolated import IsolatedInspector
from certsvc.signing.trust import TrustAnchors

COUNT = 5
SECONDS = 2.0


def signer_of(stranger: Stranger) -> signers.SimpleSigner:
    der = stranger.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return signers.SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(stranger.certificate.public_bytes(Encoding.DER)),
        signing_key=keys.PrivateKeyInfo.load(der),
        cert_registry=SimpleCertificateStore(),  # type: ignore[no-untyped-call]
    )


@pytest.fixture(scope="module")
def signed() -> tuple[bytes, bytes]:
    """A file with five signatures of one signer, each a revision of its own; and the signer's root in PEM."""
    stranger = make_stranger()
    data = one_page(1000, docmdp=0).data.replace(b"/V 7 0 R", b"        ")
    for number in range(COUNT):
        name = f"Sig{number}"
        writer = IncrementalPdfFileWriter(io.BytesIO(data))
        fields.append_signature_field(writer, fields.SigFieldSpec(name))
        out = signers.sign_pdf(
            writer, signers.PdfSignatureMetadata(field_name=name), signer=signer_of(stranger), existing_fields_only=True
        )
        data = out.getvalue()
    return data, stranger.root_pem


def test_five_signatures_are_judged_in_two_seconds(signed: tuple[bytes, bytes]) -> None:
    data, root = signed
    clock = SystemClock()
    choice = TrustChoice(extra_anchors=(root,))
    with IsolatedInspector(TrustAnchors(()), workers=1) as inspector:
        inspector.inspect(b"%PDF-1.7", choice, clock.now())  # the worker starts
        begun = clock.monotonic()
        findings = inspector.inspect(data, choice, clock.now())
        assert clock.monotonic() - begun < SECONDS
    assert len(findings.signatures) == COUNT
    assert (findings.indication, findings.reason) == (Indication.TOTAL_PASSED, Reason.OK)


@pytest.mark.parametrize("which", range(COUNT))
def test_one_bad_signature_of_five_is_enough(signed: tuple[bytes, bytes], which: int) -> None:
    data, root = signed
    holes = [index for index in range(len(data)) if data.startswith(b"/Contents <", index)]
    at = holes[-COUNT:][which] + 400
    digit = b"0" if data[at : at + 1] != b"0" else b"1"
    changed = data[:at] + digit + data[at + 1 :]
    clock = SystemClock()
    with IsolatedInspector(TrustAnchors(()), workers=1) as inspector:
        findings = inspector.inspect(changed, TrustChoice(extra_anchors=(root,)), clock.now())
    assert findings.indication is not Indication.TOTAL_PASSED
