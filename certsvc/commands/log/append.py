"""Append sequenced evidence to the log and publish checkpoints; one process at a time, under a lease.

Tiles that became full are stored first, then the checkpoint is signed, and one transaction commits it with the edge.
A crash anywhere leaves the old checkpoint in force; the next run makes the same tiles again, byte by byte, because the
positions of evidence never change. The log never forks: the edge that is grown must have the root of the last
checkpoint, and a full tile that lies there with other bytes is never replaced.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import orjson
import structlog

from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import rows_of
from certsvc.errors import IntegrityError, SigningError
from certsvc.events.checkpoint import Checkpoint, Stamp, TreeHead, read_note, write_note
from certsvc.events.merkle import EMPTY_ROOT, leaf_hash
from certsvc.events.tiles import WIDTH, bundle_name, pack_entries, tile_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps
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
EVENTS_RECORDED, TIMESTAMPED = "events.recorded", "log.timestamped"
ACTOR = "certsvc"
TILE_TYPE = "application/octet-stream"
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


def log_origin(deps: Deps) -> str:
    """The name of the log before its first checkpoint: its address without the scheme (tlog-tiles)."""
    return f"{deps.policy.public_base.partition('://')[2].rstrip('/')}/v1/log"


def advance_log(deps: Deps, *, owner: str) -> int:
    """Record new events, append what is sequenced and publish a checkpoint; how many leaves were appended.

    Raises:
        IntegrityError: rows, edge, checkpoint or tiles are not what they were; nothing is published.
        Unavailable: no key ``log-<n>``, or the object store does not answer.
    """
    record_events(deps, owner=owner)
    with deps.uow.read() as tx:
        newest = tx.log.newest()
        size = newest.size if newest else 0
        rows = tx.audited.leaves_after(size, limit=BATCH)
        if not rows:
            if size > tx.log.given():
                raise IntegrityError(f"检查点有 {size} 条，多于编过号的留痕{_AUDIT}")
            return 0
        begun = tx.log.leaves(size - size % WIDTH, limit=size % WIDTH) if size % WIDTH else ()
        edge = tx.log.edge()
    if not _leads(deps, LEASE, owner):
        return 0
    head = _head(deps, newest)
    grown = _Grown(edge=edge, newest=newest, head=head, rows=rows, begun=tuple(leaf for _, leaf in begun))
    _check(grown)
    try:
        _append(deps, grown)
    except Overtaken:
        return 0
    return len(rows)


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
        tx.log.stamp(Stamp(size=newest.size, token=token, at=now))
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


def _append(deps: Deps, grown: _Grown) -> None:
    before, edge = grown.head.size, grown.edge
    leaves = [row.leaf for row in grown.rows]
    full = edge.append(map(leaf_hash, leaves))
    first = before - len(grown.begun)
    together = [*grown.begun, *leaves]
    files = {tile_name(level, number): b"".join(hashes) for (level, number), hashes in full.items()}
    for level, number in full:
        if level == 0:
            place = number * WIDTH - first
            files[bundle_name(number)] = pack_entries(together[place : place + WIDTH])
    if files:
        deps.objects.put_all(files, content_type=TILE_TYPE)
    deps.faults.reach("log.tiled")
    text = TreeHead(origin=grown.head.origin, size=edge.size, root=edge.root()).text()
    note = write_note(text, (deps.log_signer.sign(text, grown.head.origin),))
    number = grown.newest.number + 1 if grown.newest else 1
    deps.faults.reach("log.signed")
    with deps.uow() as tx:
        checkpoint = Checkpoint(number=number, size=edge.size, note=note, at=deps.clock.now())
        if not tx.log.append(edge, checkpoint, before=before):
            raise Overtaken
        tx.log.note_subjects([(_subject(row.row), row.position) for row in grown.rows if row.row is not None])
    deps.faults.reach("log.published")


def _subject(row: EvidenceRow) -> str:
    return str(orjson.loads(row.details)["subject"])
