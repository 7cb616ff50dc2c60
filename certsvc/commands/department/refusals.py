"""Why uses were refused, in words, and what a department does about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusalWords:
    """What a reason is called, and the next step."""

    title: str
    title_en: str
    next: str
    next_en: str


_WORDS: dict[str, tuple[str, str, str, str]] = {
    "no_lawful_basis": (
        "无合法用证依据",
        "No lawful basis",
        "核对事项、依据和信息项；策略没有开通的先申请，授权已用或到期的请持证人重新授权",
        "Check matter, basis and fields; ask for a policy, or let the holder grant anew",
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
