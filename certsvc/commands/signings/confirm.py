"""A person confirms: the document that was looked at, the code, the PIN; then one signature and nothing else.

Order, each committed before the next: the document is claimed (one signature at a time) → the code is checked → a try
of the PIN is taken, the key opened → the code is used up → the use of the key is reserved (who, digest, round) → the
key signs → the result is answered → our own verifier passes the file → the file is stored and read back → step,
revision, event and evidence in one transaction. A crash at any arrow leaves a claim that runs out, and at most one
reservation without an answer, which is listed.
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog
from pydantic import BaseModel, ConfigDict, Field

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.ports import TrustChoice
from certsvc.commands.signers.one_time import missing_code
from certsvc.commands.signers.pin import pin_try
from certsvc.commands.signings.codes import check_code, use_code
from certsvc.commands.signings.completed import tell_completed
from certsvc.commands.signings.document import load_document, store_document
from certsvc.commands.signings.read import own_step, read_round
from certsvc.commands.signings.request import fields_of
from certsvc.commands.signings.turn import check_turn, signing_key_of
from certsvc.commands.signings.verdict import sound
from certsvc.errors import (
    CertsvcError,
    Conflict,
    SignerUnavailable,
    SigningError,
    Unavailable,
)
from certsvc.events.signing_payloads import SigningSigned
from certsvc.seal.model import ReservationResult
from certsvc.seal.signer import SignerUse
from certsvc.seal.signing_page import SignatureLook
from certsvc.seal.signing_round import Revision
from certsvc.seal.trust_list import SIGNED

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.signer_ports import OpenKey
    from certsvc.commands.signings.read import SeenRound
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.seal.prepared import PreparedPdf
    from certsvc.seal.signer import Signer
    from certsvc.seal.signing_round import SigningRound, Step

log = structlog.get_logger("certsvc.signings")

CLAIM_S = 120
"""How long one signature may take before another may begin: writing, signing and verifying take two seconds."""


CODE_ZH = "请先获取验证码，再填写手机收到的 6 位数字"
NEW_ZH = f"电子签名启用未满一天，每次签名都须输入验证码：{CODE_ZH}"


class ConfirmationBody(BaseModel):
    """确认签名：所看文件的摘要、PIN，以及验证码."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    document_sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="所看文件的 SHA-256")
    pin: str = Field(min_length=1, max_length=32)
    code: str = Field(default="", max_length=16, description="一次性验证码")


def confirm(deps: Deps, caller: Principal, round_id: str, body: ConfirmationBody) -> SeenRound:
    """Sign the document with the caller's key.

    Raises:
        NotFound: not the caller's round.
        Conflict: not the caller's turn, another document, or the round ended meanwhile.
        Unavailable: somebody else signs this document at this moment.
        InvalidInput: no code was sent along, and the round or the first day of the signer asks for one.
        CodeRefused, PinRefused, SignerUnavailable: as they say; nothing was signed.
        SigningError: the result did not pass our own verifier; nothing was registered.
    """
    roles.require(caller, roles.HOLDER)
    now = deps.clock.sure()
    with deps.uow.read() as tx:
        signing, step = own_step(tx, deps, caller, round_id)
        signer = signing_key_of(tx, deps, caller)
    check_turn(signing, step, body.document_sha256, now)
    if signer.name != step.name:
        raise Conflict("发起人填写的姓名与您实名登记的姓名不一致，请联系发起人更正后重新发起")
    if (signing.needs_code or signer.new_at(now)) and not body.code:
        raise missing_code(NEW_ZH if not signing.needs_code else CODE_ZH)
    token = deps.ids.token()
    with deps.uow() as tx:
        claimed = tx.signings.claim(round_id, token=token, now=now, lease_s=CLAIM_S)
    if not claimed:
        raise Unavailable("正有人在这份文件上签名，请几秒后再试")
    try:
        _sign(deps, caller, round_id, body, token)
    finally:
        with deps.uow() as tx:
            tx.signings.release(round_id, token=token)
    return read_round(deps, caller, round_id)


