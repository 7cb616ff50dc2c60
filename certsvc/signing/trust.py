"""Trust anchors: configured certificates, and how pyHanko's path building may use them.

A CA certificate anchors paths. An end-entity certificate given as anchor is *pinned*: it is trusted itself and can
never issue another one, and its revocation is "not applicable" (DESIGN.md 4, Verify).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from asn1crypto import crl, pem, x509
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.authority import AuthorityWithCert, CertTrustAnchor, TrustQualifiers
from pyhanko_certvalidator.name_trees import (
    default_excluded_subtrees,
    default_permitted_subtrees,
    process_general_subtrees,
)
from pyhanko_certvalidator.policy_decl import PKIXValidationParams
from pyhanko_certvalidator.registry import SimpleTrustManager

from certsvc.errors import ConfigurationError, InvalidInput
from certsvc.signing.algorithms import AllowedAlgorithms, SignatureValidatorWithSm2
from certsvc.signing.certificate_requests import RETIRED, given_to
from certsvc.signing.keyfile import read_file
from certsvc.signing.revocation import RevocationData

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from pyhanko_certvalidator.authority import TrustAnchor

MAX_ANCHORS = 1000
"""How many anchors one verification may stand on; stops a caller from making path building slow."""

MAX_ANCHOR_BYTES = 256 * 1024
"""Size of one PEM file of anchors that a caller brings."""


MAX_CRL_BYTES = 16 * 1024 * 1024
"""Size of one CRL file."""

MAX_CRLS_BYTES = 24 * 1024 * 1024
"""Size of all CRL files together: they go to a worker with every upload, and a message to it has a limit."""

INTERMEDIATES = "intermediates"
"""Directory beside the anchors with CA certificates that are known, not trusted: seals and vendor signatures carry the
signer's certificate alone, and a path needs those between it and the anchor."""


MAKERS = "makers"
"""Directory beside the anchors with certificates of makers of seals (制作管理单位) elsewhere: known, not trusted.

Nothing in a certificate says that its holder may make seals, so the operator does."""


@dataclass(frozen=True, slots=True)
class TrustAnchors:
    """A fixed set of anchors in DER, the CA certificates known beside them, and CRLs at hand.

    Attributes:
        revocation_required: whether a seal of which the revocation status is not known does not pass.
        stamps: the anchors of timestamps where these are others than ``certificates``; None when they are the same.
        makers: certificates of makers of seals in DER: their chain is judged like every other one.
    """

    certificates: tuple[bytes, ...]
    intermediates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    revocation_required: bool = False
    stamps: tuple[bytes, ...] | None = None
    makers: tuple[bytes, ...] = ()

    @property
    def timestamping(self) -> tuple[bytes, ...]:
        """The anchors of timestamps."""
        return self.certificates if self.stamps is None else self.stamps

    @classmethod
    def from_directory(cls, trust_dir: Path) -> TrustAnchors:
        """All certificates of the ``*.pem`` files in ``trust_dir``, and of its ``intermediates``.

        Raises:
            ConfigurationError: the directory cannot be read, or a file in it holds no certificate.
        """
        found = _certificates_in(trust_dir)
        if not found:
            msg = f"信任目录 {trust_dir} 没有证书（*.pem）：请放入根证书"
            raise ConfigurationError(msg)
        return cls(found, _certificates_in(trust_dir / INTERMEDIATES)).with_makers_in(trust_dir)

    def with_extra(self, pems: Iterable[bytes]) -> TrustAnchors:
        """These anchors and those of ``pems``; InvalidInput when one is not a PEM certificate."""
        extra = [der for text in pems for der in read_anchors(text)]
        stamps = None if self.stamps is None else tuple(dict.fromkeys((*self.stamps, *extra)))
        return replace(self, certificates=tuple(dict.fromkeys((*self.certificates, *extra))), stamps=stamps)

    def with_intermediates(self, *trust_dirs: Path) -> TrustAnchors:
        """These anchors, with the CA certificates in ``intermediates`` of each directory known beside them."""
        found = [der for place in trust_dirs for der in _certificates_in(place / INTERMEDIATES)]
        return replace(self, intermediates=tuple(dict.fromkeys((*self.intermediates, *found))))

    def with_issuers_of(self, keys: Path) -> TrustAnchors:
        """These anchors, with the CAs that stand above the own keys of a ring's directory known beside them.

        A seal object and an SES signature carry the signer's certificate alone, and the chain that an outside CA gave
        is at hand: nobody has to copy it. Those of retired certificates too: what they sealed is still judged.
        """
        places = (keys / "certs", keys / "certs" / RETIRED)
        # Many keys have one CA above them: it is read once.
        found = {der for place in places for path in place.glob("*.pem") for der in _ders(read_file(path))[1:]}
        for der in found:
            _check_anchor(der)
        return replace(self, intermediates=tuple(dict.fromkeys((*self.intermediates, *sorted(found)))))

    def with_makers_in(self, *trust_dirs: Path) -> TrustAnchors:
        """These anchors, with the makers of seals known whose certificates lie in ``makers`` of each directory."""
        return self.with_makers(der for place in trust_dirs for der in _certificates_in(place / MAKERS))

    def with_maker_of(self, keys: Path, key_id: str) -> TrustAnchors:
        """These anchors, with the own maker of seals known: every certificate that its key was given."""
        given = given_to(keys / "certs" / f"{key_id}.pem")
        return self.with_makers(read_anchors(read_file(path))[0] for path in given)

    def with_makers(self, ders: Iterable[bytes]) -> TrustAnchors:
        """These anchors, with these certificates known as those of makers of seals."""
        return replace(self, makers=tuple(dict.fromkeys((*self.makers, *ders))))

    def with_crls(self, directory: Path, *, required: bool = False) -> TrustAnchors:
        """These anchors, with the CRLs in ``directory`` (``*.crl``, DER or PEM).

        Raises:
            ConfigurationError: a file that is no CRL.
        """
        found = tuple(_read_crl(path) for path in sorted(directory.glob("*.crl")))
        if sum(map(len, found)) > MAX_CRLS_BYTES:
            msg = f"{directory} 中的吊销列表合计超过 {MAX_CRLS_BYTES // (1024 * 1024)} MB：请移出不再需要的列表"
            raise ConfigurationError(msg)
        return replace(self, crls=(*self.crls, *found), revocation_required=required)


