"""Inspections that an officer made without network arrive: each once, judged again as of then and as of now.

A record is never taken for what the device made of it: the register says what it would have answered at that moment and
what it answers now, and the difference is told. One bad record keeps no other from being taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.devices.enrol import device_of
from certsvc.commands.evidence.record import record as on_record
from certsvc.commands.evidence.rows import rows_of
from certsvc.commands.offline.carried import NO_LICENSE, append_outcome, duties_then, outcome_fault
from certsvc.commands.offline.look import OfflineLook, known_cores, look
from certsvc.commands.showing.codes import read_code
from certsvc.commands.showing.scan_code import announce
from certsvc.commands.verifying.facts import amber_reasons, reason_of
from certsvc.commands.verifying.stands import rules_for
from certsvc.commands.visits.repeats import name_who_is_visited
from certsvc.errors import InvalidInput
from certsvc.license import inspections as flag
from certsvc.license.devices import DeviceKind
from certsvc.license.history import as_known, facts_known
from certsvc.license.inspections import (
    DECIDED,
    MAX_AGE,
    MAX_AHEAD,
    MAX_RECORDS,
    RECORD_ID,
    InspectionRecord,
    QueuedInspection,
)
from certsvc.license.offline import TOLERANCE_S, OfflineCode
from certsvc.license.standing import standing
from certsvc.license.uses import Scan
from certsvc.seal.verdict import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.devices import Device
    from certsvc.license.facts import Fact
    from certsvc.license.model import LicenseVersion, MoveRecord
    from certsvc.license.standing import Standing
    from certsvc.license.visits import Duty

RECORDED, REPEATED, REFUSED = "recorded", "repeated", "refused"
GREEN = "green"


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordAnswer:
    """What became of one record.

    Attributes:
        state: ``recorded`` now, ``repeated`` when it was taken before (the same answer), or ``refused``.
        code, detail: why it was refused, for programs and in Chinese.
    """

    record_id: str
    state: str
    record: InspectionRecord | None = None
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Register:
    """What is known about the licenses behind the codes of a batch, and about the visits that it names."""

    looks: Mapping[str, OfflineLook]
    facts: Mapping[str, Sequence[Fact]]
    moves: Mapping[str, Sequence[MoveRecord]]
    duties: Mapping[str, Duty]
    """by record, where the officer was in the visit"""


def take_inspections(
    deps: Deps, caller: Principal, *, device_id: str, records: Sequence[QueuedInspection]
) -> tuple[RecordAnswer, ...]:
    """Take a batch in one transaction; an answer for each record, in their order.

    A device that was blocked may still deliver what it has; its records are flagged.

    Raises:
        NotFound: not a device of the caller.
        InvalidInput: no records, or more than :data:`MAX_RECORDS`.
    """
    roles.require(caller, roles.OFFICER, roles.CLERK)
    if not 1 <= len(records) <= MAX_RECORDS:
        raise InvalidInput(f"一批请送 1 至 {MAX_RECORDS} 条检查记录")
    now = deps.clock.now()
    refused = {id(one): why for one in records if (why := _fault(one, now) or outcome_fault(caller, one, now))}
    fresh: dict[str, QueuedInspection] = {}
    for one in records:
        if id(one) not in refused:
            fresh.setdefault(one.record_id, one)
    # The signatures are checked before the transaction begins: it should be short.
    opened = {one.record_id: _open(deps, one.code) for one in fresh.values()}
    with deps.uow() as tx:
        device = device_of(tx, caller, device_id, DeviceKind.OFFICER)
        known = tx.queued_inspections.of_device(device_id, list(fresh))
        new = [one for one in fresh.values() if one.record_id not in known]
        added, gone = _take(deps, tx, caller, device, new, opened, now)
        known = {**known, **tx.queued_inspections.of_device(device_id, [one.record_id for one in new])}
    first = {one.record_id for one in new if one.record_id in added}
    answers = []
    for one in records:
        if why := refused.get(id(one)) or (NO_LICENSE if one.record_id in gone else None):
            answers.append(RecordAnswer(record_id=one.record_id, state=REFUSED, code=why[0], detail=why[1]))
            continue
        answers.append(_answer(one, known[one.record_id], first=one.record_id in first))
        first.discard(one.record_id)
    return tuple(answers)


def _fault(one: QueuedInspection, now: datetime) -> tuple[str, str] | None:
    """Why a record is not taken."""
    if not RECORD_ID.fullmatch(one.record_id):
        return "bad_record_id", "记录编号应为 16 至 64 位字母、数字、下划线或连字符，由设备随机生成"
    if one.made_at < now - MAX_AGE:
        return "too_old", f"检查记录超过 {MAX_AGE.days} 天，不再接收，请按纸质流程补录"
    if one.made_at > now + MAX_AHEAD:
        return "bad_time", "检查时间晚于现在一年以上，请校准设备时间后改正"
    if not (DECIDED.fullmatch(one.light) and DECIDED.fullmatch(one.reason)):
        return "bad_decision", "设备当时的结论（light、reason）应为不超过 64 位的结论代码"
    return None


_LEADS_NOWHERE: dict[str, Reason] = {
    "show": Reason.CODE_EXPIRED,
    "printed": Reason.CANNOT_CHECK_NOW,
    "challenge": Reason.CODE_FOR_HOLDER,
}


def _open(deps: Deps, text: str) -> OfflineCode | Reason:
    """The code; online and printed codes cannot be judged without network, and lead nowhere afterwards."""
    kind = read_code(text, deps.policy.public_base).kind
    if kind == "offline":
        return deps.offline.open(text.strip())
    return _LEADS_NOWHERE.get(kind, Reason.NOT_OURS)


def _take(
    deps: Deps,
    tx: UnitOfWork,
    caller: Principal,
    device: Device,
    new: Sequence[QueuedInspection],
    opened: Mapping[str, OfflineCode | Reason],
    now: datetime,
) -> tuple[frozenset[str], frozenset[str]]:
    """Store records that were not taken before, with all that they carry, their events and evidence.

    Returns the ids of those stored, and of those that say what came of a license that there is not.
    """
    if not new:
        return frozenset(), frozenset()
    register = _register(tx, caller, new, opened, now)
    gone = frozenset(one.record_id for one in new if one.said and register.looks[one.record_id].version is None)
    queued = {one.record_id: one for one in new if one.record_id not in gone}
    judged = [_judge(deps, device, one, register, now) for one in queued.values()]
    added = frozenset(tx.queued_inspections.add_all(judged)) if judged else frozenset()
    if not added:
        return added, gone
    taken = [one for one in judged if one.record_id in added]
    shown = [
        (duty, version)
        for one in taken
        if (duty := register.duties.get(one.record_id)) and (version := register.looks[one.record_id].version)
    ]
    name_who_is_visited(deps, tx, shown, now)
    scans = [_scan(caller, one, register, now) for one in taken]
    tx.showing.insert_scans(scans)
    for one, scan in zip(taken, scans, strict=True):
        version = register.looks[one.record_id].version
        if version is not None:
            announce(deps, tx, version, scan)
            append_outcome(deps, tx, queued[one.record_id], scan, version, now)
    content = {
        "badge": caller.name,
        "records": [{"record_id": one.record_id, "scan_id": one.scan_id, "then": one.then} for one in taken],
        "rows": rows_of(scans),
    }
    on_record(
        tx,
        deps,
        kind="inspections.received",
        subject=device.device_id,
        actor=caller.subject,
        content=content,
        at=now,
    )
    return added, gone


def _register(
    tx: UnitOfWork,
    caller: Principal,
    new: Sequence[QueuedInspection],
    opened: Mapping[str, OfflineCode | Reason],
    now: datetime,
) -> _Register:
    known = known_cores(tx, [one for one in opened.values() if isinstance(one, OfflineCode)])
    versions = list(known.versions.values())
    return _Register(
        looks={one.record_id: look(opened[one.record_id], known, _moment(one, now)) for one in new},
        facts=tx.facts.of_many([version.license_id for version in versions]),
        moves=tx.licenses.moves_of_all([version.version_id for version in versions]),
        duties=duties_then(tx, caller, new, now),
    )


def _judge(deps: Deps, device: Device, one: QueuedInspection, register: _Register, now: datetime) -> InspectionRecord:
    """One record: what the register says of the moment it was made, and of now."""
    found, made = register.looks[one.record_id], _moment(one, now)
    flags: list[str] = []
    if device.blocked_before(now):
        flags.append(flag.AFTER_BLOCK if device.blocked_before(made) else flag.RECEIVED_AFTER_BLOCK)
    if one.made_at > now + timedelta(seconds=TOLERANCE_S):
        flags.append(flag.CLOCK_AHEAD)
    then = today = found.reason or Reason.CODE_UNKNOWN
    good = False
    if found.version is not None:
        before = _standing(deps, register, found.version, made)
        after = _standing(deps, register, found.version, now)
        then, today = _word(before), _word(after)
        good = before is not None and before.good
        if after is not None and good != after.good:
            flags.append(flag.ENDED_MEANWHILE if good else flag.GOOD_MEANWHILE)
    if one.light == GREEN and not good:
        flags.append(flag.DECIDED_OTHERWISE)
    if one.visit_id and one.record_id not in register.duties:
        flags.append(flag.NOT_IN_VISIT)
    return InspectionRecord(
        device_id=device.device_id,
        record_id=one.record_id,
        digest=one.digest(),
        scan_id=deps.ids.new("scn"),
        made_at=one.made_at,
        received_at=now,
        light=one.light,
        reason=one.reason,
        identity_checked=one.identity_checked,
        then=then.value,
        now=today.value,
        flags=tuple(flags),
    )


def _standing(deps: Deps, register: _Register, version: LicenseVersion, at: datetime) -> Standing | None:
    """How a version stood at ``at``, by what was on the register then; None before its registration."""
    known = as_known(version, register.moves[version.version_id], at)
    if known is None:
        return None
    return standing(known, facts_known(register.facts[version.license_id], at), rules_for(deps, version), at)


def _word(how: Standing | None) -> Reason:
    if how is None:
        return Reason.LICENSE_NOT_REGISTERED_THEN
    return next(iter(amber_reasons(how)), reason_of(how)) if how.good else reason_of(how)


def _scan(caller: Principal, one: InspectionRecord, register: _Register, now: datetime) -> Scan:
    """The inspection record as the authority and the holder see it, at the time at which it was made."""
    found, duty = register.looks[one.record_id], register.duties.get(one.record_id)
    return Scan(
        scan_id=one.scan_id,
        code_kind="offline",
        show_id=found.core_id,
        version_id=found.version.version_id if found.version else "",
        officer=caller.subject,
        authority_code=caller.authority_code,
        badge=duty.officer.badge if duty else caller.name,
        scene="",
        outcome=one.then,
        fields=(),
        at=min(one.made_at, now),
        visit_id=duty.visit.visit_id if duty else "",
    )


def _moment(one: QueuedInspection, now: datetime) -> datetime:
    """When it was made, but never later than now."""
    return min(one.made_at, now)


def _answer(one: QueuedInspection, known: InspectionRecord, *, first: bool) -> RecordAnswer:
    if known.digest != one.digest():
        detail = "这个记录编号已用于另一条检查记录，请为每条记录生成新的编号"
        return RecordAnswer(record_id=one.record_id, state=REFUSED, code="record_id_reused", detail=detail)
    return RecordAnswer(record_id=one.record_id, state=RECORDED if first else REPEATED, record=known)
