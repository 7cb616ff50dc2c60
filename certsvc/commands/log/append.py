"""Append sequenced evidence to the log and publish checkpoints; one process at a time, under a lease.

Tiles that became full are stored first, then the checkpoint is signed, and one transaction commits it with the edge.
A crash anywhere leaves the old checkpoint in force; the next run makes the same tiles again, byte by byte, because the
positions of evidence never change. The log never forks: the edge that is grown must have the root of the last
checkpoint, a full tile that lies there with other bytes is never replaced, and where the object store or this process
knows of a longer log than the database (a restore, a replica that was behind), nothing is signed until the log is
continued under another name (``continuing.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import orjson
import structlog

from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import rows_of
from certsvc.errors import Conflict, IntegrityError, NotFound, SigningError, Unavailable
from certsvc.events.checkpoint import Checkpoint, Stamp, TreeHead, read_note, write_note
from certsvc.events.epochs import Epoch, origin_in
from certsvc.events.merkle import EMPTY_ROOT, leaf_hash
from certsvc.events.tiles import WIDTH, pack_entries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps
    from certsvc.events.epochs import Epochs
    from certsvc.events.evidence import EvidenceRow
    from certsvc.events.tiles import Edge
    from certsvc.license.audited import ReadLeaf

log = structlog.get_logger("certsvc.log")

LEASE, STAMP_LEASE = "log", "log:stamp"
LEASE_S = 30
BATCH = 16 * WIDTH
"""Leaves appended at once: a checkpoint for each batch; bounds memory and the time that the lease is needed."""
EVENTS = WIDTH
"""Events that one leaf records."""
EVENTS_CURSOR = "log:events"
EVENTS_RECORDED, TIMESTAMPED, CONTINUED = "events.recorded", "log.timestamped", "log.continued"
ACTOR = "certsvc"
TILE_TYPE = "application/octet-stream"
CONTINUE = "certsvc audit continue"
_BEHIND = f"：日志已公布得更长，已停止追加；如系恢复或主备切换，核实后运行 {CONTINUE}，在另一名称下接续"
_AUDIT = "；已停止追加，请运行 certsvc audit verify 并报告审计管理员"


class Overtaken(Exception):
    """Another process appended meanwhile."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Grown:
    """A batch that was read: the edge and head before it, its rows, and the leaves of the tile that it goes on in."""

    edge: Edge
    newest: Checkpoint | None
    head: TreeHead
    rows: Sequence[ReadLeaf]
    begun: tuple[bytes, ...]
    epochs: Epochs
    given: int


@dataclass(slots=True)
class Seen:
    """The newest checkpoint that a process saw: a database that goes back under it (a failover) is told."""

    epoch: int = 0
    newest: Checkpoint | None = None

    def look(self, newest: Checkpoint | None, epoch: int) -> None:
        """Compare and remember; IntegrityError when the log became shorter, or another, in its epoch."""
        before = self.newest if epoch == self.epoch else None
        if before is not None:
            now = newest.number if newest else 0
            if now < before.number or (now == before.number and newest != before):
                raise IntegrityError(f"数据库退回到第 {before.number} 号检查点之前{_BEHIND}")
        self.epoch, self.newest = epoch, newest


def log_origin(deps: Deps) -> str:
    """The name of the log before its first checkpoint: its address without the scheme (tlog-tiles)."""
    return f"{deps.policy.public_base.partition('://')[2].rstrip('/')}/v1/log"


def advance_log(deps: Deps, *, owner: str, seen: Seen | None = None) -> int:
    """Record new events, append what is sequenced and publish a checkpoint; how many leaves were appended.

    After a restore the log is continued first. ``seen`` is what this process remembers between its turns.

    Raises:
        IntegrityError: rows, edge, checkpoint or tiles are not what they were; nothing is published.
        Unavailable: no key ``log-<n>``, or the object store does not answer.
    """
    with deps.uow.read() as tx:
        restored = tx.log.restored()
    if restored:
        continue_log(deps, owner=owner, reason="restored from a backup", restored=True)
    record_events(deps, owner=owner)
    with deps.uow.read() as tx:
        newest, epochs, given = tx.log.newest(), tx.log.epochs(), tx.log.given()
        size = newest.size if newest else 0
        rows = tx.audited.leaves_after(size, limit=BATCH)
        begun = tx.log.leaves(size - size % WIDTH, limit=size % WIDTH) if rows and size % WIDTH else ()
        edge = tx.log.edge() if rows else None
    if seen is not None:
        seen.look(newest, epochs.newest)
    if size > given:
        raise IntegrityError(f"检查点有 {size} 条，多于编过号的留痕{_AUDIT}")
    if edge is None or not _leads(deps, LEASE, owner):
        return 0
    head = _head(deps, newest)
    begun_leaves = tuple(leaf for _, leaf in begun)
    grown = _Grown(edge=edge, newest=newest, head=head, rows=rows, begun=begun_leaves, epochs=epochs, given=given)
    _check(grown)
    _check_store(deps, grown)
    try:
        _append(deps, grown, owner)
    except Overtaken:
        return 0
    return len(rows)


