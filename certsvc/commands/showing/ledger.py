"""谁用过我的证, page by page: who, when, which fields, why, and by whose hand it was shown."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from certsvc.clock import parse_rfc3339, rfc3339
from certsvc.commands.access import roles
from certsvc.commands.showing.material_rights import seen_materials
from certsvc.commands.showing.seen_versions import seen_versions
from certsvc.errors import FieldProblem, InvalidInput
from certsvc.license.challenges import CHALLENGE, Challenge, ChallengeState
from certsvc.license.notices import NO_LINES, Notice
from certsvc.license.uses import Fetch, Scan, ShowBasis

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.archives import Material
    from certsvc.license.copies import AnnotatedCopy
    from certsvc.license.model import LicenseVersion
    from certsvc.license.uses import Show
    from certsvc.license.visits import Inspection, Outcome, Visit

SHOW, OFFLINE = "show", "offline"
"""``code_kind`` of inspection records."""

MAX_PAGE = 100
"""Rows of one page."""

MAX_EXPORT = 5000
"""Rows of one file: bounds what one request reads; a holder's life has hundreds. With more the file says so."""

MAX_CURSOR = 120
"""Characters of a cursor; ours have fewer than 90."""

RowT = TypeVar("RowT")
Behind = tuple[datetime, str]
Use = Scan | Fetch | Notice | Challenge


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerRow:
    """One use, refusal, notice or answered challenge.

    Attributes:
        version: the license; None for a challenge that was declined, and where a ``material`` was used.
        presenter: who showed it, in full, when it was not the holder.
        basis: by what right it was shown; empty where nobody showed anything.
        challenge: what the verifier had asked, where a challenge led to the use.
        visit: the one in which it was scanned, if it was in one.
        outcome: what stands on record of a scan at last, if anything does.
    """

    use: Use
    use_id: str
    at: datetime
    version: LicenseVersion | None
    presenter: str = ""
    basis: str = ""
    challenge: Challenge | None = None
    visit: Visit | None = None
    outcome: Outcome | None = None
    copy: AnnotatedCopy | None = None
    """that the fetch gave"""
    material: Material | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Around:
    """What led to the uses of one page, and what came of them, by id."""

    shows: Mapping[str, Show]
    challenges: Mapping[str, Challenge]
    visits: Mapping[str, Visit]
    records: Mapping[str, Sequence[Inspection]]
    copies: Mapping[str, AnnotatedCopy]
    """by fetch"""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """Whose uses somebody sees, by id."""

    subject: str
    versions: Mapping[str, LicenseVersion]
    materials: Mapping[str, Material]


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerPage:
    """Rows, newest first, and the cursor of the next page; empty at the end."""

    rows: Sequence[LedgerRow]
    next: str


def ledger(deps: Deps, caller: Principal, *, cursor: str, limit: int) -> LedgerPage:
    """One page about the caller's licenses and 电子材料, those shared, of wards and of a represented company.

    Raises:
        InvalidInput: a cursor that is none of ours.
    """
    roles.require(caller, roles.HOLDER)
    behind = read_cursor(cursor)
    with deps.uow.read() as tx:
        return _page(tx, _seen_by(deps, tx, caller), behind, limit, deps.clock.now())


