"""Keys of people: two locks, one signature at a time, certificates that say little; OpenSSL and an oracle agree."""

from __future__ import annotations

import pickle
import re
import subprocess
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sm2_oracle
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID
from signer_records import CODE, make_signer
from signing_pages import DEV_TOML, NOW, Workshop, one_page, open_workshop

from certsvc.errors import ConfigurationError, IntegrityError, InvalidInput, PinRefused, SignerUnavailable, SigningError
from certsvc.ids import SystemIds
from certsvc.seal.signer import Signer, SignerState
from certsvc.seal.verdict import Indication
from certsvc.signing import certificates
from certsvc.signing.authority import Revocation, make_crl, open_ca
from certsvc.signing.cms import message_digest_of
from certsvc.signing.der import element_size
from certsvc.signing.inspector import judge_file
from certsvc.signing.keyfile import DevelopmentKeysRefused
from certsvc.signing.master_key import MasterKey
from certsvc.signing.person_keys import DevelopmentPeopleCa, WrappedPersonKeys
from certsvc.signing.pin_wrap import SCRYPT_LOG_N, SCRYPT_P, SCRYPT_R, Cost, unwrap, wrap
from certsvc.signing.trust import TrustAnchors

PIN = "802467"
CHEAP = Cost(log_n=4, r=8, p=1)
MASTER = MasterKey(bytes(31) + b"\x07")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("people"))


def keys_of(
    workshop: Workshop, algorithm: str, *, external: bool = False, anchors: TrustAnchors | None = None
) -> WrappedPersonKeys:
    ids = SystemIds()
    ca = None if external else DevelopmentPeopleCa(DEV_TOML, workshop.keys.directory, workshop.master, ids, profile="s")
    return WrappedPersonKeys(
        workshop.master, ids, algorithm=algorithm, ca=ca, anchors=anchors or workshop.anchors, cost=CHEAP
    )


def new_signer(keys: WrappedPersonKeys, algorithm: str) -> Signer:
    made = keys.make("sgn_1", "示例欧阳", PIN, now=NOW)
    state = SignerState.ACTIVE if made.certificate else SignerState.APPLIED
    return make_signer(
        signer_id="sgn_1",
        state=state,
        algorithm=algorithm,
        wrapped_key=made.wrapped,
        csr=made.csr,
        certificate=made.certificate,
    )


def signed_page(keys: WrappedPersonKeys, signer: Signer) -> bytes:
    room = keys.room(signer)
    prepared = one_page(room.reserved_bytes, sub_filter=room.sub_filter)
    with keys.open(signer, PIN) as key:
        return key.sign(prepared, signed_at=NOW)


# Two locks


def test_a_wrapped_key_opens_with_pin_and_master_key_and_its_bytes_show_nothing() -> None:
    secret = b"the private key of a person" * 3
    blob = wrap(secret, PIN, "sgn_1", MASTER, SystemIds(), CHEAP)
    assert unwrap(blob, PIN, "sgn_1", MASTER) == secret
    assert secret[:16] not in blob
    assert PIN.encode() not in blob
    assert blob != wrap(secret, PIN, "sgn_1", MASTER, SystemIds(), CHEAP), "salt and nonces are fresh"


def test_the_service_alone_opens_nothing_and_neither_does_the_person_without_the_service() -> None:
    blob = wrap(b"key", PIN, "sgn_1", MASTER, SystemIds(), CHEAP)
    with pytest.raises(PinRefused):
        unwrap(blob, "802468", "sgn_1", MASTER)
    with pytest.raises(IntegrityError):
        unwrap(blob, PIN, "sgn_1", MasterKey(bytes(32)))
    with pytest.raises(IntegrityError):
        unwrap(blob, PIN, "sgn_2", MASTER)
    with pytest.raises(SignerUnavailable, match="销毁"):
        unwrap(b"", PIN, "sgn_1", MASTER)


def test_no_changed_byte_of_a_wrapped_key_is_believed() -> None:
    blob = wrap(b"key", PIN, "sgn_1", MASTER, SystemIds(), CHEAP)
    for index in range(len(blob)):
        changed = blob[:index] + bytes([blob[index] ^ 1]) + blob[index + 1 :]
        with pytest.raises(IntegrityError):
            unwrap(changed, PIN, "sgn_1", MASTER)


