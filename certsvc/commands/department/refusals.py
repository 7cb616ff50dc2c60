"""Why uses were refused, in words, and what a department does about it."""

from __future__ import annotations

from dataclasses import dataclass

from certsvc.license.uses import (
    BEYOND_POLICY,
    CONSENT_ONLY,
    CONSENT_OVER,
    NO_BASIS,
    NO_POLICY,
    NOT_IN_FORCE,
    NOT_WITHHELD,
    QUOTA_USED_UP,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusalWords:
    """What a reason is called, and the next step."""

    title: str
    title_en: str
    next: str
    next_en: str


_WORDS: dict[str, tuple[str, str, str, str]] = {
    NO_BASIS: (
        "无合法用证依据",
        "No lawful basis",
        "核对授权码或申请编号、事项、办件和经办人；授权须由本系统为这一办件取得",
        "Check code or request, matter, case and operator; the consent must be this system's, for this case",
    ),
    NO_POLICY: (
        "没有开通用证策略",
        "No policy is open",
        "核对事项编码和依据；确需使用的，由用证管理员申请开通",
        "Check matter and basis; ask for a policy if it is needed",
    ),
    BEYOND_POLICY: (
        "超出用证范围",
        "Beyond policy or consent",
        "只要策略和授权列明的信息项、核验项；不够的，申请扩大策略或请持证人重新授权",
        "Ask for what policy and consent list; else ask for a wider one",
    ),
    CONSENT_ONLY: (
        "只能凭持证人授权用证",
        "On the holder's consent only",
        "本单位不能依职能用证：请持证人出示用证码，或在其账号确认后再取",
        "This body never asks on duty: let the holder give a code, or confirm a request",
    ),
    CONSENT_OVER: (
        "授权已用、已收回或已到期",
        "The consent is used, withdrawn or over",
        "请持证人重新授权",
        "Let the holder grant anew",
    ),
    QUOTA_USED_UP: (
        "当日用量已满",
        "The quota of the day is used up",
        "明日再办，或由用证管理员申请提高每日用量",
        "Come again tomorrow, or ask for a higher quota",
    ),
    NOT_IN_FORCE: (
        "证照不在有效状态",
        "The license is not in force",
        "不提供加注件；可只取信息项核对状态",
        "No copy is given; fetch fields to see how it stands",
    ),
    NOT_WITHHELD: (
        "暂缓告知未获批准",
        "Telling later was not approved",
        "核对批准编号、事项、办件和期限；没有批准的，先由本单位另一人批准，或不填写",
        "Check number, matter, case and end; have it approved, or leave it out",
    ),
    "operator_unknown": (
        "经办人未登记",
        "Operator not registered",
        "在“经办人”里登记，或核对系统上报的账号",
        "Register the person, or check the account that the system names",
    ),
    "not_found": (
        "未查到证照",
        "No such license",
        "核对证件类型和号码；确有证照的，到综合窗口提交缺证反馈",
        "Check the holder's code; report a missing license at a counter",
    ),
    "rate_limited": (
        "次数过多",
        "Too often",
        "同一证照或同一人当日已问满，明日再问；成批的改用免申即享",
        "Ask again tomorrow; ask for many at once as a cohort",
    ),
    "invalid_input": (
        "填写有误",
        "Invalid input",
        "请系统承建方按接口说明改正",
        "Have the system corrected as the interface says",
    ),
    "unknown_license_type": (
        "证照类型不存在",
        "Unknown license type",
        "按证照目录核对类型",
        "Check the type in the catalog",
    ),
    "conflict": (
        "证照刚有变化",
        "The license just changed",
        "重新调用一次",
        "Call again",
    ),
    "seal_unavailable": (
        "加注件印章不可用",
        "Seal not available",
        "请联系系统管理员检查共享专用章",
        "Ask the operator to look at the seal",
    ),
}
_SERVICE = (
    "服务内部原因",
    "A fault of the service",
    "稍后重试；仍不成功的，把时间和办件编号告诉系统管理员",
    "Try again later; then tell the operator time and case number",
)


def words_of(code: str) -> RefusalWords:
    """The words of a reason code; those of a fault of the service for any other."""
    title, title_en, following, following_en = _WORDS.get(code, _SERVICE)
    return RefusalWords(title=title, title_en=title_en, next=following, next_en=following_en)
