"""Nominal sizes of seals by rank and kind (国发〔1999〕25号 and the usage of seal makers: STANDARDS.md 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.errors import ConfigurationError
from certsvc.seal.model import StampSpec

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class SealSize:
    """Shape and outer size in mm.

    Attributes:
        emblem: whether the physical seal carries the state emblem; ours never does, its middle stays empty.
    """

    shape: str
    width: float
    height: float
    emblem: bool = False


SIZES: Mapping[str, SealSize] = {
    "国务院": SealSize("round", 60, 60, emblem=True),
    "省部级": SealSize("round", 50, 50, emblem=True),
    "正部级直属机构": SealSize("round", 50, 50),
    "副部级直属机构": SealSize("round", 45, 45),
    "部委管理的国家局": SealSize("round", 45, 45, emblem=True),
    "市县级政府": SealSize("round", 45, 45, emblem=True),
    "乡镇级政府": SealSize("round", 42, 42, emblem=True),
    "行政机关内设及直属单位": SealSize("round", 45, 45),
    "企事业单位及社会团体": SealSize("round", 42, 42),
    "合同专用章": SealSize("round", 38, 38),
    "财务专用章": SealSize("round", 38, 38),
    "财务方章": SealSize("square", 22, 22),
    "发票专用章": SealSize("oval", 40, 30),
    "椭圆印章": SealSize("oval", 45, 30),
    "法人名章": SealSize("square", 20, 20),
    "小法人名章": SealSize("square", 18, 18),
}
"""By rank or kind; sizes "up to" a value are given at that value."""


def sized_stamp(rank: str, text: str, *, second_line: str = "", number: str = "") -> StampSpec:
    """A stamp of the nominal size of ``rank``.

    Raises:
        ConfigurationError: a rank that is not in :data:`SIZES`.
    """
    size = SIZES.get(rank)
    if size is None:
        msg = f"印章级别“{rank}”不存在，可用：{'、'.join(SIZES)}"
        raise ConfigurationError(msg)
    if size.shape == "round":
        return StampSpec(
            ring_text=text, diameter_mm=size.width, star=not size.emblem, second_line=second_line, number=number
        )
    return StampSpec(
        ring_text=text,
        shape=size.shape,
        width_mm=size.width,
        height_mm=size.height,
        second_line=second_line,
        number=number,
    )
