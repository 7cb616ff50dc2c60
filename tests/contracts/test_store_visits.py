"""Officers, visits, what came of scans and their pictures keep their promises on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from store_records import T0, make_scan, make_show, make_version

from certsvc.commands.visit_ports import HistoryFilter
from certsvc.errors import IntegrityError
from certsvc.license.officers import Officer
from certsvc.license.uses import Scan
from certsvc.license.visits import Inspection, Outcome, Picture, Rating, TaskKind, Visit, VisitOfficer
from certsvc.store.engine import Store


class Taken(Exception):
    """Undoes a unit of work."""


BODY, OTHER = "11990000MB00000430", "11990000MB0000019F"


def make_officer(n: int) -> Officer:
    return Officer(
        badge=f"990000{n:04d}",
        subject=f"officer-{n}",
        name="李示例",
        authority_code=BODY,
        unit="执法支队",
        kinds=("文化和旅游", "体育"),
        region="990100",
        valid_until=date(2028, 12, 31),
        ended_on=None,
        entered_by="registrar-1",
        entered_at=T0,
    )


def make_visit(n: int, *officers: int, target: bytes = b"") -> Visit:
    visit_id = f"vis_{n:06d}"
    team = tuple(
        VisitOfficer(
            visit_id=visit_id,
            badge=one.badge,
            subject=one.subject,
            authority_code=BODY,
            unit=one.unit,
            kinds=one.kinds,
            region=one.region,
            joined_at=T0,
        )
        for one in map(make_officer, officers)
    )
    return Visit(
        visit_id=visit_id,
        token=f"token-{n}",
        authority_code=BODY,
        departments=(OTHER,),
        opened_by="officer-1",
        task_kind=TaskKind.RANDOM,
        task_no="示例检〔2026〕1号",
        region="990100",
        place="示例路 1 号",
        kinds=("体育",),
        target=target,
        target_name="示例公司",
        repeat_reason="",
        opened_at=T0 + timedelta(seconds=n),
        valid_until=T0 + timedelta(hours=8),
        officers=team,
    )


def make_inspection(n: int, seq: int = 0, outcome: Outcome = Outcome.QUALIFIED) -> Inspection:
    return Inspection(
        inspection_id=f"ins_{n:06d}{seq}",
        scan_id=make_scan(n).scan_id,
        seq=seq,
        visit_id="",
        version_id=make_scan(n).version_id,
        authority_code=make_scan(n).authority_code,
        badge="9900000001",
        actor="officer-1",
        outcome=outcome,
        due_on=date(2026, 3, 1) if outcome is Outcome.RECTIFY else None,
        note="现场情况",
        reason="更正" if seq else "",
        at=T0 + timedelta(seconds=seq),
    )


@pytest.fixture
def manned(store: Store) -> Store:
    """A store with officers 1 to 4 on the register and the versions and scans 1 to 5."""
    with store.uow() as tx:
        tx.officers.enter([make_officer(n) for n in range(1, 5)])
        tx.licenses.insert_all([make_version(n) for n in range(1, 6)])
        tx.showing.insert_scans([make_scan(n) for n in range(1, 6)])
    return store


def test_an_entry_of_the_register_is_read_changed_and_ended_once(manned: Store) -> None:
    with manned.uow() as tx:
        assert tx.officers.by_badges(["9900000001", "x"]) == {"9900000001": make_officer(1)}
        tx.officers.enter([replace(make_officer(1), unit="执法二支队")])
        assert [one.unit for one in tx.officers.of_subject("officer-1")] == ["执法二支队"]
        assert tx.officers.end("9900000001", day=date(2026, 2, 1))
        assert not tx.officers.end("9900000001", day=date(2026, 2, 2))
        assert not tx.officers.end("x", day=date(2026, 2, 2))
        listed = tx.officers.of_authority(BODY, behind="9900000001", limit=2)
        assert [one.badge for one in listed] == ["9900000002", "9900000003"]
        assert not tx.officers.of_authority(OTHER, behind="", limit=2)


def test_an_entry_that_was_ended_or_is_another_bodys_is_not_written_over(manned: Store) -> None:
    """What the registrar read before may have changed since."""
    with manned.uow() as tx:
        assert tx.officers.end("9900000001", day=date(2026, 2, 1))
        assert not tx.officers.enter([make_officer(1)])
        assert not tx.officers.enter([replace(make_officer(2), authority_code=OTHER)])
        found = tx.officers.by_badges(["9900000001", "9900000002"])
        assert found["9900000001"].ended_on == date(2026, 2, 1)
        assert found["9900000002"].authority_code == BODY


def test_a_visit_is_read_as_it_was_opened_and_closed_once(manned: Store) -> None:
    visit = make_visit(1, 1, 2)
    with manned.uow() as tx:
        assert tx.visits.open(visit, token_sha256="aa")
        assert tx.visits.by_id(visit.visit_id) == visit == tx.visits.hold(visit.visit_id)
        assert tx.visits.by_token("aa") == visit
        assert tx.visits.by_token("bb") is tx.visits.hold("vis_x") is None
        duty = tx.visits.duties(["officer-1", "officer-3", ""], now=T0)["officer-1"]
        assert (duty.visit, duty.officer.badge, duty.team) == (replace(visit, officers=()), "9900000001", 2)
        assert not tx.visits.duties(["officer-1"], now=visit.valid_until)
        assert tx.visits.join(make_visit(1, 3).officers)
        assert tx.visits.duties(["officer-1"], now=T0)["officer-1"].team == 3
        tx.officers.end("9900000003", day=date(2026, 1, 1))
        assert not tx.visits.duties(["officer-3"], now=T0), "struck off the register"
        assert tx.visits.duties(["officer-1"], now=T0)["officer-1"].team == 2, "and no second officer either"
        second = make_officer(2)
        for entry, team in ((replace(second, subject="x"), 2), (replace(second, valid_until=date(2026, 1, 1)), 1)):
            assert tx.officers.enter([entry])
            assert not tx.visits.duties([entry.subject, "x"], now=T0)
            assert tx.visits.duties(["officer-1"], now=T0)["officer-1"].team == team
        tx.visits.close(visit.visit_id, at=T0 + timedelta(hours=1))
        tx.visits.close(visit.visit_id, at=T0 + timedelta(hours=2))
    with manned.uow.read() as tx:
        closed = tx.visits.by_ids([visit.visit_id])[visit.visit_id]
        assert closed.closed_at == T0 + timedelta(hours=1)
        assert {one.left_at for one in closed.officers} == {T0 + timedelta(hours=1)}
        assert not tx.visits.duties(["officer-1"], now=T0)


def test_an_officer_is_in_one_open_visit_whoever_asks_first(manned: Store) -> None:
    def attempt(n: int) -> bool:
        with suppress(Taken), manned.uow() as tx:
            if tx.visits.open(make_visit(n, 1, 2), token_sha256=str(n)):
                return True
            raise Taken
        return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1
    with manned.uow() as tx:
        [opened] = tx.visits.of_authority(BODY, before="", limit=10)
        tx.visits.let_go(["9900000001"], now=T0 + timedelta(hours=7))
        assert tx.visits.duties(["officer-1"], now=T0), "it has not lapsed"
        tx.visits.let_go(["9900000001", "9900000002"], now=opened.valid_until)
        assert tx.visits.open(make_visit(100, 1), token_sha256="100")


def test_visits_are_found_by_who_is_visited_and_by_body_page_by_page(manned: Store) -> None:
    holder = make_version(1).holder
    with manned.uow() as tx:
        target = tx.visits.target_of(holder)
        for n in range(1, 5):
            assert tx.visits.open(make_visit(n, n, target=target if n < 4 else b""), token_sha256=str(n))
        found = tx.visits.of_target(target, since=T0 + timedelta(seconds=2), limit=10)
        assert [one.visit_id for one in found] == ["vis_000003", "vis_000002"]
        assert not tx.visits.name_target("vis_000003", make_version(2).holder), "somebody is named"
        assert tx.visits.name_target("vis_000004", holder)
        assert [one.visit_id for one in tx.visits.of_target(target, since=T0, limit=1)] == ["vis_000004"]
        pages, before = [], ""
        while page := tx.visits.of_authority(BODY, before=before, limit=3):
            pages.append([one.visit_id for one in page])
            before = pages[-1][-1]
        assert pages == [["vis_000004", "vis_000003", "vis_000002"], ["vis_000001"]]
        rating = Rating(visit_id="vis_000001", holder=target, mark=5, text="好", at=T0)
        assert tx.visits.rate(rating)
        assert not tx.visits.rate(replace(rating, mark=1))
        assert tx.visits.ratings_of(["vis_000001", "vis_000002"]) == [rating]


def test_what_came_of_a_scan_is_appended_and_never_changed(manned: Store) -> None:
    first, second = make_inspection(1, outcome=Outcome.RECTIFY), make_inspection(1, 1)
    with manned.uow() as tx:
        assert tx.inspections.append(first)
        assert not tx.inspections.append(replace(first, inspection_id="ins_x", note="另一句"))
        assert tx.inspections.append(second)
    with manned.uow.read() as tx:
        assert tx.inspections.of_scans([first.scan_id, make_scan(2).scan_id]) == {first.scan_id: [first, second]}
        assert tx.inspections.scan(first.scan_id) == make_scan(1)
        assert tx.inspections.scan("scn_x") is None


def test_the_history_of_a_body_is_filtered_and_paged(manned: Store) -> None:
    body = make_scan(1).authority_code
    with manned.uow() as tx:
        tx.inspections.append(make_inspection(1, outcome=Outcome.FILED))
        tx.inspections.append(make_inspection(2, outcome=Outcome.FILED))
        tx.inspections.append(make_inspection(2, 1))
        tx.showing.insert_scan(replace(make_scan(6), visit_id="vis_9", authority_code=body))
    every = HistoryFilter(authority_code=body)
    with manned.uow.read() as tx:

        def ids(wanted: HistoryFilter, limit: int = 10) -> list[str]:
            return [scan.scan_id for scan in tx.inspections.history(wanted, limit=limit)]

        all_ids = ids(every)
        assert all_ids == [scan.scan_id for scan in sorted((make_scan(n) for n in range(1, 7)), key=_age, reverse=True)]
        assert ids(replace(every, before=all_ids[1]), 3) == all_ids[2:5]
        assert ids(replace(every, authority_code=OTHER + "X")) == []
        assert ids(replace(every, outcome="filed")) == [make_scan(1).scan_id]
        assert ids(replace(every, visit_id="vis_9")) == [make_scan(6).scan_id]
        assert ids(replace(every, version_ids=(make_scan(3).version_id, "-"))) == all_ids
        assert ids(replace(every, version_ids=("-",))) == []
        assert ids(replace(every, badge="nobody")) == []
        at = make_scan(3).at
        assert make_scan(3).scan_id not in ids(replace(every, until=at))
        assert make_scan(3).scan_id in ids(replace(every, since=at, until=at + timedelta(microseconds=1)))


def _age(scan: Scan) -> tuple[datetime, str]:
    return scan.at, scan.scan_id


def test_pictures_are_one_each_and_go_when_their_time_is_over(manned: Store) -> None:
    picture = Picture(
        picture_id="pic_1",
        scan_id=make_scan(1).scan_id,
        authority_code=BODY,
        actor="officer-1",
        sha256="00",
        size=3,
        object_name="inspections/pic_1.bin",
        at=T0,
        until=T0 + timedelta(days=1),
    )
    with manned.uow() as tx:
        tx.inspections.hold_scan(picture.scan_id)
        assert tx.inspections.add_picture(picture)
        assert not tx.inspections.add_picture(replace(picture, picture_id="pic_2", object_name="b"))
        assert tx.inspections.pictures_of([picture.scan_id]) == {picture.scan_id: [picture]}
        assert tx.inspections.has_picture_object(picture.object_name)
        sealed = tx.inspections.seal_picture("pic_1", b"\xff\xd8\xff")
        assert b"\xff\xd8\xff" not in sealed
        assert tx.inspections.open_picture("pic_1", sealed) == b"\xff\xd8\xff"
        with pytest.raises(IntegrityError):
            tx.inspections.open_picture("pic_2", sealed)
        assert not tx.inspections.pictures_over(now=T0, limit=9)
        assert tx.inspections.pictures_over(now=picture.until, limit=9) == [picture]
        tx.inspections.drop_pictures(["pic_1"])
        assert not tx.inspections.pictures_of([picture.scan_id])


def test_held_shows_are_redeemed_together_and_only_once(manned: Store) -> None:
    digests = [make_show(n).token_sha256 for n in (1, 2)]
    with manned.uow() as tx:
        tx.showing.insert_show(make_show(1))
        tx.showing.insert_show(make_show(2))
    with manned.uow() as tx:
        held = tx.showing.hold_by_tokens([*digests, digests[0], "nobody's"])
        assert held == {make_show(n).token_sha256: make_show(n) for n in (1, 2)}
        tx.showing.redeem_held({make_show(1).show_id: "a", make_show(2).show_id: "b"}, now=T0)
    with manned.uow() as tx:
        held = tx.showing.hold_by_tokens(digests)
        assert [held[digest].redeemed_by for digest in digests] == ["a", "b"]
    with pytest.raises(RuntimeError, match="redeemed"), manned.uow() as tx:
        tx.showing.redeem_held({make_show(1).show_id: "c"}, now=T0)
