"""Tokens, secrets, salts and serials: as long as they say, from the system's source, and no two alike."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable

import pytest

from certsvc.ids import SystemIds

MANY = 2_000
KINDS: dict[str, tuple[Callable[[SystemIds], bytes], int]] = {
    "token": (lambda ids: base64.urlsafe_b64decode(ids.token() + "=="), 128),
    "secret": (lambda ids: base64.urlsafe_b64decode(ids.secret() + "="), 256),
    "salt": (lambda ids: ids.salt(), 128),
    "serial": (lambda ids: ids.cert_serial().to_bytes(16, "big"), 127),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_bit_is_random_and_none_comes_twice(kind: str) -> None:
    make, bits = KINDS[kind]
    ids = SystemIds()
    made = [make(ids) for _ in range(MANY)]
    assert len(set(made)) == MANY
    assert {len(one) * 8 for one in made} == {-(-bits // 8) * 8}
    ones = [sum((one[at // 8] >> (7 - at % 8)) & 1 for one in made) for at in range(len(made[0]) * 8)]
    skipped = len(ones) - bits  # the sign of a serial
    assert ones[:skipped] == [0] * skipped
    # A fair bit is outside of these bounds once in 10^18 tries (nine standard deviations of 22 for 2,000 tosses).
    assert all(abs(count - MANY / 2) < 202 for count in ones[skipped:])


def test_they_come_from_the_systems_source(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    real = secrets.token_bytes

    def counted(size: int | None = None) -> bytes:
        asked.append(size or 0)
        return real(size)

    monkeypatch.setattr(secrets, "token_bytes", counted)
    ids = SystemIds()
    ids.token(), ids.secret(), ids.salt(), ids.cert_serial()
    assert asked == [16, 32, 16, 16]
