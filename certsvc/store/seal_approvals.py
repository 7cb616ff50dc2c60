"""Approvals of manual use, their votes, and 首席代表."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, update

from certsvc.seal.approval import ApprovalState, Representative, UseApproval, Vote
from certsvc.store.tables_seals import seal_approvals, seal_representatives, seal_votes
from certsvc.store.transaction import Insert, as_word, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Table

    from certsvc.store.transaction import Transaction

_A = seal_approvals.c
_V = seal_votes.c
_P = seal_representatives.c
_PURPOSE = "seal_approvals.purpose"
_DOCUMENT = "seal_representatives.document_no"

_BY_ID = select(*_A).where(_A.approval_id == bindparam("which"))
_HELD = _BY_ID.with_for_update()
_OF_OWNER = (
    select(*_A)
    .where(_A.owner_code == bindparam("owner"))
    .order_by(_A.asked_at.desc(), _A.approval_id.desc())
    .limit(bindparam("most"))
)
_VOTES = select(*_V).where(_V.approval_id == bindparam("which"))
_SET_STATE = (
    update(seal_approvals)
    .where(_A.approval_id == bindparam("which"), _A.state == bindparam("source"))
    .values(state=bindparam("target"), used_by=bindparam("reservation"))
)
_REPRESENTATIVE = select(*_P).where(_P.representative_id == bindparam("which"))
_REPRESENTATIVES = (
    select(*_P)
    .where(_P.owner_code == bindparam("owner"))
    .order_by(_P.appointed_at.desc(), _P.representative_id.desc())
    .limit(bindparam("most"))
)
_DISMISS = (
    update(seal_representatives)
    .where(_P.representative_id == bindparam("which"), _P.dismissed_at.is_(None))
    .values(dismissed_at=bindparam("now"))
)


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table)


@cache
def _once(dialect: str) -> Insert:
    return insert_into(dialect, seal_votes).on_conflict_do_nothing()


class ApprovalRows:
    """Implements ``seal_ports.SealApprovals``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def ask(self, approval: UseApproval) -> None:
        """Store an approval that was asked for."""
        self._tx.changed(
            _insert(self._tx.dialect, seal_approvals),
            approval_id=approval.approval_id,
            seal_id=approval.seal_id,
            owner_code=approval.owner_code,
            digest=approval.digest,
            purpose=self._tx.seal(approval.purpose, _PURPOSE, approval.approval_id),
            type_slug=approval.type_slug,
            matter_code=approval.matter_code,
            region=approval.region,
            asked_by=approval.asked_by,
            asked_at=approval.asked_at,
            expires_at=approval.expires_at,
            needed=approval.needed,
            approvers=to_json(list(approval.approvers)),
            state=approval.state.value,
            used_by=approval.used_by,
        )

    def by_id(self, approval_id: str, *, hold: bool = False) -> UseApproval | None:
        """The approval; held until the end of the transaction when asked."""
        row = self._tx.row(_HELD if hold else _BY_ID, which=approval_id)
        return None if row is None else self._approval(row)

    def of_owner(self, owner_code: str, *, limit: int) -> Sequence[UseApproval]:
        """Approvals about seals of an owner, newest first."""
        return [self._approval(row) for row in self._tx.rows(_OF_OWNER, owner=owner_code, most=limit)]

    def vote(self, approval_id: str, vote: Vote) -> bool:
        """Store a vote; False when this person has voted."""
        added = self._tx.changed(
            _once(self._tx.dialect),
            approval_id=approval_id,
            voter=vote.voter,
            agrees=vote.agrees,
            represented_by=vote.represented_by,
            at=vote.at,
        )
        return added == 1

    def votes(self, approval_id: str) -> Sequence[Vote]:
        """The votes, oldest first."""
        votes = [
            Vote(voter=row["voter"], agrees=row["agrees"], at=row["at"], represented_by=row["represented_by"])
            for row in self._tx.rows(_VOTES, which=approval_id)
        ]
        return sorted(votes, key=lambda vote: (vote.at, vote.voter))

    def set_state(self, approval_id: str, *, source: ApprovalState, target: ApprovalState, used_by: str = "") -> bool:
        """Move an approval, if it still stands at ``source``."""
        changed = self._tx.changed(
            _SET_STATE, which=approval_id, source=source.value, target=target.value, reservation=used_by
        )
        return changed == 1

    def appoint(self, representative: Representative) -> None:
        """Store an appointment."""
        one = representative
        self._tx.changed(
            _insert(self._tx.dialect, seal_representatives),
            representative_id=one.representative_id,
            owner_code=one.owner_code,
            person=one.person,
            scope_types=to_json(list(one.scope_types)),
            matters=to_json(list(one.matters)),
            begins_at=one.begins_at,
            ends_at=one.ends_at,
            document_no=self._tx.seal(one.document_no, _DOCUMENT, one.representative_id),
            appointed_by=one.appointed_by,
            appointed_at=one.appointed_at,
            dismissed_at=one.dismissed_at,
        )

    def representative(self, representative_id: str) -> Representative | None:
        """The appointment."""
        row = self._tx.row(_REPRESENTATIVE, which=representative_id)
        return None if row is None else self._appointment(row)

    def representatives(self, owner_code: str, *, limit: int) -> Sequence[Representative]:
        """Appointments by an owner, newest first."""
        return [self._appointment(row) for row in self._tx.rows(_REPRESENTATIVES, owner=owner_code, most=limit)]

    def dismiss(self, representative_id: str, *, now: datetime) -> bool:
        """End an appointment early, once."""
        return self._tx.changed(_DISMISS, which=representative_id, now=now) == 1

    def _approval(self, row: RowMapping) -> UseApproval:
        return UseApproval(
            approval_id=row["approval_id"],
            seal_id=row["seal_id"],
            owner_code=row["owner_code"],
            digest=row["digest"],
            purpose=self._tx.open(row["purpose"], _PURPOSE, row["approval_id"]),
            type_slug=row["type_slug"],
            matter_code=row["matter_code"],
            region=row["region"],
            asked_by=row["asked_by"],
            asked_at=row["asked_at"],
            expires_at=row["expires_at"],
            needed=row["needed"],
            approvers=tuple(from_json(row["approvers"])),
            state=as_word(ApprovalState, row["state"]),
            used_by=row["used_by"],
        )

    def _appointment(self, row: RowMapping) -> Representative:
        return Representative(
            representative_id=row["representative_id"],
            owner_code=row["owner_code"],
            person=row["person"],
            scope_types=tuple(from_json(row["scope_types"])),
            matters=tuple(from_json(row["matters"])),
            begins_at=row["begins_at"],
            ends_at=row["ends_at"],
            document_no=self._tx.open(row["document_no"], _DOCUMENT, row["representative_id"]),
            appointed_by=row["appointed_by"],
            appointed_at=row["appointed_at"],
            dismissed_at=row["dismissed_at"],
        )
