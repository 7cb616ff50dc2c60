"""Delegations (代亮)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, or_, select, update

from certsvc.license.delegations import Delegation, DelegationEnd, DelegationLevel, DelegationState
from certsvc.store.newest import newest_of
from certsvc.store.people import blind_of, person, plain
from certsvc.store.tables_consents import delegations
from certsvc.store.transaction import Insert, as_word, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import RowMapping

    from certsvc.license.model import Holder
    from certsvc.store.transaction import Transaction

_D = delegations.c
_PEOPLE = "delegations.people"
_HOLDER, _GRANTOR, _DELEGATE = ("delegations.holder_blind", "delegations.grantor_blind", "delegations.delegate_blind")
_OFFERED, _ACTIVE = DelegationState.OFFERED.value, DelegationState.ACTIVE.value
_UNCONFIRMED, _ENDED = DelegationState.UNCONFIRMED.value, DelegationState.ENDED.value
_OPEN = (_OFFERED, _ACTIVE, _UNCONFIRMED)

_BY_ID = select(*_D).where(_D.delegation_id == bindparam("which"))
_BY_IDS = select(*_D).where(_D.delegation_id.in_(bindparam("which", expanding=True)))
_OF_HOLDER = newest_of(delegations, _D.holder_blind, _D.created_at, _D.delegation_id)
_OF_GRANTOR = newest_of(delegations, _D.grantor_blind, _D.created_at, _D.delegation_id)
_OF_DELEGATE = newest_of(delegations, _D.delegate_blind, _D.created_at, _D.delegation_id)
_ACTIVE_OF_DELEGATE = (
    select(*_D)
    .where(_D.delegate_blind == bindparam("who"), _D.state == _ACTIVE, _D.until >= bindparam("day"))
    .order_by(_D.created_at.desc(), _D.delegation_id.desc())
    .limit(bindparam("most"))
)
_COUNT_OPEN = (
    select(func.count().label("open"))
    .select_from(delegations)
    .where(_D.holder_blind == bindparam("whose"), _D.state.in_(_OPEN), _D.until >= bindparam("day"))
)
_ONE = _D.delegation_id == bindparam("which")
# Writes the row, so that on PostgreSQL its lock is held until the commit.
_HOLD = update(delegations).where(_ONE, _D.state == _ACTIVE).values(state=_ACTIVE)
_ACCEPT = update(delegations).where(_ONE, _D.state == _OFFERED).values(state=_ACTIVE, accepted_at=bindparam("now"))
_DECLINE = (
    update(delegations)
    .where(_ONE, _D.state == _OFFERED)
    .values(state=DelegationState.DECLINED.value, ended_at=bindparam("now"), slot=0)
)
_CONFIRM = (
    update(delegations)
    .where(or_(_ONE, _D.parent_id == bindparam("which")), _D.state == _UNCONFIRMED)
    .values(state=_ACTIVE)
    .returning(*_D)
)
_WHOSE = _D.holder_blind == bindparam("whose")
_UNCONFIRM = update(delegations).where(_WHOSE, _D.state == _ACTIVE).values(state=_UNCONFIRMED).returning(*_D)
_LAPSE = (
    update(delegations)
    .where(_WHOSE, _D.state == _OFFERED, _D.level == DelegationLevel.MANAGER.value)
    .values(state=_ENDED, ended_at=bindparam("now"), ended_because=DelegationEnd.REPRESENTATIVE.value, slot=0)
    .returning(*_D)
)
_USE = (
    update(delegations)
    .where(_ONE, _D.state == _ACTIVE, _D.used < _D.max_uses, _D.until >= bindparam("day"))
    .values(used=_D.used + 1)
)
_ENDING = (
    update(delegations)
    .where(_D.state.in_(_OPEN))
    .values(state=_ENDED, ended_at=bindparam("now"), ended_because=bindparam("why"), slot=0)
    .returning(*_D)
)
_END = _ENDING.where(_D.delegation_id.in_(bindparam("which", expanding=True)))
_END_WITH = _ENDING.where(or_(_D.holder_blind == bindparam("whose"), _D.delegate_blind == bindparam("who")))
_END_BELOW = _ENDING.where(_D.parent_id.in_(bindparam("which", expanding=True)))
_FREE = update(delegations).where(_WHOSE, _D.slot > 0, _D.until < bindparam("day")).values(slot=0)


@cache
def _insert(dialect: str) -> Insert:
    """A taken slot is no error: the next one is tried in the same transaction."""
    return insert_into(dialect, delegations).on_conflict_do_nothing()


class DelegationRows:
    """Implements ``consent_ports.Delegations``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, delegation: Delegation) -> bool:
        """Store; False when its slot is taken."""
        people = [plain(one) for one in (delegation.holder, delegation.grantor, delegation.delegate)]
        done = self._tx.changed(
            _insert(self._tx.dialect),
            delegation_id=delegation.delegation_id,
            parent_id=delegation.parent_id,
            level=delegation.level.value,
            holder_blind=blind_of(self._tx, delegation.holder, _HOLDER),
            grantor_blind=blind_of(self._tx, delegation.grantor, _GRANTOR),
            delegate_blind=blind_of(self._tx, delegation.delegate, _DELEGATE),
            people=self._tx.seal_json(people, _PEOPLE, delegation.delegation_id),
            scope=to_json({key: list(scenes) for key, scenes in delegation.scope.items()}),
            until=delegation.until,
            max_uses=delegation.max_uses,
            used=delegation.used,
            slot=delegation.slot,
            state=delegation.state.value,
            created_at=delegation.created_at,
            accepted_at=delegation.accepted_at,
            ended_at=delegation.ended_at,
            ended_because=delegation.ended_because,
            use_matters=to_json(list(delegation.use_matters)),
        )
        return done == 1

    def by_id(self, delegation_id: str) -> Delegation | None:
        """The delegation."""
        row = self._tx.row(_BY_ID, which=delegation_id)
        return None if row is None else self._delegation(row)

    def by_ids(self, delegation_ids: Collection[str]) -> Mapping[str, Delegation]:
        """Those of these delegations that there are, by id."""
        rows = self._tx.rows(_BY_IDS, which=sorted(set(delegation_ids))) if delegation_ids else ()
        return {row["delegation_id"]: self._delegation(row) for row in rows}

    def of_holder(self, holder: Holder, *, limit: int) -> Sequence[Delegation]:
        """Those over this holder's licenses, newest first."""
        blind = blind_of(self._tx, holder, _HOLDER)
        return [self._delegation(row) for row in _OF_HOLDER.rows(self._tx, [blind], limit=limit)]

    def of_grantor(self, grantor: Holder, *, limit: int) -> Sequence[Delegation]:
        """Those that this person named somebody by, newest first."""
        blind = blind_of(self._tx, grantor, _GRANTOR)
        return [self._delegation(row) for row in _OF_GRANTOR.rows(self._tx, [blind], limit=limit)]

    def of_delegate(self, delegate: Holder, *, limit: int) -> Sequence[Delegation]:
        """Those given to this person, newest first."""
        blind = blind_of(self._tx, delegate, _DELEGATE)
        return [self._delegation(row) for row in _OF_DELEGATE.rows(self._tx, [blind], limit=limit)]

    def active_of_delegate(self, delegate: Holder, *, day: date, limit: int) -> Sequence[Delegation]:
        """Those given to this person that are active and not past their last day, newest first."""
        blind = blind_of(self._tx, delegate, _DELEGATE)
        return [self._delegation(row) for row in self._tx.rows(_ACTIVE_OF_DELEGATE, who=blind, day=day, most=limit)]

    def count_open(self, holder: Holder, *, day: date) -> int:
        """How many over this holder's licenses are offered or in force."""
        row = self._tx.row(_COUNT_OPEN, whose=blind_of(self._tx, holder, _HOLDER), day=day)
        return 0 if row is None else int(row["open"])

    def hold(self, delegation_id: str) -> bool:
        """Let nobody end it until the end of the transaction; False when it is not active."""
        return self._tx.changed(_HOLD, which=delegation_id) == 1

    def answer(self, delegation_id: str, state: DelegationState, *, now: datetime) -> bool:
        """``active`` or ``declined``, if it was offered."""
        statement = _ACCEPT if state is DelegationState.ACTIVE else _DECLINE
        return self._tx.changed(statement, which=delegation_id, now=now) == 1

    def confirm(self, delegation_id: str) -> Sequence[Delegation]:
        """A new 法定代表人 keeps an unconfirmed one, and those below come with it; all of them."""
        return [self._delegation(row) for row in self._tx.rows(_CONFIRM, which=delegation_id)]

    def unconfirm(self, company: Holder, *, now: datetime) -> Sequence[Delegation]:
        """What is active in a company's chain waits for its new 法定代表人, and offers of the former one end; which."""
        whose = blind_of(self._tx, company, _HOLDER)
        # In this order: what somebody accepts in between is active, and waits too.
        lapsed = self._tx.rows(_LAPSE, whose=whose, now=now)
        waiting = self._tx.rows(_UNCONFIRM, whose=whose)
        return [self._delegation(row) for row in (*lapsed, *waiting)]

    def use(self, delegation_id: str, *, day: date) -> bool:
        """Count one code; False when it is not active, past its last day or used up."""
        return self._tx.changed(_USE, which=delegation_id, day=day) == 1

    def end(self, delegation_ids: Collection[str], because: DelegationEnd, *, now: datetime) -> Sequence[Delegation]:
        """End those that have not ended and everything below; all that ended by it."""
        which = sorted(delegation_ids)
        return self._and_below(self._tx.rows(_END, which=which, now=now, why=because.value) if which else (), now)

    def end_with(self, person: Holder, because: DelegationEnd, *, now: datetime) -> Sequence[Delegation]:
        """End everything over this person's licenses and everything given to the person, and what is below."""
        whose, who = blind_of(self._tx, person, _HOLDER), blind_of(self._tx, person, _DELEGATE)
        return self._and_below(self._tx.rows(_END_WITH, whose=whose, who=who, now=now, why=because.value), now)

    def _and_below(self, rows: Sequence[RowMapping], now: datetime) -> Sequence[Delegation]:
        """Those that ended first: nobody is named under what has ended (``hold``)."""
        ended: list[Delegation] = []
        while rows:
            ended += [self._delegation(row) for row in rows]
            which = [row["delegation_id"] for row in rows]
            rows = self._tx.rows(_END_BELOW, which=which, now=now, why=DelegationEnd.ABOVE.value)
        return ended

    def free_slots(self, holder: Holder, *, day: date) -> None:
        """Give up the slots of managers whose last day is over."""
        self._tx.changed(_FREE, whose=blind_of(self._tx, holder, _HOLDER), day=day)

    def _delegation(self, row: RowMapping) -> Delegation:
        return delegation_of_row(self._tx, row)


def delegation_of_row(tx: Transaction, row: RowMapping) -> Delegation:
    """A row of the delegations."""
    holder, grantor, delegate = tx.open_json(row["people"], _PEOPLE, row["delegation_id"])
    return Delegation(
        delegation_id=row["delegation_id"],
        parent_id=row["parent_id"],
        level=as_word(DelegationLevel, row["level"]),
        holder=person(holder),
        grantor=person(grantor),
        delegate=person(delegate),
        scope={key: tuple(scenes) for key, scenes in from_json(row["scope"]).items()},
        until=row["until"],
        max_uses=row["max_uses"],
        used=row["used"],
        slot=row["slot"],
        state=as_word(DelegationState, row["state"]),
        created_at=row["created_at"],
        accepted_at=row["accepted_at"],
        ended_at=row["ended_at"],
        ended_because=row["ended_because"],
        use_matters=tuple(from_json(row["use_matters"])),
    )
