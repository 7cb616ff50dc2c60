"""A person applies for an e-signature: identity from the verified sign-in, agreement, PIN, handwriting, one-time code.

A session alone is not enough: who found one open would otherwise end the person's e-signature and make another.

The service makes the key and wraps it under the PIN. Where it issues certificates itself (sandbox) the signer is active
at once; otherwise its request waits for an external CA (电子认证服务机构).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.signers.agreement import VERSION
from certsvc.commands.signers.codes import ALREADY_ZH, application_matter, check_signer_code, use_signer_code
from certsvc.commands.signers.identity import own_living, person_of
from certsvc.errors import Conflict, FieldProblem, InvalidInput, NotFound
from certsvc.events.signing_payloads import SignerIssued
from certsvc.seal.pin import check_pin
from certsvc.seal.signer import Signer, SignerCertificate, SignerState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork

MAX_SIGNERS_SHOWN = 20
WAITING_AT_ONCE = 500


class ApplicationBody(BaseModel):
    """申请电子签名."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    agreement: str = Field(max_length=32, description="已阅读并同意的协议版本")
    pin: str = Field(min_length=1, max_length=32, description="6 至 12 位数字")
    handwriting: str = Field(max_length=700_000, description="手写签名图样，PNG 或 JPEG 的 Base64")
    code: str = Field(default="", max_length=16, description="验证码，先以 POST /v1/signers/codes 获取（act=apply）")


def apply_for_signer(deps: Deps, caller: Principal, body: ApplicationBody, handwriting: bytes) -> Signer:
    """Make a signer for the person who is signed in.

    Raises:
        Forbidden: an organisation, or a sign-in without a verified identity.
        InvalidInput: another agreement, a weak PIN, a picture that is none, no code.
        CodeRefused: not the code that was sent to the person's own device.
        Conflict: the person has an e-signature already.
    """
    roles.require(caller, roles.HOLDER)
    person = person_of(deps, caller)
    if body.agreement != VERSION:
        problem = FieldProblem(pointer="/agreement", code="agreement", detail="协议已更新，请重新阅读并同意")
        raise InvalidInput("协议版本不一致", problems=(problem,))
    check_pin(body.pin, holder_code=person.holder_code)
    picture = deps.signing_pages.normalise_handwriting(handwriting)
    missing = deps.renderer.check_glyphs(person.name)
    if missing:
        raise InvalidInput(f"姓名中的字符“{'、'.join(missing)}”没有可用的字形，请联系运维补充字库后再申请")
    with deps.uow.read() as tx:
        if own_living(tx, caller) is not None:
            raise _already()
    now = deps.clock.now()
    code_id = check_signer_code(deps, application_matter(caller), body.code, now)
    signer_id = deps.ids.new("sgn")
    made = deps.person_keys.make(signer_id, person.name, body.pin, now=now)
    signer = Signer(
        signer_id=signer_id,
        subject=caller.subject,
        name=person.name,
        holder_code=person.holder_code,
        holder_code_type=person.holder_code_type,
        state=SignerState.ACTIVE if made.certificate else SignerState.APPLIED,
        agreement=body.agreement,
        algorithm=deps.person_keys.algorithm,
        wrapped_key=made.wrapped,
        pin_tries=0,
        csr=made.csr,
        certificate=made.certificate,
        handwriting=picture,
        applied_at=now,
    )
    with deps.uow() as tx:
        use_signer_code(tx, code_id, now)
        if not tx.signers.insert(signer):
            raise _already()
        content = {"agreement": body.agreement, "algorithm": signer.algorithm, "verified_by": person.verified_by}
        record(tx, deps, kind="signer.applied", subject=signer_id, actor=caller.subject, content=content, at=now)
        if made.certificate:
            _on_issue(tx, deps, signer, made.certificate, now)
    return signer


def accept_certificate(deps: Deps, signer_id: str, answer: bytes, *, actor: str) -> Signer:
    """Put the certificate of an external CA to its signer, who can sign from now on.

    Raises:
        NotFound: no such signer.
        Conflict: it is not waiting for a certificate.
        InvalidInput: not the certificate for this request.
    """
    now = deps.clock.now()
    with deps.uow.read() as tx:
        signer = tx.signers.by_id(signer_id)
    if signer is None:
        raise NotFound("没有这个电子签名申请")
    certificate = deps.person_keys.accept(signer, answer, now=now)
    with deps.uow() as tx:
        if not tx.signers.issue(signer_id, certificate):
            raise Conflict("这个电子签名不在等待证书的状态")
        _on_issue(tx, deps, signer, certificate, now, actor=actor)
        issued = tx.signers.by_id(signer_id)
    if issued is None:
        msg = "a signer vanished within its own transaction"
        raise RuntimeError(msg)
    return issued


def waiting_for_certificates(deps: Deps) -> Sequence[Signer]:
    """Signers whose request waits for an external CA."""
    with deps.uow.read() as tx:
        return tx.signers.awaiting_certificates(limit=WAITING_AT_ONCE)


def own_signers(deps: Deps, caller: Principal) -> Sequence[Signer]:
    """The caller's signers, newest first."""
    roles.require(caller, roles.HOLDER)
    if not caller.holder_code:
        return []
    with deps.uow.read() as tx:
        return tx.signers.of_person(caller.holder_code_type, caller.holder_code, limit=MAX_SIGNERS_SHOWN)


def _on_issue(
    tx: UnitOfWork, deps: Deps, signer: Signer, certificate: SignerCertificate, now: datetime, *, actor: str = "certsvc"
) -> None:
    payload = SignerIssued(
        signer_id=signer.signer_id,
        algorithm=signer.algorithm,
        issuer_key_id=certificate.issuer_key_id,
        serial=certificate.serial,
    )
    event_id = deps.ids.new("evt")
    source = deps.policy.event_source
    tx.outbox.add(payload.event(event_id=event_id, source=source, subject=signer.signer_id, at=now))
    content = {"issuer_key_id": certificate.issuer_key_id, "serial": certificate.serial}
    record(tx, deps, kind="signer.issued", subject=signer.signer_id, actor=actor, content=content, at=now)


def _already() -> Conflict:
    return Conflict(ALREADY_ZH)
