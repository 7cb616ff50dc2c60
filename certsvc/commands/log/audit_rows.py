"""Compare every row that leaves speak of with what they say: none was changed, none is missing, none came in unseen.

Leaves name rows by a digest (``commands/evidence/rows.py``); leaves of earlier releases named only ids, and rows that
they name are held against those, whenever they were written: in a rolling update both releases write side by side. A
row younger than the settling time may have its leaf on the way.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from certsvc.clock import rfc3339
from certsvc.commands.evidence.rows import (
    ERASED,
    EVENT,
    FETCH,
    FORM,
    GONE_FILES,
    LICENSE,
    MADE,
    MOVE,
    NOUNS,
    SCAN,
    named_rows,
    row_key,
)
from certsvc.commands.log.append import EVENTS_RECORDED, TIMESTAMPED
from certsvc.commands.log.audit_leaves import leaf_fits, leaf_said
from certsvc.commands.log.findings import Found
from certsvc.commands.reconciling.pages import uneven
from certsvc.errors import NotFound, SigningError
from certsvc.license.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from certsvc.commands.log.findings import AuditReport
    from certsvc.commands.ports import Deps
    from certsvc.commands.reconcile_ports import Ledger
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.checkpoint import Checkpoint, Stamp
    from certsvc.license.audited import Read, ReadLeaf, ReadVersion
    from certsvc.license.disposal import ErasedRow
    from certsvc.license.model import Artifact

PAGE = 500
CLOCKS_APART = timedelta(minutes=5)
"""How far the clock of an authority may be from ours."""
STAMP = "stamp"
_REPLACED = "replaced"
"""Topic of which version replaced which, and which were replaced at all, as leaves tell it."""
_MOVED = "moved"
"""Topic of the moments of leaves of earlier releases that tell a move."""
_OLD: dict[str, str] = {
    "fetch.given": FETCH,
    "fetch.refused": FETCH,
    "scan.answered": SCAN,
    "challenge.collected": SCAN,
}
"""Kinds whose leaves always named a row, and how: ``<noun>_id`` in their content."""


@dataclass(slots=True)
class _Since:
    """From when leaves name the rows of a noun by digest, and whether there are leaves that do not."""

    digests: datetime | None = None
    before: bool = False
    last_event: int = 0
    unreadable: set[str] = field(default_factory=set)
    young: set[str] = field(default_factory=set)


class RowAudit:
    """One comparison; leaves are looked at first, then rows."""

    def __init__(self, deps: Deps, ledger: Ledger, report: AuditReport, *, settled: datetime) -> None:
        """Rows at or after ``settled`` may have their leaves on the way."""
        self._deps = deps
        self._ledger = ledger
        self._report = report
        self._settled = settled
        self._since = {noun: _Since() for noun in (*NOUNS, STAMP)}
        self._seen: dict[str, list[str]] = {}

    def look(self, leaf: ReadLeaf) -> None:
        """Check a row of evidence against its own leaf, and note what it says of others."""
        said = leaf_said(leaf)
        if said is None:
            kind, detail = Found.DETAILS_CHANGED, leaf.evidence_id
            if not leaf_fits(leaf):
                kind = Found.COLUMNS_CHANGED
            self._report.tell(kind, leaf.position, detail)
            return
        content: dict[str, Any] = said["content"]
        for topic in {ERASED, GONE_FILES} & content.keys():
            self._ledger.see(topic, [str(one) for one in content[topic]])
        named = named_rows(content)
        for key in named or ():
            noun = str(key).partition(" ")[0]
            self._seen.setdefault(noun, []).append(str(key))
            since = self._since.get(noun)
            if since is not None and (since.digests is None or leaf.at < since.digests):
                since.digests = leaf.at
        if named is None:
            self._note_old(leaf, said)
        if "replaced_by" in content:
            old = str(said["subject"])
            self._ledger.see(_REPLACED, [old, f"{old} {content['replaced_by']}"])
        if leaf.kind == EVENTS_RECORDED:
            self._since[EVENT].last_event = max(self._since[EVENT].last_event, int(content["to"]))
        if leaf.kind == TIMESTAMPED:
            digest = hashlib.sha256(bytes.fromhex(content["token"])).hexdigest()
            self._seen.setdefault(STAMP, []).append(f"{STAMP} {content['size']} {digest}")
        if sum(map(len, self._seen.values())) > PAGE:
            self._flush()

    def compare(self, watch: Callable[[str, int], None], *, files: bool) -> None:
        """Rows against leaves; with ``files`` every file of a license is read too."""
        self._flush()
        self._versions(watch, files=files)
        self._plain(MOVE, lambda tx, at: tx.audited.moves_after(at, limit=PAGE), 0, watch)
        self._plain(FETCH, lambda tx, at: tx.audited.fetches_after(at, limit=PAGE), "", watch)
        self._plain(SCAN, lambda tx, at: tx.audited.scans_after(at, limit=PAGE), "", watch)
        self._plain(FORM, lambda tx, at: tx.audited.forms_after(at, limit=PAGE), "", watch, files=files)
        self._plain(EVENT, lambda tx, at: tx.audited.events_after(at, limit=PAGE), 0, watch)
        self._stamps()
        for noun in (*NOUNS, STAMP):
            self._differences(noun)

    def _flush(self) -> None:
        for noun, keys in self._seen.items():
            self._ledger.see(noun, keys)
        self._seen.clear()

    def _note_old(self, leaf: ReadLeaf, said: dict[str, Any]) -> None:
        """A leaf from before rows were named by digests."""
        if leaf.kind in MADE:
            self._since[LICENSE].before = True
            self._ledger.see(f"old:{LICENSE}", [f"{said['subject']} {said['content'].get('sha256', '')}"])
        elif leaf.kind in _OLD:
            noun = _OLD[leaf.kind]
            self._since[noun].before = True
            self._ledger.see(f"old:{noun}", [str(said["content"].get(f"{noun}_id", ""))])
        elif leaf.kind.startswith("license."):
            self._since[MOVE].before = True
            self._ledger.see(_MOVED, [rfc3339(leaf.at)])
        elif leaf.kind == "inspections.received":
            self._since[SCAN].before = True
            ids = [str(one.get("scan_id", "")) for one in said["content"].get("records", ())]
            self._ledger.see(f"old:{SCAN}", ids)

    def _versions(self, watch: Callable[[str, int], None], *, files: bool) -> None:
        place: int | str = ""
        while rows := self._page(lambda tx, at: tx.audited.versions_after(str(at), limit=PAGE), place):
            for one in rows:
                if one.row is None:
                    self._unreadable(LICENSE, one.row_id)
                    continue
                version = one.row.version
                first = one.row.moves[0].from_state if one.row.moves else version.state
                begun = replace(version, state=first)
                key, before = row_key(begun), row_key(replace(begun, status_no=None))
                if one.erased is not None:
                    self._by_decision(one.erased, key)
                    key, before = one.erased.was, one.erased.was_before
                if not self._ledger.saw(LICENSE, key):
                    key = before  # as leaves of earlier releases name it
                self._expect(LICENSE, key, version.created_at, version.artifact.sha256)
                self._state(one.row)
                if files:
                    self._file(version.artifact, f"{LICENSE} {version.identifier}")
            self._report.rows[LICENSE] += len(rows)
            watch(LICENSE, len(rows))
            place = rows[-1].place

    def _plain(
        self,
        noun: str,
        read: Callable[[UnitOfWork, Any], Sequence[Read[Any]]],
        start: int | str,
        watch: Callable[[str, int], None],
        *,
        files: bool = False,
    ) -> None:
        place = start
        while rows := self._page(read, place):
            for one in rows:
                if one.row is None:
                    self._unreadable(noun, one.row_id)
                elif noun == FORM:
                    self._expect(noun, row_key(one.row), one.row.created_at, "")
                    if files:
                        self._file(one.row, f"{FORM} {one.row.artifact_id}")
                elif noun != EVENT:
                    if one.erased is not None:
                        self._by_decision(one.erased, row_key(one.row))
                    key = row_key(one.row) if one.erased is None else one.erased.was
                    self._expect(noun, key, one.row.at, "")
                elif int(one.place) <= self._since[EVENT].last_event:
                    self._ledger.expect(EVENT, [row_key(one.row)])
            self._report.rows[noun] += len(rows)
            watch(noun, len(rows))
            place = rows[-1].place

    def _page(self, read: Callable[[UnitOfWork, Any], Sequence[Read[Any]]], place: int | str) -> Sequence[Read[Any]]:
        with self._deps.uow.read() as tx:
            return read(tx, place)

    def _by_decision(self, erased: ErasedRow, key: str) -> None:
        """A row without its personal columns: a leaf of 鉴定销毁 names what it is now, and what it was before."""
        if not self._on_its_way(erased.at) and not self._ledger.saw(ERASED, f"{key} {erased.was}"):
            noun, name, _ = key.split(" ")
            self._report.tell(Found.ROW_CHANGED, f"{noun} {name}", "内容已清除，但没有与之相符的销毁留痕")

    def _expect(self, noun: str, key: str, at: datetime, sha256: str) -> None:
        since = self._since[noun]
        if since.before and noun == MOVE:  # leaves of moves did not always name them: their moments are the same
            if since.digests is None or at < since.digests or self._ledger.saw(_MOVED, rfc3339(at)):
                return
        elif since.before:
            name = key.split(" ")[1]
            old = f"{name} {sha256}" if noun == LICENSE else name
            if since.digests is None or self._ledger.saw(f"old:{noun}", old):
                self._ledger.expect(f"old:{noun}", [old])
                return
        self._ledger.expect(noun, [key])
        if at >= self._settled:
            since.young.add(key)

    def _unreadable(self, noun: str, row_id: str) -> None:
        self._since[noun].unreadable.add(row_id)
        self._report.tell(Found.ROW_CHANGED, f"{noun} {row_id}", "无法解读或解密")

    def _state(self, read: ReadVersion) -> None:
        """The state of a license is that of its last move, and each move begins where the one before ended."""
        version, moves = read.version, read.moves
        if moves is None:
            return
        wrong = [later.move_id for one, later in pairwise(moves) if one.to_state is not later.from_state]
        about = f"{LICENSE} {version.identifier}"
        if wrong:
            self._report.tell(Found.STATE_CHANGED, about, f"办理记录 {wrong[0]} 与前一条不相接")
        if moves and moves[-1].to_state is not version.state:
            self._report.tell(Found.STATE_CHANGED, about, f"状态为 {version.state}，最后的办理为 {moves[-1].to_state}")
        if version.revision != 1 + len(moves):
            self._report.tell(Found.STATE_CHANGED, about, f"改动次数 {version.revision} 与办理记录 {len(moves)} 条不符")
        if version.suspended_until is not None and version.state is not State.SUSPENDED:
            self._report.tell(Found.STATE_CHANGED, about, "未暂扣而有暂扣期限")
        self._last(read, about)
        if not read.searchable:
            self._report.tell(Found.ROW_CHANGED, about, "检索字段与内容不符")

    def _last(self, read: ReadVersion, about: str) -> None:
        """What the last move left in the row of its version: until when it is suspended, what replaced it."""
        version, last = read.version, read.moves[-1] if read.moves else None
        decision = last.decision if last is not None and last.name == "suspend" else None
        if decision is not None and version.suspended_until != decision.until:
            self._report.tell(Found.STATE_CHANGED, about, f"暂扣至 {version.suspended_until}，决定为 {decision.until}")
        if last is not None and last.at >= self._settled:
            return
        pair = f"{version.identifier} {read.successor}" if read.successor else version.identifier
        if self._ledger.saw(_REPLACED, pair) != bool(read.successor):
            self._report.tell(Found.STATE_CHANGED, about, f"后续版本 {read.successor or '无'} 与留痕不符")

    def _file(self, artifact: Artifact, about: str) -> None:
        self._report.files += 1
        name = artifact.object_name
        try:
            data = self._deps.objects.get(name)
        except NotFound:
            if not self._is_gone(artifact):
                self._report.tell(Found.FILE_MISSING, about, name)
            return
        except RuntimeError:  # no name of ours: the row was changed, which is told of the row
            return
        if hashlib.sha256(data).hexdigest() != artifact.sha256:
            self._report.tell(Found.FILE_CHANGED, about, name)

    def _is_gone(self, artifact: Artifact) -> bool:
        """Whether a file went by decision: a leaf says so, or is on its way and the register does."""
        if self._ledger.saw(GONE_FILES, f"{artifact.object_name} {artifact.sha256}"):
            return True
        with self._deps.uow.read() as tx:
            gone = tx.erased.file(artifact.object_name)
        return gone is not None and self._on_its_way(gone.at)

    def _on_its_way(self, at: datetime) -> bool:
        """Whether the leaf of this moment may be missing yet; none of a time to come, which anybody could write."""
        return self._settled <= at <= self._deps.clock.now() + CLOCKS_APART

    def _stamps(self) -> None:
        size, before, unheld = 0, datetime.min.replace(tzinfo=UTC), 0
        while True:
            with self._deps.uow.read() as tx:
                page = tx.log.stamps_after(size, limit=PAGE)
                notes = {one.size: tx.log.at_size(one.size) for one in page}
            if not page:
                break
            for stamp in page:
                key = f"{STAMP} {stamp.size} {hashlib.sha256(stamp.token).hexdigest()}"
                self._ledger.expect(STAMP, [key])
                if stamp.at >= self._settled:
                    self._since[STAMP].young.add(key)
                over = notes[stamp.size]
                if over is not None:
                    before, held = self._stamp(stamp, over, before)
                    unheld += not held
            self._report.stamped += len(page)
            size = page[-1].size
        if unheld:
            self._report.not_checked.append(f"{unheld} 个时间戳的签发机构（没有配置时间戳用途的信任锚）")

    def _stamp(self, stamp: Stamp, over: Checkpoint, before: datetime) -> tuple[datetime, bool]:
        """One timestamp: over its checkpoint, of a trusted authority, and of its time; that time, and if it was held.

        It states a time between the checkpoint's and that at which we had it, and none before an earlier timestamp's.
        """
        signer, note = self._deps.log_signer, over.note.encode()
        try:
            at, trusted = signer.stamped_at(stamp.token, note), signer.is_trusted(stamp.token, note)
        except SigningError as error:
            self._report.tell(Found.STAMP_CHANGED, stamp.size, error.detail)
            return before, True
        if trusted is False:
            detail = "签发机构不通向时间戳用途的信任锚：核实机构后把其根证书放入信任目录"
            self._report.tell(Found.STAMP_CHANGED, stamp.size, detail)
        if not max(over.at, before) - CLOCKS_APART <= at <= stamp.at + CLOCKS_APART:
            self._report.tell(Found.STAMP_CHANGED, stamp.size, f"时间 {rfc3339(at)} 与前后的检查点不符")
        return max(at, before), trusted is not None

    def _differences(self, noun: str) -> None:
        """A key that only rows have and one that only leaves have, of one id, are a row that was changed."""
        since = self._since[noun]
        short = [key for key, _ in uneven(self._ledger.short, noun) if key not in since.young]
        over = [key for key, _ in uneven(self._ledger.over, noun)]
        gone = {key.split(" ")[1] for key in over}
        unproven = {key.split(" ")[1] for key in short}
        changed, missing = (
            (Found.STAMP_CHANGED, Found.STAMP_MISSING)
            if noun == STAMP
            else (
                Found.ROW_CHANGED,
                Found.ROW_MISSING,
            )
        )
        for name in sorted(gone & unproven):
            self._report.tell(changed, f"{noun} {name}", "与留痕所记的摘要不符")
        for name in sorted(gone - unproven - since.unreadable):
            self._report.tell(missing, f"{noun} {name}")
        for name in sorted(unproven - gone):
            self._report.tell(Found.ROW_UNPROVEN, f"{noun} {name}")
        for key, _ in uneven(self._ledger.short, f"old:{noun}"):
            self._report.tell(Found.ROW_UNPROVEN, f"{noun} {key.split(' ')[0]}")
        for key, _ in uneven(self._ledger.over, f"old:{noun}"):
            self._report.tell(missing, f"{noun} {key.split(' ')[0]}")
