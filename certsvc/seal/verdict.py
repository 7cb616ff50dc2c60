"""The words of a verdict: ETSI EN 319 102-1 indications, our reason codes, plain Chinese and English.

A verdict is data, never a bare bool. A check that was not made stands in ``not_checked``; it is never "ok".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Indication(StrEnum):
    """ETSI EN 319 102-1 §5.1.3, main status indication."""

    TOTAL_PASSED = "TOTAL-PASSED"
    TOTAL_FAILED = "TOTAL-FAILED"
    INDETERMINATE = "INDETERMINATE"


class SubIndication(StrEnum):
    """ETSI EN 319 102-1 §5.1.3, table 2 (those used here)."""

    FORMAT_FAILURE = "FORMAT_FAILURE"
    HASH_FAILURE = "HASH_FAILURE"
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    CERTIFICATE_CHAIN_GENERAL_FAILURE = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    SIGNED_DATA_NOT_FOUND = "SIGNED_DATA_NOT_FOUND"
    TRY_LATER = "TRY_LATER"
    GENERIC = "GENERIC"


class Check(StrEnum):
    """Answer of one separate check; ``NOT_CHECKED`` is never good."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"
    NOT_CHECKED = "not_checked"


class RegistryMatch(StrEnum):
    """Is the file ours, by SHA-256 against the register?"""

    EXACT = "exact"
    """these very bytes were issued here"""
    OTHER_BYTES = "other_bytes"
    """our seal signed it, but these are not the bytes we registered"""
    NONE = "none"
    NOT_CHECKED = "not_checked"


class Reason(StrEnum):
    """Stable reason codes. The Chinese and English sentences stand in :data:`REASON_TEXT`."""

    OK = "ok"
    OK_REGISTER_NOT_ASKED = "ok_register_not_asked"
    OK_SIGNED_DOCUMENT = "ok_signed_document"
    SIGNING_UNFINISHED = "signing_unfinished"
    NOT_A_PDF = "not_a_pdf"
    MALFORMED = "malformed"
    ENCRYPTED = "encrypted"
    NO_SIGNATURE = "no_signature"
    ONLY_TIMESTAMPS = "only_timestamps"
    UNSUPPORTED_SIGNATURE = "unsupported_signature"
    CHANGED_AFTER_SEALING = "changed_after_sealing"
    NOT_FULLY_COVERED = "not_fully_covered"
    DIGEST_MISMATCH = "digest_mismatch"
    BAD_SIGNATURE = "bad_signature"
    WEAK_ALGORITHM = "weak_algorithm"
    UNTRUSTED_CHAIN = "untrusted_chain"
    WRONG_KEY_USAGE = "wrong_key_usage"
    CERT_EXPIRED = "cert_expired"
    CERT_NOT_YET_VALID = "cert_not_yet_valid"
    CERT_REVOKED = "cert_revoked"
    CERT_REVOKED_AFTER_SIGNING = "cert_revoked_after_signing"
    REVOCATION_UNKNOWN = "revocation_unknown"
    NOT_OUR_BYTES = "not_our_bytes"
    NOT_OURS = "not_ours"
    LICENSE_UNKNOWN = "license_unknown"
    LICENSE_PROVISIONAL = "license_provisional"
    LICENSE_SUSPENDED = "license_suspended"
    LICENSE_SUPERSEDED = "license_superseded"
    LICENSE_RESCINDED = "license_rescinded"
    LICENSE_WITHDRAWN = "license_withdrawn"
    LICENSE_REVOKED = "license_revoked"
    LICENSE_CANCELLED = "license_cancelled"
    LICENSE_VOIDED = "license_voided"
    LICENSE_EXPIRED = "license_expired"
    LICENSE_NOT_YET_VALID = "license_not_yet_valid"
    LICENSE_RENEWAL_PENDING = "license_renewal_pending"
    LICENSE_PARENT_ENDED = "license_parent_ended"
    LICENSE_OBLIGATION_BROKEN = "license_obligation_broken"
    LICENSE_OBLIGATION_OVERDUE = "license_obligation_overdue"
    LICENSE_CHECK_FAILED = "license_check_failed"
    LICENSE_CHECK_OVERDUE = "license_check_overdue"
    LICENSE_DORMANT = "license_dormant"
    CODE_UNKNOWN = "code_unknown"
    CODE_EXPIRED = "code_expired"
    CODE_USED = "code_used"
    SCENE_NOT_FOR_YOU = "scene_not_for_you"
    TOO_LARGE = "too_large"
    TIMED_OUT = "timed_out"
    CANNOT_CHECK_NOW = "cannot_check_now"


