"""用证: registered systems fetch fields or the file for a matter, on a lawful basis."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Header, Request
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.desks import FetchDesk
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import FactsOut, FieldOut, Model
from certsvc.commands.access import roles
from certsvc.commands.ports import Principal
from certsvc.commands.sharing.fetch_license import FetchAnswer, FetchBody
from certsvc.commands.sharing.repeats import MAX_KEY_LENGTH

router = APIRouter(tags=["fetch 用证"], route_class=JsonRoute)

USER = Access(roles.USING)


def desk_of(request: Request) -> FetchDesk:
    """Where the fetches of this process meet."""
    return cast("FetchDesk", request.app.state.fetch_desk)


class FetchOut(Model):
    """What left, and the ledger row that says so."""

    fetch_id: str
    license: FactsOut | None
    good: bool
    state: str
    state_zh: str
    fields: list[FieldOut]
    file: str = Field(description="加注件 PDF 的 Base64，未申请则为空；原件不提供")
    file_sha256: str
    copy_number: str = Field(description="加注件编号，没有的为空")
    copy_until: datetime | None = Field(description="加注件用到何时")
    at: datetime

    @staticmethod
    def of(answer: FetchAnswer) -> FetchOut:
        """From the command's answer."""
        return FetchOut(
            fetch_id=answer.fetch.fetch_id,
            license=FactsOut.of(answer.facts),
            good=answer.standing.good,
            state=answer.standing.code,
            state_zh=answer.standing.zh,
            fields=FieldOut.many(answer.fields),
            file=base64.b64encode(answer.file).decode() if answer.file else "",
            file_sha256=answer.copy.sha256 if answer.copy else "",
            copy_number=answer.copy.number if answer.copy else "",
            copy_until=answer.copy.until if answer.copy else None,
            at=answer.fetch.at,
        )


@router.post("/v1/fetches", status_code=201)
async def fetch(
    request: Request,
    body: FetchBody,
    caller: Annotated[Principal, Depends(USER)],
    idempotency_key: Annotated[str, Header(max_length=MAX_KEY_LENGTH)] = "",
) -> FetchOut:
    """Fetch for a matter with purpose and basis; without them it is refused, and the refusal is on record too.

    The same key with the same content gives the same fetch again for ten minutes: counted and on the ledger once.
    """
    answer = await desk_of(request).ask(deps_of(request), caller, body, idempotency_key)
    return FetchOut.of(answer)
