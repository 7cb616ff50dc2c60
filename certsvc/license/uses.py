"""Uses of a license: shown (亮证), scanned, granted (授权) and fetched (用证)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from certsvc.identifiers import use_basis
from certsvc.license.consents import MAX_ANSWERS_PER_GRANT


class ShowBasis(StrEnum):
    """By what right somebody shows a license."""

    OWN = "own"
    CO_HOLDER = "co_holder"
    """共有人、户内成员: the own part"""
    GUARDIAN = "guardian"
    """监护人"""
    REPRESENTATIVE = "representative"
    """法定代表人"""
    DELEGATION = "delegation"
    """代亮"""


class ShowState(StrEnum):
    """Where a show code stands, for who made it."""

    WAITING = "waiting"
    """nobody was given data yet"""
    SCANNED = "scanned"
    """data were given"""
    OVER = "over"
    """too late, and nobody was given data"""


GIVEN = "given"
"""Outcome of a fetch that gave something; of a refusal it is the reason's code."""


NO_BASIS = "no_lawful_basis"
QUOTA_USED_UP = "quota_used_up"
CONSENT_OVER = "consent_over"
"""used, withdrawn or expired, or what it rests on has ended"""
BEYOND_POLICY = "beyond_policy"
"""more than policy or consent list"""
NOT_IN_FORCE = "not_in_force"
NO_POLICY = "no_policy"
NOT_WITHHELD = "not_withheld"
"""暂缓告知: not approved, over, or for something else"""
CONSENT_ONLY = "consent_only"
"""a body that acts on the holder's consent alone asked on duty"""
WHY_NOT: frozenset[str] = frozenset(
    {QUOTA_USED_UP, CONSENT_OVER, BEYOND_POLICY, NOT_IN_FORCE, NO_POLICY, NOT_WITHHELD, CONSENT_ONLY}
)
"""Why there was :data:`NO_BASIS`, in the ledger and for the body that asked; to everybody else they are all that."""


class UseBasis(StrEnum):
    """On what a use by another system rests."""

    CONSENT = use_basis.CONSENT
    """the holder's own, or that of a guardian or 法定代表人"""
    DELEGATION = "delegation"
    """委托: a delegate consented"""
    COUNTER = "counter"
    """现场授权: on paper, before a clerk"""
    DUTY = use_basis.DUTY
    """依职能"""
    APPLICATION = "application"
    """收件: at the counter where the holder applies, without any content"""


USE_BASIS_ZH: dict[str, str] = {
    UseBasis.CONSENT: "持证人授权",
    UseBasis.DELEGATION: "受托人代为授权",
    UseBasis.COUNTER: "现场授权",
    UseBasis.DUTY: "依职能",
    UseBasis.APPLICATION: "申请办理时核验材料",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Show:
    """One show code, known to us only by its digest.

    Attributes:
        token_sha256: hex SHA-256 of the 128-bit token in the QR.
        scene: scene code of the type; the fields of the scene are all it can give.
        redeemed_at, redeemed_by: set once, when data were given.
        basis: by what right it is shown (``ShowBasis``); ``basis_id`` names the delegation, relation or co-holder.
        presenter: name of who shows for the holder; empty when the holder does.
        bundle: code of the 一业一证, or empty; ``members`` are then version id and scene of each license, and
            ``version_id`` and ``scene`` those of the first.
    """

    show_id: str
    token_sha256: str
    version_id: str
    holder_subject: str
    scene: str
    created_at: datetime
    expires_at: datetime
    redeemed_at: datetime | None = None
    redeemed_by: str = ""
    basis: str = ShowBasis.OWN
    basis_id: str = ""
    presenter: str = ""
    bundle: str = ""
    members: tuple[tuple[str, str], ...] = ()

    def stands(self, now: datetime) -> ShowState:
        """Where it stands at ``now``."""
        if self.redeemed_at is not None:
            return ShowState.SCANNED
        return ShowState.WAITING if now < self.expires_at else ShowState.OVER


@dataclass(frozen=True, kw_only=True, slots=True)
class Scan:
    """One look by an officer or a clerk at a show code or a printed code; the inspection record.

    Attributes:
        code_kind: ``show``, ``printed``, ``offline``, ``challenge``, ``number`` or ``unknown``.
        outcome: reason code of the answer.
        fields: keys of the fields that were given.
        version_id, show_id: empty when the code led nowhere; the latter is the id of the core of an offline code, and
            that of the challenge where one was answered.
        visit_id: the visit in which it was made, or empty.
    """

    scan_id: str
    code_kind: str
    show_id: str
    version_id: str
    officer: str
    authority_code: str
    badge: str
    scene: str
    outcome: str
    fields: tuple[str, ...]
    at: datetime
    visit_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """A holder's consent for one client and one matter, one-time for data: by 用证码, use request or at a counter.

    Attributes:
        token_sha256: of the 用证码; of a random text that nobody was given where the client needs no code.
        holder_subject: account of who consented; empty for a consent on paper at a counter.
        fields: keys granted; ``*copy`` for the file, ``?…`` for answers.
        basis: by what right somebody consented (``ShowBasis``); ``basis_id`` names the delegation or relation.
        consent_id: the use request, or the consent at a counter, that it came of; empty for a 用证码.
        operator: the only one who may use it; empty for any of the client.
        answers: how many answers it gave.
    """

    grant_id: str
    token_sha256: str
    version_id: str
    holder_subject: str
    client_id: str
    matter_code: str
    case_no: str
    fields: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    withdrawn_at: datetime | None = None
    basis: str = ShowBasis.OWN
    basis_id: str = ""
    consent_id: str = ""
    operator: str = ""
    answers: int = 0
    copy_until: datetime | None = None
    """until when a copy that is made under it may be good; None as long as the policy lets it"""

    def answers_left(self, now: datetime) -> int:
        """How many questions it may answer still; its one use for data takes none of them away."""
        over = self.withdrawn_at is not None or now >= self.expires_at
        return 0 if over else max(0, MAX_ANSWERS_PER_GRANT - self.answers)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetch:
    """One row of the ledger 谁用过我的证: every fetch, answer and refusal.

    Attributes:
        basis: a word of ``UseBasis``; of a refusal what the client claimed.
        outcome: ``given`` or the reason code of the refusal, one of :data:`WHY_NOT` among them.
        fields: what left, of a refusal what was asked for by name; ``*copy`` for the file, ``?…`` for an answer.
        said: the question in words, when one was asked; without the term where the field is personal.
        answer: ``yes``, ``no`` or ``unknown``; empty for a fetch, and for a refusal.
        withheld_until: until when the holder does not learn of it; ``withheld_why`` is the legal basis.
        type_slug: the type that was asked for, also of a refusal; empty in rows of earlier releases.
    """

    fetch_id: str
    version_id: str
    client_id: str
    client_name: str
    authority_code: str
    matter_code: str
    case_no: str
    operator: str
    purpose: str
    basis: str
    grant_id: str
    fields: tuple[str, ...]
    outcome: str
    at: datetime
    said: str = ""
    answer: str = ""
    withheld_until: datetime | None = None
    withheld_why: str = ""
    type_slug: str = ""

    def hidden(self, now: datetime) -> bool:
        """Whether the holder must not learn of it yet."""
        return self.withheld_until is not None and now < self.withheld_until

    def as_told(self) -> Fetch:
        """As the holder reads it: of a refusal nothing left, and why is the matter of the body that asked."""
        if self.outcome == GIVEN:
            return self
        return replace(self, fields=(), outcome=NO_BASIS if self.outcome in WHY_NOT else self.outcome)
