"""Shapes of stamping by hand: how, why, what was shown, what was made."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from certsvc.api.models import Model
from certsvc.catalog.validation import face_date
from certsvc.commands.shapes import Day, Line
from certsvc.seal.placing import MAX_MARKS, MM, PageView, PlacedMark
from certsvc.seal.stampings import (
    ITEM_STATE_ZH,
    BatchItem,
    ItemState,
    StampBatch,
    StampCase,
    Stamping,
    StampPreview,
    StampUpload,
    StampWish,
)

MAX_MM = 6000.0
"""Millimetres of a page's side; more is no paper."""


class Asked(Model):
    """Base of what is sent: a name nobody knows is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PointIn(Asked):
    """A stamp around a point, in millimetres from the top left of the page as it is seen."""

    x_mm: float = Field(ge=0, le=MAX_MM, description="印章中心距页面左边，毫米")
    y_mm: float = Field(ge=0, le=MAX_MM, description="印章中心距页面上边，毫米")
    pages: Line = Field(
        default="last", min_length=1, max_length=200, description="all、odd、even、first、last，或 1,3-5"
    )


class KeywordIn(Asked):
    """A stamp at every occurrence of a visible text; the caller says how many there are."""

    text: Line = Field(min_length=1, max_length=50, description="可见文字；全半角与空白不区分")
    count: int = Field(ge=1, le=500, description="应有几处；与实际不符即不盖")
    anchor: Literal["on", "after"] = Field(default="on", description="on 盖在文字上 · after 盖在文字之后")
    dx_mm: float = Field(default=0, ge=-MAX_MM, le=MAX_MM, description="再向右移，毫米")
    dy_mm: float = Field(default=0, ge=-MAX_MM, le=MAX_MM, description="再向下移，毫米")


class SeamIn(Asked):
    """骑缝章 over the right edges."""

    pages: Line = Field(default="all", min_length=1, max_length=200, description="跨哪些页，写法同上")
    pages_per_stamp: int = Field(default=0, ge=0, le=100, description="每枚最多跨几页；0 由系统按印迹宽度决定")
    y_mm: float = Field(default=0, ge=0, le=MAX_MM, description="印章中心距页面上边，毫米；0 为居中")


class WishIn(Asked):
    """How to stamp; at least one of ``point``, ``keyword``, ``seam``."""

    point: PointIn | None = None
    keyword: KeywordIn | None = None
    seam: SeamIn | None = None
    date: Day | None = Field(default=None, description="成文日期，印在每枚整章之下（章压成文日期）")
    watermark: Line = Field(default="", max_length=60, description="斜向水印，如“仅供办理……使用”")
    lock: bool = Field(default=False, description="盖章后不允许任何人再签名、盖章")

    def wish(self) -> StampWish:
        """As the command takes it."""
        point, keyword, seam = self.point, self.keyword, self.seam
        return StampWish(
            pages=point.pages if point else "last",
            point_mm=(point.x_mm, point.y_mm) if point else None,
            keyword=keyword.text if keyword else "",
            expected=keyword.count if keyword else 1,
            anchor=keyword.anchor if keyword else "on",
            offset_mm=(keyword.dx_mm, keyword.dy_mm) if keyword else (0.0, 0.0),
            seam=seam is not None,
            seam_pages=seam.pages if seam else "all",
            seam_most=seam.pages_per_stamp if seam else 0,
            seam_y_mm=seam.y_mm if seam else 0.0,
            date_text=face_date(self.date) if self.date else "",
            watermark=self.watermark,
            lock=self.lock,
        )


class CaseIn(Asked):
    """Why the seal is used; kept encrypted."""

    purpose: Line = Field(min_length=1, max_length=200, description="用印事由")
    case_no: Line = Field(default="", max_length=64, description="文号或办件编号")
    matter_code: Line = Field(default="", max_length=31, pattern=r"^[0-9A-Z]*$", description="事项编码")
    approval_id: Line = Field(default="", max_length=64, pattern=r"^[0-9A-Za-z_]*$", description="用印审批编号")
    represented_by: Line = Field(
        default="", max_length=64, pattern=r"^(rep_[0-9A-Z]+)?$", description="首席代表授权编号：本人以首席代表身份盖章"
    )

    def case(self) -> StampCase:
        """As the command takes it."""
        return StampCase(
            purpose=self.purpose,
            case_no=self.case_no,
            matter_code=self.matter_code,
            approval_id=self.approval_id,
            represented_by=self.represented_by,
        )


class PreviewIn(WishIn):
    """What is to be shown."""

    upload_id: Line = Field(min_length=1, max_length=64)
    seal_id: Line = Field(min_length=1, max_length=64)


class PlaceIn(Asked):
    """Page and rectangle of one mark, as the preview gave them."""

    page: int = Field(ge=1, le=100_000)
    rect: list[float] = Field(min_length=4, max_length=4)


class SealIn(CaseIn):
    """Confirms what was shown: exactly its digest, pages and rectangles."""

    preview_id: Line = Field(min_length=1, max_length=64)
    sha256: Line = Field(pattern=r"^[0-9a-f]{64}$")
    marks: list[PlaceIn] = Field(min_length=1, max_length=MAX_MARKS)


class BatchIn(WishIn, CaseIn):
    """One rule for every file of a batch."""

    seal_id: Line = Field(min_length=1, max_length=64)


class PageOut(Model):
    """A page as it is seen."""

    width_mm: float
    height_mm: float

    @staticmethod
    def many(views: tuple[PageView, ...]) -> list[PageOut]:
        """Every page."""
        return [PageOut(width_mm=round(v.size[0] / MM, 2), height_mm=round(v.size[1] / MM, 2)) for v in views]


class UploadOut(Model):
    """An upload that may be stamped."""

    upload_id: str
    sha256: str
    pages: list[PageOut]
    expires_at: datetime

    @staticmethod
    def of(upload: StampUpload) -> UploadOut:
        """From the command's."""
        return UploadOut(
            upload_id=upload.upload_id,
            sha256=upload.sha256,
            pages=PageOut.many(upload.pages),
            expires_at=upload.expires_at,
        )


