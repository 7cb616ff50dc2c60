"""Records of 电子监察 for tests of the store, and every operation of its nouns once."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from typing import Any

from store_records import T0

from certsvc.commands.store_ports import UnitOfWork
from certsvc.license.case_clocks import CaseClock, CaseState
from certsvc.license.complaints import Complaint, ComplaintState
from certsvc.license.figures import DayCount, QualityCount
from certsvc.license.ratings import Channel, MendState, Service
from certsvc.license.supervision import Card, CardState, ClockKind, Colour

BODY, OTHER = "11990000MB0000019F", "11990000MB0000086D"
DUE = date(2026, 3, 9)
DAY = date(2026, 3, 2)
SECRETS = (
    "承办人示例赵",
    "系统升级导致超期",
    "说明认可",
    "服务人示例钱",
    "态度生硬",
    "已当面致歉",
    "回访满意",
    "投诉人示例孙",
    "0990-000000",
    "多次要求纸质件",
)


def make_case(n: int = 1, **changes: Any) -> CaseClock:
    case = CaseClock(
        case_id=f"cck_{n:06d}",
        authority_code=BODY,
        case_no=f"KB-{n:04d}",
        matter_code="matter-1",
        handler=SECRETS[0],
        limit=20,
        used=0,
        counted_from=DAY,
        due_on=DUE,
        state=CaseState.RUNNING,
        stop_reason="",
        stops=0,
        accepted_at=T0,
        last_at=T0,
        said_at=T0,
    )
    return dataclasses.replace(case, **changes)


def make_card(n: int = 1, **changes: Any) -> Card:
    card = Card(
        card_id=f"crd_{n:06d}",
        clock=ClockKind.CASE,
        subject=f"cck_{n:06d}",
        colour=Colour.YELLOW,
        department=BODY,
        handler=SECRETS[0],
        about="matter-1",
        since=T0,
        due_on=DUE,
        raised_at=T0 + timedelta(seconds=n),
        answer_due_on=DUE,
    )
    return dataclasses.replace(card, **changes)


def make_service(n: int = 1, **changes: Any) -> Service:
    service = Service(
        service_id=f"svc_{n:06d}",
        token="",
        authority_code=BODY,
        matter_code="matter-1",
        case_no=f"KB-{n:04d}",
        channel=Channel.COUNTER,
        handler=SECRETS[3],
        completed_at=T0,
        expires_at=T0 + timedelta(days=30),
    )
    return dataclasses.replace(service, **changes)


def rated(service: Service, n: int = 1, **changes: Any) -> Service:
    bad = dataclasses.replace(
        service,
        mark=1,
        reasons=("rude",),
        text=SECRETS[4],
        rated_at=T0 + timedelta(seconds=n),
        mend=MendState.OPEN,
        due_on=DUE,
        rounds=1,
    )
    return dataclasses.replace(bad, **changes)


def make_complaint(n: int = 1, **changes: Any) -> Complaint:
    complaint = Complaint(
        complaint_id=f"cpl_{n:06d}",
        authority_code=BODY,
        matter_code="matter-1",
        case_no="KB-0001",
        filed_by="holder-1",
        name=SECRETS[7],
        contact=SECRETS[8],
        text=SECRETS[9],
        filed_at=T0 + timedelta(seconds=n),
        due_on=DUE,
    )
    return dataclasses.replace(complaint, **changes)


def make_count(measure: str = "issued", **changes: Any) -> DayCount:
    count = DayCount(day=DAY, measure=measure, department=BODY, type_slug="food_operation", about="", value=1)
    return dataclasses.replace(count, **changes)


def run_supervision(tx: UnitOfWork) -> None:
    """Every operation of every noun, each having an effect."""
    _clocks(tx)
    tx.day_counts.add([make_count(), make_count("accepted")])
    tx.day_counts.replace(DAY, "finished", BODY, [make_count("finished")])
    for body in ("", BODY):
        assert len(tx.day_counts.sums(first=DAY, last=DAY, department=body)) == 3
        assert len(tx.day_counts.daily(first=DAY, last=DAY, department=body)) == 3
    tx.day_counts.scenes({("identifier", T0)})
    tx.day_counts.requests({"r"})
    assert tx.day_counts.begin_sweep(DAY)
    assert tx.day_counts.began() == DAY
    sweep = tx.day_counts.sweep()
    assert sweep is not None
    found = [QualityCount(department=BODY, type_slug="t", defect="", value=2)]
    assert tx.day_counts.keep_sweep(sweep, place="", looked=2, found=found, now=T0)
    for body in ("", BODY):
        assert tx.day_counts.quality(department=body) == (DAY, found)
    service = make_service()
    assert tx.services.insert(service, token_sha256="d")
    assert tx.services.by_id(service.service_id) == tx.services.by_token("d") == service
    assert tx.services.of_case(BODY, service.case_no, "counter") == service
    assert not tx.services.case_known(BODY, "none", counter_code=OTHER)
    service = dataclasses.replace(service, codes=2)
    assert tx.services.renew_code(service, token_sha256="e")
    assert tx.services.by_token("d") is None
    assert tx.services.by_token("e") == service
    assert tx.services.rate(rated(service))
    complaint = make_complaint()
    tx.complaints.insert(complaint)
    assert tx.complaints.by_id(complaint.complaint_id) == complaint
    assert tx.complaints.count_open("holder-1") == 1
    for behind in (None, (T0 + timedelta(days=1), "")):
        assert tx.complaints.of_filer("holder-1", limit=1, behind=behind)
        for body in ("", BODY):
            assert tx.services.mends(body, MendState.OPEN, limit=1, behind=behind)
            assert tx.complaints.of(body, ComplaintState.FILED, limit=1, behind=behind)
    _late(tx)
    assert tx.services.mend(rated(service, mend=MendState.ANSWERED), source=MendState.OPEN)
    moved = dataclasses.replace(complaint, state=ComplaintState.ACCEPTED)
    assert tx.complaints.move(moved, sources={ComplaintState.FILED}, writes={"handler"})


def _clocks(tx: UnitOfWork) -> None:
    case, card = make_case(), make_card()
    assert tx.case_clocks.open(case)
    assert tx.case_clocks.of(BODY, case.case_no) == case
    later = dataclasses.replace(case, used=1, last_at=T0 + timedelta(hours=1))
    assert tx.case_clocks.move(later, source=CaseState.RUNNING, last_at=T0)
    assert tx.cards.open(card)
    assert tx.cards.by_id(card.card_id) == card
    for body in ("", BODY):
        assert tx.cards.tally(begin=T0, end=T0 + timedelta(days=1), department=body)
        for behind in (None, (T0 + timedelta(days=1), "")):
            assert tx.cards.of(body, CardState.OPEN, limit=1, behind=behind)
    answered = dataclasses.replace(card, state=CardState.ANSWERED, answer=SECRETS[1])
    assert tx.cards.move(answered, sources={CardState.OPEN})
    assert tx.cards.merge(card.clock, card.subject)


def _late(tx: UnitOfWork) -> None:
    for clock in ClockKind:
        for colour in Colour:
            tx.cards.late(clock, colour, due=DUE, begun_before=T0 + timedelta(days=1), began=T0, limit=1)
    [case] = tx.cards.late(ClockKind.CASE, Colour.RED, due=DUE, begun_before=T0, began=T0, limit=9)
    assert (case.subject, case.handler, case.due_on) == ("cck_000001", SECRETS[0], DUE)
    [mend] = tx.cards.late(ClockKind.MEND, Colour.RED, due=DUE, begun_before=T0, began=T0, limit=9)
    assert (mend.subject, mend.handler) == ("svc_000001", SECRETS[3])
