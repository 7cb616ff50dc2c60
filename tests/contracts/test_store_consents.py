"""Challenges, delegations, relations, co-holders and disputes keep their promises on both databases."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from store_records import HOLDER, ISSUER, T0, make_scan, make_show, make_version

from certsvc.license.challenges import Challenge, ChallengeState
from certsvc.license.delegations import Delegation, DelegationEnd, DelegationLevel, DelegationState
from certsvc.license.disputes import UNDECIDED, Dispute, DisputeAbout, DisputeState
from certsvc.license.model import Holder
from certsvc.license.relations import CoHolder, Relation, RelationKind
from certsvc.license.uses import ShowBasis
from certsvc.store.engine import Store

COMPANY = Holder(name="示例公司", code="91990000MA0000015Q", code_type="001")
DAY = date(2026, 3, 2)


def someone(n: int) -> Holder:
    return Holder(name=f"示例{n}", code=f"9901011985010{n:04d}0", code_type="111")


def make_challenge(n: int = 1, **changes: Any) -> Challenge:
    challenge = Challenge(
        challenge_id=f"chl_{n:06d}",
        token_sha256=f"{n:064d}",
        ticket_sha256=f"{n + 1:064d}",
        verifier="officer-1",
        authority_code=ISSUER,
        badge="9900000001",
        type_slug="",
        scene="catering_inspection",
        audience="officer",
        matter_code="",
        case_no="",
        purpose="示例检查",
        task_no="检查1号",
        created_at=T0,
        expires_at=T0 + timedelta(seconds=120),
    )
    return dataclasses.replace(challenge, **changes)


def make_delegation(n: int = 1, **changes: Any) -> Delegation:
    delegation = Delegation(
        delegation_id=f"dlg_{n:06d}",
        parent_id="",
        level=DelegationLevel.FAMILY,
        holder=HOLDER,
        grantor=HOLDER,
        delegate=someone(n),
        scope={"lic_000001": ("catering_inspection",)},
        until=DAY,
        max_uses=2,
        used=0,
        slot=0,
        state=DelegationState.ACTIVE,
        created_at=T0 + timedelta(seconds=n),
    )
    return dataclasses.replace(delegation, **changes)


def make_relation(n: int = 1, **changes: Any) -> Relation:
    relation = Relation(
        relation_id=f"rel_{n:06d}",
        kind=RelationKind.REPRESENTATIVE,
        subject=COMPANY,
        other=someone(n),
        authority_code=ISSUER,
        client_id="facts-1",
        document_no="示例1号",
        from_on=DAY,
        until_on=None,
        created_at=T0 + timedelta(seconds=n),
    )
    return dataclasses.replace(relation, **changes)


def make_dispute(n: int = 1, **changes: Any) -> Dispute:
    dispute = Dispute(
        dispute_id=f"dsp_{n:06d}",
        version_id="ver_000001",
        holder_subject="person-1",
        about=DisputeAbout.CONTENT,
        use_id="",
        used_by="",
        authority_code=ISSUER,
        text="示例内容有误",
        filed_at=T0 + timedelta(seconds=n),
        due_on=DAY,
    )
    return dataclasses.replace(dispute, **changes)


def outcomes(attempt: Callable[[int], Any], tries: int = 12) -> Counter[Any]:
    with ThreadPoolExecutor(tries) as pool:
        return Counter(pool.map(attempt, range(tries)))


@pytest.fixture
def register(store: Store) -> Store:
    """A store with one license."""
    with store.uow() as tx:
        tx.licenses.insert(make_version(1))
    return store


def test_a_challenge_is_answered_once_in_time_and_collected_once_in_time(store: Store) -> None:
    challenge = make_challenge(1, operator="jingban01")
    yes = dataclasses.replace(
        challenge,
        state=ChallengeState.CONFIRMED,
        holder_subject="person-1",
        version_id="ver_000001",
        basis="guardian",
        basis_id="rel_1",
        presenter="示例母",
        answered_at=T0,
        collect_until=T0 + timedelta(seconds=60),
        seen=("!number", "*photo"),
    )
    with store.uow() as tx:
        tx.challenges.insert(challenge)
        tx.challenges.insert(make_challenge(2, state=ChallengeState.DECLINED))
        assert tx.challenges.by_token(challenge.token_sha256) == challenge
        assert tx.challenges.by_token("x") is None
        assert (tx.challenges.hold_one("chl_000001"), tx.challenges.hold_one("x")) == (challenge, None)
        assert tx.challenges.count_open("officer-1", now=T0) == 1
        assert tx.challenges.count_open("officer-1", now=challenge.expires_at) == 0
        assert not tx.challenges.answer(yes, now=challenge.expires_at)
        assert not tx.challenges.collect("chl_000001", now=T0)

    def answer(n: int) -> bool:
        with store.uow() as tx:
            answered = dataclasses.replace(yes, holder_subject=f"person-{n}")
            return tx.challenges.answer(answered, now=T0)

    def collect(_: int) -> bool:
        with store.uow() as tx:
            return tx.challenges.collect("chl_000001", now=T0 + timedelta(seconds=59))

    assert outcomes(answer) == {True: 1, False: 11}
    with store.uow() as tx:
        assert not tx.challenges.collect("chl_000001", now=T0 + timedelta(seconds=60))
    assert outcomes(collect) == {True: 1, False: 11}
    with store.uow.read() as tx:
        kept = tx.challenges.by_id("chl_000001")
        assert kept is not None
        assert (kept.state, kept.presenter, kept.purpose) == (ChallengeState.COLLECTED, "示例母", "示例检查")
        assert (kept.operator, kept.seen) == ("jingban01", ("!number", "*photo"))
        assert set(tx.challenges.by_ids(["chl_000001", "chl_x"])) == {"chl_000001"}
        assert [one.challenge_id for one in tx.challenges.answered_by(kept.holder_subject, limit=9)] == ["chl_000001"]


def test_a_delegation_is_counted_no_further_than_allowed_nor_past_its_last_day(store: Store) -> None:
    with store.uow() as tx:
        assert tx.delegations.insert(make_delegation(1))
        assert tx.delegations.by_id("dlg_000001") == make_delegation(1)
        assert not tx.delegations.use("dlg_000001", day=DAY + timedelta(days=1))

    def use(_: int) -> bool:
        with store.uow() as tx:
            return tx.delegations.use("dlg_000001", day=DAY)

    assert outcomes(use) == {True: 2, False: 10}


def test_lists_of_delegations_are_those_of_each_side(store: Store) -> None:
    rows = [
        make_delegation(1),
        make_delegation(2, grantor=someone(9), delegate=someone(1)),
        make_delegation(3, holder=COMPANY, grantor=someone(9)),
    ]
    with store.uow() as tx:
        for row in rows:
            tx.delegations.insert(row)
    with store.uow.read() as tx:
        assert list(tx.delegations.of_holder(HOLDER, limit=9)) == [rows[1], rows[0]]
        assert list(tx.delegations.of_grantor(someone(9), limit=9)) == [rows[2], rows[1]]
        assert list(tx.delegations.of_delegate(someone(1), limit=9)) == [rows[1], rows[0]]
        assert list(tx.delegations.of_holder(HOLDER, limit=1)) == [rows[1]]
        assert tx.delegations.by_ids(["dlg_000003", "dlg_000003", "dlg_x"]) == {"dlg_000003": rows[2]}
        assert tx.delegations.by_ids([]) == {}


def test_the_end_of_one_ends_everything_below_once(store: Store) -> None:
    chain = [
        make_delegation(1, level=DelegationLevel.MANAGER, slot=1),
        make_delegation(2, parent_id="dlg_000001", level=DelegationLevel.STAFF),
        make_delegation(3, parent_id="dlg_000001", level=DelegationLevel.STAFF, state=DelegationState.OFFERED),
        make_delegation(4, parent_id="dlg_000001", level=DelegationLevel.STAFF, state=DelegationState.DECLINED),
        make_delegation(5),
    ]
    with store.uow() as tx:
        for one in chain:
            tx.delegations.insert(one)

    def end(_: int) -> tuple[str, ...]:
        with store.uow() as tx:
            ended = tx.delegations.end(["dlg_000001"], DelegationEnd.BY_GRANTOR, now=T0)
            return tuple(sorted(f"{one.delegation_id} {one.ended_because}" for one in ended))

    wanted = ("dlg_000001 grantor", "dlg_000002 above", "dlg_000003 above")
    assert outcomes(end) == {wanted: 1, (): 11}
    with store.uow() as tx:
        states = [tx.delegations.by_id(one.delegation_id) for one in chain]
        assert [one.state.value for one in states if one] == ["ended", "ended", "ended", "declined", "active"]
        assert not tx.delegations.hold("dlg_000001")
        assert tx.delegations.hold("dlg_000005")
        assert not tx.delegations.answer("dlg_000003", DelegationState.ACTIVE, now=T0)


def test_with_a_person_ends_what_the_person_gave_and_was_given_and_what_is_below(store: Store) -> None:
    dead = someone(1)
    rows = [
        make_delegation(1, level=DelegationLevel.MANAGER, slot=1, holder=COMPANY),
        make_delegation(2, parent_id="dlg_000001", level=DelegationLevel.STAFF, holder=COMPANY),
        make_delegation(3, holder=dead),
        make_delegation(4, grantor=dead, holder=COMPANY),
        make_delegation(5, delegate=dead, until=DAY - timedelta(days=1)),
    ]
    with store.uow() as tx:
        for row in rows:
            tx.delegations.insert(row)
        assert [one.delegation_id[-1] for one in tx.delegations.active_of_delegate(dead, day=DAY, limit=9)] == ["1"]
        assert tx.delegations.count_open(COMPANY, day=DAY) == 3
        assert tx.delegations.count_open(HOLDER, day=DAY) == 0
        ended = tx.delegations.end_with(dead, DelegationEnd.DEATH, now=T0)
        because = {one.delegation_id[-1]: one.ended_because for one in ended}
        assert because == {"1": "death", "2": "above", "3": "death", "5": "death"}
        assert tx.delegations.count_open(COMPANY, day=DAY) == 1, "what the dead gave for a company is the company's"


def test_nobody_is_named_below_what_ends_meanwhile(store: Store) -> None:
    """Whoever names holds what is above; whoever ends it finds all that was named."""
    with store.uow() as tx:
        tx.delegations.insert(make_delegation(1, level=DelegationLevel.MANAGER, slot=1))

    def act(n: int) -> str:
        with store.uow() as tx:
            if n == 6:
                tx.delegations.end(["dlg_000001"], DelegationEnd.BY_GRANTOR, now=T0)
                return "ended"
            if not tx.delegations.hold("dlg_000001"):
                return "refused"
            tx.delegations.insert(make_delegation(n + 10, parent_id="dlg_000001", level=DelegationLevel.STAFF))
            return "named"

    done = outcomes(act)
    with store.uow.read() as tx:
        below = [one for one in tx.delegations.of_holder(HOLDER, limit=99) if one.parent_id]
    assert len(below) == done["named"]
    assert {one.state for one in below} <= {DelegationState.ENDED}


def test_a_slot_is_taken_once_and_given_up_at_the_end(store: Store) -> None:
    def take(n: int) -> bool:
        with store.uow() as tx:
            return tx.delegations.insert(make_delegation(n + 1, level=DelegationLevel.MANAGER, slot=1))

    assert outcomes(take) == {True: 1, False: 11}
    with store.uow() as tx:
        tx.delegations.free_slots(HOLDER, day=DAY)
        assert not tx.delegations.insert(make_delegation(50, slot=1))
        tx.delegations.free_slots(HOLDER, day=DAY + timedelta(days=1))
        assert tx.delegations.insert(make_delegation(50, slot=1))
        assert tx.delegations.insert(make_delegation(51, holder=COMPANY, slot=1))


def test_a_company_waits_for_its_new_representative(store: Store) -> None:
    level = DelegationLevel.MANAGER
    rows = [
        make_delegation(1, holder=COMPANY, level=level, slot=1),
        make_delegation(2, holder=COMPANY, parent_id="dlg_000001", level=DelegationLevel.STAFF),
        make_delegation(3, holder=COMPANY, level=level, slot=2, state=DelegationState.OFFERED),
        make_delegation(4),
    ]
    with store.uow() as tx:
        for row in rows:
            tx.delegations.insert(row)
        tx.delegations.unconfirm(COMPANY, now=T0)
        found = [tx.delegations.by_id(row.delegation_id) for row in rows]
        assert [one.state.value for one in found if one] == ["unconfirmed", "unconfirmed", "ended", "active"]
        assert not tx.delegations.use("dlg_000001", day=DAY)
        assert tx.delegations.confirm("dlg_000001")
        assert not tx.delegations.confirm("dlg_000001")
        assert tx.delegations.use("dlg_000002", day=DAY)


def test_a_company_has_one_representative_and_facts_end_once(store: Store) -> None:
    def say(n: int) -> bool:
        with store.uow() as tx:
            return tx.relations.insert(make_relation(n + 1))

    assert outcomes(say) == {True: 1, False: 11}
    child = make_relation(
        90, kind=RelationKind.GUARDIAN, subject=someone(7), other=someone(8), until_on=DAY + timedelta(days=9)
    )
    dead = make_relation(91, kind=RelationKind.DECEASED, subject=someone(7), other=None)
    with store.uow() as tx:
        assert tx.relations.insert(child)
        assert tx.relations.insert(dead)
        assert tx.relations.by_id(child.relation_id) == child
        assert tx.relations.by_ids([child.relation_id, "rel_x"]) == {child.relation_id: child}
        assert tx.relations.by_ids([]) == {}
        assert list(tx.relations.of_other(someone(8), RelationKind.GUARDIAN)) == [child]
        assert list(tx.relations.of_subject(someone(7), RelationKind.DECEASED)) == [dead]
        [current] = tx.relations.of_subject(COMPANY, RelationKind.REPRESENTATIVE)
        assert tx.relations.hold(current.relation_id)
        assert tx.relations.end(current.relation_id, now=T0)
        assert not tx.relations.end(current.relation_id, now=T0)
        assert not tx.relations.hold(current.relation_id)
        assert tx.relations.insert(make_relation(92))


def test_a_person_holds_a_license_beside_others_once(store: Store) -> None:
    kept = CoHolder(
        co_holder_id="coh_1", license_id="lic_000001", holder=someone(1), data={"part": "一半"}, added_at=T0
    )
    with store.uow() as tx:
        assert tx.co_holders.insert(kept)
        assert not tx.co_holders.insert(dataclasses.replace(kept, co_holder_id="coh_2"))
        assert list(tx.co_holders.of_license("lic_000001")) == [kept]
        assert list(tx.co_holders.held_by(someone(1))) == [kept]
        assert tx.co_holders.by_ids(["coh_1", "coh_x"]) == {"coh_1": kept}
        assert tx.co_holders.by_ids([]) == {}
        assert tx.co_holders.remove("coh_1", now=T0)
        assert not tx.co_holders.remove("coh_1", now=T0)
        assert list(tx.co_holders.held_by(someone(1))) == []
        assert tx.co_holders.insert(dataclasses.replace(kept, co_holder_id="coh_2"))


def test_a_dispute_moves_only_from_where_it_may(register: Store) -> None:
    with register.uow() as tx:
        for n in range(1, 4):
            tx.disputes.insert(make_dispute(n))
        assert tx.disputes.by_id("dsp_000001") == make_dispute(1)
        assert tx.disputes.count_open("person-1") == 3
        assert [one.dispute_id[-1] for one in tx.disputes.of_holder("person-1", limit=2)] == ["3", "2"]
        behind = (make_dispute(2).filed_at, "dsp_000002")
        assert [one.dispute_id[-1] for one in tx.disputes.of_authority(ISSUER, limit=9, behind=behind)] == ["1"]

    def take(n: int) -> bool:
        with register.uow() as tx:
            taken = make_dispute(1, state=DisputeState.IN_REVIEW, handler=f"clerk-{n}", taken_at=T0)
            return tx.disputes.move(taken, sources={DisputeState.FILED})

    assert outcomes(take) == {True: 1, False: 11}
    closed = make_dispute(1, state=DisputeState.UPHELD, handler="clerk-1", answer="示例答复", closed_at=T0)
    with register.uow() as tx:
        assert tx.disputes.move(closed, sources=UNDECIDED)
        assert not tx.disputes.move(closed, sources=UNDECIDED)
        assert tx.disputes.by_id("dsp_000001") == closed
        assert tx.disputes.count_open("person-1") == 2


def test_a_show_for_somebody_else_and_of_a_bundle_comes_back_as_it_was(register: Store) -> None:
    show = make_show(
        1,
        basis=ShowBasis.DELEGATION,
        basis_id="dlg_1",
        presenter="示例代",
        bundle="restaurant",
        members=(("ver_000001", "a"), ("ver_000002", "b")),
    )
    with register.uow() as tx:
        tx.showing.insert_show(show)
        tx.showing.insert_show(make_show(2))
        assert tx.showing.show_by_token(show.token_sha256) == show
        assert dict(tx.showing.shows([show.show_id, make_show(2).show_id, "x"])) == {
            show.show_id: show,
            make_show(2).show_id: make_show(2),
        }


def test_a_page_of_scans_begins_behind_a_moment_and_an_id(store: Store) -> None:
    scans = [make_scan(n, version_id="ver_1", at=T0 + timedelta(seconds=n // 3)) for n in range(9)]
    with store.uow() as tx:
        for scan in scans:
            tx.showing.insert_scan(scan)
        assert tx.inspections.scan(scans[4].scan_id) == scans[4]
        assert tx.inspections.scan("x") is None
        newest = list(tx.showing.scans_of(["ver_1"], limit=99))
        for at, scan in enumerate(newest):
            behind = tx.showing.scans_of(["ver_1"], limit=99, behind=(scan.at, scan.scan_id))
            assert list(behind) == newest[at + 1 :]


def test_names_and_words_of_people_are_encrypted(register: Store, rows: Callable[[Store, str], str]) -> None:
    with register.uow() as tx:
        tx.challenges.insert(make_challenge(1, presenter="示例母", operator="示例经办"))
        tx.delegations.insert(make_delegation(1))
        tx.relations.insert(make_relation(1))
        tx.disputes.insert(make_dispute(1, answer="示例答复"))
        tx.showing.insert_show(make_show(1, presenter="示例代"))
    for table in ("challenges", "delegations", "relations", "disputes", "shows"):
        text = rows(register, table)
        for secret in ("示例", HOLDER.code, COMPANY.code, someone(1).code):
            assert secret not in text.replace("示例1号", ""), (table, secret)


@pytest.fixture
def rows() -> Callable[[Store, str], str]:
    """Everything a table holds, as text past every room of ours."""
    from sqlalchemy import text

    def read(store: Store, table: str) -> str:
        with store._engines[-1].connect() as connection:
            found = connection.execute(text(f"SELECT * FROM {table}"))
            cells = [cell for row in found for cell in row]
        return " ".join(
            bytes(cell).decode("utf-8", "replace") if isinstance(cell, bytes | memoryview) else str(cell)
            for cell in cells
        )

    return read
