"""A seal that a province's platform keeps: the digest of the page goes out, a SES_Signature or a CMS comes back.

The platform is never believed: what it returns must be a signature of the certificate that it proved at the start, over
the digest that was sent, and is read and verified before it goes into a page. Its quota, delays and outages come out as
errors that say what to do: :class:`~certsvc.errors.Unavailable` when trying again later helps, SigningError otherwise.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from certsvc.clock import check_aware, rfc3339
from certsvc.errors import ConfigurationError, SigningError, Unavailable, UseUnknown
from certsvc.signing.certificates import algorithm_of, public_key_of
from certsvc.signing.cms import message_digest_of
from certsvc.signing.keyring import KeyCertificate, proven_public_key
from certsvc.signing.pades import check_hole, check_room, check_unchanged
from certsvc.signing.primitives import verify_signature
from certsvc.signing.rings import ring_of
from certsvc.signing.ses import read_signature, sm2_verifies
from certsvc.signing.suites import SUITES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from certsvc.seal.prepared import PreparedPdf
    from certsvc.signing.keyring import KeyRing

MAX_ANSWER_BYTES = 1024 * 1024
"""Longest answer of a platform; a signature with its seal picture is far below."""

REMOTE_BYTES = 32 * 1024
"""Room for what a platform returns: its seal pictures are not ours to measure."""

REMOTE_CMS, REMOTE_SES = "remote-cms", "remote-ses"
"""Names of the two formats."""

_OK, _TOO_MANY, _SERVER_ERROR = 200, 429, 500


class PlatformClient:
    """Speaks with one platform; every call is one request, and nothing is tried again here."""

    def __init__(
        self, base_url: str, token: str, post: Callable[[str, Mapping[str, str], bytes], tuple[int, bytes]]
    ) -> None:
        """Call below ``base_url`` with ``token`` as bearer.

        ``post`` takes url, headers and body, gives status and body, and raises OSError when there is no answer; the
        egress port provides it.
        """
        self._base = base_url.rstrip("/")
        self._token = token
        self._post = post

    def chain(self, seal_id: str) -> tuple[x509.Certificate, ...]:
        """The seal's certificate and its CAs below the root."""
        values = self._call("certificates", {"seal": seal_id}).get("certificates")
        ders = values if isinstance(values, list) else []
        msg = f"省级平台返回的印章 {seal_id} 证书无法读取"
        try:
            chain = tuple(x509.load_der_x509_certificate(base64.b64decode(one, validate=True)) for one in ders)
        except (ValueError, TypeError) as error:
            raise SigningError(msg) from error
        if not chain:
            raise SigningError(msg)
        return chain

    def prove(self, seal_id: str, challenge: bytes, digest: str) -> bytes:
        """A signature of the seal's key over ``challenge``: proof that the platform holds it."""
        return self._bytes("proofs", {"seal": seal_id, "data": _text(challenge), "digest": digest}, "signature")

    def seal(self, seal_id: str, form: str, digest: bytes, signed_at: datetime) -> bytes:
        """A signature in ``form`` (``ses`` or ``cms``) over a page's digest.

        Raises:
            UseUnknown: the digest went out and no answer came: the platform may have signed.
            Unavailable: the platform cannot be reached or has no quota left; it has not signed.
            SigningError: the platform refuses, or its answer cannot be read.
        """
        body = {"seal": seal_id, "form": form, "digest": _text(digest), "signed_at": rfc3339(signed_at)}
        try:
            return self._bytes("signatures", body, "contents")
        except _NoAnswer as error:
            msg = f"{error.detail}，是否已签章不明：请核对平台的用章记录，系统将稍后再试"
            raise UseUnknown(msg) from error

    def __repr__(self) -> str:
        """Without the token."""
        return f"PlatformClient({self._base})"

    def _bytes(self, path: str, body: Mapping[str, str], name: str) -> bytes:
        value = self._call(path, body).get(name)
        try:
            return base64.b64decode(str(value), validate=True)
        except binascii.Error as error:
            msg = f"省级平台的应答缺少 {name}"
            raise SigningError(msg) from error

    def _call(self, path: str, body: Mapping[str, str]) -> Mapping[str, object]:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        data = json.dumps(body, ensure_ascii=True).encode("ascii")
        try:
            status, answer = self._post(f"{self._base}/{path}", headers, data)
        except ConnectionRefusedError as error:
            msg = "省级平台无法连接，本次未签章：请稍后再试"
            raise Unavailable(msg) from error
        except OSError as error:
            msg = "省级平台无应答"
            raise _NoAnswer(msg) from error
        if status == _TOO_MANY:
            msg = "省级平台的用章额度已用完，本次未签章：请次日再试或申请增加额度"
            raise Unavailable(msg)
        if status >= _SERVER_ERROR:
            msg = f"省级平台故障（HTTP {status}）"
            raise _NoAnswer(msg)
        if status != _OK or len(answer) > MAX_ANSWER_BYTES:
            msg = f"省级平台拒绝（HTTP {status}）：请核对印章编号与接入凭证"
            raise SigningError(msg)
        try:
            found = json.loads(answer)
        except ValueError as error:
            msg = "省级平台的应答不是 JSON"
            raise SigningError(msg) from error
        return found if isinstance(found, dict) else {}


