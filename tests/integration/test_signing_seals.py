"""Seals at the end of rounds: one that stays away holds up nobody else, one that never comes ends its round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fixtures_city import ServedCity
from people_city import PEOPLE, PIN, SEAL, SEAL_PLACE, PeopleCity

from certsvc.clock import FixedClock, SystemClock
from certsvc.commands.signings import seal
from certsvc.commands.signings.maintain import maintain_signings
from certsvc.commands.signings.seal import FIRST_PAUSE, LONGEST_PAUSE, pause_after
from certsvc.errors import InvalidInput
from certsvc.seal.model import SealState
from certsvc.seal.rules import SealRules
from certsvc.store.seals import rules_json

WHO = PEOPLE[0]


@pytest.fixture
def clocked(sqlite_url: str, make_city: Callable[..., ServedCity]) -> tuple[PeopleCity, FixedClock]:
    clock = FixedClock(SystemClock().now())
    people = PeopleCity(make_city(sqlite_url, clock=clock))
    people.signer(WHO)
    return people, clock


def set_seal(people: PeopleCity, state: SealState) -> None:
    people.city.execute(f"UPDATE seals SET state = '{state.value}' WHERE seal_id = '{SEAL}'")


def stopped_rounds(people: PeopleCity, count: int) -> list[str]:
    """Rounds asked for while the seal was good, which is stopped before people sign."""
    seal = {"seal_id": SEAL, "place": SEAL_PLACE}
    asked = [people.round((WHO,), (1,), needs_code=False, seal=seal) for _ in range(count)]
    set_seal(people, SealState.STOPPED)
    for one in asked:
        answer = people.confirm(WHO, one["round_id"], document_sha256=one["sha256"], pin=PIN)
        assert answer.status_code == 201
    return [one["round_id"] for one in asked]


def test_pauses_double_up_to_the_longest() -> None:
    assert [pause_after(n) for n in (1, 2, 3)] == [FIRST_PAUSE, FIRST_PAUSE * 2, FIRST_PAUSE * 4]
    assert pause_after(9) == pause_after(10**6) == LONGEST_PAUSE


def test_rounds_whose_seal_is_away_keep_no_other_waiting_and_rest_longer_each_time(
    clocked: tuple[PeopleCity, FixedClock], monkeypatch: pytest.MonkeyPatch
) -> None:
    people, clock = clocked
    monkeypatch.setattr(seal, "SEAL_AT_ONCE", 2)
    deps = people.city.service.deps
    stuck = stopped_rounds(people, 3)
    # They wait for another seal, which stays away; they are older than the one that can be sealed, and fill a look.
    (away,) = people.city.rows(f"SELECT seal_id FROM seals WHERE seal_id <> '{SEAL}' ORDER BY seal_id LIMIT 1")[0]
    people.city.execute(f"UPDATE signing_rounds SET seal_id = '{away}'")
    people.city.execute(f"UPDATE seals SET state = 'stopped' WHERE seal_id = '{away}'")
    clock.advance(timedelta(seconds=1))
    set_seal(people, SealState.ACTIVE)
    (good,) = stopped_rounds(people, 1)
    set_seal(people, SealState.ACTIVE)
    clock.advance(FIRST_PAUSE)
    assert [maintain_signings(deps).rounds_sealed for _ in range(2)] == [0, 1]
    assert people.seen(WHO, good).json()["state"] == "complete"
    tries = "SELECT tries FROM seal_waits ORDER BY tries"
    for pause, expected in ((timedelta(0), 2), (FIRST_PAUSE, 2), (FIRST_PAUSE, 3)):
        clock.advance(pause)
        for _ in range(3):
            maintain_signings(deps)
        assert people.city.rows(tries) == sorted([(2,), *[(expected,)] * len(stuck)])


def test_a_fault_of_ours_over_one_document_keeps_no_other_seal_away(clocked: tuple[PeopleCity, FixedClock]) -> None:
    people, clock = clocked
    first, second = stopped_rounds(people, 2)
    set_seal(people, SealState.ACTIVE)
    deps = people.city.service.deps
    clock.advance(FIRST_PAUSE)

    class Breaks:
        """Signing pages that fail over the first document they see."""

        def __init__(self) -> None:
            self.calls = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(deps.signing_pages, name)

        def begin_seal(self, *args: Any) -> Any:
            self.calls += 1
            if self.calls == 1:
                raise ZeroDivisionError
            return deps.signing_pages.begin_seal(*args)

    pages: Any = Breaks()
    assert maintain_signings(replace(deps, signing_pages=pages)).rounds_sealed == 1
    states = {round_id: people.seen(WHO, round_id).json()["state"] for round_id in (first, second)}
    assert sorted(states.values()) == ["complete", "open"]


@pytest.mark.parametrize("why", ["cancelled", "expired", "keepers", "matters", "gone", "document"])
def test_a_seal_that_never_comes_ends_the_round_and_all_parties_read_why(
    clocked: tuple[PeopleCity, FixedClock], why: str
) -> None:
    people, clock = clocked
    city, deps = people.city, people.city.service.deps
    (round_id,) = stopped_rounds(people, 1)
    set_seal(people, SealState.ACTIVE)
    rules = {"keepers": SealRules(keepers=("keeper-1",)), "matters": SealRules(matters=("000100",))}
    if why in rules:
        made = rules_json(rules[why]).replace(":", "\\:")
        city.execute(f"UPDATE seal_versions SET rules = '{made}' WHERE seal_id = '{SEAL}'")
    elif why == "gone":
        city.execute("UPDATE signing_rounds SET seal_id = 'seal_gone'")
    elif why == "document":

        class Refuses:
            """Signing pages that take no seal."""

            def begin_seal(self, *_: Any) -> Any:
                raise InvalidInput("文件不能再加盖印章")

        pages: Any = Refuses()
        deps = replace(deps, signing_pages=pages)
    else:
        set_seal(people, SealState(why))
    clock.advance(FIRST_PAUSE)
    maintain_signings(deps)
    for headers in (city.person(WHO), city.system()):
        seen = city.answer(people.client.get(f"/v1/signings/{round_id}", headers=headers), 200)
        assert (seen["state"], seen["ended_at"] is not None) == ("unsealed", True)
        assert "印章" in seen["state_zh"]
        assert "印章" in seen["seal"]["trouble"]
        assert [step["state"] for step in seen["steps"]] == ["signed"]
    city.drain()
    last = [event for event in city.events() if event["subject"] == round_id][-1]
    assert last["type"].endswith("signing.unsealed.v1")
    assert "印章" not in str(last["data"])
    assert city.rows("SELECT count(*) FROM evidence WHERE kind = 'signing.unsealed'") == [(1,)]
    maintain_signings(deps)
    assert max(city.rows("SELECT tries FROM seal_waits")) == (2,), "nothing is tried any more"
    cancel = people.client.post(f"/v1/signings/{round_id}/cancellation", headers=city.system(), json={"reason": "重做"})
    assert cancel.status_code == 409
    verdict = city.check(people.file(round_id))
    assert (verdict["indication"], verdict["reason"]) == ("INDETERMINATE", "signing_unfinished")
