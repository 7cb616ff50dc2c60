"""Seal an upload and register it: update in a worker, use reserved, sealed, verified, stored, and on record.

A sealed file that was not registered is never handed out; a crash leaves a reservation without an answer, which is
listed, and the work can be asked for again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from certsvc.commands.evidence.record import record
from certsvc.commands.page_ports import SealTask
from certsvc.commands.ports import TrustChoice
from certsvc.commands.seals.fence import ReservedPage, seal_fenced
from certsvc.commands.seals.use_seal import Asked, abandon_earlier, reserve_uses, settle_sealed
from certsvc.commands.stamping.uploads import PDF, cannot_check_now
from certsvc.errors import CertsvcError, IntegrityError, SealUnavailable, SigningError
from certsvc.events.payloads import DocumentSealed
from certsvc.seal.marks import NextSignature
from certsvc.seal.stampings import Stamping, content_digest
from certsvc.seal.trust_list import SIGNED
from certsvc.seal.use import Against, SealUse, refusal_of
from certsvc.seal.verdict import Check, Reason

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.seal.model import Seal
    from certsvc.seal.placing import PlacedMark
    from certsvc.seal.prepared import PreparedPdf
    from certsvc.seal.stampings import StampCase

log = structlog.get_logger("certsvc.stamping")

SM2_FORM, OTHER_FORM = "sm2-cms", "pades-b-b"


@dataclass(frozen=True, kw_only=True, slots=True)
class SealJob:
    """One file to be sealed as it was shown, for one preview or one file of a batch."""

    work_id: str
    operator: str
    case: StampCase
    data: bytes
    sha256: str
    marks: tuple[PlacedMark, ...]
    lock: bool


def form_of(seal: Seal) -> str:
    """The signature format of a hand stamping: what the seal's key is for."""
    return SM2_FORM if seal.algorithm == "sm2" else OTHER_FORM


def field_name(work_id: str) -> str:
    """The form field of a stamping: one of its own, however often a file is stamped."""
    return f"Stamp-{work_id}"


def update_for(
    deps: Deps, data: bytes, seal: Seal, marks: tuple[PlacedMark, ...], *, lock: bool, name: str, signed_at: datetime
) -> PreparedPdf:
    """The upload with an update that shows ``marks``, not signed; written in a worker."""
    form = form_of(seal)
    signature = NextSignature(
        filter=deps.sealer.filter(form),
        sub_filter=deps.sealer.sub_filter(form),
        signed_at=signed_at,
        signer=seal.stamp.ring_text,
        reserved_bytes=deps.sealer.reserved_bytes(seal, form),
    )
    field = deps.painter.field(field_name(name), seal.stamp, marks, lock=lock)
    return deps.uploads.prepare(data, field, signature)


PREVIEWED = frozenset({Against.STATE, Against.PERIOD, Against.TYPE, Against.REGION, Against.KEEPER})
"""What already speaks against a use when it is previewed; hours, matter, approval and counts are asked when sealing."""


def check_use(deps: Deps, seal: Seal, operator: str, now: datetime, *, represented_by: str = "") -> None:
    """SealUnavailable when this person cannot use the seal for documents, whatever they are; nothing is counted."""
    use = SealUse(manual=True, operator=operator, region=region_of(deps, seal), represented_by=represented_by)
    refusal = refusal_of(seal, use, now, key_id=seal.key_id, type_name="证照以外的文件")
    if refusal is not None and refusal.against in PREVIEWED:
        raise SealUnavailable(refusal.detail, against=refusal.against.value)


def region_of(deps: Deps, seal: Seal) -> str:
    """A document is for the region of the seal's owner."""
    return deps.catalog.authority(seal.owner_code).region if deps.catalog.has_authority(seal.owner_code) else ""