REASON_TEXT: dict[Reason, tuple[str, str]] = {
    Reason.OK: ("核验通过", "Verified"),
    Reason.OK_REGISTER_NOT_ASKED: (
        "印章有效、内容未改；未与登记比对，证照可能已经注销或吊销，请联网核验",
        "Seal good, content unchanged; the register was not asked: the license may have ended",
    ),
    Reason.OK_SIGNED_DOCUMENT: (
        "签署文件核验通过：签名属实，内容未改",
        "Signed document verified: the signatures are good, the content is unchanged",
    ),
    Reason.SIGNING_UNFINISHED: (
        "已有的签名属实，但这不是签署完成的文件，请向发起单位索取最终文件",
        "The signatures are good, but the signing is not complete: ask for the final document",
    ),
    Reason.NOT_A_PDF: ("不是 PDF 文件，请上传电子证照原文件", "Not a PDF: upload the original license file"),
    Reason.MALFORMED: ("文件已损坏，无法核验，请向持证人索取原文件", "Damaged file: ask the holder for the original"),
    Reason.ENCRYPTED: ("文件已加密，无法核验，请提供未加密的原文件", "Encrypted file: provide the original"),
    Reason.NO_SIGNATURE: ("文件没有电子印章，不能证明其真实性", "No seal in this file: it proves nothing"),
    Reason.ONLY_TIMESTAMPS: ("文件只有时间戳，没有电子印章", "Only timestamps, no seal"),
    Reason.UNSUPPORTED_SIGNATURE: ("文件含有无法识别的签章格式", "A signature of an unknown format is present"),
    Reason.CHANGED_AFTER_SEALING: ("盖章后文件被改动，请勿采信", "Changed after sealing: do not rely on it"),
    Reason.NOT_FULLY_COVERED: ("印章没有覆盖整个文件，请勿采信", "The seal does not cover the whole file"),
    Reason.DIGEST_MISMATCH: ("文件内容与印章不符，请勿采信", "The content does not match the seal"),
    Reason.BAD_SIGNATURE: ("印章签名无效，请勿采信", "The seal's signature is not valid"),
    Reason.WEAK_ALGORITHM: ("签名算法强度不足，不予认可", "The signature algorithm is too weak"),
    Reason.UNTRUSTED_CHAIN: ("印章证书不在信任列表内", "The seal's certificate is not in the trust list"),
    Reason.WRONG_KEY_USAGE: ("证书用途不允许签章", "The certificate's key usage does not allow sealing"),
    Reason.CERT_EXPIRED: ("核验时印章证书已过期，且无可信签章时间", "The seal certificate has expired"),
    Reason.CERT_NOT_YET_VALID: ("印章证书尚未生效", "The seal certificate is not yet valid"),
    Reason.CERT_REVOKED: ("印章证书已被吊销", "The seal certificate was revoked"),
    Reason.CERT_REVOKED_AFTER_SIGNING: (
        "印章证书在所称签章时间之后被吊销，且无可信时间戳证明签章在先",
        "The seal certificate was revoked after the claimed signing time, which no timestamp proves",
    ),
    Reason.REVOCATION_UNKNOWN: (
        "无法取得印章证书的吊销状态，请稍后再试",
        "The revocation status of the seal certificate is not known: try again later",
    ),
    Reason.NOT_OUR_BYTES: ("印章属实，但文件不是本机关签发的原件", "Our seal, but not a file that we issued"),
    Reason.NOT_OURS: ("不是本机关签发的证照或二维码", "Not issued here"),
    Reason.LICENSE_UNKNOWN: ("未查到此证照", "No such license"),
    Reason.LICENSE_PROVISIONAL: (
        "模拟审批意见，不具有行政审批文件的法律效力，未转换为正式文件前不得开工建设",
        "Provisional opinion without legal force",
    ),
    Reason.LICENSE_SUSPENDED: ("证照已被暂扣，暂扣期内不得使用", "The license is suspended (暂扣)"),
    Reason.LICENSE_SUPERSEDED: ("证照已换发新版本，请持证人出示新证", "Replaced by a newer version"),
    Reason.LICENSE_RESCINDED: ("证照已被撤销", "The license was rescinded (撤销)"),
    Reason.LICENSE_WITHDRAWN: ("证照已被撤回", "The license was withdrawn (撤回)"),
    Reason.LICENSE_REVOKED: ("证照已被吊销", "The license was revoked (吊销)"),
    Reason.LICENSE_CANCELLED: ("证照已注销", "The license was cancelled (注销)"),
    Reason.LICENSE_VOIDED: ("证照文件已作废", "The license file was voided (作废)"),
    Reason.LICENSE_EXPIRED: ("证照已过有效期", "The license has expired"),
    Reason.LICENSE_NOT_YET_VALID: ("证照尚未到生效日期", "The license is not yet valid"),
    Reason.LICENSE_RENEWAL_PENDING: ("延续办理中，原证照继续有效", "Renewal pending; the license continues"),
    Reason.LICENSE_PARENT_ENDED: ("所依附的证照已终止，请核实", "A license on which it depends has ended"),
    Reason.LICENSE_OBLIGATION_BROKEN: ("未履行承诺，责令整改中", "An obligation was broken"),
    Reason.LICENSE_OBLIGATION_OVERDUE: ("承诺事项或后补材料逾期", "An obligation is overdue"),
    Reason.LICENSE_CHECK_FAILED: ("定期检查不合格", "A periodic check was failed"),
    Reason.LICENSE_CHECK_OVERDUE: ("定期检查逾期", "A periodic check is overdue"),
    Reason.LICENSE_DORMANT: ("存续（歇业），证照有效", "Dormant; the license is valid"),
    Reason.CODE_UNKNOWN: ("不是有效的亮证码，请持证人重新亮证", "Not a valid code: ask the holder to show again"),
    Reason.CODE_EXPIRED: ("亮证码已过期，请持证人刷新后重新出示", "The code has expired: ask the holder to refresh"),
    Reason.CODE_USED: ("亮证码已被使用，请持证人刷新后重新出示", "The code was used: ask the holder to refresh"),
    Reason.SCENE_NOT_FOR_YOU: (
        "持证人选择的场景不是给您的，未提供信息；请持证人改选场景后重新亮证",
        "The holder chose another scene: ask to show again for yours",
    ),
    Reason.TOO_LARGE: ("文件超过大小限制", "The file is larger than the limit"),
    Reason.TIMED_OUT: ("核验超时，未得出结论，请稍后再试", "No conclusion in time: try again later"),
    Reason.CANNOT_CHECK_NOW: ("暂时无法核验，请稍后再试", "Cannot be checked now: try again later"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SignatureReport:
    """What was found about one signature of the file."""

    field_name: str
    format: str
    kind: str
    """``seal``, ``timestamp`` or ``unknown``"""
    intact: Check
    valid: Check
    trust: Check
    coverage: str
    """``entire_file``, ``entire_revision``, ``partial`` or ``unclear``"""
    modification: str
    """``none``, ``lta_updates``, ``form_filling``, ``annotations``, ``other`` or ``unclear``"""
    signer: str
    signer_cert_sha256: str
    digest_algorithm: str
    claimed_time: datetime | None
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileFindings:
    """What the signing room found in a file, before the register was asked.

    ``integrity`` is good when every signature is cryptographically sound over an unmodified file; trust is apart, so
    that "untrusted" never hides an attack (RELIABILITY 1.6).
    """

    indication: Indication
    sub_indication: SubIndication | None
    reason: Reason
    detail: str
    integrity: Check
    coverage: Check
    modification: Check
    trust: Check
    sha256: str
    signatures: tuple[SignatureReport, ...] = ()
    not_checked: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusFlag:
    """Something to know about a license: a code, Chinese words, and ``amber`` when it takes the green away."""

    code: str
    zh: str
    light: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseFacts:
    """What a verdict says of the license (no personal data beyond the masked name).

    ``replaced_by`` is the newest version at the end of the chain; after a split the first of ``newest``.
    """

    identifier: str
    number: str
    type_slug: str
    type_name: str
    issuer_name: str
    holder_masked: str
    state: str
    state_zh: str
    valid_from: str
    valid_until: str
    replaced_by: str = ""
    newest: tuple[str, ...] = ()
    light: str = ""
    flags: tuple[StatusFlag, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The answer to "is this good?" for a PDF, a code or a number (DESIGN.md 7, ``certsvc verify``)."""

    indication: Indication
    sub_indication: SubIndication | None
    reason: Reason
    detail: str
    registry_match: RegistryMatch
    integrity: Check
    coverage: Check
    modification: Check
    trust: Check
    status: Check
    checked_at: datetime
    signatures: tuple[SignatureReport, ...] = ()
    license: LicenseFacts | None = None
    not_checked: tuple[str, ...] = field(default=())

    @property
    def text_zh(self) -> str:
        """The reason in plain Chinese."""
        return REASON_TEXT[self.reason][0]

    @property
    def text_en(self) -> str:
        """The reason in English."""
        return REASON_TEXT[self.reason][1]
