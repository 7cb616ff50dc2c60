"""Links, facts, reminders and sweeps keep their promises on both databases."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import text
from store_records import make_due_row, make_fact, make_link, make_version

from certsvc.errors import IntegrityError
from certsvc.license.dues import DueKind
from certsvc.license.facts import FactKind
from certsvc.license.links import newest
from certsvc.license.model import LicenseVersion
from certsvc.license.states import State
from certsvc.store.engine import Store

DAY = date(2026, 3, 2)
PROJECT = "2601-990100-04-01-123456"


def register(store: Store, *versions: LicenseVersion) -> None:
    with store.uow() as tx:
        for version in versions:
            tx.licenses.insert(version)


def fill(store: Store) -> None:
    register(store, *(make_version(n) for n in range(1, 6)))


def test_two_versions_of_one_license_are_never_in_force_whatever_the_states(store: Store) -> None:
    for n, (first, second) in enumerate(
        ((State.VALID, State.VALID), (State.VALID, State.SUSPENDED), (State.PROVISIONAL, State.VALID)), start=1
    ):
        old, new = make_version(10 * n, state=first), make_version(10 * n + 1, state=second)
        with pytest.raises(IntegrityError):
            register(store, old, make_version(10 * n + 1, state=second, license_id=old.license_id, version=2))
        register(store, old, new)


def test_the_newest_is_found_through_chains_forks_and_joins_as_the_pure_rule_finds_it(store: Store) -> None:
    fill(store)
    pairs = [(1, 2), (2, 3), (2, 4), (3, 5), (4, 5)]
    with store.uow() as tx:
        for before, after in pairs:
            tx.links.insert(make_link(predecessor_id=f"ver_{before:06d}", successor_id=f"ver_{after:06d}"))
    with store.uow.read() as tx:
        for n in range(1, 6):
            name = f"ver_{n:06d}"
            pure = newest(name, lambda key: [link.successor_id for link in tx.links.after(key)])
            assert [version.version_id for version in tx.licenses.newest(name)] == list(pure) == ["ver_000005"]
        assert [link.predecessor_id for link in tx.links.before("ver_000005")] == ["ver_000003", "ver_000004"]
        assert tx.licenses.newest("ver_x") == []


def test_a_link_stands_once_and_between_known_versions(store: Store) -> None:
    fill(store)
    with store.uow() as tx:
        tx.links.insert(make_link())
    for bad in (make_link(), make_link(successor_id="ver_x")):
        with pytest.raises(IntegrityError), store.uow() as tx:
            tx.links.insert(bad)


def test_a_provisional_opinion_comes_back_with_its_project(store: Store) -> None:
    version = make_version(1, state=State.PROVISIONAL, project_code=PROJECT)
    with store.uow() as tx:
        tx.licenses.insert(version)
        assert tx.licenses.by_version_id(version.version_id) == version


def test_facts_come_back_in_order_once_and_unreadable_in_the_database(store: Store) -> None:
    fill(store)
    facts = [make_fact(2), make_fact(1, due=DAY, reference="lic_000002", document_no="示〔2026〕1号")]
    with store.uow() as tx:
        for fact in facts:
            assert tx.facts.append(fact, key=fact.fact_id)
            assert not tx.facts.append(make_fact(9), key=fact.fact_id)
        assert list(tx.facts.of("lic_000001")) == facts
        assert tx.facts.of_many(["lic_000001", "lic_000002"]) == {"lic_000001": facts, "lic_000002": []}
        assert tx.facts.by_key("fct_000001") == facts[1]
        assert tx.facts.dependants("lic_000002") == [], "only a noted dependence counts"
        depends = make_fact(3, kind=FactKind.DEPENDS_ON, reference="lic_000002")
        assert tx.facts.append(depends, key="d")
        assert tx.facts.dependants("lic_000002") == ["lic_000001"]
    with store._engines[-1].connect() as connection:
        remarks = [bytes(row[0]) for row in connection.execute(text("SELECT remark FROM version_facts"))]
    assert len(remarks) == 3
    assert not any("示例张三".encode() in remark or b"2026" in remark for remark in remarks)


def test_a_reminder_is_announced_once_per_version_kind_reference_and_day(store: Store) -> None:
    fill(store)
    with store.uow() as tx:
        assert tx.dues.announce(make_due_row(1))
        assert not tx.dues.announce(make_due_row(1))
        assert tx.dues.announce(make_due_row(2))
        issuer = make_due_row(1).issuer_code
        rows = tx.dues.announced(issuer, DueKind.EXPIRED, behind="", limit=9)
        assert [row.version_id for row in rows] == ["ver_000001", "ver_000002"]
        assert [r.version_id for r in tx.dues.announced(issuer, DueKind.EXPIRED, behind="ver_000001", limit=9)] == [
            "ver_000002"
        ]


def test_a_sweep_goes_on_where_it_was_and_begins_anew_the_next_day(store: Store) -> None:
    with store.uow() as tx:
        assert tx.dues.place("s", DAY) == ""
        tx.dues.keep_place("s", DAY, behind="lic_5", finished=False)
    with store.uow() as tx:
        assert not tx.dues.finished("s", DAY)
        assert tx.dues.place("s", DAY) == "lic_5"
        tx.dues.keep_place("s", DAY, behind="lic_9", finished=True)
    with store.uow() as tx:
        assert tx.dues.finished("s", DAY)
        assert tx.dues.place("s", DAY) is None
        assert tx.dues.place("s", DAY - timedelta(days=1)) is None, "a clock that stands wrong sweeps nothing twice"
        assert tx.dues.place("s", DAY + timedelta(days=1)) == ""


def test_what_has_not_ended_is_read_in_the_order_of_licenses(store: Store) -> None:
    with store.uow() as tx:
        for n, state in enumerate((State.VALID, State.REVOKED, State.SUSPENDED, State.PROVISIONAL), start=1):
            tx.licenses.insert(make_version(n, state=state))
        found = [version.version_id for version in tx.licenses.not_ended_after("", limit=9)]
        assert found == ["ver_000001", "ver_000003", "ver_000004"]
        behind = tx.licenses.not_ended_after("lic_000001", limit=1)
        assert [version.version_id for version in behind] == ["ver_000003"]
