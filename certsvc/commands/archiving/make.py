"""Make a 归档信息包: read what it is of, check the four properties, sign the manifest, keep it and put it on record.

Asked again for the same state, it is the same package. One in which a check fails is not made: what would be handed
over could not be used later, and nobody would know until then.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson

from certsvc.clock import rfc3339
from certsvc.commands.access import roles
from certsvc.commands.archiving.checks import check_files, passed
from certsvc.commands.archiving.contents import (
    NO_CASE_ZH,
    case_contents,
    codes_of,
    contents_of,
    gone_of,
    license_contents,
    require_closed,
)
from certsvc.commands.archiving.describe import history_json, metadata_xml, readme
from certsvc.commands.archiving.package import (
    EVIDENCE,
    FORMAT,
    HISTORY,
    LICENSES,
    MATERIALS,
    METADATA,
    README,
    REPORT,
    sealed_package,
)
from certsvc.commands.archiving.tools import tools_of
from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import rows_of
from certsvc.commands.evidence.sweep import ARCHIVES
from certsvc.commands.issuance.read_license import NO_LICENSE_ZH
from certsvc.commands.log.append import log_origin
from certsvc.commands.log.bundle import ISSUER, make_bundle
from certsvc.commands.log.read import LogBoard
from certsvc.commands.supervision.reach import tell
from certsvc.errors import Conflict, FieldProblem, IntegrityError, NotFound
from certsvc.events.archive_payloads import ArchiveMade
from certsvc.events.canonical import canonical
from certsvc.license.archives import FOUND_ZH, TRAIT_ZH, Archive, ArchiveKind, Found

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certsvc.commands.archiving.contents import Contents
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.archives import CheckItem

ZIP = "application/zip"
LEASE_S = 60
"""How long a turn at registering lasts at most; it ends with its transaction."""


def make_archive(
    deps: Deps, caller: Principal, *, identifier: str = "", case_no: str = "", board: LogBoard | None = None
) -> Archive:
    """The package of a license, or of a case, of the caller's body; one of the two is named.

    Raises:
        NotFound: none such, or another body's, in the same words.
        Conflict: the case is under way, its evidence is not in the log yet, or a check failed; the problems name them.
        TooLarge: more than a package may hold.
        IntegrityError: a file is not the registered one.
        Unavailable: the workers that look at files are busy.
    """
    roles.require(caller, roles.ARCHIVIST)
    with deps.uow.read() as tx:
        if identifier:
            contents = license_contents(deps, tx, identifier)
            if not caller.authority_code or contents.authority_code != caller.authority_code:
                raise NotFound(NO_LICENSE_ZH)
        else:
            contents = _case_of(deps, tx, caller.authority_code, case_no)
    return archive_contents(deps, contents, actor=caller.subject, board=board)


def _case_of(deps: Deps, tx: UnitOfWork, authority_code: str, case_no: str) -> Contents:
    """The case of the body, or of one that was merged into it; its own where both have the number."""
    for code in codes_of(deps, authority_code):
        with suppress(NotFound):
            return case_contents(deps, tx, code, case_no)
    raise NotFound(NO_CASE_ZH)


def archive_contents(deps: Deps, contents: Contents, *, actor: str, board: LogBoard | None = None) -> Archive:
    """The package of what was read; raises as :func:`make_archive`."""
    require_closed(contents)
    state = contents.state_digest
    with deps.uow.read() as tx:
        found = _known(tx, contents)
        gone = gone_of(tx, contents.kind, [contents.subject])
    if {(contents.authority_code, contents.subject), ("", contents.subject)} & gone:
        raise Conflict("已按鉴定清册销毁，不能再归档")
    if found is not None:
        return found
    board = board or LogBoard()
    files = package_files(deps, contents, actor=actor, board=board)
    items = check_files(files, tools_of(deps))
    if not passed(items):
        raise _refused(items)
    archive_id = deps.ids.new("arc")
    files[REPORT] = report_json(items, files)
    head = {
        "archive_id": archive_id,
        "kind": contents.kind.value,
        "label": contents.label,
        "authority_code": contents.authority_code,
        "keeping": contents.keeping.value,
        "as_of": rfc3339(contents.as_of),
        "state": state,
    }
    data = sealed_package(deps, board.origin(deps) or log_origin(deps), head, files)
    archive = Archive(
        archive_id=archive_id,
        kind=contents.kind,
        authority_code=contents.authority_code,
        subject=contents.subject,
        label=contents.label,
        state_digest=state,
        sha256=hashlib.sha256(data).hexdigest(),
        sm3=hashlib.new("sm3", data).hexdigest(),
        size=len(data),
        object_name=f"{ARCHIVES}{archive_id}.zip",
        keeping=contents.keeping.value,
        members=tuple(one.identifier for one in contents.versions),
        materials=tuple(one.material_id for one in contents.materials),
        made_by=actor,
        made_at=deps.clock.now(),
    )
    # The file first: a row without one would be a package that nobody can have; a file without a row is swept.
    deps.objects.put(archive.object_name, data, content_type=ZIP)
    return _register(deps, contents, archive)


def package_files(deps: Deps, contents: Contents, *, actor: str, board: LogBoard) -> dict[str, bytes]:
    """Every file but report, manifest and signature; all but the evidence follow from the state alone."""
    files = {
        README: readme(deps.catalog, contents),
        METADATA: metadata_xml(deps.catalog, contents),
        HISTORY: history_json(contents),
    }
    for version in contents.versions:
        try:
            bundle = make_bundle(deps, version.identifier, reader=ISSUER, actor=actor, board=board)
        except NotFound as error:
            raise Conflict("留痕尚未进入日志，通常在一秒之内进入，请稍后再归档") from error
        files[f"{EVIDENCE}{version.identifier}.zip"] = bundle
        files[f"{LICENSES}{version.identifier}.pdf"] = deps.objects.get(version.artifact.object_name)
    for material in contents.materials:
        data = deps.objects.get(material.object_name)
        if hashlib.sha256(data).hexdigest() != material.sha256:
            raise IntegrityError("电子材料与登记的摘要不一致，已停止归档，请联系运维")
        files[f"{MATERIALS}{material.material_id}.pdf"] = data
    return files


def report_json(items: Sequence[CheckItem], files: Mapping[str, bytes]) -> bytes:
    """The report of 归档环节, as it stands in the package: over which files, and every item."""
    stated = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    report = {
        "format": FORMAT,
        "phase": "归档",
        "passed": passed(items),
        "checked_sha256": hashlib.sha256(canonical(stated)).hexdigest(),
        "items": [item_data(one) for one in items],
    }
    return orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)


def item_data(item: CheckItem) -> dict[str, Any]:
    """One item as plain data: in packages, in answers and on the command line alike."""
    return {
        "code": item.code,
        "property": item.trait.value,
        "property_zh": TRAIT_ZH[item.trait],
        "name": item.name,
        "result": item.found.value,
        "result_zh": FOUND_ZH[item.found],
        "reason": item.reason,
        "next_step": item.next_step,
    }


def _refused(items: Sequence[CheckItem]) -> Conflict:
    problems = tuple(
        FieldProblem(
            pointer="", code=one.code, detail=f"{TRAIT_ZH[one.trait]}·{one.name}：{one.reason}。{one.next_step}"
        )
        for one in items
        if one.found is Found.FAILED
    )
    return Conflict("四性检测不通过，没有制作归档信息包：请按所列各项处理后重做", problems=problems)


def _known(tx: UnitOfWork, contents: Contents) -> Archive | None:
    """The package of this state; that of a license also where it was made before its body was merged."""
    body = "" if contents.kind is ArchiveKind.LICENSE else contents.authority_code
    return tx.archives.of_state(contents.kind, body, contents.subject, contents.state_digest)


def _stands(deps: Deps, tx: UnitOfWork, contents: Contents) -> bool:
    """Whether the register still says what was read: a withdrawal or a decision since then makes another package."""
    if contents.kind is ArchiveKind.LICENSE:
        [now] = contents_of(deps, tx, [tx.licenses.versions_of(contents.subject)])
        return now.state_digest == contents.state_digest
    with suppress(NotFound):
        now = case_contents(deps, tx, contents.authority_code, contents.subject)
        return not now.under_way and now.state_digest == contents.state_digest
    return False


def _register(deps: Deps, contents: Contents, archive: Archive) -> Archive:
    first, stood = None, True
    turn = f"archive:{contents.kind.value}:{contents.subject}"
    with deps.uow() as tx:
        # Held until the end of the transaction and given up with it: whoever made the same looks when we have stored,
        # and sees ours, also under the name of the body that its own became meanwhile.
        if not tx.outbox.lease(turn, owner=archive.archive_id, now=archive.made_at, lease_s=LEASE_S):
            msg = "a turn at archiving is never committed"
            raise RuntimeError(msg)
        tx.outbox.release(turn, owner=archive.archive_id)
        first = _known(tx, contents)
        if first is None:
            stood = _stands(deps, tx, contents)
        if first is None and stood and tx.archives.insert(archive):
            _tell_made(deps, tx, archive)
            return archive
        first = first or _known(tx, contents)
    deps.objects.delete(archive.object_name)
    if not stood:
        raise Conflict("归档期间内容已变化（收回了材料，或证照有新的办理），请重做")
    if first is None:
        raise Conflict("同一内容正在归档，请稍后再试")
    return first


def _tell_made(deps: Deps, tx: UnitOfWork, archive: Archive) -> None:
    payload = ArchiveMade(
        archive_id=archive.archive_id,
        kind=archive.kind.value,
        authority_code=archive.authority_code,
        sha256=archive.sha256,
        keeping=archive.keeping,
    )
    tell(deps, tx, payload, archive.archive_id, archive.made_at)
    content = {
        "kind": archive.kind.value,
        "label": archive.label,
        "authority_code": archive.authority_code,
        "sha256": archive.sha256,
        "sm3": archive.sm3,
        "keeping": archive.keeping,
        "members": list(archive.members),
        "materials": list(archive.materials),
        "rows": rows_of([archive]),
    }
    record(
        tx,
        deps,
        kind="archive.made",
        subject=archive.archive_id,
        actor=archive.made_by,
        content=content,
        at=archive.made_at,
    )
