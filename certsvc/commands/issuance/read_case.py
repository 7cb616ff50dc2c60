"""Every license of one case (联办件), each with its status, for the systems that ask for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.issuance.read_request import RequestStatus
from certsvc.commands.verifying.stands import stands_all
from certsvc.errors import NotFound
from certsvc.license.request import RequestState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.standing import Standing

MAX_PAGE = 100
"""Requests of a case in one answer: each is decrypted, with its license."""

WIDE = frozenset({roles.APPROVAL_ANY, roles.OPERATOR})
"""Roles that see a case as a whole; a department's own system sees what it sent itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseItem:
    """One request of a case and, once issued, how its license stands now."""

    status: RequestStatus
    standing: Standing | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A page of a case, and how many of its requests stand in each state."""

    case_no: str
    counts: Mapping[RequestState, int]
    items: Sequence[CaseItem]


def read_case(deps: Deps, caller: Principal, case_no: str, *, behind: str = "", limit: int = MAX_PAGE) -> Case:
    """The case, in the order in which it was asked for; NotFound when the caller sees no request of it.

    One case may hold requests of several systems and authorities.
    """
    roles.require(caller, roles.APPROVAL, roles.APPROVAL_ANY, roles.OPERATOR)
    sender = "" if caller.roles & WIDE else caller.subject
    with deps.uow.read() as tx:
        counts = tx.requests.case_counts(case_no, caller=sender)
        if not counts:
            raise NotFound("没有这个办件的申请，或不属于当前系统；请核对办件编号（case_no）")
        requests = tx.requests.of_case(case_no, caller=sender, behind=behind, limit=min(limit, MAX_PAGE))
        versions = {
            request.request_id: version
            for request in requests
            if request.version_id and (version := tx.licenses.by_version_id(request.version_id)) is not None
        }
        found = stands_all(deps, tx, list(versions.values()), deps.clock.now())
    standings = dict(zip(versions, found, strict=True))
    items = [
        CaseItem(
            status=RequestStatus(request=request, version=versions.get(request.request_id)),
            standing=standings.get(request.request_id),
        )
        for request in requests
    ]
    return Case(case_no=case_no, counts=counts, items=items)
