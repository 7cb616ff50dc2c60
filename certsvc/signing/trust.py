"""Trust anchors: configured certificates, and how pyHanko's path building may use them.

A CA certificate anchors paths. An end-entity certificate given as anchor is *pinned*: it is trusted itself and can
never issue another one, and its revocation is "not applicable" (DESIGN.md 4, Verify).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asn1crypto import pem, x509
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.authority import AuthorityWithCert
from pyhanko_certvalidator.registry import SimpleTrustManager

from certsvc.errors import ConfigurationError, InvalidInput
from certsvc.signing.algorithms import AllowedAlgorithms
from certsvc.signing.keyfile import read_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from pyhanko_certvalidator.authority import TrustAnchor

MAX_ANCHORS = 1000
"""How many anchors one verification may stand on; stops a caller from making path building slow."""

MAX_ANCHOR_BYTES = 256 * 1024
"""Size of one PEM file of anchors that a caller brings."""


@dataclass(frozen=True, slots=True)
class TrustAnchors:
    """A fixed set of anchors in DER."""

    certificates: tuple[bytes, ...]

    @classmethod
    def from_directory(cls, trust_dir: Path) -> TrustAnchors:
        """All certificates of the ``*.pem`` files in ``trust_dir``.

        Raises:
            ConfigurationError: the directory cannot be read, or a file in it holds no certificate.
        """
        found: list[bytes] = []
        for path in sorted(trust_dir.glob("*.pem")):
            try:
                found.extend(read_anchors(read_file(path)))
            except InvalidInput as error:
                msg = f"信任证书文件 {path} 不是 PEM 证书：请替换或移出该目录"
                raise ConfigurationError(msg) from error
        if not found:
            msg = f"信任目录 {trust_dir} 没有证书（*.pem）：请放入根证书"
            raise ConfigurationError(msg)
        return cls(tuple(dict.fromkeys(found)))

    def with_extra(self, pems: Iterable[bytes]) -> TrustAnchors:
        """These anchors and those of ``pems``; InvalidInput when one is not a PEM certificate."""
        extra = [der for text in pems for der in read_anchors(text)]
        return TrustAnchors(tuple(dict.fromkeys((*self.certificates, *extra))))


def read_anchors(text: bytes) -> tuple[bytes, ...]:
    """The certificates of one PEM text, in DER.

    Raises:
        InvalidInput: too large, no PEM, no certificate in it, or one that cannot be read.
    """
    if len(text) > MAX_ANCHOR_BYTES:
        msg = f"信任证书文件超过 {MAX_ANCHOR_BYTES} 字节"
        raise InvalidInput(msg)
    try:
        ders = [der for kind, _, der in pem.unarmor(text, multiple=True) if kind == "CERTIFICATE"]
        for der in ders:
            # Touch what path building reads, so that a bad anchor is refused here and not in the middle of a check.
            certificate = x509.Certificate.load(der, strict=True)
            _ = (certificate.subject.hashable, certificate.public_key.algorithm, certificate.ca)
    except (ValueError, TypeError, KeyError) as error:
        msg = "信任证书不是有效的 PEM 证书"
        raise InvalidInput(msg) from error
    if not ders or len(ders) > MAX_ANCHORS:
        msg = f"信任证书文件应含 1 至 {MAX_ANCHORS} 张证书"
        raise InvalidInput(msg)
    return tuple(ders)


class TrustStore:
    """The anchors of one verification, parsed, with a context of pyHanko for its moment."""

    def __init__(self, anchors: TrustAnchors, moment: datetime) -> None:
        """Parse ``anchors``; certificates are judged at ``moment``."""
        parsed = [x509.Certificate.load(der) for der in anchors.certificates]
        self._pinned = {certificate.sha256 for certificate in parsed if not is_ca(certificate)}
        self._parsed = parsed
        self.moment = moment

    def context(self) -> ValidationContext:
        """A fresh context, so that certificates inside one signature never help another one. It cannot fetch."""
        return ValidationContext(
            trust_manager=_AnchorsThatIssue.of(self._parsed),
            moment=self.moment,
            allow_fetching=False,
            revocation_mode="soft-fail",
            algorithm_usage_policy=AllowedAlgorithms(),
        )

    def is_pinned(self, certificate: x509.Certificate) -> bool:
        """Whether this very end-entity certificate is an anchor."""
        return certificate.sha256 in self._pinned


def is_ca(certificate: x509.Certificate) -> bool:
    """Whether a certificate may issue others: basicConstraints says so, or it is a self-issued one of version 1."""
    if certificate.basic_constraints_value is not None:
        return bool(certificate.ca)
    return bool(certificate["tbs_certificate"]["version"].native == "v1") and certificate.self_issued == "yes"


class _AnchorsThatIssue(SimpleTrustManager):
    """pyHanko lets any anchor issue certificates; here only CA certificates may."""

    @classmethod
    def of(cls, certificates: Iterable[x509.Certificate]) -> _AnchorsThatIssue:
        manager = cls()
        for certificate in certificates:
            manager._register_root(certificate)
        return manager

    def find_potential_issuers(self, cert: x509.Certificate) -> Iterator[TrustAnchor]:
        for anchor in super().find_potential_issuers(cert):
            authority = anchor.authority
            if isinstance(authority, AuthorityWithCert) and is_ca(authority.certificate):
                yield anchor
