"""What a person does with the own e-signature: 停用/恢复, another PIN, another handwriting, 注销."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.signers.codes import check_signer_code, pin_matter, use_signer_code
from certsvc.commands.signers.identity import own_signer
from certsvc.commands.signers.pin import pin_try
from certsvc.errors import SignerUnavailable
from certsvc.events.signing_payloads import SignerExpired, SignerResumed, SignerStopped, SignerWithdrawn
from certsvc.seal.pin import check_pin
from certsvc.seal.signer import SIGNER_STATE_ZH, RevocationReason, Signer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.payload import Payload

EXPIRE_AT_ONCE = 100


def stop_signer(deps: Deps, caller: Principal, signer_id: str) -> Signer:
    """停用: no PIN is asked, since this is what a person does in a hurry.

    Raises:
        NotFound: not the caller's.
        SignerUnavailable: not active.
    """
    return _set_stopped(deps, caller, signer_id, stopped=True)


def resume_signer(deps: Deps, caller: Principal, signer_id: str, pin: str) -> Signer:
    """恢复, with the PIN.

    Raises:
        NotFound, SignerUnavailable: as in :func:`stop_signer`.
        PinRefused: wrong or locked.
    """
    roles.require(caller, roles.HOLDER)
    with deps.uow.read() as tx:
        signer = own_signer(tx, caller, signer_id)
    with ExitStack() as stack, pin_try(deps, signer):
        stack.enter_context(deps.person_keys.open(signer, pin))
    return _set_stopped(deps, caller, signer_id, stopped=False)


def change_pin(deps: Deps, caller: Principal, signer_id: str, pin: str, new_pin: str, *, code: str) -> Signer:
    """Wrap the key under another PIN; ``code`` was sent to the person's own device.

    Raises:
        NotFound: not the caller's.
        InvalidInput: a weak new PIN, or no code.
        CodeRefused: another code; no try of the PIN is taken.
        PinRefused: the present one is wrong or locked.
        SignerUnavailable: ended, or its key was wrapped anew meanwhile.
    """
    roles.require(caller, roles.HOLDER)
    with deps.uow.read() as tx:
        signer = own_signer(tx, caller, signer_id)
    check_pin(new_pin, holder_code=signer.holder_code, pointer="/new_pin")
    now = deps.clock.now()
    code_id = check_signer_code(deps, pin_matter(signer_id), code, now)
    with pin_try(deps, signer):
        wrapped = deps.person_keys.rewrap(signer, pin, new_pin)
    with deps.uow() as tx:
        use_signer_code(tx, code_id, now)
        if not tx.signers.rewrap(signer_id, old=signer.wrapped_key, new=wrapped):
            raise SignerUnavailable("电子签名已注销，或 PIN 刚被修改过，请刷新后再试")
        record(
            tx,
            deps,
            kind="signer.pin_changed",
            subject=signer_id,
            actor=caller.subject,
            content={},
            at=now,
        )
        return own_signer(tx, caller, signer_id)


def change_handwriting(deps: Deps, caller: Principal, signer_id: str, picture: bytes) -> Signer:
    """Another picture of the handwriting; what was signed before keeps its own.

    Raises:
        NotFound: not the caller's.
        InvalidInput, TooLarge: no usable picture.
        SignerUnavailable: the signer has ended.
    """
    roles.require(caller, roles.HOLDER)
    with deps.uow.read() as tx:
        signer = own_signer(tx, caller, signer_id)
    normalised = deps.signing_pages.normalise_handwriting(picture)
    with deps.uow() as tx:
        if not tx.signers.set_handwriting(signer_id, normalised):
            raise _unavailable(signer)
        record(
            tx,
            deps,
            kind="signer.handwriting_changed",
            subject=signer_id,
            actor=caller.subject,
            content={},
            at=deps.clock.now(),
        )
        return own_signer(tx, caller, signer_id)


def own_handwriting(deps: Deps, caller: Principal, signer_id: str) -> bytes:
    """The PNG of the caller's handwriting; NotFound for anybody else's."""
    roles.require(caller, roles.HOLDER)
    with deps.uow.read() as tx:
        return own_signer(tx, caller, signer_id).handwriting


def withdraw_signer(deps: Deps, caller: Principal, signer_id: str, reason: RevocationReason) -> Signer:
    """注销: the wrapped key is destroyed and the certificate revoked, in one transaction.

    No PIN is asked: who forgot it must be able to withdraw too. What was signed before stays good: its time stands in
    the register of rounds, which the verdict cites.

    Raises:
        NotFound: not the caller's.
        SignerUnavailable: it has ended already.
    """
    roles.require(caller, roles.HOLDER)
    now = deps.clock.now()
    with deps.uow() as tx:
        signer = own_signer(tx, caller, signer_id)
        if not tx.signers.withdraw(signer_id, reason=reason.value, now=now):
            raise _unavailable(signer)
        certificate = signer.certificate
        payload = SignerWithdrawn(
            signer_id=signer_id,
            issuer_key_id=certificate.issuer_key_id if certificate else "",
            serial=certificate.serial if certificate else "",
            reason=reason.value,
        )
        _tell(tx, deps, payload, signer_id, caller.subject, {"reason": reason.value}, now)
        return own_signer(tx, caller, signer_id)


def expire_signers(deps: Deps) -> int:
    """Mark the signers whose certificate has ended and destroy their keys; how many."""
    now = deps.clock.now()
    done = 0
    with deps.uow() as tx:
        for signer_id in tx.signers.ended_by(now, limit=EXPIRE_AT_ONCE):
            if tx.signers.expire(signer_id, now=now):
                _tell(tx, deps, SignerExpired(signer_id=signer_id), signer_id, "certsvc", {}, now)
                done += 1
    return done


def _set_stopped(deps: Deps, caller: Principal, signer_id: str, *, stopped: bool) -> Signer:
    roles.require(caller, roles.HOLDER)
    now = deps.clock.now()
    with deps.uow() as tx:
        signer = own_signer(tx, caller, signer_id)
        if not tx.signers.set_stopped(signer_id, stopped=stopped):
            raise _unavailable(signer)
        payload: Payload = SignerStopped(signer_id=signer_id) if stopped else SignerResumed(signer_id=signer_id)
        _tell(tx, deps, payload, signer_id, caller.subject, {}, now)
        return own_signer(tx, caller, signer_id)


def _tell(
    tx: UnitOfWork,
    deps: Deps,
    payload: Payload,
    signer_id: str,
    actor: str,
    content: Mapping[str, object],
    now: datetime,
) -> None:
    """Event and evidence of one move, in its transaction."""
    event_id, source = deps.ids.new("evt"), deps.policy.event_source
    tx.outbox.add(payload.event(event_id=event_id, source=source, subject=signer_id, at=now))
    kind = payload.NAME.removesuffix(".v1")
    record(tx, deps, kind=kind, subject=signer_id, actor=actor, content=content, at=now)


def _unavailable(signer: Signer) -> SignerUnavailable:
    return SignerUnavailable(f"电子签名当前状态为“{SIGNER_STATE_ZH[signer.state]}”，不能办理")
