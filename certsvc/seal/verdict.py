"""The words of a verdict: ETSI EN 319 102-1 indications, our reason codes, plain Chinese and English.

A verdict is data, never a bare bool. A check that was not made stands in ``not_checked``; it is never "ok".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

SEAL_MAKER = "seal_maker"
"""In ``not_checked``: whether the certificate that made a seal is one of a maker of seals (制作管理单位)."""

SEAL_TIMESTAMP = "seal_timestamp"
"""In ``not_checked``: a timestamp in a seal object, or one in a SES signature that no anchor stands behind."""


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
    """Stable reason codes. The Chinese and English sentences stand in :data:`certsvc.seal.reason_words.WORDS`."""

    OK = "ok"
    OK_REGISTER_NOT_ASKED = "ok_register_not_asked"
    OK_REGISTERED = "ok_registered"
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
    LICENSE_NOT_REGISTERED_THEN = "license_not_registered_then"
    OK_SEAL_OBJECT = "ok_seal_object"
    OK_RECOGNISED = "ok_recognised"
    NOT_RECOGNISED = "not_recognised"
    SEAL_EXPIRED = "seal_expired"
    SEAL_NOT_IN_USE = "seal_not_in_use"
    SEAL_MAKER_UNKNOWN = "seal_maker_unknown"
    CODE_UNKNOWN = "code_unknown"
    CODE_EXPIRED = "code_expired"
    CODE_USED = "code_used"
    CODE_KEY_UNKNOWN = "code_key_unknown"
    CODE_DEVICE_WRONG = "code_device_wrong"
    CODE_REPEATED = "code_repeated"
    CLOCK_DIFFERS = "clock_differs"
    DEVICE_BLOCKED = "device_blocked"
    OK_OFFLINE = "ok_offline"
    IDENTITY_NOT_COMPARED = "identity_not_compared"
    STATUS_OLD = "status_old"
    STATUS_STALE = "status_stale"
    STATUS_UNKNOWN = "status_unknown"
    NOT_IN_FORCE = "not_in_force"
    SCENE_NOT_FOR_YOU = "scene_not_for_you"
    CODE_FOR_HOLDER = "code_for_holder"
    TOO_LARGE = "too_large"
    TIMED_OUT = "timed_out"
    CANNOT_CHECK_NOW = "cannot_check_now"
    OK_COPY = "ok_copy"
    OK_COPY_REGISTERED = "ok_copy_registered"
    COPY_EXPIRED = "copy_expired"
    COPY_WITHDRAWN = "copy_withdrawn"
    COPY_LICENSE_ENDED = "copy_license_ended"
    COPY_LICENSE_REPLACED = "copy_license_replaced"
    COPY_LICENSE_SUSPENDED = "copy_license_suspended"
    COPY_CHANGED = "copy_changed"
    COPY_FOR_ANOTHER = "copy_for_another"
    CODE_OF_COPY = "code_of_copy"


class Remark(StrEnum):
    """Something to look at in a file, whatever its outcome; in words in ``certsvc.seal.reason_words.REMARKS``."""

    LATER_SIGNATURE_SHOWS = "later_signature_shows"
    """a signature behind the first seal shows something on the sealed page, and may hide what stands there"""
    DETAILS_CHANGED_LATER = "details_changed_later"
    """title, author or other facts beside the pages were changed behind the first seal"""
    EARLIER_FORM = "earlier_form"
    """the file of this license has a later form, timestamped or sealed anew; this one stays genuine"""


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
    signed_end: int = 0
    """Where the covered part of the file ends; 0 when that was not found out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RevocationQuery:
    """Where a certificate on a trusted path says that its revocation status can be asked.

    Attributes:
        kind: ``crl`` (GET) or ``ocsp`` (POST of ``request``, RFC 6960 appendix A).
    """

    kind: str
    url: str
    request: bytes = b""


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
    wanted: tuple[RevocationQuery, ...] = ()
    """what could still be asked about revocation; only of certificates whose path reached an anchor"""
    anchors: tuple[str, ...] = ()
    """hex SHA-256 of the anchor of every seal and e-signature, in their order; empty text where none was reached"""
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusFlag:
    """Something to know about a license: a code, Chinese words, and ``amber`` when it takes the green away."""

    code: str
    zh: str
    light: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseFacts:
    """What a verdict says of the license (no personal data beyond the masked name).

    ``replaced_by`` is the newest version at the end of the chain; after a split the first of ``newest``. ``origin`` is
    ``issued`` (here) or ``registered`` (made by ``source_name``); ``origin_zh`` says the latter to people. At
    ``status_index`` of the status list at ``status_uri`` (empty: it has no entry yet) its status is published.
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
    status_index: int = 0
    status_uri: str = ""
    origin: str = ""
    source_name: str = ""
    origin_zh: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyFacts:
    """What a verdict says of an annotated copy (加注件): for whom, for which matter only, until when.

    ``matter`` is masked where only the printed code was shown; the case number is in no verdict.
    """

    number: str
    made_for: str
    matter: str
    until: datetime
    made_at: datetime
    withdrawn: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CitedRecognition:
    """The 互认 that a verdict cites.

    Attributes:
        list_version: version of the trust list in which it stands.
        note: why it does not help, in Chinese; empty when it does.
    """

    partner: str
    partner_name: str
    list_version: int
    effective_from: datetime
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The answer to "is this good?" for a file, a code, a number or a digest (DESIGN.md 7, ``certsvc verify``).

    Attributes:
        as_of: the moment that was asked about, when it was not now; register and certificates are judged as known then.
        later: what the register says now, when ``as_of`` was asked and the answer has changed since.
        time_basis: what the certificates were judged at: ``registered`` (our register proves that the file existed),
            ``asked`` (the moment asked about) or ``now``; empty when no certificate was judged.
        unreachable: hosts that should have told a revocation status, or the state of a partner's license, and did not
            answer.
        list_version: the version of the trust list that the verdict stands on; None when no certificate was judged.
        recognition: for the license of another city, under which 互认 it was looked at.
    """

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
    remarks: tuple[Remark, ...] = ()
    as_of: datetime | None = None
    later: Reason | None = None
    time_basis: str = ""
    unreachable: tuple[str, ...] = ()
    list_version: int | None = None
    recognition: CitedRecognition | None = None
    copy: CopyFacts | None = None
    """of an annotated copy; ``license`` is then the license that it was made of"""
