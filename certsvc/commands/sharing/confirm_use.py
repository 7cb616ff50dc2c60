"""A yes to a use request: by what right, for which licenses, and the grants once everybody who must has confirmed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.commands.sharing.grant_use import count_under, others_of, store_grant
from certsvc.commands.sharing.grounds import best_of, of_type
from certsvc.commands.showing.codes import token_sha256
from certsvc.commands.showing.rights import UNDER_14_ZH, acting_by, holder_of, require_alive, right_to_consent, same
from certsvc.errors import Conflict, NotFound
from certsvc.license.consents import Party, RequestState
from certsvc.license.relations import needs_guardian
from certsvc.license.uses import Grant, ShowBasis

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.showing.rights import Right
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.consents import UseRequest
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
    delegation_id: str,
    now: datetime,
) -> bool:
    """Store the yes of one who was asked; True when with it everybody has confirmed, and the grants are there.

    Raises:
        NotFound: the holder has none of the licenses.
        Conflict: too young, dead by the register, the delegation is not for this, or another answer was quicker.
    """
    versions = _licenses(deps, tx, request, now)
    if party.version_id:
        answered = _own_yes(tx, caller, party, now)
    else:
        answered = _holders_yes(deps, tx, caller, request, party, versions, delegation_id, now)
    if not tx.bases.answer_party(answered, now=now):
        raise Conflict(TOO_LATE_ZH)
    parties = [
        answered if one.party_id == answered.party_id else one for one in tx.bases.parties_of(request.request_id)
    ]
    waiting = [one for one in parties if one.state is RequestState.ASKED]
    for missing in _missing(deps, tx, request, versions, parties, now):
        tx.bases.insert_party(missing)
        waiting.append(missing)
    if waiting:
        return False
    if not tx.bases.close_request(request.request_id, RequestState.CONFIRMED, now=now):
        raise Conflict(TOO_LATE_ZH)
    holder = next(one for one in parties if not one.version_id)
    for version in versions:
        store_grant(deps, tx, _grant(deps, request, version, holder, now), version, actor=caller.subject)
    return True


def _licenses(deps: Deps, tx: UnitOfWork, request: UseRequest, now: datetime) -> list[LicenseVersion]:
    """Of each type that was asked for the license that counts; provisional opinions are nobody's consent."""
    found = []
    for slug in request.items:
        held = [version for version in of_type(tx, request.holder, slug) if not version.provisional]
        best = best_of(deps, tx, held, now)
        if best is not None:
            found.append(best)
    return found


def _holders_yes(
    deps: Deps,
    tx: UnitOfWork,
    caller: Principal,
    request: UseRequest,
    party: Party,
    versions: Sequence[LicenseVersion],
    delegation_id: str,
    now: datetime,
) -> Party:
    if not versions:
        raise NotFound(NONE_HELD_ZH)
    rights: list[Right] = [
        right_to_consent(
            deps,
            tx,
            caller,
            version.identifier,
            now,
            matter_code=request.matter_code,
            delegation_id=delegation_id,
        )
        for version in versions
    ]
    count_under(tx, rights[0], now)
    return _answered(party, caller, now, basis=rights[0].basis.value, basis_id=rights[0].basis_id)


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