_NO_CERTIFICATE = "信任证书不是有效的 PEM 证书"


def _read_crl(path: Path) -> bytes:
    if path.stat().st_size > MAX_CRL_BYTES:
        msg = f"吊销列表 {path} 超过 {MAX_CRL_BYTES // (1024 * 1024)} MB"
        raise ConfigurationError(msg)
    data = path.read_bytes()
    try:
        der: bytes = pem.unarmor(data)[2] if pem.detect(data) else data
        _ = crl.CertificateList.load(der, strict=True)["tbs_cert_list"]["issuer"].native
    except (ValueError, TypeError, KeyError) as error:
        msg = f"吊销列表 {path} 无法读取：应为 DER 或 PEM 的 CRL"
        raise ConfigurationError(msg) from error
    return der


def _certificates_in(directory: Path) -> tuple[bytes, ...]:
    found: list[bytes] = []
    for path in sorted(directory.glob("*.pem")):
        try:
            found.extend(read_anchors(read_file(path)))
        except InvalidInput as error:
            msg = f"信任证书文件 {path} 不是 PEM 证书：请替换或移出该目录"
            raise ConfigurationError(msg) from error
    return tuple(dict.fromkeys(found))


def read_anchors(text: bytes) -> tuple[bytes, ...]:
    """The certificates of one PEM text, in DER.

    Raises:
        InvalidInput: too large, no PEM, no certificate in it, or one that cannot be read.
    """
    ders = _ders(text)
    for der in ders:
        _check_anchor(der)
    return ders


def _ders(text: bytes) -> tuple[bytes, ...]:
    if len(text) > MAX_ANCHOR_BYTES:
        msg = f"信任证书文件超过 {MAX_ANCHOR_BYTES} 字节"
        raise InvalidInput(msg)
    try:
        ders = [der for kind, _, der in pem.unarmor(text, multiple=True) if kind == "CERTIFICATE"]
    except (ValueError, TypeError) as error:
        raise InvalidInput(_NO_CERTIFICATE) from error
    if not ders or len(ders) > MAX_ANCHORS:
        msg = f"信任证书文件应含 1 至 {MAX_ANCHORS} 张证书"
        raise InvalidInput(msg)
    return tuple(ders)


