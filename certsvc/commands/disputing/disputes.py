"""异议申诉: a holder disputes a use or what a license says; a clerk of the body concerned answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.catalog.bodies import heir
from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.issuance.authority import issuer_today
from certsvc.commands.shapes import Line
from certsvc.commands.sharing.use_rows import used_id, used_name
from certsvc.commands.showing.material_rights import right_to_material
from certsvc.commands.showing.rights import right_to_show
from certsvc.errors import Conflict, Forbidden, InvalidInput, NotFound
from certsvc.events.consent_payloads import DisputeClosed, DisputeFiled
from certsvc.identifiers.material_kind import is_material_id
from certsvc.license.archives import Material
from certsvc.license.disputes import (
    ANSWER_DAYS,
    MAX_OPEN_DISPUTES,
    UNDECIDED,
    Dispute,
    DisputeAbout,
    DisputeState,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.sharing.use_rows import Used
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.payload import Payload

NO_DISPUTE_ZH = "没有这件异议申诉"
NO_USE_ZH = "没有这次使用记录"
MAX_TEXT = 500
"""Characters of a dispute or an answer; bounds what one account can write."""

Page = tuple["Sequence[Dispute]", "Mapping[str, Used]"]


class DisputeBody(BaseModel):
    """异议：对哪张证照、哪次使用或证照内容，为什么."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    identifier: str = Field(max_length=128, description="证照标识，或电子材料的登记号")
    about: DisputeAbout = Field(description="scan 核验 · fetch 调用 · content 证照内容有误")
    use_id: str = Field(default="", max_length=64, description="使用记录编号；对内容的异议不填")
    text: Line = Field(min_length=5, max_length=MAX_TEXT)


def file_dispute(deps: Deps, caller: Principal, body: DisputeBody) -> Dispute:
    """File a dispute with the body that used the license or 电子材料, or with its issuer about its content.

    Raises:
        NotFound: not a license of the caller's, or no such use of it.
        InvalidInput: a use is named for a dispute about content, or none for one about a use.
        Conflict: too many undecided ones.
    """
    roles.require(caller, roles.HOLDER)
    if (body.about is DisputeAbout.CONTENT) != (body.use_id == ""):
        raise InvalidInput("对使用的异议须写明使用记录编号（use_id），对内容的异议不写")
    now = deps.clock.now()
    with deps.uow() as tx:
        used = _used(deps, tx, caller, body.identifier, now)
        used_by, authority_code = _concerned(deps, tx, used, body)
        if tx.disputes.count_open(caller.subject) >= MAX_OPEN_DISPUTES:
            raise Conflict(f"未办结的异议申诉已有 {MAX_OPEN_DISPUTES} 件，请等候答复")
        filed = Dispute(
            dispute_id=deps.ids.new("dsp"),
            version_id=used_id(used),
            holder_subject=caller.subject,
            about=body.about,
            use_id=body.use_id,
            used_by=used_by,
            authority_code=authority_code,
            text=body.text,
            filed_at=now,
            due_on=local_day(now) + timedelta(days=ANSWER_DAYS),
        )
        tx.disputes.insert(filed)
        payload = DisputeFiled(
            dispute_id=filed.dispute_id,
            identifier=used_name(used),
            about=filed.about.value,
            authority_code=authority_code,
            due_on=filed.due_on.isoformat(),
        )
        _tell(deps, tx, payload, used, now)
        _on_record(deps, tx, "dispute.filed", filed, used, caller, now)
    return filed


def own_disputes(deps: Deps, caller: Principal, *, limit: int, behind: tuple[datetime, str] | None) -> Page:
    """The caller's disputes, newest first, and the licenses they are about by version id."""
    roles.require(caller, roles.HOLDER)
    with deps.uow.read() as tx:
        found = tx.disputes.of_holder(caller.subject, limit=limit, behind=behind)
        return found, _used_in(tx, found)


def disputes_to_answer(deps: Deps, caller: Principal, *, limit: int, behind: tuple[datetime, str] | None) -> Page:
    """Disputes that the caller's authority answers, newest first, and the licenses they are about."""
    roles.require(caller, roles.DISPUTE_CLERK)
    with deps.uow.read() as tx:
        found = tx.disputes.of_authority(caller.authority_code, limit=limit, behind=behind)
        return found, _used_in(tx, found)


def withdraw_dispute(deps: Deps, caller: Principal, dispute_id: str) -> Dispute:
    """The holder lets it go; NotFound when it is not the caller's, Conflict when it was decided."""
    roles.require(caller, roles.HOLDER)
    now = deps.clock.now()
    with deps.uow() as tx:
        found = tx.disputes.by_id(dispute_id)
        if found is None or found.holder_subject != caller.subject:
            raise NotFound(NO_DISPUTE_ZH)
        closed = replace(found, state=DisputeState.WITHDRAWN, closed_at=now)
        # Only as it was read: a clerk who takes it at this moment stays on record as the one who took it.
        return _close(deps, tx, caller, closed, now, sources=UNDECIDED & {found.state})


