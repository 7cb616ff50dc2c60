"""The ``SealMaker`` port over the software key ring: keys, certificates and seal objects of seals that are made here.

A key waits in ``pending/`` until its certificate is there and proven; then it moves to ``private/``, where every
process of the service finds it. The certificate is written first, so a key in ``private/`` always has one::

    pending/<key_id>.key   encrypted, made and without a certificate yet
    certs/<key_id>.pem     certificate and its issuing CA
    private/<key_id>.key   encrypted, in use
    seals/<key_id>.esl     seal object of an SM2 key

Every step finds what an earlier run left: repeating one after a crash makes no second key.

Who may make: the people of the 制作管理单位 order a seal (``commands/seals``); one key signs its object, the one that
``seal_maker_key`` names, and never for a seal of that key itself. Of an object that somebody brings, the maker is known
when its certificate is one of that key, or one that the operator named (``signing/trust.py``, MAKERS). Every other one
is ``seal_maker_unknown`` however good its chain: no certificate says that its holder may make seals.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from certsvc.errors import ConfigurationError, InvalidInput, NotFound, SigningError
from certsvc.seal.making import CertificateFacts, KeyOrder, ObjectOrder
from certsvc.seal.object import SealObjectReport
from certsvc.seal.trust_list import SEAL
from certsvc.seal.verdict import Reason
from certsvc.signing import certificates
from certsvc.signing.certificate_requests import checked_answer, given_to, request_of, retire
from certsvc.signing.certificates import owner_code_of, pem, public_key_of, read_chain
from certsvc.signing.chains import judge_certificate
from certsvc.signing.declaration import KeyDeclaration
from certsvc.signing.keyfile import (
    KeyClass,
    check_key_id,
    decrypt_key,
    encrypt_key,
    read_file,
    remove_file,
    write_new,
)
from certsvc.signing.keyring import PRODUCTION
from certsvc.signing.listed_anchors import ListedAnchors, listed
from certsvc.signing.primitives import sign
from certsvc.signing.revoked import UseTime
from certsvc.signing.seal_object import EXTENSION, SealDraft, export_seal, make_seal, verify_seal
from certsvc.signing.ses import read_seal
from certsvc.signing.trust import TrustStore

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from certsvc.clock import Clock
    from certsvc.ids import Ids
    from certsvc.signing.certificates import PrivateKey
    from certsvc.signing.keyring import KeyRing
    from certsvc.signing.master_key import MasterKey
    from certsvc.signing.own_certificates import OwnCertificates
    from certsvc.signing.trust import TrustAnchors

PENDING, PRIVATE, CERTS, CA, OBJECTS = "pending", "private", "certs", "ca", "seals"


@dataclass(frozen=True, kw_only=True, slots=True)
class MakerPolicy:
    """What this installation makes seals with.

    Attributes:
        profile: decides the class that is sealed into key files.
        maker_key_id: key that signs seal objects, or empty.
        issuers: algorithm -> key id of a CA in ``ca/`` (the development PKI); empty when they come from outside.
        never_destroyed: keys that the next start would make anew (those of ``keys/dev.toml``).
    """

    profile: str
    maker_key_id: str
    issuers: Mapping[str, str]
    never_destroyed: frozenset[str] = frozenset()


@cache
def _fingerprint(retired: Path) -> str:
    """Of a certificate that was replaced (hex SHA-256): its file bears its serial and never changes."""
    return read_chain(retired)[0].fingerprint(hashes.SHA256()).hex()


class SoftwareSealMaker:
    """Makes seals in the directory of a :class:`~certsvc.signing.keyring.SoftwareKeyRing`."""

    def __init__(
        self,
        directory: Path,
        master: MasterKey,
        ring: KeyRing,
        anchors: TrustAnchors | ListedAnchors,
        own: OwnCertificates,
        policy: MakerPolicy,
        *,
        clock: Clock,
        ids: Ids,
    ) -> None:
        """Make keys below ``directory``; certificates from outside must lead to ``anchors``."""
        self._directory = directory
        self._master = master
        self._ring = ring
        self._anchors = listed(anchors)
        self._own = own
        self._policy = policy
        self._clock = clock
        self._ids = ids

    def issues(self) -> bool:
        """Whether an issuing CA is at hand here."""
        return bool(self._policy.issuers)

    def make_key(self, order: KeyOrder) -> None:
        """Make the key unless it is there; an existing one is never overwritten."""
        if self._path(PRIVATE, order.key_id).exists():
            return
        path = self._path(PENDING, order.key_id)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            key_class = KeyClass.PRODUCTION if self._policy.profile == PRODUCTION else KeyClass.DEVELOPMENT
            fresh = certificates.pkcs8(certificates.generate_key(order.algorithm))
            write_new(path, encrypt_key(fresh, order.key_id, key_class, self._master, self._ids), self._ids)
        self._key(order)  # read back: what was written is what the ring will open

    def issue(self, order: KeyOrder) -> CertificateFacts:
        """The key's certificate from the CA at hand; the same one when it is there already.

        Raises:
            ConfigurationError: no CA for the algorithm, or one that does not open.
        """
        issuer_id = self._policy.issuers.get(order.algorithm)
        if issuer_id is None:
            msg = f"没有可签发 {order.algorithm} 证书的签发机构：请改为导出证书申请，由外部机构签发"
            raise ConfigurationError(msg)
        path = self._path(CERTS, order.key_id)
        if not path.exists():
            key = self._key(order)
            issuer = read_chain(self._path(CA, issuer_id, ".pem"))[0]
            opened = decrypt_key(read_file(self._path(CA, issuer_id, ".key")), issuer_id, self._master)
            leaf = certificates.make_leaf(
                _declared(order),
                key.public_key(),
                issuer,
                certificates.load_private_key(opened.pkcs8),
                serial=self._ids.cert_serial(),
                now=self._clock.now(),
            )
            write_new(path, pem(leaf, issuer), self._ids, mode=0o644)
        return self._place(order)

    def request(self, order: KeyOrder) -> str:
        """A certificate request (PKCS#10, PEM) of the key, signed by it."""
        key = self._key(order)
        subject = certificates.subject_of(_declared(order))
        return request_of(
            key.public_key(), order.algorithm, subject, lambda digest, info: sign(key, digest, info)
        ).decode("ascii")

    def accept(self, order: KeyOrder, answer: bytes) -> CertificateFacts:
        """Take an outside CA's certificate after proof that it is the key's.

        Raises:
            InvalidInput: no certificate, one of another key or owner, ended, without trusted issuer, or a broken chain.
        """
        now = self._clock.now()
        chain = checked_answer(answer, order.key_id, self._key(order).public_key(), now)
        if owner_code_of(chain[0]) != order.owner_code:
            msg = f"证书的主体机构代码（organizationIdentifier）不是印章所有者 {order.owner_code}：请按申请文件重新签发"
            raise InvalidInput(msg)
        ders = [one.public_bytes(serialization.Encoding.DER) for one in chain]
        store = TrustStore(self._anchors.serving(frozenset({SEAL}), now), now)
        judged = asyncio.run(judge_certificate(ders[0], ders[1:], store, UseTime(claimed=now))).outcome
        if judged.reason is not Reason.OK:
            msg = f"证书未能连到受信任的根证书（{judged.reason.value}）：请提供签发证书，或先配置信任的根证书"
            raise InvalidInput(msg)
        path = self._path(CERTS, order.key_id)
        if not path.exists() or read_chain(path) != chain:
            # An earlier answer stays ours: it is revoked together with this one when the version ends.
            retire(path, self._ids)
            fresh = path.with_suffix(f".{self._ids.token()}")
            fresh.write_bytes(pem(*chain))
            fresh.replace(path)
        return self._place(order)

    def certificates(self, key_id: str) -> tuple[CertificateFacts, ...]:
        """Facts of every certificate that a key was given, the present one first; none for a key that is elsewhere."""
        return tuple(_facts(key_id, read_chain(file)[0]) for file in given_to(self._path(CERTS, key_id)))

    def make_object(self, order: ObjectOrder) -> None:
        """Make and keep the seal object of an SM2 key, signed by the seal maker's key."""
        if not self._policy.maker_key_id:
            msg = "没有制章密钥，不能制作 SM2 印章数据：请先建立制作管理单位的密钥，并设置 seal_maker_key"
            raise SigningError(msg)
        certificate = self._ring.certificate(order.key_id).certificate
        draft = SealDraft(
            seal_id=order.seal_id,
            name=order.name,
            certificates=(certificate,),
            picture=order.picture,
            width_mm=order.width_mm,
            height_mm=order.height_mm,
            created=self._clock.now(),
            begins=certificate.not_valid_before_utc,
            ends=certificate.not_valid_after_utc,
        )
        made = make_seal(draft, self._ring, self._policy.maker_key_id)
        export_seal(self._directory / OBJECTS, order.key_id, made)

    def is_maker(self, cert_sha256: str) -> bool:
        """Whether this certificate (hex SHA-256) is one that the seal maker's key was given here, now or before."""
        maker = self._policy.maker_key_id
        if not maker or maker not in self._ring.key_ids():
            return False
        if self._ring.certificate(maker).certificate.fingerprint(hashes.SHA256()).hex() == cert_sha256:
            return True
        present = self._path(CERTS, maker)
        return any(_fingerprint(file) == cert_sha256 for file in given_to(present) if file != present)

    def has_object(self, key_id: str, data: bytes) -> bool:
        """Whether these bytes are the seal object of a key, as it is kept here."""
        path = self._path(OBJECTS, key_id, EXTENSION)
        return path.exists() and read_file(path) == data

    def seal_object(self, key_id: str) -> bytes:
        """The seal object in DER; NotFound when the key has none."""
        path = self._path(OBJECTS, key_id, EXTENSION)
        if not path.exists():
            raise NotFound("这枚印章没有印章数据（只有 SM2 印章有）")
        return read_file(path)

    def judge_object(self, data: bytes, now: datetime) -> SealObjectReport:
        """What is found about an uploaded seal object; InvalidInput for a file that is none."""
        try:
            seal = read_seal(data)
            maker = x509.load_der_x509_certificate(seal.maker_certificate).subject.rfc4514_string()
        except (ValueError, TypeError, KeyError, IndexError) as error:
            msg = "印章文件无法读取：不是 GB/T 38540 或 GM/T 0031 的印章数据"
            raise InvalidInput(msg) from error
        report = verify_seal(seal, self._anchors.serving(frozenset({SEAL}), now), now)
        listed = tuple(_sha256(der) for der in seal.certificates)
        return SealObjectReport(
            version=seal.version,
            maker_id=seal.maker_id,
            maker=maker,
            seal_id=seal.seal_id,
            name=seal.name,
            created=seal.created,
            begins=seal.begins,
            ends=seal.ends,
            picture_kind=seal.picture.kind,
            width_mm=seal.picture.width_mm,
            height_mm=seal.picture.height_mm,
            signers=listed or tuple(value.hex() for _, value in seal.digests),
            valid=report.valid,
            trust=report.trust,
            in_period=report.in_period,
            own=any(one in self._own for one in listed),
            reason=report.reason,
        )

    def kept(self) -> frozenset[str]:
        """Ids of the keys whose private half is here and that :meth:`destroy` would destroy."""
        places = (self._directory / place for place in (PENDING, PRIVATE))
        found = frozenset(path.stem for place in places for path in place.glob("*.key"))
        return found - self._policy.never_destroyed

    def destroy(self, key_id: str) -> None:
        """Destroy a private key that is never to sign again, durably, and again without effect.

        Its certificates stay known as ours.
        """
        if key_id in self._policy.never_destroyed:
            return
        for place in (PENDING, PRIVATE):
            remove_file(self._path(place, key_id))

    def _place(self, order: KeyOrder) -> CertificateFacts:
        """Put the key where every process finds it, and prove it there by a trial signature."""
        leaf = read_chain(self._path(CERTS, order.key_id))[0]
        if public_key_of(leaf) != self._key(order).public_key():
            msg = f"证书与密钥 {order.key_id} 不匹配：请终止办理后重新申请"
            raise ConfigurationError(msg)
        pending, private = self._path(PENDING, order.key_id), self._path(PRIVATE, order.key_id)
        if not private.exists():
            write_new(private, read_file(pending), self._ids)
        pending.unlink(missing_ok=True)
        self._ring.certificate(order.key_id)
        return _facts(order.key_id, leaf)

    def _key(self, order: KeyOrder) -> PrivateKey:
        private = self._path(PRIVATE, order.key_id)
        path = private if private.exists() else self._path(PENDING, order.key_id)
        key = certificates.load_private_key(decrypt_key(read_file(path), order.key_id, self._master).pkcs8)
        if certificates.algorithm_of(key) != order.algorithm:
            msg = f"密钥 {order.key_id} 的算法与申请的 {order.algorithm} 不一致：请终止办理后重新申请"
            raise ConfigurationError(msg)
        return key

    def _path(self, place: str, key_id: str, suffix: str = "") -> Path:
        usual = ".pem" if place == CERTS else ".key"
        return self._directory / place / f"{check_key_id(key_id)}{suffix or usual}"


def _declared(order: KeyOrder) -> KeyDeclaration:
    return KeyDeclaration(
        key_id=order.key_id,
        algorithm=order.algorithm,
        common_name=order.name,
        organization=order.owner_name,
        organization_code=order.owner_code,
        years=order.years,
        seals=True,
    )


def _facts(key_id: str, leaf: x509.Certificate) -> CertificateFacts:
    try:
        above = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier or b""
    except x509.ExtensionNotFound:
        above = b""
    return CertificateFacts(
        key_id=key_id,
        serial=f"{leaf.serial_number:x}",
        issuer_key_id=above.hex() or _sha256(leaf.issuer.public_bytes()),
        valid_from=leaf.not_valid_before_utc,
        valid_until=leaf.not_valid_after_utc,
    )


def _sha256(data: bytes) -> str:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(data)
    return digest.finalize().hex()
