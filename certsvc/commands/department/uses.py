"""What a body asked: every fetch, answer, copy and refusal of its systems and counters, those withheld among them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from certsvc.catalog.masks import apply_mask
from certsvc.catalog.model import Mask
from certsvc.clock import end_of_day, local_day
from certsvc.commands.department.who import own_body
from certsvc.commands.verifying.facts import masked_holder
from certsvc.errors import FieldProblem, InvalidInput
from certsvc.license.departments import UseFilter, names_holder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.departments import UseKind
    from certsvc.license.model import LicenseVersion
    from certsvc.license.uses import Fetch

LOOKED_AT = 2_000
"""Rows that one page looks through for those that fit: bounds what a filter with few hits costs."""
FIRST_DAY = date(1970, 1, 2)
"""Days before it, and behind tomorrow, are asked for as these: the calendar ends, and nothing stands there."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
COMPANY = "001"
"""Code type of organisations: their names are public."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which uses: days in Beijing, both included; what is empty or None leaves nothing out."""

    first: date | None = None
    last: date | None = None
    matter_code: str = ""
    client_id: str = ""
    kind: UseKind | None = None
    outcome: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BodyUse:
    """One use; ``holder`` is masked, and empty where the name did not leave."""

    use: Fetch
    holder: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UsePage:
    """Uses, newest first, and the place behind which to go on; None at the end."""

    rows: Sequence[BodyUse]
    next: tuple[datetime, str] | None


def uses_of_body(
    deps: Deps, caller: Principal, wanted: Wanted, *, limit: int, behind: tuple[datetime, str] | None
) -> UsePage:
    """A page of what the caller's body asked; it may have fewer rows than ``limit`` and not be the last.

    Raises:
        InvalidInput: the last day is before the first.
    """
    body = own_body(caller)
    if wanted.first and wanted.last and wanted.last < wanted.first:
        problem = FieldProblem(pointer="/to", code="order", detail="截止日期早于起始日期")
        raise InvalidInput("日期范围有误", problems=(problem,))
    tomorrow = local_day(deps.clock.now()) + timedelta(days=1)
    fitting = UseFilter(
        since=end_of_day(_bounded(wanted.first, tomorrow) - timedelta(days=1)) if wanted.first else LONG_AGO,
        before=end_of_day(_bounded(wanted.last, tomorrow) if wanted.last else tomorrow),
        matter_code=wanted.matter_code,
        client_id=wanted.client_id,
        kind=wanted.kind,
        outcome=wanted.outcome,
    )
    with deps.uow.read() as tx:
        uses, place = tx.departments.uses(body, fitting, limit=limit, look_at=LOOKED_AT, behind=behind)
        named = sorted({use.version_id for use in uses if names_holder(use)})
        versions = tx.licenses.by_version_ids(named) if named else {}
    return UsePage(rows=[BodyUse(use=use, holder=_holder(deps, use, versions)) for use in uses], next=place)


def _bounded(day: date, tomorrow: date) -> date:
    return min(max(day, FIRST_DAY), tomorrow)


def _holder(deps: Deps, use: Fetch, versions: Mapping[str, LicenseVersion]) -> str:
    version = versions.get(use.version_id)
    if version is None or not names_holder(use):
        return ""
    shown = masked_holder(deps.catalog.type(version.type_slug), version)
    # A type may show the names of people whole; a list that a whole office reads does not.
    person = version.holder.code_type != COMPANY
    return apply_mask(Mask.NAME, shown) if person and shown == version.holder.name else shown
