"""Facts about licenses: noted by authorities, read by them; no fact changes a state."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.licenses import AUTHORITY, DECIDER, Identifier
from certsvc.api.models import FlagOut, Model
from certsvc.commands.access import roles
from certsvc.commands.issuance.list_dues import list_dues
from certsvc.commands.issuance.read_license import read_license
from certsvc.commands.issuance.record_fact import FactBody, record_fact
from certsvc.commands.ports import Principal
from certsvc.license.dues import DueKind
from certsvc.license.facts import FACT_RULES, Fact, Twin, twin_state, twins

router = APIRouter(tags=["license 证照"])

ISSUER = Access(roles.APPROVAL, roles.APPROVAL_ANY)


class FactOut(Model):
    """One fact."""

    fact_id: str
    fact: str
    fact_zh: str
    code: str
    happened_on: str
    due_on: str
    authority_code: str
    document_no: str
    text: str
    at: datetime

    @staticmethod
    def of(fact: Fact) -> FactOut:
        """From a fact."""
        return FactOut(
            fact_id=fact.fact_id,
            fact=fact.kind.value,
            fact_zh=FACT_RULES[fact.kind].name_zh,
            code=fact.code,
            happened_on=fact.on.isoformat(),
            due_on=fact.due.isoformat() if fact.due else "",
            authority_code=fact.authority_code,
            document_no=fact.document_no,
            text=fact.text,
            at=fact.at,
        )


class NotedOut(Model):
    """The fact, and how the license stands with it."""

    fact: FactOut
    state: str
    state_zh: str
    light: str
    flags: list[FlagOut]


class TwinOut(Model):
    """One paper: 正本, 副本 or 附页."""

    serial: str = Field(description="印制流水号")
    part: str
    collected_on: str
    recalled_on: str

    @staticmethod
    def of(twin: Twin) -> TwinOut:
        """From a twin."""
        return TwinOut(
            serial=twin.serial,
            part=twin.part,
            collected_on=twin.collected_on.isoformat() if twin.collected_on else "",
            recalled_on=twin.recalled_on.isoformat() if twin.recalled_on else "",
        )


class FactsPage(Model):
    """Everything that was noted about a license."""

    facts: list[FactOut]
    paper: str = Field(description="none 无纸质件 · in_step 与电子证照一致 · replaced 应予收回")
    twins: list[TwinOut]


class DueOut(Model):
    """One license that something is due for."""

    identifier: str
    type: str
    kind: str
    ref: str
    due_on: str


class DuesPage(Model):
    """A page of dues; ``next`` goes into ``after`` for the following one, and is empty at the end."""

    dues: list[DueOut]
    next: str


@router.post("/v1/licenses/{identifier}/facts", status_code=201)
def note(
    request: Request, identifier: Identifier, body: FactBody, caller: Annotated[Principal, Depends(DECIDER)]
) -> NotedOut:
    """Note a fact; sending the same fact again returns the same fact."""
    noted = record_fact(deps_of(request), caller, identifier, body)
    return NotedOut(
        fact=FactOut.of(noted.fact),
        state=noted.standing.code,
        state_zh=noted.standing.zh,
        light=noted.standing.light.value,
        flags=FlagOut.many(noted.standing.flags),
    )


@router.get("/v1/licenses/{identifier}/facts")
def facts(request: Request, identifier: Identifier, caller: Annotated[Principal, Depends(AUTHORITY)]) -> FactsPage:
    """The facts of a license, oldest first, and its papers."""
    found = read_license(deps_of(request), caller, identifier)
    return FactsPage(
        facts=[FactOut.of(fact) for fact in found.facts],
        paper=twin_state(found.facts, found.version).value,
        twins=[TwinOut.of(twin) for twin in twins(found.facts)],
    )


@router.get("/v1/dues")
def dues(
    request: Request,
    caller: Annotated[Principal, Depends(ISSUER)],
    kind: DueKind,
    authority_code: str = "",
    after: str = "",
) -> DuesPage:
    """What is due for the licenses of an authority; ``expired`` is the 待注销 list, without pending renewals."""
    deps = deps_of(request)
    found = list_dues(deps, caller, authority_code=authority_code, kind=kind, after=after)
    rows = [
        DueOut(
            identifier=item.version.identifier,
            type=item.version.type_slug,
            kind=item.due.kind.value,
            ref=item.due.ref,
            due_on=item.due.due_on.isoformat(),
        )
        for item in found.items
    ]
    return DuesPage(dues=rows, next=found.next)
