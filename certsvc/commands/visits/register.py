"""执法人员名册: the register of a body's officers, kept by its registrar."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.shapes import Day, Line
from certsvc.errors import Conflict, FieldProblem, Forbidden, InvalidIdentifier, InvalidInput, NotFound
from certsvc.events.visit_payloads import OfficerChanged
from certsvc.identifiers.region import Region
from certsvc.license.officers import MAX_KINDS, MAX_OFFICERS, Officer, badge_fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.parties import Person

MAX_LISTED = 200
LONGEST_YEARS = 10
"""A badge is renewed long before; a later day is a slip of the keyboard."""

Kind = Annotated[str, Field(min_length=1, max_length=30)]


class OfficerBody(BaseModel):
    """名册中的一名执法人员."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    badge: str = Field(max_length=32, description="执法证号")
    name: Line = Field(min_length=1, max_length=50, description="姓名")
    subject: str = Field(default="", max_length=128, description="本系统账号；不用本系统的人员留空")
    unit: Line = Field(min_length=1, max_length=60, description="执法机构")
    kinds: tuple[Kind, ...] = Field(min_length=1, max_length=MAX_KINDS, description="执法类别")
    region: str = Field(max_length=6, description="执法区域，行政区划代码")
    valid_until: Day = Field(description="执法证有效期止")


class RegisterBody(BaseModel):
    """一次提交的人员；全部有效才登记."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    officers: tuple[OfficerBody, ...] = Field(min_length=1, max_length=MAX_OFFICERS)


def enter_officers(deps: Deps, caller: Principal, body: RegisterBody) -> Sequence[Officer]:
    """Enter officers of the own body, or change what their entries say; all or none, and a repeat changes nothing.

    Raises:
        InvalidInput: what is wrong, with a pointer per fault.
        Conflict: a badge of another body, or one that was ended.
        Forbidden: an account that may not be an officer of this body.
    """
    roles.require(caller, roles.OFFICER_REGISTRAR)
    if not deps.catalog.has_authority(caller.authority_code):
        raise Forbidden("您的账号没有所属机关，请联系系统管理员")
    now = deps.clock.now()
    problems = tuple(
        problem for index, one in enumerate(body.officers) for problem in _faults(deps, caller, one, index, now)
    )
    badges = [one.badge for one in body.officers]
    problems += tuple(
        FieldProblem(pointer=f"/officers/{index}/badge", code="duplicate", detail="执法证号重复")
        for index, badge in enumerate(badges)
        if badge in badges[:index]
    )
    if problems:
        raise InvalidInput("名册内容有误，未登记任何人员", problems=problems)
    with deps.uow() as tx:
        known = tx.officers.by_badges(badges)
        accounts = tx.access.persons([one.subject for one in body.officers if one.subject])
        entries = [_entry(caller, one, now) for one in body.officers]
        changed = [entry for entry in entries if not _says_the_same(entry, known.get(entry.badge))]
        for entry in changed:
            _may_change(entry, known.get(entry.badge))
            _may_be_bound(tx, entry, accounts, local_day(now))
        if not tx.officers.enter(changed):
            raise Conflict("有执法证号刚刚被停用，或已由其他机关登记，未登记任何人员，请刷新名册后重试")
        for entry in changed:
            _tell(deps, tx, entry, caller.subject, now)
        found = tx.officers.by_badges(badges)
    return [found[badge] for badge in badges]


def end_officer(deps: Deps, caller: Principal, badge: str) -> Officer:
    """End an entry, at once: whoever is in a visit under it sees nothing more. Asked again, the same answer.

    Raises:
        NotFound: no such entry on the register of the caller's body.
    """
    roles.require(caller, roles.OFFICER_REGISTRAR)
    now = deps.clock.now()
    with deps.uow() as tx:
        entry = tx.officers.by_badges([badge]).get(badge)
        if entry is None or entry.authority_code != caller.authority_code:
            raise NotFound("名册中没有这个执法证号")
        if tx.officers.end(badge, day=local_day(now)):
            entry = tx.officers.by_badges([badge])[badge]
            _tell(deps, tx, entry, caller.subject, now)
    return entry


def list_officers(deps: Deps, caller: Principal, *, behind: str = "") -> Sequence[Officer]:
    """The register of the caller's body, in the order of badges, ended entries too."""
    roles.require(caller, roles.OFFICER_REGISTRAR, roles.AUDITOR)
    with deps.uow.read() as tx:
        return tx.officers.of_authority(caller.authority_code, behind=behind, limit=MAX_LISTED)


