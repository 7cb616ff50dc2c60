"""What is over its 保管期限, and what speaks against letting it go.

Over is told from the catalog of today and the packages that were made, whichever keep longer; what must not go yet is
told with the reason, not left out silently.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

from certsvc.catalog.entry import ArchiveWhen, Keeping
from certsvc.clock import local_day
from certsvc.commands.archiving.contents import case_contents, codes_of, contents_of, is_kept
from certsvc.commands.archiving.records import PAGE
from certsvc.commands.care.retention import kept_until, last_decided
from certsvc.errors import NotFound
from certsvc.license.archives import ArchiveKind
from certsvc.license.case_clocks import CaseState
from certsvc.license.disposal import GONE, OPEN, Bound, ItemState, over_on
from certsvc.license.request import RequestState
from certsvc.license.states import ENDED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from certsvc.commands.archiving.contents import Contents
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.archives import Archive
    from certsvc.license.disposal import DisposalItem, DisposalState
    from certsvc.license.model import LicenseVersion

    _About = Sequence[tuple[DisposalItem, DisposalState]]

FoundT = TypeVar("FoundT")

_ORDER = (Keeping.YEARS_10, Keeping.YEARS_30, Keeping.PERMANENT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """One license or case whose term is over.

    Attributes:
        bound: what speaks against it; empty when it may be listed.
        title: 题名.
        cases: body and 办件编号 whose packages hold it too.
    """

    contents: Contents
    packages: Sequence[Archive]
    title: str
    keeping: Keeping
    formed_on: date
    over_on: date
    bound: Sequence[Bound]
    cases: Sequence[tuple[str, str]] = field(default=())

    @property
    def key(self) -> tuple[ArchiveKind, str, str]:
        """By which it is found among others."""
        return (self.contents.kind, self.contents.authority_code, self.contents.subject)

    @property
    def files(self) -> int:
        """How many files are archived of it."""
        return len(self.contents.versions) + len(self.contents.materials)


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """What one page of the register holds; ``next`` is where the following begins, empty behind the last."""

    found: Sequence[Judged]
    next: str


def over_page(deps: Deps, tx: UnitOfWork, kind: ArchiveKind, after: str, codes: frozenset[str] | None) -> Page:
    """What is over among the licenses, or cases, of a page behind ``after``; of these bodies, None: of all."""
    if kind is ArchiveKind.LICENSE:
        ids = tx.archives.licenses_after(after, limit=PAGE)
        found = [one for one in judged_licenses(deps, tx, ids) if codes is None or one.contents.authority_code in codes]
        return Page(found=found, next=ids[-1] if len(ids) == PAGE else "")
    numbers = tx.disposals.cases_after(after, limit=PAGE)
    cases = sorted({(one.authority_code, one.subject) for one in tx.disposals.packages_of(kind, numbers)})
    wanted = [one for one in cases if codes is None or one[0] in codes]
    return Page(found=list(judged_cases(deps, tx, wanted)), next=numbers[-1] if len(numbers) == PAGE else "")


def every_over(deps: Deps, authority_code: str = "") -> Iterator[Judged]:
    """Everything that is over, of one body or of all (empty): cases first; the register is walked in pages."""
    codes = frozenset(codes_of(deps, authority_code)) if authority_code else None
    for kind in (ArchiveKind.CASE, ArchiveKind.LICENSE):
        place = ""
        while True:
            with deps.uow.read() as tx:
                page = over_page(deps, tx, kind, place, codes)
            yield from page.found
            if not page.next:
                break
            place = page.next


def judged_licenses(deps: Deps, tx: UnitOfWork, license_ids: Sequence[str], *, own_list: str = "") -> Iterator[Judged]:
    """Those of these licenses that are over, and have not gone; that they stand in ``own_list`` is no obstacle."""
    if not license_ids:
        return
    # Of a license under every body that it was listed or packaged by.
    packages = _over_bodies(_by_subject(tx, ArchiveKind.LICENSE, license_ids))
    about = _over_bodies(_items(tx, ArchiveKind.LICENSE, license_ids))
    today = local_day(deps.clock.now())
    versions = tx.licenses.of_licenses(license_ids)
    grouped = [list(several) for _, several in groupby(versions, key=lambda one: one.license_id)]
    for contents in contents_of(deps, tx, grouped):
        own, items = packages.get(contents.subject, []), about.get(contents.subject, [])
        term = _term(deps, contents, own, items)
        items = [one for one in items if one[0].list_id != own_list]
        if term is None or today < term[2]:
            continue
        cases = _cases_of(tx, contents.versions)
        yield Judged(
            contents=contents,
            packages=own,
            title=_title(deps, contents),
            keeping=term[0],
            formed_on=term[1],
            over_on=term[2],
            bound=_license_bound(deps, tx, contents, own, items, cases),
            cases=cases,
        )


def judged_cases(
    deps: Deps, tx: UnitOfWork, cases: Sequence[tuple[str, str]], *, own_list: str = ""
) -> Iterator[Judged]:
    """Those of these cases, by body and 办件编号, whose package is over, and has not gone; ``own_list`` as above."""
    numbers = [number for _, number in cases]
    packages, about = _by_subject(tx, ArchiveKind.CASE, numbers), _items(tx, ArchiveKind.CASE, numbers)
    today = local_day(deps.clock.now())
    for key in cases:
        contents = None
        with suppress(NotFound):
            contents = case_contents(deps, tx, *key)
        if contents is None:
            continue
        own, items = packages.get(key, []), about.get(key, [])
        term = _term(deps, contents, own, items)
        items = [one for one in items if one[0].list_id != own_list]
        if term is not None and today >= term[2]:
            yield Judged(
                contents=contents,
                packages=own,
                title=_title(deps, contents),
                keeping=term[0],
                formed_on=term[1],
                over_on=term[2],
                bound=_case_bound(tx, contents, own, items),
            )


def _term(
    deps: Deps, contents: Contents, packages: Sequence[Archive], items: _About
) -> tuple[Keeping, date, date] | None:
    """保管期限, the day from which it counts, and the first day behind it; None: for ever, or it has gone.

    Never before the files may be deleted: the object store keeps them locked until then.
    """
    if any(item.state in GONE for item, _ in items):
        return None
    keeping = max([contents.keeping, *(Keeping(one.keeping) for one in packages)], key=_ORDER.index)
    if keeping.years is None:
        return None
    last = max(
        [
            local_day(contents.as_of),
            *(local_day(one.made_at) for one in packages),
            *(one.valid_until for one in contents.versions if one.valid_until is not None),
        ]
    )
    ends = [over_on(keeping.years, last)]
    for one in contents.versions:
        until = kept_until(deps, one, last_decided(one, contents.moves.get(one.version_id, ())))
        ends.append(local_day(until) + timedelta(days=1))
    ends += [item.extended_until for item, _ in items if item.extended_until is not None]
    return keeping, last, max(ends)


def _license_bound(
    deps: Deps,
    tx: UnitOfWork,
    contents: Contents,
    packages: Sequence[Archive],
    items: _About,
    cases: Sequence[tuple[str, str]],
) -> list[Bound]:
    versions = contents.versions
    found = _common(tx, contents, items)
    if any(one.state not in ENDED for one in versions):
        found.append(Bound.STANDING)
    in_case = deps.catalog.type(versions[-1].type_slug).archive.when is ArchiveWhen.ISSUED and bool(cases)
    own = is_kept(deps, versions[-1]) and not (in_case and not any(contents.moves.values()))
    if own and contents.state_digest not in {one.state_digest for one in packages}:
        found.append(Bound.NOT_ARCHIVED)
    if tx.disposals.disputed([one.version_id for one in versions]):
        found.append(Bound.DISPUTED)
    if any(_under_way(tx, *case) for case in cases):
        found.append(Bound.UNDER_WAY)
    if _cases_kept(tx, cases):
        found.append(Bound.IN_CASE)
    return found


def _case_bound(tx: UnitOfWork, contents: Contents, packages: Sequence[Archive], items: _About) -> list[Bound]:
    found = _common(tx, contents, items)
    now = tx.licenses.by_version_ids([one.version_id for one in contents.versions])
    if any(one.state not in ENDED for one in now.values()):
        found.append(Bound.STANDING)
    if contents.under_way:
        found.append(Bound.UNDER_WAY)
    elif contents.state_digest not in {one.state_digest for one in packages}:
        found.append(Bound.NOT_ARCHIVED)
    if tx.disposals.disputed(list(now)):
        found.append(Bound.DISPUTED)
    return found


def _common(tx: UnitOfWork, contents: Contents, items: _About) -> list[Bound]:
    found: list[Bound] = []
    holds = tx.disposals.placed(contents.kind, [contents.subject])
    if any(contents.kind is ArchiveKind.LICENSE or one.authority_code == contents.authority_code for one in holds):
        found.append(Bound.HELD)
    if any(state in OPEN and item.state is ItemState.LISTED for item, state in items):
        found.append(Bound.LISTED)
    return found


def _cases_of(tx: UnitOfWork, versions: Sequence[LicenseVersion]) -> list[tuple[str, str]]:
    requests = [tx.requests.by_id(one.request_id) for one in versions if one.request_id]
    found = {(one.payload.authority_code, one.payload.case_no) for one in requests if one is not None}
    return sorted(one for one in found if one[1])


def _under_way(tx: UnitOfWork, authority_code: str, case_no: str) -> bool:
    clock = tx.case_clocks.of(authority_code, case_no)
    if clock is not None and clock.state is not CaseState.FINISHED:
        return True
    counts = tx.requests.case_counts(case_no, caller="")
    return any(count for state, count in counts.items() if state not in (RequestState.ISSUED, RequestState.REFUSED))


def _cases_kept(tx: UnitOfWork, cases: Sequence[tuple[str, str]]) -> bool:
    """Whether a package of one of these cases is still there: it holds the same file."""
    numbers = [number for _, number in cases]
    packages, about = _by_subject(tx, ArchiveKind.CASE, numbers), _items(tx, ArchiveKind.CASE, numbers)
    return any(packages.get(case) and not any(item.state in GONE for item, _ in about.get(case, ())) for case in cases)


def _by_subject(tx: UnitOfWork, kind: ArchiveKind, subjects: Sequence[str]) -> Mapping[tuple[str, str], list[Archive]]:
    found: dict[tuple[str, str], list[Archive]] = {}
    for one in tx.disposals.packages_of(kind, subjects):
        found.setdefault((one.authority_code, one.subject), []).append(one)
    return found


def _items(
    tx: UnitOfWork, kind: ArchiveKind, subjects: Sequence[str]
) -> Mapping[tuple[str, str], list[tuple[DisposalItem, DisposalState]]]:
    found: dict[tuple[str, str], list[tuple[DisposalItem, DisposalState]]] = {}
    for item, state in tx.disposals.about(kind, subjects):
        found.setdefault((item.authority_code, item.subject), []).append((item, state))
    return found


def _over_bodies(found: Mapping[tuple[str, str], list[FoundT]]) -> Mapping[str, list[FoundT]]:
    """By subject alone."""
    merged: dict[str, list[FoundT]] = {}
    for (_, subject), several in found.items():
        merged.setdefault(subject, []).extend(several)
    return merged


def _title(deps: Deps, contents: Contents) -> str:
    """题名: of what type, and nobody's name."""
    if contents.kind is ArchiveKind.LICENSE:
        return deps.catalog.type(contents.versions[-1].type_slug).name
    kinds = [deps.catalog.type(one.type_slug).name for one in contents.versions]
    parts = [f"{name}{kinds.count(name)}件" for name in dict.fromkeys(kinds)]
    if contents.materials:
        parts.append(f"电子材料{len(contents.materials)}份")
    return "、".join(parts) or "办件"
