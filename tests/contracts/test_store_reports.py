"""Reports upward and the rows behind reconciliations, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from store_records import ISSUER, T0, make_request, make_version

from certsvc.license.books import Period
from certsvc.license.reports import Report, ReportState
from certsvc.license.states import State
from certsvc.store.engine import Store
from certsvc.store.ledger import DiskLedger


def report(n: int, state: State = State.VALID, **changes: Any) -> Report:
    made = Report(
        identifier=f"1.2.156.{n // 10}",
        state=state,
        report_id=f"evt_{n}",
        position=n,
        status=ReportState.WAITING,
        attempts=0,
        ready_at=T0,
    )
    return replace(made, **changes)


def test_reports_of_one_license_go_in_order_and_those_of_others_are_not_held_up(store: Store) -> None:
    issued, revoked, other = report(10), report(11, State.REVOKED), report(20)
    with store.uow() as tx:
        tx.reports.queue([issued, revoked, other])
        tx.reports.queue([replace(issued, ready_at=T0 + timedelta(days=1))])
    with store.uow.read() as tx:
        assert list(tx.reports.due(now=T0, limit=9)) == [issued, other]
        assert list(tx.reports.due(now=T0 - timedelta(seconds=1), limit=9)) == []
    later = T0 + timedelta(minutes=1)
    with store.uow() as tx:
        assert tx.reports.put_off(issued, ready_at=later)
        assert tx.reports.accept(other, now=T0)
        assert not tx.reports.accept(other, now=T0), "once"
    with store.uow() as tx:
        assert list(tx.reports.due(now=T0, limit=9)) == [], "what is behind another waits with it"
        assert list(tx.reports.due(now=later, limit=9)) == [replace(issued, attempts=1, ready_at=later)]
        assert tx.reports.reject(issued, "持证主体代码有误", now=later)
        assert list(tx.reports.due(now=later, limit=9)) == [revoked], "a rejected one holds up nothing"
        assert tx.reports.counts() == {
            ReportState.WAITING: 1,
            ReportState.ACCEPTED: 1,
            ReportState.REJECTED: 1,
        }
        (told,) = tx.reports.of(ReportState.REJECTED, after=0, limit=9)
        assert (told.reason, told.acknowledged_at) == ("持证主体代码有误", later)
        assert [one.position for one in tx.reports.of(None, after=10, limit=9)] == [11, 20]
        assert tx.reports.again("1.2.156.9", now=later) == 0
        assert tx.reports.again(None, now=later) == 1
        assert list(tx.reports.due(now=later, limit=9)) == [replace(issued, ready_at=later)]


def test_a_state_that_comes_again_is_a_new_report_and_an_answer_to_the_old_one_does_not_end_it(store: Store) -> None:
    first, again = report(10), report(12)
    again = replace(again, identifier=first.identifier)
    with store.uow() as tx:
        tx.reports.queue([first])
        tx.reports.queue([again])
        assert not tx.reports.accept(first, now=T0)
        assert list(tx.reports.due(now=T0, limit=9)) == [again]
        tx.reports.accept(again, now=T0)
        tx.reports.queue([first, again])
        assert list(tx.reports.due(now=T0, limit=9)) == [], "events that come again change nothing"


def test_what_an_authority_issued_is_read_in_pages_by_day_and_by_business_number(store: Store) -> None:
    with store.uow() as tx:
        for n in range(1, 6):
            tx.requests.insert(make_request(n, version_id=f"ver_{n:06d}" if n < 5 else ""))
        for n in range(1, 5):
            tx.licenses.insert(make_version(n, issued_on=date(2026, 3, 1 + n // 3)))
    period = Period(first=date(2026, 3, 1), last=date(2026, 3, 2))
    found, place = [], ""
    with store.uow.read() as tx:
        while rows := tx.reconciling.issued_in(ISSUER, period, after=place, limit=3):
            found += [row.business_no for row in rows]
            place = rows[-1].place
        assert found == [f"YW-{n:06d}" for n in (1, 2, 3, 4)]
        day = Period(first=date(2026, 3, 1), last=date(2026, 3, 1))
        assert len(tx.reconciling.issued_in(ISSUER, day, after="", limit=9)) == 2
        assert tx.reconciling.issued_in("another", period, after="", limit=9) == []
        rows = tx.reconciling.issued_under(ISSUER, ["YW-000001", "YW-000005", "YW-000009"])
    version = make_version(1)
    assert [(row.business_no, row.request_state, row.identifier, row.sha256) for row in rows] == [
        ("YW-000001", "accepted", version.identifier, version.artifact.sha256),
        ("YW-000005", "accepted", "", ""),
    ]


def test_the_ledger_counts_both_sides_by_topic() -> None:
    ledger = DiskLedger()
    ledger.expect("a", ["1", "2", "2", "3"])
    ledger.see("a", ["2", "3", "3", "4"])
    ledger.see("b", ["1"])
    assert ledger.short("a", after="", limit=9) == [("1", 0), ("2", 1)]
    assert ledger.short("a", after="1", limit=9) == [("2", 1)]
    assert ledger.over("a", after="", limit=9) == [("3", 2), ("4", 1)]
    assert ledger.expected("a", after="", limit=2) == ["1", "2"]
    assert set(ledger.drawn("a", 9)) == {"1", "2", "3"}
    ledger.close()
