"""Random lives in the real register: whatever is asked in whatever order, the laws of the tables hold in the rows.

The pure rules are walked 20,000 times in ``tests/unit/test_license_states.py``; here pages are drawn and sealed, so a
walk costs seconds. ``make test-full`` walks further.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from fixtures_city import ServedCity
from life_city import DECISION, PROJECT, Life

from certsvc.license.links import LinkKind
from certsvc.license.states import MOVES, State

SLUG = "food_operation"
STEPS, FAR = 40, 600
MOVE_NAMES = sorted({move.name for move in MOVES if not move.by_link})
TABLE = {(move.name, source.value, move.target.value) for move in MOVES for source in move.sources}
IN_FORCE = ("provisional", "valid", "suspended")


class Walk:
    """One city, asked for anything in any order."""

    def __init__(self, city: ServedCity, seed: int) -> None:
        self.life = Life(city, SLUG)
        self.chance = random.Random(seed)
        self.count = 0
        self.seen: dict[str, int] = {}
        self.outcomes: Counter[str] = Counter()

    def identifiers(self) -> list[str]:
        return [row[0] for row in self.life.city.rows("SELECT identifier FROM licenses ORDER BY identifier")]

    def step(self) -> None:
        """One thing asked: a new license, a decision, or a link."""
        known = self.identifiers()
        self.count += 1
        dice = self.chance.random()
        if not known or dice < 0.15:
            action = self.chance.choice(["issue", "provisional"])
            extra: dict[str, Any] = {"project_code": PROJECT} if action == "provisional" else {}
            self.note(action, self.life.done(f"W-{self.count}", action, **extra)["state"])
        elif dice < 0.55:
            name = self.chance.choice(MOVE_NAMES)
            document = f"示决〔2026〕{self.count}号"
            answer = self.life.city.move(self.chance.choice(known), name, slug=SLUG, document_no=document)
            assert answer.status_code in {201, 404, 409}, answer.text
            self.note(name, str(answer.status_code))
        else:
            self.link(known)

    def link(self, known: list[str]) -> None:
        kind = self.chance.choice(list(LinkKind))
        previous = self.chance.choice(known)
        extra: dict[str, Any] = {"previous": previous}
        if kind is LinkKind.SPLIT:
            extra["case_no"] = self.chance.choice(["BJ-1", "BJ-2"])
        if kind is LinkKind.MERGE:
            others = [name for name in known if name != previous]
            if not others:
                return
            extra["absorbs"] = [self.chance.choice(others)]
        if kind is LinkKind.CORRECT:
            extra["decision"] = DECISION
        if kind is LinkKind.CONVERT:
            extra["project_code"] = PROJECT
        self.note(kind.value, self.life.done(f"W-{self.count}", kind.value, **extra)["state"])

    def note(self, asked: str, outcome: str) -> None:
        assert outcome in {"issued", "refused", "201", "404", "409"}, (asked, outcome)
        self.outcomes[outcome] += 1

    def check(self) -> None:
        """What must be true of the rows after every step."""
        city = self.life.city
        self.life.one_in_force()
        rows = {row[0]: row[1] for row in city.rows("SELECT identifier, revision FROM licenses")}
        assert all(rows.get(name, -1) >= at for name, at in self.seen.items()), "a version was lost or went back"
        self.seen = rows
        moved = set(city.rows("SELECT name, from_state, to_state FROM moves"))
        assert moved <= TABLE
        followed = city.rows(
            "SELECT DISTINCT l.state FROM licenses l JOIN version_links k ON k.predecessor_id = l.version_id"
        )
        assert {row[0] for row in followed} <= {State.SUPERSEDED.value, State.VOIDED.value}
        lost = city.rows(
            "SELECT count(*) FROM licenses l WHERE l.state = 'superseded' AND NOT EXISTS"
            " (SELECT 1 FROM version_links k WHERE k.predecessor_id = l.version_id)"
        )
        assert lost == [(0,)], "what was superseded has a successor"
        twice = "SELECT number_blind, count(*) FROM licenses WHERE state IN ('provisional', 'valid', 'suspended')"
        assert city.rows(f"{twice} GROUP BY number_blind HAVING count(*) > 1") == [], "one number is in force once"


def walked(city: ServedCity, seed: int, steps: int) -> Walk:
    walk = Walk(city, seed)
    for _ in range(steps):
        walk.step()
        walk.check()
    states = Counter(row[0] for row in city.rows("SELECT state FROM licenses"))
    assert sum(states[name] for name in IN_FORCE) >= 1
    assert walk.outcomes["201"] + walk.outcomes["issued"] > steps / 5, "the walk did something"
    assert walk.outcomes["409"] + walk.outcomes["refused"] + walk.outcomes["404"] > 0, "and met the law"
    return walk


def test_whatever_is_asked_the_rows_obey_the_tables(database_url: str, make_city: Callable[..., ServedCity]) -> None:
    walked(make_city(database_url), 20260301, STEPS)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(3))
def test_long_walks_obey_the_tables_too(database_url: str, make_city: Callable[..., ServedCity], seed: int) -> None:
    walked(make_city(database_url), seed, FAR)
