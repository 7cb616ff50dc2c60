"""Random lives: no sequence of moves and links reaches a state that the table forbids, or two versions in force."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from certsvc.errors import IllegalMove, Refused
from certsvc.license.links import LINKS, LinkKind, VersionLink, following, newest
from certsvc.license.states import (
    ENDED,
    MOVES,
    PERMIT_ENDED,
    STANDING_STATES,
    STATE_ZH,
    Paper,
    State,
    Who,
    decidable,
    lawful,
)

STEPS = 12
NOW = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = sorted({move.name for move in MOVES})


@dataclass
class Version:
    """One version of the simulated register."""

    license_id: int
    paper: Paper
    state: State
    history: list[tuple[str, State, State]] = field(default_factory=list)


@dataclass
class Register:
    """Versions and links, moved by the pure rules alone."""

    versions: dict[str, Version] = field(default_factory=dict)
    links: list[VersionLink] = field(default_factory=list)
    followers: dict[str, list[VersionLink]] = field(default_factory=dict)
    licenses: int = 0

    def add(self, paper: Paper, state: State, license_id: int | None = None) -> str:
        """Register a version; a license of its own unless one is named."""
        if license_id is None:
            self.licenses += 1
            license_id = self.licenses
        name = f"v{len(self.versions):03d}"
        self.versions[name] = Version(license_id=license_id, paper=paper, state=state)
        return name

    def after(self, name: str) -> list[VersionLink]:
        """What follows a version."""
        return self.followers.get(name, [])

    def move(self, name: str, move_name: str) -> None:
        """A decision."""
        version = self.versions[name]
        move = lawful(move_name, version.state, version.paper)
        assert not move.by_link
        version.history.append((move.name, version.state, move.target))
        version.state = move.target

    def follow(self, kind: LinkKind, names: list[str], case_no: str) -> None:
        """What issuance does with its links: everything, or nothing."""
        rule = LINKS[kind]
        steps = []
        for name in names:
            version = self.versions[name]
            voided_from = next((source for move, source, _ in reversed(version.history) if move == "void"), None)
            steps.append(
                following(
                    kind,
                    version.state,
                    version.paper,
                    links=self.after(name),
                    case_no=case_no,
                    voided_from=voided_from,
                )
            )
        for name, step in zip(names, steps, strict=True):
            version = self.versions[name]
            if step.move is not None:
                version.history.append((step.move.name, version.state, step.move.target))
                version.state = step.move.target
        main = self.versions[names[0]]
        provisional = steps[0].state is State.PROVISIONAL
        paper = main.paper if kind is LinkKind.CORRECT else Paper.PROVISIONAL if provisional else Paper.FORMAL
        made = self.add(paper, steps[0].state, main.license_id if rule.keeps_license else None)
        for name in names:
            link = VersionLink(predecessor_id=name, successor_id=made, kind=kind, case_no=case_no, at=NOW)
            self.links.append(link)
            self.followers.setdefault(name, []).append(link)

    def check(self) -> None:
        """The laws that hold at every moment."""
        standing: dict[int, int] = {}
        for name, version in self.versions.items():
            standing[version.license_id] = standing.get(version.license_id, 0) + (version.state in STANDING_STATES)
            followed = bool(self.after(name))
            assert not followed or version.state in {State.SUPERSEDED, State.VOIDED}, "what is followed has ended"
            assert version.state is not State.SUPERSEDED or followed, "what is superseded has a successor"
            assert (version.state is State.PROVISIONAL) <= (version.paper is Paper.PROVISIONAL)
            ends = newest(name, lambda n: [link.successor_id for link in self.after(n)])
            assert ends, "the newest is always found"
            assert all(end in self.versions and not self.after(end) for end in ends)
        assert all(count <= 1 for count in standing.values()), "two versions of one license in force"


def live(seed: int) -> Register:
    """One random life."""
    chance = random.Random(seed)
    register = Register()
    for paper in chance.choices(list(Paper), weights=[3, 1], k=2):
        register.add(paper, State.PROVISIONAL if paper is Paper.PROVISIONAL else State.VALID)
    for _ in range(STEPS):
        names = list(register.versions)
        name = chance.choice(names)
        before, links = {key: version.state for key, version in register.versions.items()}, len(register.links)
        try:
            if chance.random() < 0.5:
                register.move(name, chance.choice([n for n in NAMES if n not in {"supersede", "convert", "correct"}]))
            else:
                kind = chance.choice(list(LinkKind))
                others = [n for n in names if register.versions[n].license_id != register.versions[name].license_id]
                chosen = [name, *chance.sample(others, min(1, len(others)))] if kind is LinkKind.MERGE else [name]
                register.follow(kind, chosen, chance.choice(["BJ-1", "BJ-2", ""]))
        except (IllegalMove, Refused):
            assert before == {key: version.state for key, version in register.versions.items()}
            assert links == len(register.links)
            continue  # nothing changed, and what stood was checked
        assert set(before) <= set(register.versions), "no version is ever lost"
        register.check()
    return register


@pytest.mark.parametrize("lives", [4_000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_random_lives_break_no_law(lives: int) -> None:
    reached: set[State] = set()
    kinds: set[LinkKind] = set()
    made: set[tuple[str, State, State]] = set()
    for seed in range(lives):
        register = live(seed)
        for version in register.versions.values():
            reached.add(version.state)
            made |= set(version.history)
        kinds |= {link.kind for link in register.links}
    assert reached == set(State), "the walk reaches every state"
    assert kinds == set(LinkKind), "and makes every link"
    table = {(move.name, source, move.target) for move in MOVES for source in move.sources}
    assert made <= table
    assert {name for name, _, _ in made} == set(NAMES)


def test_what_the_table_does_not_have_is_refused_for_every_state_and_paper() -> None:
    for name in [*NAMES, "delete", ""]:
        for state in State:
            for paper in Paper:
                row = [m for m in MOVES if m.name == name and state in m.sources and paper in m.papers]
                assert len(row) <= 1, "one row decides"
                if row:
                    assert lawful(name, state, paper) is row[0]
                else:
                    with pytest.raises(IllegalMove, match=STATE_ZH[state]):
                        lawful(name, state, paper)


def test_superseded_and_voided_are_for_good_and_every_other_ending_can_be_undone() -> None:
    for state in (State.SUPERSEDED, State.VOIDED):
        for paper in Paper:
            assert decidable(state, paper) == ()
    for state in PERMIT_ENDED:
        assert lawful("reinstate", state).target is State.VALID
    assert lawful("reinstate", State.WITHDRAWN, Paper.PROVISIONAL).target is State.PROVISIONAL


def test_no_move_is_made_by_time() -> None:
    for move in MOVES:
        assert (move.who is Who.SERVICE) <= move.by_link, "the service moves only what another version replaces"
        assert move.why
        assert move.law


def test_a_reinstatement_of_a_provisional_opinion_never_makes_a_license() -> None:
    for move in MOVES:
        if Paper.PROVISIONAL in move.papers and not move.by_link:
            assert move.target in ENDED | {State.PROVISIONAL}


def test_a_circle_of_links_ends_the_search_all_the_same() -> None:
    circle = {"a": ["b"], "b": ["c"], "c": ["a"]}
    assert newest("a", lambda name: circle[name]) == ()
    fork = {"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}
    assert newest("a", lambda name: fork[name]) == ("d",)
