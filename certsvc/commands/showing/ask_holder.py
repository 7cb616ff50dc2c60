"""反扫: a verifier makes a code, the holder scans it in the own session and sees who asks and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.shapes import Line
from certsvc.commands.sharing.matter_challenge import check_asked
from certsvc.commands.showing.codes import challenge_text, token_sha256
from certsvc.commands.showing.readers import SCANNERS, is_for, reader_of
from certsvc.commands.showing.scan_reads import closed_to, duties_of
from certsvc.errors import Conflict, FieldProblem, Forbidden, InvalidInput
from certsvc.license.challenges import CHALLENGE_TTL_S, MAX_OPEN_CHALLENGES, Challenge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.catalog.model import LicenseType
    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.visits import Duty

ASKERS = (*SCANNERS, roles.USING)
"""A using system asks for a matter of its authority, the others for a scene."""


class ChallengeBody(BaseModel):
    """核验请求：看哪个场景或为哪个事项、为什么；持证人看到的就是这些."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    purpose: Line = Field(min_length=2, max_length=100, description="为什么核验，原样给持证人看")
    type: str = Field(default="", max_length=64, description="只要这一类证照；空为场景或事项允许的任何一类")
    scene: str = Field(default="", max_length=64, description="亮证场景；与 matter_code 二选一")
    matter_code: str = Field(default="", max_length=33, description="本单位的事项实施编码，由用证系统填写")
    case_no: Line = Field(default="", max_length=64, description="办件编号，有 matter_code 时必填")
    operator: Line = Field(default="", max_length=64, description="经办人账号，有 matter_code 时必填")
    task_no: Line = Field(default="", max_length=64, description="检查通知书或任务编号")


@dataclass(frozen=True, kw_only=True, slots=True)
class ChallengeMade:
    """The challenge, the text of its code, and the ticket by which this session alone gets the answer."""

    challenge: Challenge
    code: str
    ticket: str


def ask_holder(deps: Deps, caller: Principal, body: ChallengeBody) -> ChallengeMade:
    """Make a challenge; code and ticket leave in the answer only.

    Raises:
        InvalidInput: neither or both of scene and matter, a scene that no type has for this kind of reader, or a matter
            without case and operator.
        Forbidden, OperatorUnknown, NoLawfulBasis: the matter may not be asked for (``sharing/matter_challenge.py``).
        Conflict: too many challenges of this account wait already, or the scene is closed to this officer.
    """
    roles.require(caller, *ASKERS)
    if bool(body.scene) == bool(body.matter_code):
        raise InvalidInput("请填写亮证场景（scene）或事项实施编码（matter_code）之一")
    now, token, ticket = deps.clock.sure(), deps.ids.token(), deps.ids.token()
    matter_code = ""
    if body.scene:
        _check_scene(deps, caller, body)
    else:
        matter_code = check_asked(
            deps,
            caller,
            matter_code=body.matter_code,
            case_no=body.case_no,
            operator=body.operator,
            type_slug=body.type,
            now=now,
        )
    with deps.uow.read() as tx:
        duty = duties_of(tx, [caller], now).get(caller.subject)
    if body.scene:
        _check_duty(deps, caller, body, duty)
    challenge = Challenge(
        challenge_id=deps.ids.new("chl"),
        token_sha256=token_sha256(token),
        ticket_sha256=token_sha256(ticket),
        verifier=caller.subject,
        authority_code=caller.authority_code,
        badge=duty.officer.badge if duty else caller.name,
        type_slug=body.type,
        scene=body.scene,
        audience=reader_of(caller),
        matter_code=matter_code,
        case_no=body.case_no,
        operator=body.operator if matter_code else "",
        purpose=body.purpose,
        task_no=body.task_no,
        created_at=now,
        expires_at=now + timedelta(seconds=CHALLENGE_TTL_S),
    )
    _keep(deps, challenge)
    return ChallengeMade(challenge=challenge, code=challenge_text(deps.policy.public_base, token), ticket=ticket)


def _keep(deps: Deps, challenge: Challenge) -> None:
    """The row and its evidence; Conflict where too many of this account wait."""
    with deps.uow() as tx:
        tx.challenges.hold(challenge.verifier)
        if tx.challenges.count_open(challenge.verifier, now=challenge.created_at) >= MAX_OPEN_CHALLENGES:
            raise Conflict(
                f"等待答复的核验请求已有 {MAX_OPEN_CHALLENGES} 个，请等它们到期（{CHALLENGE_TTL_S} 秒）后再发起"
            )
        tx.challenges.insert(challenge)
        content = {"scene": challenge.scene, "matter_code": challenge.matter_code, "type": challenge.type_slug}
        record(
            tx,
            deps,
            kind="challenge.made",
            subject=challenge.challenge_id,
            actor=challenge.verifier,
            content=content,
            at=challenge.created_at,
        )


def _check_scene(deps: Deps, caller: Principal, body: ChallengeBody) -> None:
    if caller.roles.isdisjoint(SCANNERS):
        raise Forbidden("用证系统只能为本单位的事项发起核验请求，请填写 matter_code")
    reader = reader_of(caller)

    def has(kind: LicenseType) -> bool:
        scene = kind.scene(body.scene)
        return kind.showable and scene is not None and is_for(scene, reader)

    named = _named(deps, body)
    if not any(has(kind) for kind in named):
        fitting = named[0].scenes if body.type else ()
        names = "、".join(f"{scene.code}（{scene.name}）" for scene in fitting if is_for(scene, reader))
        detail = f"可用的场景：{names or '见证照目录 GET /v1/catalog/types'}"
        problem = FieldProblem(pointer="/scene", code="unknown_scene", detail=detail)
        raise InvalidInput("没有这个亮证场景，或它不是给您这类核验人员的", problems=(problem,))


def _check_duty(deps: Deps, caller: Principal, body: ChallengeBody, duty: Duty | None) -> None:
    """An officer asks for what the visit opens, of one type at least; of which is told when the answer is taken."""
    found = [(kind, kind.scene(body.scene)) for kind in _named(deps, body)]
    why_not = [closed_to(deps, kind, scene, duty, reader_of(caller)) for kind, scene in found if scene is not None]
    if all(why_not):
        raise Conflict(why_not[0])


def _named(deps: Deps, body: ChallengeBody) -> Sequence[LicenseType]:
    return [deps.catalog.type(body.type)] if body.type else list(deps.catalog.types)
