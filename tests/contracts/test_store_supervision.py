"""Cards, clocks, counts, ratings and complaints, on both databases."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import text
from store_records import T0
from supervision_records import (
    BODY,
    DAY,
    DUE,
    OTHER,
    SECRETS,
    make_card,
    make_case,
    make_complaint,
    make_count,
    make_service,
    rated,
    run_supervision,
)

from certsvc.license.case_clocks import CaseState
from certsvc.license.complaints import MOVES, ComplaintState
from certsvc.license.figures import QualityCount
from certsvc.license.ratings import MendState
from certsvc.license.supervision import CardState, ClockKind, Colour
from certsvc.store.engine import Store


def test_every_operation_has_its_effect(store: Store) -> None:
    with store.uow() as tx:
        run_supervision(tx)


def test_a_clock_gets_a_colour_once_also_from_many_at_once(store: Store) -> None:
    def attempt(n: int) -> bool:
        with store.uow() as tx:
            return tx.cards.open(make_card(n, subject="same"))

    with ThreadPoolExecutor(6) as pool:
        assert Counter(pool.map(attempt, range(1, 7))) == {True: 1, False: 5}
    with store.uow() as tx:
        assert tx.cards.open(make_card(9, subject="same", colour=Colour.RED))


def test_a_red_card_takes_in_the_yellow_one_unless_it_was_accepted(store: Store) -> None:
    with store.uow() as tx:
        for n, state in enumerate(CardState, start=1):
            assert tx.cards.open(make_card(n, state=state))
        merged = {state for n, state in enumerate(CardState, 1) if tx.cards.merge(ClockKind.CASE, f"cck_{n:06d}")}
        assert merged == {CardState.OPEN, CardState.ANSWERED, CardState.RETURNED}
        assert tx.cards.open(make_card(8, colour=Colour.RED))
        assert not tx.cards.merge(ClockKind.CASE, "cck_000008"), "a red card is not merged"


def test_what_has_a_card_is_not_late_again(store: Store) -> None:
    with store.uow() as tx:
        for n in (1, 2, 3):
            assert tx.case_clocks.open(make_case(n, due_on=DUE + timedelta(days=n)))
        assert tx.case_clocks.open(make_case(4, state=CaseState.STOPPED, due_on=None))
        assert tx.case_clocks.open(make_case(5, state=CaseState.FINISHED))
        assert tx.cards.open(make_card(1))
        assert tx.cards.open(make_card(2, colour=Colour.RED))

        def late(colour: Colour, days: int) -> list[str]:
            due = DUE + timedelta(days=days)
            rows = tx.cards.late(ClockKind.CASE, colour, due=due, begun_before=T0, began=T0, limit=9)
            return [one.subject[-1] for one in rows]

        assert late(Colour.YELLOW, 9) == ["3"], "1 has a yellow card, 2 a red one"
        assert late(Colour.RED, 9) == ["1", "3"]
        assert late(Colour.RED, 2) == ["1"]


def test_counts_are_added_and_a_reported_day_is_replaced(store: Store) -> None:
    with store.uow() as tx:
        tx.day_counts.add([make_count(), make_count(), make_count(department=OTHER)])
        tx.day_counts.add([make_count(value=3), make_count(day=DAY + timedelta(days=1))])
        for value in (7, 4):
            tx.day_counts.replace(DAY, "finished", BODY, [make_count("finished", value=value, about=f"m{value}")])
        found = tx.day_counts.sums(first=DAY, last=DAY, department=BODY)
        assert {(one.measure, one.about, one.value) for one in found} == {("issued", "", 5), ("finished", "m4", 4)}
        days = tx.day_counts.daily(first=DAY, last=DAY + timedelta(days=1), department="")
        assert sorted((one.day, one.measure, one.value) for one in days) == [
            (DAY, "finished", 4),
            (DAY, "issued", 6),
            (DAY + timedelta(days=1), "issued", 1),
        ]


def test_counts_of_many_writers_add_up(store: Store) -> None:
    def attempt(_: int) -> None:
        with store.uow() as tx:
            tx.day_counts.add([make_count(type_slug=slug) for slug in ("b", "a", "c")])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(attempt, range(12)))
    with store.uow.read() as tx:
        assert {one.value for one in tx.day_counts.sums(first=DAY, last=DAY, department=BODY)} == {12}


def test_a_day_that_is_reported_twice_at_once_stands_as_one_of_the_two(store: Store) -> None:
    def replace(value: int) -> None:
        with store.uow() as tx:
            counts = [make_count("finished", value=value, about=about) for about in ("m1", f"only-{value}")]
            tx.day_counts.replace(DAY, "finished", BODY, counts)
            time.sleep(0.2)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(replace, (5, 7)))
    with store.uow.read() as tx:
        found = {one.about: one.value for one in tx.day_counts.sums(first=DAY, last=DAY, department=BODY)}
    assert found in ({"m1": 5, "only-5": 5}, {"m1": 7, "only-7": 7})


def test_a_step_leaves_the_words_of_the_other_side_as_they_are_stored(store: Store) -> None:
    """Each write is made from a copy that was read before the other side's words were stored."""
    with store.uow() as tx:
        card = make_card(state=CardState.ANSWERED, answer="新说明")
        assert tx.cards.open(card)
        ruled = dataclasses.replace(card, state=CardState.RETURNED, answer="旧说明", ruling="退回")
        assert tx.cards.move(ruled, sources={CardState.ANSWERED})
        assert tx.cards.move(make_card(state=CardState.ANSWERED, answer="再说明"), sources={CardState.RETURNED})
        stored = tx.cards.by_id(card.card_id)
        assert stored is not None
        assert (stored.answer, stored.ruling) == ("再说明", "退回")

        service = rated(make_service(), mend=MendState.ANSWERED, answer="新答复")
        assert tx.services.insert(service, token_sha256="d")
        followed = dataclasses.replace(service, mend=MendState.OPEN, answer="旧答复", follow_up="回访", rounds=2)
        assert tx.services.mend(followed, source=MendState.ANSWERED)
        assert tx.services.mend(rated(make_service(), mend=MendState.ANSWERED, answer="再答复"), source=MendState.OPEN)
        mend = tx.services.by_id(service.service_id)
        assert mend is not None
        assert (mend.answer, mend.follow_up, mend.rounds) == ("再答复", "回访", 2)

        tx.complaints.insert(make_complaint(state=ComplaintState.ANSWERED, answer="新答复"))
        stale = make_complaint(state=ComplaintState.FOLLOWED, answer="旧答复", follow_up="满意", content=True)
        move = MOVES["follow_up"]
        assert tx.complaints.move(stale, sources=move.sources, writes=move.writes)
        complaint = tx.complaints.by_id(stale.complaint_id)
        assert complaint is not None
        assert (complaint.answer, complaint.follow_up) == ("新答复", "满意")