def take_dispute(deps: Deps, caller: Principal, dispute_id: str) -> Dispute:
    """A clerk takes it up.

    Raises:
        NotFound: not one that the caller's authority answers.
        Forbidden: the caller made the use in dispute.
        Conflict: somebody else took it, or it was decided or let go.
    """
    roles.require(caller, roles.DISPUTE_CLERK)
    now = deps.clock.now()
    with deps.uow() as tx:
        found = _to_answer(tx, caller, dispute_id)
        taken = replace(found, state=DisputeState.IN_REVIEW, handler=caller.subject, taken_at=now)
        if not tx.disputes.move(taken, sources={DisputeState.FILED}):
            raise Conflict("这件异议申诉已有人办理，或已办结")
        _on_record(deps, tx, "dispute.taken", taken, _about(tx, taken), caller, now)
    return taken


def answer_dispute(deps: Deps, caller: Principal, dispute_id: str, *, upheld: bool, text: str) -> Dispute:
    """The clerk who took it up answers; the holder reads the answer.

    Raises:
        NotFound: not one that the caller's authority answers.
        Forbidden: the caller made the use in dispute.
        Conflict: the caller has not taken it up, or it was decided or let go.
    """
    roles.require(caller, roles.DISPUTE_CLERK)
    now = deps.clock.now()
    with deps.uow() as tx:
        found = _to_answer(tx, caller, dispute_id)
        if found.state is not DisputeState.IN_REVIEW or found.handler != caller.subject:
            raise Conflict("请先受理这件异议申诉，由受理人答复")
        state = DisputeState.UPHELD if upheld else DisputeState.REJECTED
        closed = replace(found, state=state, answer=text, closed_at=now)
        return _close(deps, tx, caller, closed, now, sources={DisputeState.IN_REVIEW})


def _used(deps: Deps, tx: UnitOfWork, caller: Principal, identifier: str, now: datetime) -> Used:
    """The license or 电子材料 of the caller's that is named; NotFound."""
    if is_material_id(identifier):
        return right_to_material(tx, caller, identifier, now).material
    return right_to_show(deps, tx, caller, identifier, now).version


def _used_in(tx: UnitOfWork, disputes: Sequence[Dispute]) -> dict[str, Used]:
    """What disputes are about, by the id that they name."""
    ids = sorted({one.version_id for one in disputes})
    return {
        **tx.licenses.by_version_ids([one for one in ids if not is_material_id(one)]),
        **tx.materials.by_ids([one for one in ids if is_material_id(one)]),
    }


def _concerned(deps: Deps, tx: UnitOfWork, used: Used, body: DisputeBody) -> tuple[str, str]:
    """Who made the use, and the body that answers for it."""
    if body.about is DisputeAbout.CONTENT:
        if isinstance(used, Material):
            return "", heir(deps.catalog, used.authority_code, local_day(deps.clock.now()))
        return "", issuer_today(deps, used)
    if body.about is DisputeAbout.SCAN:
        scan = tx.inspections.scan(body.use_id)
        if scan is None or scan.version_id != used_id(used):
            raise NotFound(NO_USE_ZH)
        return scan.officer, scan.authority_code
    fetch = tx.sharing.fetch(body.use_id)
    if fetch is None or fetch.version_id != used_id(used) or fetch.hidden(deps.clock.now()):
        raise NotFound(NO_USE_ZH)
    return fetch.client_id, fetch.authority_code


def _to_answer(tx: UnitOfWork, caller: Principal, dispute_id: str) -> Dispute:
    found = tx.disputes.by_id(dispute_id)
    if found is None or found.authority_code != caller.authority_code:
        raise NotFound(NO_DISPUTE_ZH)
    if found.used_by == caller.subject:
        raise Forbidden("异议针对的是您本人的核验，请由其他人员办理")
    return found


def _close(
    deps: Deps,
    tx: UnitOfWork,
    caller: Principal,
    closed: Dispute,
    now: datetime,
    *,
    sources: Collection[DisputeState],
) -> Dispute:
    if not sources or not tx.disputes.move(closed, sources=sources):
        raise Conflict("这件异议申诉已经办结，或刚刚有人受理，请刷新后再看")
    used = _about(tx, closed)
    payload = DisputeClosed(
        dispute_id=closed.dispute_id,
        identifier=used_name(used),
        about=closed.about.value,
        authority_code=closed.authority_code,
        outcome=closed.state.value,
    )
    _tell(deps, tx, payload, used, now)
    _on_record(deps, tx, "dispute.closed", closed, used, caller, now)
    return closed


def _about(tx: UnitOfWork, dispute: Dispute) -> Used:
    used = _used_in(tx, [dispute]).get(dispute.version_id)
    if used is None:
        msg = "neither a version nor a material is ever deleted"
        raise RuntimeError(msg)
    return used


def _tell(deps: Deps, tx: UnitOfWork, payload: Payload, used: Used, now: datetime) -> None:
    event_id, source = deps.ids.new("evt"), deps.policy.event_source
    tx.outbox.add(payload.event(event_id=event_id, source=source, subject=used_name(used), at=now))


def _on_record(
    deps: Deps, tx: UnitOfWork, kind: str, one: Dispute, used: Used, caller: Principal, now: datetime
) -> None:
    content = {"dispute_id": one.dispute_id, "about": one.about.value, "state": one.state.value}
    record(tx, deps, kind=kind, subject=used_name(used), actor=caller.subject, content=content, at=now)