def test_one_guess_costs_what_was_promised() -> None:
    assert (SCRYPT_LOG_N, SCRYPT_R, SCRYPT_P) >= (15, 8, 3)
    blob = wrap(b"key", PIN, "sgn_1", MASTER, SystemIds())
    started = time.monotonic()
    with pytest.raises(PinRefused):
        unwrap(blob, "111222", "sgn_1", MASTER)
    assert time.monotonic() - started > 0.05


@pytest.mark.parametrize("algorithm", ["p256", "sm2"])
def test_another_pin_opens_the_same_key_and_the_old_one_does_not(workshop: Workshop, algorithm: str) -> None:
    keys = keys_of(workshop, algorithm)
    signer = new_signer(keys, algorithm)
    changed = replace(signer, wrapped_key=keys.rewrap(signer, PIN, "913570"))
    with keys.open(changed, "913570"):
        pass
    with pytest.raises(PinRefused), keys.open(changed, PIN):
        pass
    with pytest.raises(PinRefused):
        keys.rewrap(signer, "000111", "913570")


# Signing


@pytest.mark.parametrize("algorithm", ["p256", "sm2"])
def test_a_signature_of_a_person_passes_our_verifier(workshop: Workshop, algorithm: str) -> None:
    keys = keys_of(workshop, algorithm)
    findings = judge_file(signed_page(keys, new_signer(keys, algorithm)), workshop.anchors, NOW)
    assert findings.indication is Indication.TOTAL_PASSED
    assert findings.signatures[0].signer == "示例欧阳"


def test_an_sm2_signature_of_a_person_verifies_in_a_second_implementation(workshop: Workshop) -> None:
    keys = keys_of(workshop, "sm2")
    signer = new_signer(keys, "sm2")
    data = signed_page(keys, signer)
    found = re.search(rb"/Contents\s*<([0-9a-fA-F]+)>", data)
    assert found is not None
    der = bytes.fromhex(found[1].decode())
    _, signed, signature = message_digest_of(der[: element_size(der)])
    assert signer.certificate is not None
    leaf = x509.load_pem_x509_certificate(signer.certificate.chain.encode())
    certificate = leaf.public_bytes(serialization.Encoding.DER)
    assert sm2_oracle.signed_by(certificate, signature, signed)
    assert not sm2_oracle.signed_by(certificate, signature, signed + b"x")


def test_a_closed_key_signs_nothing_and_an_open_one_is_never_pickled(workshop: Workshop) -> None:
    keys = keys_of(workshop, "p256")
    signer = new_signer(keys, "p256")
    with keys.open(signer, PIN) as key:
        assert "sgn_1" not in repr(key)
        with pytest.raises(RuntimeError):
            pickle.dumps(key)
    with pytest.raises(SigningError, match="关闭"):
        key.sign(one_page(keys.room(signer).reserved_bytes), signed_at=NOW)


def test_a_key_of_another_certificate_is_not_opened(workshop: Workshop) -> None:
    keys = keys_of(workshop, "p256")
    one, other = new_signer(keys, "p256"), new_signer(keys, "p256")
    mixed = replace(one, certificate=other.certificate)
    with pytest.raises(SigningError, match="不匹配"), keys.open(mixed, PIN):
        pass


# Certificates


@pytest.mark.parametrize("algorithm", ["p256", "sm2"])
def test_openssl_builds_the_chain_of_a_person(workshop: Workshop, tmp_path: Path, algorithm: str) -> None:
    signer = new_signer(keys_of(workshop, algorithm), algorithm)
    assert signer.certificate is not None
    leaf, above = x509.load_pem_x509_certificates(signer.certificate.chain.encode())
    (tmp_path / "leaf.pem").write_bytes(certificates.pem(leaf))
    (tmp_path / "above.pem").write_bytes(certificates.pem(above))
    root = "dev-root-sm2" if algorithm == "sm2" else "dev-root"
    command = ["openssl", "verify", "-x509_strict", "-partial_chain", "-attime", str(int(NOW.timestamp()) + 60)]
    if algorithm == "sm2":
        command += ["-vfyopt", "distid:1234567812345678"]
    # Link by link: OpenSSL gives the ID of SM2 to the first link only (docs/signing.md).
    for below, trusted in (("leaf", tmp_path / "above.pem"), ("above", workshop.keys.trust_dir / f"{root}.pem")):
        asked = [*command, "-CAfile", str(trusted), str(tmp_path / f"{below}.pem")]
        run = subprocess.run(asked, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr


def test_a_certificate_names_the_person_and_no_number_that_could_be_looked_up(workshop: Workshop) -> None:
    keys = keys_of(workshop, "p256")
    leaves = []
    for _ in range(2):
        signer = new_signer(keys, "p256")
        assert signer.certificate is not None
        assert CODE.encode() not in signer.certificate.chain.encode()
        leaves.append(x509.load_pem_x509_certificate(signer.certificate.chain.encode()))
    serials = {leaf.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)[0].value for leaf in leaves}
    assert len(serials) == 2
    assert {attribute.oid for attribute in leaves[0].subject} == {
        NameOID.COUNTRY_NAME,
        NameOID.COMMON_NAME,
        NameOID.SERIAL_NUMBER,
    }
    usage = leaves[0].extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert usage.content_commitment
    assert not usage.key_cert_sign


