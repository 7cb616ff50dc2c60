"""Every use of a seal keeps to its rules, also in a race; manual uses need their approval; odd use stops the seal."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from fixtures_city import ServedCity
from seal_people import APPLICANT, AUDITOR, KEEPER, MAKER, OWNER, SAID, VOTERS, person, seal_in_use, stored

from certsvc.app import Service
from certsvc.clock import FixedClock, end_of_day
from certsvc.commands.access import roles
from certsvc.commands.access.seed_sandbox import seed_sandbox
from certsvc.commands.ports import Deps
from certsvc.commands.seals.approve_use import ask_use, list_approvals, read_approval, use_of, vote_on_use
from certsvc.commands.seals.move_seal import move_seal
from certsvc.commands.seals.read_seals import read_history
from certsvc.commands.seals.represent import (
    appoint_representative,
    dismiss_representative,
    list_representatives,
)
from certsvc.commands.seals.use_seal import reserve_use, settle_uses, unanswered_uses
from certsvc.errors import Conflict, Forbidden, InvalidInput, NotFound, SealUnavailable
from certsvc.seal.approval import ApprovalState
from certsvc.seal.model import Seal, SealReservation, SealState
from certsvc.seal.odd import BUSY_HOURS_LEAST, SCOPE_TRIES
from certsvc.seal.rules import UseHours
from certsvc.seal.use import SealUse

NOON = datetime(2026, 12, 2, 4, tzinfo=UTC)
"""A Wednesday, 12:00 in Shanghai."""

DIGEST = hashlib.sha256(b"a prepared page").hexdigest()
OFFICE = UseHours(days=(1, 2, 3, 4, 5), begins=8 * 60, ends=18 * 60)
PLAIN = SealUse()
MANUAL = SealUse(type_slug="food_operation", region="990100", operator="keeper-1", manual=True)


@pytest.fixture
def clock() -> FixedClock:
    """A clock that the tests move."""
    return FixedClock(NOON)


@pytest.fixture
def deps(make_service: Callable[..., Service], database_url: str, clock: FixedClock) -> Deps:
    """The ports of a sandbox, once per kind of database."""
    service = make_service(database_url, clock=clock)
    seed_sandbox(service.deps)
    return service.deps


def reserve(
    deps: Deps, seal: Seal, use: SealUse = PLAIN, *, purpose: str = "t", digest: str = DIGEST
) -> SealReservation:
    return reserve_use(deps, seal, purpose=purpose, digest=digest, use=use)


def refused(deps: Deps, seal: Seal, use: SealUse, words: str, **said: str) -> None:
    with pytest.raises(SealUnavailable, match=words):
        reserve(deps, seal, use, **said)


def test_each_rule_refuses_with_its_own_words_and_reserves_nothing(deps: Deps, clock: FixedClock) -> None:
    matter = f"{OWNER}4000131001000"
    seal = seal_in_use(
        deps, scope_types=("food_operation",), regions=("990100",), matters=(matter,), hours=OFFICE, daily_budget=2
    )
    fits = SealUse(type_slug="food_operation", region="990101", matter_code=matter)
    refused(deps, seal, dataclasses.replace(fits, type_slug="tour_guide"), "使用范围不含“导游证”")
    refused(deps, seal, dataclasses.replace(fits, type_slug=""), "证照以外的文件")
    refused(deps, seal, dataclasses.replace(fits, region="990200"), "区划 990200")
    refused(deps, seal, dataclasses.replace(fits, matter_code=""), "未注明事项")
    clock.advance(timedelta(hours=7))
    refused(deps, seal, fits, "周一至周五 08:00-18:00")
    clock.advance(timedelta(hours=-7))
    refused(deps, dataclasses.replace(seal, key_id="seal_other-v1"), fits, "刚刚换制")
    assert unanswered_uses(deps, older_than_s=-60) == []
    for n in range(2):
        reservation = reserve(deps, seal, fits, purpose=f"t:{n}")
        settle_uses(deps, [(reservation, "ab")])
    refused(deps, seal, fits, "上限 2 次")
    clock.advance(timedelta(days=1))
    reserve(deps, seal, fits)
    move_seal(deps, KEEPER, seal.seal_id, "stop", SAID)
    refused(deps, seal, fits, "停用")
    move_seal(deps, KEEPER, seal.seal_id, "resume", SAID)
    clock.advance(timedelta(days=4 * 366))
    refused(deps, seal, fits, "不在有效期内")
    refused(deps, dataclasses.replace(seal, seal_id="seal_none"), fits, "不存在")


def test_a_rate_counts_any_sixty_seconds(deps: Deps, clock: FixedClock) -> None:
    seal = seal_in_use(deps, per_minute=3)
    for _ in range(3):
        reserve(deps, seal)
        clock.advance(timedelta(seconds=10))
    refused(deps, seal, SealUse(), "每分钟最多用印 3 次")
    clock.advance(timedelta(seconds=30))
    reserve(deps, seal)
    refused(deps, seal, SealUse(), "每分钟")


# Manual use ----------------------------------------------------------------------------------------------------------


def two_of_three(deps: Deps) -> Seal:
    return seal_in_use(deps, manual_needed=2, approvers=tuple(voter.subject for voter in VOTERS))


def asked(deps: Deps, seal: Seal, digest: str = DIGEST) -> str:
    use = use_of(type_slug=MANUAL.type_slug, matter_code="", region=MANUAL.region)
    return ask_use(deps, KEEPER, seal.seal_id, digest=digest, purpose="示例事由", use=use).approval_id


def test_two_of_three_allow_one_use_of_exactly_this_content(deps: Deps) -> None:
    seal = two_of_three(deps)
    refused(deps, seal, MANUAL, "须经 2 人批准")
    approval_id = asked(deps, seal)
    use = dataclasses.replace(MANUAL, approval_id=approval_id)
    refused(deps, seal, use, "待批准")
    assert vote_on_use(deps, VOTERS[0], approval_id, agrees=True).state is ApprovalState.WAITING
    with pytest.raises(Conflict, match="每人一次"):
        vote_on_use(deps, VOTERS[0], approval_id, agrees=True)
    with pytest.raises(Forbidden):
        vote_on_use(deps, KEEPER, approval_id, agrees=True)
    with pytest.raises(Forbidden, match="指定"):
        vote_on_use(deps, person("somebody", roles.SEAL_USE_APPROVER), approval_id, agrees=True)
    with pytest.raises(NotFound):
        vote_on_use(
            deps, person("use-approver-2", roles.SEAL_USE_APPROVER, "11990000MB00000430"), approval_id, agrees=True
        )
    refused(deps, seal, use, "待批准", purpose="again")
    assert vote_on_use(deps, VOTERS[1], approval_id, agrees=True).state is ApprovalState.GRANTED
    with pytest.raises(Conflict):
        vote_on_use(deps, VOTERS[2], approval_id, agrees=False)
    refused(deps, seal, use, "任何改动都须重新报批", digest=hashlib.sha256(b"another page").hexdigest())
    reservation = reserve(deps, seal, use)
    refused(deps, seal, use, "已经用过")
    approval, votes = read_approval(deps, AUDITOR, approval_id)
    assert (approval.state, approval.used_by) == (ApprovalState.USED, reservation.reservation_id)
    assert [vote.voter for vote in votes] == ["use-approver-1", "use-approver-2"]
    assert [one.approval_id for one in list_approvals(deps, KEEPER)] == [approval_id]
    # The spine, which nobody operates by hand, needs none.
    reserve(deps, seal, SealUse(type_slug="food_operation", region="990100"))


def test_one_no_ends_an_approval_and_an_old_yes_is_worth_nothing(deps: Deps, clock: FixedClock) -> None:
    seal = two_of_three(deps)
    no = asked(deps, seal)
    assert vote_on_use(deps, VOTERS[0], no, agrees=False).state is ApprovalState.REFUSED
    refused(deps, seal, dataclasses.replace(MANUAL, approval_id=no), "不同意", purpose="a")
    old = asked(deps, seal)
    for voter in VOTERS[:2]:
        vote_on_use(deps, voter, old, agrees=True)
    late = asked(deps, seal)
    clock.advance(timedelta(hours=24))
    refused(deps, seal, dataclasses.replace(MANUAL, approval_id=old), "超过时限", purpose="b")
    with pytest.raises(Conflict, match="时限"):
        vote_on_use(deps, VOTERS[0], late, agrees=True)


def test_a_granted_approval_is_used_once_in_a_race(deps: Deps) -> None:
    seal = two_of_three(deps)
    approval_id = asked(deps, seal)
    for voter in VOTERS[:2]:
        vote_on_use(deps, voter, approval_id, agrees=True)
    use = dataclasses.replace(MANUAL, approval_id=approval_id)

    def once(n: int) -> bool:
        try:
            reserve(deps, seal, use, purpose="race")
        except SealUnavailable:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(once, range(24))) == 1
    assert len(unanswered_uses(deps, older_than_s=-60)) == 1


def test_a_representative_decides_alone_within_scope_and_term(deps: Deps, clock: FixedClock) -> None:
    seal = two_of_three(deps)
    term = (clock.now(), end_of_day(date(2027, 1, 31)))
    with pytest.raises(Forbidden):
        appoint(deps, "applicant-1", term)
    with pytest.raises(InvalidInput):
        appoint(deps, "keeper-1", term)
    with pytest.raises(InvalidInput):
        appoint(deps, "use-approver-3", (term[1], term[0]))
    with pytest.raises(InvalidInput):
        appoint(deps, "use-approver-3", term, scope_types=("no_such_type",))
    rep = appoint(deps, "use-approver-3", term)
    other = appoint(deps, "use-approver-3", term, scope_types=("tour_guide",))
    approval_id = asked(deps, seal)
    with pytest.raises(Forbidden, match="不含这类证照"):
        vote_on_use(deps, VOTERS[2], approval_id, agrees=True, represented_by=other)
    with pytest.raises(InvalidInput):
        vote_on_use(deps, VOTERS[0], approval_id, agrees=True, represented_by=rep)
    assert vote_on_use(deps, VOTERS[2], approval_id, agrees=True, represented_by=rep).state is ApprovalState.GRANTED
    reserve(deps, seal, dataclasses.replace(MANUAL, approval_id=approval_id))
    # Or the representative acts in person.
    own = dataclasses.replace(MANUAL, operator="use-approver-3", represented_by=rep)
    reserve(deps, seal, own)
    refused(deps, seal, dataclasses.replace(own, type_slug="tour_guide", represented_by="rep_none"), "没有这项")
    refused(deps, seal, dataclasses.replace(own, operator="use-approver-1"), "没有这项", purpose="b")
    assert {one.representative_id for one in list_representatives(deps, KEEPER)} == {rep, other}
    dismiss_representative(deps, APPLICANT, rep)
    with pytest.raises(Conflict):
        dismiss_representative(deps, APPLICANT, rep)
    refused(deps, seal, own, "任期", purpose="c")


def appoint(
    deps: Deps, who: str, term: tuple[datetime, datetime], scope_types: tuple[str, ...] = ("food_operation",)
) -> str:
    one = appoint_representative(
        deps, APPLICANT, person=who, scope_types=scope_types, matters=(), term=term, document_no="示例授〔2026〕1号"
    )
    return one.representative_id


# Odd use -------------------------------------------------------------------------------------------------------------


def test_feeling_for_the_scope_stops_the_seal_and_only_a_keeper_resumes(deps: Deps) -> None:
    seal = seal_in_use(deps, regions=("990100",))
    outside = SealUse(region="990200")
    for _ in range(SCOPE_TRIES + 2):
        refused(deps, seal, outside, "990200", purpose="one request that is tried again")
    assert stored(deps, seal.seal_id).state is SealState.ACTIVE
    for n in range(SCOPE_TRIES - 1):
        assert stored(deps, seal.seal_id).state is SealState.ACTIVE
        refused(deps, seal, outside, "990200", purpose=f"try {n}")
    assert stored(deps, seal.seal_id).state is SealState.STOPPED
    refused(deps, seal, SealUse(region="990100"), "停用")
    last = read_history(deps, AUDITOR, seal.seal_id)[-1]
    assert (last.name, last.actor, last.code) == ("stop", "certsvc", "odd_use:scope")
    with deps.uow() as tx:
        tx.outbox.sequence(limit=500)
    with deps.uow.read() as tx:
        events = [event for event in tx.outbox.after(0, limit=500) if event.subject == seal.seal_id]
        kinds = [row.kind for row in tx.outbox.evidence_after(0, limit=500)]
    assert [event.type.split(".", 2)[2] for event in events][-2:] == ["seal.stopped.v1", "seal.odd_use.v1"]
    assert events[-2].data["code"] == "odd_use:scope"
    assert events[-1].data == {"seal_id": seal.seal_id, "owner_code": OWNER, "rule": "scope"}
    assert "seal.odd_use" in kinds
    with pytest.raises(Forbidden):
        move_seal(deps, MAKER, seal.seal_id, "resume", SAID)
    move_seal(deps, KEEPER, seal.seal_id, "resume", SAID)
    refused(deps, seal, outside, "990200", purpose="one more")
    assert stored(deps, seal.seal_id).state is SealState.ACTIVE, "the tries of before are settled"


def test_manual_tries_at_night_stop_the_seal_and_automatic_ones_only_wait(deps: Deps, clock: FixedClock) -> None:
    seal = seal_in_use(deps, hours=OFFICE)
    clock.advance(timedelta(hours=10))
    for n in range(20):
        refused(deps, seal, SealUse(), "时段", purpose=f"auto {n}")
    for n in range(3):
        assert stored(deps, seal.seal_id).state is SealState.ACTIVE
        refused(deps, seal, dataclasses.replace(MANUAL, type_slug=""), "时段", purpose=f"manual {n}")
    assert stored(deps, seal.seal_id).state is SealState.STOPPED


def test_a_burst_stops_a_seal_that_is_known_and_the_keepers_word_lets_the_hour_be(
    deps: Deps, clock: FixedClock
) -> None:
    seal = seal_in_use(deps, daily_budget=10_000)
    for _ in range(BUSY_HOURS_LEAST):
        with deps.uow() as tx:
            for _ in range(30):
                tx.seal_watch.count_hour(seal.seal_id, clock.now().replace(minute=0, second=0, microsecond=0))
        clock.advance(timedelta(hours=1))
    with deps.uow() as tx:
        for _ in range(198):
            tx.seal_watch.count_hour(seal.seal_id, clock.now().replace(minute=0, second=0, microsecond=0))
    reserve(deps, seal)
    refused(deps, seal, SealUse(), "异常增多")
    assert stored(deps, seal.seal_id).state is SealState.STOPPED
    assert len(unanswered_uses(deps, older_than_s=-60)) == 1, "the use that showed it was not reserved"
    move_seal(deps, KEEPER, seal.seal_id, "resume", SAID)
    for n in range(3):
        reserve(deps, seal, purpose=f"after {n}")


# Races ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def postgres_deps(make_service: Callable[..., Service], postgres_url: str) -> Deps:
    """The ports over PostgreSQL, where uses really come at once."""
    service = make_service(postgres_url)
    seed_sandbox(service.deps)
    return service.deps


def storm(deps: Deps, seal: Seal, tries: int, threads: int = 24) -> list[bool]:
    def one(n: int) -> bool:
        try:
            reserve(deps, seal, purpose=f"storm:{n}")
        except SealUnavailable:
            return False
        return True

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(tries)))


def test_a_thousand_parallel_uses_around_the_budget_reserve_exactly_the_budget(postgres_deps: Deps) -> None:
    seal = seal_in_use(postgres_deps, daily_budget=100)
    assert sum(storm(postgres_deps, seal, 1000)) == 100
    assert len(unanswered_uses(postgres_deps, older_than_s=-600, limit=2000)) == 100


def test_a_rate_holds_in_a_storm(postgres_deps: Deps) -> None:
    seal = seal_in_use(postgres_deps, per_minute=40, daily_budget=10_000)
    # All of them within one window, whatever the machine's speed: the clock stands.
    deps = dataclasses.replace(postgres_deps, clock=FixedClock(postgres_deps.clock.now()))
    assert sum(storm(deps, seal, 300)) == 40


def test_after_a_stop_has_returned_nothing_is_reserved(postgres_deps: Deps) -> None:
    seal = seal_in_use(postgres_deps, daily_budget=100_000)
    stopped = threading.Event()
    late: list[str] = []
    taken = 0
    lock = threading.Lock()

    def use(n: int) -> None:
        nonlocal taken
        for m in range(40):
            after = stopped.is_set()
            try:
                reserve(postgres_deps, seal, purpose=f"u:{n}:{m}")
            except SealUnavailable:
                continue
            with lock:
                taken += 1
                if after:
                    late.append(f"{n}:{m}")

    threads = [threading.Thread(target=use, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    move_seal(postgres_deps, KEEPER, seal.seal_id, "stop", SAID)
    stopped.set()
    count = len(unanswered_uses(postgres_deps, older_than_s=-600, limit=5000))
    for thread in threads:
        thread.join()
    assert late == []
    assert taken == count == len(unanswered_uses(postgres_deps, older_than_s=-600, limit=5000))


def test_over_http_a_use_is_asked_for_voted_on_and_a_representative_appointed(small_city: ServedCity) -> None:
    seal = two_of_three(small_city.service.deps)
    city = small_city
    body = {"seal_id": seal.seal_id, "digest": DIGEST, "purpose": "示例事由", "license_type": "food_operation"}
    one = city.answer(city.client.post("/v1/seal-approvals", headers=city.person("keeper-1"), json=body), 201)
    path = f"/v1/seal-approvals/{one['approval_id']}"
    for voter in ("use-approver-1", "use-approver-2"):
        vote = {"agrees": True}
        one = city.answer(city.client.post(f"{path}/votes", headers=city.person(voter), json=vote), 201)
    assert (one["state"], one["state_zh"]) == ("granted", "已批准")
    assert len(city.answer(city.client.get(path, headers=city.person("auditor-1")), 200)["votes"]) == 2
    assert city.client.get(path, headers=city.person("maker-1")).status_code == 403
    rep = {
        "person": "use-approver-3",
        "begins_on": "2026-01-01",
        "until": "2028-12-31",
        "document_no": "示例授〔2026〕1号",
    }
    made = city.answer(city.client.post("/v1/seal-representatives", headers=city.person("applicant-1"), json=rep), 201)
    assert (made["begins_on"], made["until"]) == ("2026-01-01", "2028-12-31")
    listed = city.answer(city.client.get("/v1/seal-representatives", headers=city.person("keeper-1")), 200)
    assert [row["representative_id"] for row in listed] == [made["representative_id"]]
    end = f"/v1/seal-representatives/{made['representative_id']}/end"
    assert city.answer(city.client.post(end, headers=city.person("applicant-1")), 201)["dismissed_at"]
    city.drain()
    assert "example.certsvc.seal.use_decided.v1" in {event["type"] for event in city.events()}
