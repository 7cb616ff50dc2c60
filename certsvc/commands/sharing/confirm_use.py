"""A yes to a use request: by what right, for which licenses, and the grants once everybody who must has confirmed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from certsvc.clock import local_day, rfc3339
from certsvc.commands.sharing.choices import NOT_AMONG_ZH, candidates, choose
from certsvc.commands.sharing.grant_use import count_under, others_of, store_grant
from certsvc.commands.sharing.grounds import best_of, of_type
from certsvc.commands.sharing.held import held_by
from certsvc.commands.showing.codes import token_sha256
from certsvc.commands.showing.rights import UNDER_14_ZH, acting_by, holder_of, require_alive, right_to_consent, same
from certsvc.errors import Conflict, FieldProblem, InvalidInput, NotFound
from certsvc.events.consent_payloads import ConsentPartyAdded
from certsvc.license.consents import Party, RequestState
from certsvc.license.relations import needs_guardian
from certsvc.license.uses import Grant, ShowBasis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.showing.rights import Right
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.consents import UseRequest
    from certsvc.license.delegations import Delegation
    from certsvc.license.model import LicenseVersion

NONE_HELD_ZH = "名下没有申请中所列的证照，无从授权；如不认可这项申请，请选择不同意"
TOO_LATE_ZH = "这项申请已答复或已过时"


def confirm(
    deps: Deps,
    tx: UnitOfWork,
    caller: Principal,
    request: UseRequest,
    party: Party,
    *,
    delegation: Delegation | None,
    named: Mapping[str, str],
    now: datetime,
) -> bool:
    """Store the yes of one who was asked; True when with it everybody has confirmed, and the grants are there.

    ``named`` are the licenses that the holder's yes is for, by type, where there is more than one.

    Raises:
        NotFound: the holder has none of the licenses.
        Conflict: too young, dead by the register, the delegation is not for this, or another answer was quicker.
        InvalidInput: of a type there are several and none was named, or the one named is none of them.
    """
    if party.version_id:
        answered = _own_yes(tx, caller, party, now)
    else:
        answered = _holders_yes(deps, tx, caller, request, party, delegation, named, now)
    if not tx.bases.answer_party(answered, now=now):
        raise Conflict(TOO_LATE_ZH)
    parties = [
        answered if one.party_id == answered.party_id else one for one in tx.bases.parties_of(request.request_id)
    ]
    holder = next(one for one in parties if not one.version_id)
    versions = _licenses(deps, tx, request, holder, now)
    waiting = [one for one in parties if one.state is RequestState.ASKED]
    for missing in _missing(deps, tx, request, versions, parties, now):
        tx.bases.insert_party(missing)
        _tell_party(deps, tx, request, missing, now)
        waiting.append(missing)
    if waiting:
        return False
    if not tx.bases.close_request(request.request_id, RequestState.CONFIRMED, now=now):
        raise Conflict(TOO_LATE_ZH)
    for version in versions:
        store_grant(deps, tx, _grant(deps, request, version, holder, now), version, actor=caller.subject)
    return True


def _licenses(deps: Deps, tx: UnitOfWork, request: UseRequest, holder: Party, now: datetime) -> list[LicenseVersion]:
    """Of each type that was asked for the license that the holder chose; a later version of it counts in its place.

    A yes of an earlier release chose none: then the one that is in force, else the newest.
    """
    found = []
    for slug in request.items:
        if not holder.chosen:
            held = of_type(tx, request.holder, slug)
        elif slug in holder.chosen:
            held = [
                version
                for version in tx.licenses.of_licenses([holder.chosen[slug]])
                if not version.replaced_by_version_id and same(version.holder, request.holder)
            ]
        else:
            continue
        best = best_of(deps, tx, [version for version in held if not version.provisional], now)
        if best is not None:
            found.append(best)
    if not found:  # what was chosen passed to somebody else meanwhile: a yes to nothing is no consent
        raise NotFound(NONE_HELD_ZH)
    return found


def _holders_yes(
    deps: Deps,
    tx: UnitOfWork,
    caller: Principal,
    request: UseRequest,
    party: Party,
    delegation: Delegation | None,
    named: Mapping[str, str],
    now: datetime,
) -> Party:
    chosen = _chosen(deps, tx, request, delegation, named, now)
    rights: list[Right] = [
        right_to_consent(
            deps,
            tx,
            caller,
            version.identifier,
            now,
            matter_code=request.matter_code,
            delegation_id=delegation.delegation_id if delegation is not None else "",
        )
        for version in chosen.values()
    ]
    count_under(tx, rights[0], now)
    answered = _answered(party, caller, now, basis=rights[0].basis.value, basis_id=rights[0].basis_id)
    return replace(answered, chosen={slug: version.license_id for slug, version in chosen.items()})


def _chosen(
    deps: Deps,
    tx: UnitOfWork,
    request: UseRequest,
    delegation: Delegation | None,
    named: Mapping[str, str],
    now: datetime,
) -> dict[str, LicenseVersion]:
    """The licenses that a yes is for, by type; a type of which there is none is left out."""
    beyond = sorted(set(named) - set(request.items))
    if beyond:
        problem = FieldProblem(pointer="/licenses", code="not_asked", detail=NOT_AMONG_ZH)
        raise InvalidInput(NOT_AMONG_ZH, problems=(problem,))
    held = held_by(deps, tx, [(request.holder, slug, named.get(slug, "")) for slug in request.items], now)
    within = delegation.scope if delegation is not None else None
    found: dict[str, LicenseVersion] = {}
    for slug in request.items:
        several = candidates(held, request.holder, slug, within)
        if several or named.get(slug):
            found[slug] = choose(deps, several, named.get(slug, ""), pointer="/licenses")
    if not found:
        raise NotFound(NONE_HELD_ZH)
    return found


def _own_yes(tx: UnitOfWork, caller: Principal, party: Party, now: datetime) -> Party:
    """A co-holder's, in person or by the guardian of one who is too young."""
    if same(party.holder, holder_of(caller)):
        if needs_guardian(party.holder, local_day(now)):
            raise Conflict(UNDER_14_ZH)
        require_alive(tx, caller)
        return _answered(party, caller, now, basis=ShowBasis.CO_HOLDER, basis_id="")
    basis, relation = acting_by(tx, caller, party.holder, now)
    return _answered(party, caller, now, basis=basis, basis_id=relation.relation_id)


