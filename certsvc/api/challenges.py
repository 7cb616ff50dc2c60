"""反扫: a verifier's code that the holder scans and answers in the own session."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.fetches import FetchOut
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import ENGLISH, CardOut, FieldOut, Model, ScanOut
from certsvc.api.show_models import card_of_right
from certsvc.commands.access import roles
from certsvc.commands.offline.labels import english_of
from certsvc.commands.ports import Deps, Principal
from certsvc.commands.sharing.fetch_license import FetchAnswer
from certsvc.commands.sharing.policy import matter_name
from certsvc.commands.showing.answer_challenge import STATE_ZH, Fit, answer_challenge, open_challenge
from certsvc.commands.showing.ask_holder import ASKERS, ChallengeBody, ask_holder
from certsvc.commands.showing.codes import MAX_CODE_LENGTH
from certsvc.commands.showing.collect_answer import challenge_state, collect_answer
from certsvc.commands.showing.reading import presenter_of
from certsvc.license.challenges import POLL_S, Challenge, ChallengeState

router = APIRouter(tags=["challenge 反扫"], route_class=JsonRoute)

ASKER = Access(*ASKERS)
HOLDER = Access(roles.HOLDER)

ChallengeId = Annotated[str, Path(max_length=64, description="核验请求编号")]
RETRY: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {
            "Retry-After": {
                "schema": {"type": "string"},
                "description": "等待持证人答复时，几秒后再看",
            }
        }
    }
}


class ChallengeMadeOut(Model):
    """The code for the holder, and the ticket by which this session alone gets the answer."""

    challenge_id: str
    code: str
    qr_png: str = Field(description="二维码 PNG 的 Base64")
    ticket: str = Field(description="取回结果的凭据，只在本次答复中给出，请勿外传")
    created_at: datetime
    expires_at: datetime


class ChallengeStateOut(Model):
    """Where a challenge stands."""

    challenge_id: str
    state: str = Field(description="asked · confirmed · declined · collected · expired")
    state_zh: str
    expires_at: datetime
    collect_until: datetime | None = Field(description="持证人同意后，最迟何时取走")

    @staticmethod
    def of(challenge: Challenge, state: ChallengeState) -> ChallengeStateOut:
        """From the challenge and where it stands."""
        return ChallengeStateOut(
            challenge_id=challenge.challenge_id,
            state=state.value,
            state_zh=STATE_ZH[state],
            expires_at=challenge.expires_at,
            collect_until=challenge.collect_until,
        )


class TicketIn(Model):
    """What the answer to the making of the challenge gave."""

    ticket: str = Field(min_length=1, max_length=64)


class OpeningIn(Model):
    """What the holder's phone read."""

    code: str = Field(min_length=1, max_length=MAX_CODE_LENGTH, description="二维码文本")


class AnswerIn(Model):
    """The holder's answer."""

    code: str = Field(min_length=1, max_length=MAX_CODE_LENGTH, description="二维码文本")
    confirm: bool = Field(description="同意或不同意")
    identifier: str = Field(default="", max_length=128, description="同意时选定的证照")
    delegation_id: str = Field(default="", max_length=64, description="代亮时填授权编号")


class FitOut(Model):
    """A license that answers the challenge, and what the verifier would see of it."""

    card: CardOut
    basis: str
    delegation_id: str
    presenter: str = Field(description="不是持证人本人答复时，核验人员看到的说明")
    fields: list[FieldOut]
    photo: bool

    @staticmethod
    def of(deps: Deps, fit: Fit) -> FitOut:
        """From the command's answer."""
        right = fit.right
        presenter = presenter_of(right.basis, right.presenter)
        return FitOut(
            card=card_of_right(deps, right, fit.standing),
            basis=right.basis.value,
            delegation_id=right.delegation.delegation_id if right.delegation else "",
            presenter=presenter.text_zh if presenter else "",
            fields=FieldOut.many(fit.seen.fields),
            photo=fit.seen.photo,
        )


