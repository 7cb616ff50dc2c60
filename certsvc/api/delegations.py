"""代亮: who may show whose licenses, for which scenes, until when."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import ENGLISH, Model, SceneOut
from certsvc.catalog.loader import Catalog
from certsvc.catalog.masks import apply_mask
from certsvc.catalog.model import Mask
from certsvc.commands.access import roles
from certsvc.commands.delegating.delegate import DelegationBody, delegate
from certsvc.commands.delegating.delegations import (
    DelegationLists,
    answer_delegation,
    confirm_delegation,
    end_delegation,
    list_delegations,
)
from certsvc.commands.offline.labels import english_of
from certsvc.commands.ports import Principal
from certsvc.license.delegations import END_ZH, LEVEL_ZH, Delegation, DelegationState

router = APIRouter(tags=["delegation 代亮"], route_class=JsonRoute)

HOLDER = Access(roles.HOLDER)
DelegationId = Annotated[str, Path(max_length=64, description="代亮授权编号")]

STATE_ZH: dict[DelegationState, str] = {
    DelegationState.OFFERED: "待受托人接受",
    DelegationState.ACTIVE: "使用中",
    DelegationState.UNCONFIRMED: "待新任法定代表人确认",
    DelegationState.DECLINED: "受托人未接受",
    DelegationState.ENDED: "已结束",
    DelegationState.EXPIRED: "已到期",
    DelegationState.USED_UP: "次数已用完",
}


class DelegatedLicenseOut(Model):
    """One license of a delegation and the scenes it may be shown for."""

    identifier: str = Field(description="现行版本的证照标识")
    type: str
    type_name: str
    type_name_en: str = Field(description=ENGLISH)
    scenes: list[SceneOut]


class DelegationOut(Model):
    """One delegation; codes of people are masked."""

    delegation_id: str
    under: str = Field(description="证照管理员的授权编号；不是办事人的为空")
    level: str = Field(description="family 亲属 · manager 证照管理员 · staff 办事人")
    level_zh: str
    holder_name: str
    grantor_name: str
    delegate_name: str
    delegate_code_masked: str
    until: str
    max_uses: int
    used: int
    state: str = Field(description="offered · active · unconfirmed · declined · ended · expired · used_up")
    state_zh: str
    created_at: datetime
    accepted_at: datetime | None
    ended_at: datetime | None
    ended_because: str = Field(description="结束原因，未结束的为空")
    use_matters: list[str] = Field(description="可代为授权用证的事项；* 为任何事项，空为只能亮证")

    @staticmethod
    def of(one: Delegation, now: datetime) -> DelegationOut:
        """From a delegation as it stands at ``now``."""
        state = one.stands(now)
        return DelegationOut(
            delegation_id=one.delegation_id,
            under=one.parent_id,
            level=one.level.value,
            level_zh=LEVEL_ZH[one.level],
            holder_name=one.holder.name,
            grantor_name=one.grantor.name,
            delegate_name=one.delegate.name,
            delegate_code_masked=apply_mask(Mask.CODE_TAIL, one.delegate.code),
            until=one.until.isoformat(),
            max_uses=one.max_uses,
            used=one.used,
            state=state.value,
            state_zh=STATE_ZH[state],
            created_at=one.created_at,
            accepted_at=one.accepted_at,
            ended_at=one.ended_at,
            ended_because=END_ZH.get(one.ended_because, ""),
            use_matters=list(one.use_matters),
        )


class ListedDelegationOut(DelegationOut):
    """A delegation and the licenses it is for."""

    licenses: list[DelegatedLicenseOut]

    @staticmethod
    def listed(catalog: Catalog, lists: DelegationLists, one: Delegation, now: datetime) -> ListedDelegationOut:
        """From the lists."""
        licenses = []
        for license_id, codes in one.scope.items():
            version = lists.licenses[license_id]
            kind = catalog.type(version.type_slug)
            licenses.append(
                DelegatedLicenseOut(
                    identifier=version.identifier,
                    type=kind.slug,
                    type_name=kind.name,
                    type_name_en=english_of(kind.slug),
                    scenes=[SceneOut.of(scene) for scene in kind.scenes if scene.code in codes],
                )
            )
        return ListedDelegationOut(**DelegationOut.of(one, now).model_dump(), licenses=licenses)


class DelegationsOut(Model):
    """Both sides, newest first."""

    given: list[ListedDelegationOut]
    received: list[ListedDelegationOut]


class DelegationAnswerIn(Model):
    """The delegate's answer."""

    accept: bool


@router.post("/v1/delegations", status_code=201)
def give(request: Request, body: DelegationBody, caller: Annotated[Principal, Depends(HOLDER)]) -> DelegationOut:
    """Let family or staff show named licenses for named scenes; in force once the delegate has accepted."""
    deps = deps_of(request)
    return DelegationOut.of(delegate(deps, caller, body), deps.clock.now())


@router.get("/v1/delegations")
def both(request: Request, caller: Annotated[Principal, Depends(HOLDER)]) -> DelegationsOut:
    """Delegations over the caller's licenses or given by the caller, and those received."""
    deps = deps_of(request)
    lists, now = list_delegations(deps, caller), deps.clock.now()
    return DelegationsOut(
        given=[ListedDelegationOut.listed(deps.catalog, lists, one, now) for one in lists.given],
        received=[ListedDelegationOut.listed(deps.catalog, lists, one, now) for one in lists.received],
    )


@router.post("/v1/delegations/{delegation_id}/answers", status_code=201)
def answer(
    request: Request,
    delegation_id: DelegationId,
    body: DelegationAnswerIn,
    caller: Annotated[Principal, Depends(HOLDER)],
) -> DelegationOut:
    """The delegate accepts or declines."""
    deps = deps_of(request)
    return DelegationOut.of(answer_delegation(deps, caller, delegation_id, accept=body.accept), deps.clock.now())


@router.post("/v1/delegations/{delegation_id}/confirmations", status_code=201)
def confirm(
    request: Request, delegation_id: DelegationId, caller: Annotated[Principal, Depends(HOLDER)]
) -> DelegationOut:
    """A new 法定代表人 keeps a 证照管理员, and the 办事人 below come with it."""
    deps = deps_of(request)
    return DelegationOut.of(confirm_delegation(deps, caller, delegation_id), deps.clock.now())


@router.delete("/v1/delegations/{delegation_id}", status_code=204, response_class=Response)
def end(request: Request, delegation_id: DelegationId, caller: Annotated[Principal, Depends(HOLDER)]) -> Response:
    """End it at once, and everything below it; codes already made under it are dead too."""
    end_delegation(deps_of(request), caller, delegation_id)
    return Response(status_code=204)