def test_a_look_through_the_register_goes_on_where_it_stood(store: Store) -> None:
    found = [QualityCount(department=BODY, type_slug="t", defect="missing_field", value=2)]
    with store.uow() as tx:
        assert tx.day_counts.sweep() is None
        assert tx.day_counts.began() is None
        assert tx.day_counts.begin_sweep(DAY)
        assert not tx.day_counts.begin_sweep(DAY)
        first = tx.day_counts.sweep()
        assert first is not None
        assert tx.day_counts.keep_sweep(first, place="lic_5", looked=5, found=found, now=T0)
        assert not tx.day_counts.keep_sweep(first, place="lic_5", looked=5, found=found, now=T0), "kept already"
        assert tx.day_counts.quality(department="") == (None, ()), "not finished"
        second = tx.day_counts.sweep()
        assert second is not None
        assert (second.place, second.looked) == ("lic_5", 5)
        assert tx.day_counts.keep_sweep(second, place="", looked=1, found=found, now=T0)
        assert tx.day_counts.quality(department=BODY) == (DAY, [dataclasses.replace(found[0], value=4)])
        assert tx.day_counts.quality(department=OTHER) == (DAY, [])
        assert tx.day_counts.begin_sweep(DAY + timedelta(days=1))
        assert tx.day_counts.began() == DAY


