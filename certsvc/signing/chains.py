"""Judges a certificate that no CMS brought along: path to an anchor, period, usage, in the words of a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asn1crypto import x509
from pyhanko_certvalidator import CertificateValidator
from pyhanko_certvalidator.errors import (
    DisallowedAlgorithmError,
    PathBuildingError,
    PathError,
    ValidationError,
)

from certsvc.seal.verdict import Check, Indication, Reason, SubIndication
from certsvc.signing.cms_rules import is_plain
from certsvc.signing.judgement import Outcome, leaf_problem, not_trusted, usage_problem
from certsvc.signing.revoked import UseTime, judge_revocation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.seal.verdict import RevocationQuery
    from certsvc.signing.trust import TrustStore


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainJudgement:
    """The outcome for a certificate, and whether revocation data spoke of its whole path."""

    outcome: Outcome
    revocation_checked: bool = False
    wanted: tuple[RevocationQuery, ...] = ()
    anchor: str = ""
    """hex SHA-256 of the anchor that the path ends at, or empty"""
    pinned: bool = False
    """the certificate is itself an anchor: its revocation is not applicable"""


def path_problem(path: Sequence[x509.Certificate]) -> Outcome | None:
    """What is wrong with the parts of a certificate that its own signature does not cover (RFC 5280 §4.1.1.2-3).

    The algorithm stands twice, inside and outside the signed part, and must be the same to the byte; the rest is
    :func:`is_plain`. ``path`` goes from the anchor, trusted as it is, to the signer.
    """
    for certificate in path[1:]:
        same = certificate["signature_algorithm"].dump() == certificate["tbs_certificate"]["signature"].dump()
        if not (same and is_plain(certificate)):
            sub, detail = SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE, "unsigned part of a certificate"
            return not_trusted(sub, Reason.UNTRUSTED_CHAIN, detail=detail)
    return None


async def judge_certificate(
    der: bytes, beside: Sequence[bytes], store: TrustStore, used: UseTime, *, kind: str = "seal"
) -> ChainJudgement:
    """Whether the certificate ``der``, used at ``used``, leads to an anchor of ``store`` at its moment.

    One that ended is judged at the time that ``used`` proves (EN 319 102-1 §5.5).
    ``beside`` are certificates that came with it; they are known, not trusted. ``kind`` is ``seal`` or ``timestamp``.
    """
    try:
        certificate = x509.Certificate.load(der, strict=True)
        judged = await _judge(certificate, beside, store, used, kind)
        if judged.outcome.reason is Reason.CERT_EXPIRED and used.proven is not None and used.proven < store.moment:
            return await _judge(certificate, beside, store, used, kind, at=used.proven)
    except (ValueError, TypeError, KeyError):
        sub = SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE
        refusal = not_trusted(sub, Reason.UNTRUSTED_CHAIN, detail="a certificate that cannot be read")
        return ChainJudgement(outcome=refusal)
    return judged


async def _judge(
    certificate: x509.Certificate,
    beside: Sequence[bytes],
    store: TrustStore,
    used: UseTime,
    kind: str,
    *,
    at: datetime | None = None,
) -> ChainJudgement:
    trusted = Outcome(indication=Indication.TOTAL_PASSED, sub_indication=None, reason=Reason.OK, trust=Check.GOOD)
    if store.is_pinned(certificate, kind):
        if wrong := usage_problem(kind, certificate):
            return ChainJudgement(outcome=wrong)
        return ChainJudgement(outcome=trusted, anchor=certificate.sha256.hex(), pinned=True)
    intermediates = [x509.Certificate.load(one) for one in beside]
    validator = CertificateValidator(
        certificate,
        intermediate_certs=intermediates,
        validation_context=store.context(with_known=not beside, kind=kind, at=at),
    )
    refusal: Outcome | None = None
    path: list[x509.Certificate] = []
    try:
        path = list((await validator.async_validate_path()).iter_certs(include_root=True))
    except PathBuildingError:
        # Without a path nothing is known of the certificate, its period included.
        missing = not_trusted(SubIndication.NO_CERTIFICATE_CHAIN_FOUND, Reason.UNTRUSTED_CHAIN)
        return ChainJudgement(outcome=missing)
    except DisallowedAlgorithmError:
        weak = not_trusted(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, Reason.WEAK_ALGORITHM)
        return ChainJudgement(outcome=weak)
    except (PathError, ValidationError):
        refusal = not_trusted(SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE, Reason.UNTRUSTED_CHAIN)
    anchored = store.is_anchor(certificate, kind)
    if refusal := leaf_problem(kind, certificate, at or store.moment, anchored=anchored) or refusal:
        return ChainJudgement(outcome=refusal)
    if refusal := path_problem(path):
        return ChainJudgement(outcome=refusal)
    revoked = judge_revocation(path, store, used)
    return ChainJudgement(
        outcome=revoked.refusal or trusted,
        revocation_checked=revoked.checked,
        wanted=revoked.wanted,
        anchor=path[0].sha256.hex() if path else "",
    )
