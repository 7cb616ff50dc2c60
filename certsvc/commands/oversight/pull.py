"""A regulator reads what a push stands for, or goes through what is in its charge (late subscription).

Every license that is read is a row of the ledger 谁用过我的证. What leaves is what the subscription names *and* the
lists of the type still allow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import rows_of
from certsvc.commands.oversight.subscribe import own_oversight
from certsvc.commands.oversight.tell import region_of
from certsvc.commands.sharing.consent_only import check_duty_on_record
from certsvc.commands.showing.values import ShownField, shown_fields
from certsvc.commands.verifying.stands import stands
from certsvc.errors import NotFound
from certsvc.license.uses import GIVEN, Fetch, UseBasis

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.oversight import Oversight, Push
    from certsvc.license.standing import Standing

MAX_PAGE = 100
MAX_LOOKED_AT = 500
"""Licenses that one page of a backfill looks at, whatever it finds: a rare type must not read the whole register."""

MATTER_ZH = "审管双推送"
"""Stands in the ledger where a fetch names its matter."""
PURPOSE_ZH = "审管双推送：监管部门接收证照信息"
NO_PUSH_ZH = "没有这条推送，请核对编号"


@dataclass(frozen=True, kw_only=True, slots=True)
class Regulated:
    """A license as its regulator may see it."""

    version: LicenseVersion
    standing: Standing
    fields: tuple[ShownField, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Backfill:
    """A page of licenses in charge; ``next`` goes on behind it and is empty at the end."""

    rows: Sequence[Regulated]
    next: str


def read_push(deps: Deps, caller: Principal, push_id: str) -> tuple[Push, Regulated]:
    """What one push stands for.

    Raises:
        ConsentOnly: the caller's body supervises nobody (any more); the refusal is on record.
        NotFound: no such push, another client's, or the subscription is active no more: alike.
    """
    _require_duty(deps, caller)
    now = deps.clock.now()
    with deps.uow() as tx:
        push = tx.oversights.pushed(push_id)
        if push is None:
            raise NotFound(NO_PUSH_ZH)
        try:
            oversight = own_oversight(tx, caller, push.oversight_id)
        except NotFound as error:
            raise NotFound(NO_PUSH_ZH) from error
        version = tx.licenses.by_version_id(push.version_id)
        if version is None:
            raise NotFound(NO_PUSH_ZH)
        return push, _read(deps, tx, caller, oversight, version, now)


def list_pushes(deps: Deps, caller: Principal, oversight_id: str, *, after: int, limit: int) -> Sequence[Push]:
    """Pushes behind a position, in order: for clients without a webhook. ConsentOnly as :func:`read_push`."""
    _require_duty(deps, caller)
    with deps.uow.read() as tx:
        own_oversight(tx, caller, oversight_id)
        return tx.oversights.pushes(oversight_id, after=after, limit=min(limit, MAX_PAGE))


def backfill(deps: Deps, caller: Principal, oversight_id: str, *, behind: str, limit: int) -> Backfill:
    """What is in charge now and has not ended, behind a license, whatever was pushed before.

    ConsentOnly as :func:`read_push`, whatever there is in charge.
    """
    _require_duty(deps, caller)
    limit, now = min(limit, MAX_PAGE), deps.clock.now()
    rows: list[Regulated] = []
    with deps.uow() as tx:
        oversight = own_oversight(tx, caller, oversight_id)
        # Whole licenses only, or a page would lose the other versions of the one at which it ends.
        looked_at = tx.licenses.not_ended_after(behind, limit=MAX_LOOKED_AT)
        place = ""
        for version in looked_at:
            if len(rows) >= limit and version.license_id != place:
                break
            place = version.license_id
            if not version.provisional and oversight.covers(version.type_slug, region_of(deps, version)):
                rows.append(_read(deps, tx, caller, oversight, version, now))
        done = not looked_at or (place == looked_at[-1].license_id and len(looked_at) < MAX_LOOKED_AT)
    return Backfill(rows=rows, next="" if done else place)


def _require_duty(deps: Deps, caller: Principal) -> None:
    """Before a transaction, so that the refusal stays on record; and before a subscription is looked at."""
    roles.require(caller, roles.REGULATOR)
    check_duty_on_record(deps, caller, wished="oversight", matter_code="")


def _read(
    deps: Deps, tx: UnitOfWork, caller: Principal, oversight: Oversight, version: LicenseVersion, now: datetime
) -> Regulated:
    allowed = deps.oversight_lists.allowed(version.type_slug)
    keys = tuple(key for key in oversight.fields.get(version.type_slug, ()) if key in allowed)
    row = Fetch(
        fetch_id=deps.ids.new("fch"),
        version_id=version.version_id,
        client_id=caller.subject,
        client_name=caller.name,
        authority_code=caller.authority_code,
        matter_code=MATTER_ZH,
        case_no=oversight.oversight_id,
        operator=caller.subject,
        purpose=PURPOSE_ZH,
        basis=UseBasis.DUTY,
        grant_id="",
        fields=keys,
        outcome=GIVEN,
        at=now,
        type_slug=version.type_slug,
    )
    tx.sharing.insert_fetch(row)
    content = {
        "fetch_id": row.fetch_id,
        "oversight_id": oversight.oversight_id,
        "basis": UseBasis.DUTY.value,
        "rows": rows_of([row]),
    }
    record(tx, deps, kind="oversight.read", subject=version.identifier, actor=caller.subject, content=content, at=now)
    kind = deps.catalog.type(version.type_slug)
    return Regulated(
        version=version,
        standing=stands(deps, tx, version, now),
        fields=shown_fields(kind, version, keys, unmasked=keys),
    )
