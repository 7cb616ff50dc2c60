"""接入系统: how it is set up, and its 经办人."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import ConfigDict, Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.catalog.loader import Catalog
from certsvc.commands.access import roles
from certsvc.commands.access.set_client import ClientSettings, read_client, set_client
from certsvc.commands.access.staff import MAX_AT_ONCE, StaffBody, set_staff, staff_of
from certsvc.commands.ports import Principal
from certsvc.license.parties import Client
from certsvc.license.staff import StaffMember

router = APIRouter(tags=["client 接入系统"], route_class=JsonRoute)

KEEPER = Access(roles.USING, roles.POLICY_REQUESTER, roles.OPERATOR)
OPERATOR = Access(roles.OPERATOR)
ClientId = Annotated[str, Path(max_length=64, description="系统标识")]


class ClientOut(Model):
    """A client system as its body sees it; no secret, no key."""

    client_id: str
    name: str
    authority_code: str
    consent_only: bool = Field(description="所属单位只能凭持证人授权用证")
    roles: list[str]
    active: bool
    token_endpoint_auth_method: str = Field(description="client_secret · private_key_jwt · tls_client_auth")
    staff_required: bool = Field(description="调用时经办人须已登记")
    purpose: str = Field(description="登记的使用目的，可为空")

    @staticmethod
    def of(catalog: Catalog, client: Client) -> ClientOut:
        """From the register."""
        return ClientOut(
            client_id=client.client_id,
            name=client.name,
            authority_code=client.authority_code,
            consent_only=catalog.consent_only(client.authority_code),
            roles=sorted(client.roles),
            active=client.active,
            token_endpoint_auth_method=client.proves_by,
            staff_required=client.staff_required,
            purpose=client.purpose,
        )


class StaffIn(Model):
    """Accounts to register or change, all or none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    staff: tuple[StaffBody, ...] = Field(min_length=1, max_length=MAX_AT_ONCE)


class StaffOut(Model):
    """One account."""

    account: str
    name: str
    division: str
    active: bool
    from_on: date | None
    until_on: date | None
    set_by: str
    set_at: datetime

    @staticmethod
    def of(one: StaffMember) -> StaffOut:
        """From the register."""
        return StaffOut(
            account=one.account,
            name=one.name,
            division=one.division,
            active=one.active,
            from_on=one.from_on,
            until_on=one.until_on,
            set_by=one.set_by,
            set_at=one.set_at,
        )


@router.get("/v1/clients/{client_id}")
def client(request: Request, client_id: ClientId, caller: Annotated[Principal, Depends(KEEPER)]) -> ClientOut:
    """How a system of the own body is set up."""
    deps = deps_of(request)
    return ClientOut.of(deps.catalog, read_client(deps, caller, client_id))


@router.post("/v1/clients/{client_id}/settings", status_code=201)
def settle(
    request: Request, client_id: ClientId, body: ClientSettings, caller: Annotated[Principal, Depends(OPERATOR)]
) -> ClientOut:
    """Whether who asks must be registered staff, and the registered purpose."""
    deps = deps_of(request)
    return ClientOut.of(deps.catalog, set_client(deps, caller, client_id, body))


@router.get("/v1/clients/{client_id}/staff")
def staff(request: Request, client_id: ClientId, caller: Annotated[Principal, Depends(KEEPER)]) -> list[StaffOut]:
    """The registered 经办人 of a system of the own body."""
    return [StaffOut.of(one) for one in staff_of(deps_of(request), caller, client_id)]


@router.post("/v1/clients/{client_id}/staff", status_code=201)
def register_staff(
    request: Request, client_id: ClientId, body: StaffIn, caller: Annotated[Principal, Depends(KEEPER)]
) -> list[StaffOut]:
    """Register or change 经办人; ``active: false`` stops one at once."""
    return [StaffOut.of(one) for one in set_staff(deps_of(request), caller, client_id, body.staff)]
