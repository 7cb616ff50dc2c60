"""Shows, scans, grants, fetches, notices, clients and people keep their promises on both databases."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from store_records import (
    HOLDER,
    ISSUER,
    T0,
    make_client,
    make_fetch,
    make_grant,
    make_notice,
    make_person,
    make_scan,
    make_show,
    make_version,
)

from certsvc.errors import IntegrityError
from certsvc.store.engine import Store


@pytest.fixture
def register(store: Store) -> Store:
    """A store in which versions 1 and 2 are registered."""
    with store.uow() as tx:
        tx.licenses.insert(make_version(1))
        tx.licenses.insert(make_version(2))
    return store


def won(attempt: Callable[[int], bool], tries: int = 20) -> int:
    """How many of parallel attempts took effect."""
    with ThreadPoolExecutor(tries) as pool:
        return sum(pool.map(attempt, range(tries)))


def test_a_show_is_redeemed_once_and_in_time(register: Store) -> None:
    with register.uow() as tx:
        tx.showing.insert_show(make_show(1))
        assert tx.showing.show_by_token(make_show(1).token_sha256) == make_show(1)
        assert tx.showing.show_by_token("00") is None
        assert not tx.showing.redeem("shw_000001", by="officer-1", now=make_show(1).expires_at)
        assert not tx.showing.redeem("shw_x", by="officer-1", now=T0)

    def redeem(n: int) -> bool:
        with register.uow() as tx:
            return tx.showing.redeem("shw_000001", by=f"officer-{n}", now=T0 + timedelta(seconds=59))

    assert won(redeem) == 1
    with register.uow.read() as tx:
        show = tx.showing.show_by_token(make_show(1).token_sha256)
        assert show is not None
        assert show.redeemed_at == T0 + timedelta(seconds=59)
        assert show.redeemed_by.startswith("officer-")


def test_a_show_of_an_unknown_version_or_a_taken_token_is_refused(register: Store) -> None:
    with pytest.raises(IntegrityError), register.uow() as tx:
        tx.showing.insert_show(make_show(1, version_id="ver_x"))
    with register.uow() as tx:
        tx.showing.insert_show(make_show(1))
    with pytest.raises(IntegrityError), register.uow() as tx:
        tx.showing.insert_show(make_show(2, token_sha256=make_show(1).token_sha256))


def test_scans_are_listed_newest_first_by_version_and_by_authority(store: Store) -> None:
    scans = [make_scan(n, version_id=f"ver_{n % 3}", authority_code=f"auth_{n % 2}") for n in range(12)]
    with store.uow() as tx:
        for scan in scans:
            tx.showing.insert_scan(scan)
        tx.showing.insert_scan(make_scan(99, version_id="", fields=()))
    with store.uow.read() as tx:
        newest = [scan for scan in reversed(scans) if scan.version_id in {"ver_0", "ver_2"}]
        assert list(tx.showing.scans_of(["ver_0", "ver_2", "ver_0"], limit=99)) == newest
        assert list(tx.showing.scans_of(["ver_2", "ver_0"], limit=3)) == newest[:3]
        assert list(tx.showing.scans_of([], limit=3)) == []
        assert list(tx.showing.scans_by_authority("auth_1", limit=2)) == [scans[11], scans[9]]
        assert list(tx.showing.scans_by_authority(ISSUER, limit=2)) == [make_scan(99, version_id="", fields=())]


def test_a_grant_is_used_once_in_time_and_not_after_it_was_withdrawn(register: Store) -> None:
    with register.uow() as tx:
        for n in (1, 2, 3):
            tx.sharing.insert_grant(make_grant(n))
        assert tx.sharing.grant_by_token(make_grant(1).token_sha256) == make_grant(1)
        assert tx.sharing.grant_by_token("00") is None
        assert not tx.sharing.withdraw_grant("grt_000002", holder_subject="person-2", now=T0)
        assert tx.sharing.withdraw_grant("grt_000002", holder_subject="person-1", now=T0)
        assert not tx.sharing.withdraw_grant("grt_000002", holder_subject="person-1", now=T0)
        assert not tx.sharing.use_grants(["grt_000002"], now=T0)
        assert not tx.sharing.use_grants(["grt_000003"], now=make_grant(3).expires_at)

    def use(_: int) -> bool:
        with register.uow() as tx:
            return tx.sharing.use_grants(["grt_000001"], now=T0) == 1

    assert won(use) == 1
    with register.uow() as tx:
        over = make_grant(1).expires_at
        assert not tx.sharing.withdraw_grant("grt_000001", holder_subject="person-1", now=over)
        assert tx.sharing.withdraw_grant("grt_000001", holder_subject="person-1", now=T0), "it would go on answering"
        assert not tx.sharing.answer_under("grt_000001", most=9, now=T0)
        listed = list(tx.sharing.grants_of("person-1", limit=9))
        assert listed == [
            make_grant(3),
            make_grant(2, withdrawn_at=T0),
            make_grant(1, used_at=T0, withdrawn_at=T0),
        ]
        assert list(tx.sharing.grants_of("person-2", limit=9)) == []
        assert len(tx.sharing.grants_of("person-1", limit=1)) == 1


def test_a_grant_without_a_case_is_bound_to_one_once(register: Store) -> None:
    with register.uow() as tx:
        for number, case_no in ((1, ""), (2, ""), (3, "BJ-0"), (4, "")):
            tx.sharing.insert_grant(make_grant(number, case_no=case_no))
        assert tx.sharing.bind_cases({}) == 0
        assert tx.sharing.bind_cases({"grt_000001": "BJ-1", "grt_000002": "BJ-2", "grt_000003": "BJ-3"}) == 2
        assert tx.sharing.bind_cases({"grt_000001": "BJ-4"}) == 0
        found = [tx.sharing.grant(f"grt_00000{number}") for number in (1, 2, 3, 4)]
        assert [one and one.case_no for one in found] == ["BJ-1", "BJ-2", "BJ-0", ""]


def test_a_notice_for_another_than_the_holder_names_who_is_told(register: Store) -> None:
    with register.uow() as tx:
        tx.notices.insert(make_notice(1, recipient=HOLDER), make_notice(2))
        assert [tx.notices.by_id(f"ntc_00000{n}") for n in (1, 2)] == [make_notice(1, recipient=HOLDER), make_notice(2)]


def test_the_ledger_and_the_notices_come_back_newest_first(register: Store) -> None:
    with register.uow() as tx:
        for n in (2, 1, 3):
            tx.sharing.insert_fetch(make_fetch(n, version_id=f"ver_00000{1 + n % 2}"))
            tx.notices.insert(make_notice(n, version_id=f"ver_00000{1 + n % 2}"))
        tx.sharing.insert_fetch(make_fetch(9, version_id="", outcome="no_lawful_basis", fields=(), grant_id=""))
    both = ["ver_000001", "ver_000002"]
    with register.uow.read() as tx:
        assert [fetch.fetch_id for fetch in tx.sharing.fetches_of(both, limit=2)] == ["fet_000003", "fet_000002"]
        assert list(tx.sharing.fetches_of(["ver_000001"], limit=9)) == [make_fetch(2)]
        assert [notice.notice_id for notice in tx.notices.of_versions(both, limit=2)] == ["ntc_000003", "ntc_000002"]
        assert list(tx.notices.of_versions(["ver_000001"], limit=9)) == [make_notice(2)]


def test_a_client_is_registered_and_replaced(store: Store) -> None:
    keys = make_client(1, secret_sha256="", jwks='{"keys": []}', roles=frozenset(), active=False)
    with store.uow() as tx:
        tx.access.upsert_client(make_client(1))
        assert tx.access.client("client_1") == make_client(1)
        tx.access.upsert_client(keys)
        assert tx.access.client("client_1") == keys
        assert tx.access.client("client_x") is None


def test_people_are_bound_replaced_and_listed_by_subject(store: Store) -> None:
    officer = make_person(2, roles=frozenset({"officer"}), badge="99010012345", holder_code="", holder_code_type="")
    odd = make_person(3, subject="sub:with:colons\nand a line")
    with store.uow() as tx:
        for person in (odd, officer, make_person(1, name="旧名"), make_person(1)):
            tx.access.upsert_person(person)
    with store.uow.read() as tx:
        assert tx.access.person("person-1") == make_person(1)
        assert tx.access.person("nobody") is None
        assert list(tx.access.people()) == [make_person(1), officer, odd]


def test_a_key_is_new_once_until_it_expires(store: Store) -> None:
    until = T0 + timedelta(minutes=5)

    def remember(_: int) -> bool:
        with store.uow() as tx:
            return tx.access.remember_once("jti-1", until=until, now=T0)

    assert won(remember) == 1
    with store.uow() as tx:
        assert not tx.access.remember_once("jti-1", until=until, now=until - timedelta(microseconds=1))
        assert tx.access.remember_once("jti-" + "x" * 100_000, until=until, now=T0)
        assert not tx.access.remember_once("jti-" + "x" * 100_000, until=until, now=T0)
        assert tx.access.remember_once("jti-1", until=until + timedelta(hours=1), now=until)
        assert not tx.access.remember_once("jti-1", until=until + timedelta(hours=1), now=until)
