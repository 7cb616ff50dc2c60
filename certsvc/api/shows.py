"""亮证: the holder's wallet, show codes, grants and who used what."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.grant_models import GrantOut
from certsvc.api.json_body import JsonRoute
from certsvc.api.licenses import Identifier, MoveOut
from certsvc.api.models import ENGLISH, CardOut, FieldOut, FlagOut, Model, PresenterOut, ReasonOut, SceneOut
from certsvc.api.outputs import DEFAULT_WIDTH, OUTPUTS, PageNumber, WidthPx, output
from certsvc.api.show_models import InVisit, SeenOut, card_of_right, in_visit
from certsvc.commands.access import roles
from certsvc.commands.offline.labels import english_of
from certsvc.commands.ports import Deps, Principal
from certsvc.commands.sharing.grant_use import GrantBody, grant_use, list_grants, withdraw_grant
from certsvc.commands.sharing.policy import matter_name
from certsvc.commands.sharing.receivers import receivers
from certsvc.commands.sharing.repeats import MAX_KEY_LENGTH
from certsvc.commands.showing.create_show import create_show, preview
from certsvc.commands.showing.read_show import STATE_ZH, read_show
from certsvc.commands.showing.reading import presenter_of
from certsvc.commands.showing.wallet import OtherCard, history, others_wallet, own_face, own_file, uses, wallet
from certsvc.license.notices import NO_LINES
from certsvc.license.parties import Client
from certsvc.license.uses import Show, ShowState
from certsvc.license.visits import TASK_ZH

router = APIRouter(tags=["show 亮证"], route_class=JsonRoute)

HOLDER = Access(roles.HOLDER)
ShowId = Annotated[str, Path(max_length=64, description="亮证编号")]


class ShowIn(Model):
    """Which license, for which scene."""

    identifier: str = Field(max_length=128)
    scene: str = Field(max_length=64)
    delegation_id: str = Field(default="", max_length=64, description="代亮时填授权编号")


class ShowOut(Model):
    """The code, its end, and what the officer will see."""

    show_id: str
    code: str
    qr_png: str = Field(description="二维码 PNG 的 Base64")
    type_name: str
    type_name_en: str = Field(description=ENGLISH)
    scene: SceneOut
    fields: list[FieldOut]
    good: bool
    light: str
    state_zh: str
    flags: list[FlagOut]
    created_at: datetime
    refresh_at: datetime
    expires_at: datetime
    presenter: PresenterOut | None = Field(default=None, description="不是持证人本人出示时，核验人员看到的说明")


class ShowStateOut(Model):
    """Where a show code stands."""

    show_id: str
    state: str = Field(description="waiting 等待扫码 · scanned 已扫码 · over 已过期")
    state_zh: str
    scanned_at: datetime | None = Field(description="给出核验信息的时间；没有给出的为空")
    expires_at: datetime

    @staticmethod
    def of(show: Show, state: ShowState) -> ShowStateOut:
        """From the command's answer; who scanned stands in 谁用过我的证."""
        return ShowStateOut(
            show_id=show.show_id,
            state=state.value,
            state_zh=STATE_ZH[state],
            scanned_at=show.redeemed_at,
            expires_at=show.expires_at,
        )


class ReceiverOut(Model):
    """A system that may be allowed to use a license, and the body it belongs to."""

    client_id: str
    name: str
    authority_code: str
    authority_name: str

    @staticmethod
    def of(deps: Deps, client: Client) -> ReceiverOut:
        """From the register of clients."""
        body = client.authority_code
        return ReceiverOut(
            client_id=client.client_id, name=client.name, authority_code=body, authority_name=_authority(deps, body)
        )


class ScenesOut(Model):
    """What readers would see of one license, scene by scene."""

    identifier: str
    type: str
    type_name: str
    type_name_en: str = Field(description=ENGLISH)
    scenes: list[SeenOut]


class OtherCardOut(Model):
    """A license of somebody else that the caller may show; ``card.scenes`` are those it may be shown for."""

    card: CardOut
    basis: str = Field(description="co_holder 共有人 · guardian 监护人 · representative 法定代表人 · delegation 代亮")
    delegation_id: str = Field(description="代亮授权编号，亮证时填写；其他为空")
    until: str = Field(description="代亮授权的最后一天；其他为空")
    uses_left: int | None = Field(description="代亮授权剩余次数；其他为空")

    @staticmethod
    def of(deps: Deps, other: OtherCard) -> OtherCardOut:
        """From the command's answer."""
        right, given = other.right, other.right.delegation
        return OtherCardOut(
            card=card_of_right(deps, right, other.standing),
            basis=right.basis.value,
            delegation_id=given.delegation_id if given else "",
            until=given.until.isoformat() if given else "",
            uses_left=given.max_uses - given.used if given else None,
        )


