"""What a seal is asked to be used for, and whether its scope and rules allow that."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.seal.model import SEAL_STATE_ZH, SealState

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.seal.model import Seal


@dataclass(frozen=True, kw_only=True, slots=True)
class SealUse:
    """What one use of a seal is about; an empty text means that the use is not about one.

    Attributes:
        type_slug: license type of the document, or empty for a document that is no license.
        matter_code: 事项编码 of the matter the document belongs to, or empty.
        region: GB/T 2260 code of the region the document is for, or empty.
        operator: subject of the person who asked for this use, or empty for the service itself.
        manual: whether a person asked for this one use by hand (人工用印), and not the automatic issue spine.
        approval_id: the approval that allows this manual use, or empty.
        represented_by: id of the 首席代表 appointment in whose name the use is made, or empty.
        content_digest: hex SHA-256 of what was shown to those who approve, where it is not what the key signs (which
            holds the time of signing), or empty.
        backfill: one of many that people approved together (存量, bulk renewals): counted against the budget, and
            neither a sign of odd use nor the measure of it.
    """

    type_slug: str = ""
    matter_code: str = ""
    region: str = ""
    operator: str = ""
    manual: bool = False
    approval_id: str = ""
    represented_by: str = ""
    content_digest: str = ""
    backfill: bool = False


class Against(StrEnum):
    """What speaks against a use."""

    UNKNOWN = "unknown"
    STATE = "state"
    PERIOD = "period"
    REPLACED = "replaced"
    TYPE = "type"
    MATTER = "matter"
    REGION = "region"
    HOURS = "hours"
    KEEPER = "keeper"
    APPROVAL = "approval"
    BUDGET = "budget"
    RATE = "rate"


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why a use is refused: the rule, and a sentence that says what to do."""

    against: Against
    detail: str


def refusal_of(seal: Seal, use: SealUse, now: datetime, *, key_id: str, type_name: str) -> Refusal | None:
    """What speaks against this use as far as the seal itself tells, or None; counts and approvals are asked elsewhere.

    Args:
        seal: as it stands in this moment.
        use: what is asked.
        now: the moment of the use.
        key_id: the key that the caller is about to use; another one when the seal was re-made meanwhile.
        type_name: name of the license type for the sentence.
    """
    return _standing(seal, now, key_id) or _outside(seal, use, type_name) or _manner(seal, use, now)


def _standing(seal: Seal, now: datetime, key_id: str) -> Refusal | None:
    if seal.state is not SealState.ACTIVE:
        state = SEAL_STATE_ZH[seal.state]
        return Refusal(against=Against.STATE, detail=f"印章“{seal.name}”当前状态为“{state}”，不能用印；请联系保管人")
    if not seal.valid_from <= now < seal.valid_until:
        return Refusal(against=Against.PERIOD, detail=f"印章“{seal.name}”不在有效期内，请重新制作印章")
    if seal.key_id != key_id:
        return Refusal(against=Against.REPLACED, detail=f"印章“{seal.name}”刚刚换制，请重试")
    return None


def _outside(seal: Seal, use: SealUse, type_name: str) -> Refusal | None:
    scope = f"印章“{seal.name}”的使用范围不含"
    if seal.scope_types and use.type_slug not in seal.scope_types:
        return Refusal(against=Against.TYPE, detail=f"{scope}“{type_name}”")
    if not seal.rules.allows_matter(use.matter_code):
        said = f"事项 {use.matter_code}" if use.matter_code else "未注明事项的文件"
        return Refusal(against=Against.MATTER, detail=f"{scope}{said}，请核对事项编码或申请变更范围")
    if not seal.rules.allows_region(use.region):
        said = f"区划 {use.region}" if use.region else "未注明区划的文件"
        return Refusal(against=Against.REGION, detail=f"{scope}{said}，请由当地印章办理")
    return None


def _manner(seal: Seal, use: SealUse, now: datetime) -> Refusal | None:
    hours = seal.rules.hours
    if hours is not None and not hours.cover(now):
        return Refusal(against=Against.HOURS, detail=f"印章“{seal.name}”只在 {hours.zh} 使用，请在时段内办理")
    if use.manual and not use.represented_by and not seal.rules.kept_by(use.operator):
        return Refusal(against=Against.KEEPER, detail=f"印章“{seal.name}”只能由其保管人使用，请联系保管人")
    return None
