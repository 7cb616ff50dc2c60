"""Carry out what was approved and whose window is over: each item by itself, and never half without a record.

Order of an item: one transaction judges it once more, takes the personal columns away, names every object that goes
and writes all of it into the evidence; then the objects go; then the item is destroyed, with event and evidence. A
process that dies in between left an item that is ``removing``, whose objects are on record, and the next run goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from certsvc.commands.archiving.contents import MAX_MATERIALS, MAX_REQUESTS
from certsvc.commands.disposing.judge import judged_cases, judged_licenses
from certsvc.commands.disposing.propose import tell_moved
from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import ERASED, FORMER, GONE_FILES, LICENSE, MATERIAL, MOVE, moment_key, row_key
from certsvc.commands.log.audit_rights import REMOVED
from certsvc.commands.supervision.reach import tell
from certsvc.errors import CertsvcError
from certsvc.events.archive_payloads import RecordsDestroyed
from certsvc.license.archives import ArchiveKind, MaterialState
from certsvc.license.disposal import (
    DisposalState,
    ErasedRow,
    GoneFile,
    ItemState,
    erased_material,
    erased_move,
    erased_version,
)
from certsvc.license.model import as_registered
from certsvc.license.request import RequestState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from certsvc.commands.disposing.judge import Judged
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.disposal import Disposal, DisposalItem
    from certsvc.license.model import LicenseVersion, MoveRecord

LISTS = 50
"""Looked at in one run; the next run sees the rest."""
NOT_OVER = "not_over"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcomes:
    """What came of a run: lists ended, items destroyed and spared, and what could not be done now."""

    ended: int
    destroyed: int
    spared: int
    trouble: Sequence[str]


def carry_out(deps: Deps, *, actor: str, watch: Callable[[DisposalItem], None] = lambda _item: None) -> Outcomes:
    """Go through every list that is due; an item that fails is told and stays for the next run.

    A list that is ``running`` was begun by a process that died, or has an item whose objects could not be removed.
    """
    now = deps.clock.now()
    with deps.uow.read() as tx:
        waiting = [
            *tx.disposals.in_state(DisposalState.RUNNING, limit=LISTS),
            *(
                one
                for one in tx.disposals.in_state(DisposalState.APPROVED, limit=LISTS)
                if one.effect_at is not None and one.effect_at <= now
            ),
        ]
    ended, done, trouble = 0, [0, 0], list[str]()
    for one in waiting:
        running = _begun(deps, one, actor)
        if running is None:
            continue
        left = False
        for item in _items(deps, one.list_id):
            try:
                moved = _carry_out_item(deps, running, item, actor)
            except CertsvcError as error:
                left = True
                trouble.append(f"{one.list_id} 第 {item.place} 项：{error.detail}")
                continue
            done[moved.state is ItemState.SPARED] += 1
            watch(moved)
        if not left:
            ended += _ended(deps, running, actor)
    return Outcomes(ended=ended, destroyed=done[0], spared=done[1], trouble=tuple(trouble))


def _items(deps: Deps, list_id: str) -> Iterator[DisposalItem]:
    with deps.uow.read() as tx:
        items = tx.disposals.items_of(list_id)
    yield from (one for one in items if one.state in (ItemState.LISTED, ItemState.REMOVING))


def _begun(deps: Deps, disposal: Disposal, actor: str) -> Disposal | None:
    """The list as one that is being carried out; None where somebody took it back at this moment."""
    if disposal.state is DisposalState.RUNNING:
        return disposal
    now = deps.clock.now()
    running = replace(disposal, state=DisposalState.RUNNING)
    with deps.uow() as tx:
        if not tx.disposals.move(running, source=DisposalState.APPROVED):
            return None
        tell_moved(deps, tx, running, tx.disposals.items_of(disposal.list_id), actor, now)
    return running


def _ended(deps: Deps, disposal: Disposal, actor: str) -> int:
    now = deps.clock.now()
    done = replace(disposal, state=DisposalState.DONE, ended_by=actor, ended_at=now)
    with deps.uow() as tx:
        if not tx.disposals.move(done, source=DisposalState.RUNNING):
            return 0
        tell_moved(deps, tx, done, tx.disposals.items_of(disposal.list_id), actor, now)
    return 1


def _carry_out_item(deps: Deps, disposal: Disposal, item: DisposalItem, actor: str) -> DisposalItem:
    if item.state is ItemState.LISTED:
        with deps.uow() as tx:
            item, files = _erase(deps, tx, disposal, item, actor)
        deps.faults.reach("disposal.erased")
        if item.state is not ItemState.REMOVING:
            return item
    else:
        with deps.uow.read() as tx:
            files = tx.erased.files_of(item.list_id, item.place)
    for one in files:
        deps.objects.delete(one.object_name)
        deps.faults.reach("disposal.object_gone")
    now = deps.clock.now()
    gone = replace(item, state=ItemState.DESTROYED, moved_at=now)
    with deps.uow() as tx:
        if tx.disposals.move_item(gone, source=ItemState.REMOVING):
            payload = RecordsDestroyed(
                list_id=item.list_id,
                place=item.place,
                kind=item.kind.value,
                authority_code=item.authority_code,
                files=len(files),
            )
            tell(deps, tx, payload, item.list_id, now)
            content = {"place": item.place, "files": len(files)}
            record(tx, deps, kind="disposal.destroyed", subject=item.list_id, actor=actor, content=content, at=now)
    deps.faults.reach("disposal.recorded")
    return gone


def _erase(
    deps: Deps, tx: UnitOfWork, disposal: Disposal, item: DisposalItem, actor: str
) -> tuple[DisposalItem, Sequence[GoneFile]]:
    """Judge the item once more, and take away what is personal; or spare it, with the reason."""
    now = deps.clock.now()
    judged = _again(deps, tx, item)
    why = "" if judged is not None and not judged.bound else NOT_OVER if judged is None else judged.bound[0].value
    target = ItemState.SPARED if why else ItemState.REMOVING
    moved = replace(item, state=target, why=why, moved_at=now)
    if not tx.disposals.move_item(moved, source=ItemState.LISTED):
        current = next(one for one in tx.disposals.items_of(item.list_id) if one.place == item.place)
        return current, tx.erased.files_of(item.list_id, item.place)
    if judged is None or why:
        content = {"place": item.place, "why": why}
        record(tx, deps, kind="disposal.spared", subject=item.list_id, actor=actor, content=content, at=now)
        return moved, ()
    going = _Going(tx, disposal.list_id, item.place, now)
    if item.kind is ArchiveKind.LICENSE:
        going.license(judged)
    else:
        going.case(judged)
    tx.erased.files(going.files)
    content = {
        "place": item.place,
        "kind": item.kind.value,
        "label": item.label,
        ERASED: going.rows,
        FORMER: going.former,
        GONE_FILES: [f"{one.object_name} {one.sha256}" for one in going.files],
    }
    record(tx, deps, kind="disposal.erased", subject=item.list_id, actor=actor, content=content, at=now)
    return moved, going.files


def _again(deps: Deps, tx: UnitOfWork, item: DisposalItem) -> Judged | None:
    if item.kind is ArchiveKind.LICENSE:
        found = judged_licenses(deps, tx, [item.subject], own_list=item.list_id)
    else:
        found = judged_cases(deps, tx, [(item.authority_code, item.subject)], own_list=item.list_id)
    return next(iter(found), None)


class _Going:
    """What goes of one item: rows are erased as they are met, objects are noted."""

    def __init__(self, tx: UnitOfWork, list_id: str, place: int, now: datetime) -> None:
        self._tx = tx
        self._list_id = list_id
        self._place = place
        self._now = now
        self.rows: list[str] = []
        self.former: list[str] = []
        self._files: dict[str, GoneFile] = {}

    @property
    def files(self) -> Sequence[GoneFile]:
        return list(self._files.values())

    def license(self, judged: Judged) -> None:
        """Versions with every form of their files, copies, requests, packages, and what was written about them."""
        tx, ids = self._tx, [one.version_id for one in judged.contents.versions]
        read = tx.licenses.by_version_ids(ids)
        forms, moves = tx.care.forms_of(ids), tx.licenses.moves_of_all(ids)
        for version_id in ids:
            self._version(as_registered(read[version_id], forms), read[version_id], moves[version_id])
            for form in forms[version_id]:
                self._file(form.object_name, form.sha256)
        tx.erased.words(ids)
        for name, sha256 in tx.erased.copies(ids):
            self._file(name, sha256)
        for one in tx.erased.co_holders(judged.contents.subject):
            self.former.append(row_key(one))
            if one.removed_at is not None:
                self.former.append(moment_key(REMOVED, one.co_holder_id, one.removed_at))
        self._packages(judged)

    def case(self, judged: Judged) -> None:
        """电子材料, withdrawn ones too, the requests that led to no license, and packages."""
        tx, contents = self._tx, judged.contents
        body, number = contents.authority_code, contents.subject
        ids: list[str] = []
        for material in tx.materials.of_case(body, number, limit=2 * MAX_MATERIALS):
            ids.append(material.material_id)
            if material.state is not MaterialState.DESTROYED:
                self._file(material.object_name, material.sha256)
                row = self._row(MATERIAL, material.material_id, row_key(material), "")
                if tx.erased.material(material, row):
                    self.rows.append(f"{row_key(erased_material(material))} {row.was}")
        tx.erased.words(ids)  # uses of a material can be disputed too
        for request in tx.requests.of_case(number, caller="", body=body, behind="", limit=MAX_REQUESTS):
            if request.state is RequestState.REFUSED:
                tx.erased.request(request.request_id)
        self._packages(judged)

    def _version(self, first: LicenseVersion, version: LicenseVersion, moves: Sequence[MoveRecord]) -> None:
        state = moves[0].from_state if moves else version.state
        begun = replace(first, state=state)
        before = replace(begun, status_no=None)
        row = self._row(LICENSE, version.version_id, row_key(begun), row_key(before))
        if self._tx.erased.version(version, row):
            self.rows.append(f"{row_key(erased_version(begun))} {row.was}")
        for move in moves:
            row = self._row(MOVE, move.move_id, row_key(move), "")
            if self._tx.erased.move(move, row):
                self.rows.append(f"{row_key(erased_move(move))} {row.was}")

    def _packages(self, judged: Judged) -> None:
        for package in judged.packages:
            self._file(package.object_name, package.sha256)

    def _row(self, noun: str, row_id: str, was: str, was_before: str) -> ErasedRow:
        return ErasedRow(noun=noun, row_id=row_id, was=was, was_before=was_before, list_id=self._list_id, at=self._now)

    def _file(self, name: str, sha256: str) -> None:
        self._files[name] = GoneFile(
            object_name=name, sha256=sha256, list_id=self._list_id, place=self._place, at=self._now
        )