def _sign(deps: Deps, caller: Principal, round_id: str, body: ConfirmationBody, token: str) -> None:
    """Under the claim: nobody else changes the document."""
    now = deps.clock.sure()
    with deps.uow() as tx:
        signing, step = own_step(tx, deps, caller, round_id)
        signer = signing_key_of(tx, deps, caller)
        for left in tx.signers.abandon(round_id, now=now):
            _on_record(deps, tx, left, ReservationResult.UNKNOWN, now)
    check_turn(signing, step, body.document_sha256, now)
    code_id = ""
    if signing.needs_code or signer.new_at(now):
        code_id = check_code(
            deps,
            step_id=step.step_id,
            text=body.code,
            document_sha256=body.document_sha256,
            signer_id=signer.signer_id,
            now=now,
        )
    look = SignatureLook(name=signer.name, reason=step.reason, signed_at=now, handwriting=signer.handwriting)
    with ExitStack() as stack:
        with pin_try(deps, signer):
            key = stack.enter_context(deps.person_keys.open(signer, body.pin))
        if code_id:
            use_code(deps, code_id, now)
        head = load_document(deps, signing.head)
        prepared = deps.signing_pages.begin(
            head, fields_of(signing.steps, signing.seal), step.field_name, deps.person_keys.room(signer), look
        )
        data = _key_operation(deps, signing, step, signer, prepared, key, now)
    _own_verdict(deps, data, signing.round_id, now)
    # The revision is of the moment when its bytes exist, which is after the key operation.
    _register(deps, signing, step, signer, data, token, deps.clock.now())


def _key_operation(
    deps: Deps,
    signing: SigningRound,
    step: Step,
    signer: Signer,
    prepared: PreparedPdf,
    key: OpenKey,
    now: datetime,
) -> bytes:
    use = SignerUse(
        use_id=deps.ids.new("use"),
        signer_id=signer.signer_id,
        round_id=signing.round_id,
        step_id=step.step_id,
        digest=prepared.digest("sha256").hex(),
        reserved_at=now,
    )
    with deps.uow() as tx:
        if not tx.signers.reserve(use):
            raise SignerUnavailable("您的电子签名刚被停用、注销或已过期，没有签名")
    deps.faults.reach("signing.reserved")
    try:
        data = key.sign(prepared, signed_at=now)
    except CertsvcError:
        _answer(deps, use, ReservationResult.FAILED, "")
        raise
    deps.faults.reach("signing.signed")
    _answer(deps, use, ReservationResult.USED, hashlib.sha256(data).hexdigest())
    return data


def _answer(deps: Deps, use: SignerUse, result: ReservationResult, signature_sha256: str) -> None:
    now = deps.clock.now()
    with deps.uow() as tx:
        if not tx.signers.answer(use.use_id, result, signature_sha256=signature_sha256, now=now):
            msg = "a use of a person's key was answered twice"
            raise RuntimeError(msg)
        _on_record(deps, tx, use, result, now)


def _on_record(deps: Deps, tx: UnitOfWork, use: SignerUse, result: ReservationResult, now: datetime) -> None:
    content = {"use_id": use.use_id, "round_id": use.round_id, "step_id": use.step_id, "digest": use.digest}
    kind = f"signer.{result.value}"
    record(tx, deps, kind=kind, subject=use.signer_id, actor="certsvc", content=content, at=now)


def _own_verdict(deps: Deps, data: bytes, round_id: str, now: datetime) -> None:
    """Every signature of the new revision must pass before anybody gets it."""
    findings = deps.inspector.inspect(data, TrustChoice(at=now, uses=SIGNED), now)
    if not sound(findings):
        reason = findings.reason.value
        log.error("own verifier refused", action="signing.self_check", round_id=round_id, reason=reason)
        raise SigningError("签名后的文件未通过自检，没有登记；请联系运维")


def _register(
    deps: Deps, signing: SigningRound, step: Step, signer: Signer, data: bytes, token: str, now: datetime
) -> None:
    digest = store_document(deps, data)
    deps.faults.reach("signing.stored")
    revision = Revision(number=signing.head.number + 1, sha256=digest, step_id=step.step_id, at=now)
    left = sum(1 for other in signing.steps if other.signed_at is None) - 1
    with deps.uow() as tx:
        registered = tx.signings.sign(
            signing.round_id,
            token=token,
            revision=revision,
            signer_id=signer.signer_id,
            signature_sha256=digest,
        )
        if not registered:
            raise Conflict("签署在您确认的同时已终止，您的签名没有登记")
        payload = SigningSigned(
            round_id=signing.round_id,
            step_id=step.step_id,
            signer_id=signer.signer_id,
            sha256=digest,
            left_to_sign=left,
        )
        event_id, source = deps.ids.new("evt"), deps.policy.event_source
        tx.outbox.add(payload.event(event_id=event_id, source=source, subject=signing.round_id, at=now))
        content = {"step_id": step.step_id, "signer_id": signer.signer_id, "sha256": digest}
        record(
            tx,
            deps,
            kind="signing.signed",
            subject=signing.round_id,
            actor=signer.subject,
            content=content,
            at=now,
        )
        if left == 0 and signing.seal is None:
            tell_completed(tx, deps, replace(signing, revisions=(*signing.revisions, revision)), now)