def seal_and_register(deps: Deps, seal: Seal, job: SealJob) -> Stamping:
    """The register row of the sealed file, which can be had from now on.

    Raises:
        SealUnavailable: the seal may not be used; the detail says why.
        SigningError: the key failed, or the own verifier does not pass the file; nothing is handed out.
        Unavailable: the own verifier cannot look at it now; nothing is handed out.
    """
    now = deps.clock.sure().replace(microsecond=0)
    prepared = update_for(deps, job.data, seal, job.marks, lock=job.lock, name=job.work_id, signed_at=now)
    purpose = f"stamp:{job.work_id}"
    abandon_earlier(deps, [purpose])
    case = job.case
    use = SealUse(
        manual=True,
        operator=job.operator,
        matter_code=case.matter_code,
        region=region_of(deps, seal),
        approval_id=case.approval_id,
        represented_by=case.represented_by,
        content_digest=content_digest(job.sha256, seal.seal_id, seal.key_id, job.marks, lock=job.lock),
    )
    asked = Asked(seal=seal, purpose=purpose, digest=prepared.digest("sha256").hex(), use=use)
    (reservation,) = reserve_uses(deps, [asked])
    deps.faults.reach("stamp.seal_reserved")
    task = SealTask(prepared=prepared, seal=seal, format=form_of(seal), signed_at=now)
    (data,) = seal_fenced(deps, [ReservedPage(asked=asked, task=task)])
    settle_sealed(deps, [(reservation, data)])
    if isinstance(data, CertsvcError):
        raise data
    digest = hashlib.sha256(data).hexdigest()
    deps.faults.reach("stamp.sealed")
    _check(deps, data, job)
    name = f"stamped/{digest[:2]}/{digest}.pdf"
    deps.objects.put(name, data, content_type=PDF)
    if deps.objects.get(name) != data:
        raise IntegrityError("对象存储读回内容与写入不一致")
    deps.faults.reach("stamp.object_stored")
    stamping = Stamping(
        stamping_id=deps.ids.new("stp"),
        work_id=job.work_id,
        seal_id=seal.seal_id,
        authority_code=seal.owner_code,
        operator=job.operator,
        case=case,
        sha256_before=job.sha256,
        sha256=digest,
        pages=prepared.page_count,
        marks=len(job.marks),
        object_name=name,
        reservation_id=reservation.reservation_id,
        # When the bytes provably exist: after the key operation, never before it.
        at=deps.clock.now(),
    )
    _register(deps, stamping)
    return stamping


def _check(deps: Deps, data: bytes, job: SealJob) -> None:
    """Our seal is good and covers everything, nothing else was changed, and what was signed before is still sound.

    The chains of other parties' signatures are theirs: that they are not in our trust list is no reason against ours.
    """
    findings = deps.inspector.inspect(data, TrustChoice(uses=SIGNED), deps.clock.now())
    if findings.reason is Reason.CANNOT_CHECK_NOW:
        raise cannot_check_now()
    own = [one for one in findings.signatures if one.field_name == field_name(job.work_id)]
    sound = (findings.integrity, findings.coverage, findings.modification)
    if len(own) != 1 or own[0].reason is not Reason.OK or any(check is not Check.GOOD for check in sound):
        log.error("own verifier refused", action="stamp.self_check", work_id=job.work_id, reason=findings.reason.value)
        raise SigningError(f"盖章后自检未通过（{findings.reason.value}），文件未登记，请重新导出 PDF 后再试")


def _register(deps: Deps, stamping: Stamping) -> None:
    case = stamping.case
    with deps.uow() as tx:
        tx.stampings.insert(stamping)
        payload = DocumentSealed(
            stamping_id=stamping.stamping_id,
            seal_id=stamping.seal_id,
            owner_code=stamping.authority_code,
            matter_code=case.matter_code,
            sha256_before=stamping.sha256_before,
            sha256=stamping.sha256,
            pages=stamping.pages,
            marks=stamping.marks,
        )
        tx.outbox.add(
            payload.event(
                event_id=deps.ids.new("evt"),
                source=deps.policy.event_source,
                subject=stamping.stamping_id,
                at=stamping.at,
            )
        )
        record(
            tx,
            deps,
            kind="document.sealed",
            subject=stamping.stamping_id,
            actor=stamping.operator,
            content={
                "seal_id": stamping.seal_id,
                "reservation_id": stamping.reservation_id,
                "sha256_before": stamping.sha256_before,
                "sha256": stamping.sha256,
                "purpose": case.purpose,
                "case_no": case.case_no,
                "matter_code": case.matter_code,
                "approval_id": case.approval_id,
                "represented_by": case.represented_by,
            },
            at=stamping.at,
        )