class OpenedOut(Model):
    """Who asks, why, for what, and the licenses that answer it."""

    challenge_id: str
    authority_name: str
    badge: str = Field(description="执法证号、窗口或系统名称")
    purpose: str
    task_no: str
    scene: str
    scene_name: str
    scene_name_en: str = Field(description=ENGLISH)
    matter_code: str
    matter_name: str
    case_no: str
    operator: str = Field(description="经办人账号，只有事项有")
    expires_at: datetime
    fits: list[FitOut]


@router.post("/v1/challenges", status_code=201)
def ask(request: Request, body: ChallengeBody, caller: Annotated[Principal, Depends(ASKER)]) -> ChallengeMadeOut:
    """A code by which a holder sees who asks and why, and agrees or not; for a scene, or a matter of the authority."""
    deps = deps_of(request)
    made = ask_holder(deps, caller, body)
    return ChallengeMadeOut(
        challenge_id=made.challenge.challenge_id,
        code=made.code,
        qr_png=base64.b64encode(deps.renderer.qr_png(made.code)).decode(),
        ticket=made.ticket,
        created_at=made.challenge.created_at,
        expires_at=made.challenge.expires_at,
    )


@router.get("/v1/challenges/{challenge_id}", responses=RETRY)
def look(
    request: Request, response: Response, challenge_id: ChallengeId, caller: Annotated[Principal, Depends(ASKER)]
) -> ChallengeStateOut:
    """Where a challenge of the caller's own stands; ``Retry-After`` while the holder has not answered."""
    challenge, state = challenge_state(deps_of(request), caller, challenge_id)
    if state is ChallengeState.ASKED:
        response.headers["Retry-After"] = str(POLL_S)
    return ChallengeStateOut.of(challenge, state)


@router.post("/v1/challenges/{challenge_id}/result", status_code=201)
def collect(
    request: Request, challenge_id: ChallengeId, body: TicketIn, caller: Annotated[Principal, Depends(ASKER)]
) -> ScanOut | FetchOut:
    """What the holder agreed to show, once, to the session that asked: for a scene a scan, for a matter a fetch."""
    answer = collect_answer(deps_of(request), caller, challenge_id, ticket=body.ticket)
    return FetchOut.of(answer) if isinstance(answer, FetchAnswer) else ScanOut.of(answer)


@router.post("/v1/challenges/openings")
def opened(request: Request, body: OpeningIn, caller: Annotated[Principal, Depends(HOLDER)]) -> OpenedOut:
    """Who asks, why, and which of the caller's licenses answer it; looking answers nothing."""
    deps = deps_of(request)
    found = open_challenge(deps, caller, text=body.code)
    asked = found.challenge
    known = deps.catalog.has_authority(asked.authority_code)
    return OpenedOut(
        challenge_id=asked.challenge_id,
        authority_name=deps.catalog.authority(asked.authority_code).name if known else asked.authority_code,
        badge=asked.badge,
        purpose=asked.purpose,
        task_no=asked.task_no,
        scene=asked.scene,
        scene_name=found.scene_name,
        scene_name_en=english_of(asked.scene),
        matter_code=asked.matter_code,
        matter_name=matter_name(deps, asked.matter_code) if asked.matter_code else "",
        case_no=asked.case_no,
        operator=asked.operator,
        expires_at=asked.expires_at,
        fits=[FitOut.of(deps, fit) for fit in found.fits],
    )


@router.post("/v1/challenges/answers", status_code=201)
def answer(request: Request, body: AnswerIn, caller: Annotated[Principal, Depends(HOLDER)]) -> ChallengeStateOut:
    """Agree with one license, or decline; the first answer counts."""
    answered = answer_challenge(
        deps_of(request),
        caller,
        text=body.code,
        confirm=body.confirm,
        identifier=body.identifier,
        delegation_id=body.delegation_id,
    )
    return ChallengeStateOut.of(answered, answered.state)
