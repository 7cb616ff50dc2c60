"""The issuing CAs that this installation keeps (the sandbox's): what they publish about their certificates."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from certsvc.errors import NotFound
from certsvc.seal.authorities import AuthorityFacts
from certsvc.signing.authority import CaSigner, Revocation, RevocationReason, answer_ocsp, make_crl, open_ca
from certsvc.signing.certificate_requests import RETIRED
from certsvc.signing.certificates import read_chain
from certsvc.signing.keyfile import KEY_ID_PATTERN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from pathlib import Path

    from certsvc.seal.authorities import RevokedEntry
    from certsvc.signing.master_key import MasterKey

FRESH = timedelta(hours=1)
"""How long a CRL is given out again when nothing was revoked: signing one per question would be the caller's lever."""

_REASONS = {
    "keyCompromise": RevocationReason.KEY_COMPROMISE,
    "affiliationChanged": RevocationReason.AFFILIATION_CHANGED,
    "superseded": RevocationReason.SUPERSEDED,
    "cessationOfOperation": RevocationReason.CESSATION_OF_OPERATION,
    "privilegeWithdrawn": RevocationReason.PRIVILEGE_WITHDRAWN,
}


@dataclass(slots=True)
class _Kept:
    """The last CRL of a CA, and what it lists."""

    listed: frozenset[RevokedEntry] = frozenset()
    made_at: datetime | None = None
    der: bytes = field(default=b"")


class OwnAuthorities:
    """Implements ``seal_ports.Authorities`` over ``ca/`` of a key ring's directory; empty where there is none."""

    def __init__(self, directory: Path, master: MasterKey, stamp_time: Callable[[bytes], bytes] | None = None) -> None:
        """Open CAs at their first use; ``stamp_time`` is the development TSA, in the sandbox."""
        self._directory = directory
        self._master = master
        self._stamp_time = stamp_time
        self._opened: dict[str, CaSigner] = {}
        self._crls: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def known(self) -> tuple[AuthorityFacts, ...]:
        """The CAs kept here, by id."""
        return tuple(self._facts(path.stem) for path in sorted((self._directory / "ca").glob("*.key")))

    def certificate(self, ca_id: str) -> bytes:
        """The CA's certificate in DER; NotFound."""
        return self._ca(ca_id).certificate.public_bytes(serialization.Encoding.DER)

    def crl(
        self, ca_id: str, revoked: Iterable[RevokedEntry], *, now: datetime, since: datetime | None = None
    ) -> bytes:
        """The CRL of the CA in DER (RFC 5280 §5), made no earlier than ``since``; NotFound. Numbers grow with time."""
        ca, listed = self._ca(ca_id), frozenset(revoked)
        with self._lock:
            kept = self._crls.setdefault(ca_id, _Kept())
            old = kept.made_at is None or not kept.made_at <= now < kept.made_at + FRESH
            if (
                old
                or kept.listed != listed
                or (since is not None and kept.made_at is not None and kept.made_at < since)
            ):
                kept.der = make_crl(ca, _by_serial(listed), number=int(now.timestamp() * 1000), now=now)
                kept.listed, kept.made_at = listed, now
            return kept.der

    def ocsp(
        self,
        ca_id: str,
        request: bytes,
        revoked: Iterable[RevokedEntry],
        issued: Callable[[str], bool],
        *,
        now: datetime,
    ) -> bytes:
        """The OCSP answer of the CA in DER (RFC 6960); ``issued`` knows serials (hex) that no file holds. NotFound."""
        ca = self._ca(ca_id)
        return answer_ocsp(ca, request, _by_serial(revoked), _Issued(self._serials(ca), issued), now)

    def timestamp(self, request: bytes) -> bytes:
        """The development TSA's answer (RFC 3161) in DER; NotFound in production."""
        if self._stamp_time is None:
            raise NotFound("本服务不提供时间戳；正式环境请使用 tsa_servers 配置的时间戳服务")
        return self._stamp_time(request)

    def _ca(self, ca_id: str) -> CaSigner:
        known = KEY_ID_PATTERN.fullmatch(ca_id) and (self._directory / "ca" / f"{ca_id}.key").is_file()
        if not known:
            raise NotFound("没有这个签发机构")
        with self._lock:
            found = self._opened.get(ca_id)
            if found is None:
                found = self._opened[ca_id] = open_ca(self._directory, ca_id, self._master)
        return found

    def _facts(self, ca_id: str) -> AuthorityFacts:
        ca = self._ca(ca_id)
        names = ca.certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        identifier = ca.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        return AuthorityFacts(
            ca_id=ca_id,
            name=str(names[0].value) if names else ca_id,
            key_identifier=identifier.hex(),
            algorithm=ca.algorithm,
            valid_until=ca.certificate.not_valid_after_utc,
        )

    def _serials(self, ca: CaSigner) -> frozenset[int]:
        """Serials of the certificates that stand in files: keys of the ring, replaced ones, the CAs below a root."""
        places = ("certs/*.pem", f"certs/{RETIRED}/*.pem", "ca/*.pem")
        chains = (read_chain(path) for place in places for path in self._directory.glob(place))
        issuer = ca.certificate.subject.public_bytes()
        return frozenset(chain[0].serial_number for chain in chains if chain[0].issuer.public_bytes() == issuer)


class _Issued:
    """Serials that were given out: first those at hand, then those that the register knows."""

    def __init__(self, at_hand: frozenset[int], asked: Callable[[str], bool]) -> None:
        self._at_hand = at_hand
        self._asked = asked

    def __contains__(self, serial: object) -> bool:
        """Whether the CA issued a certificate of this serial."""
        return isinstance(serial, int) and (serial in self._at_hand or self._asked(f"{serial:x}"))


def _by_serial(revoked: Iterable[RevokedEntry]) -> dict[int, Revocation]:
    return {
        int(one.serial, 16): Revocation(at=one.at, reason=_REASONS.get(one.reason, RevocationReason.UNSPECIFIED))
        for one in revoked
    }
