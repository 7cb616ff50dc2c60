"""Register a license that was made elsewhere (归集): its seal is verified, its file is kept as it came.

1. What was sent before under the key, the file or the identifier is answered with what is registered.
2. The body is checked against the catalog.
3. The file is judged like any upload; only one that passed in every respect goes on, and none with a seal of ours.
4. The file is stored under its digest and read back.
5. License, outbox, evidence and key are one transaction.

A crash before step 5 leaves a file that nobody can get: the same call takes it up again, or ``objects sweep`` removes
it. A refusal is on record, and nothing else of it is kept.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import rows_of
from certsvc.commands.issuance.accept_issuance import Origin, check_keys
from certsvc.commands.issuance.batch import PDF, object_name
from certsvc.commands.issuance.body import body_hash
from certsvc.commands.issuance.register import ORIGINAL
from certsvc.commands.ports import TrustChoice
from certsvc.commands.registrations.body import check_body
from certsvc.commands.seals.authorities import own_crls
from certsvc.commands.verifying.judged import judged
from certsvc.errors import (
    Conflict,
    FieldProblem,
    Forbidden,
    IdempotencyMismatch,
    IntegrityError,
    RegistrationRefused,
    TooLarge,
)
from certsvc.events.payloads import LicenseRegistered
from certsvc.license.model import Artifact, LicenseVersion
from certsvc.license.origin import Registration
from certsvc.license.states import State
from certsvc.seal.reason_words import WORDS
from certsvc.seal.verdict import Check, Indication, Reason

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.registrations.body import CheckedBody, RegistrationBody
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.seal.verdict import FileFindings

ISSUED_HERE = "issued_here"
"""Code of the refusal of a file that a seal of ours signed."""

NOT_PRINTED = "registered:"
"""Begins what stands in place of a printed token: no code has this form, so that none ever leads to it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Registered:
    """The version on the register, and whether this call put it there."""

    version: LicenseVersion
    created: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sent:
    """What was sent, and the digests by which it is known again."""

    body: RegistrationBody
    data: bytes
    sha256: str
    digest: str
    origin: Origin


def register_license(
    deps: Deps, caller: Principal, body: RegistrationBody, data: bytes, *, idempotency_key: str = ""
) -> Registered:
    """Register a file of a source, once: the same body and file sent again return what is registered.

    Raises:
        Forbidden: the caller may not register in the name of this authority.
        TooLarge: more bytes than the limit.
        InvalidInput: the catalog's rules, field by field.
        RegistrationRefused: the file did not pass, or is ours; the reason code and the next step are named.
        IdempotencyMismatch: the key came before with another body or file.
        Conflict: the file, the identifier or the number is registered with other content.
    """
    roles.require(caller, roles.APPROVAL, roles.APPROVAL_ANY)
    if roles.APPROVAL_ANY not in caller.roles and body.authority_code != caller.authority_code:
        raise Forbidden("该系统不能以此机关的名义登记（authority_code）")
    limit = deps.policy.max_upload_bytes
    if len(data) > limit:
        raise TooLarge(f"文件超过 {limit // (1024 * 1024)} MB，请上传电子证照原文件")
    origin = Origin(idempotency_key=idempotency_key)
    check_keys(origin)
    sha256 = hashlib.sha256(data).hexdigest()
    digest = hashlib.sha256(f"{body_hash(body)}\n{sha256}".encode()).hexdigest()
    sent = _Sent(body=body, data=data, sha256=sha256, digest=digest, origin=origin)
    with deps.uow.read() as tx:
        known = _known(tx, caller, sent)
    if known is not None:
        return _again(deps, caller, sent, known)
    deps = deps.pinned()
    checked = check_body(deps, body)
    findings = _judge(deps, caller, sent, checked)
    _keep(deps, data)
    try:
        return _register(deps, caller, sent, checked, findings)
    except IntegrityError as error:
        # Another call won the race, or the number is in force on another license.
        with deps.uow.read() as tx:
            known = _known(tx, caller, sent)
        if known is None:
            raise Conflict("同一编号已有在用的证照；请先由其来源报告状态，或核对编号（number）") from error
        return _again(deps, caller, sent, known)


def _known(tx: UnitOfWork, caller: Principal, sent: _Sent) -> LicenseVersion | None:
    """What was registered before under the key, the file or the identifier; refused when its content differs."""
    if sent.origin.key_name:
        bound = tx.receipts.find(caller.subject, sent.origin.key_name)
        if bound is not None and bound[0] != sent.digest:
            raise IdempotencyMismatch("同一幂等键已用于另一份内容；重发请保持内容不变，新登记请换新的键")
    by_file = tx.licenses.by_sha256(sent.sha256)
    if by_file is not None and by_file.registration is None:
        raise _refused(ISSUED_HERE, "此文件由本系统签发并已登记；请直接按证照标识查询")
    known = by_file or tx.licenses.by_identifier(sent.body.identifier)
    if known is None:
        return None
    if known.registration is None:
        raise Conflict("此证照标识已用于本系统签发的证照，请核对证照标识（identifier）")
    if known.registration.body_sha256 != sent.digest:
        what = "此文件" if by_file is not None else "此证照标识"
        raise Conflict(f"{what}已经登记，且内容与本次不同；登记后不能更改，请核对后按原内容重发，或由来源报告状态")
    return known


def _again(deps: Deps, caller: Principal, sent: _Sent, known: LicenseVersion) -> Registered:
    """A further key under which the same content came binds that key too."""
    if sent.origin.key_name:
        with deps.uow() as tx:
            _bind(tx, caller, sent, known.version_id, deps.clock.now())
    return Registered(version=known, created=False)


