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
from certsvc.commands.archiving.contents import case_contents, contents_of
from certsvc.commands.evidence.record import record
from certsvc.commands.shapes import Day, Line
from certsvc.commands.supervision.reach import tell
from certsvc.errors import Conflict, FieldProblem, IntegrityError, InvalidInput, NotFound, TooLarge
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
    """Packages of the own body, or of all for an auditor, newest first."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        return tx.archives.of(_body(caller), limit=limit, behind=behind)


def read_archive(deps: Deps, caller: Principal, archive_id: str) -> Archive:
    """One package; NotFound for another body's, in the same words as for none."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        return _own(tx, caller, archive_id)


def archive_file(deps: Deps, caller: Principal, archive_id: str) -> tuple[Archive, bytes]:
    """A package and its bytes; NotFound as above, IntegrityError when they are not the registered ones."""
    archive = read_archive(deps, caller, archive_id)
    with deps.uow() as tx:
        content = {"sha256": archive.sha256}
        now = deps.clock.now()
        record(
            tx, deps, kind="archive.taken", subject=archive.archive_id, actor=caller.subject, content=content, at=now
        )
    return archive, archive_bytes(deps, archive)


def archive_bytes(deps: Deps, archive: Archive) -> bytes:
    """The bytes of a package; IntegrityError when they are not the registered ones."""
    data = deps.objects.get(archive.object_name)
    if hashlib.sha256(data).hexdigest() != archive.sha256:
        raise IntegrityError("归档信息包与登记的摘要不一致，已停止提供，请联系运维")
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
        found = _own(tx, caller, archive_id)
        if not local_day(found.made_at) <= body.received_on <= local_day(now):
            detail = "接收日期不能早于制作归档信息包之日，也不能晚于今日"
            raise InvalidInput(detail, problems=(FieldProblem(pointer="/received_on", code="range", detail=detail),))
        said = (body.handed_to, body.receipt_no, body.received_on)
        if found.handed_over and (found.handed_to, found.receipt_no, found.received_on) == said:
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
            raise Conflict("这个归档信息包已有回执，不能更改；确有错误的，由接收单位退回后重新归档")
        payload = ArchiveReceived(
            archive_id=archive_id, authority_code=found.authority_code, receipt_no=body.receipt_no
        )
        tell(deps, tx, payload, archive_id, now)
        content = {"handed_to": body.handed_to, "receipt_no": body.receipt_no, "sha256": found.sha256}
        record(tx, deps, kind="archive.received", subject=archive_id, actor=caller.subject, content=content, at=now)
        return noted


def due_archives(
    deps: Deps, authority_code: str = "", *, watch: Callable[[int], None] = lambda _looked: None
) -> Iterator[Contents]:
    """What has ended or is closed and has no package in this state, of one body or of all (empty): cases first.

    ``watch`` is called with how many were looked at. The register is walked in pages, and nothing is held between two.
    """
    place = ""
    while True:
        with deps.uow.read() as tx:
            numbers = tx.archives.cases_after(place, limit=PAGE)
            cases = [one for number in numbers for one in _cases(deps, tx, number, authority_code)]
            waiting = _without_package(tx, ArchiveKind.CASE, cases)
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
    states = tx.archives.states(kind, [one.subject for one in found])
    return [one for one in found if one.state_digest not in states.get((one.authority_code, one.subject), frozenset())]


def _cases(deps: Deps, tx: UnitOfWork, case_no: str, authority_code: str) -> Iterator[Contents]:
    several = tx.requests.of_case(case_no, caller="", behind="", limit=PAGE)
    bodies = {one.payload.authority_code for one in several}
    for body in sorted(bodies if not authority_code else bodies & {authority_code}):
        try:
            contents = case_contents(deps, tx, body, case_no)
        except TooLarge:
            continue  # whoever asks for this one is told
        if contents.due:
            yield contents


def _licenses(deps: Deps, tx: UnitOfWork, ids: Sequence[str], authority_code: str) -> Iterator[Contents]:
    versions = tx.licenses.of_licenses(ids) if ids else ()
    for _, several in groupby(versions, key=lambda one: one.license_id):
        contents = contents_of(deps, tx, list(several))
        if not contents.due or authority_code not in ("", contents.authority_code):
            continue
        newest = contents.versions[-1]
        if deps.catalog.type(newest.type_slug).archive.when is ArchiveWhen.ISSUED and _has_case(tx, newest.request_id):
            continue  # archived with its case
        yield contents


def _has_case(tx: UnitOfWork, request_id: str) -> bool:
    request = tx.requests.by_id(request_id) if request_id else None
    return request is not None and request.payload.case_no != ""


def _body(caller: Principal) -> str:
    """Whose packages the caller sees: those of all where empty."""
    if roles.AUDITOR in caller.roles:
        return ""
    if not caller.authority_code:
        raise NotFound(NO_ARCHIVE_ZH)
    return caller.authority_code


def _own(tx: UnitOfWork, caller: Principal, archive_id: str) -> Archive:
    found = tx.archives.by_id(archive_id)
    if found is None or _body(caller) not in ("", found.authority_code):
        raise NotFound(NO_ARCHIVE_ZH)
    return found