def continue_log(deps: Deps, *, owner: str, reason: str, restored: bool = False) -> str:
    """Let the log go on from where the database is, under another name; the name.

    What was published beyond is another history from then on: the first leaves of the new name say from which head of
    the old one it goes on. Up to there both are one log. With ``restored`` only where no other process has done so.

    Raises:
        Conflict: a process appends at this moment.
        IntegrityError: the newest checkpoint in the database is not one of ours.
    """
    with deps.uow() as tx:
        now = deps.clock.now()
        if not tx.outbox.lease(LEASE, owner=owner, now=now, lease_s=LEASE_S):
            raise Conflict("有进程正在追加留痕日志，请半分钟后再试；日志停着的进程会自行让出")
        newest, epochs = tx.log.newest(), tx.log.epochs()
        head = _head(deps, newest)
        if restored and not tx.log.restored():  # two relays read the mark of one restoration; one has followed it
            tx.outbox.release(LEASE, owner=owner)
            return head.origin
        epoch = Epoch.begun(now, after=head.size)
        if epoch.name <= epochs.newest:
            raise Conflict("日志刚刚另起过名称，不必再做；时钟有误时先校准")
        tx.log.begin_epoch(epoch)
        origin = origin_in(head.origin, epoch.name)
        content = {"from": head.origin, "size": head.size, "root": head.root.hex(), "reason": reason}
        record(tx, deps, kind=CONTINUED, subject=origin, actor=ACTOR, content=content, at=now)
        tx.outbox.release(LEASE, owner=owner)
    log.warning("evidence log continued", action="log.continued", origin=origin, size=head.size)
    return origin


def record_events(deps: Deps, *, owner: str) -> int:
    """Put the digests of sequenced events into evidence, for they have none of their own; how many."""
    with deps.uow.read() as tx:
        place = tx.outbox.cursor(EVENTS_CURSOR)
        rows = tx.audited.events_after(place, limit=EVENTS)
    if not rows or not _leads(deps, LEASE, owner):
        return 0
    now = deps.clock.now()
    content = {
        "from": rows[0].place,
        "to": rows[-1].place,
        "rows": rows_of(one.row for one in rows if one.row is not None),
    }
    with deps.uow() as tx:
        held = tx.outbox.lease(LEASE, owner=owner, now=now, lease_s=LEASE_S)
        if not held or tx.outbox.cursor(EVENTS_CURSOR) != place:
            return 0
        record(tx, deps, kind=EVENTS_RECORDED, subject="events", actor=ACTOR, content=content, at=now)
        about = [(one.row.subject, int(one.place)) for one in rows if one.row is not None]
        tx.log.note_subjects(about, events=True)
        tx.outbox.advance(EVENTS_CURSOR, position=int(rows[-1].place))
    return len(rows)


def stamp_log(deps: Deps, *, owner: str) -> bool:
    """Have the newest checkpoint timestamped when the last timestamp is old enough; whether it was.

    Raises:
        SigningError: no authority answers; the log goes on, and it is tried again.
    """
    with deps.uow.read() as tx:
        newest, last = tx.log.newest(), tx.log.newest_stamp()
        behind = tx.audited.leaves_after(last.size, limit=2) if last else ()
    now = deps.clock.now()
    if newest is None or (last is not None and now - last.at < timedelta(minutes=deps.policy.log_stamp_minutes)):
        return False
    if last is not None and all(one.kind == TIMESTAMPED for one in behind):
        return False  # nothing happened since but the timestamp
    if not _leads(deps, STAMP_LEASE, owner):
        return False
    note = newest.note.encode()
    token = deps.log_signer.timestamp(note)
    if token is None:
        return False
    at = deps.log_signer.stamped_at(token, note)
    content = {"size": newest.size, "stamped_at": at.isoformat(), "token": token.hex()}
    with deps.uow() as tx:
        # The authority may have taken longer than the lease: evidence is of the one token that has a row.
        now = deps.clock.now()
        if not tx.outbox.lease(STAMP_LEASE, owner=owner, now=now, lease_s=LEASE_S):
            return False
        if not tx.log.stamp(Stamp(size=newest.size, token=token, at=now)):
            return False
        record(tx, deps, kind=TIMESTAMPED, subject=_head(deps, newest).origin, actor=ACTOR, content=content, at=now)
    return True


