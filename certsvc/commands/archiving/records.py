"""Packages on record: listed, read, downloaded, handed over with a receipt (移交), and what is due."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.catalog.entry import ArchiveWhen
from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.archiving.contents import case_contents, codes_of, contents_of, gone_of
from certsvc.commands.evidence.gone import kept_file
from certsvc.commands.evidence.record import record
from certsvc.commands.shapes import Day, Line
from certsvc.commands.supervision.reach import tell
from certsvc.errors import Conflict, FieldProblem, IntegrityError, InvalidInput, NotFound
from certsvc.events.archive_payloads import ArchiveReceived
from certsvc.license.archives import ArchiveKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from certsvc.commands.archiving.contents import Contents
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.archives import Archive

READERS = (roles.ARCHIVIST, roles.AUDITOR)
NO_ARCHIVE_ZH = "没有这个归档信息包，或不属于本机关"
PAGE = 200
"""Licenses, or cases, looked at in one unit of work."""


class ReceiptBody(BaseModel):
    """移交接收回执."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    handed_to: Line = Field(
        min_length=1, max_length=200, description="接收单位，如档案馆全称", examples=["示例省档案馆"]
    )
    receipt_no: Line = Field(
        min_length=1, max_length=64, description="接收单位的回执编号", examples=["示例档接〔2026〕1号"]
    )
    received_on: Day = Field(description="接收日期", examples=["2026-03-01"])


def list_archives(
    deps: Deps, caller: Principal, *, limit: int, behind: tuple[datetime, str] | None = None
) -> Sequence[Archive]:
    """Packages of the own body and those merged into it, or of all for an auditor, newest first."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        return tx.archives.of(_bodies(deps, caller), limit=limit, behind=behind)


def read_archive(deps: Deps, caller: Principal, archive_id: str) -> Archive:
    """One package; NotFound for another body's, in the same words as for none."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        return _own(deps, tx, caller, archive_id)


def archive_file(deps: Deps, caller: Principal, archive_id: str) -> tuple[Archive, bytes]:
    """A package and its bytes; NotFound as above, IntegrityError when they are not the registered ones."""
    archive = read_archive(deps, caller, archive_id)
    return archive, take(deps, archive, actor=caller.subject)


def take(deps: Deps, archive: Archive, *, actor: str) -> bytes:
    """The bytes of a package, of which it is on record that ``actor`` has them.

    Raises:
        IntegrityError: they are not the registered ones; then nobody has taken anything.
    """
    data = kept_file(deps, archive.object_name)
    if hashlib.sha256(data).hexdigest() != archive.sha256:
        raise IntegrityError(
            "归档信息包与登记的摘要不一致，已停止提供，请联系运维，从备份或接收单位取回摘要相同的一份放回原处"
        )
    with deps.uow() as tx:
        content, now = {"sha256": archive.sha256}, deps.clock.now()
        record(tx, deps, kind="archive.taken", subject=archive.archive_id, actor=actor, content=content, at=now)
    return data


def hand_over(deps: Deps, caller: Principal, archive_id: str, body: ReceiptBody) -> Archive:
    """Note the receipt of a package, once; the same again changes nothing.

    Raises:
        NotFound: another body's package, or none.
        InvalidInput: a day to come, or before the package was made.
        Conflict: it has another receipt.
    """
    roles.require(caller, roles.ARCHIVIST)
    now = deps.clock.now()
    with deps.uow() as tx:
        found = _own(deps, tx, caller, archive_id)
        if not local_day(found.made_at) <= body.received_on <= local_day(now):
            detail = "接收日期不能早于制作归档信息包之日，也不能晚于今日"
            raise InvalidInput(detail, problems=(FieldProblem(pointer="/received_on", code="range", detail=detail),))
        if _says(found, body):
            return found
        noted = replace(
            found,
            handed_to=body.handed_to,
            receipt_no=body.receipt_no,
            received_on=body.received_on,
            receipt_by=caller.subject,
            receipt_at=now,
        )
        if found.handed_over or not tx.archives.hand_over(noted):
            if _says(_own(deps, tx, caller, archive_id), body):  # somebody else just reported the same
                return _own(deps, tx, caller, archive_id)
            raise Conflict(
                "这个归档信息包已有回执，不能更改。回执写错或接收单位退回的，在移交清单上注明；内容没有变化的，再移交的仍是这一个包，"
                "证照有新的办理或办件有新的材料后，制成的是另一个包，另有回执"
            )
        payload = ArchiveReceived(
            archive_id=archive_id, authority_code=found.authority_code, receipt_no=body.receipt_no
        )
        tell(deps, tx, payload, archive_id, now)
        content = {
            "handed_to": body.handed_to,
            "receipt_no": body.receipt_no,
            "received_on": body.received_on.isoformat(),
            "sha256": found.sha256,
        }
        record(tx, deps, kind="archive.received", subject=archive_id, actor=caller.subject, content=content, at=now)
        return noted


