"""Who may answer a use request for one who was asked: in person, as guardian or 法定代表人, or by a delegation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.commands.sharing.choices import types_within
from certsvc.commands.showing.rights import MAX_OTHERS, holder_of, same
from certsvc.errors import Conflict, NotFound
from certsvc.license.consents import RequestState
from certsvc.license.delegations import ANY_MATTER, MAX_OPEN_DELEGATIONS, DelegationState
from certsvc.license.relations import RelationKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.ports import Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.consents import Party, UseRequest
    from certsvc.license.delegations import Delegation
    from certsvc.license.model import Holder

NO_REQUEST_ZH = "没有这项用证申请"
_DECIDE = (RelationKind.GUARDIAN, RelationKind.REPRESENTATIVE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """Delegations under which somebody may consent, and the types of the licenses in each, by its id."""

    delegations: Sequence[Delegation]
    types: Mapping[str, frozenset[str]]

    def under(self, party: Party, request: UseRequest, delegation_id: str = "") -> Delegation | None:
        """The delegation, or that of this id, by which the request may be answered for a party.

        It is for the matter, and for a license of every type that was asked for: what else the holder is asked is no
        concern of a delegate. A co-holder speaks for the own part in person.
        """
        if party.version_id:
            return None
        return next(
            (
                one
                for one in self.delegations
                if delegation_id in {"", one.delegation_id}
                and same(party.holder, one.holder)
                and {ANY_MATTER, request.matter_code} & set(one.use_matters)
                and set(request.items) <= self.types.get(one.delegation_id, frozenset())
            ),
            None,
        )


def acting_for(tx: UnitOfWork, caller: Principal, now: datetime) -> list[Holder]:
    """The caller, and those for whom the caller decides as guardian or 法定代表人."""
    me, day = holder_of(caller), local_day(now)
    related = [
        relation.subject for kind in _DECIDE for relation in tx.relations.of_other(me, kind) if relation.holds(day)
    ]
    return [me, *related]


def given_to(tx: UnitOfWork, caller: Principal, now: datetime) -> Given:
    """Delegations under which the caller may consent for somebody."""
    found = tx.delegations.active_of_delegate(holder_of(caller), day=local_day(now), limit=MAX_OTHERS)
    given = [one for one in found if one.use_matters]
    return Given(delegations=given, types=types_within(tx, given))


def deciders_of(tx: UnitOfWork, party: Party, request: UseRequest, now: datetime) -> list[Holder]:
    """Who may answer for a party in its place, each once: guardians, 法定代表人, delegates within what was given."""
    day = local_day(now)
    people = [
        relation.other
        for kind in _DECIDE
        for relation in tx.relations.of_subject(party.holder, kind)
        if relation.other is not None and relation.holds(day)
    ]
    if not party.version_id:
        over = tx.delegations.of_holder(party.holder, limit=MAX_OPEN_DELEGATIONS)
        active = [one for one in over if one.use_matters and one.stands(now) is DelegationState.ACTIVE]
        types = types_within(tx, active)
        people += [
            one.delegate for one in active if Given(delegations=(one,), types=types).under(party, request) is not None
        ]
    by_code = {(one.code_type, one.code): one for one in people if not same(one, party.holder)}
    return list(by_code.values())


def party_answered(
    tx: UnitOfWork, caller: Principal, request: UseRequest, party_id: str, delegation_id: str, now: datetime
) -> tuple[Party, Delegation | None]:
    """The party that the caller answers for, and the delegation by which; None for the caller's own right.

    Raises:
        NotFound: no such party, or nobody's that the caller may answer for.
        Conflict: none is named, and the caller may answer for several: which is the caller's to say.
    """
    parties = tx.bases.parties_of(request.request_id)
    if not party_id and sum(one.state is RequestState.ASKED for one in parties) > 0:
        parties = [one for one in parties if one.state is RequestState.ASKED]
    found = []
    acting, given = acting_for(tx, caller, now), given_to(tx, caller, now) if delegation_id else None
    for party in parties if caller.holder_code else ():
        delegation = given.under(party, request, delegation_id) if given is not None else None
        if party_id in {"", party.party_id} and (delegation if delegation_id else is_among(party.holder, acting)):
            found.append((party, delegation))
    if not found:
        raise NotFound(NO_REQUEST_ZH)
    if len(found) > 1:
        raise Conflict("您可以为几方答复这项申请：请在 party_id 写明为哪一方，见申请列表")
    return found[0]


def ask_of_nobody(tx: UnitOfWork, caller: Principal, delegation_id: str, now: datetime) -> None:
    """The reads that another's request costs before it is refused: one that there is not takes as long (Q5)."""
    tx.bases.parties_of("")
    acting_for(tx, caller, now)
    if delegation_id:
        given_to(tx, caller, now)


def is_among(holder: Holder, people: Sequence[Holder]) -> bool:
    """Whether somebody is one of these; names do not count."""
    return any(same(holder, one) for one in people)
