"""What the store offers the holder's side of showing: challenges, delegations, relations, co-holders, disputes.

Writes that guard on a state return whether they took effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date, datetime

    from certsvc.license.challenges import Challenge
    from certsvc.license.delegations import Delegation, DelegationEnd, DelegationState
    from certsvc.license.disputes import Dispute, DisputeState
    from certsvc.license.model import Holder
    from certsvc.license.relations import CoHolder, Relation, RelationKind


class Challenges(Protocol):
    """反扫."""

    def insert(self, challenge: Challenge) -> None:
        """Store."""
        ...

    def by_token(self, token_sha256: str) -> Challenge | None:
        """The challenge, whatever its age."""
        ...

    def by_id(self, challenge_id: str) -> Challenge | None:
        """The challenge."""
        ...

    def hold_one(self, challenge_id: str) -> Challenge | None:
        """The challenge, which no other transaction changes until the end of this one."""
        ...

    def by_ids(self, challenge_ids: Collection[str]) -> Mapping[str, Challenge]:
        """Those of these challenges that there are, by id."""
        ...

    def hold(self, verifier: str) -> None:
        """Let no other transaction of this verifier count or ask until the end of this one."""
        ...

    def count_open(self, verifier: str, *, now: datetime) -> int:
        """How many of this verifier still wait."""
        ...

    def answer(self, answered: Challenge, *, now: datetime) -> bool:
        """Store an answer, if nobody answered and it is not too late."""
        ...

    def collect(self, challenge_id: str, *, now: datetime) -> bool:
        """Hand out a confirmed one, once and in time."""
        ...

    def answered_by(
        self, holder_subject: str, *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Challenge]:
        """Those that this account answered, newest answer first."""
        ...


class Delegations(Protocol):
    """代亮."""

    def insert(self, delegation: Delegation) -> bool:
        """Store; False when its slot is taken."""
        ...

    def by_id(self, delegation_id: str) -> Delegation | None:
        """The delegation."""
        ...

    def by_ids(self, delegation_ids: Collection[str]) -> Mapping[str, Delegation]:
        """Those of these delegations that there are, by id."""
        ...

    def of_holder(self, holder: Holder, *, limit: int) -> Sequence[Delegation]:
        """Those over this holder's licenses, newest first."""
        ...

    def of_grantor(self, grantor: Holder, *, limit: int) -> Sequence[Delegation]:
        """Those that this person named somebody by, newest first."""
        ...

    def of_delegate(self, delegate: Holder, *, limit: int) -> Sequence[Delegation]:
        """Those given to this person, newest first."""
        ...

    def active_of_delegate(self, delegate: Holder, *, day: date, limit: int) -> Sequence[Delegation]:
        """Those given to this person that are active and not past their last day, newest first."""
        ...

    def count_open(self, holder: Holder, *, day: date) -> int:
        """How many over this holder's licenses are offered or in force."""
        ...

    def hold(self, delegation_id: str) -> bool:
        """Let nobody end it until the end of the transaction; False when it is not active."""
        ...

    def answer(self, delegation_id: str, state: DelegationState, *, now: datetime) -> bool:
        """``active`` or ``declined``, if it was offered."""
        ...

    def confirm(self, delegation_id: str) -> Sequence[Delegation]:
        """A new 法定代表人 keeps an unconfirmed one, and those below come with it; all of them."""
        ...

    def unconfirm(self, company: Holder, *, now: datetime) -> Sequence[Delegation]:
        """What is active in a company's chain waits for its new 法定代表人, and offers of the former one end; which."""
        ...

    def use(self, delegation_id: str, *, day: date) -> bool:
        """Count one code; False when it is not active, past its last day or used up."""
        ...

    def end(self, delegation_ids: Collection[str], because: DelegationEnd, *, now: datetime) -> Sequence[Delegation]:
        """End those that have not ended and everything below; all that ended by it."""
        ...

    def end_with(self, person: Holder, because: DelegationEnd, *, now: datetime) -> Sequence[Delegation]:
        """End everything over this person's licenses and everything given to the person, and what is below."""
        ...

    def free_slots(self, holder: Holder, *, day: date) -> None:
        """Give up the slots of managers whose last day is over."""
        ...


class Relations(Protocol):
    """Guardians, 法定代表人, deaths."""

    def insert(self, relation: Relation) -> bool:
        """Store; False when it stands already, or the company has a 法定代表人 whose fact has not ended."""
        ...

    def by_id(self, relation_id: str) -> Relation | None:
        """The fact."""
        ...

    def by_ids(self, relation_ids: Collection[str]) -> Mapping[str, Relation]:
        """Those of these facts that there are, by id."""
        ...

    def of_subject(self, subject: Holder, kind: RelationKind) -> Sequence[Relation]:
        """Facts about this person or company that have not ended."""
        ...

    def of_other(self, other: Holder, kind: RelationKind) -> Sequence[Relation]:
        """Facts by which this person may act for others, and that have not ended."""
        ...

    def hold(self, relation_id: str) -> bool:
        """Let nobody end it until the end of the transaction; False when it has ended."""
        ...

    def end(self, relation_id: str, *, now: datetime) -> bool:
        """End it, once."""
        ...


class CoHolders(Protocol):
    """Further holders of a license."""

    def insert(self, co_holder: CoHolder) -> bool:
        """Store; False when this person holds it already."""
        ...

    def by_id(self, co_holder_id: str) -> CoHolder | None:
        """The co-holder."""
        ...

    def by_ids(self, co_holder_ids: Collection[str]) -> Mapping[str, CoHolder]:
        """Those of these co-holders that there are, by id."""
        ...

    def of_license(self, license_id: str) -> Sequence[CoHolder]:
        """Those who still hold it."""
        ...

    def held_by(self, holder: Holder) -> Sequence[CoHolder]:
        """What this person holds beside others."""
        ...

    def remove(self, co_holder_id: str, *, now: datetime) -> bool:
        """Remove, once."""
        ...


class Disputes(Protocol):
    """异议申诉."""

    def insert(self, dispute: Dispute) -> None:
        """Store."""
        ...

    def by_id(self, dispute_id: str) -> Dispute | None:
        """The dispute."""
        ...

    def of_holder(
        self, holder_subject: str, *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Dispute]:
        """Those that this account filed, newest first."""
        ...

    def of_authority(
        self, authority_code: str, *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Dispute]:
        """Those that this body answers, newest first."""
        ...

    def count_open(self, holder_subject: str) -> int:
        """How many of this account are undecided."""
        ...

    def move(self, dispute: Dispute, *, sources: Collection[DisputeState]) -> bool:
        """Store state, handler, answer and times of ``dispute``, if it stands in one of ``sources``."""
        ...
