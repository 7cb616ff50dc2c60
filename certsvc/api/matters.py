"""事项: the list from its one source, its versions, and what became of each matter."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.catalog.loader import Catalog
from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.matters.import_list import IMPORTERS, ImportAnswer, MatterListBody, import_list
from certsvc.commands.matters.reading import MatterDetail, list_matters, list_versions, matter_detail
from certsvc.commands.matters.who import READERS
from certsvc.commands.ports import Principal
from certsvc.commands.sharing.policy_board import Orphan
from certsvc.license.matters import MATTER_CHANGE_ZH, ListedMatter, MatterChange, MatterListVersion
from certsvc.license.policies import POLICY_ZH

router = APIRouter(tags=["matter 事项"], route_class=JsonRoute)

IMPORTER = Access(*IMPORTERS)
READER = Access(*READERS, roles.CATALOG_PROPOSER)
MatterCodeText = Annotated[str, Path(max_length=33, description="事项实施编码")]
MAX_PAGE = 500
"""Matters of one answer."""
MAX_SHOWN = 1000
"""Changes and orphans of one import that its answer names; the rest is counted, and listed by matter."""


class ListedMatterOut(Model):
    """One matter of the list."""

    code: str
    name: str
    authority_code: str
    authority_name: str
    in_force: bool
    ends_on: date | None = Field(description="自此日起不再办理")
    version: int = Field(description="最近一次更改它的清单版本；0 为目录文件")

    @staticmethod
    def of(catalog: Catalog, one: ListedMatter, day: date) -> ListedMatterOut:
        """From the list, as of ``day``."""
        known = catalog.has_authority(one.authority_code)
        return ListedMatterOut(
            code=one.code,
            name=one.name,
            authority_code=one.authority_code,
            authority_name=catalog.authority(one.authority_code).name if known else one.authority_code,
            in_force=one.in_force(day),
            ends_on=one.ends_on,
            version=one.version,
        )


class MatterPageOut(Model):
    """By code; ask again with ``next`` as ``after``, unless it is empty."""

    matters: list[ListedMatterOut]
    next: str


class MatterChangeOut(Model):
    """What a version changed."""

    version: int
    code: str
    kind: str = Field(description="added · changed · ended · restored")
    kind_zh: str
    at: datetime
    was: ListedMatterOut | None
    now: ListedMatterOut

    @staticmethod
    def of(catalog: Catalog, one: MatterChange, day: date) -> MatterChangeOut:
        """From the log."""
        return MatterChangeOut(
            version=one.version,
            code=one.now.code,
            kind=one.kind.value,
            kind_zh=MATTER_CHANGE_ZH[one.kind],
            at=one.at,
            was=ListedMatterOut.of(catalog, one.was, day) if one.was else None,
            now=ListedMatterOut.of(catalog, one.now, day),
        )


class AllowedOut(Model):
    """What counts for one type."""

    policy_id: str = Field(description="seed: 开头的为目录文件中的策略")
    keys: list[str]
    bases: list[str]
    quota: int | None


class MatterDetailOut(ListedMatterOut):
    """A matter with what it may ask for and its change log, newest first."""

    allows: dict[str, AllowedOut]
    changes: list[MatterChangeOut]

    @staticmethod
    def detailed(catalog: Catalog, found: MatterDetail, day: date) -> MatterDetailOut:
        """From what was found."""
        return MatterDetailOut(
            **ListedMatterOut.of(catalog, found.matter, day).model_dump(),
            allows={
                slug: AllowedOut(policy_id=one.policy_id, keys=list(one.keys), bases=list(one.bases), quota=one.quota)
                for slug, one in found.allowed.items()
            },
            changes=[MatterChangeOut.of(catalog, one, day) for one in found.changes],
        )


class OrphanOut(Model):
    """A policy that points to nothing, or partly so."""

    policy_id: str
    matter_code: str
    matter_name: str
    authority_code: str
    type: str
    state: str
    state_zh: str
    reasons: list[str]
    opens_nothing: bool = Field(description="整条不再生效；否则仅失效的信息项不再提供")

    @staticmethod
    def of(one: Orphan) -> OrphanOut:
        """From the picture."""
        return OrphanOut(
            policy_id=one.policy_id,
            matter_code=one.matter_code,
            matter_name=one.matter_name,
            authority_code=one.authority_code,
            type=one.type_slug,
            state=one.state.value,
            state_zh=POLICY_ZH[one.state],
            reasons=list(one.reasons),
            opens_nothing=one.opens_nothing,
        )


class MatterVersionOut(Model):
    """One import."""

    version: int
    source: str
    digest: str
    imported_by: str
    imported_at: datetime
    matters: int
    added: int
    changed: int
    ended: int

    @staticmethod
    def of(one: MatterListVersion) -> MatterVersionOut:
        """From the register."""
        return MatterVersionOut(
            version=one.version,
            source=one.source,
            digest=one.digest,
            imported_by=one.imported_by,
            imported_at=one.imported_at,
            matters=one.matters,
            added=one.added,
            changed=one.changed,
            ended=one.ended,
        )


class MatterImportOut(Model):
    """What an import did, or would do."""

    imported: bool = Field(description="false：试导入，或与现行清单完全相同")
    version: MatterVersionOut
    changes: list[MatterChangeOut]
    orphans: list[OrphanOut] = Field(description="指向已终止事项或不存在内容的用证策略")

    @staticmethod
    def of(catalog: Catalog, found: ImportAnswer, day: date) -> MatterImportOut:
        """From the answer."""
        return MatterImportOut(
            imported=found.imported,
            version=MatterVersionOut.of(found.version),
            changes=[MatterChangeOut.of(catalog, one, day) for one in found.changes[:MAX_SHOWN]],
            orphans=[OrphanOut.of(one) for one in found.orphans[:MAX_SHOWN]],
        )


@router.post("/v1/matters/imports", status_code=201)
def take_list(
    request: Request, body: MatterListBody, caller: Annotated[Principal, Depends(IMPORTER)]
) -> MatterImportOut:
    """Import the whole list of the one source, or see what it would change; all of it or nothing."""
    deps = deps_of(request)
    return MatterImportOut.of(deps.catalog, import_list(deps, caller, body), local_day(deps.clock.now()))


@router.get("/v1/matters/versions")
def versions(request: Request, caller: Annotated[Principal, Depends(Access(*READERS))]) -> list[MatterVersionOut]:
    """Imports, newest first."""
    return [MatterVersionOut.of(one) for one in list_versions(deps_of(request), caller)]


@router.get("/v1/matters", dependencies=[Depends(READER)])
def matters(
    request: Request,
    authority: Annotated[str, Query(max_length=18, description="实施主体，缺省为全部")] = "",
    after: Annotated[str, Query(max_length=33, description="从此编码之后")] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
) -> MatterPageOut:
    """The list, ended matters too."""
    deps = deps_of(request)
    found = list_matters(deps, authority_code=authority, behind=after, limit=limit)
    day = local_day(deps.clock.now())
    return MatterPageOut(
        matters=[ListedMatterOut.of(deps.catalog, one, day) for one in found],
        next=found[-1].code if len(found) == limit else "",
    )


@router.get("/v1/matters/{code}", dependencies=[Depends(READER)])
def matter(request: Request, code: MatterCodeText) -> MatterDetailOut:
    """One matter: what it may ask for, and its change log."""
    deps = deps_of(request)
    return MatterDetailOut.detailed(deps.catalog, matter_detail(deps, code), local_day(deps.clock.now()))
