"""A party's list of (business number, digest) against the register: what is missing here, extra, or different.

A business number of an approval may have led to several licenses (联办件); the digests of both sides are compared as
sets. Nothing is stored but an evidence row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.imports.csv_table import open_csv
from certsvc.commands.reconciling.pages import PAGE
from certsvc.errors import FieldProblem, Forbidden, InvalidInput, TooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWorkFactory
    from certsvc.license.books import IssuedRow, Period

MAX_ITEMS = 5_000
"""Entries of one list that comes over HTTP; longer ones are sent period by period. Bounds the work of one request."""
MAX_DAYS = 366
"""Days of one period, for the same reason."""
MOST_EXTRA = 5_000
"""Licenses beyond the list that are named; all are counted. A list that was cut off must not make an endless answer."""
MAX_BUSINESS_NO = 64
HEADINGS = (frozenset({"业务流水号", "business_no"}), frozenset({"摘要", "sha256"}))
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(rf"[0-9A-Za-z_.\-]{{1,{MAX_BUSINESS_NO}}}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """One entry of a list; ``sha256`` in lower case."""

    business_no: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """Listed, and no license is here; ``request_state`` says how far its request is, empty when none came."""

    business_no: str
    request_state: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Extra:
    """Issued here in the period, and not listed."""

    business_no: str
    identifier: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Different:
    """On both sides, with other digests."""

    business_no: str
    listed: tuple[str, ...]
    issued: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ListReport:
    """The outcome; ``extra`` may hold fewer than ``extra_count``."""

    listed: int
    same: int
    missing: tuple[Missing, ...]
    extra: tuple[Extra, ...]
    extra_count: int
    different: tuple[Different, ...]

    @property
    def agrees(self) -> bool:
        """Whether both sides have the same."""
        return not (self.missing or self.extra_count or self.different)


def answer_list(
    deps: Deps, caller: Principal, *, authority_code: str, period: Period, items: Sequence[Listed]
) -> ListReport:
    """Compare a party's list with what its approvals had issued here.

    Args:
        deps: ports.
        caller: an approval system, for its own authority, or the platform for any.
        authority_code: USCC, or empty for the caller's own.
        period: days of issue in which everything here ought to be listed.
        items: the list.

    Raises:
        Forbidden: another authority's.
        InvalidInput: the period is turned around or too long.
        TooLarge: too many entries.
    """
    roles.require(caller, roles.APPROVAL, roles.APPROVAL_ANY)
    code = _scope(caller, authority_code)
    _check_period(period)
    if len(items) > MAX_ITEMS:
        raise TooLarge(f"清单超过 {MAX_ITEMS} 条，请按较短的期间分次对账")
    report = compare_list(deps.uow, code, items, period)
    now = deps.clock.now()
    with deps.uow() as tx:
        content = {
            "from": period.first.isoformat(),
            "until": period.last.isoformat(),
            "listed": report.listed,
            "missing": len(report.missing),
            "extra": report.extra_count,
            "different": len(report.different),
        }
        record(tx, deps, kind="list.reconciled", subject=code, actor=caller.subject, content=content, at=now)
    return report


def compare_list(
    uow: UnitOfWorkFactory,
    authority_code: str,
    items: Sequence[Listed],
    period: Period | None,
    watch: Callable[[int], None] = lambda _count: None,
) -> ListReport:
    """Compare a list of any length; ``watch`` is told how many more numbers were looked up.

    Without a period nothing is said about what is not listed.
    """
    listed: dict[str, set[str]] = {}
    for item in items:
        listed.setdefault(item.business_no, set()).add(item.sha256)
    missing: list[Missing] = []
    different: list[Different] = []
    same = 0
    waiting = iter(listed)
    while numbers := list(islice(waiting, PAGE)):
        with uow.read() as tx:
            issued, states = _grouped(tx.reconciling.issued_under(authority_code, numbers))
        for number in numbers:
            theirs, ours = listed[number], issued.get(number, set())
            if not ours:
                missing.append(Missing(business_no=number, request_state=states.get(number, "")))
            elif theirs == ours:
                same += 1
            else:
                pair = (tuple(sorted(theirs)), tuple(sorted(ours)))
                different.append(Different(business_no=number, listed=pair[0], issued=pair[1]))
        watch(len(numbers))
    extra, count = _extra(uow, authority_code, listed, period) if period else ([], 0)
    return ListReport(
        listed=len(listed),
        same=same,
        missing=tuple(missing),
        extra=tuple(extra),
        extra_count=count,
        different=tuple(different),
    )


def read_list(data: bytes) -> list[Listed]:
    """The entries of a CSV list with the columns 业务流水号 and 摘要 (or ``business_no`` and ``sha256``).

    Raises:
        InvalidInput: no CSV, no such columns, or an entry that is none; the detail names the row.
        TooLarge: more than the limits of ``imports/csv_table.py``.
    """
    table = open_csv(data)
    places = [next((at for at, cell in enumerate(table.header) if cell in names), -1) for names in HEADINGS]
    if -1 in places:
        raise _bad("heading", "第 1 行应有“业务流水号”和“摘要”两列（或 business_no、sha256）")
    found: list[Listed] = []
    for row in table.rows:
        number, digest = (row.cells[at].strip() if at < len(row.cells) else "" for at in places)
        if not _NUMBER.fullmatch(number):
            raise _bad("business_no", f"第 {row.number} 行的业务流水号为空、有误或超过 {MAX_BUSINESS_NO} 字")
        if not _DIGEST.fullmatch(digest.lower()):
            raise _bad("sha256", f"第 {row.number} 行的摘要不是 64 位十六进制的 SHA-256")
        found.append(Listed(business_no=number, sha256=digest.lower()))
    return found


def _extra(
    uow: UnitOfWorkFactory, authority_code: str, listed: Mapping[str, object], period: Period
) -> tuple[list[Extra], int]:
    found: list[Extra] = []
    count, place = 0, ""
    while True:
        with uow.read() as tx:
            rows = tx.reconciling.issued_in(authority_code, period, after=place, limit=PAGE)
        if not rows:
            return found, count
        place = rows[-1].place
        for row in _not_in(rows, listed):
            count += 1
            if len(found) < MOST_EXTRA:
                found.append(Extra(business_no=row.business_no, identifier=row.identifier, sha256=row.sha256))


def _not_in(rows: Sequence[IssuedRow], listed: Mapping[str, object]) -> Iterator[IssuedRow]:
    return (row for row in rows if row.business_no not in listed)


def _grouped(rows: Sequence[IssuedRow]) -> tuple[dict[str, set[str]], dict[str, str]]:
    """Digests by business number, and the state of what has none."""
    issued: dict[str, set[str]] = {}
    states: dict[str, str] = {}
    for row in rows:
        if row.sha256:
            issued.setdefault(row.business_no, set()).add(row.sha256)
        states[row.business_no] = row.request_state
    return issued, states


def _scope(caller: Principal, authority_code: str) -> str:
    code = authority_code or caller.authority_code
    if roles.APPROVAL_ANY not in caller.roles and code != caller.authority_code:
        raise Forbidden("只能核对本机关的证照（authority_code）")
    return code


def _check_period(period: Period) -> None:
    days = (period.last - period.first).days
    if not 0 <= days < MAX_DAYS:
        detail = f"截止日期不得早于起始日期，期间不得超过 {MAX_DAYS} 天"
        raise InvalidInput(detail, problems=(FieldProblem(pointer="/issued_until", code="period", detail=detail),))


def _bad(code: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, problems=(FieldProblem(pointer="/file", code=code, detail=detail),))
