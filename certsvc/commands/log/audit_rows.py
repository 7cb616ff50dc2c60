"""Compare every row that leaves speak of with what they say: none was changed, none is missing, none came in unseen.

Leaves name rows by a digest (``commands/evidence/rows.py``); leaves of earlier releases named only ids, and rows that
they name are held against those, whenever they were written: in a rolling update both releases write side by side. A
row younger than the settling time may have its leaf on the way.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from datetime import datetime
from heapq import merge
from itertools import groupby, pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from certsvc.clock import rfc3339
from certsvc.commands.evidence.rows import (
    ARCHIVE,
    CARRIED,
    CO_HOLDER,
    DELEGATION,
    ERASED,
    EVENT,
    FETCH,
    FORM,
    FORMER,
    GONE_FILES,
    GRANT,
    LICENSE,
    MADE,
    MATERIAL,
    MOVE,
    NOUNS,
    RELATION,
    RESERVATION,
    SCAN,
    SHOW,
    named_rows,
    row_key,
)
from certsvc.commands.log.append import EVENTS_RECORDED, TIMESTAMPED
from certsvc.commands.log.audit_leaf import fits, said_by
from certsvc.commands.log.audit_rights import MOMENTS, RightAudit, moment_told
from certsvc.commands.log.audit_since import OLD, REPEATED, Since, old_id
from certsvc.commands.log.audit_stamps import CLOCKS_APART, STAMP, StampAudit
from certsvc.commands.log.findings import Found
from certsvc.commands.reconciling.pages import uneven
from certsvc.errors import NotFound
from certsvc.license.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from certsvc.commands.log.findings import AuditReport
    from certsvc.commands.ports import Deps
    from certsvc.commands.reconcile_ports import Ledger
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.archives import Archive, Material
    from certsvc.license.audited import Read, ReadLeaf, ReadMaterial, ReadVersion
    from certsvc.license.disposal import ErasedRow
    from certsvc.license.model import Artifact, LicenseVersion

PAGE = 500
_REPLACED = "replaced"
"""Topic of which version replaced which, and which were replaced at all, as leaves tell it."""
_TERM = "term"
"""Topic of the licenses that began suspended, and until when, as the leaves of their making tell it."""
_MOVED = "moved"
"""Topic of the moments of leaves of earlier releases that tell a move."""


class RowAudit:
    """One comparison; leaves are looked at first, then rows."""

    def __init__(self, deps: Deps, ledger: Ledger, report: AuditReport, *, settled: datetime) -> None:
        """Rows at or after ``settled`` may have their leaves on the way."""
        self._deps = deps
        self._ledger = ledger
        self._report = report
        self._settled = settled
        self._since = {noun: Since() for noun in (*NOUNS, *MOMENTS, STAMP)}
        self._rights = RightAudit(ledger, report, self._since, self._expect, settled=settled)
        self._seen: dict[str, list[str]] = {}
        self._unsaid: Counter[str] = Counter()

    def look(self, leaf: ReadLeaf) -> None:
        """Check a row of evidence against its own leaf, and note what it says of others."""
        said = said_by(leaf)
        if said is None:
            kind = Found.DETAILS_CHANGED if fits(leaf) else Found.COLUMNS_CHANGED
            self._report.tell(kind, leaf.position, leaf.evidence_id)
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
        self._note_change(leaf, said)
        if "replaced_by" in content:
            old = str(said["subject"])
            self._ledger.see(_REPLACED, [old, f"{old} {content['replaced_by']}"])
        if leaf.kind in MADE and CARRIED in content:
            self._ledger.see(_TERM, [str(said["subject"]), f"{said['subject']} {content[CARRIED]}"])
        if leaf.kind == EVENTS_RECORDED:
            self._since[EVENT].last_event = max(self._since[EVENT].last_event, int(content["to"]))
        if leaf.kind == TIMESTAMPED:
            digest = hashlib.sha256(bytes.fromhex(content["token"])).hexdigest()
            self._seen.setdefault(STAMP, []).append(f"{STAMP} {content['size']} {digest}")
        if sum(map(len, self._seen.values())) > PAGE:
            self._flush()

    def _note_change(self, leaf: ReadLeaf, said: dict[str, Any]) -> None:
        """What happened to a row that was there, and which keys hold no more."""
        if (happened := moment_told(leaf, said)) is not None:
            self._seen.setdefault(happened[0], []).append(happened[1])
        former = [str(key) for key in said["content"].get(FORMER, ())]
        if former:
            self._flush()
        for key in former:
            noun = key.partition(" ")[0]
            if self._ledger.saw(noun, key):
                self._ledger.expect(noun, [key])
            elif noun == CO_HOLDER and self._ledger.saw(f"old:{noun}", _id(key)):  # of an earlier release
                self._ledger.expect(f"old:{noun}", [_id(key)])

    def compare(self, watch: Callable[[str, int], None], *, files: bool) -> None:
        """Rows against leaves; with ``files`` every file of a license is read too."""
        self._flush()
        self._versions(watch, files=files)
        self._plain(MOVE, lambda tx, at: tx.audited.moves_after(at, limit=PAGE), 0, watch)
        self._plain(FETCH, lambda tx, at: tx.audited.fetches_after(at, limit=PAGE), "", watch)
        self._plain(SCAN, lambda tx, at: tx.audited.scans_after(at, limit=PAGE), "", watch)
        self._of_rights(watch)
        self._of_archives(watch, files=files)
        self._plain(FORM, lambda tx, at: tx.audited.forms_after(at, limit=PAGE), "", watch, files=files)
        self._plain(EVENT, lambda tx, at: tx.audited.events_after(at, limit=PAGE), 0, watch)
        StampAudit(self._deps, self._ledger, self._report, self._since[STAMP], settled=self._settled).compare()
        for noun in (*NOUNS, *MOMENTS, STAMP):
            self._differences(noun)
        unsaid = sorted((+self._unsaid).items())
        self._report.not_checked += [f"{count} 张证照的{what}（此前版本登记，留痕未记）" for what, count in unsaid]

    def _flush(self) -> None:
        for noun, keys in self._seen.items():
            self._ledger.see(noun, keys)
        self._seen.clear()

    def _note_old(self, leaf: ReadLeaf, said: dict[str, Any]) -> None:
        """A leaf from before rows were named by digests."""
        if leaf.kind in MADE:
            self._since[LICENSE].before = True
            self._ledger.see(f"old:{LICENSE}", [f"{said['subject']} {said['content'].get('sha256', '')}"])
        elif leaf.kind in OLD:
            noun, name = OLD[leaf.kind]
            self._since[noun].before = True
            row_id = old_id(said, name)
            if noun not in REPEATED or not self._ledger.saw(f"old:{noun}", row_id):
                self._ledger.see(f"old:{noun}", [row_id])
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
                    self._unsaid["状态列表编号"] += key != before and self._ledger.saw(LICENSE, before)
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

    def _of_rights(self, watch: Callable[[str, int], None]) -> None:
        """What is given to somebody, and of seals: each row with what is said of it elsewhere."""
        rights = self._rights
        self._each(SHOW, lambda tx, at: tx.audited.shows_after(at, limit=PAGE), rights.show, watch)
        self._each(GRANT, lambda tx, at: tx.audited.grants_after(at, limit=PAGE), rights.grant, watch)
        self._each(RESERVATION, lambda tx, at: tx.audited.reservations_after(at, limit=PAGE), rights.reservation, watch)
        self._each(DELEGATION, lambda tx, at: tx.audited.delegations_after(at, limit=PAGE), rights.delegation, watch)
        self._each(RELATION, lambda tx, at: tx.audited.relations_after(at, limit=PAGE), rights.relation, watch)
        self._each(CO_HOLDER, lambda tx, at: tx.audited.co_holders_after(at, limit=PAGE), rights.co_holder, watch)

    def _of_archives(self, watch: Callable[[str, int], None], *, files: bool) -> None:
        """Packages and materials, and with ``files`` what lies in the store for them."""

        def package(one: Archive) -> None:
            self._rights.archive(one)
            if files:
                self._file(one, f"{ARCHIVE} {one.archive_id}")

        def material(read: ReadMaterial) -> None:
            one = read.material
            if read.erased is not None:
                self._by_decision(read.erased, row_key(one))
            self._rights.material(read)
            if files:
                self._file(one, f"{MATERIAL} {one.material_id}")

        self._each(ARCHIVE, lambda tx, at: tx.audited.archives_after(at, limit=PAGE), package, watch)
        self._each(MATERIAL, lambda tx, at: tx.audited.materials_after(at, limit=PAGE), material, watch)

    def _each(
        self,
        noun: str,
        read: Callable[[UnitOfWork, Any], Sequence[Read[Any]]],
        look: Callable[[Any], None],
        watch: Callable[[str, int], None],
    ) -> None:
        place: int | str = ""
        while rows := self._page(read, place):
            for one in rows:
                if one.row is None:
                    self._unreadable(noun, one.row_id)
                else:
                    look(one.row)
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
        if version.state is State.SUSPENDED and not any(one.name == "suspend" for one in read.moves or ()):
            self._carried(version, about)
        if last is not None and last.at >= self._settled:
            return
        pair = f"{version.identifier} {read.successor}" if read.successor else version.identifier
        if self._ledger.saw(_REPLACED, pair) != bool(read.successor):
            self._report.tell(Found.STATE_CHANGED, about, f"后续版本 {read.successor or '无'} 与留痕不符")

    def _carried(self, version: LicenseVersion, about: str) -> None:
        """The term of a suspension that a correction carried on, which the leaf of its making names."""
        if version.created_at >= self._settled:
            return
        if not self._ledger.saw(_TERM, version.identifier):
            self._unsaid["随更正延续的暂扣期限"] += 1
        elif not self._ledger.saw(_TERM, f"{version.identifier} {version.suspended_until or ''}"):
            self._report.tell(Found.STATE_CHANGED, about, f"暂扣至 {version.suspended_until}，与颁发时的留痕不符")

    def _file(self, artifact: Artifact | Archive | Material, about: str) -> None:
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

    def _is_gone(self, artifact: Artifact | Archive | Material) -> bool:
        """Whether a file went by decision: a leaf says so, or is on its way and the register does."""
        if self._ledger.saw(GONE_FILES, f"{artifact.object_name} {artifact.sha256}"):
            return True
        with self._deps.uow.read() as tx:
            gone = tx.erased.file(artifact.object_name)
        return gone is not None and self._on_its_way(gone.at)

    def _on_its_way(self, at: datetime) -> bool:
        """Whether the leaf of this moment may be missing yet; none of a time to come, which anybody could write."""
        return self._settled <= at <= self._deps.clock.now() + CLOCKS_APART

    def _differences(self, noun: str) -> None:
        """A key that only rows have and one that only leaves have, of one id, are a row that was changed."""
        since = self._since[noun]
        changed, missing = Found.ROW_CHANGED, Found.ROW_MISSING
        if noun == STAMP:
            changed, missing = Found.STAMP_CHANGED, Found.STAMP_MISSING
        short = (key for key, _ in uneven(self._ledger.short, noun) if key not in since.young)
        over = (key for key, _ in uneven(self._ledger.over, noun))
        # Both come in the order of their keys, and stay on the disk of the ledger: nothing is gathered.
        keys = merge(((_id(key), True) for key in short), ((_id(key), False) for key in over))
        for name, several in groupby(keys, key=itemgetter(0)):
            sides = {unproven for _, unproven in several}
            if sides == {True, False}:
                self._report.tell(changed, f"{noun} {name}", "与留痕所记的摘要不符")
            elif True in sides:
                self._report.tell(Found.ROW_UNPROVEN, f"{noun} {name}")
            elif name not in since.unreadable:
                self._report.tell(missing, f"{noun} {name}")
        for key, _ in uneven(self._ledger.short, f"old:{noun}"):
            self._report.tell(Found.ROW_UNPROVEN, f"{noun} {key.split(' ')[0]}")
        for key, _ in uneven(self._ledger.over, f"old:{noun}"):
            self._report.tell(missing, f"{noun} {key.split(' ')[0]}")


def _id(key: str) -> str:
    return key.split(" ")[1]
