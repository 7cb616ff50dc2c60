"""One-time codes: six digits to the person's own device, for one step, one document, one signer, five minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.evidence.record import record
from certsvc.commands.signers.one_time import (
    CODE_LIFE,
    REFUSED_ZH,
    USED_ZH,
    SentCode,
    code_message,
    new_digits,
    take_turn,
)
from certsvc.commands.signings.read import own_step
from certsvc.commands.signings.turn import check_turn, signing_key_of
from certsvc.errors import CodeRefused
from certsvc.seal.signer import OneTimeCode

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal


def send_code(deps: Deps, caller: Principal, round_id: str, document_sha256: str) -> SentCode:
    """Send a fresh code for the document the person is looking at; earlier ones die.

    Raises:
        NotFound: not the caller's round.
        Conflict: not the caller's turn, or the document is another one now.
        SignerUnavailable: no e-signature that could sign.
        RateLimited: too many codes.
        Unavailable: there is no way to send one.
    """
    now = deps.clock.sure()
    digits = new_digits(deps)
    with deps.uow() as tx:
        signing, step = own_step(tx, deps, caller, round_id)
        signer = signing_key_of(tx, deps, caller)
        check_turn(signing, step, document_sha256, now)
        take_turn(tx.signing_codes, step.step_id, now)
        code = OneTimeCode(
            code_id=deps.ids.new("otc"),
            round_id=round_id,
            step_id=step.step_id,
            signer_id=signer.signer_id,
            document_sha256=document_sha256,
            made_at=now,
            expires_at=now + CODE_LIFE,
        )
        tx.signing_codes.insert(code, digits)
        content = {"round_id": round_id, "step_id": step.step_id, "document_sha256": document_sha256}
        record(tx, deps, kind="signing.code_made", subject=round_id, actor=caller.subject, content=content, at=now)
    # Not the title, which may be personal: the first digits of the digest stand on the page too.
    deps.notifier.send(caller.subject, code_message(digits, f"文件 {document_sha256[:8]} 的签名确认"), now=now)
    return SentCode(expires_at=code.expires_at)


def check_code(deps: Deps, *, step_id: str, text: str, document_sha256: str, signer_id: str, now: datetime) -> str:
    """The id of the code, still unused; CodeRefused otherwise. The try is committed whatever comes of it."""
    with deps.uow() as tx:
        code_id = tx.signing_codes.check(
            step_id, text=text, document_sha256=document_sha256, signer_id=signer_id, now=now
        )
    if not code_id:
        raise CodeRefused(REFUSED_ZH)
    return code_id


def use_code(deps: Deps, code_id: str, now: datetime) -> None:
    """Use the code up; CodeRefused when another confirmation did so first."""
    with deps.uow() as tx:
        used = tx.signing_codes.use(code_id, now=now)
    if not used:
        raise CodeRefused(USED_ZH)
