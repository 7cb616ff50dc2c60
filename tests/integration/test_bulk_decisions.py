"""One decision about many licenses: previewed, confirmed by another person, carried out after its window, once each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from fixtures_city import ServedCity
from import_desk import CLERK, SLUG, VERIFIER

from certsvc.clock import FixedClock, SystemClock
from certsvc.delivery.loops import drain

LISTED = "/v1/bulk-decisions"


@dataclass
class Bulk:
    """A city whose department decides about many licenses."""

    city: ServedCity
    clock: FixedClock

    def later(self, **by: float) -> None:
        """Time passes; people sign in again."""
        self.clock.advance(timedelta(**by))
        self.city.tokens.clear()

    def body(self, licenses: list[str], **changes: Any) -> dict[str, Any]:
        return {
            "action": "revoke",
            "licenses": licenses,
            "document_no": "示市监罚〔2026〕7号",
            "decided_on": "2026-11-01",
            "basis": "《中华人民共和国行政许可法》第六十九条",
            **changes,
        }

    def ask(self, licenses: list[str], *, by: str = CLERK, **changes: Any) -> Any:
        return self.city.client.post(LISTED, headers=self.city.person(by), json=self.body(licenses, **changes))

    def preview(self, licenses: list[str], **changes: Any) -> dict[str, Any]:
        return dict(self.city.answer(self.ask(licenses, **changes), 201))

    def rows(self, bulk_id: str) -> list[dict[str, Any]]:
        answer = self.city.client.get(f"{LISTED}/{bulk_id}/rows", headers=self.city.person(CLERK))
        return list(self.city.answer(answer, 200)["rows"])

    def read(self, bulk_id: str) -> dict[str, Any]:
        answer = self.city.client.get(f"{LISTED}/{bulk_id}", headers=self.city.person(CLERK))
        return dict(self.city.answer(answer, 200))

    def confirm(self, bulk_id: str, count: int, *, by: str = VERIFIER) -> Any:
        path = f"{LISTED}/{bulk_id}/confirmation"
        return self.city.client.post(path, headers=self.city.person(by), json={"count": count})

    def drop(self, bulk_id: str, *, by: str = CLERK) -> Any:
        path = f"{LISTED}/{bulk_id}/drop"
        return self.city.client.post(path, headers=self.city.person(by), json={"reason": "名单有误"})

    def states(self) -> list[str]:
        return [state for (state,) in self.city.rows("SELECT state FROM licenses ORDER BY created_at, version_id")]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(SystemClock().now())


@pytest.fixture
def bulk(make_city: Callable[..., ServedCity], database_url: str, clock: FixedClock) -> Bulk:
    return Bulk(make_city(database_url, clock=clock), clock)


@pytest.fixture
def small(make_city: Callable[..., ServedCity], sqlite_url: str, clock: FixedClock) -> Bulk:
    return Bulk(make_city(sqlite_url, clock=clock), clock)


def test_many_are_revoked_after_the_window_each_once_with_its_event(bulk: Bulk) -> None:
    city = bulk.city
    issued = [city.issue(SLUG, f"B-{n}") for n in range(3)]
    city.answer(city.move(issued[2]["identifier"], "revoke", slug=SLUG), 201)
    other = city.issue("medical_institution", "B-9")
    names = [
        issued[0]["identifier"],
        issued[1]["identifier"],
        issued[2]["identifier"],
        other["identifier"],
        "1.2.3.4.5.6.7",
    ]
    previewed = bulk.preview([*names, names[0]])
    bulk_id = previewed["batch"]["bulk_id"]
    assert (previewed["batch"]["state_zh"], previewed["rows"]["ready"], previewed["rows"]["not_allowed"]) == (
        "待确认",
        2,
        4,
    )
    rows = bulk.rows(bulk_id)
    assert [row["detail"] for row in rows[:2]] == ["状态由“正常”变为“吊销”"] * 2
    assert [row["code"] for row in rows[2:]] == ["illegal_move", "not_found", "not_found", "double"]
    assert rows[3]["identifier"] == rows[3]["stood"] == "", "a license of others looks like none"
    assert bulk.preview([*names, names[0]])["batch"]["bulk_id"] == bulk_id

    assert bulk.confirm(bulk_id, 2, by=CLERK).status_code == 403
    assert bulk.confirm(bulk_id, 3).status_code == 409
    confirmed = city.answer(bulk.confirm(bulk_id, 2), 201)
    assert confirmed["state_zh"] == "已确认，等待生效"
    city.drain()
    assert bulk.states().count("revoked") == 1, "nothing before the window is over"
    bulk.later(hours=24, seconds=1)
    assert bulk.drop(bulk_id).status_code == 409, "what takes effect has no undo"
    city.drain()
    done = bulk.read(bulk_id)
    assert (done["batch"]["state"], done["rows"]["done"], done["rows"]["failed"]) == ("finished", 2, 0)
    assert bulk.states().count("revoked") == 3
    revoked = [event for event in city.events() if event["type"].endswith("license.revoked.v1")]
    assert [event["data"]["document_no"] for event in revoked].count("示市监罚〔2026〕7号") == 2
    with city.service.deps.uow.read() as tx:
        kinds = [row.kind for row in tx.outbox.evidence_after(0, limit=1000)]
    assert [kind for kind in kinds if kind.startswith("bulk.")] == ["bulk.previewed", "bulk.confirmed", "bulk.finished"]


def test_it_can_be_dropped_until_it_takes_effect(small: Bulk) -> None:
    identifier = small.city.issue(SLUG, "B-1")["identifier"]
    first = small.preview([identifier])["batch"]["bulk_id"]
    small.city.answer(small.confirm(first, 1), 201)
    small.later(hours=23)
    dropped = small.city.answer(small.drop(first, by=VERIFIER), 201)
    assert (dropped["state_zh"], dropped["ended_by"], dropped["reason"]) == ("已取消办理", VERIFIER, "名单有误")
    small.later(hours=2)
    small.city.drain()
    assert small.states() == ["valid"]
    assert small.confirm(first, 1).status_code == 409
    again = small.preview([identifier])["batch"]["bulk_id"]
    assert again != first


def test_a_short_window_needs_a_reason(small: Bulk) -> None:
    identifier = small.city.issue(SLUG, "B-1")["identifier"]
    bare = small.ask([identifier], window_hours=0)
    assert (bare.status_code, bare.json()["errors"][0]["pointer"]) == (422, "/why_short")
    bulk_id = small.preview([identifier], window_hours=0, why_short="执行生效判决")["batch"]["bulk_id"]
    small.city.answer(small.confirm(bulk_id, 1), 201)
    small.city.drain()
    assert small.states() == ["revoked"]


class Killed(BaseException):
    """Stands for a process that dies at a step outside of every transaction."""


class DiesAt:
    """Dies at the ``nth`` time that a step is reached."""

    def __init__(self, point: str, nth: int) -> None:
        self._point, self._left = point, nth

    def reach(self, name: str) -> None:
        if name == self._point:
            self._left -= 1
            if self._left == 0:
                raise Killed


def test_a_kill_in_the_middle_moves_nothing_twice_and_what_moved_meanwhile_holds_up_no_other(
    small: Bulk,
) -> None:
    city = small.city
    names = [city.issue(SLUG, f"B-{n}")["identifier"] for n in range(4)]
    bulk_id = small.preview(names, window_hours=0, why_short="执行生效判决")["batch"]["bulk_id"]
    city.answer(small.confirm(bulk_id, 4), 201)
    city.answer(city.move(names[3], "cancel", slug=SLUG), 201)
    with pytest.raises(Killed):
        drain(replace(city.service.deps, faults=DiesAt("bulk.moved", 2)), worker="dies")
    assert sorted(small.states()) == ["cancelled", "revoked", "revoked", "valid"]
    assert small.read(bulk_id)["rows"]["done"] == 1, "the second one moved, and nobody has noted it"
    small.later(seconds=121)
    city.drain()
    done = small.read(bulk_id)
    assert (done["batch"]["state"], done["rows"]["done"], done["rows"]["failed"]) == ("finished", 3, 1)
    assert small.rows(bulk_id)[3]["code"] == "illegal_move"
    assert city.rows("SELECT count(*) FROM moves WHERE name = 'revoke'") == [(3,)]


def test_many_are_renewed_as_backfill_with_everything_else_as_it_was(small: Bulk) -> None:
    city = small.city
    issued = [city.issue(SLUG, f"B-{n}") for n in range(2)]
    city.answer(city.move(issued[1]["identifier"], "revoke", slug=SLUG), 201)
    how = {"action": "renew", "valid_until": "2035-12-31", "window_hours": 0, "why_short": "集中换证"}
    foreign = city.issue("medical_institution", "B-9")["identifier"]
    hidden = small.preview([foreign], **how)["batch"]["bulk_id"]
    assert [(row["code"], row["identifier"], row["stood"]) for row in small.rows(hidden)] == [("not_found", "", "")]
    previewed = small.preview([issued[0]["number"], issued[1]["number"]], type=SLUG, **how)
    bulk_id = previewed["batch"]["bulk_id"]
    rows = small.rows(bulk_id)
    assert rows[0]["detail"] == "换发新版本，有效期至 2035年12月31日"
    assert (rows[1]["state"], rows[1]["code"]) == ("not_allowed", "refused")
    city.answer(small.confirm(bulk_id, 1), 201)
    city.drain()
    done = small.read(bulk_id)
    assert (done["batch"]["state"], done["rows"]["done"]) == ("finished", 1)
    assert city.rows("SELECT lane, state FROM requests WHERE action = 'renew'") == [(1, "issued")]
    new = small.rows(bulk_id)[0]["detail"].rsplit(" ", 1)[-1]
    card = city.answer(city.client.get(f"/v1/licenses/{new}", headers=city.system()), 200)["license"]
    assert (card["number"], card["valid_until"]) == (issued[0]["number"], "2035-12-31")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"action": "supersede"}, "/action"),
        ({"action": "suspend"}, "/until"),
        ({"until": "2027-01-01"}, "/until"),
        ({"valid_until": "2027-01-01"}, "/valid_until"),
        ({"decided_on": "2035-01-01"}, "/decided_on"),
        ({"action": "renew", "until": "2027-01-01"}, "/until"),
        ({"licenses": ["JY1"]}, "/type"),
    ],
)
def test_a_decision_that_is_wrong_for_every_license_is_refused_at_once(
    small: Bulk, changes: dict[str, Any], pointer: str
) -> None:
    answer = small.ask(changes.pop("licenses", ["1.2.3.4.5.6.7"]), **changes)
    assert answer.status_code == 422
    assert pointer in {one["pointer"] for one in answer.json()["errors"]}
    assert small.city.rows("SELECT count(*) FROM bulks") == [(0,)]


def test_other_authorities_and_roles_stay_outside(small: Bulk) -> None:
    city = small.city
    identifier = city.issue(SLUG, "B-1")["identifier"]
    bulk_id = small.preview([identifier])["batch"]["bulk_id"]
    with city.service.deps.uow() as tx:
        person = tx.access.person(VERIFIER)
        assert person is not None
        tx.access.upsert_person(replace(person, subject="elsewhere", authority_code="11990100MB00010113"))
    assert small.ask([identifier], by=VERIFIER).status_code == 403
    assert small.confirm(bulk_id, 1, by="elsewhere").status_code == 404
    assert small.drop(bulk_id, by="elsewhere").status_code == 404
    assert city.client.get(f"{LISTED}/{bulk_id}", headers=city.person("elsewhere")).status_code == 404
    assert city.client.get(f"{LISTED}/{bulk_id}", headers=city.person("auditor-1")).status_code == 200
    listed = city.answer(city.client.get(LISTED, headers=city.person(CLERK)), 200)
    assert [one["bulk_id"] for one in listed["bulks"]] == [bulk_id]
