"""成批换章: plans as a queue of what runs, and the outcomes of their licenses."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, bindparam, case, func, select, text, update

from certsvc.license.reseal import PlanState, ResealItem, ResealOutcome, ResealPlan
from certsvc.seal.care import LossKind
from certsvc.store.tables_reseal import RUNNING_PLAN, reseal_items, reseal_plans
from certsvc.store.transaction import Insert, as_word, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Table

    from certsvc.store.transaction import Transaction

_P, _I = reseal_plans.c, reseal_items.c
_REASON, _OPINION, _DETAIL = "reseal_plans.reason", "reseal_plans.opinion", "reseal_items.detail"
_BY_ID = select(*_P).where(_P.plan_id == bindparam("which"))
_NEWEST = select(*_P).order_by(_P.plan_id.desc()).limit(bindparam("most"))
_OLDER = _NEWEST.where(_P.plan_id < bindparam("before"))
_MOVED = ("decided_by", "decided_at", "ended_by", "ended_at")
_FIRST = bindparam("first", type_=Boolean)
_MOVE = (
    update(reseal_plans)
    .where(_P.plan_id == bindparam("which"), _P.state == bindparam("source"))
    .values(
        state=bindparam("target"),
        opinion=bindparam("said"),
        # Whoever has a block in hand keeps it for the lease, though the plan be paused and resumed meanwhile.
        ready_at=case((_FIRST, bindparam("ready", type_=_P.ready_at.type)), else_=_P.ready_at),
        **{name: bindparam(f"to_{name}") for name in _MOVED},
    )
)
_QUEUE = reseal_plans.alias("queue")
_OLDEST = (
    select(_QUEUE.c.plan_id)
    .where(text(f"queue.{RUNNING_PLAN}"), _QUEUE.c.ready_at <= bindparam("now"))
    .order_by(_QUEUE.c.ready_at, _QUEUE.c.plan_id)
    .limit(1)
    .with_for_update(skip_locked=True)
    .scalar_subquery()
)
_CLAIM = (
    update(reseal_plans)
    .where(_P.plan_id == _OLDEST)
    .values(claim_token=bindparam("token"), ready_at=bindparam("until"))
    .returning(*_P)
)
_HELD = update(reseal_plans).where(
    _P.plan_id == bindparam("which"),
    _P.claim_token == bindparam("token"),
    _P.state == PlanState.RUNNING.value,
)
_KEEP = _HELD.values(
    profiles=bindparam("to_profiles"),
    begun=bindparam("to_begun"),
    behind=bindparam("to_behind"),
    waits_for=bindparam("to_waits_for"),
    ready_at=bindparam("ready"),
)
_FINISH = _HELD.values(
    state=PlanState.DONE.value, profiles="[]", waits_for="", claim_token="", ended_at=bindparam("now")
)
_KNOWN = select(_I.version_id).where(
    _I.plan_id == bindparam("which"), _I.version_id.in_(bindparam("several", expanding=True))
)
_COUNTS = select(_I.outcome, func.count().label("value")).where(_I.plan_id == bindparam("which")).group_by(_I.outcome)
_ITEMS = (
    select(*_I)
    .where(_I.plan_id == bindparam("which"), _I.outcome == bindparam("how"), _I.version_id > bindparam("behind"))
    .order_by(_I.version_id)
    .limit(bindparam("most"))
)


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table)


@cache
def _insert_once(dialect: str) -> Insert:
    return insert_into(dialect, reseal_items).on_conflict_do_nothing()


def _id(item: ResealItem) -> str:
    return f"{item.plan_id}:{item.version_id}"


class ResealRows:
    """Implements ``care_ports.Reseals``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, plan: ResealPlan) -> None:
        """Store a plan that is proposed."""
        self._tx.changed(
            _insert(self._tx.dialect, reseal_plans),
            plan_id=plan.plan_id,
            kind=plan.kind.value,
            value=plan.value,
            types=to_json(list(plan.types)),
            bodies=to_json(list(plan.bodies)),
            total=plan.total,
            reason=self._tx.seal(plan.reason, _REASON, plan.plan_id),
            state=plan.state.value,
            proposed_by=plan.proposed_by,
            proposed_at=plan.proposed_at,
            opinion=self._tx.seal(plan.opinion, _OPINION, plan.plan_id),
            decided_by="",
            decided_at=None,
            ended_by="",
            ended_at=None,
            profiles="[]",
            begun=False,
            behind="",
            waits_for="",
            claim_token="",
            ready_at=plan.proposed_at,
        )

    def by_id(self, plan_id: str) -> ResealPlan | None:
        """The plan."""
        row = self._tx.row(_BY_ID, which=plan_id)
        return None if row is None else self._plan(row)

    def newest(self, *, before: str, limit: int) -> Sequence[ResealPlan]:
        """Plans, newest first; those before an id, if one is given."""
        found = self._tx.rows(_OLDER, before=before, most=limit) if before else self._tx.rows(_NEWEST, most=limit)
        return [self._plan(row) for row in found]

    def move(self, plan: ResealPlan, *, source: PlanState, now: datetime) -> bool:
        """Write where a plan stands, and who moved it, if it still stands at ``source``."""
        changed = self._tx.changed(
            _MOVE,
            which=plan.plan_id,
            source=source.value,
            target=plan.state.value,
            said=self._tx.seal(plan.opinion, _OPINION, plan.plan_id),
            ready=now,
            first=source is PlanState.PROPOSED,
            **{f"to_{name}": getattr(plan, name) for name in _MOVED},
        )
        return changed == 1

    def claim(self, *, token: str, now: datetime, until: datetime) -> ResealPlan | None:
        """Take the running plan that has been ready longest."""
        row = self._tx.row(_CLAIM, token=token, now=now, until=until)
        return None if row is None else self._plan(row)

    def keep(self, plan: ResealPlan, *, claim_token: str, ready_at: datetime) -> bool:
        """Write how far a plan was looked through and give it back; False when it was taken or moved meanwhile."""
        changed = self._tx.changed(
            _KEEP,
            which=plan.plan_id,
            token=claim_token,
            ready=ready_at,
            to_profiles=to_json(list(plan.profiles)),
            to_begun=plan.begun,
            to_behind=plan.behind,
            to_waits_for=plan.waits_for,
        )
        return changed == 1

    def finish(self, plan_id: str, *, claim_token: str, now: datetime) -> bool:
        """To ``done``; False when it was taken or moved meanwhile."""
        return self._tx.changed(_FINISH, which=plan_id, token=claim_token, now=now) == 1

    def known(self, plan_id: str, version_ids: Collection[str]) -> frozenset[str]:
        """Those of these licenses that have an outcome."""
        found = self._tx.rows(_KNOWN, which=plan_id, several=sorted(version_ids)) if version_ids else ()
        return frozenset(row["version_id"] for row in found)

    def add(self, item: ResealItem) -> bool:
        """Store an outcome; False when the license has one."""
        changed = self._tx.changed(
            _insert_once(self._tx.dialect),
            plan_id=item.plan_id,
            version_id=item.version_id,
            identifier=item.identifier,
            outcome=item.outcome.value,
            at=item.at,
            code=item.code,
            detail=self._tx.seal(item.detail, _DETAIL, _id(item)),
            artifact_id=item.artifact_id,
        )
        return changed == 1

    def counts(self, plan_id: str) -> Mapping[ResealOutcome, int]:
        """Licenses by outcome; one without any has 0."""
        found = dict.fromkeys(ResealOutcome, 0)
        rows = self._tx.rows(_COUNTS, which=plan_id)
        return found | {as_word(ResealOutcome, row["outcome"]): row["value"] for row in rows}

    def items(self, plan_id: str, outcome: ResealOutcome, *, behind: str, limit: int) -> Sequence[ResealItem]:
        """Licenses with an outcome, behind the id of a version, in the order of ids."""
        rows = self._tx.rows(_ITEMS, which=plan_id, how=outcome.value, behind=behind, most=limit)
        return [self._item(row) for row in rows]

    def _item(self, row: RowMapping) -> ResealItem:
        item = ResealItem(**{**row, "outcome": as_word(ResealOutcome, row["outcome"]), "detail": ""})
        return replace(item, detail=self._tx.open(row["detail"], _DETAIL, _id(item)))

    def _plan(self, row: RowMapping) -> ResealPlan:
        plan_id: str = row["plan_id"]
        hidden: dict[str, Any] = {
            "reason": self._tx.open(row["reason"], _REASON, plan_id),
            "opinion": self._tx.open(row["opinion"], _OPINION, plan_id),
        }
        plain = ("value", "total", "proposed_by", "proposed_at", *_MOVED, "behind", "waits_for")
        return ResealPlan(
            plan_id=plan_id,
            kind=as_word(LossKind, row["kind"]),
            state=as_word(PlanState, row["state"]),
            types=tuple(from_json(row["types"])),
            bodies=tuple(from_json(row["bodies"])),
            profiles=tuple(from_json(row["profiles"])),
            begun=bool(row["begun"]),
            **hidden,
            **{name: row[name] for name in plain},
        )
