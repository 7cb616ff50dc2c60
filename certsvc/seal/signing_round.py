"""A signing round (签署): one document, its signers in order or in parallel, and a seal at the end.

Laws, each with a property test:

1. A step has an order number. Lower numbers come first; equal ones are parallel. A step is ready when it waits and no
   step of a lower number waits.
2. Every step moves at most once: ``waiting`` to ``signed``, ``declined``, ``expired`` or ``closed``. ``closed`` is what
   becomes of those who had not signed when the round ended for another reason.
3. One refusal ends the round; the deadline ends it while a person has not signed; its creator may cancel it while it is
   open; a seal that will never be set ends it when all have signed. Nothing leads out of an ended round.
4. The round is complete when all have signed and, where a seal was asked for, the seal is on: the seal comes last.
5. The deadline binds people. A round that waits for its seal alone does not expire.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class RoundState(StrEnum):
    """Where a round stands."""

    OPEN = "open"
    COMPLETE = "complete"
    DECLINED = "declined"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNSEALED = "unsealed"
    """all have signed, and the seal was refused for good"""


class StepState(StrEnum):
    """Where one participant stands."""

    WAITING = "waiting"
    SIGNED = "signed"
    DECLINED = "declined"
    EXPIRED = "expired"
    CLOSED = "closed"


ROUND_STATE_ZH: dict[RoundState, str] = {
    RoundState.OPEN: "签署中",
    RoundState.COMPLETE: "签署完成",
    RoundState.DECLINED: "有人拒签，签署终止",
    RoundState.EXPIRED: "逾期未签，签署终止",
    RoundState.CANCELLED: "发起人已取消",
    RoundState.UNSEALED: "已全部签名，印章不能加盖，签署终止",
}

STEP_STATE_ZH: dict[StepState, str] = {
    StepState.WAITING: "待签",
    StepState.SIGNED: "已签",
    StepState.DECLINED: "拒签",
    StepState.EXPIRED: "逾期未签",
    StepState.CLOSED: "未签（签署已终止）",
}

ROUND_MOVES: dict[str, tuple[RoundState, RoundState, StepState]] = {
    "complete": (RoundState.OPEN, RoundState.COMPLETE, StepState.SIGNED),
    "decline": (RoundState.OPEN, RoundState.DECLINED, StepState.CLOSED),
    "expire": (RoundState.OPEN, RoundState.EXPIRED, StepState.EXPIRED),
    "cancel": (RoundState.OPEN, RoundState.CANCELLED, StepState.CLOSED),
    "refuse_seal": (RoundState.OPEN, RoundState.UNSEALED, StepState.SIGNED),
}
"""Every lawful move of a round: name -> (from, to, what becomes of the steps that still wait)."""

STEP_MOVES: dict[str, tuple[StepState, StepState]] = {
    "sign": (StepState.WAITING, StepState.SIGNED),
    "decline": (StepState.WAITING, StepState.DECLINED),
    "expire": (StepState.WAITING, StepState.EXPIRED),
    "close": (StepState.WAITING, StepState.CLOSED),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a signature or seal goes: page from 1, left and bottom edge, width and height in millimetres."""

    page: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One participant of a round.

    Attributes:
        order: lower first, equal in parallel.
        name, holder_code, holder_code_type: who is asked; personal.
        reason: why the person signs, such as ``申请人确认``; printed and in the signature.
        field_name: of the signature field that was prepared for this person.
        signer_id, signed_at, signature_sha256: once signed.
        remark: the reason of a refusal.
    """

    step_id: str
    order: int
    name: str = field(repr=False)
    holder_code: str = field(repr=False)
    holder_code_type: str
    reason: str = field(repr=False)
    place: Place
    field_name: str
    state: StepState = StepState.WAITING
    signer_id: str = ""
    signed_at: datetime | None = None
    signature_sha256: str = ""
    remark: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class FinalSeal:
    """The seal that ends a round."""

    seal_id: str
    place: Place
    field_name: str
    sealed_at: datetime | None = None
    trouble: str = ""
    """why the last try did not seal, or why the round ended without a seal, or empty"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision:
    """One state of the document: number 0 is the prepared one, each signature adds one."""

    number: int
    sha256: str
    step_id: str
    """whose signature made it; empty for the prepared document and for the seal"""
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningRound:
    """A round over one document.

    Attributes:
        created_by: subject of the system or clerk that asked.
        title: what the document is called; may be personal.
        uploaded_sha256: of the file as it came.
        revisions: oldest first; the last is the document now.
        needs_code: whether a one-time code is asked for beside the PIN.
    """

    round_id: str
    created_by: str
    authority_code: str
    title: str = field(repr=False)
    state: RoundState
    deadline: datetime
    uploaded_sha256: str
    page_count: int
    needs_code: bool
    steps: tuple[Step, ...]
    seal: FinalSeal | None
    revisions: tuple[Revision, ...]
    created_at: datetime
    ended_at: datetime | None = None

    @property
    def head(self) -> Revision:
        """The document now."""
        return self.revisions[-1]

    def state_at(self, now: datetime) -> RoundState:
        """The state as it is now: a deadline that passed has ended the round, whoever writes it down later."""
        if self.state is RoundState.OPEN and now >= self.deadline and not self.all_signed:
            return RoundState.EXPIRED
        return self.state

    @property
    def all_signed(self) -> bool:
        """Whether every person has signed."""
        return all(step.state is StepState.SIGNED for step in self.steps)

    @property
    def awaits_seal(self) -> bool:
        """Whether only the seal is missing."""
        return self.state is RoundState.OPEN and self.all_signed and self.seal is not None

    def ready(self) -> tuple[Step, ...]:
        """The steps whose turn it is."""
        if self.state is not RoundState.OPEN:
            return ()
        waiting = [step for step in self.steps if step.state is StepState.WAITING]
        first = min((step.order for step in waiting), default=0)
        return tuple(step for step in waiting if step.order == first)

    def step_of(self, holder_code_type: str, holder_code: str) -> Step | None:
        """The step of this person, if the person takes part."""
        who = (holder_code_type, holder_code)
        return next((step for step in self.steps if (step.holder_code_type, step.holder_code) == who), None)

    def may_confirm(self, step: Step) -> frozenset[str]:
        """Digests of the document that this step may confirm.

        The person must have seen everything that came before the own turn; the signatures of those who sign in
        parallel may be there or not, since they stand in fields of their own and change nothing else.
        """
        before = sum(1 for other in self.steps if other.order < step.order)
        return frozenset(revision.sha256 for revision in self.revisions if revision.number >= before)
