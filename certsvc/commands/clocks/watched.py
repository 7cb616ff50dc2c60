"""A clock that notices when it was set.

Within a process the time runs on by the seconds that nobody can set: :meth:`WatchedClock.now` is right and never goes
back, whatever happens to the machine's clock, so that every age is a true age. When the machine's clock leaves that
line by more than :data:`TOLERANCE` it is in doubt, and so it is when it stands behind the high-water mark of the
register's time, ran differently from a process of the same start of the machine, or disagrees with the database's.
``now`` then goes on along the line, and :meth:`WatchedClock.sure` raises (docs/clocks.md).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.clock import beijing_time
from certsvc.errors import ClockInDoubt
from certsvc.license.clock_mark import ClockMark

if TYPE_CHECKING:
    from certsvc.clock import Clock

TOLERANCE = timedelta(seconds=2)
"""How far the machine's clock may be from where it should be: NTP steps by less once it runs, and a code of sixty
seconds must not live noticeably longer by a clock that is set back."""
CODES_DIE = timedelta(minutes=2)
"""How long after the mark no code can be good that was made before it: its minute, and what the mark lies behind."""
EXACT = timedelta(milliseconds=1)
"""Less is the time that two readings take."""
SLEW = 1 / 2000
"""How fast the line follows a clock that was set by less than the tolerance: as fast as the kernel slews (adjtime)."""
RELINE_S = 1.0
READ_AGAIN_S = 0.05
"""When reading the two clocks took longer, the process was stopped in between, and they do not belong together."""
READINGS = 5


class Trouble(StrEnum):
    """Why the clock is in doubt; the words of readiness and of ``certsvc clock``."""

    UNSEEN = "not_compared"
    JUMPED = "jumped"
    BEHIND = "behind"
    DATABASE = "differs_from_database"


ABOUT = {
    Trouble.UNSEEN: "时钟尚未与数据库中的时间标记核对",
    Trouble.JUMPED: "本机时钟被拨动过",
    Trouble.BEHIND: "本机时钟早于登记簿已经到达的时间",
    Trouble.DATABASE: "本机时钟与数据库服务器的时钟不一致",
}
NEXT_STEP = (
    "请运维检查本机与数据库服务器的时间同步（NTP）；时间恢复正确后自动继续，确认无误可执行 certsvc clock confirm"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the clock: the time to use, what the machine says, its seconds, and what is wrong, if anything.

    ``rested``: the machine's clock is ahead of the line, and the clock of a database on another machine agrees with
    it: this machine stood still (a paused or migrated virtual machine), and its seconds with it.
    """

    at: datetime
    machine: datetime
    seconds: float
    trouble: Trouble | None
    rested: bool = False


