"""R11: decisions, renewals and reads of one license at the same time are answered as if they had come one by one."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
from fixtures_city import ServedCity
from histories import Call, is_linearizable, timed, told
from life_city import Life

from certsvc.license.states import ENDED, Paper, State, decidable

SLUG = "food_operation"
CLIENTS, CALLS = 4, 5
TRIES = 20
MOVES = ("suspend", "resume", "revoke", "reinstate", "cancel", "withdraw", "rescind", "void")


def step(state: str, call: Call) -> str | None:
    """What the table of states says of a call that is answered so in ``state``."""
    name, answered = call.asked, call.answered
    if name == "read":
        return state if answered == state else None
    if name == "check":
        return state if answered == (state == State.VALID) else None
    if name == "renew":
        lawful = state == State.VALID
        target = State.SUPERSEDED.value
    else:
        found = [move for move in decidable(State(state), Paper.FORMAL) if move.name == name]
        lawful, target = bool(found), found[0].target.value if found else ""
    if answered == "refused":
        return None if lawful else state
    return target if lawful and answered in {"issued", target} else None


class Client:
    """One client with its own chances."""

    def __init__(self, life: Life, made: dict[str, Any], seed: int) -> None:
        self.life, self.made, self.seed = life, made, seed
        self.identifier = made["identifier"]
        self.chance = random.Random(seed)

    def calls(self, start: Barrier) -> list[Call]:
        """Begin with the others; then one call after the other."""
        start.wait()
        return [self._call(number) for number in range(CALLS)]

    def _call(self, number: int) -> Call:
        dice = self.chance.random()
        if dice < 0.25:
            return timed("read", lambda: self.life.card(self.identifier)["state"])
        if dice < 0.4:
            return timed("check", self._check)
        if dice < 0.5:
            return timed("renew", lambda: self._renew(number))
        name = self.chance.choice(MOVES)
        return timed(name, lambda: self._move(name, number))

    def _check(self) -> bool:
        facts = self.life.city.public(sha256=self.made["sha256"])["license"]
        return bool(facts["state"] == State.VALID.value)

    def _move(self, name: str, number: int) -> str:
        document = f"示决〔2026〕{self.seed}-{number}号"
        answer = self.life.city.move(self.identifier, name, slug=SLUG, document_no=document)
        if answer.status_code == 409:
            return "refused"
        return str(self.life.city.answer(answer, 201)["to_state"])

    def _renew(self, number: int) -> str:
        """What became of a renewal in the end: one that is tried again has not been answered yet."""
        done = self.life.done(f"R{self.seed}-{number}", "renew", previous=self.identifier)
        for _ in range(TRIES):
            if done["state"] not in {"accepted", "failed"}:
                break
            assert done.get("reason") != "internal", done
            self.life.city.make_due()
            done = self.life.again(done["request_id"])
        return str(done["state"])


def history(life: Life, made: dict[str, Any], seed: int) -> list[Call]:
    """What some clients saw who all worked on one license."""
    start = Barrier(CLIENTS)
    clients = [Client(life, made, seed * CLIENTS + number) for number in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        return [call for calls in pool.map(lambda one: one.calls(start), clients) for call in calls]


def test_what_happens_to_one_license_at_once_has_an_order(
    database_url: str, make_city: Callable[..., ServedCity], rounds: Callable[[int, int], int]
) -> None:
    life = Life(make_city(database_url), SLUG)
    moved = 0
    for seed in range(rounds(6, 5000)):
        calls = history(life, life.made(f"LIN-{seed}"), seed)
        assert is_linearizable(calls, State.VALID.value, step), f"seed {seed}\n{told(calls)}"
        moved += any(call.asked in MOVES and call.answered != "refused" for call in calls)
    assert moved >= 3, "the histories did something"


@pytest.mark.parametrize(
    ("second", "fits"),
    [
        ({"answered": "valid"}, False),
        ({"answered": "suspended"}, True),
        ({"answered": "valid", "began": 1.0}, True),
    ],
)
def test_the_checker_tells_a_stale_read_from_an_early_one(second: dict[str, Any], fits: bool) -> None:
    suspend = Call("suspend", "suspended", 0.0, 2.0)
    read = replace(Call("read", "", 3.0, 4.0), **second)
    assert is_linearizable([suspend, read], "valid", step) is fits


def test_two_clients_cannot_both_have_ended_it() -> None:
    assert State.REVOKED in ENDED
    calls = [Call("revoke", "revoked", 0.0, 2.0), Call("rescind", "rescinded", 1.0, 3.0)]
    assert not is_linearizable(calls, "valid", step)
