"""Judges the certificate that an outside CA made for a key of ours, before anything is signed with it.

A certificate that our own verifier would not believe is refused on the day it comes, with the one reason that speaks
against it, and not on the day when a person has signed with it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.errors import FieldProblem, InvalidInput
from certsvc.seal.verdict import Reason
from certsvc.signing.chains import judge_certificate
from certsvc.signing.revoked import UseTime
from certsvc.signing.trust import TrustStore, is_ca

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cryptography import x509

    from certsvc.signing.trust import TrustAnchors

CA_OUT_OF_PERIOD = "ca_out_of_period"

NEXT_STEP_ZH: dict[str, str] = {
    Reason.CERT_NOT_YET_VALID: "证书还没有生效：请在生效后再登记",
    Reason.CERT_EXPIRED: "证书已过有效期：请向签发机构索取有效的证书",
    CA_OUT_OF_PERIOD: "签发机构的证书不在有效期内：请向签发机构索取现行的证书链",
    Reason.WRONG_KEY_USAGE: "证书的密钥用途不是签名：请向签发机构索取签名证书（数字签名、抗抵赖）",
    Reason.CERT_REVOKED: "证书或其签发机构的证书已被吊销：请重新申请",
    Reason.REVOCATION_UNKNOWN: "查不到证书的吊销状态：请先放入签发机构最新的吊销列表（crl_dir）",
    Reason.WEAK_ALGORITHM: "证书链使用了不再安全的算法：请向签发机构索取合规的证书",
    Reason.UNTRUSTED_CHAIN: "证书链不能连到信任的根证书：请补齐中间证书，或由运维将根证书放入信任目录（trust_dir）",
}
"""What is told of a refused certificate: reason -> sentence with the next step."""


def check_outside_certificate(chain: Sequence[x509.Certificate], anchors: TrustAnchors, now: datetime) -> None:
    """Path to an anchor, periods, usage and what is known of revocation, as the verifier asks.

    That the first certificate belongs to the key is asked before (``certificate_requests.checked_answer``).

    Raises:
        InvalidInput: refused; the code of its one problem says why.
    """
    ders = [certificate.public_bytes(Encoding.DER) for certificate in chain]
    leaf = asn1.Certificate.load(ders[0])
    # Path building answers only "no path" where a CA's period is over; who gets the answer should know which it is.
    if any(not one.not_valid_before_utc <= now <= one.not_valid_after_utc for one in chain[1:]):
        raise _refused(CA_OUT_OF_PERIOD)
    if is_ca(leaf):
        raise _refused(Reason.WRONG_KEY_USAGE)
    judged = asyncio.run(judge_certificate(ders[0], ders[1:], TrustStore(anchors, now), UseTime(claimed=now)))
    if judged.outcome.reason is not Reason.OK:
        raise _refused(judged.outcome.reason)


def _refused(reason: str) -> InvalidInput:
    detail = NEXT_STEP_ZH.get(reason, NEXT_STEP_ZH[Reason.UNTRUSTED_CHAIN])
    return InvalidInput(detail, problems=(FieldProblem(pointer="/certificate", code=str(reason), detail=detail),))
