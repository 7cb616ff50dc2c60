"""One frozen payload class per event and major version; released ones are never changed, new ones stand beside them.

Payloads hold plain JSON types and codes: no free text (it may name people), no personal data, no control flow.
``number`` is never in a payload: for some types it is an ID number (DOMAIN.md 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from certsvc.events.archive_payloads import ARCHIVE_PAYLOADS
from certsvc.events.care_payloads import CARE_PAYLOADS
from certsvc.events.consent_payloads import CONSENT_PAYLOADS
from certsvc.events.copy_payloads import COPY_PAYLOADS
from certsvc.events.counter_payloads import COUNTER_PAYLOADS
from certsvc.events.envelope import PREFIX
from certsvc.events.import_payloads import IMPORT_PAYLOADS
from certsvc.events.matter_payloads import MATTER_PAYLOADS
from certsvc.events.oversight_payloads import OVERSIGHT_PAYLOADS
from certsvc.events.payload import Payload
from certsvc.events.seal_payloads import SEAL_MOVED, SealExpiring, SealOddUse, SealUseDecided, SealUseSettled
from certsvc.events.signing_payloads import SIGNING_PAYLOADS
from certsvc.events.supervision_payloads import SUPERVISION_PAYLOADS
from certsvc.events.visit_payloads import VISIT_PAYLOADS
from certsvc.events.webhook_payloads import WebhookDisabled, WebhookTested


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuanceAccepted(Payload):
    """A request was taken in (受理): it is stored and will be worked on."""

    NAME: ClassVar[str] = "issuance.accepted.v1"
    request_id: str
    authority_code: str
    business_no: str
    license_type: str
    action: str


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuanceRefused(Payload):
    """A request was refused on business grounds; it will not be tried again."""

    NAME: ClassVar[str] = "issuance.refused.v1"
    request_id: str
    authority_code: str
    business_no: str
    license_type: str
    reason: str
    """code; the sentence is read at ``GET /v1/issuances/{request_id}`` by the system that asked"""


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseIssued(Payload):
    """A license version was registered and its file can be had."""

    NAME: ClassVar[str] = "license.issued.v1"
    identifier: str
    license_type: str
    issuer_code: str
    request_id: str
    business_no: str
    valid_from: str
    valid_until: str
    """``YYYY-MM-DD``, or empty for 长期"""
    sha256: str
    previous_identifier: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseRegistered(Payload):
    """A license that was made elsewhere was registered: its seal was verified, its file is untouched."""

    NAME: ClassVar[str] = "license.registered.v1"
    identifier: str
    license_type: str
    issuer_code: str
    origin: str
    """always ``registered``"""
    source: str
    """id of the source in the catalog"""
    registered_by: str
    """USCC of the body here that registered it"""
    valid_from: str
    valid_until: str
    """``YYYY-MM-DD``, or empty for 长期"""
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseSimulated(Payload):
    """模拟审批: an opinion without legal force was registered for a project; it is no license."""

    NAME: ClassVar[str] = "license.simulated.v1"
    identifier: str
    license_type: str
    issuer_code: str
    request_id: str
    business_no: str
    project_code: str
    valid_until: str
    """``YYYY-MM-DD``, or empty for 长期"""
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LicensePreserved(Payload):
    """The file of a license was given another archive timestamp: a later form, whose pages and seals are the same."""

    NAME: ClassVar[str] = "license.preserved.v1"
    identifier: str
    license_type: str
    issuer_code: str
    sha256: str
    previous_sha256: str
    """of the form before it, which stays genuine"""


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseMoved(Payload):
    """Base of the events of ``license/states.py``: what the decision did, and whose it was."""

    identifier: str
    license_type: str
    from_state: str
    to_state: str
    deciding_authority: str
    document_no: str
    decided_on: str
    until: str
    replaced_by: str
    origin: str = "issued"
    """``issued`` here, or ``registered``: then the source reported what happened"""


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseSuspended(LicenseMoved):
    """暂扣."""

    NAME: ClassVar[str] = "license.suspended.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseResumed(LicenseMoved):
    """A suspension was lifted."""

    NAME: ClassVar[str] = "license.resumed.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseRescinded(LicenseMoved):
    """撤销."""

    NAME: ClassVar[str] = "license.rescinded.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseWithdrawn(LicenseMoved):
    """撤回."""

    NAME: ClassVar[str] = "license.withdrawn.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseRevoked(LicenseMoved):
    """吊销."""

    NAME: ClassVar[str] = "license.revoked.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseCancelled(LicenseMoved):
    """注销."""

    NAME: ClassVar[str] = "license.cancelled.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseVoided(LicenseMoved):
    """作废."""

    NAME: ClassVar[str] = "license.voided.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseReinstated(LicenseMoved):
    """复议 or a judgment put the license back in force."""

    NAME: ClassVar[str] = "license.reinstated.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseSuperseded(LicenseMoved):
    """A newer version was registered."""

    NAME: ClassVar[str] = "license.superseded.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseCorrected(LicenseMoved):
    """更正: the file was made wrongly and voided; ``replaced_by`` is the right one."""

    NAME: ClassVar[str] = "license.corrected.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseConverted(LicenseMoved):
    """A provisional opinion was recalled; ``replaced_by`` is the formal license."""

    NAME: ClassVar[str] = "license.converted.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseNoted(Payload):
    """A fact was noted about a license; its state did not change."""

    NAME: ClassVar[str] = "license.noted.v1"
    identifier: str
    license_type: str
    issuer_code: str
    fact: str
    """name of the kind (``license/facts.py``)"""
    code: str
    happened_on: str
    due_on: str
    """``YYYY-MM-DD`` or empty"""
    authority: str
    """who noted it, or empty for the service"""
    document_no: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseDue(Payload):
    """Something falls due, or fell due, for a license; its state did not change."""

    NAME: ClassVar[str] = "license.due.v1"
    identifier: str
    license_type: str
    issuer_code: str
    kind: str
    """name of the kind (``license/dues.py``)"""
    ref: str
    due_on: str
    origin: str = "issued"
    """``issued`` here, or ``registered``"""


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogPublished(Payload):
    """A version of a license type was published; every process takes it up."""

    NAME: ClassVar[str] = "catalog.published.v1"
    license_type: str
    version: int
    digest: str
    proposed_by: str
    published_by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustChanged(Payload):
    """A change of the trust list was confirmed; every process takes it up."""

    NAME: ClassVar[str] = "trust.changed.v1"
    version: int
    kind: str
    """``anchor`` or ``recognition``"""
    entry_id: str
    """SHA-256 of the anchor's certificate, or the partner's code"""
    digest: str
    """chains this change to all before it"""
    reason: str
    proposed_by: str
    confirmed_by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseFetched(Payload):
    """A system was given an answer, fields or the file, for a matter."""

    NAME: ClassVar[str] = "license.fetched.v1"
    identifier: str
    license_type: str
    client_id: str
    matter_code: str
    case_no: str
    basis: str
    fields: list[str]
    origin: str = "issued"
    """``issued`` here, or ``registered``"""


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseScanned(Payload):
    """A code of a license was scanned by an officer or a clerk; whose account it was stays in the register."""

    NAME: ClassVar[str] = "license.scanned.v1"
    identifier: str
    license_type: str
    authority_code: str
    """USCC of the body that the officer or clerk belongs to"""
    code_kind: str
    """``show``, ``printed`` or ``offline``"""
    outcome: str
    """reason code of the answer"""
    origin: str = "issued"
    """``issued`` here, or ``registered``"""


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentSealed(Payload):
    """A document that is no license was stamped by hand (人工用印) and registered."""

    NAME: ClassVar[str] = "document.sealed.v1"
    stamping_id: str
    seal_id: str
    owner_code: str
    matter_code: str
    """事项编码, or empty"""
    sha256_before: str
    sha256: str
    pages: int
    marks: int


MOVED: dict[str, type[LicenseMoved]] = {
    cls.NAME.split(".")[1]: cls
    for cls in (
        LicenseSuspended,
        LicenseResumed,
        LicenseRescinded,
        LicenseWithdrawn,
        LicenseRevoked,
        LicenseCancelled,
        LicenseVoided,
        LicenseReinstated,
        LicenseSuperseded,
        LicenseCorrected,
        LicenseConverted,
    )
}
"""Action part of the name (``Move.event``) -> payload class."""

PAYLOADS: tuple[type[Payload], ...] = (
    IssuanceAccepted,
    IssuanceRefused,
    LicenseIssued,
    LicenseRegistered,
    LicenseSimulated,
    LicensePreserved,
    *MOVED.values(),
    LicenseNoted,
    LicenseDue,
    LicenseFetched,
    LicenseScanned,
    CatalogPublished,
    TrustChanged,
    *SEAL_MOVED.values(),
    SealExpiring,
    SealOddUse,
    SealUseDecided,
    SealUseSettled,
    *SIGNING_PAYLOADS,
    DocumentSealed,
    WebhookDisabled,
    WebhookTested,
    *IMPORT_PAYLOADS,
    *CONSENT_PAYLOADS,
    *VISIT_PAYLOADS,
    *COPY_PAYLOADS,
    *MATTER_PAYLOADS,
    *OVERSIGHT_PAYLOADS,
    *COUNTER_PAYLOADS,
    *SUPERVISION_PAYLOADS,
    *ARCHIVE_PAYLOADS,
    *CARE_PAYLOADS,
)

REQUESTED_ISSUANCE = PREFIX + "issuance.requested.v1"
"""Type of the approval event that asks for issuance (in)."""

REQUESTED_MOVE = PREFIX + "move.requested.v1"
"""Type of the event that asks for a move of a license (in)."""

REPORTED_CASE = PREFIX + "case.reported.v1"
"""Type of the event by which an approval system reports a step of a case, for its clock (in)."""

REPORTED_SERVICE = PREFIX + "service.reported.v1"
"""Type of the event that a service was completed (in); ``service.completed`` says it with the id of its code."""

REPORTED_STATE = PREFIX + "state.reported.v1"
"""Type of the event by which the source of a registered license reports its state (in)."""