def _answered(party: Party, caller: Principal, now: datetime, *, basis: str, basis_id: str) -> Party:
    return replace(
        party,
        state=RequestState.CONFIRMED,
        answered_by=caller.subject,
        answered_at=now,
        basis=basis,
        basis_id=basis_id,
    )


def _missing(
    deps: Deps,
    tx: UnitOfWork,
    request: UseRequest,
    versions: Sequence[LicenseVersion],
    parties: Sequence[Party],
    now: datetime,
) -> list[Party]:
    """Co-holders who must confirm and were not asked yet; one who came to a license meanwhile is among them."""
    asked = {(one.version_id, one.holder.code_type, one.holder.code) for one in parties}
    return [
        Party(
            party_id=deps.ids.new("upt"),
            request_id=request.request_id,
            holder=one.holder,
            version_id=version.version_id,
            created_at=now,
        )
        for version in versions
        for one in others_of(deps, tx, version)
        if (version.version_id, one.holder.code_type, one.holder.code) not in asked
    ]


def _tell_party(deps: Deps, tx: UnitOfWork, request: UseRequest, party: Party, now: datetime) -> None:
    """Somebody more has to confirm, and does not know it: the notice follows from the event."""
    payload = ConsentPartyAdded(
        request_id=request.request_id,
        party_id=party.party_id,
        client_id=request.client_id,
        authority_code=request.authority_code,
        matter_code=request.matter_code,
        lapses_at=rfc3339(request.lapses_at),
    )
    event_id, source = deps.ids.new("evt"), deps.policy.event_source
    tx.outbox.add(payload.event(event_id=event_id, source=source, subject=request.request_id, at=now))


def _grant(deps: Deps, request: UseRequest, version: LicenseVersion, holder: Party, now: datetime) -> Grant:
    return Grant(
        grant_id=deps.ids.new("grt"),
        token_sha256=token_sha256(deps.ids.token()),  # of a code that nobody has
        version_id=version.version_id,
        holder_subject=holder.answered_by,
        client_id=request.client_id,
        matter_code=request.matter_code,
        case_no=request.case_no,
        fields=request.items[version.type_slug],
        created_at=now,
        expires_at=request.until,
        copy_until=request.until,
        basis=holder.basis,
        basis_id=holder.basis_id,
        consent_id=request.request_id,
        operator=request.operator,
    )
