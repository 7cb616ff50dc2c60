"""用证策略: what matters may ask for, and the uses of the day where there is a quota."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, or_, select, text, update

from certsvc.license.policies import Policy, PolicyState
from certsvc.store.newest import newest_of
from certsvc.store.tables_matters import IN_HAND, policies, policy_days, policy_marks
from certsvc.store.transaction import Insert, as_word, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime

    from sqlalchemy import RowMapping

    from certsvc.store.transaction import Transaction

_P, _D = policies.c, policy_days.c
ONE_MARK = "policies"
_MARK = select(policy_marks.c.mark).where(policy_marks.c.name == ONE_MARK)
_BY_ID = select(*_P).where(_P.policy_id == bindparam("which"))
_OF_PAIR = select(*_P).where(_P.matter_code == bindparam("matter"), _P.type_slug == bindparam("slug"))
_STANDING = select(*_P).where(_P.state.in_(("requested", "approved", "open", "closed")))
_OF_AUTHORITY = newest_of(policies, _P.authority_code, _P.requested_at, _P.policy_id)
_OF_TYPE = newest_of(policies, _P.type_slug, _P.requested_at, _P.policy_id)
_NEWEST = select(*_P).order_by(_P.requested_at.desc(), _P.policy_id.desc()).limit(bindparam("most"))
_MOMENT = bindparam("moment", type_=_P.requested_at.type)
_NEXT = _NEWEST.where(_P.requested_at <= _MOMENT, or_(_P.requested_at < _MOMENT, _P.policy_id < bindparam("last")))
_MOVED = (
    "state",
    "decided_by",
    "decided_at",
    "reason",
    "opened_by",
    "opened_at",
    "opened_on",
    "closed_by",
    "closed_at",
    "close_reason",
)
_MOVE = (
    update(policies)
    .where(_P.policy_id == bindparam("which"), _P.state.in_(bindparam("sources", expanding=True)))
    .values({name: bindparam(f"new_{name}") for name in _MOVED})
)
_USED = select(_D.used).where(_D.policy_id == bindparam("which"), _D.day == bindparam("on"))


@cache
def _request(dialect: str) -> Insert:
    made = insert_into(dialect, policies)
    return made.on_conflict_do_nothing(index_elements=[_P.matter_code, _P.type_slug], index_where=text(IN_HAND))


@cache
def _insert(dialect: str) -> Insert:
    return insert_into(dialect, policies)


@cache
def _set_mark(dialect: str) -> Insert:
    made = insert_into(dialect, policy_marks)
    return made.on_conflict_do_update(index_elements=[policy_marks.c.name], set_={"mark": made.excluded.mark})


@cache
def _count(dialect: str) -> Insert:
    """Insert the first uses of a day, or add to them while the quota lasts for all that come."""
    made = insert_into(dialect, policy_days)
    after = _D.used + made.excluded.used
    return made.on_conflict_do_update(
        index_elements=[_D.policy_id, _D.day], set_={"used": after}, where=after <= bindparam("quota")
    )


class PolicyRows:
    """Implements ``matter_ports.Policies``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx
        self._mark: str | None = None

    def mark(self) -> str:
        """A word that is another one after every change; empty before the first. A unit of work reads it once."""
        if self._mark is None:
            row = self._tx.row(_MARK)
            self._mark = "" if row is None else str(row["mark"])
        return self._mark

    def set_mark(self, mark: str) -> None:
        """Say that something changed; ``mark`` was never used before."""
        self._tx.changed(_set_mark(self._tx.dialect), name=ONE_MARK, mark=mark)
        self._mark = mark

    def request(self, policy: Policy) -> bool:
        """Store a request; False when one of the same matter and type is in hand."""
        return self._tx.changed(_request(self._tx.dialect), **_values(policy)) == 1

    def insert_closed(self, policy: Policy) -> None:
        """Store the closing of a policy of the seed."""
        self._tx.changed(_insert(self._tx.dialect), **_values(policy))

    def by_id(self, policy_id: str) -> Policy | None:
        """The policy."""
        row = self._tx.row(_BY_ID, which=policy_id)
        return None if row is None else _policy(row)

    def of_pair(self, matter_code: str, type_slug: str) -> Sequence[Policy]:
        """All policies of one matter and type."""
        return [_policy(row) for row in self._tx.rows(_OF_PAIR, matter=matter_code, slug=type_slug)]

    def move(self, policy: Policy, *, sources: Collection[PolicyState]) -> bool:
        """Store state and who, when, why of ``policy``, if it stands in one of ``sources``."""
        values = _values(policy)
        done = self._tx.changed(
            _MOVE,
            which=policy.policy_id,
            sources=sorted(state.value for state in sources),
            **{f"new_{name}": values[name] for name in _MOVED},
        )
        return done == 1

    def standing(self) -> Sequence[Policy]:
        """All but the refused."""
        return [_policy(row) for row in self._tx.rows(_STANDING)]

    def page(
        self,
        *,
        authority_code: str = "",
        type_slugs: Sequence[str] = (),
        limit: int,
        behind: tuple[datetime, str] | None = None,
    ) -> Sequence[Policy]:
        """Newest first; of one body, or of some types, or all."""
        if authority_code:
            rows = _OF_AUTHORITY.rows(self._tx, [authority_code], limit=limit, behind=behind)
        elif type_slugs:
            rows = _OF_TYPE.rows(self._tx, type_slugs, limit=limit, behind=behind)
        elif behind is not None:
            rows = self._tx.rows(_NEXT, most=limit, moment=behind[0], last=behind[1])
        else:
            rows = self._tx.rows(_NEWEST, most=limit)
        return [_policy(row) for row in rows]

    def count_use(self, policy_id: str, *, day: date, quota: int, uses: int = 1) -> bool:
        """Count so many uses of the day; False, and none is counted, when they are more than ``quota`` leaves."""
        if uses > quota:
            return False
        return self._tx.changed(_count(self._tx.dialect), policy_id=policy_id, day=day, used=uses, quota=quota) == 1

    def used(self, policy_id: str, *, day: date) -> int:
        """How many uses of the day were counted."""
        row = self._tx.row(_USED, which=policy_id, on=day)
        return 0 if row is None else int(row["used"])


def _values(policy: Policy) -> dict[str, object]:
    return {
        "policy_id": policy.policy_id,
        "matter_code": policy.matter_code,
        "authority_code": policy.authority_code,
        "type_slug": policy.type_slug,
        "keys": to_json(list(policy.keys)),
        "bases": to_json(list(policy.bases)),
        "quota": policy.quota,
        "purpose": policy.purpose,
        "state": policy.state.value,
        "requested_by": policy.requested_by,
        "requested_at": policy.requested_at,
        "decided_by": policy.decided_by,
        "decided_at": policy.decided_at,
        "reason": policy.reason,
        "opened_by": policy.opened_by,
        "opened_at": policy.opened_at,
        "opened_on": policy.opened_on,
        "closed_by": policy.closed_by,
        "closed_at": policy.closed_at,
        "close_reason": policy.close_reason,
    }


def _policy(row: RowMapping) -> Policy:
    values = dict(row)
    values["keys"] = tuple(from_json(row["keys"]))
    values["bases"] = tuple(from_json(row["bases"]))
    values["state"] = as_word(PolicyState, row["state"])
    return Policy(**values)
