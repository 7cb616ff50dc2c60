"""Where a request stands, for the system that sent it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.errors import NotFound

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.model import LicenseVersion
    from certsvc.license.request import IssuanceRequest

NO_REQUEST_ZH = "没有这个申请，或不属于当前系统；请核对 request_id"


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestStatus:
    """The request and, once issued, its license version."""

    request: IssuanceRequest
    version: LicenseVersion | None


def read_request(deps: Deps, caller: Principal, request_id: str) -> RequestStatus:
    """The status; NotFound when there is no such request or it is not the caller's."""
    roles.require(caller, roles.APPROVAL, roles.APPROVAL_ANY, roles.OPERATOR)
    with deps.uow.read() as tx:
        request = tx.requests.by_id(request_id)
        if request is None or (request.caller != caller.subject and roles.OPERATOR not in caller.roles):
            raise NotFound(NO_REQUEST_ZH)
        version = tx.licenses.by_version_id(request.version_id) if request.version_id else None
    return RequestStatus(request=request, version=version)
