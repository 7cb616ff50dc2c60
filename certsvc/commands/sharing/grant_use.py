"""授权: the holder lets one client use one license for one matter, once (用证码)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import rows_of
from certsvc.commands.shapes import Line
from certsvc.commands.sharing.policy import by_own_code, keys_on_consent
from certsvc.commands.sharing.repeats import Once, check_time
from certsvc.commands.sharing.use_rows import used_name
from certsvc.commands.showing.codes import token_sha256
from certsvc.commands.showing.delegation_uses import count_delegated
from certsvc.commands.showing.material_rights import seen_materials
from certsvc.commands.showing.rights import right_to_consent, right_to_show
from certsvc.commands.showing.seen_versions import seen_versions
from certsvc.errors import Conflict, FieldProblem, InvalidInput, NotFound
from certsvc.identifiers.material_kind import is_material_id
from certsvc.license.copies import COPY_DAYS, MAX_COPY_DAYS
from certsvc.license.questions import may_ask
from certsvc.license.standing import PROVISIONAL_ZH
from certsvc.license.uses import Grant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.sharing.use_rows import Used
    from certsvc.commands.showing.rights import Right
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.archives import Material
    from certsvc.license.model import LicenseVersion
    from certsvc.license.parties import Client
    from certsvc.license.relations import CoHolder

MAX_GRANT_MINUTES = 24 * 60
"""A 用证码 lives minutes to one day (STANDARDS.md 2.9); a longer one would outlive the holder's memory of it."""


MAX_LISTED = 200
"""Grants in one list."""
NO_CLIENT_ZH = "没有这个用证系统"
NO_GRANT_ZH = "没有可收回的授权：可能已收回或已过期"


