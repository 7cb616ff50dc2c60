"""What breaks, over many files: the answer by groups is that of looking at every file on every day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_care_days import FIRST, LOSSES, SEAL, files, holds

from certsvc.clock import FixedClock
from certsvc.commands.care.breaks import look_at_breaks
from certsvc.commands.care.inventory import take_inventory
from certsvc.commands.ports import Deps
from certsvc.errors import InvalidInput, UnknownLicenseType
from certsvc.seal.care import FileGroup, Loss, SignatureFacts, profile_of

NOW = datetime(2026, 1, 6, 4, tzinfo=UTC)
LAST = 120
"""No file of these tests stands longer than so many days."""


@dataclass(frozen=True)
class Kept:
    """A file of a license."""

    type_slug: str
    in_force: bool
    signatures: tuple[SignatureFacts, ...]


@dataclass
class Register:
    """Files in memory, put into groups as the store does."""

    kept: Sequence[Kept]

    def groups(self, _today: date) -> Sequence[FileGroup]:
        found: dict[tuple[str, str, bool], list[int]] = {}
        for n, one in enumerate(self.kept):
            found.setdefault((profile_of(one.signatures), one.type_slug, one.in_force), []).append(n)
        return [
            FileGroup(
                profile=profile,
                type_slug=slug,
                issuer_code="x",
                in_force=in_force,
                files=len(members),
                first=min(self.kept[n].signatures[0].signed_at for n in members),
                last=max(self.kept[n].signatures[0].signed_at for n in members),
                sample=str(members[-1]),
            )
            for (profile, slug, in_force), members in found.items()
        ]

    def of(self, ids: Sequence[str]) -> Mapping[str, tuple[SignatureFacts, ...]]:
        return {one: self.kept[int(one)].signatures for one in ids}

    def to_read(self) -> int:
        return 0


class NoCatalog:
    """Knows no type and no authority: names are the codes."""

    authorities = ()

    def type(self, slug: str) -> Any:
        raise UnknownLicenseType(slug)


def deps_over(kept: Sequence[Kept]) -> Deps:
    @contextmanager
    def read() -> Iterator[Any]:
        lives = SimpleNamespace(revocations=list)
        yield SimpleNamespace(care=Register(kept), seals=SimpleNamespace(all=list), seal_lives=lives)

    given_ports = SimpleNamespace(clock=FixedClock(NOW), uow=SimpleNamespace(read=read), catalog=NoCatalog())
    return cast("Deps", given_ports)


def fails_on(one: Kept, loss: Loss | None) -> date:
    """The first day on which a seal of the file does not hold, by looking at every day."""
    seals = [place for place, signature in enumerate(one.signatures) if signature.kind is SEAL]
    days = (FIRST + timedelta(days=number) for number in range(LAST))
    return next(day for day in days if not all(holds(one.signatures, place, day, loss) for place in seals))


KEPT = st.lists(
    st.builds(Kept, type_slug=st.sampled_from("ab"), in_force=st.booleans(), signatures=files().map(tuple)),
    max_size=12,
).map(lambda some: some + some[:3])  # some stand on the same


@settings(max_examples=150, deadline=None)
@given(kept=KEPT, loss=LOSSES, day=st.integers(0, 60))
def test_counts_by_groups_are_those_of_every_file(kept: list[Kept], loss: Loss | None, day: int) -> None:
    on = loss.on if loss else FIRST + timedelta(days=day)
    if loss is not None and not any(loss.hits(signature) for one in kept for signature in one.signatures):
        with pytest.raises(InvalidInput, match="没有文件依赖"):
            look_at_breaks(deps_over(kept), loss.kind, loss.value, on=on)
        return
    found = look_at_breaks(deps_over(kept), loss.kind if loss else None, loss.value if loss else "", on=on)
    concerned = [one for one in kept if loss is None or any(loss.hits(signature) for signature in one.signatures)]
    expected: Counter[tuple[str, bool, str]] = Counter()
    months: Counter[tuple[str, bool]] = Counter()
    for one in concerned:
        fails = fails_on(one, loss)
        months[f"{fails:%Y-%m}", one.in_force] += 1
        if fails > on:
            how = "standing"
        else:
            how = "failed_before" if loss is not None and fails_on(one, None) <= on else "broken"
        expected[one.type_slug, one.in_force, how] += 1
    told: Counter[tuple[str, bool, str]] = Counter()
    for hit in found.hits:
        assert hit.files == hit.broken + hit.standing + hit.failed_before
        for how in ("broken", "standing", "failed_before"):
            told[hit.type_slug, hit.in_force, how] += getattr(hit, how)
    assert +told == expected
    by_month = {(one.month, True): one.in_force for one in found.months}
    by_month |= {(one.month, False): one.ended for one in found.months}
    assert {key: count for key, count in by_month.items() if count} == dict(months)
    assert (found.looked_at, found.files) == (len(kept), len(concerned))


@settings(max_examples=60, deadline=None)
@given(kept=KEPT)
def test_an_inventory_counts_each_file_once_for_each_value(kept: list[Kept]) -> None:
    found = take_inventory(deps_over(kept))
    assert (found.files, found.in_force) == (len(kept), sum(one.in_force for one in kept))
    for row in found.rows:
        if row.dimension.value == "key":
            mine = [one for one in kept if any(signature.key == row.value for signature in one.signatures)]
            assert (row.files, row.in_force) == (len(mine), sum(one.in_force for one in mine))
            assert row.earliest_end == min(fails_on(one, None) for one in mine)
