"""A clock that is set under a running service: what stops, what goes on, how it resumes; true ages; on record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from fixtures_city import ServedCity
from set_clock import SetClock

from certsvc.clock import SystemClock, rfc3339
from certsvc.commands.clocks.watch import confirm_clock, watch_clock
from certsvc.commands.clocks.watched import Trouble
from certsvc.delivery.loops import drain
from certsvc.errors import ClockInDoubt, Conflict, InvalidInput
from certsvc.store.clock import ClockRows

SLUG, SCENE = "tour_guide", "tour_inspection"
SETS = (300.0, -300.0, 86_400.0, -86_400.0, -3_600.0)
SCAN = "/v1/scans"


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def town(make_city: Callable[..., ServedCity], database_url: str, clock: SetClock) -> ServedCity:
    return make_city(database_url, clock=clock)


@pytest.fixture
def small(make_city: Callable[..., ServedCity], sqlite_url: str, clock: SetClock) -> ServedCity:
    """On SQLite, which has no clock of its own that would go on while the test's stands."""
    town = make_city(sqlite_url, clock=clock)
    watch_clock(town.service.deps)
    return town


def stopped(town: ServedCity, path: str, headers: dict[str, str], body: dict[str, object]) -> None:
    """It answers 503, in Chinese, with what to do and when to come back."""
    response = town.client.post(path, headers=headers, json=body)
    problem = town.answer(response, 503)
    assert (problem["code"], problem["title"]) == ("clock_in_doubt", "时钟存疑，暂停办理")
    assert "NTP" in problem["detail"]
    assert int(response.headers["Retry-After"]) >= 10


def clock_of(town: ServedCity) -> tuple[int, str]:
    response = town.client.get("/readyz")
    return response.status_code, response.json()["clock"]


@pytest.mark.parametrize("by", SETS)
def test_nothing_is_issued_or_redeemed_while_the_clock_is_wrong_and_the_rest_goes_on(
    town: ServedCity, clock: SetClock, by: float
) -> None:
    first, second = town.issue(SLUG, "C-1"), town.issue(SLUG, "C-2")
    code = town.show(SLUG, first["identifier"], SCENE)["code"]
    officer = town.person(town.officer_of(SLUG))
    holder = town.person(town.holder_of(SLUG))
    assert clock_of(town) == (200, "ok")
    clock.set_by(by)
    assert clock_of(town) == (503, "jumped")
    stopped(town, "/v1/shows", holder, {"identifier": first["identifier"], "scene": SCENE})
    stopped(town, SCAN, officer, {"code": code})
    accepted = town.client.post("/v1/issuances", headers=town.system(), json=town.body(SLUG, "C-3"))
    request = town.answer(accepted, 202)["request_id"]
    with pytest.raises(ClockInDoubt):
        drain(town.service.deps, worker="test")
    uses = town.rows("SELECT count(*) FROM reservations")
    assert town.public(code=code)["reason"] == "ok"
    moved = datetime.fromisoformat(town.answer(town.move(second["identifier"], "revoke", slug=SLUG), 201)["at"])
    clock.set_by(-by)
    assert abs(moved - clock.now()) < timedelta(seconds=1), (
        "dated by the time that goes on, not by the clock that was set"
    )
    assert uses == town.rows("SELECT count(*) FROM reservations"), "no seal was used"
    assert clock_of(town) == (200, "ok")
    town.drain()
    done = town.answer(town.client.get(f"/v1/issuances/{request}", headers=town.system()), 200)
    assert done["state"] == "issued"
    assert town.scan(town.officer_of(SLUG), code)["light"] == "green"
    positions = [event["position"] for event in town.events()]
    assert positions == list(range(1, len(positions) + 1)), "ordered by sequence"