def stamp_in_time(deps: Deps, *, owner: str) -> None:
    """As :func:`stamp_log`; an authority that is away is a line in the log of the process."""
    try:
        stamp_log(deps, owner=owner)
    except SigningError as error:
        log.warning("checkpoint not timestamped", action="log.unstamped", reason=error.code)


def _leads(deps: Deps, lease: str, owner: str) -> bool:
    with deps.uow() as tx:
        return tx.outbox.lease(lease, owner=owner, now=deps.clock.now(), lease_s=LEASE_S)


def _head(deps: Deps, newest: Checkpoint | None) -> TreeHead:
    """What the last checkpoint states; IntegrityError when it is not as we signed it."""
    if newest is None:
        return TreeHead(origin=log_origin(deps), size=0, root=EMPTY_ROOT)
    try:
        head, text, signatures = read_note(newest.note)
    except ValueError as error:
        raise IntegrityError(f"第 {newest.number} 号检查点无法读取{_AUDIT}") from error
    if not deps.log_signer.knows(signatures):
        # Another process signs under a key that came after this one started, or keys were not brought back.
        raise Unavailable(f"第 {newest.number} 号检查点由本进程没有的密钥签名：请核对 log-<n> 密钥已放到每台机器")
    if head.size != newest.size or not deps.log_signer.is_signed(text, signatures):
        raise IntegrityError(f"第 {newest.number} 号检查点被改动{_AUDIT}")
    return head


def _check(grown: _Grown) -> None:
    """That what is grown is what was published (RFC 9162 §2.1.4: the new tree begins with the old one)."""
    size = grown.head.size
    if grown.edge.size != size or grown.edge.root() != grown.head.root:
        raise IntegrityError(f"边缘数据与第 {size} 条处的检查点不符：新检查点会使日志分叉{_AUDIT}")
    edge = grown.edge.levels[0] if grown.edge.levels else []
    if [leaf_hash(leaf) for leaf in grown.begun] != edge:
        first = size - size % WIDTH + 1
        raise IntegrityError(f"第 {first} 至 {size} 条留痕与已公布的日志不符{_AUDIT}")
    for position, row in enumerate(grown.rows, size + 1):
        if row.position != position:
            raise IntegrityError(f"第 {position} 条留痕缺失{_AUDIT}")


def _check_store(deps: Deps, grown: _Grown) -> None:
    """That no longer log than the database's was published: a tile beyond the edge has to be one that we will make."""
    number = grown.head.size // WIDTH
    try:
        stored = deps.objects.get(grown.epochs.tile_name(0, number))
    except NotFound:
        return
    # Left by a process that died before its checkpoint: then its leaves are here, every one.
    leaves = [*grown.begun, *(row.leaf for row in grown.rows[:WIDTH])][:WIDTH]
    if grown.given < (number + 1) * WIDTH or not stored.startswith(b"".join(map(leaf_hash, leaves))):
        raise IntegrityError(f"存储中已有第 {number * WIDTH + 1} 条起的日志块，与数据库不符{_BEHIND}")


def _append(deps: Deps, grown: _Grown, owner: str) -> None:
    before, edge = grown.head.size, grown.edge
    leaves = [row.leaf for row in grown.rows]
    full = edge.append(map(leaf_hash, leaves))
    first = before - len(grown.begun)
    together = [*grown.begun, *leaves]
    epochs = grown.epochs
    files = {epochs.tile_name(level, number): b"".join(hashes) for (level, number), hashes in full.items()}
    for level, number in full:
        if level == 0:
            place = number * WIDTH - first
            files[epochs.bundle_name(number)] = pack_entries(together[place : place + WIDTH])
    if files:
        deps.objects.put_all(files, content_type=TILE_TYPE)
    deps.faults.reach("log.tiled")
    origin = origin_in(grown.head.origin, epochs.newest)
    text = TreeHead(origin=origin, size=edge.size, root=edge.root()).text()
    note = write_note(text, (deps.log_signer.sign(text, origin),))
    number = grown.newest.number + 1 if grown.newest else 1
    deps.faults.reach("log.signed")
    with deps.uow() as tx:
        now = deps.clock.now()
        # Under the lease, which a continuation takes too: no checkpoint of the old name comes behind it.
        held = tx.outbox.lease(LEASE, owner=owner, now=now, lease_s=LEASE_S)
        checkpoint = Checkpoint(number=number, size=edge.size, note=note, at=now)
        if not held or tx.log.epochs() != epochs or not tx.log.append(edge, checkpoint, before=before):
            raise Overtaken
        tx.log.note_subjects([(_subject(row.row), row.position) for row in grown.rows if row.row is not None])
    deps.faults.reach("log.published")


def _subject(row: EvidenceRow) -> str:
    return str(orjson.loads(row.details)["subject"])
