"""License types, jobs and fonts that the rendering tests share, made by hand: no catalog file is needed."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from certsvc.catalog.masks import apply_mask
from certsvc.catalog.model import (
    Box,
    FaceItem,
    FacePlan,
    FieldKind,
    HolderKind,
    LicenseType,
    NumberRule,
    Validity,
    ValidityKind,
)
from certsvc.catalog.numbers import first_number
from certsvc.catalog.validation import face_date
from certsvc.commands.page_ports import PageJob, SignatureField
from certsvc.rendering.page import PageRenderer
from certsvc.seal.model import StampSpec

if TYPE_CHECKING:
    from certsvc.catalog.loader import Catalog

FONT_DIR = Path(__file__).resolve().parents[2] / ".fonts"


@cache
def renderer() -> PageRenderer:
    """One renderer per test process: fonts are read once, as in production."""
    return PageRenderer([FONT_DIR])


def item(
    label: str, source: str, y: float, h: float = 9.0, *, x: float = 64.0, w: float = 118.0, **more: object
) -> FaceItem:
    """One line of a face."""
    base = FaceItem(
        label=label,
        source=source,
        box=Box(x=x, y=y, w=w, h=h),
        label_x=27.0 if x < 100 else x - 34,
        label_w=32.0,
        size=14.0,
        min_size=7.0,
        font="song",
        align="left",
    )
    return replace(base, **more)  # type: ignore[arg-type]  # test tables name the fields they change


PORTRAIT = FacePlan(
    title="食品经营许可证",
    subtitle="",
    orientation="portrait",
    style="classic",
    accent="#1f5fa8",
    items=(
        item("", "number", 52.0, 6.0, x=25.0, w=160.0, size=11.0, align="centre"),
        item("经营者名称", "holder_name", 66.0),
        item("统一社会信用代码", "holder_code", 77.0),
        item("法定代表人", "field:legal_person", 88.0),
        item("住所", "field:domicile", 99.0),
        item("经营场所", "field:premises", 110.0, 12.0),
        item("主体业态", "field:business_form", 124.0),
        item("经营项目", "field:business_scope", 135.0, 34.0),
        item("有效期限", "validity", 171.0),
        item("证照标识", "identifier", 182.0, 9.0, size=10.0),
    ),
    photo=Box(x=160.0, y=64.0, w=26.0, h=32.0),
    code=Box(x=27.0, y=205.0, w=32.0, h=32.0),
    stamp=Box(x=135.0, y=206.0, w=42.0, h=42.0),
    issuer=Box(x=112.0, y=214.0, w=76.0, h=8.0),
    date=Box(x=112.0, y=226.0, w=76.0, h=8.0),
    notes=(
        "本证仅供测试。",
        "持证人应当在经营场所的显著位置公示本证，并接受监督检查。扫描二维码可核验本证的当前状态。",
    ),
)

LANDSCAPE = FacePlan(
    title="出版物经营许可证",
    subtitle="（副本）",
    orientation="landscape",
    style="classic",
    accent="#8a1c1c",
    items=(
        item("单位名称", "holder_name", 62.0, w=120.0),
        item("法定代表人", "field:legal_person", 74.0, w=120.0),
        item("经营范围", "field:business_scope", 86.0, 30.0, w=206.0),
        item("证照编号", "number", 120.0, w=120.0),
        item("有效期限", "validity", 132.0, w=120.0),
    ),
    photo=None,
    code=Box(x=27.0, y=150.0, w=30.0, h=30.0),
    stamp=Box(x=211.0, y=143.0, w=42.0, h=42.0),
    issuer=Box(x=190.0, y=152.0, w=84.0, h=8.0),
    date=Box(x=190.0, y=164.0, w=84.0, h=8.0),
    notes=("本证仅供测试。",),
)


def license_type(face: FacePlan = PORTRAIT) -> LicenseType:
    """A type around ``face``."""
    return LicenseType(
        slug="food_business",
        type_code="999900000000000000001",
        name=face.title,
        domain="市场监管",
        definer_code="",
        definer_name="示例省市场监督管理局",
        holder_kind=HolderKind.ORGANISATION,
        holder_code_types=("001",),
        issuers=(),
        photo=face.photo is not None,
        fields=(),
        holder_masks={},
        holder_code_masks={},
        scenes=(),
        matters=(),
        validity=Validity(kind=ValidityKind.YEARS, years=5, reminder_days=30),
        number=NumberRule(pattern="", check="", given=True),
        number_embeds_id=False,
        signature_plan=(),
        face=face,
        retention_years=10,
        digest="",
    )


VALUES = {
    "holder_name": "示例市青禾餐饮管理有限公司",
    "holder_code": "91990000MA00000X0X",
    "number": "JY29900000000001",
    "identifier": "1.2.156.3005.2.999900000000000000001.11990000000000001X.JY29900000000001.001.A",
    "validity": "2026年1月1日至2030年12月31日",
    "field:legal_person": "阿依古丽·买买提",
    "field:domicile": "示例省示例市示例区青年路1号示例大厦3层301室",
    "field:premises": "示例省示例市示例区青年路1号示例大厦首层东侧商铺101、102、103室及地下一层库房",
    "field:business_form": "餐饮服务经营者（单位食堂）",
    "field:business_scope": "热食类食品制售，冷食类食品制售（含冷加工糕点），生食类食品制售，糕点类食品制售，"
    "自制饮品制售（不含自酿酒）；预包装食品（含冷藏冷冻食品）销售，散装食品（不含散装熟食）销售，保健食品销售。",
}

METADATA = {
    "certificateIdentifier": VALUES["identifier"],
    "certificateName": "食品经营许可证",
    "certificateNumber": VALUES["number"],
    "certificateHolderName": VALUES["holder_name"],
    "certificateIssuedDate": "20260101",
    "KZ_JYXM": '热食类食品制售 <&> "x" 𠮷',
}


@cache
def silhouette(width: int = 600, height: int = 740) -> bytes:
    """A drawn head and shoulders as PNG: never a real face."""
    picture = Image.new("RGB", (width, height), (196, 214, 232))
    draw = ImageDraw.Draw(picture)
    grey, cx = (92, 106, 122), width / 2
    draw.ellipse((cx - width * 0.18, height * 0.18, cx + width * 0.18, height * 0.52), fill=grey)
    draw.ellipse((cx - width * 0.40, height * 0.58, cx + width * 0.40, height * 1.30), fill=grey)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


SIGNATURE = SignatureField(
    name="IssuerSeal",
    sub_filter="ETSI.CAdES.detached",
    reason="签发电子证照",
    location="示例省示例市",
    signed_at=datetime(2026, 1, 1, 1, 2, 3, tzinfo=UTC),
    docmdp=1,
    reserved_bytes=4096,
)


def job(face: FacePlan = PORTRAIT, **changes: object) -> PageJob:
    """A page of ``face``; ``changes`` replace attributes of the job."""
    base = PageJob(
        license_type=license_type(face),
        values=VALUES,
        photo=renderer().normalise_photo(silhouette()) if face.photo else None,
        printed_code="https://zz.gov.cn.example/q/AAECAwQFBgcICQoLDA0ODw",
        issuer_name="示例省示例市市场监督管理局",
        issued_on=date(2026, 1, 1),
        metadata=METADATA,
        stamp=StampSpec(ring_text="示例省示例市市场监督管理局", second_line="行政审批专用章", number="(3)"),
        signature=SIGNATURE,
        sandbox=True,
        document_id=bytes(range(16)),
    )
    return replace(base, **changes)  # type: ignore[arg-type]  # test tables name the fields they change


def sample_job(catalog: Catalog, slug: str) -> PageJob:
    """The page of a type's own sample with all that its face shows, and a seal of 45 mm in its issuer's name."""
    kind, sample = catalog.type(slug), catalog.sample(slug)
    issuer = catalog.authority(sample["issuer_code"]).name
    issued = sample["issued_on"] or "2026-01-01"
    start, end = sample["valid_from"] or issued, sample["valid_until"]
    until = face_date(end) if end else "长期"
    number = sample["number"] or first_number(
        kind, sample["data"], region=sample["region"], year=date.fromisoformat(issued).year
    )
    identifier = f"1.2.156.3005.2.{kind.type_code}.{sample['issuer_code']}.20260101000001.001.2"
    values = {
        "holder_name": apply_mask(kind.holder_masks.get("face"), sample["holder_name"]),
        "holder_code": apply_mask(kind.holder_code_masks.get("face"), sample["holder_code"]),
        "number": number,
        "identifier": identifier,
        "issuer_name": issuer,
        "issued_on": face_date(issued),
        "first_issued_on": face_date(issued),
        "valid_from": face_date(start),
        "valid_until": until,
        "validity": f"{face_date(start)}至{until}" if end else until,
    }
    for spec in kind.fields:
        text = sample["data"].get(spec.key, "")
        if text and spec.kind is FieldKind.DATE:
            text = face_date(text)
        values[f"field:{spec.key}"] = apply_mask(spec.mask("face"), text)
    return job(
        kind.face,
        license_type=kind,
        values=values,
        photo=renderer().normalise_photo(silhouette()) if kind.photo else None,
        issuer_name=issuer,
        issued_on=date.fromisoformat(issued),
        metadata={**METADATA, "certificateIdentifier": identifier, "certificateName": kind.name},
        stamp=StampSpec(ring_text=issuer, diameter_mm=45.0, second_line="电子证照专用章"),
    )
