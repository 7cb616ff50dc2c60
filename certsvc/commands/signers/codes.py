"""One-time codes for what a session alone must not do: apply for an e-signature, give it another PIN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.signers.identity import own_living, person_of
from certsvc.commands.signers.one_time import (
    CODE_LIFE,
    REFUSED_ZH,
    USED_ZH,
    SentCode,
    code_message,
    missing_code,
    new_digits,
    take_turn,
)
from certsvc.errors import CodeRefused, Conflict, SignerUnavailable
from certsvc.seal.signer import SIGNER_ACT_ZH, ActCode, SignerAct

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork

GET_ONE_ZH = "请先获取验证码（POST /v1/signers/codes），再填写手机收到的 6 位数字"
ALREADY_ZH = "您已有电子签名；如需重新申请，请先注销现有的电子签名"


def application_matter(caller: Principal) -> str:
    """What a code for an application is for."""
    return f"{SignerAct.APPLY.value}:{caller.subject}"


def pin_matter(signer_id: str) -> str:
    """What a code for another PIN is for."""
    return f"{SignerAct.PIN.value}:{signer_id}"


def send_signer_code(deps: Deps, caller: Principal, act: SignerAct) -> SentCode:
    """Send a fresh code for ``act`` to the person's own device; earlier ones die.

    Raises:
        Forbidden: no natural person with a verified document.
        Conflict: an application by who has an e-signature.
        SignerUnavailable: another PIN for who has none.
        RateLimited: too many codes.
        Unavailable: there is no way to send one.
    """
    roles.require(caller, roles.HOLDER)
    person_of(deps, caller)
    now, digits = deps.clock.sure(), new_digits(deps)
    with deps.uow() as tx:
        matter = _matter(tx, caller, act)
        take_turn(tx.signer_codes, matter, now)
        code = ActCode(code_id=deps.ids.new("otc"), matter=matter, made_at=now, expires_at=now + CODE_LIFE)
        tx.signer_codes.insert(code, digits)
        content = {"act": act.value}
        record(tx, deps, kind="signer.code_made", subject=matter, actor=caller.subject, content=content, at=now)
    deps.notifier.send(caller.subject, code_message(digits, SIGNER_ACT_ZH[act]), now=now)
    return SentCode(expires_at=code.expires_at)


def check_signer_code(deps: Deps, matter: str, text: str, now: datetime) -> str:
    """The id of the code, still unused. The try is committed whatever comes of it.

    Raises:
        InvalidInput: none was sent along.
        CodeRefused: not the newest one for this matter, or too old.
    """
    if not text:
        raise missing_code(GET_ONE_ZH)
    with deps.uow() as tx:
        code_id = tx.signer_codes.check(matter, text=text, now=now)
    if not code_id:
        raise CodeRefused(REFUSED_ZH)
    return code_id


def use_signer_code(tx: UnitOfWork, code_id: str, now: datetime) -> None:
    """Use the code up in the transaction of what it allows; CodeRefused when another did so first."""
    if not tx.signer_codes.use(code_id, now=now):
        raise CodeRefused(USED_ZH)


def _matter(tx: UnitOfWork, caller: Principal, act: SignerAct) -> str:
    living = own_living(tx, caller)
    if act is SignerAct.APPLY:
        if living is not None:
            raise Conflict(ALREADY_ZH)
        return application_matter(caller)
    if living is None:
        raise SignerUnavailable("您还没有电子签名，请先申请")
    return pin_matter(living.signer_id)