def test_a_code_takes_one_mark_also_from_many_at_once(store: Store) -> None:
    with store.uow() as tx:
        assert tx.services.insert(make_service(), token_sha256="d")
        assert not tx.services.insert(make_service(2, case_no="KB-0001"), token_sha256="e")

    def attempt(mark: int) -> bool:
        with store.uow() as tx:
            return tx.services.rate(rated(make_service(), mark=mark))

    with ThreadPoolExecutor(5) as pool:
        assert Counter(pool.map(attempt, range(1, 6))) == {True: 1, False: 4}
    with store.uow() as tx:
        one = tx.services.by_token("d")
        assert one == rated(make_service(), mark=one.mark if one else 0)
        assert [mend.service_id for mend in tx.services.mends(BODY, MendState.OPEN, limit=9)] == ["svc_000001"]
        assert tx.services.mends(OTHER, MendState.OPEN, limit=9) == []


def test_a_code_is_renewed_once_by_two_at_once_and_never_behind_a_mark(store: Store) -> None:
    with store.uow() as tx:
        assert tx.services.insert(make_service(), token_sha256="d")
        assert tx.services.renew_code(make_service(codes=2), token_sha256="e")
        assert not tx.services.renew_code(make_service(codes=2), token_sha256="f")
        assert tx.services.rate(rated(make_service()))
        assert not tx.services.renew_code(make_service(codes=3), token_sha256="g")
        assert [tx.services.by_token(one) is not None for one in "defg"] == [False, True, False, False]


def test_a_case_is_known_by_its_clock_its_body_and_its_number(store: Store) -> None:
    with store.uow() as tx:
        assert not tx.services.case_known(BODY, "KB-0001", counter_code=BODY)
        assert tx.case_clocks.open(make_case())
        known = [(BODY, "KB-0001"), (BODY, "KB-0002"), (OTHER, "KB-0001")]
        assert [tx.services.case_known(*one, counter_code=BODY) for one in known] == [True, False, False]


def test_complaints_move_from_where_they_stand_and_are_listed_by_state(store: Store) -> None:
    with store.uow() as tx:
        for n in (1, 2, 3):
            tx.complaints.insert(make_complaint(n, authority_code=OTHER if n == 3 else BODY))
        accepted = make_complaint(1, state=ComplaintState.ACCEPTED, handler="h", moved_at=T0)
        assert tx.complaints.move(accepted, sources={ComplaintState.FILED}, writes={"handler"})
        assert not tx.complaints.move(accepted, sources={ComplaintState.FILED}, writes={"handler"})
        assert tx.complaints.by_id("cpl_000001") == accepted
        assert [one.complaint_id[-1] for one in tx.complaints.of("", ComplaintState.FILED, limit=9)] == ["3", "2"]
        assert [one.complaint_id[-1] for one in tx.complaints.of(BODY, ComplaintState.FILED, limit=9)] == ["2"]
        assert tx.complaints.count_open("holder-1") == 3
        assert tx.complaints.count_open("holder-2") == 0


def test_nothing_personal_can_be_read_in_the_tables(store: Store) -> None:
    with store.uow() as tx:
        assert tx.case_clocks.open(make_case())
        assert tx.cards.open(make_card(state=CardState.ACCEPTED, answer=SECRETS[1], ruling=SECRETS[2]))
        service = rated(make_service(), answer=SECRETS[5], follow_up=SECRETS[6])
        assert tx.services.insert(service, token_sha256="d")
        tx.complaints.insert(make_complaint(answer=SECRETS[5], follow_up=SECRETS[6]))
    with store._engines[-1].connect() as connection:
        for table in ("supervision_cases", "supervision_cards", "services", "complaints"):
            rows = connection.execute(text(f"SELECT * FROM {table}")).all()
            assert len(rows) == 1
            for row in rows:
                seen = b"".join(bytes(one) if isinstance(one, bytes | memoryview) else str(one).encode() for one in row)
                assert not [secret for secret in SECRETS if secret.encode() in seen], table
