"""What a holder reads of grants (授权)."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from certsvc.api.models import ENGLISH, Model
from certsvc.commands.offline.labels import english_of
from certsvc.commands.ports import Deps
from certsvc.commands.sharing.grant_use import GrantAnswer
from certsvc.commands.sharing.grounds import basis_of
from certsvc.identifiers.material_kind import slug_of
from certsvc.identifiers.policy_key import COPY
from certsvc.license.archives import Material
from certsvc.license.model import LicenseVersion
from certsvc.license.uses import USE_BASIS_ZH


class GrantOut(Model):
    """A grant; ``code`` is given once, when it is made."""

    grant_id: str
    code: str
    client_id: str
    client_name: str = Field(description="被授权单位的名称；系统已不在册的为其标识")
    matter_code: str
    case_no: str = Field(description="办件编号；授权时没有填的，第一次使用后为当时的办件")
    identifier: str = Field(description="哪一张证照，或哪一份电子材料；受托授权而委托已结束的为空")
    type_name: str
    type_name_en: str = Field(description=ENGLISH)
    number: str
    holder_name: str = Field(description="谁的证照")
    fields: list[str]
    expires_at: datetime
    used_at: datetime | None = Field(description="信息项、加注件何时取走；取走之后仍可核验")
    answers: int = Field(description="已核验的次数")
    answers_left: int = Field(description="还可核验的次数；已收回、已过期的为 0")
    copy_until: datetime | None = Field(description="给出的加注件最晚用到何时；没有授权加注件的为空")
    withdrawn_at: datetime | None
    consent_id: str = Field(description="用证申请或现场授权的编号；用证码的为空")
    basis_zh: str = Field(description="授权方式")

    @staticmethod
    def of(deps: Deps, made: GrantAnswer) -> GrantOut:
        """From the command's answer."""
        grant, body, version, material = made.grant, made.authority_code, made.version, made.material
        holder = version.holder if version else material.holder if material else None
        return GrantOut(
            grant_id=grant.grant_id,
            code=made.code,
            client_id=grant.client_id,
            client_name=_authority(deps, body) if body else grant.client_id,
            matter_code=grant.matter_code,
            case_no=grant.case_no,
            identifier=version.identifier if version else material.material_id if material else "",
            type_name=_used_name(deps, version, material),
            type_name_en=english_of(version.type_slug if version else material.code if material else ""),
            number=version.number if version else "",
            holder_name=holder.name if holder else "",
            fields=list(grant.fields),
            expires_at=grant.expires_at,
            used_at=grant.used_at,
            answers=grant.answers,
            answers_left=grant.answers_left(deps.clock.now()),
            copy_until=grant.copy_until if COPY in grant.fields else None,
            withdrawn_at=grant.withdrawn_at,
            consent_id=grant.consent_id,
            basis_zh=USE_BASIS_ZH[basis_of(grant)],
        )


def _used_name(deps: Deps, version: LicenseVersion | None, material: Material | None) -> str:
    if version is not None:
        return deps.catalog.type(version.type_slug).name
    return deps.catalog.used_name(slug_of(material.code)) if material is not None else ""


def _authority(deps: Deps, code: str) -> str:
    return deps.catalog.authority(code).name if deps.catalog.has_authority(code) else code
