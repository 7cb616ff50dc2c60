"""Judges a certificate that no CMS brought along: path to an anchor, period, usage, in the words of a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1crypto import x509
from pyhanko_certvalidator import CertificateValidator
from pyhanko_certvalidator.errors import (
    DisallowedAlgorithmError,
    PathBuildingError,
    PathError,
    RevokedError,
    ValidationError,
)

from certsvc.seal.verdict import Check, Indication, Reason, SubIndication
from certsvc.signing.judgement import Outcome, leaf_problem, not_trusted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.signing.trust import TrustStore


async def judge_certificate(der: bytes, beside: Sequence[bytes], store: TrustStore) -> Outcome:
    """Whether the sealing certificate ``der`` leads to an anchor of ``store`` at its moment.

    ``beside`` are certificates that came with it; they are known, not trusted.
    """
    certificate = x509.Certificate.load(der)
    trusted = Outcome(indication=Indication.TOTAL_PASSED, sub_indication=None, reason=Reason.OK, trust=Check.GOOD)
    if store.is_pinned(certificate):
        return trusted
    intermediates = [x509.Certificate.load(one) for one in beside]
    validator = CertificateValidator(
        certificate, intermediate_certs=intermediates, validation_context=store.context(with_known=not beside)
    )
    refusal: Outcome | None = None
    try:
        await validator.async_validate_path()
    except PathBuildingError:
        # Without a path nothing is known of the certificate, its period included.
        return not_trusted(SubIndication.NO_CERTIFICATE_CHAIN_FOUND, Reason.UNTRUSTED_CHAIN)
    except RevokedError:
        refusal = not_trusted(SubIndication.REVOKED_NO_POE, Reason.CERT_REVOKED, trust=Check.BAD)
    except DisallowedAlgorithmError:
        refusal = not_trusted(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, Reason.WEAK_ALGORITHM)
    except (PathError, ValidationError):
        refusal = not_trusted(SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE, Reason.UNTRUSTED_CHAIN)
    if refusal is not None and refusal.reason is not Reason.UNTRUSTED_CHAIN:
        return refusal
    return leaf_problem("seal", certificate, store.moment) or refusal or trusted
