"""Why a request waits, in words, and what an operator does about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

WAITS = "waits"
"""Accepted, and no worker has taken it for long."""


class Step(StrEnum):
    """What is to be done next about a request that does not go on."""

    RETRY = "retry"
    """原因排除后重试."""
    CLEAR_UP = "clear_up"
    """先查明，重试不受理."""
    START = "start"
    """已受理未开始：看制证进程，不用重试."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Why:
    """One reason: what it is and the next step, in Chinese and English, and whether trying again may help."""

    zh: str
    en: str
    next_zh: str
    next_en: str
    retry: bool = True


_MEND = "处理后点“重试”；不重试的，系统也会按间隔自动再试。"
_MEND_EN = "Then retry; the service also tries again by itself."

REASONS: Mapping[str, Why] = {
    WAITS: Why(
        zh="已受理，迟迟没有开始办理",
        en="Accepted, and not begun for long",
        next_zh="请确认制证进程（certsvc worker）在运行、数据库可写；存量导入期间，后台任务排在即时申请之后。",
        next_en="See that certsvc worker runs and the database takes writes; backfill waits behind live requests.",
        retry=False,
    ),
    "seal_unavailable": Why(
        zh="印章不可用（停用、到期、额度用完或密钥不可用）",
        en="The seal cannot be used",
        next_zh="请联系印章保管人恢复启用、换制或调整额度。" + _MEND,
        next_en="Ask the keeper of the seal to resume, remake or raise its budget. " + _MEND_EN,
    ),
    "signer_unavailable": Why(
        zh="签名人的电子签名不可用",
        en="A signature cannot be made",
        next_zh="请联系签名人所在单位核实。" + _MEND,
        next_en="Ask the body of the signer. " + _MEND_EN,
    ),
    "unavailable": Why(
        zh="依赖的服务没有应答（存储、时间戳、密钥）",
        en="A service we rely on does not answer",
        next_zh="请看 /readyz 里是哪一项，恢复后再试。" + _MEND,
        next_en="See /readyz for which one. " + _MEND_EN,
    ),
    "clock_in_doubt": Why(
        zh="本机时钟存疑，暂停制证",
        en="The clock is in doubt",
        next_zh="请校准时钟，并按运行手册确认时间。" + _MEND,
        next_en="Set the clock and confirm it. " + _MEND_EN,
    ),
    "schema_behind": Why(
        zh="数据库尚未升级",
        en="The database is to be upgraded",
        next_zh="请先升级数据库，再启动制证进程。" + _MEND,
        next_en="Upgrade the database first. " + _MEND_EN,
    ),
    "worker_died": Why(
        zh="制证进程中断",
        en="A worker died",
        next_zh="请查看制证进程的日志和内存。" + _MEND,
        next_en="See the log and the memory of the workers. " + _MEND_EN,
    ),
    "too_many_attempts": Why(
        zh="多次尝试未成功，已停止自动制证",
        en="Tried too often; no longer tried by itself",
        next_zh="请按申请编号查看日志，原因排除后点“重试”：重新计次，立即再试。不重试的，不会再制证。",
        next_en="See the log under the request's id, mend the cause and retry: attempts count anew.",
    ),
    "unknown_license_type": Why(
        zh="目录中没有这个证照类型",
        en="The catalog has no such type",
        next_zh="请确认目录已发布、各进程用的是同一版目录。" + _MEND,
        next_en="See that the type is published and every process has it. " + _MEND_EN,
    ),
    "missing_glyph": Why(
        zh="字库缺字",
        en="No font has a character",
        next_zh="请补齐字库（见字体覆盖说明）。" + _MEND,
        next_en="Add the font. " + _MEND_EN,
    ),
    "configuration": Why(
        zh="配置有误",
        en="Bad configuration",
        next_zh="请按提示更正配置并重新启动。" + _MEND,
        next_en="Mend the settings and start again. " + _MEND_EN,
    ),
    "signing": Why(
        zh="签名没有完成",
        en="Signing failed",
        next_zh="请检查密钥设备和证书有效期。" + _MEND,
        next_en="Check the keys and their certificates. " + _MEND_EN,
    ),
    "no_timestamp": Why(
        zh="没有取得时间戳",
        en="No timestamp",
        next_zh="请检查时间戳服务地址、证书和网络。" + _MEND,
        next_en="Check the timestamping authorities. " + _MEND_EN,
    ),
    "integrity": Why(
        zh="文件或记录与登记不一致",
        en="Something differs from the register",
        next_zh="请停止重试，先运行 certsvc audit 查明，再决定。",
        next_en="Do not retry: run certsvc audit first.",
        retry=False,
    ),
}
_OTHER = Why(
    zh="内部错误",
    en="Internal error",
    next_zh="请按申请编号查看日志。" + _MEND,
    next_en="See the log under the request's id. " + _MEND_EN,
)


def step_of(code: str) -> Step:
    """What is to be done about requests that wait for this reason (:data:`WAITS` or the code of a failure)."""
    if code == WAITS:
        return Step.START
    return Step.RETRY if why_of(code).retry else Step.CLEAR_UP


def why_of(code: str) -> Why:
    """The words for a reason code; for one without its own, where to look."""
    return REASONS.get(code, _OTHER)
