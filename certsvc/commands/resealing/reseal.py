"""A few licenses of a plan: drawn from what is stored, sealed as the signature plan says today, registered as a form.

The page is the type's present one; content, number, identifier and dates are those that the license was issued with.
The former file stays registered: it passes as an earlier form of the same license.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING

import structlog

from certsvc.commands.archiving.contents import gone_of
from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import rows_of
from certsvc.commands.imports.pace import room_for
from certsvc.commands.issuance.batch import PDF, object_name, proven
from certsvc.commands.issuance.page import page_job
from certsvc.commands.issuance.sealing import SealingPage, plan_steps, seal_pages
from certsvc.commands.issuance.stock import sealing_body
from certsvc.commands.resealing.plan import loss_of, same_ground
from certsvc.commands.seals.authorities import own_crls
from certsvc.commands.supervision.reach import tell
from certsvc.errors import CertsvcError, NoTimestamp, SealUnavailable, Unavailable
from certsvc.events.care_payloads import LicenseResealed
from certsvc.license.archives import ArchiveKind
from certsvc.license.model import RESEALED, Artifact
from certsvc.license.reseal import UNFIT_ZH, ResealItem, ResealOutcome, Unfit
from certsvc.license.states import State
from certsvc.seal.model import SealState
from certsvc.seal.use import Against, SealUse, refusal_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from certsvc.catalog.model import LicenseType
    from certsvc.commands.issuance.sealing import SealStep
    from certsvc.commands.page_ports import PageJob
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import IssueIntent, LicenseVersion
    from certsvc.license.request import IssuancePayload, IssuanceRequest
    from certsvc.license.reseal import ResealPlan
    from certsvc.seal.care import Loss, SignatureFacts

log = structlog.get_logger("certsvc.care")

ACTOR = "certsvc"


class Waits(Exception):
    """Only time mends it: the plan stays where it is; ``reason`` is in Chinese."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(kw_only=True, slots=True)