class WatchedClock:
    """Implements ``Clock`` over another one that may be set at any moment."""

    def __init__(self, inner: Clock) -> None:
        """Begin where ``inner`` stands; :meth:`compare` tells whether that may be believed."""
        self._inner = inner
        self._lock = threading.Lock()
        self._line = self._both()
        self._trouble: Trouble | None = None
        self._agreed = False
        self._epoch: int | None = None
        self._line_witnessed = False

    @property
    def boot(self) -> str:
        """As the clock below."""
        return self._inner.boot

    def monotonic(self) -> float:
        """As the clock below."""
        return self._inner.monotonic()

    def now(self) -> datetime:
        """The time along the line: right while the machine's clock is not."""
        return self.reading().at

    def sure(self) -> datetime:
        """The time, when nothing speaks against it; else ClockInDoubt."""
        found = self.reading()
        if found.trouble is not None:
            raise ClockInDoubt(
                f"{ABOUT[found.trouble]}（本机为北京时间{beijing_time(found.machine)}，"
                f"应为{beijing_time(found.at)}左右），暂停制发、用印、签名、亮证和用证；"
                f"查询、核验和证照状态变更不受影响。{NEXT_STEP}"
            )
        return found.at

    def reading(self) -> Reading:
        """Look at the clock."""
        machine, seconds = self._both()
        with self._lock:
            return self._judged(machine, seconds)

    def doubt_if_never_compared(self) -> None:
        """The comparison failed: a clock that was believed still is, one that never was is not."""
        with self._lock:
            if self._epoch is None:
                self._trouble = Trouble.UNSEEN

    def compare(
        self, mark: ClockMark | None, database: datetime | None, *, asked: float, elsewhere: bool = False
    ) -> Reading:
        """Hold the clock against the mark and the database's clock, which was read since ``asked`` (monotonic).

        The first comparison that finds nothing gives the line its place; so does the first one after an operator's
        confirmation. A clock that was in doubt from the start is believed once nothing speaks against it any more.

        With ``elsewhere`` the database has a clock of its own, so that what it says is another witness.
        """
        machine, seconds = self._both()
        with self._lock:
            epoch = mark.epoch if mark else 0
            if epoch != self._epoch:
                self._agreed, self._epoch, self._trouble, self._line_witnessed = False, epoch, None, False
            expected = self._expected(mark, seconds)
            waited = timedelta(seconds=seconds - asked)
            self._trouble = self._against(machine, expected, mark, database, waited)
            if not self._agreed:
                if self._trouble is None:
                    self._line, self._agreed = (machine, seconds), True
                else:
                    line = self._line[0] + timedelta(seconds=seconds - self._line[1])
                    floor = max([at for at in (mark.at if mark else None, database) if at is not None], default=line)
                    self._line = (expected or floor, seconds)
            found = self._judged(machine, seconds)
            if found.trouble is None:
                self._line_witnessed = False
            elif found.trouble is Trouble.JUMPED and database is not None and abs(database - found.at) <= TOLERANCE:
                self._line_witnessed = True  # the time did not stand still: when the database jumps too, both are wrong
            ahead = found.trouble is Trouble.JUMPED and machine > found.at and (mark is None or machine >= mark.at)
            agrees = database is not None and -TOLERANCE <= machine - database <= TOLERANCE + waited
            return replace(found, rested=ahead and agrees and elsewhere and not self._line_witnessed)

    def go_on(self, rested: Reading) -> Reading:
        """Let the line go on from what the machine said when it was found that it only had stood still."""
        with self._lock:
            self._line, self._agreed, self._trouble = (rested.machine, rested.seconds), True, None
        return self.reading()

    def _against(
        self,
        machine: datetime,
        expected: datetime | None,
        mark: ClockMark | None,
        database: datetime | None,
        waited: timedelta,
    ) -> Trouble | None:
        if expected is not None and abs(machine - expected) > TOLERANCE:
            return Trouble.JUMPED
        if mark is not None and machine < mark.at - TOLERANCE:
            return Trouble.BEHIND
        if database is not None and not -TOLERANCE <= machine - database <= TOLERANCE + waited:
            return Trouble.DATABASE
        # Perhaps the mark is from a clock that was ahead: then codes of its last minute are good again when the time
        # gets there, whatever their age. Nobody else being there to tell, they are let die first.
        alone = expected is None and database is None and mark is not None
        if alone and mark and self._trouble is Trouble.BEHIND and machine < mark.at + CODES_DIE:
            return Trouble.BEHIND
        return None

    def _expected(self, mark: ClockMark | None, seconds: float) -> datetime | None:
        """The time by the mark, when a process of this start of this machine wrote it."""
        if mark is None or not mark.boot or mark.boot != self._inner.boot:
            return None
        return mark.at + timedelta(seconds=seconds - mark.boot_s)

    def _judged(self, machine: datetime, seconds: float) -> Reading:
        begun, then = self._line
        line = begun + timedelta(seconds=seconds - then)
        off = machine - line
        lasts = seconds - then
        far = abs(off) > TOLERANCE
        if lasts > RELINE_S:
            most = timedelta(seconds=0 if far else lasts * SLEW)
            line += min(max(off, -most), most)
            self._line = (line, seconds)
        if far:
            return Reading(line, machine, seconds, self._trouble or Trouble.JUMPED)
        return Reading(machine if abs(off) <= EXACT else line, machine, seconds, self._trouble)

    def _both(self) -> tuple[datetime, float]:
        """The machine's time and its seconds, read together."""
        for _ in range(READINGS):
            before = self._inner.monotonic()
            machine = self._inner.now()
            seconds = self._inner.monotonic()
            if seconds - before <= READ_AGAIN_S:
                break
        return machine, seconds