class GrantBody(BaseModel):
    """授权范围：给谁、为哪个事项、哪些信息、多久."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    identifier: str = Field(max_length=128, description="证照标识")
    client_id: str = Field(max_length=64, description="用证系统")
    matter_code: str = Field(max_length=33, description="事项实施编码")
    case_no: Line = Field(default="", max_length=64, description="办件编号，填写后仅限该件")
    fields: tuple[str, ...] = Field(default=(), max_length=100, description="授权的信息项，缺省为该事项允许的全部")
    minutes: int = Field(default=30, ge=1, le=MAX_GRANT_MINUTES)
    delegation_id: str = Field(default="", max_length=64, description="受托人代为授权时，填委托编号")
    copy_days: int = Field(default=COPY_DAYS, ge=1, le=MAX_COPY_DAYS, description="加注件最长可用的天数，自授权起算")


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantAnswer:
    """A grant, the body whose system may use it, and the one-time code when it was just made.

    Attributes:
        authority_code: empty when the system is on record no more.
        version: the license as the caller may see it; None where the caller gave it under what has ended.
    """

    grant: Grant
    authority_code: str
    code: str = ""
    version: LicenseVersion | None = None
    material: Material | None = None
    """of a consent to use a 电子材料"""


def grant_use(deps: Deps, caller: Principal, body: GrantBody, *, idempotency_key: str = "") -> GrantAnswer:
    """Make a grant; the code leaves in the answer only, and once more to whoever lost that and has the key.

    Raises:
        NotFound: not a license over whose use the caller decides, or no such client.
        Conflict: the caller is too young to decide alone, a delegation is not for this, or the license has several
            holders who must all confirm.
        NoLawfulBasis: no such matter of this client, or it may not see this type.
        InvalidInput: fields that the matter does not need; IdempotencyMismatch: the key came with other content.
    """
    roles.require(caller, roles.HOLDER)
    body, now = by_own_code(deps, body), deps.clock.sure()
    once = Once.of(caller.subject, "grant", idempotency_key, body)
    with deps.uow() as tx:
        token = once.code(tx) if once is not None else deps.ids.token()
        # Before the right is asked for: of a delegation for one use the first try was that use.
        if once is not None and (known := once.known(tx)):
            return made_before(tx, known, token, now)
        right = right_to_consent(
            deps, tx, caller, body.identifier, now, matter_code=body.matter_code, delegation_id=body.delegation_id
        )
        version = right.version
        if version.provisional:
            raise InvalidInput(f"{PROVISIONAL_ZH}，不能授权他人使用")
        check_alone(deps, tx, version)
        client = receiving(tx, body.client_id)
        allowed = keys_on_consent(deps, tx, body.matter_code, client.authority_code, version.type_slug)
        wanted = granted_keys(body.fields, allowed)
        grant = Grant(
            grant_id=deps.ids.new("grt"),
            token_sha256=token_sha256(token),
            version_id=version.version_id,
            holder_subject=caller.subject,
            client_id=client.client_id,
            matter_code=body.matter_code,
            case_no=body.case_no,
            fields=wanted,
            created_at=now,
            expires_at=now + timedelta(minutes=body.minutes),
            basis=right.basis,
            basis_id=right.basis_id,
            copy_until=now + timedelta(days=body.copy_days),
        )
        if once is not None:
            once.bind(tx, grant.grant_id, now)
        count_under(tx, right, now)
        store_grant(deps, tx, grant, version, actor=caller.subject)
    return GrantAnswer(grant=grant, authority_code=client.authority_code, code=token, version=version)


def made_before(tx: UnitOfWork, grant_id: str, token: str, now: datetime) -> GrantAnswer:
    """The grant that a key led to; its code as long as it opens something, and no other grant has it."""
    grant = tx.sharing.grant(grant_id)
    if grant is None:
        msg = "a key is bound to a grant that is not there"
        raise RuntimeError(msg)
    check_time(grant.created_at, now, grant_id)
    client = tx.access.client(grant.client_id)
    unused = grant.used_at is None and grant.withdrawn_at is None and now < grant.expires_at
    return GrantAnswer(
        grant=grant,
        authority_code=client.authority_code if client is not None else "",
        code=token if unused and token_sha256(token) == grant.token_sha256 else "",
        version=tx.licenses.by_version_id(grant.version_id),
        material=tx.materials.by_id(grant.version_id) if is_material_id(grant.version_id) else None,
    )


def receiving(tx: UnitOfWork, client_id: str) -> Client:
    """The system that may use what is granted; NotFound when it is none."""
    client = tx.access.client(client_id)
    if client is None or not client.active or roles.USING not in client.roles:
        raise NotFound(NO_CLIENT_ZH)
    return client


def granted_keys(fields: Sequence[str], allowed: Sequence[str]) -> tuple[str, ...]:
    """What a consent opens: what is named, else all that the matter may have; InvalidInput beyond that."""
    wanted = tuple(dict.fromkeys(fields or allowed))
    beyond = [key for key in wanted if not may_ask(key, allowed)]
    if beyond:
        detail = f"该事项不需要：{'、'.join(beyond)}；可授权：{'、'.join(allowed)}"
        raise InvalidInput(
            "授权范围超出事项所需", problems=(FieldProblem(pointer="/fields", code="beyond_policy", detail=detail),)
        )
    return wanted


def store_grant(deps: Deps, tx: UnitOfWork, grant: Grant, used: Used, *, actor: str) -> None:
    """The row and its evidence."""
    tx.sharing.insert_grant(grant)
    content = {
        "grant_id": grant.grant_id,
        "client_id": grant.client_id,
        "matter_code": grant.matter_code,
        "basis": str(grant.basis),
        "consent_id": grant.consent_id,
        "rows": rows_of([grant]),
    }
    record(tx, deps, kind="grant.made", subject=used_name(used), actor=actor, content=content, at=grant.created_at)
    deps.faults.reach("consent.stored")


def others_of(deps: Deps, tx: UnitOfWork, version: LicenseVersion) -> Sequence[CoHolder]:
    """The co-holders who must consent to a use too, where the type says so."""
    if not deps.catalog.type(version.type_slug).all_holders:
        return ()
    return tx.co_holders.of_license(version.license_id)


def check_alone(deps: Deps, tx: UnitOfWork, version: LicenseVersion) -> None:
    """Conflict where one holder cannot consent alone."""
    if others_of(deps, tx, version):
        raise Conflict("此证照有共有人，须全体权利人分别确认：请用证单位发起用证申请，由各权利人在本人账号确认")


def count_under(tx: UnitOfWork, right: Right, now: datetime) -> None:
    """A consent is one use of the delegations it is given under; Conflict when one has ended or is used up."""
    if not count_delegated(tx, right, now):
        raise Conflict("这份委托刚刚结束，或次数已用完")


def withdraw_grant(deps: Deps, caller: Principal, grant_id: str) -> None:
    """Withdraw a grant, a used one too as long as it may answer; the next use is refused.

    By who consented, and by whoever may decide over the license or holds a part of it.

    Raises:
        NotFound: none of these, or withdrawn or over already: alike.
    """
    roles.require(caller, roles.HOLDER)
    now = deps.clock.now()
    with deps.uow() as tx:
        found = tx.sharing.grant(grant_id)
        if not _may_withdraw(deps, tx, caller, found, now) or found is None:
            raise NotFound(NO_GRANT_ZH)
        at = tx.sharing.withdraw_grant(grant_id, holder_subject=found.holder_subject, now=now)
        if at is None:
            raise NotFound(NO_GRANT_ZH)
        # The leaf has the moment that the row has, by which an audit knows it.
        record(tx, deps, kind="grant.withdrawn", subject=grant_id, actor=caller.subject, content={}, at=at)
        deps.faults.reach("consent.withdrawn")


def _may_withdraw(deps: Deps, tx: UnitOfWork, caller: Principal, grant: Grant | None, now: datetime) -> bool:
    """Whether the caller may; of no grant it is asked as of another's, so that both take as long."""
    if grant is not None and grant.holder_subject == caller.subject:
        return True
    if grant is not None and is_material_id(grant.version_id):
        return grant.version_id in seen_materials(tx, caller, now)
    version = tx.licenses.by_version_id(grant.version_id if grant is not None else "")
    try:
        right_to_show(deps, tx, caller, version.identifier if version is not None else "", now)
    except (NotFound, Conflict):
        return False
    return version is not None


def list_grants(deps: Deps, caller: Principal) -> Sequence[GrantAnswer]:
    """Those that the caller gave, and those that others gave over licenses whose uses the caller sees, newest first.

    So a 法定代表人 sees what an employee granted, and a guardian what the other one did; both may withdraw it.
    """
    roles.require(caller, roles.HOLDER)
    with deps.uow.read() as tx:
        seen, materials = seen_versions(deps, tx, caller), seen_materials(tx, caller, deps.clock.now())
        listed = [
            *tx.sharing.grants_of(caller.subject, limit=MAX_LISTED),
            *tx.sharing.grants_over([*seen, *materials], limit=MAX_LISTED),
        ]
        newest = sorted(
            {grant.grant_id: grant for grant in listed}.values(),
            key=lambda grant: (grant.created_at, grant.grant_id),
            reverse=True,
        )
        found = newest[:MAX_LISTED]
        clients = {client_id: tx.access.client(client_id) for client_id in {grant.client_id for grant in found}}
    bodies = {client_id: client.authority_code for client_id, client in clients.items() if client is not None}
    return [
        GrantAnswer(
            grant=grant,
            authority_code=bodies.get(grant.client_id, ""),
            version=seen.get(grant.version_id),
            material=materials.get(grant.version_id),
        )
        for grant in found
    ]