class _Work:
    """One license on its way."""

    version: LicenseVersion
    payload: IssuancePayload
    intent: IssueIntent
    kind: LicenseType
    steps: tuple[SealStep, ...]
    photo: bytes | None
    data: bytes = b""
    facts: tuple[SignatureFacts, ...] = ()
    failure: CertsvcError | None = field(default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stored:
    """What is stored of the licenses of a block."""

    requests: Mapping[str, IssuanceRequest]
    intents: Mapping[str, IssueIntent]
    photos: Mapping[str, bytes]
    held: frozenset[str]
    gone: frozenset[str]


def reseal_some(deps: Deps, plan: ResealPlan, files: Sequence[Artifact]) -> None:
    """Give each of these licenses its outcome, if the plan means it and it has none.

    Raises:
        Waits: nothing of the block can be sealed now, or not all of it; what was done has its outcome.
    """
    works = _take(deps, plan, files)
    if not works:
        return
    works, left_out = _room(deps, works)
    _draw_and_seal(deps, plan, works)
    deps.faults.reach("care.resealed")
    lists = cache(lambda: own_crls(deps, since=deps.clock.now()))
    for work in works:
        if work.failure is None:
            _finish(deps, plan, work, lists)
    waiting = [work.failure for work in works if _mends(work.failure)]
    for work in works:
        if work.failure is not None and not _mends(work.failure):
            _note(deps, plan, work.version, ResealOutcome.FAILED, work.failure.code, work.failure.detail)
    reasons = [failure.detail for failure in waiting if failure is not None] or [left_out] * bool(left_out)
    if reasons:
        raise Waits(reasons[0])


def _mends(failure: CertsvcError | None) -> bool:
    """Whether it goes away by itself, or by what people do about the seal."""
    return isinstance(failure, SealUnavailable | Unavailable | NoTimestamp)


def _take(deps: Deps, plan: ResealPlan, files: Sequence[Artifact]) -> list[_Work]:
    """Those that can be sealed anew; the others get their outcome here."""
    loss, now = loss_of(deps, plan.kind, plan.value), deps.clock.now()
    works: list[_Work] = []
    unfit: list[tuple[LicenseVersion, Unfit | CertsvcError]] = []
    with deps.uow.read() as tx:
        named = [file.version_id for file in files]
        done = tx.reseals.known(plan.plan_id, named)
        versions = tx.licenses.by_version_ids(named)
        wanted = open_licenses(plan, versions, done)
        stored = _stored(tx, wanted)
        for version in sorted(wanted, key=lambda one: one.version_id):
            found = _work(deps, tx, version, stored, loss, now)
            if isinstance(found, _Work):
                works.append(found)
            else:
                unfit.append((version, found))
    for version, why in unfit:
        if isinstance(why, Unfit):
            _note(deps, plan, version, ResealOutcome.SKIPPED, why.value, UNFIT_ZH[why])
        else:
            _note(deps, plan, version, ResealOutcome.FAILED, why.code, why.detail)
    return works


def open_licenses(
    plan: ResealPlan, versions: Mapping[str, LicenseVersion], done: Collection[str]
) -> list[LicenseVersion]:
    """Those that the plan means and that have no outcome yet."""
    return [one for one in versions.values() if one.version_id not in done and _meant(plan, one)]


def _meant(plan: ResealPlan, version: LicenseVersion) -> bool:
    return (not plan.types or version.type_slug in plan.types) and (
        not plan.bodies or version.issuer_code in plan.bodies
    )


def _stored(tx: UnitOfWork, versions: Sequence[LicenseVersion]) -> _Stored:
    requests = [one.request_id for one in versions if one.request_id]
    licenses = [one.license_id for one in versions]
    return _Stored(
        requests=tx.requests.by_ids(requests),
        intents=tx.intents.by_requests(requests),
        photos=tx.photos.get_all(sorted({one.photo_id for one in versions} - {""})),
        held=frozenset(hold.subject for hold in tx.disposals.placed(ArchiveKind.LICENSE, licenses)),
        gone=frozenset(subject for _, subject in gone_of(tx, ArchiveKind.LICENSE, licenses)),
    )


def _work(
    deps: Deps, tx: UnitOfWork, version: LicenseVersion, stored: _Stored, loss: Loss, now: datetime
) -> _Work | Unfit | CertsvcError:
    request, intent = stored.requests.get(version.request_id), stored.intents.get(version.request_id)
    why = _unfit(deps, version, stored, now)
    if why is not None:
        return why
    if request is None or intent is None or (version.photo_id and version.photo_id not in stored.photos):
        return Unfit.NO_CONTENT
    # What the register says of the license is what goes on the page.
    payload = replace(request.payload, holder=version.holder, data=version.data)
    try:
        kind = deps.catalog.type(version.type_slug)
        steps = plan_steps(deps, tx, kind, sealing_body(deps, payload))
    except CertsvcError as error:
        return error
    if same_ground(deps, steps, loss):
        return Unfit.SAME_GROUND
    barred = _barred(steps, payload, kind, now)
    if barred is not None:
        return barred
    begun = max(step.seal.valid_from for step in steps)
    intent = replace(intent, signed_at=max(begun, now.replace(microsecond=0)), document_id=deps.ids.salt())
    photo = stored.photos.get(version.photo_id)
    return _Work(version=version, payload=payload, intent=intent, kind=kind, steps=steps, photo=photo)


def _barred(
    steps: Sequence[SealStep], payload: IssuancePayload, kind: LicenseType, now: datetime
) -> SealUnavailable | None:
    """What keeps a seal from this license for good, so that it is told and holds up no other; else it waits."""
    use = _use(payload, kind)
    for step in steps:
        refusal = refusal_of(step.seal, use, now, key_id=step.seal.key_id, type_name=kind.name)
        if refusal is None or refusal.against is Against.HOURS:
            continue
        if refusal.against is Against.STATE and step.seal.state is SealState.STOPPED:
            continue
        return SealUnavailable(refusal.detail, against=refusal.against.value)
    return None


def _use(payload: IssuancePayload, kind: LicenseType) -> SealUse:
    return SealUse(type_slug=kind.slug, matter_code=payload.matter_code, region=payload.region, backfill=True)


def _unfit(deps: Deps, version: LicenseVersion, stored: _Stored, now: datetime) -> Unfit | None:
    if version.registration is not None:
        return Unfit.ELSEWHERE
    if version.license_id in stored.gone:
        return Unfit.ERASED
    if version.state is not State.VALID or version.expired(now):
        return Unfit.NOT_IN_FORCE
    if version.provisional:
        return Unfit.PROVISIONAL
    if version.license_id in stored.held:
        return Unfit.HELD
    known = deps.catalog.has_authority(version.issuer_code)
    if not known or deps.catalog.authority(version.issuer_code).name != version.issuer_name:
        return Unfit.RENAMED
    return None


def _room(deps: Deps, works: Sequence[_Work]) -> tuple[list[_Work], str]:
    """Those within the share of the day and the minute that a plan may use, and why others are left out, or empty.

    What is left out has no outcome, so its page is looked at again.
    """
    kept: list[_Work] = []
    reason = ""
    with deps.uow.read() as tx:
        for body in sorted({work.version.issuer_code for work in works}):
            own = [work for work in works if work.version.issuer_code == body]
            room = room_for(deps, tx, sealing_body(deps, own[0].payload), own[0].kind, queued=0)
            kept += own[: room.count]
            if room.count < len(own):
                reason = reason or room.waits_for or "印章每分钟、每日可用于换章的次数已用完，稍后自动继续"
    return kept, reason


def _draw_and_seal(deps: Deps, plan: ResealPlan, works: Sequence[_Work]) -> None:
    jobs: list[PageJob] = []
    for work in works:
        try:
            jobs.append(_job(deps, work))
        except CertsvcError as error:
            work.failure = error
    pages: list[SealingPage] = []
    going = [work for work in works if work.failure is None]
    for work, drawn in zip(going, deps.press.draw(jobs), strict=True):
        if isinstance(drawn, CertsvcError):
            work.failure = drawn
            continue
        use = _use(work.payload, work.kind)
        purpose = f"reseal:{plan.plan_id}:{work.version.version_id}"
        signed_at = work.intent.signed_at
        pages.append(SealingPage(prepared=drawn, steps=work.steps, purpose=purpose, use=use, signed_at=signed_at))
    going = [work for work in going if work.failure is None]
    if not going:
        return
    try:
        sealed = seal_pages(deps, pages)
    except (SealUnavailable, Unavailable) as error:
        raise Waits(error.detail) from error
    for work, outcome in zip(going, sealed, strict=True):
        if isinstance(outcome, CertsvcError):
            work.failure = outcome
        else:
            work.data = outcome


def _job(deps: Deps, work: _Work) -> PageJob:
    return page_job(
        deps,
        payload=work.payload,
        intent=work.intent,
        kind=work.kind,
        seal=work.steps[0].seal,
        photo=work.photo,
        valid=(work.version.valid_from, work.version.valid_until),
    )


def _finish(deps: Deps, plan: ResealPlan, work: _Work, lists: Callable[[], tuple[bytes, ...]]) -> None:
    """Checked, stored, read back and registered; or its ``failure``."""
    version = work.version
    try:
        checked = proven(deps, work.data, work.steps, work.intent.signed_at, version.valid_until, lists)
        name = object_name(checked.data)
        deps.objects.put(name, checked.data, content_type=PDF)
        deps.faults.reach("care.form_stored")
        if deps.objects.get(name) != checked.data:
            raise Unavailable("对象存储读回内容与写入不一致，没有登记")
    except CertsvcError as error:
        work.failure = error
        return
    form = Artifact(
        artifact_id=deps.ids.new("art"),
        version_id=version.version_id,
        kind=RESEALED,
        sha256=checked.sha256,
        size=len(checked.data),
        object_name=name,
        created_at=deps.clock.sure(),
    )
    if not _registered(deps, plan, version, form, checked.signatures):
        _note(deps, plan, version, ResealOutcome.SKIPPED, Unfit.CHANGED.value, UNFIT_ZH[Unfit.CHANGED])
    deps.faults.reach("care.form_registered")


class _Changed(Exception):
    """Leaves the unit of work: the license is not what it was."""


def _registered(
    deps: Deps, plan: ResealPlan, version: LicenseVersion, form: Artifact, signatures: Sequence[SignatureFacts]
) -> bool:
    """The form, the outcome, event and evidence in one transaction; False when the license moved meanwhile."""
    try:
        with deps.uow() as tx:
            if not tx.care.add_form(form, signatures, before=version.artifact.artifact_id):
                return False
            # Its row is held now: a move that came before is seen, and one that comes after waits.
            now = tx.licenses.by_version_id(version.version_id)
            stands = now is not None and now.revision == version.revision and now.state is State.VALID
            item = _item(plan, version, ResealOutcome.RESEALED, form.created_at, form=form)
            if not (stands and tx.reseals.add(item)):
                raise _Changed  # noqa: TRY301  (it leaves the unit of work, so that nothing of it stays)
            event = LicenseResealed(
                identifier=version.identifier,
                license_type=version.type_slug,
                issuer_code=version.issuer_code,
                sha256=form.sha256,
                previous_sha256=version.artifact.sha256,
                plan_id=plan.plan_id,
            )
            tell(deps, tx, event, version.identifier, form.created_at)
            content = {
                "sha256": form.sha256,
                "previous_sha256": version.artifact.sha256,
                "plan_id": plan.plan_id,
                "rows": rows_of([form]),
            }
            kind, subject = "license.resealed", version.identifier
            record(tx, deps, kind=kind, subject=subject, actor=ACTOR, content=content, at=form.created_at)
    except _Changed:
        return False
    return True


def _item(
    plan: ResealPlan,
    version: LicenseVersion,
    outcome: ResealOutcome,
    at: datetime,
    *,
    code: str = "",
    detail: str = "",
    form: Artifact | None = None,
) -> ResealItem:
    return ResealItem(
        plan_id=plan.plan_id,
        version_id=version.version_id,
        identifier=version.identifier,
        outcome=outcome,
        at=at,
        code=code,
        detail=detail,
        artifact_id=form.artifact_id if form is not None else "",
    )


def _note(
    deps: Deps, plan: ResealPlan, version: LicenseVersion, outcome: ResealOutcome, code: str, detail: str
) -> None:
    now = deps.clock.now()
    with deps.uow() as tx:
        tx.reseals.add(_item(plan, version, outcome, now, code=code, detail=detail))
