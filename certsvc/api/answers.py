"""数据核验: signed yes, no or unknown for a matter, about one license or about a list of holders."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.commands.access import roles
from certsvc.commands.ports import Principal
from certsvc.commands.sharing.answer_question import AnswerBody, answer_question
from certsvc.commands.sharing.cohort import CohortBody, ask_cohort
from certsvc.license.questions import ANSWER_ZH

router = APIRouter(tags=["fetch 用证"], route_class=JsonRoute)

USER = Access(roles.USING)


class AnswerOut(Model):
    """The answer, and the statement to keep beside the case."""

    fetch_id: str
    answer: str = Field(description="yes · no · unknown")
    answer_zh: str
    state: str = Field(description="证照的状态：ask 为 valid 的为该日，scope 的为现在；其他为空")
    statement: str = Field(description="签名的答复（JWS），公钥见 /v1/verifications/keys")
    salt: str = Field(description="与所问内容一起，证明答复是关于它的；不出示则看不出问的是谁")
    at: datetime


class MemberOut(Model):
    """One answer of a cohort."""

    fetch_id: str
    answer: str
    state: str = Field(description="证照的状态；没有的为空")


class CohortOut(Model):
    """Answers in the order of the request."""

    cohort_id: str
    answers: list[MemberOut]
    statement: str = Field(description="签名的全部答复（JWS），公钥见 /v1/verifications/keys")
    salt: str
    at: datetime


@router.post("/v1/answers", status_code=201)
def answer(request: Request, body: AnswerBody, caller: Annotated[Principal, Depends(USER)]) -> AnswerOut:
    """One question about a license: valid on a day, a field contains a term, or somebody is its holder."""
    given = answer_question(deps_of(request), caller, body)
    return AnswerOut(
        fetch_id=given.row.fetch_id,
        answer=given.answer.value,
        answer_zh=ANSWER_ZH[given.answer],
        state=given.state,
        statement=given.statement,
        salt=given.salt,
        at=given.row.at,
    )


@router.post("/v1/cohorts", status_code=201)
def cohort(request: Request, body: CohortBody, caller: Annotated[Principal, Depends(USER)]) -> CohortOut:
    """免申即享: one question about up to 1,000 holders, for a matter that rests on duty."""
    given = ask_cohort(deps_of(request), caller, body)
    return CohortOut(
        cohort_id=given.cohort_id,
        answers=[
            MemberOut(fetch_id=row.fetch_id, answer=row.answer, state=state)
            for row, state in zip(given.rows, given.states, strict=True)
        ],
        statement=given.statement,
        salt=given.salt,
        at=given.rows[0].at,
    )
