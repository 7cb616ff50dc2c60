"""用证申请 and 现场授权: systems ask named holders, holders answer; clerks keep a consent on paper."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import ENGLISH, Model
from certsvc.commands.access import roles
from certsvc.commands.offline.labels import english_of
from certsvc.commands.ports import Deps, Principal
from certsvc.commands.sharing.choices import Choice
from certsvc.commands.sharing.counter_consent import CounterBody, read_consent, take_consent
from certsvc.commands.sharing.policy import matter_name
from certsvc.commands.sharing.repeats import MAX_KEY_LENGTH
from certsvc.commands.sharing.use_requests import (
    Asked,
    UseRequestBody,
    answer_request,
    ask_use,
    list_requests,
    read_request,
)
from certsvc.commands.showing.values import BUILT_IN
from certsvc.identifiers.policy_key import COPY, field_of, key_zh
from certsvc.license.consents import MAX_REQUEST_TYPES, RequestState

router = APIRouter(tags=["fetch 用证"], route_class=JsonRoute)

USER = Access(roles.USING)
HOLDER = Access(roles.HOLDER)
CLERK = Access(roles.CLERK)
RequestId = Annotated[str, Path(max_length=64, description="用证申请编号")]
ConsentId = Annotated[str, Path(max_length=64, description="现场授权编号")]
JPEG = "image/jpeg"

STATE_ZH: dict[RequestState, str] = {
    RequestState.ASKED: "待确认",
    RequestState.CONFIRMED: "已同意",
    RequestState.DECLINED: "不同意",
    RequestState.LAPSED: "已过时失效",
}


class WantedOut(Model):
    """One key that was asked for, in words."""

    key: str
    name: str


class ItemOut(Model):
    """A type and what was asked of it."""

    type: str
    type_name: str
    type_name_en: str = Field(description=ENGLISH)
    fields: list[WantedOut]


class ChoiceOut(Model):
    """One license that a yes may be for."""

    identifier: str = Field(description="证照标识，答复时填写")
    number: str
    place: str = Field(description="经营场所、坐落或地址，用以区分；没有的为空")

    @staticmethod
    def of(one: Choice) -> ChoiceOut:
        """From the command's answer."""
        return ChoiceOut(identifier=one.identifier, number=one.number, place=one.place)


class ListedItemOut(ItemOut):
    """The same for whoever answers, with the licenses that there are."""

    choices: list[ChoiceOut] = Field(
        description="可同意使用的证照；多张的须在答复里指明一张，没有的不会给出。已答复的为空"
    )


class UseRequestOut(Model):
    """A request as the one who asked and the one who was asked both see it; it names nobody but the asker."""

    request_id: str
    authority_name: str
    client_name: str
    matter_code: str
    matter_name: str
    case_no: str
    operator: str
    purpose: str
    items: list[ItemOut]
    state: str = Field(description="asked · confirmed · declined · lapsed")
    state_zh: str
    waiting: int = Field(description="还有几人未确认")
    created_at: datetime
    lapses_at: datetime
    until: datetime = Field(description="同意后，授权到何时")

    @staticmethod
    def of(deps: Deps, asked: Asked) -> UseRequestOut:
        """From the command's answer."""
        return UseRequestOut(**_common(deps, asked))


class GivenOut(Model):
    """One license that may be used."""

    type: str
    identifier: str = Field(description="证照标识：持证人同意使用的那一张")
    grant_id: str
    expires_at: datetime
    used_at: datetime | None
    withdrawn_at: datetime | None


class AskedOut(UseRequestOut):
    """What came of a request of one's own."""

    given: list[GivenOut] = Field(description="同意后可用的证照；按 consent_id 用证，不需要用证码")


class ListedRequestOut(UseRequestOut):
    """What a holder was asked."""

    party_id: str = Field(description="为哪一方答复，答复时填写")
    items: list[ListedItemOut]  # type: ignore[assignment]
    holder_name: str = Field(description="向谁申请：本人，或被监护人、所代表的企业、委托人")
    delegation_id: str = Field(description="以受托人身份答复时填写；其他为空")
    asked_as: str = Field(
        description="以什么身份答复：own 本人 · co_holder 共有人 · guardian 监护人 · representative 法定代表人"
        " · delegation 受托人"
    )
    answer_for: str = Field(description="为谁答复：本人、被监护人、所代表的企业或委托人")
    answer: str = Field(description="这一方的答复：asked 未答复 · confirmed 已同意 · declined 不同意")

    @staticmethod
    def listed(deps: Deps, asked: Asked) -> ListedRequestOut:
        """From a row of the command's list."""
        mine = asked.mine
        items = [
            ListedItemOut(
                **_item(deps, slug, keys).model_dump(),
                choices=[ChoiceOut.of(one) for one in asked.choices.get(slug, ())],
            )
            for slug, keys in asked.request.items.items()
        ]
        return ListedRequestOut(
            **(_common(deps, asked) | {"items": items}),
            party_id=mine.party_id if mine else "",
            holder_name=asked.request.holder.name,
            delegation_id=asked.delegation_id,
            asked_as=asked.asked_as,
            answer_for=mine.holder.name if mine else "",
            answer=mine.state.value if mine else "",
        )


class ChosenIn(Model):
    """Which of several licenses of a type."""

    type: str = Field(max_length=64, description="证照类型")
    identifier: str = Field(min_length=1, max_length=128, description="证照标识，列表中 choices 之一")


