"""离线: cores for holders' devices, bundles for officers' devices, and inspections that are sent later."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime, Field, ValidationError

from certsvc.api.auth import PUBLIC, Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model, ReasonOut
from certsvc.api.revalidation import NOT_MODIFIED, cached
from certsvc.commands.access import roles
from certsvc.commands.offline.bundle import BundleBoard
from certsvc.commands.offline.inspections import REFUSED, RecordAnswer, take_inspections
from certsvc.commands.offline.mint import CoreAnswer, encoded, mint_cores
from certsvc.commands.ports import Principal
from certsvc.commands.visits.outcomes import OutcomeBody
from certsvc.license.inspections import FLAG_ZH, MAX_RECORDS, QueuedInspection, QueuedOutcome
from certsvc.license.offline import MAX_CORES

router = APIRouter(tags=["offline 离线"], route_class=JsonRoute)

HOLDER = Access(roles.HOLDER)
SCANNER = Access(roles.OFFICER, roles.CLERK)

MEDIA_TYPE = "application/cose"
CACHE_CONTROL = "private, no-cache"
ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}
MAX_ID_CHARS = 128

_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "一个签名文件（COSE_Sign1），格式见 docs/offline-codes.md",
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        "headers": {"ETag": {"description": "内容的 SHA-256", "schema": {"type": "string"}}},
    },
    **NOT_MODIFIED,
}


class OfflineShowIn(Model):
    """Which licenses, for which device of the holder."""

    device_id: str = Field(max_length=MAX_ID_CHARS)
    identifiers: list[Annotated[str, Field(max_length=MAX_ID_CHARS)]] = Field(min_length=1, max_length=MAX_CORES)


class CoreOut(Model):
    """One license: its core, or why it is shown online only."""

    identifier: str
    type_name: str
    core: str = Field(description="签发机构签名的部分，base64url；不能离线亮证的为空")
    issued_at: datetime
    expires_at: datetime
    refused: str = Field(description="不能离线亮证的原因；可以的为空")

    @staticmethod
    def of(answer: CoreAnswer) -> CoreOut:
        """From the command's answer."""
        return CoreOut(
            identifier=answer.identifier,
            type_name=answer.type_name,
            core=encoded(answer.core),
            issued_at=answer.issued_at,
            expires_at=answer.expires_at,
            refused=answer.refused,
        )


class CoresOut(Model):
    """An answer for each license, in the order in which they were asked for."""

    cores: list[CoreOut]


class DecidedIn(Model):
    """What the device showed."""

    light: str = Field(description="green · amber · red")
    reason: str = Field(description="结论代码，如 ok_offline")


class RecordIn(Model):
    """One inspection that was made without network."""

    record_id: str = Field(description="设备随机生成的记录编号，16 至 64 位；重发时不变")
    made_at: AwareDatetime = Field(description="检查时间，设备时钟，带时区")
    code: str = Field(description="扫到的二维码文本")
    decided: DecidedIn
    identity_checked: bool = Field(description="是否核对了身份证件")
    status_as_of: AwareDatetime | None = Field(default=None, description="当时所用状态数据的时间")
    visit_id: str = Field(
        default="", max_length=64, pattern=r"^(vis_[0-9A-Z]+)?$", description="当时所在的检查；不在检查中的为空"
    )
    outcome: OutcomeBody | None = Field(default=None, description="处理结果；改正期限以检查当天计。照片登记后另送")


class BatchIn(Model):
    """Inspections of one device; one that cannot be read is refused alone."""

    device_id: str = Field(max_length=MAX_ID_CHARS)
    # From left to right: an object that is a record is read as one, whatever else it could be.
    records: list[Annotated[RecordIn | dict[str, Any], Field(union_mode="left_to_right")]] = Field(
        min_length=1, max_length=MAX_RECORDS
    )


class RecordFlagOut(Model):
    """Something that stands out about a record."""

    code: str
    text: str


class RecordOut(Model):
    """What became of one record."""

    record_id: str
    state: str = Field(description="recorded 已登记 · repeated 以前已登记，答复相同 · refused 未接收")
    scan_id: str = Field(description="登记的检查记录；未接收的为空")
    then: ReasonOut | None = Field(description="按登记，检查当时的结论")
    now: ReasonOut | None = Field(description="按登记，收到时的结论")
    flags: list[RecordFlagOut]
    code: str = Field(description="未接收的原因代码")
    detail: str = Field(description="未接收的原因及怎么办")

    @staticmethod
    def of(answer: RecordAnswer) -> RecordOut:
        """From the command's answer."""
        taken = answer.record
        return RecordOut(
            record_id=answer.record_id,
            state=answer.state,
            scan_id=taken.scan_id if taken else "",
            then=ReasonOut.named(taken.then) if taken else None,
            now=ReasonOut.named(taken.now) if taken else None,
            flags=[RecordFlagOut(code=one, text=FLAG_ZH.get(one, one)) for one in taken.flags] if taken else [],
            code=answer.code,
            detail=answer.detail,
        )