def _faults(deps: Deps, caller: Principal, one: OfficerBody, index: int, now: datetime) -> Iterator[FieldProblem]:
    place = f"/officers/{index}"
    fault = badge_fault(one.badge, sandbox=deps.policy.sandbox)
    if fault:
        yield FieldProblem(pointer=f"{place}/badge", code="badge", detail=fault)
    trades = {kind.domain for kind in deps.catalog.types}
    unknown = sorted(set(one.kinds) - trades)
    if unknown:
        detail = f"没有这些执法类别：{'、'.join(unknown)}；可用：{'、'.join(sorted(trades))}"
        yield FieldProblem(pointer=f"{place}/kinds", code="unknown", detail=detail)
    try:
        own = deps.catalog.authority(caller.authority_code).region
        if not Region.parse(own).contains(Region.parse(one.region)):
            yield FieldProblem(pointer=f"{place}/region", code="region", detail="执法区域应在本机关的行政区域以内")
    except InvalidIdentifier as error:
        yield FieldProblem(pointer=f"{place}/region", code="region", detail=error.reason)
    today = local_day(now)
    if not today <= one.valid_until <= date(min(today.year + LONGEST_YEARS, date.max.year), 12, 31):
        detail = f"有效期止应在今天至 {LONGEST_YEARS} 年以内"
        yield FieldProblem(pointer=f"{place}/valid_until", code="day", detail=detail)


def _entry(caller: Principal, one: OfficerBody, now: datetime) -> Officer:
    return Officer(
        badge=one.badge,
        subject=one.subject,
        name=one.name,
        authority_code=caller.authority_code,
        unit=one.unit,
        kinds=tuple(dict.fromkeys(one.kinds)),
        region=one.region,
        valid_until=one.valid_until,
        ended_on=None,
        entered_by=caller.subject,
        entered_at=now,
    )


def _says_the_same(entry: Officer, known: Officer | None) -> bool:
    said = ("subject", "name", "authority_code", "unit", "kinds", "region", "valid_until", "ended_on")
    return known is not None and all(getattr(entry, name) == getattr(known, name) for name in said)


def _may_change(entry: Officer, known: Officer | None) -> None:
    """A badge stays with its person: neither another body nor a later registration takes it over."""
    if known is None:
        return
    if known.authority_code != entry.authority_code:
        raise Conflict(f"执法证号 {entry.badge} 已在其他机关的名册中，请核对")
    if known.ended_on is not None:
        raise Conflict(f"执法证号 {entry.badge} 已于 {known.ended_on} 停用，不再启用，请以新证号登记")


def _may_be_bound(tx: UnitOfWork, entry: Officer, accounts: Mapping[str, Person], today: date) -> None:
    """An account is an officer of this body, and has one badge in force."""
    if not entry.subject:
        return
    person = accounts.get(entry.subject)
    if person is None or roles.OFFICER not in person.roles or person.authority_code != entry.authority_code:
        raise Forbidden(f"账号 {entry.subject} 不是本机关的执法人员账号，请先由系统管理员绑定")
    others = [one for one in tx.officers.of_subject(entry.subject) if one.badge != entry.badge and one.in_force(today)]
    if others:
        raise Conflict(f"账号 {entry.subject} 已绑定执法证号 {others[0].badge}，请先停用原证号")


def _tell(deps: Deps, tx: UnitOfWork, entry: Officer, actor: str, now: datetime) -> None:
    payload = OfficerChanged(
        badge=entry.badge,
        authority_code=entry.authority_code,
        kinds=list(entry.kinds),
        valid_until=entry.valid_until.isoformat(),
        ended=entry.ended_on is not None,
    )
    event_id, source = deps.ids.new("evt"), deps.policy.event_source
    tx.outbox.add(payload.event(event_id=event_id, source=source, subject=entry.badge, at=now))
    content = {"authority_code": entry.authority_code, "kinds": list(entry.kinds), "ended": payload.ended}
    record(tx, deps, kind="officer.changed", subject=entry.badge, actor=actor, content=content, at=now)