class UseOut(InVisit):
    """One use of one's license: a scan, a fetch, a refusal or a notice."""

    kind: str
    at: datetime
    type_name: str
    identifier: str
    who: str
    why: str
    fields: list[str]
    outcome: str
    result: ReasonOut | None = Field(default=None, description="扫码结果的用语；其他为空")


@router.get("/v1/wallet")
def cards(request: Request, caller: Annotated[Principal, Depends(HOLDER)]) -> list[CardOut]:
    """The caller's licenses, newest first."""
    deps = deps_of(request)
    return [
        CardOut.of(deps.catalog, card.version, card.standing, base=deps.policy.public_base)
        for card in wallet(deps, caller)
    ]


@router.get("/v1/wallet/others")
def others(request: Request, caller: Annotated[Principal, Depends(HOLDER)]) -> list[OtherCardOut]:
    """Licenses of others that the caller may show: shared ones, of wards, of the represented company, by 代亮."""
    deps = deps_of(request)
    return [OtherCardOut.of(deps, other) for other in others_wallet(deps, caller)]


@router.get("/v1/wallet/uses")
def who_used(request: Request, caller: Annotated[Principal, Depends(HOLDER)]) -> list[UseOut]:
    """谁用过我的证: scans, fetches, refusals and notices, newest first."""
    return _uses(deps_of(request), caller)


@router.get("/v1/wallet/{identifier}/file", response_class=Response, responses=OUTPUTS)
def file(
    request: Request,
    identifier: Identifier,
    caller: Annotated[Principal, Depends(HOLDER)],
    page: PageNumber = 1,
    width: WidthPx = DEFAULT_WIDTH,
) -> Response:
    """One's own license: the sealed PDF, a picture of one of its pages, or the face as data, by Accept."""
    deps = deps_of(request)
    return output(
        request,
        file=lambda: own_file(deps, caller, identifier),
        face=lambda: own_face(deps, caller, identifier),
        page=page,
        width=width,
    )


@router.get("/v1/wallet/{identifier}/scenes")
def scenes(
    request: Request,
    identifier: Identifier,
    caller: Annotated[Principal, Depends(HOLDER)],
    delegation_id: Annotated[str, Query(max_length=64, description="代亮时填授权编号")] = "",
) -> ScenesOut:
    """What readers would see in each scene, before a code is made."""
    deps = deps_of(request)
    version, seen = preview(deps, caller, identifier=identifier, delegation_id=delegation_id)
    return ScenesOut(
        identifier=version.identifier,
        type=version.type_slug,
        type_name=deps.catalog.type(version.type_slug).name,
        type_name_en=english_of(version.type_slug),
        scenes=[SeenOut.of(one) for one in seen],
    )


@router.get("/v1/wallet/{identifier}/moves")
def moves(request: Request, identifier: Identifier, caller: Annotated[Principal, Depends(HOLDER)]) -> list[MoveOut]:
    """What was decided about one's own license."""
    _, records = history(deps_of(request), caller, identifier)
    return [MoveOut.of(record) for record in records]


@router.post("/v1/shows", status_code=201)
def show(request: Request, body: ShowIn, caller: Annotated[Principal, Depends(HOLDER)]) -> ShowOut:
    """A short-lived code of one license for one scene, with its QR picture."""
    deps = deps_of(request)
    made = create_show(
        deps, caller, identifier=body.identifier, scene_code=body.scene, delegation_id=body.delegation_id
    )
    return ShowOut(
        show_id=made.show.show_id,
        code=made.code,
        qr_png=base64.b64encode(deps.renderer.qr_png(made.code)).decode(),
        type_name=made.kind.name,
        type_name_en=english_of(made.kind.slug),
        scene=SceneOut.of(made.scene),
        fields=FieldOut.many(made.fields),
        good=made.standing.good,
        light=made.standing.light.value,
        flags=FlagOut.many(made.standing.flags),
        state_zh=made.standing.zh,
        created_at=made.show.created_at,
        refresh_at=made.refresh_at,
        expires_at=made.show.expires_at,
        presenter=PresenterOut.of(presenter_of(made.show.basis, made.show.presenter)),
    )


