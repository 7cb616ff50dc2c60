"""Cases, sheets, takings and tickets of counters, on both databases."""

from __future__ import annotations

import dataclasses
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from counter_records import COUNTER, DUE, MARKET, SECRETS, make_case, make_sheet, make_taking, make_ticket
from sqlalchemy import text
from store_records import T0

from certsvc.license.counter import TakingKind
from certsvc.license.tickets import TicketState
from certsvc.store.engine import Store


@pytest.fixture
def desk(store: Store) -> Store:
    """A store with one case."""
    with store.uow() as tx:
        assert tx.counter.open(make_case())
        tx.counter.add_sheet(make_sheet(make_case()))
    return store


def test_a_case_number_is_one_case_of_its_counter(desk: Store) -> None:
    with desk.uow() as tx:
        assert not tx.counter.open(make_case(2, case_no="KB-0001"))
        assert tx.counter.open(make_case(3, case_no="KB-0001", counter_code=MARKET))
        assert tx.counter.case(COUNTER, "KB-0001") == make_case()
        assert tx.counter.case(COUNTER, "KB-0009") is None


def test_sheets_are_versions_and_a_version_is_made_once(desk: Store) -> None:
    second = make_case(version=2, exempt=0, outage=True, updated_at=T0 + timedelta(hours=1))
    with desk.uow() as tx:
        assert tx.counter.turn(second)
        assert not tx.counter.turn(second), "the version before it stands no more"
        tx.counter.add_sheet(make_sheet(second, 2))
        assert tx.counter.case(COUNTER, "KB-0001") == second
        found = tx.counter.sheets("cas_000001", limit=5)
        assert [sheet.version for sheet in found] == [2, 1]
        assert found[1] == make_sheet(make_case())
        assert len(tx.counter.sheets("cas_000001", limit=1)) == 1


def test_a_row_is_taken_once_also_by_many_at_once(desk: Store) -> None:
    def attempt(n: int) -> bool:
        with desk.uow() as tx:
            return tx.counter.take(make_taking(n, material="same"))

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(attempt, range(1, 9))) == {True: 1, False: 7}
    with desk.uow.read() as tx:
        [one] = tx.counter.takings("cas_000001")
    assert one == make_taking(int(one.taking_id[4:]), material="same")


def test_what_is_to_come_is_listed_warned_of_once_and_done_once(desk: Store) -> None:
    later = {"kind": TakingKind.LATER, "counts": False, "reason": ""}
    with desk.uow() as tx:
        for n, day in ((1, DUE), (2, DUE - timedelta(days=3)), (3, DUE + timedelta(days=9))):
            assert tx.counter.take(make_taking(n, due_on=day, **later))
        assert tx.counter.take(make_taking(4))
        assert [one.taking_id[-1] for one in tx.counter.to_come(COUNTER, limit=9)] == ["2", "1", "3"]
        assert tx.counter.to_come(MARKET, limit=9) == []
        assert [one.taking_id[-1] for one in tx.counter.to_warn(due=DUE, limit=9)] == ["2", "1"]
        assert tx.counter.warned("tak_000002", now=T0)
        assert not tx.counter.warned("tak_000002", now=T0)
        assert [one.taking_id[-1] for one in tx.counter.to_warn(due=DUE, limit=9)] == ["1"]
        assert tx.counter.done("tak_000001", now=T0)
        assert not tx.counter.done("tak_000001", now=T0)
        assert not tx.counter.done("tak_000004", now=T0), "nothing was to come"
        assert tx.counter.to_warn(due=DUE, limit=9) == []


def test_tallies_count_cases_exempt_rows_and_paper_of_their_period(desk: Store) -> None:
    with desk.uow() as tx:
        assert tx.counter.open(make_case(2, exempt=3))
        assert tx.counter.open(make_case(3, opened_at=T0 + timedelta(days=2)))
        assert tx.counter.take(make_taking(1))
        assert tx.counter.take(make_taking(2, counts=False))
        assert tx.counter.take(make_taking(3, at=T0 + timedelta(days=2)))
        [one] = tx.counter.tallies(begin=T0, end=T0 + timedelta(days=1))
        assert (one.cases, one.exempt, one.taken) == (2, 5, 1)
        assert tx.counter.tallies(begin=T0 + timedelta(days=9), end=T0 + timedelta(days=10)) == []


def test_a_ticket_moves_by_its_states_and_is_read_as_written(store: Store) -> None:
    with store.uow() as tx:
        tx.tickets.insert(make_ticket())
        assert tx.tickets.by_id("tkt_000001") == make_ticket()
        accepted = make_ticket(state=TicketState.ACCEPTED, handler="h", accepted_at=T0)
        assert tx.tickets.move(accepted, sources={TicketState.OPEN})
        assert not tx.tickets.move(accepted, sources={TicketState.OPEN})
        answered = dataclasses.replace(
            accepted, state=TicketState.CORRECTED, answer=SECRETS[5], request_id="req_1", answered_at=T0
        )
        assert tx.tickets.move(answered, sources={TicketState.ACCEPTED})
        assert tx.tickets.by_id("tkt_000001") == answered
        assert tx.tickets.by_id("tkt_000009") is None


def test_both_sides_list_tickets_and_overdue_ones_are_marked_once(store: Store) -> None:
    with store.uow() as tx:
        for n in (1, 2, 3):
            tx.tickets.insert(make_ticket(n, due_on=DUE + timedelta(days=n)))
        tx.tickets.insert(make_ticket(4, state=TicketState.CORRECTED))
        assert [one.ticket_id[-1] for one in tx.tickets.of_counter(COUNTER, limit=2)] == ["4", "3"]
        behind = (make_ticket(3).opened_at, "tkt_000003")
        assert [one.ticket_id[-1] for one in tx.tickets.of_issuer(MARKET, limit=9, behind=behind)] == ["2", "1"]
        assert tx.tickets.of_issuer(COUNTER, limit=9) == []
        assert tx.tickets.count_unanswered(COUNTER) == 3
        assert [one.ticket_id[-1] for one in tx.tickets.past(today=DUE + timedelta(days=3), limit=9)] == ["1", "2"]
        assert tx.tickets.mark_overdue("tkt_000001", now=T0)
        assert not tx.tickets.mark_overdue("tkt_000001", now=T0)
        assert not tx.tickets.mark_overdue("tkt_000004", now=T0), "it was answered"
        assert [one.ticket_id[-1] for one in tx.tickets.past(today=DUE + timedelta(days=3), limit=9)] == ["2"]


def test_nothing_personal_can_be_read_in_the_tables(desk: Store) -> None:
    with desk.uow() as tx:
        assert tx.counter.take(make_taking())
        tx.tickets.insert(make_ticket(state=TicketState.CORRECTED, answer=SECRETS[5]))
    with desk._engines[-1].connect() as connection:
        for table in ("counter_cases", "counter_sheets", "counter_takings", "counter_tickets"):
            for row in connection.execute(text(f"SELECT * FROM {table}")):
                seen = b"".join(bytes(one) if isinstance(one, bytes | memoryview) else str(one).encode() for one in row)
                assert not [secret for secret in SECRETS if secret.encode() in seen], table