def _check_anchor(der: bytes) -> None:
    """Touch what path building reads, so that a bad anchor is refused here and not in the middle of a check."""
    try:
        certificate = x509.Certificate.load(der, strict=True)
        _ = (certificate.subject.hashable, certificate.public_key.algorithm, certificate.ca)
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidInput(_NO_CERTIFICATE) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What is known beside the file, and what the file brings.

    Attributes:
        crls, ocsps: revocation data of ours or of its publishers, in DER.
        proven: since when the bytes provably existed.
        brought_crls, brought_ocsps: revocation data inside the file.
        now: the machine's time, where the moment of judging is an earlier one.
    """

    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    proven: datetime | None = None
    brought_crls: tuple[bytes, ...] = ()
    brought_ocsps: tuple[bytes, ...] = ()
    now: datetime | None = None


NO_EVIDENCE = Evidence()


class TrustStore:
    """The anchors of one verification, parsed, with a context of pyHanko for its moment."""

    def __init__(self, anchors: TrustAnchors, moment: datetime, evidence: Evidence = NO_EVIDENCE) -> None:
        """Parse ``anchors``; certificates are judged at ``moment``. ``evidence`` came with the file or beside it."""
        parsed = {der: x509.Certificate.load(der) for der in (*anchors.certificates, *anchors.timestamping)}
        self._parsed = {
            "seal": [parsed[der] for der in anchors.certificates],
            "timestamp": [parsed[der] for der in anchors.timestamping],
        }
        self._pinned = {
            kind: {certificate.sha256 for certificate in found if not is_ca(certificate)}
            for kind, found in self._parsed.items()
        }
        self._known = [x509.Certificate.load(der) for der in anchors.intermediates]
        self.anchors = anchors
        self.moment = moment
        self.now = max(moment, evidence.now or moment)
        self.proven = evidence.proven
        self.revocation = RevocationData(
            (*anchors.crls, *evidence.crls),
            evidence.ocsps,
            moment,
            brought_crls=evidence.brought_crls,
            brought_ocsps=evidence.brought_ocsps,
            now=evidence.now,
        )

    def context(self, *, with_known: bool, kind: str = "seal", at: datetime | None = None) -> ValidationContext:
        """A fresh context, so that certificates inside one signature never help another one. It cannot fetch.

        It stands on the anchors of ``kind`` (``seal``, ``timestamp``).
        ``with_known`` adds the intermediates at hand, for signatures that bring no chain of their own. A chain that was
        brought must hold by itself: no signature covers it, and a changed certificate would go unnoticed otherwise.
        ``at`` is a time that a timestamp proves, in place of the store's moment.
        """
        return ValidationContext(
            trust_manager=_AnchorsThatIssue.of(self._parsed[kind]),
            other_certs=self._known if with_known else [],
            moment=at or self.moment,
            allow_fetching=False,
            revocation_mode="soft-fail",
            algorithm_usage_policy=AllowedAlgorithms(),
            signature_validator=SignatureValidatorWithSm2(),
        )

    def is_pinned(self, certificate: x509.Certificate, kind: str = "seal") -> bool:
        """Whether this very end-entity certificate is an anchor for signatures of ``kind``."""
        return certificate.sha256 in self._pinned[kind]

    def is_maker(self, certificate: bytes) -> bool:
        """Whether this very certificate (DER) is known as one of a maker of seals."""
        return certificate in self.anchors.makers

    def is_anchor(self, certificate: x509.Certificate, kind: str = "seal") -> bool:
        """Whether this very certificate, of a CA or not, is an anchor for signatures of ``kind``."""
        return any(one.sha256 == certificate.sha256 for one in self._parsed[kind])


def is_ca(certificate: x509.Certificate) -> bool:
    """Whether a certificate may issue others: basicConstraints says so, or it is a self-issued one of version 1."""
    if certificate.basic_constraints_value is not None:
        return bool(certificate.ca)
    return bool(certificate["tbs_certificate"]["version"].native == "v1") and certificate.self_issued == "yes"


def may_issue(certificate: x509.Certificate) -> bool:
    """Whether a certificate may sign others: a CA, whose key usage, if it has one, says so (RFC 5280 §4.2.1.3)."""
    usage = certificate.key_usage_value
    return is_ca(certificate) and (usage is None or "key_cert_sign" in usage.native)


class _AnchorsThatIssue(SimpleTrustManager):
    """pyHanko lets any anchor issue certificates; here only CA certificates may, within the bounds that they name.

    Path length and name constraints are the anchor's own (RFC 5937 §3.2): a provincial root that may speak for its
    province must not vouch for another. Its period is not asked (RFC 5280 §6.1.1 d), nor are its policies, which
    operators did not agree to.
    """

    @classmethod
    def of(cls, certificates: Iterable[x509.Certificate]) -> _AnchorsThatIssue:
        manager = cls()
        for certificate in certificates:
            longest = certificate.max_path_length
            # pyHanko counts paths of attribute authorities too, and cannot count from None.
            limits = TrustQualifiers(
                standard_parameters=_name_bounds(certificate), max_path_length=longest, max_aa_path_length=longest
            )
            manager._register_root(CertTrustAnchor(certificate, limits if is_ca(certificate) else None))
        return manager

    def find_potential_issuers(self, cert: x509.Certificate) -> Iterator[TrustAnchor]:
        for anchor in super().find_potential_issuers(cert):
            authority = anchor.authority
            if isinstance(authority, AuthorityWithCert) and may_issue(authority.certificate):
                yield anchor


def _name_bounds(certificate: x509.Certificate) -> PKIXValidationParams | None:
    """The name constraints of an anchor as the beginning of a path; None without any."""
    bounds = certificate.name_constraints_value
    if bounds is None:
        return None
    permitted, excluded = bounds["permitted_subtrees"], bounds["excluded_subtrees"]
    named = process_general_subtrees(permitted) if isinstance(permitted, x509.GeneralSubtrees) else {}
    refused = process_general_subtrees(excluded) if isinstance(excluded, x509.GeneralSubtrees) else {}
    return PKIXValidationParams(
        # Names of a kind that the constraints do not speak of stay free (RFC 5280 §4.2.1.10).
        initial_permitted_subtrees={**default_permitted_subtrees(), **named},
        initial_excluded_subtrees={**default_excluded_subtrees(), **refused},
    )
