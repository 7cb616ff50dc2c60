"""A fetch under an Idempotency-Key: once, and the same again for whoever lost the answer.

The same ledger row, counted once: the fields are read anew, as they are now, under the rules of now; what is not lawful
any more is refused. A copy is the one that was given. That it left again is in the evidence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.sharing.fetch_license import FetchAnswer, fetch_license, read_of
from certsvc.commands.sharing.fetch_scope import check_in_force, scope_of, within
from certsvc.commands.sharing.grounds import check_basis, check_open, consented, look_up, withheld_by
from certsvc.commands.sharing.make_copy import stored_copy
from certsvc.commands.sharing.policy import by_own_code, simulation_allows
from certsvc.commands.sharing.repeats import Once, first_or_again, given_before
from certsvc.commands.showing.values import shown_fields
from certsvc.commands.verifying.facts import public_facts
from certsvc.errors import NoLawfulBasis
from certsvc.identifiers.policy_key import COPY
from certsvc.identifiers.use_basis import CONSENT
from certsvc.license.copies import CopyState

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.sharing.fetch_license import FetchBody
    from certsvc.commands.sharing.grounds import Known
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.copies import AnnotatedCopy
    from certsvc.license.model import LicenseVersion
    from certsvc.license.uses import Fetch, Grant

KIND = "fetch"
COPY_OVER_ZH = "这份加注件已收回或已到期，不再提供"


def fetch_once(deps: Deps, caller: Principal, body: FetchBody, key: str) -> FetchAnswer:
    """As ``fetch_license``; under a ``key`` that it led to a fetch before, that fetch.

    Raises:
        IdempotencyMismatch: the key came with other content before.
        Conflict: it is too late to give it again; or the same is being worked on.
        NoLawfulBasis: it may not leave any more.
    """
    roles.require(caller, roles.USING)
    body = by_own_code(deps, body)
    once = Once.of(caller.subject, KIND, key, body)
    return first_or_again(
        deps,
        caller,
        once,
        lambda: fetch_license(deps, caller, body, once),
        lambda fetch_id, now: _read_again(deps, caller, body, fetch_id, now),
    )


def _read_again(deps: Deps, caller: Principal, body: FetchBody, fetch_id: str, now: datetime) -> FetchAnswer:
    with deps.uow.read() as tx:
        row = given_before(tx, caller, fetch_id, now)
        known = look_up(deps, tx, [(caller, body)], now, hold=False)
        check_basis(deps, caller, body)
        withheld_by(known.withheld, caller, body, now)
        allowed = check_open(deps, tx, caller, body, now)
        version, grant = _about(deps, tx, known, caller, body, row, now)
        keys = scope_of(row.fields, allowed, grant)
        reads = read_of(deps, tx, [version], now)
        how = reads.standings[version.version_id]
        copy = None
        if COPY in keys:
            check_in_force(version, how)
            copy = _given(tx, fetch_id, now)
        facts = public_facts(deps, tx, version, now, how, newest=reads.newest.get(version.version_id, ()))
    return FetchAnswer(
        fetch=row,
        facts=within(facts, keys),
        standing=how,
        fields=shown_fields(deps.catalog.type(version.type_slug), version, keys, unmasked=keys),
        copy=copy,
        file=stored_copy(deps, copy) if copy is not None else None,
    )


def _about(
    deps: Deps, tx: UnitOfWork, known: Known, caller: Principal, body: FetchBody, row: Fetch, now: datetime
) -> tuple[LicenseVersion, Grant | None]:
    """The license that the fetch was about, and the consent, which this fetch has used and which still must stand."""
    if body.basis == CONSENT:
        version, grant, _ = consented(deps, known, caller, body, now, data=False)
        return version, grant
    found = tx.licenses.by_version_id(row.version_id)
    if found is None or not simulation_allows(deps, body.matter_code, found, body.project_code):
        raise NoLawfulBasis("该证照不能再提供；请重新申请用证")
    return found, None


def _given(tx: UnitOfWork, fetch_id: str, now: datetime) -> AnnotatedCopy:
    copy = tx.copies.by_fetch(fetch_id)
    if copy is None or copy.state is not CopyState.GIVEN or copy.expired(now):
        raise NoLawfulBasis(COPY_OVER_ZH)
    return copy
