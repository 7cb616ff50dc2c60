"""Versions, moves, makings, tries, approvals and revocations keep their contract on both databases."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from store_records import DAY_END, DAY_START, ISSUER, T0, make_reservation, make_seal

from certsvc.errors import IntegrityError
from certsvc.seal.approval import ApprovalState, Representative, UseApproval, Vote
from certsvc.seal.making import SealMaking
from certsvc.seal.model import ReservationResult, SealKind, SealState, StampSpec
from certsvc.seal.odd import OddRule
from certsvc.seal.rules import SealRules, UseHours
from certsvc.seal.version import Cause, RevocationReason, RevokedCertificate, SealMoveRecord, SealVersion
from certsvc.store.engine import Store

RULES = SealRules(
    matters=("11990000MB000000004000131001000",),
    regions=("990100",),
    hours=UseHours(days=(1, 2), begins=510, ends=1080),
    per_minute=5,
    manual_needed=2,
    approvers=("a", "b"),
    keepers=("k",),
)


def make_version(number: int = 1, **changes: Any) -> SealVersion:
    version = SealVersion(
        seal_id="seal_001",
        version=number,
        state=SealState.APPLIED,
        cause=Cause.NEW,
        owner_code=ISSUER,
        owner_name="示例市市场监督管理局",
        name="示例市市场监督管理局行政审批专用章",
        kind=SealKind.OTHER,
        algorithm="sm2",
        stamp=StampSpec(ring_text="示例市市场监督管理局"),
        scope_types=("food-operation",),
        rules=RULES,
        daily_budget=7,
        years=2,
        created_at=T0,
        applied_by="applicant",
    )
    return dataclasses.replace(version, **changes)


def made(number: int = 1, **changes: Any) -> SealVersion:
    version = make_version(number, state=SealState.MADE, key_id=f"seal_001-v{number}", valid_from=T0, made_by="maker")
    return dataclasses.replace(version, valid_until=T0 + timedelta(days=99), **changes)


def in_use(store: Store, number: int = 1) -> SealVersion:
    """Open, make and activate a version."""
    with store.uow() as tx:
        assert tx.seal_lives.open(make_version(number))
        assert tx.seal_lives.move(made(number), source=SealState.APPLIED)
        assert tx.seal_lives.activate(made(number, state=SealState.ACTIVE, activated_by="keeper"))
        found = tx.seal_lives.version("seal_001", number)
    assert found is not None
    return found


def test_a_version_comes_back_as_it_was_and_one_is_under_way(store: Store) -> None:
    with store.uow() as tx:
        assert tx.seal_lives.open(make_version(1))
        assert not tx.seal_lives.open(make_version(2)), "one is under way"
        assert tx.seal_lives.version("seal_001", 1) == make_version(1)
        assert tx.seal_lives.version("seal_001", 2) is None
        assert list(tx.seal_lives.under_way(limit=9)) == [make_version(1)]
        assert tx.seals.by_id("seal_001") is None, "nothing that could sign yet"
        assert not tx.seal_lives.move(made(1), source=SealState.APPROVED)
        assert tx.seal_lives.move(made(1), source=SealState.APPLIED)
        assert tx.seal_lives.version("seal_001", 1) == made(1)


def test_an_activated_version_is_the_seal_with_its_rules_and_its_state_stands_once(store: Store) -> None:
    version = in_use(store)
    assert version.state is SealState.ACTIVE
    with store.uow() as tx:
        seal = tx.seals.by_id("seal_001")
        assert seal == version.as_seal()
        assert seal is not None
        assert seal.rules == RULES
        assert tx.seals.set_state("seal_001", source=SealState.ACTIVE, target=SealState.STOPPED)
        stopped = tx.seal_lives.version("seal_001", 1)
        assert stopped is not None
        assert stopped.state is SealState.STOPPED
        held = tx.seals.hold("seal_001")
        assert held is not None
        assert held.state is SealState.STOPPED
        assert tx.seals.hold("seal_x") is None


def test_the_next_version_replaces_the_one_before_and_a_declaration_does_not_bring_it_back(store: Store) -> None:
    in_use(store, 1)
    in_use(store, 2)
    with store.uow() as tx:
        states = [one.state for one in tx.seal_lives.versions("seal_001")]
        assert states == [SealState.REPLACED, SealState.ACTIVE]
        tx.seals.upsert(make_seal(1, key_id="declared"))
        seal = tx.seals.by_id("seal_001")
        assert seal is not None
        assert (seal.key_id, seal.version) == ("seal_001-v2", 2)
        for budget in (4, 5):
            tx.seals.upsert(make_seal(2, daily_budget=budget))
        other = tx.seals.by_id("seal_002")
        assert other is not None
        assert other.daily_budget == 5, "a declaration still changes the others"


@pytest.mark.parametrize("end", [SealState.CANCELLED, SealState.EXPIRED])
def test_no_version_is_activated_for_a_seal_that_has_come_to_an_end(store: Store, end: SealState) -> None:
    in_use(store)
    with store.uow() as tx:
        assert tx.seals.set_state("seal_001", source=SealState.ACTIVE, target=end)
        assert tx.seal_lives.open(make_version(2))
        assert tx.seal_lives.move(made(2), source=SealState.APPLIED)
        assert not tx.seal_lives.activate(made(2, state=SealState.ACTIVE))


def test_a_declared_seal_is_its_own_first_version(store: Store) -> None:
    with store.uow() as tx:
        tx.seals.upsert(make_seal(1))
        tx.seals.upsert(make_seal(1, daily_budget=5))
        (version,) = tx.seal_lives.versions("seal_001")
    assert (version.cause, version.state, version.daily_budget) == (Cause.DECLARED, SealState.ACTIVE, 5)
    assert version.as_seal() == make_seal(1, daily_budget=5)


def test_seals_whose_period_has_ended_are_found_while_they_are_in_use(store: Store) -> None:
    with store.uow() as tx:
        for n, state in ((1, SealState.ACTIVE), (2, SealState.STOPPED), (3, SealState.CANCELLED)):
            tx.seals.upsert(make_seal(n, state=state, valid_until=T0))
        tx.seals.upsert(make_seal(4))
        assert [seal.seal_id for seal in tx.seals.expired(T0, limit=9)] == ["seal_001", "seal_002"]
        assert not tx.seals.expired(T0 - timedelta(microseconds=1), limit=9)


def test_uses_are_counted_back_to_a_moment_and_by_day(store: Store) -> None:
    with store.uow() as tx:
        tx.seals.upsert(make_seal(1))
        for n in range(5):
            at = T0 + timedelta(seconds=n)
            assert tx.seals.reserve([make_reservation(n, reserved_at=at)], day_start=DAY_START, day_end=DAY_END)
        assert tx.seals.used_since("seal_001", T0 + timedelta(seconds=1), limit=9) == 3
        assert tx.seals.used_since("seal_001", T0 - timedelta(seconds=1), limit=2) == 2
        assert tx.seals.used_since("seal_x", T0, limit=9) == 0
        assert dict(tx.seals.used_on(DAY_START)) == {"seal_001": 5}
        assert dict(tx.seals.used_on(DAY_END)) == {}


def test_history_is_told_in_order_with_the_words_of_each_move(store: Store) -> None:
    records = [
        SealMoveRecord(
            move_id=f"smv_{n}",
            seal_id="seal_001",
            version=1,
            name="stop",
            from_state="active",
            to_state=SealState.STOPPED,
            actor="keeper-1",
            at=T0,
            code="c",
            reason="示例原因",
            document_no="示〔2026〕1号",
            filing_no="备1",
        )
        for n in (2, 1)
    ]
    with store.uow() as tx:
        for record in records:
            tx.seal_lives.record(record)
        assert list(tx.seal_lives.history("seal_001")) == records
        assert not tx.seal_lives.history("seal_002")


def test_a_making_is_answered_once_and_listed_until_then(store: Store) -> None:
    def making(n: int, **changes: Any) -> SealMaking:
        one = SealMaking(
            making_id=f"mak_{n}",
            seal_id="seal_001",
            version=1,
            key_id="seal_001-v1",
            purpose="key",
            digest="d",
            actor="maker",
            reserved_at=T0 + timedelta(seconds=n),
        )
        return dataclasses.replace(one, **changes)

    unknown = making(2, result=ReservationResult.UNKNOWN)
    with store.uow() as tx:
        for n in (1, 2):
            tx.seal_lives.begin_making(making(n))
        assert list(tx.seal_lives.unanswered_makings(before=DAY_END, limit=9)) == [making(1), making(2)]
        assert tx.seal_lives.answer_making("mak_1", ReservationResult.USED, now=T0)
        assert not tx.seal_lives.answer_making("mak_1", ReservationResult.FAILED, now=T0)
        assert list(tx.seal_lives.abandon_makings("seal_001-v1", now=T0)) == [unknown]
        assert not tx.seal_lives.abandon_makings("seal_001-v1", now=T0)
        assert list(tx.seal_lives.unanswered_makings(before=DAY_END, limit=9)) == [unknown]


def test_a_certificate_is_revoked_once(store: Store) -> None:
    entry = RevokedCertificate(
        issuer_key_id="ab", serial="1f", reason=RevocationReason.KEY_COMPROMISE, revoked_at=T0, seal_id="s", key_id="k"
    )
    later = dataclasses.replace(entry, reason=RevocationReason.CESSATION)
    with store.uow() as tx:
        assert not tx.seal_lives.is_revoked("k")
        assert tx.seal_lives.revoke(entry)
        assert not tx.seal_lives.revoke(later)
        assert tx.seal_lives.is_revoked("k")
        assert list(tx.seal_lives.revocations()) == [entry]


def test_hours_and_tries_are_counted_and_excused(store: Store) -> None:
    hour = T0.replace(minute=0, second=0, microsecond=0)
    with store.uow() as tx:
        tx.seals.upsert(make_seal(1))
        assert tx.seal_watch.count_hour("seal_001", hour) == (1, False)
        assert tx.seal_watch.count_hour("seal_001", hour) == (2, False)
        assert list(tx.seal_watch.busy_hours("seal_001", since=hour, before=hour)) == []
        assert list(tx.seal_watch.busy_hours("seal_001", since=hour, before=DAY_END)) == [2]
        for purpose in ("a", "b", "a"):
            tx.seal_watch.note_try("seal_001", OddRule.SCOPE, purpose, now=T0)
        tx.seal_watch.note_try("seal_001", OddRule.HOURS, "a", now=T0)
        assert tx.seal_watch.tries("seal_001", since=T0) == {OddRule.SCOPE: 2, OddRule.HOURS: 1}
        assert tx.seal_watch.tries("seal_001", since=T0 + timedelta(seconds=1)) == {}
        tx.seal_watch.note_try("seal_001", OddRule.HOURS, "b", now=T0 + timedelta(days=2))
        assert tx.seal_watch.tries("seal_001", since=T0) == {OddRule.HOURS: 1}, "old tries leave no heap"
        tx.seal_watch.excuse("seal_001", hour)
        assert tx.seal_watch.tries("seal_001", since=T0) == {}
        assert tx.seal_watch.count_hour("seal_001", hour) == (3, True)


def make_approval(n: int = 1, **changes: Any) -> UseApproval:
    one = UseApproval(
        approval_id=f"apr_{n}",
        seal_id="seal_001",
        owner_code=ISSUER,
        digest="d",
        purpose="示例事由",
        type_slug="t",
        matter_code="m",
        region="990100",
        asked_by="k",
        asked_at=T0 + timedelta(seconds=n),
        expires_at=DAY_END,
        needed=2,
        approvers=("a", "b"),
    )
    return dataclasses.replace(one, **changes)


def test_an_approval_is_voted_on_once_each_and_used_once(store: Store) -> None:
    with store.uow() as tx:
        tx.seals.upsert(make_seal(1))
        for n in (1, 2):
            tx.approvals.ask(make_approval(n))
        assert list(tx.approvals.of_owner(ISSUER, limit=9)) == [make_approval(2), make_approval(1)]
        vote = Vote(voter="a", agrees=True, at=T0)
        assert tx.approvals.vote("apr_1", vote)
        assert not tx.approvals.vote("apr_1", dataclasses.replace(vote, agrees=False))
        assert list(tx.approvals.votes("apr_1")) == [vote]
        waiting, granted, used = ApprovalState.WAITING, ApprovalState.GRANTED, ApprovalState.USED
        assert tx.approvals.set_state("apr_1", source=waiting, target=granted)
        assert not tx.approvals.set_state("apr_1", source=waiting, target=granted)
        assert tx.approvals.by_id("apr_1", hold=True) == make_approval(1, state=granted)

    def use(n: int) -> bool:
        with store.uow() as tx:
            return tx.approvals.set_state("apr_1", source=granted, target=used, used_by=f"use_{n}")

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(use, range(40))) == 1


def test_a_representative_is_dismissed_once(store: Store) -> None:
    one = Representative(
        representative_id="rep_1",
        owner_code=ISSUER,
        person="a",
        scope_types=("t",),
        matters=(),
        begins_at=T0,
        ends_at=DAY_END,
        document_no="示例授权〔2026〕1号",
        appointed_by="x",
        appointed_at=T0,
    )
    with store.uow() as tx:
        tx.approvals.appoint(one)
        assert tx.approvals.representative("rep_1") == one
        assert list(tx.approvals.representatives(ISSUER, limit=9)) == [one]
        assert tx.approvals.dismiss("rep_1", now=T0)
        assert not tx.approvals.dismiss("rep_1", now=T0)
        assert tx.approvals.representative("rep_1") == dataclasses.replace(one, dismissed_at=T0)
        assert tx.approvals.representative("rep_2") is None


def test_rules_of_a_later_release_are_not_overlooked(sqlite_store: Store) -> None:
    from sqlalchemy import text

    with sqlite_store.uow() as tx:
        tx.seals.upsert(make_seal(1))
    with sqlite_store._engines[0].begin() as connection:
        connection.execute(text("UPDATE seal_versions SET rules = '{\"moon\": 1}'"))
    with sqlite_store.uow.read() as tx, pytest.raises(IntegrityError):
        tx.seals.by_id("seal_001")


def test_keys_lead_to_their_versions_and_ended_ones_are_listed(store: Store) -> None:
    def ended() -> list[int]:
        with store.uow.read() as tx:
            return [one.version for one in tx.seal_lives.without_key()]

    def having(key_id: str) -> list[int]:
        with store.uow.read() as tx:
            return [one.version for one in tx.seal_lives.with_key(key_id)]

    with store.uow() as tx:
        assert tx.seal_lives.open(make_version(1))
    assert having("seal_001-v1") == [1], "its making would make it"
    for stranger in ("seal_001-v2", "seal_002-v1", "seal_001", "", "-v1"):
        assert having(stranger) == []
    with store.uow() as tx:
        assert tx.seal_lives.move(make_version(1, state=SealState.DROPPED), source=SealState.APPLIED)
    assert ended() == [1]
    in_use(store, 2)
    assert having("seal_001-v2") == [2]
    assert ended() == [1]
    in_use(store, 3)
    assert ended() == [1, 2], "replaced"
    with store.uow() as tx:
        tx.seals.set_state("seal_001", source=SealState.ACTIVE, target=SealState.EXPIRED)
    assert ended() == [1, 2], "an expired one keeps its key"
    with store.uow() as tx:
        tx.seals.set_state("seal_001", source=SealState.EXPIRED, target=SealState.CANCELLED)
    assert ended() == [1, 2, 3]
