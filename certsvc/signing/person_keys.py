"""The keys of people: made, wrapped under a PIN, opened for one signature; never in a key ring.

A key lives in this process from the moment its PIN was right to the end of one ``with`` block. Python cannot wipe the
bytes of an object that is gone (docs/divergences.md); no reference is kept.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from asn1crypto import csr
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from certsvc.clock import check_aware
from certsvc.errors import ConfigurationError, InvalidInput, SignerUnavailable, SigningError
from certsvc.seal.signer import MadeKey, SignerCertificate
from certsvc.seal.signing_page import SignatureRoom
from certsvc.seal.trust_list import PERSON
from certsvc.signing import certificates
from certsvc.signing.certificate_requests import checked_answer, request_of
from certsvc.signing.declaration import KeyDeclaration, load_declaration
from certsvc.signing.devpki import CA
from certsvc.signing.keyfile import DevelopmentKeysRefused, KeyClass, decrypt_key, read_file
from certsvc.signing.keyring import PRODUCTION, KeyCertificate, proven_public_key
from certsvc.signing.listed_anchors import listed
from certsvc.signing.outside_certificates import check_outside_certificate
from certsvc.signing.pades import PadesBaseline, Sm2Cms, TemplatedCms
from certsvc.signing.pin_wrap import Cost, unwrap, wrap
from certsvc.signing.primitives import load_public_key, sign

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from certsvc.ids import Ids
    from certsvc.seal.prepared import PreparedPdf
    from certsvc.seal.signer import Signer
    from certsvc.signing.listed_anchors import ListedAnchors
    from certsvc.signing.master_key import MasterKey
    from certsvc.signing.primitives import PrivateKey
    from certsvc.signing.trust import TrustAnchors

PERSON_YEARS = 2
"""Length of the certificates that the development CA gives people."""

PERSON_ALGORITHMS = ("p256", "sm2")

EXTERNAL = "external"
"""``issuer_key_id`` of certificates that an external CA issued: their revocation is that CA's to publish."""


class PeopleCa(Protocol):
    """Issues certificates for people at once."""

    def issue(self, key: PrivateKey, subject: x509.Name, *, now: datetime) -> tuple[str, tuple[x509.Certificate, ...]]:
        """Key id of the CA, and the certificate with those above it, without the root."""
        ...


class DevelopmentPeopleCa:
    """The issuing CA of ``keys/dev.toml`` for people, whose key is opened for each certificate."""

    def __init__(self, keys_toml: Path, directory: Path, master: MasterKey, ids: Ids, *, profile: str) -> None:
        """Use the CAs in ``directory``; DevelopmentKeysRefused in production."""
        if profile == PRODUCTION:
            msg = "正式环境不得用开发用签发证书给个人发证：请由电子认证服务机构签发"
            raise DevelopmentKeysRefused(msg)
        self._issuers = load_declaration(keys_toml).people_issuers
        self._directory = directory
        self._master = master
        self._ids = ids

    def issue(self, key: PrivateKey, subject: x509.Name, *, now: datetime) -> tuple[str, tuple[x509.Certificate, ...]]:
        """A certificate for signing; ConfigurationError when no CA is declared for this kind of key."""
        algorithm = certificates.algorithm_of(key)
        declared = next((one.key for one in self._issuers if algorithm in one.issues), None)
        if declared is None:
            msg = f"keys/dev.toml 没有为个人电子签名声明 {algorithm} 的签发机构（[[people_issuer]]）"
            raise ConfigurationError(msg)
        place = self._directory / CA / f"{declared.key_id}.key"
        opened = decrypt_key(read_file(place), declared.key_id, self._master)
        if opened.key_class is not KeyClass.DEVELOPMENT:
            msg = f"{declared.key_id} 不是开发用签发密钥"
            raise ConfigurationError(msg)
        above = certificates.read_chain(self._directory / CA / f"{declared.key_id}.pem")[0]
        leaf = certificates.make_leaf(
            _PERSON,
            key.public_key(),
            above,
            certificates.load_private_key(opened.pkcs8),
            serial=self._ids.cert_serial(),
            now=now,
            subject=subject,
        )
        return declared.key_id, (leaf, above)


