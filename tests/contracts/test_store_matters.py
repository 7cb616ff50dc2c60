"""Matters, policies and staff keep their promises on both databases."""

from __future__ import annotations

import dataclasses
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from matter_records import BODY, DAY, make_list_version, make_matter, make_member, make_policy
from store_records import T0

from certsvc.license.matters import MatterChange, MatterChangeKind
from certsvc.license.policies import POLICY_SOURCES, PolicyState
from certsvc.store.engine import Store


def test_the_list_is_what_the_last_version_left_and_the_log_has_both_sides(store: Store) -> None:
    was, now = make_matter(1), make_matter(1, name="改名", ends_on=DAY, version=2)
    with store.uow() as tx:
        assert tx.matters.newest_version() is None
        assert tx.matters.add_version(make_list_version(1))
        assert not tx.matters.add_version(make_list_version(1, digest="x"))
        tx.matters.keep([make_matter(3, authority_code="other")])
        added = [
            MatterChange(version=1, kind=MatterChangeKind.ADDED, at=T0, was=None, now=one)
            for one in (was, make_matter(2))
        ]
        tx.matters.put(added)
    with store.uow() as tx:
        assert tx.matters.add_version(make_list_version(2))
        ended = MatterChange(version=2, kind=MatterChangeKind.ENDED, at=T0, was=was, now=now)
        tx.matters.put([ended])
    with store.uow.read() as tx:
        assert tx.matters.newest_version() == make_list_version(2)
        assert list(tx.matters.versions(limit=9)) == [make_list_version(2), make_list_version(1)]
        assert tx.matters.by_code("M000001") == now
        assert tx.matters.by_code("x") is None
        assert [one.code for one in tx.matters.all()] == ["M000001", "M000002", "M000003"]
        assert [one.code for one in tx.matters.page(authority_code="", behind="M000001", limit=1)] == ["M000002"]
        assert [one.code for one in tx.matters.page(authority_code=BODY, behind="", limit=9)] == ["M000001", "M000002"]
        assert list(tx.matters.changes_of("M000001", limit=9)) == [ended, added[0]]
        assert list(tx.matters.changes_of("M000003", limit=9)) == []


def test_of_many_requests_for_a_pair_one_is_in_hand_until_it_is_over(store: Store) -> None:
    def ask(n: int) -> bool:
        with store.uow() as tx:
            return tx.policies.request(make_policy(n, matter_code="M000001"))

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(ask, range(1, 9))) == {True: 1, False: 7}
    with store.uow() as tx:
        [first] = tx.policies.of_pair("M000001", "tour_guide")
        refused = dataclasses.replace(first, state=PolicyState.REFUSED, reason="示例", decided_by="x", decided_at=T0)
        assert tx.policies.move(refused, sources=POLICY_SOURCES[PolicyState.REFUSED])
        assert not tx.policies.move(refused, sources=POLICY_SOURCES[PolicyState.REFUSED])
        assert tx.policies.by_id(first.policy_id) == refused
        assert tx.policies.request(make_policy(20, matter_code="M000001"))
        assert tx.policies.request(make_policy(21, matter_code="M000001", type_slug="other"))
    with store.uow.read() as tx:
        assert sorted(one.policy_id for one in tx.policies.standing()) == ["pol_000020", "pol_000021"]


def test_a_decision_is_taken_once_of_many_at_the_same_time(store: Store) -> None:
    with store.uow() as tx:
        assert tx.policies.request(make_policy(1))

    def decide(n: int) -> bool:
        state = PolicyState.APPROVED if n % 2 else PolicyState.REFUSED
        with store.uow() as tx:
            decided = make_policy(1, state=state, decided_by=f"d{n}", decided_at=T0)
            return tx.policies.move(decided, sources=POLICY_SOURCES[state])

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(decide, range(8))) == {True: 1, False: 7}


def test_policies_are_listed_newest_first_by_body_type_and_for_all(store: Store) -> None:
    other = {"authority_code": "other", "type_slug": "birth_record"}
    with store.uow() as tx:
        for n in (2, 1, 3):
            assert tx.policies.request(make_policy(n))
        assert tx.policies.request(make_policy(4, **other))
    behind = (make_policy(3).requested_at, "pol_000003")
    with store.uow.read() as tx:

        def ids(**asked: Any) -> list[str]:
            return [one.policy_id[-1] for one in tx.policies.page(**{"limit": 9, **asked})]

        assert ids() == ["4", "3", "2", "1"]
        assert ids(limit=2) == ["4", "3"]
        assert ids(behind=behind) == ["2", "1"]
        assert ids(authority_code=BODY) == ["3", "2", "1"]
        assert ids(authority_code=BODY, behind=behind, limit=1) == ["2"]
        assert ids(type_slugs=["birth_record", "tour_guide"]) == ["4", "3", "2", "1"]
        assert ids(type_slugs=["birth_record"]) == ["4"]


def test_the_mark_is_read_once_and_is_that_of_the_last_change(store: Store) -> None:
    with store.uow.read() as tx:
        assert tx.policies.mark() == ""
    for mark in ("a", "b"):
        with store.uow() as tx:
            tx.policies.set_mark(mark)
            assert tx.policies.mark() == mark
        with store.uow.read() as tx:
            assert tx.policies.mark() == mark


@pytest.mark.parametrize("quota", [1, 5])
def test_a_quota_is_never_passed_by_parallel_uses(store: Store, quota: int) -> None:
    def use(_: int) -> bool:
        with store.uow() as tx:
            return tx.policies.count_use("pol_1", day=DAY, quota=quota)

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(use, range(12))) == {True: quota, False: 12 - quota}
    with store.uow() as tx:
        assert tx.policies.used("pol_1", day=DAY) == quota
        assert tx.policies.used("pol_1", day=DAY + timedelta(days=1)) == 0
        assert tx.policies.count_use("pol_1", day=DAY + timedelta(days=1), quota=quota)
        assert tx.policies.count_use("pol_2", day=DAY, quota=quota)


def test_uses_that_come_together_are_counted_all_or_none(store: Store) -> None:
    with store.uow() as tx:
        for uses, counted, after in ((6, False, 0), (4, True, 4), (2, False, 4), (1, True, 5), (1, False, 5)):
            assert tx.policies.count_use("pol_1", day=DAY, quota=5, uses=uses) is counted
            assert tx.policies.used("pol_1", day=DAY) == after


def test_staff_is_found_by_account_within_its_client(store: Store) -> None:
    with store.uow() as tx:
        tx.staff.set_all([make_member(2), make_member(1), make_member(1, client_id="using-2", name="示例王五")])
        tx.staff.set_all([make_member(2, active=False)])
    with store.uow.read() as tx:
        assert tx.staff.member("using-1", "jingban01") == make_member(1)
        assert tx.staff.member("using-2", "jingban02") is None
        assert list(tx.staff.of_client("using-1")) == [make_member(1), make_member(2, active=False)]
        assert (tx.staff.count("using-1"), tx.staff.count("using-2"), tx.staff.count("x")) == (2, 1, 0)
