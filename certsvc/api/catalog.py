"""The public catalog: types, their fields, scenes and matters (证照目录)."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from certsvc.api.auth import PUBLIC, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model, SceneOut
from certsvc.catalog.model import LicenseType
from certsvc.commands.sharing.policy import matters_in_force

router = APIRouter(tags=["catalog 目录"], route_class=JsonRoute)


class FieldInfo(Model):
    """One field of a type."""

    key: str
    name: str
    kind: str
    required: bool
    max_length: int
    choices: list[str]


class FilingOut(Model):
    """A registration that a license has absorbed."""

    code: str
    name: str


class CheckOut(Model):
    """年审, 校验, 复审 or 定期注册."""

    name: str
    months: int


class TypeOut(Model):
    """One type of the catalog."""

    type: str
    type_code: str
    name: str
    domain: str
    definer_name: str
    holder_kind: str
    holder_code_types: list[str]
    issuers: list[str]
    photo: bool
    validity_kind: str
    validity_years: int
    fields: list[FieldInfo]
    scenes: list[SceneOut]
    version: int
    depends_on: list[str] = Field(description="所依附的证照类型：其终止时提示，本证照不因此自动终止")
    satisfies: list[FilingOut] = Field(description="已由本证照整合的登记、备案（多证合一），不再另行提交")
    periodic_checks: list[CheckOut]

    @staticmethod
    def of(kind: LicenseType) -> TypeOut:
        """From the catalog."""
        return TypeOut(
            type=kind.slug,
            type_code=kind.type_code,
            name=kind.name,
            domain=kind.domain,
            definer_name=kind.definer_name,
            holder_kind=kind.holder_kind.value,
            holder_code_types=list(kind.holder_code_types),
            issuers=list(kind.issuers),
            photo=kind.photo,
            validity_kind=kind.validity.kind.value,
            validity_years=kind.validity.years,
            fields=[
                FieldInfo(
                    key=f.key,
                    name=f.name,
                    kind=f.kind.value,
                    required=f.required,
                    max_length=f.max_length,
                    choices=list(f.choices),
                )
                for f in kind.fields
            ],
            scenes=[SceneOut.of(scene) for scene in kind.scenes],
            version=kind.version,
            depends_on=list(kind.depends_on),
            satisfies=[FilingOut(code=filing.code, name=filing.name) for filing in kind.satisfies],
            periodic_checks=[CheckOut(name=check.name, months=check.months) for check in kind.periodic_checks],
        )


class MatterOut(Model):
    """A matter and what it may see."""

    code: str
    name: str
    authority_code: str
    allows: dict[str, list[str]]
    bases: list[str]


@router.get("/v1/catalog/types", dependencies=[Depends(PUBLIC)])
def types(request: Request) -> list[TypeOut]:
    """Every published license type."""
    return [TypeOut.of(kind) for kind in deps_of(request).catalog.types]


@router.get("/v1/catalog/matters", dependencies=[Depends(PUBLIC)])
def matters(request: Request) -> list[MatterOut]:
    """免证办事项清单: what each matter in force may ask for."""
    return [
        MatterOut(
            code=m.code,
            name=m.name,
            authority_code=m.authority_code,
            allows={slug: list(keys) for slug, keys in m.allows.items()},
            bases=list(m.bases),
        )
        for m in matters_in_force(deps_of(request))
    ]