class BatchOut(Model):
    """An answer for each record, in their order."""

    records: list[RecordOut]


def bundles_of(request: Request) -> BundleBoard:
    """The bundles of this process."""
    return cast("BundleBoard", request.app.state.bundle_board)


@router.post("/v1/shows/offline", status_code=201)
def offline_show(request: Request, body: OfflineShowIn, caller: Annotated[Principal, Depends(HOLDER)]) -> CoresOut:
    """取离线亮证码的签发部分，24 小时内有效；放不下或状态特殊的只能在线亮证 · cores bound to one device."""
    made = mint_cores(deps_of(request), caller, device_id=body.device_id, identifiers=body.identifiers)
    return CoresOut(cores=[CoreOut.of(one) for one in made])


@router.get("/v1/offline-codes/keys", dependencies=[Depends(PUBLIC)])
def code_keys(request: Request, response: Response) -> Mapping[str, Any]:
    """离线亮证码的签发公钥（JWKS，RFC 7517） · the public keys of offline codes."""
    response.headers.update(ANY_ORIGIN)
    return dict(deps_of(request).offline.code_keys())


@router.get("/v1/offline-bundle/keys", dependencies=[Depends(PUBLIC)])
def bundle_keys(request: Request, response: Response) -> Mapping[str, Any]:
    """离线数据的签名公钥（JWKS，RFC 7517） · the public keys of offline bundles."""
    response.headers.update(ANY_ORIGIN)
    return dict(deps_of(request).offline.bundle_keys())


@router.get("/v1/offline-bundle", response_class=Response, responses=_RESPONSES)
def offline_bundle(
    request: Request,
    caller: Annotated[Principal, Depends(SCANNER)],
    device: Annotated[str, Query(max_length=MAX_ID_CHARS, description="已登记的核验设备")],
    since: Annotated[int, Query(ge=0, le=2**53, description="设备已有的版本；0 取全部")] = 0,
) -> Response:
    """离线数据：全部，或某一版本以来变了的部分 · the offline bundle, whole or what changed."""
    data = bundles_of(request).file(deps_of(request), caller, device_id=device, since=since)
    return cached(request, data, MEDIA_TYPE, cache_control=CACHE_CONTROL)


@router.post("/v1/inspections/batch")
def inspections(request: Request, body: BatchIn, caller: Annotated[Principal, Depends(SCANNER)]) -> BatchOut:
    """补送离线检查记录，每条只登记一次，并按登记再核一次 · queued inspections, each taken once and judged again."""
    answers: list[RecordOut | None] = []
    queued: list[QueuedInspection] = []
    for one in body.records:
        read = one if isinstance(one, RecordIn) else None
        answers.append(None if read else _unreadable(cast("dict[str, Any]", one)))
        if read is not None:
            queued.append(_queued(read))
    if queued:
        taken = iter(take_inspections(deps_of(request), caller, device_id=body.device_id, records=queued))
        answers = [one or RecordOut.of(next(taken)) for one in answers]
    return BatchOut(records=[one for one in answers if one is not None])


def _queued(one: RecordIn) -> QueuedInspection:
    body = one.outcome
    said = QueuedOutcome(outcome=body.outcome, due_on=body.due_on, note=body.note) if body else None
    return QueuedInspection(
        record_id=one.record_id,
        made_at=one.made_at,
        code=one.code,
        light=one.decided.light,
        reason=one.decided.reason,
        identity_checked=one.identity_checked,
        status_as_of=one.status_as_of,
        visit_id=one.visit_id,
        said=said,
    )


def _unreadable(one: dict[str, Any]) -> RecordOut:
    """The answer to a record that has not the shape of one; it names the fields at fault."""
    fields = ""
    try:
        RecordIn.model_validate(one)
    except ValidationError as error:
        fields = "、".join(sorted({"/".join(map(str, fault["loc"])) for fault in error.errors()}))
    answer = RecordAnswer(
        record_id=str(one.get("record_id", ""))[:MAX_ID_CHARS],
        state=REFUSED,
        code="unreadable",
        detail=f"记录的格式有误：{fields}，请对照接口文档",
    )
    return RecordOut.of(answer)
