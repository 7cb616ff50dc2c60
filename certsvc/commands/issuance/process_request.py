"""Issue one claimed request: the spine of DESIGN.md 4, step by step.

A crash between any two steps leaves a row that says what was meant, and the next run resumes from it:

1. claim under a lease;
2. number reserved and intent stored, in one transaction;
3. page rendered, unsigned;
4. seal use reserved over the digest of exactly this page;
5. sealed, and the reservation answered;
6. the own verifier passes the file (structure, coverage, signature, chain, time);
7. object stored and read back;
8. license, outbox and evidence in one transaction.

A sealed file that was not registered is never handed out; ``objects sweep`` removes it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from certsvc.commands.evidence.record import record
from certsvc.commands.issuance.page import page_job, period
from certsvc.commands.issuance.plan import ensure_intent
from certsvc.commands.issuance.register import LostClaim, register
from certsvc.commands.ports import TrustChoice
from certsvc.commands.seals.use_seal import abandon_earlier, reserve_use, settle_use
from certsvc.errors import (
    CertsvcError,
    Conflict,
    IntegrityError,
    Refused,
    RenderingError,
    SealUnavailable,
    SigningError,
)
from certsvc.events.payloads import IssuanceRefused
from certsvc.seal.use import SealUse
from certsvc.seal.verdict import Indication

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps
    from certsvc.license.model import IssueIntent
    from certsvc.license.request import ClaimedRequest
    from certsvc.seal.model import Seal
    from certsvc.seal.prepared import PreparedPdf

log = structlog.get_logger("certsvc.issuance")

BACKOFF_S = (2, 10, 60, 300, 900, 1800, 3600, 3600, 3600, 3600)
"""Seconds until the next try, by number of attempts."""

MAX_ATTEMPTS = len(BACKOFF_S)
"""Then an operator looks (``certsvc requests stuck``): what kills its worker or burns seal uses must end."""

PARKED_S = 24 * 3600
"""A parked request is looked at once a day."""

PDF = "application/pdf"


@dataclass(frozen=True, kw_only=True, slots=True)
class Processed:
    """What became of the request that was worked on."""

    request_id: str
    outcome: str
    """``issued``, ``refused``, ``failed`` or ``lost``"""


def process_next(deps: Deps, *, worker: str, lease_s: int) -> Processed | None:
    """Work on the next waiting request; None when there is none."""
    deps = deps.pinned()
    now = deps.clock.now()
    with deps.uow() as tx:
        claimed = tx.requests.claim(worker=worker, token=deps.ids.new("clm"), now=now, lease_s=lease_s)
    if claimed is None:
        return None
    deps.faults.reach("issue.claimed")
    request_id = claimed.request.request_id
    if claimed.request.attempts > MAX_ATTEMPTS:
        log.error("gives up for a day", action="issue.stuck", request_id=request_id)
        return _failed(deps, claimed, "too_many_attempts", "多次尝试未成功，已转人工处理，请联系运维")
    try:
        _issue(deps, claimed)
    except LostClaim:
        log.warning("claim lost", action="issue.lost", request_id=request_id)
        return Processed(request_id=request_id, outcome="lost")
    except SealUnavailable as error:
        return _failed(deps, claimed, error.code, error.detail)
    except (Refused, Conflict, RenderingError) as error:
        # The request's own fault. Everything else (a type or a font that this host lacks, a key, a store) may be
        # mended without asking the approval system again, and is tried again.
        return _refused(deps, claimed, error)
    except CertsvcError as error:
        return _failed(deps, claimed, error.code, error.detail)
    except Exception:
        log.exception("unexpected failure", action="issue.crashed", request_id=request_id)
        return _failed(deps, claimed, "internal", "内部错误，系统将自动重试")
    return Processed(request_id=request_id, outcome="issued")


def _issue(deps: Deps, claimed: ClaimedRequest) -> None:
    request = claimed.request
    payload = request.payload
    kind = deps.catalog.type(payload.type_slug)
    intent = ensure_intent(deps, request)
    deps.faults.reach("issue.intent_stored")
    seal = _seal(deps, payload.authority_code)
    with deps.uow.read() as tx:
        photo = tx.photos.get(request.photo_id) if request.photo_id else None
        previous = tx.licenses.by_version_id(intent.previous_version_id) if intent.previous_version_id else None
    valid = period(payload, intent, kind, previous)
    job = page_job(
        deps, payload=payload, intent=intent, kind=kind, seal=seal, photo=photo, valid=valid, previous=previous
    )
    prepared = deps.renderer.render(job)
    deps.faults.reach("issue.rendered")
    use = SealUse(type_slug=kind.slug, matter_code=payload.matter_code, region=payload.region)
    data = _sealed(deps, intent, seal, prepared, use, kind.signature_plan[0].format)
    _check(deps, data, intent)
    deps.faults.reach("issue.verified")
    name = object_name(data)
    deps.objects.put(name, data, content_type=PDF)
    deps.faults.reach("issue.object_stored")
    if deps.objects.get(name) != data:
        raise IntegrityError("对象存储读回内容与写入不一致")
    deps.faults.reach("issue.read_back")
    register(deps, claimed, intent, kind=kind, valid=valid, data=data, name=name)
    deps.faults.reach("issue.registered")


def object_name(data: bytes) -> str:
    """Content-hash name of a license file."""
    digest = hashlib.sha256(data).hexdigest()
    return f"licenses/{digest[:2]}/{digest}.pdf"


def _seal(deps: Deps, authority_code: str) -> Seal:
    seal_id = deps.catalog.authority(authority_code).seal_id
    with deps.uow.read() as tx:
        seal = tx.seals.by_id(seal_id) if seal_id else None
    if seal is None:
        raise SealUnavailable("颁发机构没有可用的电子印章，请先制作并启用印章")
    return seal


def _sealed(
    deps: Deps, intent: IssueIntent, seal: Seal, prepared: PreparedPdf, use: SealUse, format_name: str
) -> bytes:
    purpose = f"issue:{intent.request_id}"
    abandon_earlier(deps, purpose)
    reservation = reserve_use(deps, seal, purpose=purpose, digest=prepared.digest("sha256").hex(), use=use)
    deps.faults.reach("issue.seal_reserved")
    try:
        data = deps.sealer.seal(prepared, seal, format_name, signed_at=intent.signed_at)
    except CertsvcError:
        settle_use(deps, reservation, used=False, signature_sha256="")
        raise
    deps.faults.reach("issue.sealed")
    settle_use(deps, reservation, used=True, signature_sha256=hashlib.sha256(data).hexdigest())
    deps.faults.reach("issue.seal_answered")
    return data


def _check(deps: Deps, data: bytes, intent: IssueIntent) -> None:
    findings = deps.self_inspector.inspect(data, TrustChoice(), deps.clock.now())
    if findings.indication is not Indication.TOTAL_PASSED:
        log.error(
            "own verifier refused",
            action="issue.self_check",
            request_id=intent.request_id,
            reason=findings.reason.value,
        )
        raise SigningError(f"签章后自检未通过（{findings.reason.value}），文件未登记")


def _refused(deps: Deps, claimed: ClaimedRequest, error: CertsvcError) -> Processed:
    request = claimed.request
    now = deps.clock.now()
    detail = error.detail + "".join(f"；{p.pointer} {p.detail}" for p in error.problems)
    with deps.uow() as tx:
        held = tx.requests.refuse(
            request.request_id, claim_token=claimed.claim_token, code=error.code, detail=detail, now=now
        )
        if held:
            tx.intents.drop(request.request_id)
            payload = IssuanceRefused(
                request_id=request.request_id,
                authority_code=request.payload.authority_code,
                business_no=request.payload.business_no,
                license_type=request.payload.type_slug,
                reason=error.code,
            )
            tx.outbox.add(
                payload.event(
                    event_id=deps.ids.new("evt"), source=deps.policy.event_source, subject=request.request_id, at=now
                )
            )
            record(
                tx,
                deps,
                kind="issuance.refused",
                subject=request.request_id,
                actor="certsvc",
                content={"reason": error.code},
                at=now,
            )
    log.info("refused", action="issue.refused", request_id=request.request_id, reason=error.code)
    return Processed(request_id=request.request_id, outcome="refused" if held else "lost")


def _failed(deps: Deps, claimed: ClaimedRequest, code: str, detail: str) -> Processed:
    request = claimed.request
    now = deps.clock.now()
    wait = BACKOFF_S[max(request.attempts, 1) - 1] if request.attempts <= MAX_ATTEMPTS else PARKED_S
    with deps.uow() as tx:
        held = tx.requests.fail(
            request.request_id,
            claim_token=claimed.claim_token,
            code=code,
            detail=detail,
            next_try_at=now + timedelta(seconds=wait),
            now=now,
        )
    log.warning("failed, will retry", action="issue.failed", request_id=request.request_id, reason=code, wait_s=wait)
    return Processed(request_id=request.request_id, outcome="failed" if held else "lost")
