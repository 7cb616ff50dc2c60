"""Files of a batch that wait, are run again or are swept; doors before pictures; stamping as 首席代表."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from fixtures_city import ServedCity
from seal_people import APPLICANT
from stamp_desk import Desk, desk_of
from upload_documents import letter

from certsvc.api.doors import FILE_DOOR
from certsvc.clock import FixedClock, SystemClock
from certsvc.commands.evidence.sweep import orphans
from certsvc.commands.ports import Deps, TrustChoice
from certsvc.commands.seals.represent import appoint_representative, dismiss_representative
from certsvc.commands.stamping.batch import stamp_next
from certsvc.commands.stamping.uploads import LEFT, left_uploads, sweep_uploads
from certsvc.seal.stamp_retries import FIRST_WAIT, KEPT, MAX_TRIES, MAX_WAIT, may_run_again, passes, wait_after
from certsvc.seal.use import Against
from certsvc.seal.verdict import FileFindings, Reason
from certsvc.store.seals import rules_json

POINT = {"x_mm": 150, "y_mm": 200, "pages": "all"}


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(SystemClock().now())


@pytest.fixture
def desk(make_city: Callable[..., ServedCity], sqlite_url: str, clock: FixedClock) -> Desk:
    return desk_of(make_city(sqlite_url, clock=clock))


def with_rules(desk: Desk, **changes: Any) -> None:
    with desk.city.service.deps.uow.read() as tx:
        seal = tx.seals.by_id(desk.seal_id)
    assert seal is not None
    rules = rules_json(replace(seal.rules, **changes)).replace(":", "\\:")
    desk.city.execute(f"UPDATE seal_versions SET rules = '{rules}' WHERE seal_id = '{desk.seal_id}'")


def begun(desk: Desk, count: int) -> str:
    response = desk.batch([(f"{n}.pdf", letter(1)) for n in range(count)], point=POINT)
    desk.city.answer(response, 202)
    return str(response.headers["location"])


def fresh_headers(desk: Desk) -> dict[str, str]:
    """A token of now: the clock of these tests runs on."""
    desk.city.tokens.pop("keeper-1", None)
    desk.headers = desk.city.person("keeper-1")
    return desk.headers


def state(desk: Desk, place: str) -> dict[str, Any]:
    return dict(desk.city.answer(desk.city.client.get(place, headers=fresh_headers(desk)), 200))


def again(desk: Desk, place: str) -> Any:
    return desk.city.client.post(place + "/retries", headers=fresh_headers(desk))


def work(deps: Deps) -> int:
    done = 0
    while stamp_next(deps, worker="w", lease_s=60):
        done += 1
    return done


def test_the_table_says_what_passes_and_what_may_be_run_again() -> None:
    assert {one for one in Against if passes(f"seal_{one.value}")} == {Against.RATE}
    assert all(may_run_again(f"seal_{one.value}") for one in Against)
    for code in ("broken", "keyword_count", "certified", "too_large", ""):
        assert not passes(code)
        assert not may_run_again(code)
    waits = [wait_after(tries) for tries in range(1, MAX_TRIES)]
    assert (waits[0], waits[1], waits[-1]) == (FIRST_WAIT, 2 * FIRST_WAIT, MAX_WAIT)
    assert waits == sorted(waits)


def test_files_over_the_rate_wait_and_are_stamped_later_also_after_a_restart(desk: Desk, clock: FixedClock) -> None:
    with_rules(desk, per_minute=2)
    deps = desk.city.service.deps
    place = begun(desk, 5)
    work(deps)
    half = state(desk, place)
    assert (half["done"], half["stamped"]) == (2, 2)
    waiting = [item for item in half["items"] if item["state"] == "waiting"]
    assert {item["code"] for item in waiting} == {"seal_rate"}
    assert all("每分钟最多用印 2 次" in item["detail"] for item in waiting)
    assert work(deps) == 0, "not before its time"
    for _ in range(4):
        clock.advance(timedelta(seconds=61))
        work(deps)
    ended = state(desk, place)
    assert (ended["stamped"], ended["refused"]) == (5, 0)
    assert deps.objects.names("uploads/") == ()
    with zipfile.ZipFile(io.BytesIO(desk.picture(place + "/files"))) as result:
        assert len(result.namelist()) == 5


def test_a_file_does_not_wait_for_ever_and_can_be_run_again(desk: Desk, clock: FixedClock) -> None:
    with_rules(desk, per_minute=1)
    deps = desk.city.service.deps
    place = begun(desk, 1)
    # Somebody else uses up every minute.
    used = [0]

    def use_up() -> None:
        used[0] += 1
        at = clock.now().strftime("%Y-%m-%dT%H\\:%M\\:%S.%f+00\\:00")
        columns = "reservation_id, seal_id, purpose, digest, reserved_at, result, signature_sha256"
        values = f"'use_{used[0]}', '{desk.seal_id}', 'other', '{'0' * 64}', '{at}', 'used', ''"
        desk.city.execute(f"INSERT INTO reservations ({columns}) VALUES ({values})")

    for _ in range(MAX_TRIES):
        use_up()
        assert work(deps) == 1
        clock.advance(MAX_WAIT)
    (item,) = state(desk, place)["items"]
    assert (item["state"], item["code"], item["may_retry"]) == ("refused", "seal_rate", True)
    assert f"已自动重试 {MAX_TRIES} 次" in item["detail"]
    desk.city.answer(again(desk, place), 202)
    assert work(deps) == 1
    assert state(desk, place)["stamped"] == 1


def test_a_days_budget_ends_files_with_its_reason_and_the_next_day_they_are_run_again(
    desk: Desk, clock: FixedClock
) -> None:
    deps = desk.city.service.deps
    desk.city.execute(f"UPDATE seals SET daily_budget = 1 WHERE seal_id = '{desk.seal_id}'")
    place = begun(desk, 2)
    work(deps)
    first = state(desk, place)
    assert [item["code"] for item in first["items"]] == ["", "seal_budget"]
    assert "上限 1 次" in first["items"][1]["detail"]
    assert first["items"][1]["may_retry"]
    assert len(deps.objects.names("uploads/")) == 1, "kept to be run again"
    clock.advance(timedelta(days=1))
    assert sweep_uploads(deps) == []
    answer = again(desk, place)
    assert desk.city.answer(answer, 202)["done"] == 1
    assert answer.headers["location"] == place
    work(deps)
    assert state(desk, place)["stamped"] == 2
    assert again(desk, place).status_code == 409, "nothing is left to run again"
    assert desk.city.rows("SELECT count(*) FROM evidence WHERE kind = 'stamping.batch_again'") == [(1,)]


def test_a_seal_that_was_re_made_in_between_ends_the_file_and_a_stranger_runs_nothing_again(desk: Desk) -> None:
    deps = desk.city.service.deps
    place = begun(desk, 1)

    class OtherKey:
        """Another key is on the row when the use is reserved than when the file was read."""

        def __init__(self, renderer: Any) -> None:
            self._renderer = renderer

        def __getattr__(self, name: str) -> Any:
            return getattr(self._renderer, name)

        def stamp_points(self, stamp: Any) -> Any:
            desk.city.execute(f"UPDATE seals SET key_id = key_id || '-x' WHERE seal_id = '{desk.seal_id}'")
            return self._renderer.stamp_points(stamp)

    assert stamp_next(replace(deps, renderer=OtherKey(deps.renderer)), worker="w", lease_s=60)
    (item,) = state(desk, place)["items"]
    assert (item["code"], item["may_retry"]) == ("seal_replaced", True)
    desk.city.execute(f"UPDATE seals SET key_id = replace(key_id, '-x', '') WHERE seal_id = '{desk.seal_id}'")
    with deps.uow.read() as tx:
        seal = tx.seals.by_id(desk.seal_id)
    assert seal is not None
    system = desk.city.system(f"approval-{seal.owner_code.lower()}")
    assert desk.city.client.post(place + "/retries", headers=system).status_code == 404
    desk.city.answer(again(desk, place), 202)
    work(deps)
    assert state(desk, place)["stamped"] == 1


class Busy:
    """An inspector without free workers, so many times."""

    def __init__(self, inspector: Any, times: int) -> None:
        self._inspector = inspector
        self.left = times

    def inspect(self, data: bytes, trust: TrustChoice, now: datetime) -> FileFindings:
        found: FileFindings = self._inspector.inspect(data, trust, now)
        self.left -= 1
        return found if self.left < 0 else replace(found, reason=Reason.CANNOT_CHECK_NOW)


def test_a_file_that_cannot_be_checked_now_waits(desk: Desk, clock: FixedClock) -> None:
    deps = desk.city.service.deps
    place = begun(desk, 1)
    busy = replace(deps, inspector=Busy(deps.inspector, 2))
    for _ in range(2):
        assert work(busy) == 1
        (item,) = state(desk, place)["items"]
        assert (item["state"], item["code"]) == ("waiting", "cannot_check_now")
        clock.advance(MAX_WAIT)
    assert work(busy) == 1
    assert state(desk, place)["stamped"] == 1


def test_files_that_nobody_runs_again_are_given_up(desk: Desk, clock: FixedClock) -> None:
    deps = desk.city.service.deps
    desk.city.execute(f"UPDATE seals SET daily_budget = 0 WHERE seal_id = '{desk.seal_id}'")
    place = begun(desk, 1)
    work(deps)
    assert len(deps.objects.names("uploads/")) == 1
    clock.advance(KEPT)
    assert sweep_uploads(deps) == []
    clock.advance(timedelta(seconds=1))
    assert len(sweep_uploads(deps)) == 1
    assert deps.objects.names("uploads/") == ()
    (item,) = state(desk, place)["items"]
    assert (item["code"], item["may_retry"]) == ("seal_budget", False)
    assert again(desk, place).status_code == 409


# Uploads without a row ------------------------------------------------------------------------------------------------


def test_uploads_that_no_row_needs_are_swept_and_no_others(desk: Desk, clock: FixedClock) -> None:
    deps = desk.city.service.deps
    taken = desk.taken(letter(1))["upload_id"]
    begun(desk, 1)
    needed = set(deps.objects.names("uploads/"))
    assert len(needed) == 2

    before = set(needed)
    files = [("a.pdf", letter(1))]
    assert desk.batch(files, point={**POINT, "x_mm": 0.0}).status_code == 202
    desk.city.execute("DELETE FROM stamp_items WHERE item_id = (SELECT max(item_id) FROM stamp_items)")
    (left,) = set(deps.objects.names("uploads/")) - before
    assert left_uploads(deps) == [], "what is young may still be accepted"
    assert orphans(deps) == []
    assert set(orphans(deps, settle_s=-60)) == {left}
    clock.advance(LEFT + timedelta(minutes=1))
    assert list(left_uploads(deps)) == [left]
    swept = sweep_uploads(deps)
    assert left in swept
    assert taken in swept, "its half hour is over"
    assert set(deps.objects.names("uploads/")) == {name for name in needed if taken not in name}, (
        "the batch waits still"
    )


# Doors ----------------------------------------------------------------------------------------------------------------


def test_pictures_stand_behind_the_door_of_files(desk: Desk) -> None:
    shown = desk.shown(letter(1), point=POINT)
    upload = desk.taken(letter(1))["upload_id"]
    paths = (
        f"/v1/stampings/uploads/{upload}/pages/1",
        f"/v1/stampings/previews/{shown['preview_id']}/pages/1",
        f"/v1/signings/rnd_x/pages/1?sha256={'0' * 64}",
    )
    with ExitStack() as full_house:
        for _ in range(FILE_DOOR.places):
            full_house.enter_context(FILE_DOOR)
        for path in paths:
            full = desk.city.client.get(path, headers=desk.headers)
            assert (full.status_code, full.json()["code"]) == (503, "unavailable"), path
            assert int(full.headers["Retry-After"]) > 0
            assert "几秒后再试" in full.json()["detail"]
    assert [desk.city.client.get(path, headers=desk.headers).status_code for path in paths] == [200, 200, 403]


# 首席代表 --------------------------------------------------------------------------------


def appointed(desk: Desk, clock: FixedClock, **changes: Any) -> str:
    begins = clock.now()
    asked: dict[str, Any] = {"scope_types": (), "matters": (), "term": (begins, begins + timedelta(days=30))} | changes
    one = appoint_representative(
        desk.city.service.deps, APPLICANT, person="use-approver-1", document_no="示例发〔2026〕1号", **asked
    )
    return one.representative_id


def test_a_representative_stamps_alone_within_scope_and_term(desk: Desk, clock: FixedClock) -> None:
    city = desk.city
    with_rules(desk, keepers=("keeper-1",), manual_needed=2, approvers=("use-approver-1", "use-approver-2"))
    rep = Desk(city=city, seal_id=desk.seal_id, diameter_mm=42, headers=city.person("use-approver-1"))
    stranger = rep.upload(letter(1))
    assert (stranger.status_code, "首席代表" in stranger.json()["detail"]) == (403, True)
    held = appointed(desk, clock)
    shown = rep.shown(letter(1), point=POINT)
    unnamed = rep.confirm(shown)
    assert (unnamed.status_code, unnamed.json()["errors"][0]["pointer"]) == (422, "/represented_by")
    foreign = desk.confirm(desk.shown(letter(1), point=POINT), represented_by=held)
    assert (foreign.status_code, foreign.json()["code"]) == (409, "seal_unavailable"), "it is another person's"
    row = city.answer(rep.confirm(shown, represented_by=held), 201)
    assert (row["represented_by"], row["operator"], row["approval_id"]) == (held, "use-approver-1", "")
    assert city.check(rep.file(row["stamping_id"]))["registry_match"] == "exact"
    kept = city.answer(city.client.get(f"/v1/stampings/{row['stamping_id']}", headers=desk.headers), 200)
    assert kept == row, "the keeper sees in whose name it was"
    city.drain()
    with city.service.deps.uow.read() as tx:
        evidence = [one for one in tx.outbox.evidence_after(0, limit=500) if one.kind == "document.sealed"]
    assert held in str(evidence[-1])
    own = city.answer(desk.confirm(desk.shown(letter(2), point=POINT), approval_id=""), 409)
    assert "2 人批准" in own["detail"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"matters": ("11990000MB0000019F4000131011000",)}, "不含这个事项"),
        ({"scope_types": ("food_operation",)}, "不含这类证照"),
    ],
)
def test_outside_the_scope_of_the_appointment_nothing_is_stamped(
    desk: Desk, clock: FixedClock, changes: dict[str, Any], said: str
) -> None:
    held = appointed(desk, clock, **changes)
    rep = Desk(city=desk.city, seal_id=desk.seal_id, diameter_mm=42, headers=desk.city.person("use-approver-1"))
    refused = rep.confirm(rep.shown(letter(1), point=POINT), represented_by=held)
    assert (refused.status_code, refused.json()["code"]) == (409, "seal_unavailable")
    assert said in refused.json()["detail"]
    assert desk.city.rows("SELECT count(*) FROM stampings") == [(0,)]


def test_after_the_term_or_a_dismissal_nothing_is_stamped(desk: Desk, clock: FixedClock) -> None:
    city, deps = desk.city, desk.city.service.deps
    now = clock.now()
    first = appointed(desk, clock)
    second = appointed(desk, clock, term=(now, now + timedelta(minutes=5)))
    rep = Desk(city=city, seal_id=desk.seal_id, diameter_mm=42, headers=city.person("use-approver-1"))
    shown = rep.shown(letter(1), point=POINT)
    dismiss_representative(deps, APPLICANT, first)
    ended = rep.confirm(shown, represented_by=first)
    assert (ended.status_code, "不在任期内" in ended.json()["detail"]) == (409, True), (
        "another one is in its term still"
    )
    clock.advance(timedelta(minutes=6))
    over = rep.confirm(shown, represented_by=second)
    assert (over.status_code, "任期" in over.json()["detail"]) == (403, True)
    assert city.rows("SELECT count(*) FROM stampings") == [(0,)]


def test_a_representative_sees_the_own_stampings_and_no_others(desk: Desk, clock: FixedClock) -> None:
    city = desk.city
    held = appointed(desk, clock)
    rep = Desk(city=city, seal_id=desk.seal_id, diameter_mm=42, headers=city.person("use-approver-1"))
    row, _ = desk.stamped(letter(1), point=POINT)
    mine = city.answer(rep.confirm(rep.shown(letter(2), point=POINT), represented_by=held), 201)
    listed = city.answer(city.client.get("/v1/stampings", headers=rep.headers), 200)
    assert [one["stamping_id"] for one in listed] == [mine["stamping_id"]]
    assert city.client.get(f"/v1/stampings/{row['stamping_id']}/file", headers=rep.headers).status_code == 404
    response = rep.batch([("a.pdf", letter(1))], point=POINT, represented_by=held)
    city.answer(response, 202)
    work(city.service.deps)
    answer = city.answer(city.client.get(response.headers["location"], headers=rep.headers), 200)
    assert answer["stamped"] == 1
