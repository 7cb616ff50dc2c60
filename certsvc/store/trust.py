"""Proposed, confirmed and ended changes of the trust list."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select

from certsvc.seal.trust_list import EndedProposal, Ending, TrustChange, TrustProposal
from certsvc.store.intents import next_of
from certsvc.store.tables_trust import trust_changes, trust_proposals
from certsvc.store.tables_trust_endings import trust_endings
from certsvc.store.transaction import Insert, insert_into

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Table

    from certsvc.store.transaction import Transaction

SERIES = "trust:number"

_P = trust_proposals.c
_C = trust_changes.c
_E = trust_endings.c
_VERSION = select(func.coalesce(func.max(_C.number), 0).label("number"))
_PROPOSAL = select(*_P).where(_P.proposal_id == bindparam("which"))
_OVERTAKEN = (
    select(_C.number)
    .where(_C.kind == _P.kind, _C.entry_id == _P.entry_id, _C.number > _P.base)
    .correlate(trust_proposals)
    .exists()
)
_HELD = _PROPOSAL.with_for_update(key_share=True)
_OPEN = (
    select(*_P)
    .where(~_OVERTAKEN, _P.proposal_id.not_in(select(_E.proposal_id)))
    .order_by(_P.proposed_at, _P.proposal_id)
)
_WAITING = _OPEN.where(_P.proposed_at > bindparam("since"))
_EXPIRED = _OPEN.where(_P.proposed_at <= bindparam("since")).limit(bindparam("most"))
_ENDED = select(*_P, _E.how, _E.ended_by, _E.ended_at, _E.end_reason).join(
    trust_endings, _E.proposal_id == _P.proposal_id
)
_ENDING = _ENDED.where(_P.proposal_id == bindparam("which"))
_NEWEST_ENDED = _ENDED.order_by(_E.ended_at.desc(), _E.proposal_id.desc()).limit(bindparam("most"))
_LAST = select(*_C).order_by(_C.number.desc()).limit(1)
_LAST_OF = select(func.coalesce(func.max(_C.number), 0).label("number")).where(
    _C.kind == bindparam("of_kind"), _C.entry_id == bindparam("of_entry")
)
_CHANGES = select(*_C).where(_C.number > bindparam("behind")).order_by(_C.number)
_SOME = _CHANGES.limit(bindparam("most"))


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table)


class TrustRows:
    """Implements ``trust_ports.TrustRows``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def version(self) -> int:
        """How many changes were confirmed."""
        row = self._tx.row(_VERSION)
        return 0 if row is None else int(row["number"])

    def propose(self, proposal: TrustProposal) -> None:
        """Store."""
        self._tx.changed(_insert(self._tx.dialect, trust_proposals), **asdict(proposal))

    def hold(self, proposal_id: str) -> TrustProposal | None:
        """The proposal; nobody else confirms or ends it until the end of the transaction."""
        row = self._tx.row(_HELD, which=proposal_id)
        return None if row is None else TrustProposal(**row)

    def waiting(self, since: datetime) -> Sequence[TrustProposal]:
        """Proposals from behind ``since`` that nobody confirmed or ended, nor a later change overtook, oldest first."""
        return [TrustProposal(**row) for row in self._tx.rows(_WAITING, since=since)]

    def expired(self, since: datetime, *, limit: int) -> Sequence[TrustProposal]:
        """As :meth:`waiting`, those of ``since`` and before."""
        return [TrustProposal(**row) for row in self._tx.rows(_EXPIRED, since=since, most=limit)]

    def end(self, ended: EndedProposal) -> None:
        """Store that a proposal came to nothing; IntegrityError when that is known already."""
        self._tx.changed(
            _insert(self._tx.dialect, trust_endings),
            proposal_id=ended.proposal.proposal_id,
            how=ended.how.value,
            ended_by=ended.ended_by,
            ended_at=ended.ended_at,
            end_reason=ended.end_reason,
        )

    def ending(self, proposal_id: str) -> EndedProposal | None:
        """How a proposal came to nothing; None when it did not."""
        row = self._tx.row(_ENDING, which=proposal_id)
        return None if row is None else _ended(row)

    def ended(self, *, limit: int) -> Sequence[EndedProposal]:
        """The newest proposals that came to nothing, newest first."""
        return [_ended(row) for row in self._tx.rows(_NEWEST_ENDED, most=limit)]

    def take_number(self) -> int:
        """The number of the next change; nobody else takes one until the end of the transaction."""
        row = self._tx.row(next_of(self._tx.dialect), series=SERIES, step=1)
        if row is None:
            msg = "an upsert returned no row"
            raise RuntimeError(msg)
        return int(row["value"])

    def last(self) -> TrustChange | None:
        """The newest change."""
        row = self._tx.row(_LAST)
        return None if row is None else TrustChange(**row)

    def last_of(self, kind: str, entry_id: str) -> int:
        """Number of the newest change of an entry; 0 when there is none."""
        row = self._tx.row(_LAST_OF, of_kind=kind, of_entry=entry_id)
        return 0 if row is None else int(row["number"])

    def confirm(self, change: TrustChange) -> None:
        """Store; IntegrityError when the number or the proposal was used already."""
        self._tx.changed(_insert(self._tx.dialect, trust_changes), **asdict(change))

    def changes(self, *, after: int = 0, limit: int | None = None) -> Sequence[TrustChange]:
        """Changes with a number above ``after``, oldest first."""
        if limit is None:
            return [TrustChange(**row) for row in self._tx.rows(_CHANGES, behind=after)]
        return [TrustChange(**row) for row in self._tx.rows(_SOME, behind=after, most=limit)]


def _ended(row: RowMapping) -> EndedProposal:
    proposal = TrustProposal(**{column.name: row[column.name] for column in _P})
    ending = {name: row[name] for name in ("ended_by", "ended_at", "end_reason")}
    return EndedProposal(proposal=proposal, how=Ending(row["how"]), **ending)
