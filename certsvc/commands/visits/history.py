"""Inspection records of the own body and of those below it (DOMAIN.md 3); to anybody else there are none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from certsvc.clock import beijing_time, end_of_day
from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.issuance.authority import is_superior
from certsvc.commands.verifying.facts import masked_holder, public_number
from certsvc.commands.visit_ports import HistoryFilter
from certsvc.errors import FieldProblem, InvalidInput, NotFound
from certsvc.license.visits import OUTCOME_ZH, TASK_ZH, Outcome
from certsvc.seal.reason_words import WORDS
from certsvc.seal.verdict import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.catalog.model import LicenseType
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.uses import Scan
    from certsvc.license.visits import Inspection, Picture, Visit

MAX_PAGE = 100
"""Rows of one answer."""
MAX_EXPORT = 5_000
"""Rows of one file; for more, take shorter periods."""
LONGEST_DAYS = 92
"""Days that one question by outcome, or one file, may span: it reads every scan of them."""

TITLE = "检查记录"
HEADER = (
    "时间",
    "检查机关",
    "执法证号",
    "任务",
    "任务编号",
    "证照类型",
    "证照标识",
    "证照编号",
    "持证主体",
    "核验结果",
    "处理结果",
    "改正期限",
    "检查情况",
    "更正次数",
    "照片",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """Which records are wanted; what is empty asks for all.

    Attributes:
        authority_code: a body below the caller's, or empty for the own one.
        since, until: days in Asia/Shanghai, both within.
        identifier: 证照标识 of any version of the license.
        before: scan id of the last row of the page before.
    """

    authority_code: str = ""
    since: date | None = None
    until: date | None = None
    badge: str = ""
    identifier: str = ""
    outcome: Outcome | None = None
    visit_id: str = ""
    before: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryRow:
    """A scan, the license, the visit, and what came of it: the records oldest first."""

    scan: Scan
    version: LicenseVersion | None
    visit: Visit | None
    records: Sequence[Inspection]
    pictures: Sequence[Picture]


def history(deps: Deps, caller: Principal, asked: Question, *, limit: int = MAX_PAGE) -> Sequence[HistoryRow]:
    """Records, newest first.

    Raises:
        NotFound: a body that is neither the caller's own nor below it.
        InvalidInput: a period that is too long.
    """
    roles.require(caller, roles.OFFICER)
    with deps.uow.read() as tx:
        return _rows(tx, _wanted(deps, tx, caller, asked), limit=min(limit, MAX_PAGE))


def history_xlsx(deps: Deps, caller: Principal, asked: Question) -> bytes:
    """The records of the own body in a period as a spreadsheet, oldest last; that it was taken is on record."""
    roles.require(caller, roles.OFFICER)
    if asked.since is None or asked.until is None:
        raise _wrong("/since", "导出须写明起止日期")
    now = deps.clock.now()
    lines: list[tuple[str, ...]] = []
    with deps.uow.read() as tx:
        wanted = _wanted(deps, tx, caller, replace(asked, authority_code="", before=""))
        while len(lines) < MAX_EXPORT:
            rows = _rows(tx, wanted, limit=MAX_PAGE)
            lines += [_line(deps, row) for row in rows]
            if len(rows) < MAX_PAGE:
                break
            wanted = replace(wanted, before=rows[-1].scan.scan_id)
        else:
            raise _wrong("/since", f"超过 {MAX_EXPORT} 条，请缩短起止日期分次导出")
    with deps.uow() as tx:
        content = {"since": asked.since.isoformat(), "until": asked.until.isoformat(), "lines": len(lines)}
        subject = caller.authority_code
        record(tx, deps, kind="inspection.exported", subject=subject, actor=caller.subject, content=content, at=now)
    return deps.renderer.table_xlsx(TITLE, HEADER, tuple(lines))


def _wanted(deps: Deps, tx: UnitOfWork, caller: Principal, asked: Question) -> HistoryFilter:
    authority = asked.authority_code or caller.authority_code
    if not may_read(deps, caller, authority):
        raise NotFound("没有这个机关的检查记录")
    since, until = asked.since, asked.until
    if asked.outcome is not None and (since is None or until is None):
        raise _wrong("/since", "按处理结果查询须写明起止日期")
    if since is not None and until is not None and not timedelta() <= until - since < timedelta(days=LONGEST_DAYS):
        raise _wrong("/until", f"起止日期应有先后，且不超过 {LONGEST_DAYS} 天")
    versions: tuple[str, ...] = ()
    if asked.identifier:
        version = tx.licenses.by_identifier(asked.identifier)
        # A license that nobody knows has been inspected by nobody: no other answer, so that none can be guessed.
        versions = tuple(one.version_id for one in tx.licenses.versions_of(version.license_id)) if version else ("-",)
    return HistoryFilter(
        authority_code=authority,
        since=end_of_day(since - timedelta(days=1)) if since else None,
        until=end_of_day(until) if until else None,
        badge=asked.badge,
        version_ids=versions,
        outcome=asked.outcome.value if asked.outcome else "",
        visit_id=asked.visit_id,
        before=asked.before,
    )


def may_read(deps: Deps, caller: Principal, authority_code: str) -> bool:
    """Whether records of this body are the caller's own body's, or of one below it."""
    own = caller.authority_code
    return bool(own) and (own == authority_code or is_superior(deps, own, authority_code))


def _rows(tx: UnitOfWork, wanted: HistoryFilter, *, limit: int) -> list[HistoryRow]:
    scans = tx.inspections.history(wanted, limit=limit)
    ids = [scan.scan_id for scan in scans]
    records, pictures = tx.inspections.of_scans(ids), tx.inspections.pictures_of(ids)
    versions = tx.licenses.by_version_ids(sorted({scan.version_id for scan in scans} - {""}))
    visits = tx.visits.by_ids(sorted({scan.visit_id for scan in scans} - {""}))
    return [
        HistoryRow(
            scan=scan,
            version=versions.get(scan.version_id),
            visit=visits.get(scan.visit_id),
            records=records.get(scan.scan_id, ()),
            pictures=pictures.get(scan.scan_id, ()),
        )
        for scan in scans
    ]


def on_record(kind: LicenseType, version: LicenseVersion) -> tuple[str, str]:
    """Number and holder of a license in the records of those who inspected it: as anyone may see them."""
    return public_number(kind, version), masked_holder(kind, version)


def _line(deps: Deps, row: HistoryRow) -> tuple[str, ...]:
    scan, last = row.scan, row.records[-1] if row.records else None
    kind = deps.catalog.type(row.version.type_slug) if row.version else None
    number, holder = on_record(kind, row.version) if kind and row.version else ("", "")
    body, result = scan.authority_code, scan.outcome
    return (
        beijing_time(scan.at),
        deps.catalog.authority(body).name if deps.catalog.has_authority(body) else body,
        scan.badge,
        TASK_ZH[row.visit.task_kind] if row.visit else "",
        row.visit.task_no if row.visit else "",
        kind.name if kind else "",
        row.version.identifier if row.version else "",
        number,
        holder,
        WORDS[Reason(result)].short_zh if result in set(Reason) else result,
        OUTCOME_ZH[last.outcome] if last else "",
        last.due_on.isoformat() if last and last.due_on else "",
        last.note if last else "",
        str(len(row.records) - 1) if last else "",
        str(len(row.pictures)),
    )


def _wrong(pointer: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, problems=(FieldProblem(pointer=pointer, code="period", detail=detail),))
