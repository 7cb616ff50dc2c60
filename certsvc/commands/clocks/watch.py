"""Compare the clock with the mark now and then, move the mark on, and confirm the clock by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from certsvc.clock import rfc3339
from certsvc.commands.clocks.watched import TOLERANCE, Reading, WatchedClock
from certsvc.commands.evidence.record import record
from certsvc.errors import CertsvcError, Conflict, InvalidInput
from certsvc.license.clock_mark import ClockMark

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps

log = structlog.get_logger("certsvc.clock")

MARK_EVERY = timedelta(seconds=10)
"""How far the mark may lie behind. It matters after a restart of the machine only: before, seconds tell exactly."""
LONGEST_LEASE = timedelta(minutes=2)
"""What a loop of the service is leased for longer is due at once after a confirmation: no lease is that long, so a
clock that was ahead wrote it, and nothing would be sent until then."""
LONGEST_REST = timedelta(hours=1)
"""What rests for longer until its next try is due too: an early try harms nothing."""
MAX_REASON_CHARS = 200


def watch_clock(deps: Deps) -> Reading | None:
    """Compare the clock with the mark, and move the mark on while nothing speaks against it; None for other clocks.

    Raises:
        Unavailable: the database did not answer; until it does, a clock that was never compared is in doubt.
    """
    clock = deps.clock
    if not isinstance(clock, WatchedClock):
        return None
    was = clock.reading().trouble
    try:
        with deps.uow.read() as tx:
            mark, asked = tx.clock.mark(), clock.monotonic()
            elsewhere = tx.clock.database_elsewhere()
            found = clock.compare(mark, tx.clock.database_now(), asked=asked, elsewhere=elsewhere)
    except CertsvcError:
        clock.doubt_if_never_compared()
        raise
    if found.rested:
        found = _go_on(deps, clock, found, mark)
    if found.trouble is None and (mark is None or found.at >= mark.at + MARK_EVERY):
        epoch = mark.epoch if mark else 0
        with deps.uow() as tx:
            tx.clock.raise_mark(ClockMark(at=found.at, boot=clock.boot, boot_s=found.seconds, epoch=epoch))
    if found.trouble is not was:
        _tell(found)
    return found


def _go_on(deps: Deps, clock: WatchedClock, found: Reading, mark: ClockMark | None) -> Reading:
    """Believe a machine that stood still; on record first, so that the time never goes on without a trace."""
    epoch = mark.epoch if mark else 0
    content = {"machine": rfc3339(found.machine), "expected": rfc3339(found.at), "epoch": epoch}
    with deps.uow() as tx:
        tx.clock.raise_mark(ClockMark(at=found.machine, boot=clock.boot, boot_s=found.seconds, epoch=epoch))
        record(tx, deps, kind="clock.rested", subject="clock", actor="certsvc", content=content, at=found.machine)
    log.warning("the machine stood still", action="clock.rested", **content)
    return clock.go_on(found)


def confirm_clock(deps: Deps, *, actor: str, reason: str) -> tuple[ClockMark | None, ClockMark]:
    """Say that the machine's clock is right now: the mark before and the new one, be it earlier.

    Processes take it up at their next look, each by its own clock. Codes and offline cores from the future end, and
    what is leased until then is due at once: a clock that was ahead wrote them.

    Raises:
        InvalidInput: no reason, or a long one.
        Conflict: the database's clock says something else, or somebody confirmed at the same time.
    """
    if not 0 < len(reason.strip()) <= MAX_REASON_CHARS:
        raise InvalidInput(f"请用 --reason 说明原因（1 至 {MAX_REASON_CHARS} 个字），将写入留痕")
    clock = deps.clock
    with deps.uow() as tx:
        before, database = tx.clock.mark(), tx.clock.database_now()
        found = clock.reading() if isinstance(clock, WatchedClock) else None
        now = found.machine if found else clock.now()
        if database is not None and abs(now - database) > TOLERANCE:
            raise Conflict(
                f"本机时间 {rfc3339(now)} 与数据库服务器时间 {rfc3339(database)} 不一致，请先校准两者的时间同步再确认"
            )
        mark = ClockMark(
            at=now,
            boot=clock.boot,
            boot_s=found.seconds if found else clock.monotonic(),
            epoch=before.epoch + 1 if before else 1,
        )
        if not tx.clock.confirm(mark):
            raise Conflict("另有人同时确认了时钟，请用 certsvc clock show 查看")
        undone = tx.clock.undo_future(now, apart=TOLERANCE, longest_lease=LONGEST_LEASE, longest_wait=LONGEST_REST)
        content = {
            "machine": rfc3339(now),
            "mark": rfc3339(before.at) if before else "",
            "database": rfc3339(database) if database else "",
            "epoch": mark.epoch,
            "undone": undone,
            "reason": reason.strip(),
        }
        record(tx, deps, kind="clock.confirmed", subject="clock", actor=actor, content=content, at=now)
    log.warning("clock confirmed", action="clock.confirmed", epoch=mark.epoch, undone=undone)
    return before, mark


def _tell(found: Reading) -> None:
    said = {"machine": rfc3339(found.machine), "expected": rfc3339(found.at)}
    if found.trouble is None:
        log.warning("clock is right again", action="clock.right", **said)
    else:
        log.error("clock in doubt", action="clock.doubt", reason=found.trouble.value, **said)


def clock_state(deps: Deps) -> str:
    """``ok`` or a word of ``watched.Trouble``: for readiness."""
    trouble = deps.clock.reading().trouble if isinstance(deps.clock, WatchedClock) else None
    return trouble.value if trouble else "ok"
