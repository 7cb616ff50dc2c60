"""授权: the holder lets one client use one license for one matter, once (用证码)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.shapes import Line
from certsvc.commands.sharing.policy import allowed_keys
from certsvc.commands.showing.codes import token_sha256
from certsvc.commands.showing.rights import version_to_consent
from certsvc.errors import FieldProblem, InvalidInput, NotFound
from certsvc.license.standing import PROVISIONAL_ZH
from certsvc.license.uses import Grant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal

MAX_GRANT_MINUTES = 24 * 60
"""A 用证码 lives minutes to one day (STANDARDS.md 2.9); a longer one would outlive the holder's memory of it."""


class GrantBody(BaseModel):
    """授权范围：给谁、为哪个事项、哪些信息、多久."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    identifier: str = Field(max_length=128, description="证照标识")
    client_id: str = Field(max_length=64, description="用证系统")
    matter_code: str = Field(max_length=33, description="事项实施编码")
    case_no: Line = Field(default="", max_length=64, description="办件编号，填写后仅限该件")
    fields: tuple[str, ...] = Field(default=(), max_length=100, description="授权的信息项，缺省为该事项允许的全部")
    minutes: int = Field(default=30, ge=1, le=MAX_GRANT_MINUTES)


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantAnswer:
    """A grant, the body whose system may use it, and the one-time code when it was just made.

    Attributes:
        authority_code: empty when the system is on record no more.
    """

    grant: Grant
    authority_code: str
    code: str = ""


def grant_use(deps: Deps, caller: Principal, body: GrantBody) -> GrantAnswer:
    """Make a grant; the code leaves in the answer only.

    Raises:
        NotFound: not a license over whose use the caller decides, or no such client.
        Conflict: the caller is too young to decide alone.
        NoLawfulBasis: no such matter of this client, or it may not see this type.
        InvalidInput: fields that the matter does not need.
    """
    roles.require(caller, roles.HOLDER)
    now = deps.clock.sure()
    token = deps.ids.token()
    with deps.uow() as tx:
        version = version_to_consent(deps, tx, caller, body.identifier, now)
        if version.provisional:
            raise InvalidInput(f"{PROVISIONAL_ZH}，不能授权他人使用")
        client = tx.access.client(body.client_id)
        if client is None or not client.active or roles.USING not in client.roles:
            raise NotFound("没有这个用证系统")
        allowed = allowed_keys(deps, body.matter_code, client.authority_code, version.type_slug)
        wanted = body.fields or allowed
        beyond = [key for key in wanted if key not in allowed]
        if beyond:
            detail = f"该事项不需要：{'、'.join(beyond)}；可授权：{'、'.join(allowed)}"
            raise InvalidInput(
                "授权范围超出事项所需", problems=(FieldProblem(pointer="/fields", code="beyond_policy", detail=detail),)
            )
        grant = Grant(
            grant_id=deps.ids.new("grt"),
            token_sha256=token_sha256(token),
            version_id=version.version_id,
            holder_subject=caller.subject,
            client_id=client.client_id,
            matter_code=body.matter_code,
            case_no=body.case_no,
            fields=tuple(wanted),
            created_at=now,
            expires_at=now + timedelta(minutes=body.minutes),
        )
        tx.sharing.insert_grant(grant)
        record(
            tx,
            deps,
            kind="grant.made",
            subject=version.identifier,
            actor=caller.subject,
            content={"grant_id": grant.grant_id, "client_id": grant.client_id, "matter_code": grant.matter_code},
            at=now,
        )
    return GrantAnswer(grant=grant, authority_code=client.authority_code, code=token)


def withdraw_grant(deps: Deps, caller: Principal, grant_id: str) -> None:
    """Withdraw an unused grant; the next use is refused. NotFound when it is not the caller's or already used."""
    roles.require(caller, roles.HOLDER)
    now = deps.clock.now()
    with deps.uow() as tx:
        if not tx.sharing.withdraw_grant(grant_id, holder_subject=caller.subject, now=now):
            raise NotFound("没有可收回的授权：可能已使用、已收回或已过期")
        record(tx, deps, kind="grant.withdrawn", subject=grant_id, actor=caller.subject, content={}, at=now)


def list_grants(deps: Deps, caller: Principal) -> Sequence[GrantAnswer]:
    """The caller's grants, newest first."""
    roles.require(caller, roles.HOLDER)
    with deps.uow.read() as tx:
        found = tx.sharing.grants_of(caller.subject, limit=200)
        clients = {client_id: tx.access.client(client_id) for client_id in {grant.client_id for grant in found}}
    bodies = {client_id: client.authority_code for client_id, client in clients.items() if client is not None}
    return [GrantAnswer(grant=grant, authority_code=bodies.get(grant.client_id, "")) for grant in found]
