"""Long-life care (长期保管): what files stand on, and what breaks when something of that goes."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.commands.care.breaks import Breaks, look_at_breaks
from certsvc.commands.care.inventory import DIMENSION_ZH, READERS, Dimension, Inventory, take_inventory
from certsvc.commands.ports import Principal
from certsvc.commands.shapes import Day
from certsvc.errors import InvalidInput
from certsvc.seal.care import LossKind

router = APIRouter(tags=["care 长期保管"], route_class=JsonRoute)

READER = Access(*READERS)

MAX_VALUE = 200
"""Characters of a name of a CA or authority; stops oversized questions."""

Value = Annotated[str, Query(max_length=MAX_VALUE)]


class CountedOut(Model):
    """Files of one algorithm, CA, seal …; a file with two seals counts for both."""

    dimension: Dimension
    dimension_zh: str
    value: str = Field(description="在失效推演中填写的取值")
    name: str
    files: int = Field(description="在用文件，件")
    in_force: int = Field(description="其中证照有效的，件")
    first: date = Field(description="最早一次签章的日期")
    last: date = Field(description="最近一次签章的日期")
    earliest_end: date = Field(description="其中最早自然失效（仅凭文件不能再验证）的日期")


class InventoryOut(Model):
    """What there is on a day."""

    on: date
    files: int
    in_force: int
    unread: int = Field(description="尚未读取的旧文件，件；由 certsvc care backfill 读取")
    rows: list[CountedOut]

    @staticmethod
    def of(found: Inventory) -> InventoryOut:
        """From the command's answer."""
        return InventoryOut(
            on=found.on,
            files=found.files,
            in_force=found.in_force,
            unread=found.unread,
            rows=[
                CountedOut(
                    dimension=row.dimension,
                    dimension_zh=DIMENSION_ZH[row.dimension],
                    value=row.value,
                    name=row.name,
                    files=row.files,
                    in_force=row.in_force,
                    first=row.first,
                    last=row.last,
                    earliest_end=row.earliest_end,
                )
                for row in found.rows
            ],
        )


class HitOut(Model):
    """Files of one type and issuing body."""

    type: str
    type_name: str
    issuer_code: str
    issuer_name: str
    in_force: bool = Field(description="证照有效为真；已失效而留存的为假")
    files: int = Field(description="涉及，件")
    broken: int = Field(description="自该日起不能再验证，件")
    standing: int = Field(description="凭时间戳等仍可验证，件")
    failed_before: int = Field(description="此前已自然失效，件")
    next_end: date | None = Field(description="仍可验证的之中最早失效的日期")


class EndingOut(Model):
    """Files that fail in a month."""

    month: str = Field(description="年月", examples=["2031-05"])
    in_force: int
    ended: int


class BreaksOut(Model):
    """What a loss does; without one, what time alone does until a day. Files are judged by themselves."""

    kind: LossKind | None
    value: str
    on: date
    looked_at: int = Field(description="核算的在用文件，件")
    unread: int = Field(description="尚未读取、没有计入的旧文件，件")
    files: int
    broken: int
    standing: int
    hits: list[HitOut]
    months: list[EndingOut] = Field(description="涉及的文件各在哪个月失效")
    advice: list[str]

    @staticmethod
    def of(found: Breaks) -> BreaksOut:
        """From the command's answer."""
        hits = [
            HitOut(
                type=hit.type_slug,
                type_name=hit.type_name,
                issuer_code=hit.issuer_code,
                issuer_name=hit.issuer_name,
                in_force=hit.in_force,
                files=hit.files,
                broken=hit.broken,
                standing=hit.standing,
                failed_before=hit.failed_before,
                next_end=hit.next_end,
            )
            for hit in found.hits
        ]
        return BreaksOut(
            kind=found.loss.kind if found.loss else None,
            value=found.loss.value if found.loss else "",
            on=found.on,
            looked_at=found.looked_at,
            unread=found.unread,
            files=found.files,
            broken=found.broken,
            standing=found.standing,
            hits=hits,
            months=[EndingOut(month=one.month, in_force=one.in_force, ended=one.ended) for one in found.months],
            advice=list(found.advice),
        )


@router.get("/v1/care/inventory")
def inventory(request: Request, caller: Annotated[Principal, Depends(READER)]) -> InventoryOut:  # noqa: ARG001
    """清点：在用文件按算法、密钥、颁发机构、印章、时间戳机构、级别计数."""
    return InventoryOut.of(take_inventory(deps_of(request)))


@router.get("/v1/care/breaks")
def breaks(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],  # noqa: ARG001  (its roles were asked)
    ca: Annotated[Value, Query(description="证书颁发机构：密钥标识或名称")] = "",
    seal: Annotated[Value, Query(description="印章编号")] = "",
    algorithm: Annotated[Value, Query(description="算法，如 rsa、rsa2048、sha256")] = "",
    tsa: Annotated[Value, Query(description="时间戳机构：名称或证书摘要")] = "",
    at: Annotated[Day | None, Query(description="自哪一天起不可再依赖，缺省为今天")] = None,
) -> BreaksOut:
    """失效推演：某一颁发机构、印章、算法或时间戳机构不可再依赖时的影响；都不填则只看自然失效."""
    asked = {LossKind.CA: ca, LossKind.SEAL: seal, LossKind.ALGORITHM: algorithm, LossKind.TSA: tsa}
    given = [(kind, value) for kind, value in asked.items() if value]
    if len(given) > 1:
        raise InvalidInput("一次只能推演一项：请在 ca、seal、algorithm、tsa 中只填一个")
    kind, value = given[0] if given else (None, "")
    return BreaksOut.of(look_at_breaks(deps_of(request), kind, value, on=at))
