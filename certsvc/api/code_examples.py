"""Each kind of good and bad code, for integrators; in the sandbox only."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.models import Model, ReasonOut
from certsvc.commands.access import roles
from certsvc.commands.ports import Principal
from certsvc.commands.showing.examples import Example, code_examples

router = APIRouter(tags=["scan 扫码核验"])

ANYONE = Access(*sorted(roles.ALL))


class ExampleOut(Model):
    """One code and what the first scan of it must say."""

    kind: str = Field(description="情形的固定名称")
    text: str = Field(description="二维码文本")
    role: str = Field(description="由谁扫：officer 执法人员 · clerk 窗口、闸机、自助终端")
    light: str = Field(description="预期的颜色 green · amber · red")
    reason: ReasonOut
    data: bool = Field(description="是否给出信息项")
    why: str

    @staticmethod
    def of(one: Example) -> ExampleOut:
        """From the command's answer."""
        return ExampleOut(
            kind=one.kind,
            text=one.text,
            role=one.role,
            light=one.light,
            reason=ReasonOut.of(one.reason),
            data=one.data,
            why=one.why,
        )


class ExamplesOut(Model):
    """The examples, the license that the good ones are of, and when the online codes end."""

    identifier: str
    expires_at: datetime
    examples: list[ExampleOut]


@router.post("/v1/codes/examples", status_code=201)
def examples(request: Request, caller: Annotated[Principal, Depends(ANYONE)]) -> ExamplesOut:
    """Fresh examples from a license of the sandbox's register; each online code is good for its 60 seconds."""
    made = code_examples(deps_of(request), caller)
    return ExamplesOut(
        identifier=made.identifier,
        expires_at=made.expires_at,
        examples=[ExampleOut.of(one) for one in made.examples],
    )
