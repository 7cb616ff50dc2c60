"""Failed sign-ins: who guesses is slowed, alone and from many addresses, and nobody else is kept out by it."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest

from certsvc.api.rate import GUESS_SHARE, LOGIN_RATES, RateLimiter
from certsvc.clock import FixedClock
from certsvc.errors import RateLimited

RATE = 600
OWN, LOGIN = "198.51.100.1", "cert_share:access-1"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def limiter(clock: FixedClock) -> RateLimiter:
    return RateLimiter(clock, per_minute=RATE)


def heard(limiter: RateLimiter, address: str, login: str = LOGIN) -> bool:
    try:
        limiter.check_guesses(address, login)
    except RateLimited:
        return False
    return True


def guess(limiter: RateLimiter, address: str, login: str = LOGIN) -> bool:
    """Whether a wrong secret was looked at."""
    if not heard(limiter, address, login):
        return False
    with contextlib.suppress(RateLimited):
        limiter.count_guess(address, login)
    return True


def test_one_address_guesses_for_itself_alone(limiter: RateLimiter) -> None:
    looked = sum(guess(limiter, "203.0.113.1") for _ in range(1000))
    assert looked == RATE // GUESS_SHARE
    assert not heard(limiter, "203.0.113.1", "another login")
    assert heard(limiter, OWN)


def test_many_addresses_have_one_guess_each_once_they_are_many_and_the_client_is_heard(
    limiter: RateLimiter, clock: FixedClock
) -> None:
    bots = [f"203.0.{n // 250}.{n % 250}" for n in range(3000)]
    first = sum(guess(limiter, bot) for bot in bots)
    assert first == len(bots), "who has not guessed is heard, or the client might not be"
    assert sum(guess(limiter, bot) for _ in range(5) for bot in bots) == 0, "and nobody a second time"
    assert heard(limiter, OWN), "the client was never wrong"
    assert guess(limiter, OWN), "a slip of its own is looked at"
    assert not heard(limiter, OWN)
    assert heard(limiter, OWN, "cert_share:access-2"), "other logins are not guessed at"
    clock.advance(timedelta(seconds=60))
    assert heard(limiter, OWN), "and forgotten with its window"


def test_below_that_an_address_has_all_its_guesses(limiter: RateLimiter) -> None:
    per = RATE // GUESS_SHARE
    for bot in range(RATE * LOGIN_RATES // per):
        assert sum(guess(limiter, f"203.0.113.{bot}") for _ in range(per)) == per
    assert sum(guess(limiter, "203.0.113.200") for _ in range(per)) == 1