def whole_ledger(deps: Deps, caller: Principal, *, cursor: str = "") -> LedgerPage:
    """All of it behind ``cursor`` that the caller may see now, newest first, up to ``MAX_EXPORT`` rows.

    What the caller may see is read once for all of it; ``next`` is where the rest begins, empty where there is none.
    """
    roles.require(caller, roles.HOLDER)
    behind, now = read_cursor(cursor), deps.clock.now()
    rows: list[LedgerRow] = []
    with deps.uow.read() as tx:
        seen = _seen_by(deps, tx, caller)
        for _ in range(MAX_EXPORT // MAX_PAGE):
            page = _page(tx, seen, behind, MAX_PAGE, now)
            rows += page.rows
            if not page.next:
                break
            behind = read_cursor(page.next)
        # A page that is just full may be the last: nobody is told of a rest that is not there.
        rest = _page(tx, seen, behind, 1, now) if page.next else page
    return LedgerPage(rows=rows, next=page.next if rest.rows or rest.next else "")


def _seen_by(deps: Deps, tx: UnitOfWork, caller: Principal) -> _Seen:
    return _Seen(
        subject=caller.subject,
        versions=seen_versions(deps, tx, caller),
        materials=seen_materials(tx, caller, deps.clock.now()),
    )


def _page(tx: UnitOfWork, seen: _Seen, behind: Behind | None, limit: int, now: datetime) -> LedgerPage:
    ids = list(seen.versions)
    sources: tuple[Sequence[Use], ...] = (
        tx.showing.scans_of(ids, limit=limit, behind=behind),
        [one.as_told() for one in tx.sharing.fetches_of([*ids, *seen.materials], limit=limit, behind=behind, now=now)],
        tx.notices.of_versions(ids, limit=limit, behind=behind),
        tx.challenges.answered_by(seen.subject, limit=limit, behind=behind),
    )
    keys, full = _merged(sources, limit)
    rows = [(place, use) for place, use in keys if _shown(use)]
    around = _around(tx, [use for _, use in rows])
    found = [
        replace(_row(place, use, seen.versions, around), material=seen.materials.get(use.version_id))
        for place, use in rows
    ]
    return LedgerPage(rows=found, next=write_cursor(keys[-1][0]) if full else "")


def _merged(sources: tuple[Sequence[Use], ...], limit: int) -> tuple[list[tuple[Behind, Use]], bool]:
    """The newest of all sources as far as each of them was read, and whether there may be more."""
    placed = [[(_place(use), use) for use in source] for source in sources]
    # A source that was read to its limit may have more right behind its last row: nothing older may stand before that.
    horizons = [source[-1][0] for source in placed if len(source) == limit]
    horizon = max(horizons, default=None)
    rows = sorted((row for source in placed for row in source), key=lambda row: row[0], reverse=True)
    seen = [row for row in rows if horizon is None or row[0] >= horizon][:limit]
    return seen, bool(seen) and (horizon is not None or len(seen) < len(rows))


def _place(use: Use) -> Behind:
    match use:
        case Scan():
            return use.at, use.scan_id
        case Fetch():
            return use.at, use.fetch_id
        case Notice():
            return use.at, use.notice_id
        case Challenge():
            return use.answered_at or use.created_at, use.challenge_id


def _shown(use: Use) -> bool:
    """Uses and use requests stand in lists themselves, so no notice of them; a collected challenge is a scan."""
    if isinstance(use, Notice):
        return use.kind not in NO_LINES
    return not isinstance(use, Challenge) or use.state is not ChallengeState.COLLECTED


def _around(tx: UnitOfWork, uses: Sequence[Use]) -> _Around:
    scans = [use for use in uses if isinstance(use, Scan)]
    return _Around(
        shows=tx.showing.shows(sorted({scan.show_id for scan in scans if scan.code_kind == SHOW})),
        challenges=tx.challenges.by_ids({scan.show_id for scan in scans if scan.code_kind == CHALLENGE}),
        visits=tx.visits.by_ids(sorted({scan.visit_id for scan in scans} - {""})),
        records=tx.inspections.of_scans([scan.scan_id for scan in scans]),
        copies=tx.copies.of_fetches([use.fetch_id for use in uses if isinstance(use, Fetch)]),
    )


def _row(place: Behind, use: Use, versions: Mapping[str, LicenseVersion], around: _Around) -> LedgerRow:
    at, use_id = place
    row = LedgerRow(use=use, use_id=use_id, at=at, version=versions.get(use.version_id))
    if isinstance(use, Challenge):
        return replace(row, presenter=use.presenter, basis=use.basis, challenge=use)
    if isinstance(use, Fetch):
        return replace(row, copy=around.copies.get(use.fetch_id))
    if not isinstance(use, Scan):
        return row
    show, challenge = around.shows.get(use.show_id), around.challenges.get(use.show_id)
    source = show or challenge
    basis = source.basis if source is not None else ""
    if use.code_kind == OFFLINE:
        basis = ShowBasis.OWN  # cores are given to the holder alone
    records = around.records.get(use.scan_id, ())
    return replace(
        row,
        presenter=source.presenter if source is not None else "",
        basis=basis,
        challenge=challenge,
        visit=around.visits.get(use.visit_id),
        outcome=records[-1].outcome if records else None,
    )


def write_cursor(place: Behind) -> str:
    """A cursor that says where a page ended."""
    at, row_id = place
    return base64.urlsafe_b64encode(f"{rfc3339(at)} {row_id}".encode()).decode().rstrip("=")


def cursor_behind(found: Sequence[RowT], limit: int, place: Callable[[RowT], Behind]) -> str:
    """The cursor of the page after ``found``, which has at most ``limit`` rows; empty when fewer came: the last one."""
    return write_cursor(place(found[-1])) if len(found) == limit else ""


def read_cursor(cursor: str) -> Behind | None:
    """What :func:`write_cursor` wrote; None for an empty one, InvalidInput for anything else."""
    if not cursor:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
        moment, _, row_id = text.partition(" ")
        at = parse_rfc3339(moment)
    except (ValueError, OverflowError) as error:
        problem = FieldProblem(pointer="/cursor", code="not_a_cursor", detail="请用上一页答复中的 next，不要改动")
        raise InvalidInput("翻页位置有误", problems=(problem,)) from error
    return at, row_id