@router.get("/v1/shows/{show_id}")
def look(request: Request, show_id: ShowId, caller: Annotated[Principal, Depends(HOLDER)]) -> ShowStateOut:
    """Where a show code of the caller's own making stands; anybody else's is as unknown as none."""
    return ShowStateOut.of(*read_show(deps_of(request), caller, show_id))


@router.get("/v1/grants/receivers")
def may_receive(
    request: Request,
    caller: Annotated[Principal, Depends(HOLDER)],
    matter_code: Annotated[str, Query(max_length=33, description="事项实施编码")],
) -> list[ReceiverOut]:
    """Systems that can be allowed to use a license for a matter, each with its body; empty when there is none."""
    deps = deps_of(request)
    return [ReceiverOut.of(deps, client) for client in receivers(deps, caller, matter_code)]


@router.post("/v1/grants", status_code=201)
def grant(
    request: Request,
    body: GrantBody,
    caller: Annotated[Principal, Depends(HOLDER)],
    idempotency_key: Annotated[str, Header(max_length=MAX_KEY_LENGTH)] = "",
) -> GrantOut:
    """Let one system use one license for one matter, once: the answer carries the 用证码.

    The same key with the same content gives the same grant and code again for ten minutes.
    """
    deps = deps_of(request)
    return GrantOut.of(deps, grant_use(deps, caller, body, idempotency_key=idempotency_key))


@router.get("/v1/grants")
def grants(request: Request, caller: Annotated[Principal, Depends(HOLDER)]) -> list[GrantOut]:
    """Those that the caller gave, and those over licenses that the caller holds or decides over."""
    deps = deps_of(request)
    return [GrantOut.of(deps, item) for item in list_grants(deps, caller)]


@router.delete("/v1/grants/{grant_id}", status_code=204, response_class=Response)
def withdraw(request: Request, grant_id: str, caller: Annotated[Principal, Depends(HOLDER)]) -> Response:
    """收回授权: the next use and the next question are refused."""
    withdraw_grant(deps_of(request), caller, grant_id)
    return Response(status_code=204)


def _uses(deps: Deps, caller: Principal) -> list[UseOut]:
    found = uses(deps, caller)
    by_id = {version.version_id: version for version in found.versions}
    rows: list[UseOut] = []
    for scan in found.scans:
        version, visit = by_id[scan.version_id], found.visits.get(scan.visit_id)
        rows.append(
            UseOut(
                kind="scan",
                at=scan.at,
                type_name=deps.catalog.type(version.type_slug).name,
                identifier=version.identifier,
                who=_authority(deps, scan.authority_code) + (f"（{scan.badge}）" if scan.badge else ""),
                why=TASK_ZH[visit.task_kind] if visit else "现场核验",
                fields=list(scan.fields),
                outcome=scan.outcome,
                result=ReasonOut.named(scan.outcome),
                **in_visit(scan, visit, found.outcomes.get(scan.scan_id)),
            )
        )
    for fetch in found.fetches:
        version = by_id[fetch.version_id]
        rows.append(
            UseOut(
                kind="fetch",
                at=fetch.at,
                type_name=deps.catalog.type(version.type_slug).name,
                identifier=version.identifier,
                who=_authority(deps, fetch.authority_code) + f"（{fetch.client_name}）",
                why=f"{matter_name(deps, fetch.matter_code)}　办件 {fetch.case_no}"
                + (f"　核验：{fetch.said}" if fetch.said else ""),
                fields=list(fetch.fields),
                outcome=fetch.outcome,
            )
        )
    for notice in found.notices:
        if notice.kind in NO_LINES:
            continue  # the use itself stands in the ledger, a request in the list of requests
        version = by_id[notice.version_id]
        rows.append(
            UseOut(
                kind="notice",
                at=notice.at,
                type_name=deps.catalog.type(version.type_slug).name,
                identifier=version.identifier,
                who=version.issuer_name,
                why=notice.text,
                fields=[],
                outcome=notice.kind.value,
            )
        )
    return sorted(rows, key=lambda row: row.at, reverse=True)


def _authority(deps: Deps, code: str) -> str:
    return deps.catalog.authority(code).name if deps.catalog.has_authority(code) else code
