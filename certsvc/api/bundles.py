"""一业一证: the bundles of a holder's trades."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.catalog.bundles import BUNDLE_ZH
from certsvc.catalog.loader import Catalog
from certsvc.commands.access import roles
from certsvc.commands.ports import Principal
from certsvc.commands.showing.bundles import HolderBundle, holder_bundles

router = APIRouter(tags=["show 亮证"], route_class=JsonRoute)

HOLDER = Access(roles.HOLDER)


class BundleMemberOut(Model):
    """One license type of a bundle."""

    type: str
    type_name: str
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
                    required=slug in bundle.required,
                    identifier=found.members.get(slug, ""),
                )
                for slug in bundle.required + bundle.optional
            ],
        )


@router.get("/v1/wallet/bundles")
def bundles(request: Request, caller: Annotated[Principal, Depends(HOLDER)]) -> list[BundleOut]:
    """一业一证 of the caller: every bundle of which at least one license is held."""
    deps = deps_of(request)
    return [BundleOut.of(deps.catalog, found) for found in holder_bundles(deps, caller)]
