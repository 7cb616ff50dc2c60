"""一业一证: the bundles of a holder's trades."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Request
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import ENGLISH, Model
from certsvc.api.show_models import SeenOut
from certsvc.catalog.bundles import BUNDLE_ZH
from certsvc.catalog.loader import Catalog
from certsvc.commands.access import roles
from certsvc.commands.offline.labels import english_of
from certsvc.commands.ports import Principal
from certsvc.commands.showing.bundles import HolderBundle, holder_bundles
from certsvc.commands.showing.show_bundle import BundlePlan, plan_bundle, show_bundle

router = APIRouter(tags=["show 亮证"], route_class=JsonRoute)

HOLDER = Access(roles.HOLDER)
Reader = Literal["officer", "clerk"]


class BundleMemberOut(Model):
    """One license type of a bundle."""

    type: str
    type_name: str
    type_name_en: str = Field(description=ENGLISH)
    required: bool
    identifier: str = Field(description="计入组合的证照标识；没有的为空")


class BundleOut(Model):
    """One bundle as it stands now; it replaces none of its members."""

    code: str
    name: str
    state: str = Field(description="complete · attention · incomplete · impaired")
    state_zh: str
    missing: list[str]
    ended: list[str]
    attention: list[str]
    members: list[BundleMemberOut]

    @staticmethod
    def of(catalog: Catalog, found: HolderBundle) -> BundleOut:
        """From what the command found."""
        bundle, stands = found.bundle, found.standing
        return BundleOut(
            code=bundle.code,
            name=bundle.name,
            state=stands.state.value,
            state_zh=BUNDLE_ZH[stands.state],
            missing=list(stands.missing),
            ended=list(stands.ended),
            attention=list(stands.attention),
            members=[
                BundleMemberOut(
                    type=slug,
                    type_name=catalog.type(slug).name,
                    type_name_en=english_of(slug),
                    required=slug in bundle.required,
                    identifier=found.members.get(slug, ""),
                )
                for slug in bundle.required + bundle.optional
            ],
        )


class BundleShowIn(Model):
    """Which bundle, for which kind of reader, and for which scenes where the holder chose."""

    bundle: str = Field(max_length=64)
    reader: Reader = Field(description="officer 执法人员 · clerk 窗口、场馆工作人员")
    scenes: dict[str, str] = Field(default_factory=dict, max_length=20, description="证照类型 → 场景；不填为缺省场景")


class MemberPreviewOut(Model):
    """One license of a bundle and what will be seen of it."""

    type: str
    type_name: str
    type_name_en: str = Field(description=ENGLISH)
    identifier: str
    seen: SeenOut


class BundlePreviewOut(Model):
    """What a code of a bundle would give, before it is made."""

    bundle: BundleOut
    members: list[MemberPreviewOut]
    left_out: list[str] = Field(description="没有适合此类核验人员的场景，因而不出示的证照类型")

    @staticmethod
    def of(catalog: Catalog, plan: BundlePlan) -> BundlePreviewOut:
        """From what the command found."""
        return BundlePreviewOut(
            bundle=BundleOut.of(catalog, plan.found),
            members=[
                MemberPreviewOut(
                    type=one.kind.slug,
                    type_name=one.kind.name,
                    type_name_en=english_of(one.kind.slug),
                    identifier=one.version.identifier,
                    seen=SeenOut.of(one.seen),
                )
                for one in plan.members
            ],
            left_out=list(plan.left_out),
        )


class BundleShowOut(Model):
    """The code, its end, and what will be seen."""

    show_id: str
    code: str
    qr_png: str = Field(description="二维码 PNG 的 Base64")
    preview: BundlePreviewOut
    created_at: datetime
    refresh_at: datetime
    expires_at: datetime


@router.get("/v1/wallet/bundles/{code}/scenes")
def scenes(
    request: Request,
    code: Annotated[str, Path(max_length=64)],
    caller: Annotated[Principal, Depends(HOLDER)],
    reader: Reader,
) -> BundlePreviewOut:
    """What a kind of reader would see of each license in a bundle, before a code is made."""
    deps = deps_of(request)
    return BundlePreviewOut.of(deps.catalog, plan_bundle(deps, caller, code=code, reader=reader))


@router.post("/v1/shows/bundles", status_code=201)
def show(request: Request, body: BundleShowIn, caller: Annotated[Principal, Depends(HOLDER)]) -> BundleShowOut:
    """One short-lived code for every license of a bundle; redeemed once."""
    deps = deps_of(request)
    made = show_bundle(deps, caller, code=body.bundle, reader=body.reader, scenes=body.scenes)
    return BundleShowOut(
        show_id=made.show.show_id,
        code=made.code,
        qr_png=base64.b64encode(deps.renderer.qr_png(made.code)).decode(),
        preview=BundlePreviewOut.of(deps.catalog, made.plan),
        created_at=made.show.created_at,
        refresh_at=made.refresh_at,
        expires_at=made.show.expires_at,
    )


@router.get("/v1/wallet/bundles")
def bundles(request: Request, caller: Annotated[Principal, Depends(HOLDER)]) -> list[BundleOut]:
    """一业一证 of the caller: every bundle of which at least one license is held."""
    deps = deps_of(request)
    return [BundleOut.of(deps.catalog, found) for found in holder_bundles(deps, caller)]
