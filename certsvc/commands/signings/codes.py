"""One-time codes: six digits to the person's own device, for one step, one document, one signer, five minutes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from certsvc.commands.evidence.record import record
from certsvc.commands.signings.read import own_step
from certsvc.commands.signings.turn import check_turn, signing_key_of
from certsvc.errors import CodeRefused, RateLimited
from certsvc.seal.signer import CODE_DIGITS, OneTimeCode

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps, Principal

CODE_LIFE = timedelta(minutes=5)

CODES_PER_HOUR = 10
"""Codes for one step in an hour: with five tries each, a guesser has 50 chances in a million; also no flood of
messages on a stranger's telephone."""

CODE_PAUSE = timedelta(seconds=30)
"""Between two codes for one step."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SentCode:
    """That a code was sent, and until when it is accepted."""

    expires_at: datetime


def send_code(deps: Deps, caller: Principal, round_id: str, document_sha256: str) -> SentCode:
    """Send a fresh code for the document the person is looking at; earlier ones die.

    Raises:
        NotFound: not the caller's round.
        Conflict: not the caller's turn, or the document is another one now.
        SignerUnavailable: no e-signature that could sign.
        RateLimited: too many codes.
        Unavailable: there is no way to send one.
    """
    now = deps.clock.now()
    text = f"{int.from_bytes(deps.ids.salt(), 'big') % 10**CODE_DIGITS:0{CODE_DIGITS}d}"
    with deps.uow() as tx:
        signing, step = own_step(tx, deps, caller, round_id)
        signer = signing_key_of(tx, deps, caller)
        check_turn(signing, step, document_sha256, now)
        if tx.signing_codes.made_since(step.step_id, now - CODE_PAUSE):
            raise RateLimited(f"验证码刚刚发出，请 {CODE_PAUSE.seconds} 秒后再获取")
        if tx.signing_codes.made_since(step.step_id, now - timedelta(hours=1)) >= CODES_PER_HOUR:
            raise RateLimited("验证码获取次数过多，请一小时后再试")
        code = OneTimeCode(
            code_id=deps.ids.new("otc"),
            round_id=round_id,
            step_id=step.step_id,
            signer_id=signer.signer_id,
            document_sha256=document_sha256,
            made_at=now,
            expires_at=now + CODE_LIFE,
        )
        tx.signing_codes.insert(code, text)
        content = {"round_id": round_id, "step_id": step.step_id, "document_sha256": document_sha256}
        record(tx, deps, kind="signing.code_made", subject=round_id, actor=caller.subject, content=content, at=now)
    # The title is not in the message: a telephone on a table shows it to everybody.
    minutes = int(CODE_LIFE.total_seconds()) // 60
    message = f"签名验证码 {text}，{minutes} 分钟内有效，仅用于文件 {document_sha256[:8]} 的签名确认。请勿告诉他人。"
    deps.notifier.send(caller.subject, message, now=now)
    return SentCode(expires_at=code.expires_at)


def check_code(deps: Deps, *, step_id: str, text: str, document_sha256: str, signer_id: str, now: datetime) -> str:
    """The id of the code, still unused; CodeRefused otherwise. The try is committed whatever comes of it."""
    with deps.uow() as tx:
        code_id = tx.signing_codes.check(
            step_id, text=text, document_sha256=document_sha256, signer_id=signer_id, now=now
        )
    if not code_id:
        raise CodeRefused("验证码不正确、已使用或已过期，请核对，或重新获取")
    return code_id


def use_code(deps: Deps, code_id: str, now: datetime) -> None:
    """Use the code up; CodeRefused when another confirmation did so first."""
    with deps.uow() as tx:
        used = tx.signing_codes.use(code_id, now=now)
    if not used:
        raise CodeRefused("验证码已使用，请重新获取")
