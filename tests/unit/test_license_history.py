"""A version as known at any earlier moment is what a register that stopped then would say."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from store_records import make_version

from certsvc.license.history import as_known
from certsvc.license.model import Decision, LicenseVersion, MoveRecord
from certsvc.license.states import State

STATES = [State.VALID, State.SUSPENDED, State.REVOKED, State.SUPERSEDED, State.CANCELLED]


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[tuple[datetime, LicenseVersion]], list[MoveRecord]]:
    """Every version that the register ever held, each with its first moment, and the moves between them."""
    now = make_version()
    seen = [(now.created_at, replace(now, state=State.VALID, suspended_until=None, revision=1))]
    moves: list[MoveRecord] = []
    at = now.created_at
    for number in range(draw(st.integers(0, 6))):
        at += timedelta(seconds=draw(st.integers(1, 10_000)))
        before = seen[-1][1]
        state = draw(st.sampled_from(STATES))
        until = date(2026, 12, draw(st.integers(1, 31))) if state is State.SUSPENDED else None
        decision = Decision(authority_code="x", document_no="1", decided_on=at.date(), basis="b", until=until)
        moves.append(
            MoveRecord(
                move_id=f"m{number}",
                version_id=before.version_id,
                name="any",
                from_state=before.state,
                to_state=state,
                decision=decision,
                actor="a",
                at=at,
            )
        )
        link = before.replaced_by_version_id or ("ver_next" if state is State.SUPERSEDED else "")
        after = replace(
            before, state=state, suspended_until=until, revision=before.revision + 1, replaced_by_version_id=link
        )
        seen.append((at, after))
    return seen, moves


@given(lives(), st.integers(-100, 80_000))
def test_as_known_is_what_the_register_said_then(
    life: tuple[list[tuple[datetime, LicenseVersion]], list[MoveRecord]], seconds: int
) -> None:
    seen, moves = life
    at = seen[0][0] + timedelta(seconds=seconds)
    found = as_known(seen[-1][1], moves, at)
    then = [version for begins, version in seen if begins <= at]
    if not then:
        assert found is None
        return
    assert found is not None
    expected = then[-1]
    assert (found.state, found.suspended_until, found.revision) == (
        expected.state,
        expected.suspended_until,
        expected.revision,
    )
    if expected.state is State.SUPERSEDED:
        assert found.replaced_by_version_id == "ver_next"