@pytest.mark.parametrize("by", [-3_600.0, -300.0, 86_400.0])
@pytest.mark.parametrize("confirmed", [False, True])
def test_no_code_is_good_beyond_sixty_true_seconds(
    small: ServedCity, clock: SetClock, by: float, confirmed: bool
) -> None:
    town = small
    made = town.issue(SLUG, "C-1")
    code = town.show(SLUG, made["identifier"], SCENE)["code"]
    clock.pass_time(30)
    clock.set_by(by)
    if confirmed:
        confirm_clock(town.service.deps, actor="operator-cli", reason="按国家授时中心校准")
        watch_clock(town.service.deps)
        assert clock_of(town) == (200, "ok")
    clock.pass_time(31)
    if not confirmed:
        clock.set_by(-by)
    scan = town.scan(town.officer_of(SLUG), code)
    assert (scan["light"], scan["fields"]) == ("amber", [])
    assert town.public(code=code)["reason"] == "code_expired"


def test_a_confirmation_is_on_record_and_frees_what_a_wrong_clock_had_leased(
    small: ServedCity, clock: SetClock
) -> None:
    town, deps = small, small.service.deps
    town.answer(town.client.post("/v1/issuances", headers=town.system(), json=town.body(SLUG, "C-1")), 202)
    tomorrow = (clock.now() + timedelta(days=1)).isoformat(timespec="microseconds")
    town.execute(f"UPDATE requests SET ready_at = '{tomorrow}'")
    clock.set_by(3_600)
    for reason in ("", "长" * 201):
        with pytest.raises(InvalidInput):
            confirm_clock(deps, actor="operator-cli", reason=reason)
    before, mark = confirm_clock(deps, actor="operator-cli", reason="校准")
    assert before is not None
    assert (mark.epoch, mark.at) == (before.epoch + 1, clock.now())
    watch_clock(deps)
    town.drain()
    assert town.rows("SELECT state FROM requests") == [("issued",)]
    with deps.uow.read() as tx:
        [row] = [row for row in tx.outbox.evidence_after(0, limit=10_000) if row.kind == "clock.confirmed"]
    told = row.details.decode()
    assert "operator-cli" in told
    assert "校准" in told
    assert rfc3339(clock.now()) in told


def test_a_clock_that_differs_from_the_databases_cannot_be_confirmed(
    make_city: Callable[..., ServedCity], postgres_url: str
) -> None:
    town = make_city(postgres_url, clock=SetClock(SystemClock().now() - timedelta(hours=1)))
    found = watch_clock(town.service.deps)
    assert found is not None
    assert found.trouble is Trouble.DATABASE
    assert clock_of(town) == (503, "differs_from_database")
    with pytest.raises(Conflict, match="数据库服务器时间"):
        confirm_clock(town.service.deps, actor="operator-cli", reason="校准")
    assert town.rows("SELECT count(*) FROM clock_marks") == [(0,)]


def test_a_machine_that_stood_still_goes_on_by_itself_and_on_record(
    small: ServedCity, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database's clock is played: it is right all the time, on another machine."""
    deps = small.service.deps
    began = clock.now()
    clock.set_by(600)
    assert clock_of(small) == (503, "jumped")
    found = watch_clock(deps)
    assert found is not None
    assert found.trouble is Trouble.JUMPED, "without another witness somebody has to say so"
    monkeypatch.setattr(ClockRows, "database_now", lambda _: clock.now())
    monkeypatch.setattr(ClockRows, "database_elsewhere", lambda _: True)
    found = watch_clock(deps)
    assert found is not None
    assert found.trouble is None
    assert clock_of(small) == (200, "ok")
    assert deps.clock.sure() == clock.now()
    with deps.uow.read() as tx:
        mark = tx.clock.mark()
        [row] = [row for row in tx.reconciling.evidence_after(0, kinds=("clock.rested",), limit=10) if row.row]
    assert mark is not None
    assert mark.at == clock.now()
    assert row.row is not None
    assert rfc3339(clock.now()) in row.row.details.decode()
    assert rfc3339(began) in row.row.details.decode()
