"""Notices and contacts keep their promises on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from store_records import HOLDER, T0, make_notice, make_version

from certsvc.license.notices import Contact, Notice, NoticeState, Service, Way
from certsvc.store.engine import Store

LATER = T0 + timedelta(hours=1)


def waiting(n: int, **changes: object) -> Notice:
    values = {"state": NoticeState.WAITING, "way": Way.SMS, "ready_at": T0, "version_id": f"ver_{n:06d}", **changes}
    return make_notice(n, **values)


@pytest.fixture
def register(store: Store) -> Store:
    with store.uow() as tx:
        for n in range(1, 13):
            tx.licenses.insert(make_version(n))
    return store


def states(store: Store, *versions: int) -> list[str]:
    with store.uow.read() as tx:
        found = tx.notices.of_versions([f"ver_{n:06d}" for n in versions], limit=99)
    return [notice.state.value for notice in reversed(found)]


def test_of_many_senders_one_has_each_notice(register: Store) -> None:
    with register.uow() as tx:
        for n in range(1, 13):
            tx.notices.insert(waiting(n))

    def send(worker: int) -> list[str]:
        mine: list[str] = []
        while True:
            with register.uow() as tx:
                claim = tx.notices.claim(Way.SMS, token=f"t{worker}", now=T0, lease_s=60)
            if claim is None:
                return mine
            mine.append(claim.notice.notice_id)
            with register.uow() as tx:
                assert tx.notices.sent(claim, Service(to="138****0001"), now=T0)

    with ThreadPoolExecutor(4) as pool:
        found = [one for part in pool.map(send, range(4)) for one in part]
    assert sorted(found) == [f"ntc_{n:06d}" for n in range(1, 13)]
    assert set(states(register, *range(1, 13))) == {"sent"}


def test_notices_about_one_license_leave_in_order_and_others_go_on(register: Store) -> None:
    with register.uow() as tx:
        for n, version in ((1, 1), (2, 1), (3, 2)):
            tx.notices.insert(waiting(n, version_id=f"ver_{version:06d}"))
        tx.notices.insert(waiting(4, version_id="ver_000001", way=Way.MAIL))
        first = tx.notices.claim(Way.SMS, token="a", now=T0, lease_s=60)
        assert first is not None
        assert first.notice.notice_id == "ntc_000001"
        assert tx.notices.put_off(first, way=Way.SMS, attempts=1, ready_at=LATER)
        order = [tx.notices.claim(way, token="b", now=T0, lease_s=60) for way in (Way.SMS, Way.SMS, Way.MAIL)]
        assert [one and one.notice.notice_id for one in order] == ["ntc_000003", None, "ntc_000004"]
        assert order[0] is not None
        assert tx.notices.sent(order[0], Service(), now=T0)
        assert not tx.notices.is_due(Way.SMS, now=T0)
        again = tx.notices.claim(Way.SMS, token="c", now=LATER, lease_s=60)
        assert again is not None
        assert (again.notice.notice_id, again.notice.attempts) == ("ntc_000001", 2)


def test_a_lease_that_ran_out_gives_the_notice_to_another_and_the_first_records_nothing(register: Store) -> None:
    with register.uow() as tx:
        tx.notices.insert(waiting(1))
        lost = tx.notices.claim(Way.SMS, token="a", now=T0, lease_s=60)
        assert tx.notices.claim(Way.SMS, token="b", now=T0, lease_s=60) is None
        taken = tx.notices.claim(Way.SMS, token="b", now=LATER, lease_s=60)
        assert lost is not None
        assert taken is not None
        assert not tx.notices.sent(lost, Service(), now=LATER)
        assert not tx.notices.put_off(lost, way=Way.SMS, attempts=1, ready_at=LATER)
        assert not tx.notices.fail(lost, Service(), reason="away", now=LATER)
        assert tx.notices.fail(taken, Service(to="138****0001"), reason="away", now=LATER)
        assert [one.reason for one in tx.notices.open(NoticeState.FAILED, authority_code="", behind="", limit=9)] == [
            "away"
        ]


def test_what_was_read_stays_read_whatever_the_gateway_says(register: Store) -> None:
    with register.uow() as tx:
        tx.notices.insert(waiting(1))
        claim = tx.notices.claim(Way.SMS, token="a", now=T0, lease_s=60)
        assert claim is not None
        assert tx.notices.read(["ntc_000001"], now=T0) == ["ntc_000001"]
        assert tx.notices.read(["ntc_000001"], now=LATER) == []
        assert tx.notices.sent(claim, Service(to="138****0001"), now=LATER)
        found = tx.notices.by_id("ntc_000001")
        assert found is not None
        assert (found.state, found.sent_at, found.ended_at) == (NoticeState.READ, LATER, T0)
        assert not tx.notices.serve("ntc_000001", Way.POST, Service(), now=LATER)


def test_failed_ones_are_listed_per_body_and_leave_the_list_when_served(register: Store) -> None:
    with register.uow() as tx:
        for n, body in ((1, "a"), (2, "b"), (3, "a")):
            tx.notices.insert(waiting(n, state=NoticeState.FAILED, authority_code=body, ready_at=None))
        mine = tx.notices.open(NoticeState.FAILED, authority_code="a", behind="", limit=9)
        assert [one.notice_id for one in mine] == ["ntc_000001", "ntc_000003"]
        behind = tx.notices.open(NoticeState.FAILED, authority_code="", behind="ntc_000001", limit=9)
        assert [one.notice_id for one in behind] == ["ntc_000002", "ntc_000003"]
        service = Service(served_on=T0.date(), note="回证 1 号", by="clerk")
        assert tx.notices.serve("ntc_000001", Way.DIRECT, service, now=LATER)
        assert tx.notices.resend("ntc_000003", Way.MAIL, now=LATER)
        assert not tx.notices.open(NoticeState.FAILED, authority_code="a", behind="", limit=9)
        served = tx.notices.by_id("ntc_000001")
        assert served is not None
        assert (served.state, served.way, served.service) == (NoticeState.SERVED, Way.DIRECT, service)
        assert tx.notices.is_due(Way.MAIL, now=LATER)


def test_what_a_holder_sets_and_what_others_give_stand_side_by_side(store: Store) -> None:
    given, own = Contact(phone="13800000001"), Contact(mail="own@example.com")
    with store.uow() as tx:
        assert tx.contacts.of(HOLDER) is None
        tx.contacts.set_given(HOLDER, given, by="system", now=T0)
        first = tx.contacts.of(HOLDER)
        tx.contacts.set_own(HOLDER, own, tell_uses=True, by="holder", now=LATER)
        tx.contacts.set_given(HOLDER, Contact(phone="13800000002"), by="system", now=LATER)
        second = tx.contacts.of(HOLDER)
    assert first is not None
    assert second is not None
    assert (first.effective, first.tell_uses) == (given, False)
    assert (second.effective, second.given, second.tell_uses) == (own, Contact(phone="13800000002"), True)
