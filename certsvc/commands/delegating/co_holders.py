"""Further holders of one license (共有人、户内成员), as its issuer names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.catalog.validation import validate_part
from certsvc.commands.access import roles
from certsvc.commands.delegating.party import PartyBody
from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import rows_of
from certsvc.commands.issuance.authority import issuer_today
from certsvc.commands.showing.rights import same
from certsvc.errors import Conflict, NotFound
from certsvc.license.relations import CoHolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion

NO_LICENSE_ZH = "没有这张证照，或不是本机关颁发的"
MAX_CO_HOLDERS = 50
"""Of one license: a large household; bounds what a look at the license reads."""


class CoHolderBody(BaseModel):
    """共有人或户内成员，以及证照上属于本人的信息项."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    person: PartyBody
    data: dict[str, str] = Field(default_factory=dict, max_length=100, description="本人部分：信息项键和值")


def add_co_holder(deps: Deps, caller: Principal, identifier: str, body: CoHolderBody) -> CoHolder:
    """Let one more person hold a license; it stays so over renewals and changes.

    Raises:
        NotFound: no such license of this issuer.
        InvalidInput: a field that the type does not have, or a value that cannot be taken.
        Conflict: the person holds it already, or there are too many.
    """
    roles.require(caller, roles.APPROVAL, roles.APPROVAL_ANY)
    now = deps.clock.now()
    with deps.uow() as tx:
        version = _of_issuer(deps, tx, caller, identifier)
        added = CoHolder(
            co_holder_id=deps.ids.new("coh"),
            license_id=version.license_id,
            holder=body.person.holder("/person/code"),
            data=validate_part(deps.catalog.type(version.type_slug), body.data),
            added_at=now,
        )
        there = tx.co_holders.of_license(version.license_id)
        if same(version.holder, added.holder) or len(there) >= MAX_CO_HOLDERS or not tx.co_holders.insert(added):
            raise Conflict(f"此人已是持证主体，或共有人已有 {MAX_CO_HOLDERS} 名")
        content = {"co_holder_id": added.co_holder_id, "fields": sorted(added.data), "rows": rows_of([added])}
        record(tx, deps, kind="co_holder.added", subject=identifier, actor=caller.subject, content=content, at=now)
    return added


def list_co_holders(deps: Deps, caller: Principal, identifier: str) -> Sequence[CoHolder]:
    """Those who hold a license of this issuer beside its first holder."""
    roles.require(caller, roles.APPROVAL, roles.APPROVAL_ANY)
    with deps.uow.read() as tx:
        return tx.co_holders.of_license(_of_issuer(deps, tx, caller, identifier).license_id)


def remove_co_holder(deps: Deps, caller: Principal, identifier: str, co_holder_id: str) -> None:
    """Let a person hold a license no longer; NotFound when there is none."""
    roles.require(caller, roles.APPROVAL, roles.APPROVAL_ANY)
    now = deps.clock.now()
    with deps.uow() as tx:
        version = _of_issuer(deps, tx, caller, identifier)
        found = tx.co_holders.by_id(co_holder_id)
        if found is None or found.license_id != version.license_id or not tx.co_holders.remove(co_holder_id, now=now):
            raise NotFound("没有这名共有人")
        content = {"co_holder_id": co_holder_id}
        record(tx, deps, kind="co_holder.removed", subject=identifier, actor=caller.subject, content=content, at=now)


def _of_issuer(deps: Deps, tx: UnitOfWork, caller: Principal, identifier: str) -> LicenseVersion:
    version = tx.licenses.by_identifier(identifier)
    everywhere = roles.APPROVAL_ANY in caller.roles
    if version is None or not (everywhere or caller.authority_code == issuer_today(deps, version)):
        raise NotFound(NO_LICENSE_ZH)
    return version