def test_production_makes_a_request_and_takes_the_answer_of_a_ca_for_this_key_only(workshop: Workshop) -> None:
    keys = keys_of(workshop, "p256", external=True)
    waiting, stranger = new_signer(keys, "p256"), new_signer(keys, "p256")
    request = x509.load_pem_x509_csr(waiting.csr.encode())
    assert request.is_signature_valid
    ca = open_ca(workshop.keys.directory, "dev-issuer-ec", workshop.master)
    answer = _issued(workshop, request, ca.certificate)
    certificate = keys.accept(waiting, answer, now=NOW)
    with keys.open(replace(waiting, certificate=certificate), PIN):
        pass
    with pytest.raises(InvalidInput, match="不匹配"):
        keys.accept(stranger, answer, now=NOW)
    with pytest.raises(InvalidInput, match="姓名"):
        keys.accept(replace(waiting, name="别的人"), answer, now=NOW)
    with pytest.raises(SignerUnavailable, match="证书尚未签发"):
        keys.room(waiting)


def answer_of(workshop: Workshop, signer: Signer, issuer: str = "dev-people-ec", **changes: Any) -> bytes:
    """What an outside CA, here ours, answers to the request of ``signer``; ``changes`` are those of its mistakes."""
    request = x509.load_pem_x509_csr(signer.csr.encode())
    ca = open_ca(workshop.keys.directory, issuer, workshop.master)
    return _issued(workshop, request, ca.certificate, issuer, **changes)


def refusal(keys: WrappedPersonKeys, signer: Signer, answer: bytes, at: datetime = NOW) -> str:
    with pytest.raises(InvalidInput) as caught:
        keys.accept(signer, answer, now=at)
    (problem,) = caught.value.problems
    assert problem.pointer == "/certificate"
    assert problem.detail
    return problem.code


@pytest.mark.parametrize(("algorithm", "issuer"), [("p256", "dev-people-ec"), ("sm2", "dev-people-sm2")])
def test_an_outside_certificate_is_taken_when_our_verifier_would_believe_it(
    workshop: Workshop, algorithm: str, issuer: str
) -> None:
    keys = keys_of(workshop, algorithm, external=True)
    signer = new_signer(keys, algorithm)
    answer = answer_of(workshop, signer, issuer)
    assert keys.accept(signer, answer, now=NOW).issuer_key_id == "external"
    leaf = b"-----BEGIN" + answer.split(b"-----BEGIN")[1]
    assert keys.accept(signer, leaf, now=NOW).issuer_key_id == "external", "the CA is known"


def test_an_outside_certificate_is_refused_for_its_one_reason(workshop: Workshop) -> None:
    keys = keys_of(workshop, "p256", external=True)
    signer = new_signer(keys, "p256")
    day = timedelta(days=1)
    good = answer_of(workshop, signer)
    only_sm2 = [(workshop.keys.trust_dir / "dev-root-sm2.pem").read_bytes()]
    stranger = TrustAnchors(()).with_extra(only_sm2)
    assert refusal(keys_of(workshop, "p256", external=True, anchors=stranger), signer, good) == "untrusted_chain"
    assert refusal(keys, signer, answer_of(workshop, signer, begins=NOW + day)) == "cert_not_yet_valid"
    assert refusal(keys, signer, answer_of(workshop, signer, signs=False)) == "wrong_key_usage"
    assert refusal(keys, signer, answer_of(workshop, signer, authority=True)) == "wrong_key_usage"
    late = NOW + timedelta(days=365 * 40)
    outlived = answer_of(workshop, signer, begins=NOW, ends=late + day)
    assert refusal(keys, signer, outlived, late) == "ca_out_of_period"
    with pytest.raises(InvalidInput, match="已过有效期"):
        keys.accept(signer, answer_of(workshop, signer, ends=NOW + day), now=NOW + 2 * day)
    forged = answer_of(workshop, signer, signed_by="dev-issuer-ec")
    with pytest.raises(InvalidInput, match="不连续"):
        keys.accept(signer, forged, now=NOW)
    leaf = b"-----BEGIN" + forged.split(b"-----BEGIN")[1]
    assert refusal(keys, signer, leaf) == "untrusted_chain", "a name of a known CA without its signature"


