"""How fresh trust is: ends of anchors and CAs, publishers of revocation data, timestamps of the evidence log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.commands.access import roles
from certsvc.commands.ports import Principal
from certsvc.commands.trust.sources import Freshness, TrustSources, trust_sources

router = APIRouter(tags=["trust 信任列表"], route_class=JsonRoute)

READER = Access(roles.TRUST_PROPOSER, roles.TRUST_CONFIRMER, roles.OPERATOR, roles.AUDITOR)


class AnchorStandingOut(Model):
    """An anchor and its end."""

    sha256: str
    name: str
    purposes: list[str]
    origin: str = Field(description="file 运维配置的信任目录 · list 经两人确认")
    certificate_ends: datetime = Field(description="证书自身的有效期止")
    ends_at: datetime = Field(description="证书到期或信任列表所定的终止，以较早的为准")
    freshness: Freshness = Field(description="good · soon 90 天内终止 · ended 已终止 · not_yet 尚未开始")


class AuthorityStandingOut(Model):
    """A CA kept here; its CRL is made when it is asked for."""

    ca_id: str
    name: str
    valid_until: datetime
    freshness: Freshness


class PublisherOut(Model):
    """A publisher of CRLs or OCSP answers, as this process met it."""

    host: str
    kinds: list[str] = Field(description="crl、ocsp")
    answered_at: datetime | None
    failed_at: datetime | None
    freshness: Freshness = Field(description="good · stale 最近一次没有答复，在用的是更早的数据或没有数据")


class TrustSourcesOut(Model):
    """What verdicts stand on, and how fresh it is."""

    at: datetime
    version: int = Field(description="本进程在用的信任列表版本")
    confirmed: int = Field(description="已确认的最新版本；与 version 不同的，本进程尚未跟上")
    anchors: list[AnchorStandingOut]
    authorities: list[AuthorityStandingOut]
    publishers: list[PublisherOut] = Field(description="本进程启动以来询问过的撤销信息发布方")
    stamped_at: datetime | None = Field(description="留痕日志最近一次取得时间戳的时刻")
    stamp_freshness: Freshness = Field(description="good · stale 应有更新的时间戳而没有 · unknown 还没有时间戳")

    @staticmethod
    def of(found: TrustSources) -> TrustSourcesOut:
        """From the command's."""
        return TrustSourcesOut(
            at=found.at,
            version=found.version,
            confirmed=found.confirmed,
            anchors=[
                AnchorStandingOut(
                    sha256=one.anchor.anchor_id,
                    name=one.anchor.name,
                    purposes=sorted(one.anchor.purposes),
                    origin=one.anchor.origin,
                    certificate_ends=one.certificate_ends,
                    ends_at=one.ends_at,
                    freshness=one.freshness,
                )
                for one in found.anchors
            ],
            authorities=[
                AuthorityStandingOut(ca_id=one.ca_id, name=one.name, valid_until=one.valid_until, freshness=freshness)
                for one, freshness in found.authorities
            ],
            publishers=[
                PublisherOut(
                    host=one.host,
                    kinds=list(one.kinds),
                    answered_at=one.answered_at,
                    failed_at=one.failed_at,
                    freshness=freshness,
                )
                for one, freshness in found.publishers
            ],
            stamped_at=found.stamp.at if found.stamp is not None else None,
            stamp_freshness=found.stamp_freshness,
        )


@router.get("/v1/trust-list/sources")
def sources(request: Request, caller: Annotated[Principal, Depends(READER)]) -> TrustSourcesOut:
    """Ends of anchors and CAs, how publishers of revocation data answered, and the newest timestamp of the log."""
    return TrustSourcesOut.of(trust_sources(deps_of(request), caller))