_PERSON = KeyDeclaration(
    key_id="person",
    algorithm="",
    common_name="",
    organization="",
    organization_code="",
    years=PERSON_YEARS,
    seals=True,  # nonRepudiation: a person's signature binds the person
)


class WrappedPersonKeys:
    """Implements ``signer_ports.PersonKeys``."""

    def __init__(
        self,
        master: MasterKey,
        ids: Ids,
        *,
        algorithm: str,
        ca: PeopleCa | None,
        anchors: TrustAnchors | ListedAnchors,
        cost: Cost | None = None,
    ) -> None:
        """Make keys of ``algorithm``; without ``ca`` their certificates come from outside, under one of ``anchors``."""
        if algorithm not in PERSON_ALGORITHMS:
            msg = f"个人电子签名的算法只能是 {'、'.join(PERSON_ALGORITHMS)}"
            raise ConfigurationError(msg)
        self._master = master
        self._ids = ids
        self._algorithm = algorithm
        self._ca = ca
        self._anchors = listed(anchors)
        self._cost = cost

    @property
    def algorithm(self) -> str:
        """Of new keys."""
        return self._algorithm

    def make(self, signer_id: str, name: str, pin: str, *, now: datetime) -> MadeKey:
        """A new key under ``pin``, its request, and its certificate where the service issues them itself."""
        key = certificates.generate_key(self._algorithm)
        subject = subject_of_person(name, self._ids)
        csr = request_of(key.public_key(), self._algorithm, subject, lambda digest, data: sign(key, digest, data))
        certificate = None
        if self._ca is not None:
            issuer_key_id, chain = self._ca.issue(key, subject, now=now)
            proven_public_key(signer_id, chain, lambda digest, data: sign(key, digest, data))
            certificate = _certificate(chain, issuer_key_id)
        wrapped = wrap(certificates.pkcs8(key), pin, signer_id, self._master, self._ids, self._cost)
        return MadeKey(wrapped=wrapped, csr=csr.decode("ascii"), certificate=certificate)

    def rewrap(self, signer: Signer, pin: str, new_pin: str) -> bytes:
        """The same key under another PIN; PinRefused when ``pin`` is wrong."""
        pkcs8 = unwrap(signer.wrapped_key, pin, signer.signer_id, self._master)
        return wrap(pkcs8, new_pin, signer.signer_id, self._master, self._ids, self._cost)

    @contextmanager
    def open(self, signer: Signer, pin: str) -> Iterator[OpenPersonKey]:
        """Open the key for the block; PinRefused when ``pin`` is wrong.

        Raises:
            SignerUnavailable: the key was destroyed, or has no certificate yet.
            SigningError: key and certificate do not belong together.
        """
        public = _public_half(signer)
        key = certificates.load_private_key(unwrap(signer.wrapped_key, pin, signer.signer_id, self._master))
        try:
            proven_public_key(
                signer.signer_id,
                (public.certificate, *public.issuers),
                lambda digest, data: sign(key, digest, data),
            )
        except ConfigurationError as error:
            msg = "签名密钥与证书不匹配，请重新申请电子签名"
            raise SigningError(msg) from error
        opened = OpenPersonKey(key, public)
        try:
            yield opened
        finally:
            opened.close()

    def accept(self, signer: Signer, answer: bytes, *, now: datetime) -> SignerCertificate:
        """The certificate in an external CA's answer.

        Raises:
            InvalidInput: not one for this signer's request, or one that our verifier would not believe.
        """
        request = x509.load_pem_x509_csr(signer.csr.encode("ascii"))
        chain = checked_answer(answer, signer.signer_id, _requested_key(request), check_aware(now))
        names = [str(one.value) for one in chain[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        if names != [signer.name]:
            msg = "证书上的姓名与签名人不一致：请核对签发机构交回的是否为此人的证书"
            raise InvalidInput(msg)
        check_outside_certificate(chain, self._anchors.serving(frozenset({PERSON}), now), now)
        return _certificate(chain, EXTERNAL)

    def room(self, signer: Signer) -> SignatureRoom:
        """How much room a signature of this signer needs; no key is opened."""
        public, form = _public_half(signer), _form(signer.algorithm)
        size = form.reserved_bytes(_CertificateOnly(public), public.key_id)
        return SignatureRoom(filter=form.filter, sub_filter=form.sub_filter, reserved_bytes=size)


class _CertificateOnly:
    """A key ring of one certificate, without its key."""

    def __init__(self, public: KeyCertificate) -> None:
        self._public = public

    def key_ids(self) -> tuple[str, ...]:
        """The one id."""
        return (self._public.key_id,)

    def certificate(self, key_id: str) -> KeyCertificate:
        """The public half."""
        if key_id != self._public.key_id:
            msg = f"没有密钥 {key_id}"
            raise SigningError(msg)
        return self._public

    def sign_digest(self, key_id: str, digest_algorithm: str, data: bytes) -> bytes:
        """Refuse: there is no key here."""
        del digest_algorithm, data
        msg = f"密钥 {key_id} 没有打开"
        raise SigningError(msg)

    def operations(self, key_id: str) -> int:
        """None."""
        del key_id
        return 0


class OpenPersonKey(_CertificateOnly):
    """A person's key that was opened; a key ring of this one key, which signs until it is closed."""

    def __init__(self, key: PrivateKey, public: KeyCertificate) -> None:
        super().__init__(public)
        self._key: PrivateKey | None = key
        self._used = 0

    def sign(self, prepared: PreparedPdf, *, signed_at: datetime) -> bytes:
        """The signed file, verified over the prepared bytes; SigningError when anything does not fit."""
        at = check_aware(signed_at)
        for certificate in (self._public.certificate, *self._public.issuers):
            if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
                msg = "个人证书在签名时间不在有效期内，请重新申请电子签名"
                raise SigningError(msg)
        return _form(self._public.algorithm).sign(prepared, self, self._public.key_id, signed_at=at)

    def sign_digest(self, key_id: str, digest_algorithm: str, data: bytes) -> bytes:
        """Signature over ``data``, hashed inside; SigningError once the key was closed."""
        self.certificate(key_id)
        if self._key is None:
            msg = f"密钥 {key_id} 已关闭"
            raise SigningError(msg)
        self._used += 1
        try:
            return sign(self._key, digest_algorithm, data)
        except ValueError as error:
            msg = "个人密钥签名失败"
            raise SigningError(msg) from error

    def operations(self, key_id: str) -> int:
        """How often the key signed since it was opened."""
        self.certificate(key_id)
        return self._used

    def close(self) -> None:
        """Let go of the key."""
        self._key = None

    def __repr__(self) -> str:
        """Without key and name."""
        return "OpenPersonKey(…)"

    def __reduce__(self) -> str:
        """Refuse to be pickled: keys stay in their process."""
        msg = "an open key cannot be pickled"
        raise RuntimeError(msg)


def subject_of_person(name: str, ids: Ids) -> x509.Name:
    """Country, a random serial and the name: no document number, nothing that tells two certificates are one person's.

    ETSI EN 319 412-2 §4.2.4 asks for a serialNumber where the name alone is not unique.
    """
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, f"P{ids.cert_serial():032X}"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def _form(algorithm: str) -> TemplatedCms:
    """A fresh one each time: templates of people's certificates are not kept."""
    return Sm2Cms() if algorithm == "sm2" else PadesBaseline()


def _requested_key(request: x509.CertificateSigningRequest) -> certificates.AnyPublicKey:
    parsed = csr.CertificationRequest.load(request.public_bytes(serialization.Encoding.DER))
    return load_public_key(parsed["certification_request_info"]["subject_pk_info"].dump())


def _certificate(chain: tuple[x509.Certificate, ...], issuer_key_id: str) -> SignerCertificate:
    return SignerCertificate(
        chain=certificates.pem(*chain).decode("ascii"),
        serial=f"{chain[0].serial_number:x}",
        issuer_key_id=issuer_key_id,
        valid_from=chain[0].not_valid_before_utc,
        valid_until=chain[0].not_valid_after_utc,
    )


def _public_half(signer: Signer) -> KeyCertificate:
    if signer.certificate is None:
        msg = "证书尚未签发，请等待电子认证服务机构签发后再签名"
        raise SignerUnavailable(msg)
    chain = tuple(x509.load_pem_x509_certificates(signer.certificate.chain.encode("ascii")))
    return KeyCertificate(
        key_id=signer.signer_id,
        algorithm=signer.algorithm,
        certificate=chain[0],
        issuers=chain[1:],
        public_key=certificates.public_key_of(chain[0]),
    )
