"""One-time codes: six digits to the person's own device, five minutes, a few in an hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from certsvc.errors import FieldProblem, InvalidInput, RateLimited
from certsvc.seal.signer import CODE_DIGITS

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps
    from certsvc.commands.signer_ports import Codes

CODE_LIFE = timedelta(minutes=5)

CODES_PER_HOUR = 10
"""Codes for one matter in an hour: with five tries each, a guesser has 50 chances in a million; also no flood of
messages on a stranger's telephone."""

CODE_PAUSE = timedelta(seconds=30)
"""Between two codes for one matter."""

REFUSED_ZH = "验证码不正确、已使用或已过期，请核对，或重新获取"
USED_ZH = "验证码已使用，请重新获取"


@dataclass(frozen=True, kw_only=True, slots=True)
class SentCode:
    """That a code was sent, and until when it is accepted."""

    expires_at: datetime


def new_digits(deps: Deps) -> str:
    """The digits of a fresh code."""
    return f"{int.from_bytes(deps.ids.salt(), 'big') % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


def take_turn(codes: Codes, matter: str, now: datetime) -> None:
    """RateLimited unless another code may be made for ``matter`` now; the matter is held until the transaction ends."""
    if not codes.take_turn(matter, now=now, after=now - CODE_PAUSE):
        raise RateLimited(f"验证码刚刚发出，请 {CODE_PAUSE.seconds} 秒后再获取")
    if codes.made_since(matter, now - timedelta(hours=1)) >= CODES_PER_HOUR:
        raise RateLimited("验证码获取次数过多，请一小时后再试")


def missing_code(detail: str) -> InvalidInput:
    """The refusal of a request without a code; ``detail`` says how to get one."""
    return InvalidInput("缺少验证码", problems=(FieldProblem(pointer="/code", code="missing", detail=detail),))


def code_message(digits: str, purpose: str) -> str:
    """What the person's device shows; nothing personal, since a telephone on a table shows it to everybody."""
    minutes = int(CODE_LIFE.total_seconds()) // 60
    return f"签名验证码 {digits}，{minutes} 分钟内有效，仅用于{purpose}。请勿告诉他人；不是您本人操作的，请勿输入。"