def test_a_certificate_known_to_be_revoked_is_refused_and_an_unknown_one_where_the_operator_says_so(
    workshop: Workshop, tmp_path: Path
) -> None:
    signer = new_signer(keys_of(workshop, "p256", external=True), "p256")
    answer = answer_of(workshop, signer)

    def keys(*, revoked: bool, required: bool, listed: bool = True) -> WrappedPersonKeys:
        crls = tmp_path / f"{revoked}{required}{listed}"
        crls.mkdir()
        for name in ("dev-people-ec", "dev-root") if listed else ():
            ca = open_ca(workshop.keys.directory, name, workshop.master)
            lines = {77: Revocation(at=NOW - timedelta(days=1))} if revoked and name == "dev-people-ec" else {}
            (crls / f"{name}.crl").write_bytes(make_crl(ca, lines, number=1, now=NOW))
        anchors = workshop.anchors.with_crls(crls, required=required)
        return keys_of(workshop, "p256", external=True, anchors=anchors)

    assert refusal(keys(revoked=True, required=False), signer, answer) == "cert_revoked"
    assert refusal(keys(revoked=False, required=True, listed=False), signer, answer) == "revocation_unknown"
    assert keys(revoked=False, required=True).accept(signer, answer, now=NOW).serial == "4d"


def _usage(*, signs: bool) -> x509.KeyUsage:
    """For signing, or for encryption alone: every person of a CA under GM/T 0015 has one of each."""
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=signs,
        key_encipherment=not signs,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _issued(
    workshop: Workshop,
    request: x509.CertificateSigningRequest,
    above: x509.Certificate,
    issuer: str = "dev-issuer-ec",
    *,
    signed_by: str = "",
    begins: datetime = NOW,
    ends: datetime | None = None,
    signs: bool = True,
    authority: bool = False,
) -> bytes:
    from certsvc.signing.keyfile import decrypt_key, read_file
    from certsvc.signing.person_keys import _requested_key

    key_id = signed_by or issuer
    opened = decrypt_key(read_file(workshop.keys.directory / "ca" / f"{key_id}.key"), key_id, workshop.master)
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=authority, path_length=None), True),
        (_usage(signs=signs), True),
    ]
    draft = certificates.Draft(
        subject=request.subject,
        issuer=above.subject,
        public_key=_requested_key(request),
        serial=77,
        begins=begins,
        ends=ends or NOW + timedelta(days=365),
        extensions=tuple(extensions),
    )
    return certificates.pem(certificates.issue(draft, certificates.load_private_key(opened.pkcs8)), above)


def test_an_sm2_request_is_signed_by_its_own_key(workshop: Workshop, tmp_path: Path) -> None:
    signer = new_signer(keys_of(workshop, "sm2", external=True), "sm2")
    (tmp_path / "request.pem").write_text(signer.csr, encoding="ascii")
    command = ["openssl", "req", "-verify", "-noout", "-vfyopt", "distid:1234567812345678", "-in"]
    run = subprocess.run([*command, str(tmp_path / "request.pem")], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "verify OK" in run.stdout + run.stderr


def test_the_development_ca_never_serves_production(workshop: Workshop) -> None:
    with pytest.raises(DevelopmentKeysRefused):
        DevelopmentPeopleCa(DEV_TOML, workshop.keys.directory, workshop.master, SystemIds(), profile="production")
    with pytest.raises(ConfigurationError):
        keys_of(workshop, "rsa2048")


def test_the_ca_of_people_is_known_to_path_building_and_trusted_only_through_the_root(workshop: Workshop) -> None:
    known = {path.name for path in (workshop.keys.trust_dir / "intermediates").glob("*.pem")}
    assert {"dev-people-ec.pem", "dev-people-sm2.pem"} <= known
    assert not {"dev-people-ec.pem", "dev-people-sm2.pem"} & {
        path.name for path in workshop.keys.trust_dir.glob("*.pem")
    }


def test_a_made_key_shows_neither_key_nor_name_in_its_repr(workshop: Workshop) -> None:
    made = keys_of(workshop, "sm2").make("sgn_1", "示例欧阳", PIN, now=NOW)
    assert "示例" not in repr(made)
    assert made.wrapped.hex() not in repr(made)