def _says(found: Archive, body: ReceiptBody) -> bool:
    said = (body.handed_to, body.receipt_no, body.received_on)
    return found.handed_over and (found.handed_to, found.receipt_no, found.received_on) == said


def due_archives(
    deps: Deps, authority_code: str = "", *, watch: Callable[[int], None] = lambda _looked: None
) -> Iterator[Contents]:
    """What has ended or is closed and has no package in this state, of one body or of all (empty): cases first.

    Also what is too large for a package, which says so itself (``too_large``). ``watch`` is called with how many were
    looked at. The register is walked in pages, and nothing is held between two.
    """
    codes = frozenset(codes_of(deps, authority_code)) if authority_code else None
    place = ""
    while True:
        with deps.uow.read() as tx:
            numbers = tx.archives.cases_after(place, limit=PAGE)
            bodies = tx.archives.bodies_of_cases(numbers)
            wanted = [(number, body) for number, body in bodies if codes is None or body in codes]
            cases = [case_contents(deps, tx, body, number) for number, body in wanted]
            waiting = _without_package(tx, ArchiveKind.CASE, [one for one in cases if one.due])
        yield from _watched(waiting, len(numbers), watch)
        if len(numbers) < PAGE:
            break
        place = numbers[-1]
    place = ""
    while True:
        with deps.uow.read() as tx:
            ids = tx.archives.licenses_after(place, limit=PAGE)
            waiting = _without_package(tx, ArchiveKind.LICENSE, list(_licenses(deps, tx, ids, authority_code)))
        yield from _watched(waiting, len(ids), watch)
        if len(ids) < PAGE:
            break
        place = ids[-1]


def _watched(waiting: Sequence[Contents], looked: int, watch: Callable[[int], None]) -> Sequence[Contents]:
    watch(looked)
    return waiting


def _without_package(tx: UnitOfWork, kind: ArchiveKind, found: Sequence[Contents]) -> Sequence[Contents]:
    gone = gone_of(tx, kind, [one.subject for one in found])
    found = [one for one in found if not {(one.authority_code, one.subject), ("", one.subject)} & gone]
    states = tx.archives.states(kind, [one.subject for one in found])
    if kind is ArchiveKind.CASE:
        return [
            one for one in found if one.state_digest not in states.get((one.authority_code, one.subject), frozenset())
        ]
    # A license is one, whichever body's it was when its package was made.
    made = {(subject, state) for (_, subject), several in states.items() for state in several}
    return [one for one in found if (one.subject, one.state_digest) not in made]


def _licenses(deps: Deps, tx: UnitOfWork, ids: Sequence[str], authority_code: str) -> Iterator[Contents]:
    versions = tx.licenses.of_licenses(ids) if ids else ()
    grouped = [list(several) for _, several in groupby(versions, key=lambda one: one.license_id)]
    for contents in contents_of(deps, tx, grouped):
        if contents.due and authority_code in ("", contents.authority_code) and not _in_its_case(deps, tx, contents):
            yield contents


def _in_its_case(deps: Deps, tx: UnitOfWork, contents: Contents) -> bool:
    """Whether the package of a case says all there is: what is archived when issued, as long as it stands as issued."""
    newest = contents.versions[-1]
    if deps.catalog.type(newest.type_slug).archive.when is not ArchiveWhen.ISSUED or any(contents.moves.values()):
        return False
    request = tx.requests.by_id(newest.request_id) if newest.request_id else None
    return request is not None and request.payload.case_no != ""


def _bodies(deps: Deps, caller: Principal) -> Sequence[str] | None:
    """Whose packages the caller sees; None: those of all."""
    if roles.AUDITOR in caller.roles:
        return None
    if not caller.authority_code:
        raise NotFound(NO_ARCHIVE_ZH)
    return codes_of(deps, caller.authority_code)


def _own(deps: Deps, tx: UnitOfWork, caller: Principal, archive_id: str) -> Archive:
    found, bodies = tx.archives.by_id(archive_id), _bodies(deps, caller)
    if found is None or not (bodies is None or found.authority_code in bodies):
        raise NotFound(NO_ARCHIVE_ZH)
    return found
