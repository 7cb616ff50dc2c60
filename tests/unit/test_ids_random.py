"""Tokens, secrets, salts and serials: as long as they say, from the system's source, and no two alike."""

from __future__ import annotations

import base64
import secrets
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from certsvc.commands.signers.one_time import new_digits
from certsvc.ids import SystemIds
from certsvc.seal.signer import CODE_DIGITS

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps

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


def test_a_one_time_code_is_six_even_digits_from_the_same_source() -> None:
    salts = iter([bytes(15) + b"\x07", b"\xff" * 16])
    fixed = SimpleNamespace(ids=SimpleNamespace(salt=lambda: next(salts)))
    assert new_digits(cast("Deps", fixed)) == "000007", "the whole of the salt, and zeros in front are kept"
    assert new_digits(cast("Deps", fixed)) == str((2**128 - 1) % 10**6)
    deps = cast("Deps", SimpleNamespace(ids=SystemIds()))
    made = [new_digits(deps) for _ in range(MANY)]
    assert CODE_DIGITS == 6
    assert all(len(one) == CODE_DIGITS and one.isdigit() for one in made)
    assert len(set(made)) > MANY - 25, "two in a thousand alike would be many"
    for place in range(CODE_DIGITS):
        counted = Counter(one[place] for one in made)
        assert all(abs(counted[digit] - MANY / 10) < 121 for digit in "0123456789"), "nine standard deviations"