class MarkOut(Model):
    """One mark."""

    kind: str = Field(description="stamp 整章 · slice 骑缝 · date 日期 · watermark 水印 · sample 样本标记")
    page: int
    rect: list[float] = Field(description="页面用户空间，点：左、下、右、上；确认盖章时原样送回")

    @staticmethod
    def of(mark: PlacedMark) -> MarkOut:
        """From the plan."""
        return MarkOut(kind=mark.kind, page=mark.page + 1, rect=list(mark.rect))


class PreviewOut(Model):
    """What is shown and may be sealed until it expires, once."""

    preview_id: str
    sha256: str
    content_digest: str = Field(description="用印须经批准的，以此申请批准")
    marks: list[MarkOut]
    pages: list[int] = Field(description="有印迹的页")
    expires_at: datetime

    @staticmethod
    def of(shown: StampPreview) -> PreviewOut:
        """From the command's."""
        return PreviewOut(
            preview_id=shown.preview_id,
            sha256=shown.sha256,
            content_digest=shown.content_digest,
            marks=[MarkOut.of(mark) for mark in shown.marks],
            pages=sorted({mark.page + 1 for mark in shown.marks}),
            expires_at=shown.expires_at,
        )


class StampingOut(Model):
    """A registered stamping."""

    stamping_id: str
    seal_id: str
    purpose: str
    case_no: str
    matter_code: str
    operator: str
    approval_id: str
    represented_by: str = Field(description="首席代表授权编号，非以首席代表身份盖章的为空")
    sha256_before: str
    sha256: str
    pages: int
    marks: int
    at: datetime

    @staticmethod
    def of(made: Stamping) -> StampingOut:
        """From the register."""
        return StampingOut(
            stamping_id=made.stamping_id,
            seal_id=made.seal_id,
            purpose=made.case.purpose,
            case_no=made.case.case_no,
            matter_code=made.case.matter_code,
            operator=made.operator,
            approval_id=made.case.approval_id,
            represented_by=made.case.represented_by,
            sha256_before=made.sha256_before,
            sha256=made.sha256,
            pages=made.pages,
            marks=made.marks,
            at=made.at,
        )


class ItemOut(Model):
    """One file of a batch."""

    number: int
    file_name: str
    state: str
    state_zh: str
    stamping_id: str
    code: str = Field(description="未盖章的原因；等待中的为正在等什么")
    detail: str
    may_retry: bool = Field(description="可以重新办理（retries）")

    @staticmethod
    def of(item: BatchItem) -> ItemOut:
        """From the row."""
        return ItemOut(
            number=item.number,
            file_name=item.file_name,
            state=item.state.value,
            state_zh=ITEM_STATE_ZH[item.state],
            stamping_id=item.stamping_id,
            code=item.code,
            detail=item.detail,
            may_retry=item.state is ItemState.REFUSED and item.upload != "",
        )


class BatchOut(Model):
    """A batch and how far it is."""

    batch_id: str
    seal_id: str
    total: int
    done: int = Field(description="已办完的份数，盖章与未盖章合计")
    stamped: int
    refused: int
    items: list[ItemOut]

    @staticmethod
    def of(batch: StampBatch, items: list[BatchItem]) -> BatchOut:
        """From the rows."""
        stamped = sum(item.state is ItemState.DONE for item in items)
        refused = sum(item.state is ItemState.REFUSED for item in items)
        return BatchOut(
            batch_id=batch.batch_id,
            seal_id=batch.seal_id,
            total=batch.total,
            done=stamped + refused,
            stamped=stamped,
            refused=refused,
            items=[ItemOut.of(item) for item in items],
        )