class _NoAnswer(Unavailable):
    """What was asked went out, and whether it was done is not known."""


class RemoteKeyRing:
    """The ``KeyRing`` port over seals of a platform: certificates, proven at the start, and no signatures of bytes."""

    def __init__(self, client: PlatformClient, seal_ids: Sequence[str]) -> None:
        """Fetch every seal's certificates and have the platform prove its keys.

        Raises:
            ConfigurationError: a seal of which the platform does not hold the key.
            Unavailable, SigningError: no answer, or none that can be read.
        """
        self.client = client
        self._public = {seal_id: self._proven(seal_id) for seal_id in seal_ids}
        self._operations: dict[str, int] = {}

    def key_ids(self) -> tuple[str, ...]:
        """The ids of all seals, sorted."""
        return tuple(sorted(self._public))

    def certificate(self, key_id: str) -> KeyCertificate:
        """The public half of a seal's key; SigningError when there is none."""
        found = self._public.get(key_id)
        if found is None:
            msg = f"省级平台没有印章 {key_id}"
            raise SigningError(msg)
        return found

    def sign_digest(self, key_id: str, digest_algorithm: str, data: bytes) -> bytes:
        """Always SigningError: a platform seals pages and signs nothing else."""
        del digest_algorithm, data
        msg = f"省级平台印章 {key_id} 只能用于整页签章"
        raise SigningError(msg)

    def operations(self, key_id: str) -> int:
        """How often a page was sent to be sealed in this process."""
        return self._operations.get(key_id, 0)

    def seal(self, key_id: str, form: str, digest: bytes, signed_at: datetime) -> bytes:
        """What the platform returns for a page's digest; counted as a use whether it answers or not."""
        self.certificate(key_id)
        self._operations[key_id] = self.operations(key_id) + 1
        return self.client.seal(key_id, form, digest, signed_at)

    def _proven(self, seal_id: str) -> KeyCertificate:
        chain = self.client.chain(seal_id)
        try:
            algorithm = algorithm_of(public_key_of(chain[0]))
        except ValueError as error:
            msg = f"省级平台印章 {seal_id} 的证书算法不支持"
            raise ConfigurationError(msg) from error
        public = proven_public_key(seal_id, chain, lambda digest, data: self.client.prove(seal_id, data, digest))
        return KeyCertificate(
            key_id=seal_id, algorithm=algorithm, certificate=chain[0], issuers=chain[1:], public_key=public
        )


class RemoteFormat:
    """A format whose signatures come from a platform; its ring must be a :class:`RemoteKeyRing`."""

    def __init__(self, form: str) -> None:
        """``ses`` (SES_Signature, SM2) or ``cms`` (detached, any algorithm)."""
        self._form = form
        self.name = f"remote-{form}"
        self.sub_filter = "GM.sm2seal" if form == "ses" else "adbe.pkcs7.detached"
        self.filter = "Gomain.GMPkiLite" if form == "ses" else "Adobe.PPKLite"
        self.algorithms = frozenset({"sm2"}) if form == "ses" else frozenset(SUITES)

    def reserved_bytes(self, ring: KeyRing, key_id: str) -> int:
        """A fixed room: what a platform returns cannot be measured without a use of the seal."""
        ring.certificate(key_id)
        return REMOTE_BYTES

    def sign(self, prepared: PreparedPdf, ring: KeyRing, key_id: str, *, signed_at: datetime) -> bytes:
        """The sealed file.

        Raises:
            UseUnknown: the platform does not answer; it may have signed.
            Unavailable: the platform has no quota left or cannot be reached; nothing was sealed.
            SigningError: a page whose hole is not as declared, or an answer that is not the signature asked for.
        """
        check_hole(prepared)
        platform = ring_of(ring, key_id)
        if not isinstance(platform, RemoteKeyRing):
            msg = f"签章格式 {self.name} 只能使用省级平台的印章"
            raise SigningError(msg)
        public = platform.certificate(key_id)
        suite = SUITES[public.algorithm]
        digest = prepared.digest(suite.digest)
        der = platform.seal(key_id, self._form, digest, check_aware(signed_at))
        try:
            good = _is_ses(der, digest, public) if self._form == "ses" else _is_cms(der, digest, public)
        except (ValueError, SigningError) as error:
            msg = f"省级平台返回的签章无法读取，未采用（{error}）"
            raise SigningError(msg) from error
        if not good:
            msg = "省级平台返回的签章与页面或印章证书不符，未采用"
            raise SigningError(msg)
        check_room(prepared, len(der))
        sealed = prepared.fill(der)
        check_unchanged(sealed, prepared)
        return sealed


def _is_ses(der: bytes, digest: bytes, public: KeyCertificate) -> bool:
    read = read_signature(der)
    certificate = public.certificate.public_bytes(serialization.Encoding.DER)
    listed = read.certificate == certificate and read.seal.lists(certificate)
    same = listed and read.data_hash == digest
    return same and sm2_verifies(read.certificate, read.algorithm, read.signature, read.signed)


def _is_cms(der: bytes, digest: bytes, public: KeyCertificate) -> bool:
    found, signed, signature = message_digest_of(der)
    same = found == digest
    return same and verify_signature(public.public_key, signature, signed, SUITES[public.algorithm].digest)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