class RequestAnswerIn(Model):
    """The holder's answer, for one party."""

    accept: bool
    party_id: str = Field(default="", max_length=64, description="为哪一方答复，列表中的 party_id；只有一方的可不填")
    licenses: list[ChosenIn] = Field(
        default=[], max_length=MAX_REQUEST_TYPES, description="同意使用哪一张；某类只有一张的可不填"
    )
    delegation_id: str = Field(default="", max_length=64, description="受托人答复时，填委托编号")


class CounterOut(Model):
    """A consent on paper and what may be used by it."""

    consent_id: str
    picture_sha256: str
    expires_at: datetime
    types: int


@router.post("/v1/use-requests", status_code=201)
def ask(request: Request, body: UseRequestBody, caller: Annotated[Principal, Depends(USER)]) -> UseRequestOut:
    """Ask a named holder; whether the holder has such licenses is not told before a yes."""
    deps = deps_of(request)
    return UseRequestOut.of(deps, ask_use(deps, caller, body))


@router.get("/v1/use-requests/{request_id}")
def read(request: Request, request_id: RequestId, caller: Annotated[Principal, Depends(USER)]) -> AskedOut:
    """What came of a request of the caller."""
    deps = deps_of(request)
    found = read_request(deps, caller, request_id)
    given = [
        GivenOut(
            type=slug,
            identifier=found.identifiers[grant.version_id],
            grant_id=grant.grant_id,
            expires_at=grant.expires_at,
            used_at=grant.used_at,
            withdrawn_at=grant.withdrawn_at,
        )
        for slug, grant in sorted(found.grants.items())
    ]
    return AskedOut(**_common(deps, found), given=given)


@router.get("/v1/use-requests")
def listed(request: Request, caller: Annotated[Principal, Depends(HOLDER)]) -> list[ListedRequestOut]:
    """What the caller was asked, newest first; for wards, a represented company and as a delegate too."""
    deps = deps_of(request)
    return [ListedRequestOut.listed(deps, one) for one in list_requests(deps, caller)]


@router.post("/v1/use-requests/{request_id}/answers", status_code=201)
def reply(
    request: Request, request_id: RequestId, body: RequestAnswerIn, caller: Annotated[Principal, Depends(HOLDER)]
) -> UseRequestOut:
    """Confirm or decline; of several holders each answers alone."""
    deps = deps_of(request)
    done = answer_request(
        deps,
        caller,
        request_id,
        party_id=body.party_id,
        accept=body.accept,
        delegation_id=body.delegation_id,
        licenses={one.type: one.identifier for one in body.licenses},
    )
    return UseRequestOut.of(deps, done)


@router.post("/v1/counter-consents", status_code=201)
def counter(
    request: Request,
    body: CounterBody,
    caller: Annotated[Principal, Depends(CLERK)],
    idempotency_key: Annotated[str, Header(max_length=MAX_KEY_LENGTH)] = "",
) -> CounterOut:
    """现场授权: the identity document was read, and the consent was signed by hand.

    The same key with the same content gives the same consent again for ten minutes.
    """
    done = take_consent(deps_of(request), caller, body, idempotency_key=idempotency_key)
    consent = done.consent
    return CounterOut(
        consent_id=consent.consent_id,
        picture_sha256=consent.picture_sha256,
        expires_at=consent.expires_at,
        types=len(done.grants),
    )


@router.get(
    "/v1/counter-consents/{consent_id}/picture",
    response_class=Response,
    responses={200: {"content": {JPEG: {"schema": {"type": "string", "format": "binary"}}}}},
)
def picture(request: Request, consent_id: ConsentId, caller: Annotated[Principal, Depends(CLERK)]) -> Response:
    """The picture of the handwritten consent, for the body that took it."""
    return Response(read_consent(deps_of(request), caller, consent_id), media_type=JPEG)


def _common(deps: Deps, asked: Asked) -> dict[str, Any]:
    one = asked.request
    state = one.stands(deps.clock.now())
    known = deps.catalog.has_authority(one.authority_code)
    return {
        "request_id": one.request_id,
        "authority_name": deps.catalog.authority(one.authority_code).name if known else one.authority_code,
        "client_name": one.client_name,
        "matter_code": one.matter_code,
        "matter_name": matter_name(deps, one.matter_code),
        "case_no": one.case_no,
        "operator": one.operator,
        "purpose": one.purpose,
        "items": [_item(deps, slug, keys) for slug, keys in one.items.items()],
        "state": state.value,
        "state_zh": STATE_ZH[state],
        "waiting": sum(party.state is RequestState.ASKED for party in asked.parties),
        "created_at": one.created_at,
        "lapses_at": one.lapses_at,
        "until": one.until,
    }


def _item(deps: Deps, slug: str, keys: tuple[str, ...]) -> ItemOut:
    fields = [WantedOut(key=key, name=key_name(deps, slug, key)) for key in keys]
    return ItemOut(type=slug, type_name=deps.catalog.type(slug).name, type_name_en=english_of(slug), fields=fields)


def key_name(deps: Deps, slug: str, key: str) -> str:
    """A key of a policy in words."""
    field = field_of(key)
    spec = deps.catalog.type(slug).field(field)
    name = spec.name if spec is not None else BUILT_IN.get(field, "加注件" if key == COPY else field)
    return key_zh(key, name)