def _bind(tx: UnitOfWork, caller: Principal, sent: _Sent, version_id: str, now: datetime) -> None:
    for key in sent.origin.names:
        tx.receipts.bind(caller.subject, key, body_hash=sent.digest, result_id=version_id, now=now)


def _judge(deps: Deps, caller: Principal, sent: _Sent, checked: CheckedBody) -> FileFindings:
    """The findings of a file that passed in every respect; else the refusal is put on record and raised."""
    now = deps.clock.now()
    findings, unreachable = judged(deps, deps.inspector, sent.data, TrustChoice(crls=own_crls(deps)), now)
    refusal = _refusal(deps, findings)
    if refusal is None:
        return findings
    with deps.uow() as tx:
        content = {
            "sha256": sent.sha256,
            "source": checked.source.id,
            "reason": refusal.problems[0].code,
            "unreachable": list(unreachable),
        }
        record(
            tx,
            deps,
            kind="registration.refused",
            subject=str(checked.identifier),
            actor=caller.subject,
            content=content,
            at=now,
        )
    raise refusal


def _refusal(deps: Deps, findings: FileFindings) -> RegistrationRefused | None:
    if any(deps.sealer.is_own(one.signer_cert_sha256) for one in findings.signatures):
        return _refused(ISSUED_HERE, "文件上有本系统印章的签章，不能作为其他来源的证照登记；请直接按证照标识查询")
    checks = (findings.integrity, findings.coverage, findings.modification, findings.trust)
    passed = findings.indication is Indication.TOTAL_PASSED and all(check is Check.GOOD for check in checks)
    if passed and findings.reason is Reason.OK:
        return None
    # A seal object passes as what it is, and is no license.
    reason = Reason.NOT_A_PDF if passed else findings.reason
    words = WORDS[reason]
    return _refused(reason.value, f"{words.zh}；{words.next_zh}")


def _refused(code: str, detail: str) -> RegistrationRefused:
    return RegistrationRefused(detail, problems=(FieldProblem(pointer="/file", code=code, detail=detail),))


def _keep(deps: Deps, data: bytes) -> None:
    """Byte for byte: stored under its digest and read back."""
    name = object_name(data)
    deps.objects.put(name, data, content_type=PDF)
    deps.faults.reach("registration.object_stored")
    if deps.objects.get(name) != data:
        raise IntegrityError("对象存储读回内容与写入不一致")


def _register(deps: Deps, caller: Principal, sent: _Sent, checked: CheckedBody, findings: FileFindings) -> Registered:
    now = deps.clock.now()
    with deps.uow() as tx:
        version = _version(deps, sent, checked, tx.photos.put(checked.photo) if checked.photo else "", now)
        version = replace(version, status_no=tx.statuses.take(1)[0])
        tx.licenses.insert(version)
        _bind(tx, caller, sent, version.version_id, now)
        event = LicenseRegistered(
            identifier=version.identifier,
            license_type=version.type_slug,
            issuer_code=version.issuer_code,
            origin=version.origin.value,
            source=checked.source.id,
            registered_by=sent.body.authority_code,
            valid_from=version.valid_from.isoformat(),
            valid_until=version.valid_until.isoformat() if version.valid_until else "",
            sha256=sent.sha256,
        )
        tx.outbox.add(
            event.event(
                event_id=deps.ids.new("evt"), source=deps.policy.event_source, subject=version.identifier, at=now
            )
        )
        record(
            tx,
            deps,
            kind="license.registered",
            subject=version.identifier,
            actor=caller.subject,
            content={
                "sha256": sent.sha256,
                "body_sha256": sent.digest,
                "source": checked.source.id,
                "certificates": [one.signer_cert_sha256 for one in findings.signatures],
                "not_checked": list(findings.not_checked),
                "state": version.state.value,
                "rows": rows_of([version]),
            },
            at=now,
        )
    deps.faults.reach("registration.registered")
    return Registered(version=version, created=True)


def _version(deps: Deps, sent: _Sent, checked: CheckedBody, photo_id: str, now: datetime) -> LicenseVersion:
    body, version_id = sent.body, deps.ids.new("ver")
    return LicenseVersion(
        version_id=version_id,
        license_id=deps.ids.new("lic"),
        identifier=str(checked.identifier),
        root=checked.identifier.root,
        version=checked.identifier.version,
        type_slug=checked.kind.slug,
        number=checked.number,
        issuer_code=body.issuer_code,
        issuer_name=body.issuer_name.strip(),
        holder=checked.holder,
        data=checked.data,
        photo_id=photo_id,
        issued_on=body.issued_on,
        first_issued_on=body.first_issued_on or body.issued_on,
        valid_from=body.valid_from or body.issued_on,
        valid_until=body.valid_until,
        state=State.VALID,
        suspended_until=None,
        previous_version_id="",
        replaced_by_version_id="",
        request_id="",
        printed_token=NOT_PRINTED + version_id,
        created_at=now,
        revision=1,
        artifact=Artifact(
            artifact_id=deps.ids.new("art"),
            version_id=version_id,
            kind=ORIGINAL,
            sha256=sent.sha256,
            size=len(sent.data),
            object_name=object_name(sent.data),
            created_at=now,
        ),
        registration=Registration(
            source_id=checked.source.id,
            source_name=checked.source.name,
            authority_code=body.authority_code,
            body_sha256=sent.digest,
        ),
    )
