"""What the console reads, on both databases: pages of the register, numbers across types, the backlog, leaves."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from store_records import DAY_START, T0, make_client, make_evidence_row, make_request, make_version

from certsvc.license.figures import DayCount, Measure
from certsvc.license.request import RequestState
from certsvc.store.engine import Store

DAY = DAY_START.date()
NOW = T0 + timedelta(hours=1)


def test_the_register_is_read_newest_first_in_pages_that_look_at_few_rows(store: Store) -> None:
    made = [make_version(number) for number in range(1, 8)]
    with store.uow() as tx:
        tx.licenses.insert_all(made)
    newest = sorted((one.version_id for one in made), reverse=True)
    kind, state = made[0].type_slug, made[0].state.value
    seen: list[str] = []
    place = ""
    with store.uow.read() as tx:
        while True:
            found, place = tx.console.newest_behind(place, type_slug="", state="", look_at=3, limit=2)
            seen += [one.version_id for one in found]
            assert len(found) <= 2
            if not place:
                break
        assert seen == newest
        fitting, _ = tx.console.newest_behind("", type_slug=kind, state=state, look_at=99, limit=99)
        assert [one.version_id for one in fitting] == newest
        none, place = tx.console.newest_behind("", type_slug="nothing", state="", look_at=3, limit=2)
        assert (none, place) == ([], newest[2])
        found_by = tx.console.numbered(["nothing", kind], made[3].number, limit=9)
        assert [one.version_id for one in found_by] == [made[3].version_id]
        assert tx.console.numbered(["nothing"], made[3].number, limit=9) == []


def test_the_newest_are_read_whatever_the_order_of_the_database_puts_last(store: Store) -> None:
    """Under en_US a tilde stands before every letter; here an id stands behind every tilde."""
    first = make_version(1)
    artifact = dataclasses.replace(first.artifact, version_id="~~last")
    last = dataclasses.replace(first, version_id="~~last", artifact=artifact)
    with store.uow() as tx:
        tx.licenses.insert_all([last, make_version(2)])
        found, place = tx.console.newest_behind("", type_slug="", state="", look_at=9, limit=1)
    assert ([one.version_id for one in found], place) == (["~~last"], "~~last")


def test_a_hastened_request_has_its_tries_again_and_is_not_taken_with_others(store: Store) -> None:
    request = make_request(1)
    with store.uow() as tx:
        tx.access.upsert_client(make_client(1))
        assert tx.requests.insert(request)
        for turn in range(12):
            held = tx.requests.claim(worker="w", token=f"t{turn}", now=NOW, lease_s=60)
            assert held is not None
            assert tx.requests.fail(
                request.request_id, claim_token=f"t{turn}", code="x", detail="", next_try_at=NOW, now=NOW
            )
        assert tx.console.hasten(request.request_id, now=NOW)
        held = tx.requests.claim(worker="w", token="u", now=NOW, lease_s=60)
    assert held is not None
    assert held.request.attempts == 2


def test_a_failed_request_is_hastened_and_no_other(store: Store) -> None:
    request = make_request(1)
    with store.uow() as tx:
        tx.access.upsert_client(make_client(1))
        assert tx.requests.insert(request)
        assert not tx.console.hasten(request.request_id, now=NOW)
        held = tx.requests.claim(worker="w", token="t", now=NOW, lease_s=60)
        assert held is not None
        assert not tx.console.hasten(request.request_id, now=NOW)
        later = NOW + timedelta(hours=1)
        assert tx.requests.fail(request.request_id, claim_token="t", code="x", detail="", next_try_at=later, now=NOW)
        assert tx.requests.claim(worker="w", token="u", now=NOW, lease_s=60) is None
        assert tx.console.backlog(RequestState.FAILED, before=later, most=9) == [("x", 1, NOW)]
        assert tx.console.backlog(RequestState.FAILED, before=NOW, most=9) == []
        assert tx.console.backlog(RequestState.ACCEPTED, before=later, most=9) == []
        assert tx.console.hasten(request.request_id, now=NOW)
        assert tx.requests.claim(worker="w", token="u", now=NOW, lease_s=60) is not None
        # Claimed again, and not failed since: whoever works on it is left alone.
        assert not tx.console.hasten(request.request_id, now=NOW)
        body, number = request.payload.authority_code, request.payload.business_no
        assert [one.request_id for one in tx.console.of_business(["b", body], number, limit=9)] == [request.request_id]
        assert tx.console.of_business(["b"], number, limit=9) == []


def test_the_oldest_of_a_state_are_not_crowded_out_by_those_of_another(store: Store) -> None:
    waits, fails = make_request(1), make_request(2)
    with store.uow() as tx:
        tx.access.upsert_client(make_client(1))
        assert tx.requests.insert(fails)
        assert tx.requests.claim(worker="w", token="t", now=NOW, lease_s=60) is not None
        later = NOW + timedelta(hours=1)
        assert tx.requests.fail(fails.request_id, claim_token="t", code="x", detail="", next_try_at=later, now=NOW)
        assert tx.requests.insert(waits)
        for state, request in ((RequestState.FAILED, fails), (RequestState.ACCEPTED, waits)):
            found = tx.console.oldest(state, before=later, limit=1)
            assert [one.request_id for one in found] == [request.request_id]
            assert [one[1] for one in tx.console.backlog(state, before=later, most=1)] == [1]
        assert [
            one.request_id for one in tx.console.oldest(RequestState.FAILED, before=later, limit=9, reason="x")
        ] == [fails.request_id]
        assert tx.console.oldest(RequestState.FAILED, before=later, limit=9, reason="y") == []
        assert tx.console.oldest(RequestState.FAILED, before=NOW, limit=9) == []


def test_sums_leaves_and_places(store: Store) -> None:
    count = DayCount(day=DAY, measure=Measure.ISSUED, department="a", type_slug="t", about="", value=2)
    with store.uow() as tx:
        other = dataclasses.replace(count, measure=Measure.SCANNED)
        tx.day_counts.add([count, dataclasses.replace(count, department="b"), other])
        for number in (1, 2, 3):
            tx.outbox.add_evidence(make_evidence_row(number))
        tx.outbox.sequence(limit=9)
        tx.outbox.advance("someone", position=7)
        assert [(one.day, one.type_slug, one.value) for one in tx.console.issued_daily(first=DAY, last=DAY)] == [
            (DAY, "t", 4)
        ]
        assert tx.console.places()["someone"] == 7
        assert [row[0] for row in tx.console.leaves_before(3, limit=9)] == [2, 1]
        assert [row[0] for row in tx.console.leaves_before(99, limit=1)] == [3]
        tx.log.note_subjects([("one", 1), ("one", 3), ("other", 2)])
        assert [row[0] for row in tx.console.leaves_about("one", 99, limit=9)] == [3, 1]
        assert [row[0] for row in tx.console.leaves_about("one", 3, limit=9)] == [1]
        assert [row[0] for row in tx.console.leaves_about("one", 99, limit=1)] == [3]
        found = tx.console.leaf_at(2)
        assert found is not None
        assert found[0] == 2
        assert tx.console.leaf_at(4) is None
