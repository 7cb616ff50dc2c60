"""The loops of ``worker`` and ``relay``, as threads that stop when told."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import structlog

from certsvc.commands.alerting import raise_alerts
from certsvc.commands.bulk.effect import advance_bulk
from certsvc.commands.clocks.watch import watch_clock
from certsvc.commands.department.keep_days import keep_days
from certsvc.commands.facades.downloads import forget_facades
from certsvc.commands.imports.advance import advance_import, forget_imports
from certsvc.commands.issuance.process_request import BACKFILL_BATCH, process_batch
from certsvc.commands.log.append import LEASE as LOG_LEASE
from certsvc.commands.log.append import STAMP_LEASE, Seen, advance_log, stamp_in_time
from certsvc.commands.resealing.advance import advance_plan
from certsvc.commands.sharing.copies import sweep_copies
from certsvc.commands.sharing.withhold import tell_withheld
from certsvc.commands.signings.maintain import maintain_signings
from certsvc.commands.stamping.batch import stamp_next
from certsvc.commands.stamping.uploads import sweep_uploads
from certsvc.commands.supervision.counts import NAME as SUPERVISED
from certsvc.commands.supervision.rounds import supervise
from certsvc.commands.verifying.status_lists import number_versions
from certsvc.commands.visits.pictures import forget_pictures
from certsvc.commands.webhooks.ends import sweep_webhooks
from certsvc.delivery.daily import DailySweep
from certsvc.delivery.notices import NoticeSender
from certsvc.delivery.receiver import LEASE as RECEIVER_LEASE
from certsvc.delivery.receiver import Receiver
from certsvc.delivery.relay import Relay
from certsvc.delivery.reports import ReportSender
from certsvc.delivery.sequencer import LEASE as SEQUENCER_LEASE
from certsvc.delivery.sequencer import sequence_once
from certsvc.delivery.turns import Bell, Turns
from certsvc.delivery.webhooks import WebhookSender
from certsvc.errors import CertsvcError, SchemaBehind
from certsvc.events.told import Told
from certsvc.license.request import Lane
from certsvc.meters import Meters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from certsvc.commands.issuance.process_request import Processed
    from certsvc.commands.ports import Deps
    from certsvc.delivery.broker import Broker
    from certsvc.delivery.issuers import Issuers
    from certsvc.delivery.turns import Listener

log = structlog.get_logger("certsvc.loops")

REMIND_WAIT_S = 60.0
"""Pause between two looks whether today's sweep of reminders is done; one read of one row."""

SIGNINGS_WAIT_S = 15.0
"""Pause between two looks at signing rounds: deadlines, seals that wait, certificates that ended; three index reads."""
SWEEP_WAIT_S = 60.0
"""Pause between two looks for what is over: uploads, deliveries of webhooks."""
NUMBER_WAIT_S = 5.0
"""Pause between two looks for versions without a status entry; one read of an index that is empty but in an upgrade."""

LOG_WAIT_S = 0.5
"""Pause between two looks for evidence that is not in the log: with the sequencer's it stays below a second."""

LOG_TROUBLE_S = 15.0
"""Pause after an error of the log: a missing key or a changed past does not mend itself; a line each time alarms."""

STAMP_WAIT_S = 15.0
"""Pause between two looks whether a checkpoint of the log is to be timestamped; three index reads."""

LIVE_ECHO_S = 2.0
"""How long after a live request backfill takes others to be on their way."""
REST = 2.0
"""How long backfill rests then, for each second that it works: it takes what is left, not its share of everything."""

LONGEST_REST_S = 2.0

STAMP_LEASE_S = 120
"""Lease of a file of a batch: judging, searching, writing and checking each have ten seconds in a worker."""

IMPORT_WAIT_S = 1.0
"""Pause between two looks for imports and bulk decisions; two guarded updates of a partial index."""

NOTICE_WAIT_S = 1.0
"""Pause between two looks for notices to send; one read of a partial index."""

ALERT_WAIT_S = 1.0
"""Pause between two looks for changes whose users are to be told; two reads of partial indexes."""

IMPORT_LEASE_S = 120
"""Lease of an import or a bulk decision; kept with every chunk of rows."""

SUPERVISE_WAIT_S = 15.0
"""Pause between two rounds of 电子监察: reads of indexes of what is open, and of the feed behind its place."""

CLOCK_WAIT_S = 2.0
"""Pause between two comparisons of the clock: one read of one row, and every ten seconds one write."""

FIRST_LOOKS, FIRST_LOOK_WAIT_S = 5, 0.2
"""Tries of the first comparison, before anything is issued or answered: a file may be busy when several open it."""

FOLLOW_WAIT_S = 2.0
"""Pause between two looks at the epoch of the catalog, and at that of the trust list; one read of one row."""


class Loops(Turns):
    """Worker and relay threads of one process."""

    def __init__(
        self,
        deps: Deps,
        *,
        name: str,
        lease_s: int,
        broker: Broker | None = None,
        meters: Meters | None = None,
        listener: Listener | None = None,
    ) -> None:
        """Loops over ``deps``; with a ``broker``, a relay process takes events from it too.

        A ``listener`` hears what other processes leave; without one, or while it does not, loops look often.
        """
        super().__init__(meters or Meters())
        self._deps = deps
        self._name = name
        self._lease_s = lease_s
        self._broker = broker
        self._listener = listener
        self._wake, self._happened, self._numbered = Bell(), Bell(), Bell()
        self._issuers: Issuers | None = None
        self._tell: Callable[[Sequence[Processed]], object] = len
        self._live_until = 0.0
        self._looked = False
        self.relays = False
        """whether this process hands events on, and so needs the broker"""

    def start(self, *, workers: int, relay: bool, issuers: Issuers | None = None) -> None:
        """Start ``workers`` issuing threads and, if asked, sequencer, relay and the senders of webhooks and notices.

        ``issuers`` are processes that issue beside this one: they are woken with it, and end with it.
        """
        self._look()
        self._listen()
        self._issue(workers)
        if issuers is not None:
            self._issuers = issuers
            issuers.start(self._issued)
        self.relays = relay
        if relay:
            self._relay()
            if self._broker is not None:
                receiver = Receiver(self._deps, self._broker, owner=self._name)
                self._lead(f"{self._name}-receiver", partial(self._repeat, receiver.once, often=True), RECEIVER_LEASE)
            sender = f"{self._name}-webhooks"
            self._spawn(sender, lambda: WebhookSender(self._deps, owner=sender).run(self._stop))
            if self._deps.province is not None:
                reporter = f"{self._name}-reports"
                self._spawn(reporter, lambda: ReportSender(self._deps, owner=reporter).run(self._stop))
            self._spawn(f"{sender}-sweep", lambda: self._every(SWEEP_WAIT_S, lambda: sweep_webhooks(self._deps)))
            self._lead(f"{self._name}-log", self._log, LOG_LEASE)
            stamped = partial(stamp_in_time, self._deps, owner=self._name)
            self._lead(f"{self._name}-log-stamp", partial(self._every, STAMP_WAIT_S, stamped), STAMP_LEASE)
            for channel in self._deps.channels:
                self._spawn(f"{self._name}-{channel.way}", partial(self._send, NoticeSender(self._deps, channel)))
        daily = DailySweep(self._deps, self._stop)
        self._spawn(f"{self._name}-remind", lambda: self._every(REMIND_WAIT_S, daily.once))
        signings = partial(maintain_signings, self._deps)
        self._spawn(f"{self._name}-signings", lambda: self._every(SIGNINGS_WAIT_S, signings))
        self.follow()
        self._spawn(f"{self._name}-stamp", lambda: self._stamp(f"{self._name}-stamp"))
        self._spawn(f"{self._name}-uploads", lambda: self._every(SWEEP_WAIT_S, lambda: sweep_uploads(self._deps)))
        self._spawn(f"{self._name}-imports", lambda: self._every(IMPORT_WAIT_S, self._advance))
        self._spawn(f"{self._name}-forget", lambda: self._every(SWEEP_WAIT_S, lambda: forget_imports(self._deps)))
        self._spawn(f"{self._name}-copies", lambda: self._every(SWEEP_WAIT_S, lambda: sweep_copies(self._deps)))
        self._spawn(f"{self._name}-alerts", lambda: self._every(ALERT_WAIT_S, self._alert))
        days = partial(keep_days, self._deps, self._stop.is_set)
        self._spawn(f"{self._name}-days", lambda: self._every(SWEEP_WAIT_S, days))
        self._spawn(f"{self._name}-facades", lambda: self._every(SWEEP_WAIT_S, lambda: forget_facades(self._deps)))
        self._spawn(f"{self._name}-pictures", lambda: self._every(SWEEP_WAIT_S, lambda: forget_pictures(self._deps)))
        self._spawn(f"{self._name}-withheld", lambda: self._every(SWEEP_WAIT_S, lambda: tell_withheld(self._deps)))
        supervised = partial(supervise, self._deps, owner=self._name, troubled=self._troubled)
        self._lead(f"{self._name}-supervision", partial(self._every, SUPERVISE_WAIT_S, supervised), SUPERVISED)
        self._spawn(f"{self._name}-status", lambda: self._every(NUMBER_WAIT_S, lambda: number_versions(self._deps)))

    def issue(self, *, workers: int, tell: Callable[[Sequence[Processed]], object]) -> None:
        """Start issuing threads and what every process needs; ``tell`` is told what became of requests."""
        self._look()
        self._tell = tell
        self._listen()
        self._issue(workers)
        self.follow()

    def _listen(self) -> None:
        if self._listener is not None:
            listen = partial(self._listener.listen, self._heard, self._hearing, self._stop)
            self._spawn(f"{self._name}-listen", listen)

    def _heard(self, what: Told) -> None:
        """Another process left it, or this one itself."""
        if what is Told.WORK:
            self._wake.ring()
        else:
            self._happened.ring()
        if what is Told.NUMBERED:
            self._numbered.ring()

    def _issue(self, workers: int) -> None:
        for index in range(workers):
            owner = f"{self._name}-w{index}"
            # Where there are several, one leaves backfill alone: a live request never waits for a batch to end.
            lane = Lane.LIVE if workers > 1 and index == 0 else Lane.BACKFILL
            self._spawn(owner, partial(self._work, owner, lane))

    def follow(self) -> None:
        """Start only what every process needs: it takes up what others publish and confirm."""
        self._look()
        self._spawn(f"{self._name}-clock", lambda: self._every(CLOCK_WAIT_S, lambda: watch_clock(self._deps)))
        self._spawn(f"{self._name}-catalog", lambda: self._every(FOLLOW_WAIT_S, self._deps.catalogs.follow))
        self._spawn(f"{self._name}-trust", lambda: self._every(FOLLOW_WAIT_S, self._deps.trust.follow))

    def _look(self) -> None:
        """The first look at the clock, before anything is issued or answered; the loop looks again if it fails.

        Raises:
            SchemaBehind: the database is older than the program.
        """
        if self._looked:
            return
        self._looked = True
        for _ in range(FIRST_LOOKS):
            try:
                watch_clock(self._deps)
            except SchemaBehind:
                raise  # a database that is older than the program does not mend itself
            except CertsvcError as error:
                log.warning("clock not compared", action="clock.unseen", reason=error.code, detail=error.detail)
                self._stop.wait(FIRST_LOOK_WAIT_S)
            else:
                return

    def wake(self) -> None:
        """Tell idle workers that something was accepted, and the relay that there are events."""
        for bell in (self._wake, self._happened, self._numbered):
            bell.ring()
        if self._issuers is not None:
            self._issuers.wake()

    def stop(self, timeout_s: float = 30.0) -> None:
        """Finish the work at hand and end the threads."""
        self._stop.set()
        self.wake()
        if self._issuers is not None:
            self._issuers.close(timeout_s)
        for thread in self._threads:
            thread.join(timeout_s)

    @property
    def alive(self) -> bool:
        """Whether every thread, and every process that issues, still runs (readiness)."""
        return super().alive and (self._issuers is None or self._issuers.alive)

    def _issued(self, done: Sequence[Processed]) -> None:
        """Here or in another process."""
        if done:
            self._happened.ring()
        for one in done:
            self._meters.issuing.add(lane=one.lane.name.lower(), outcome=one.outcome)

    def _work(self, owner: str, lane: Lane) -> None:
        """Issue what waits.

        While live requests come, to this process or another, backfill goes one by one and rests in between: they find
        a press free.
        """
        clock, wake = self._deps.clock, self._wake.place()

        def once() -> bool:
            begun = clock.monotonic()
            busy = begun < self._live_until
            backfill = 1 if busy else BACKFILL_BATCH
            done = process_batch(self._deps, worker=owner, lease_s=self._lease_s, up_to=lane, backfill=backfill)
            now = clock.monotonic()
            self._issued(done)
            self._tell(done)
            if done and (done[0].lane is Lane.LIVE or done[0].gave_way):
                self._live_until = now + LIVE_ECHO_S
            rests = bool(done) and done[0].lane is not Lane.LIVE and now < self._live_until
            if rests and wake.wait(min(REST * (now - begun), LONGEST_REST_S)):
                wake.clear()  # else every later rest would be over at once
            return bool(done)

        self._repeat(once, wake)

    def _stamp(self, owner: str) -> None:
        """Files of batches, one at a time: a batch of two hundred must not hold up licenses."""
        lease_s = max(self._lease_s, STAMP_LEASE_S)
        self._repeat(lambda: stamp_next(self._deps, worker=owner, lease_s=lease_s), self._wake.place())

    def _relay(self) -> None:
        """One loop numbers events and hands them to the consumers; each carrier has its own, which is told of them.

        So a broker or an object store that takes its time holds up nobody else.
        """
        for carrier in self._deps.carriers:
            relay = Relay(self._deps, owner=self._name, consumers=(), carriers=(carrier,))
            carry = partial(self._repeat, relay.once, self._numbered.place())
            self._lead(f"{self._name}-{carrier.name}", carry, *relay.leases)
        relay = Relay(self._deps, owner=self._name, carriers=())

        def once() -> int:
            numbered = sequence_once(self._deps, owner=self._name)
            if numbered:
                self._numbered.ring()
            return numbered + relay.once()

        self._lead(
            f"{self._name}-relay", partial(self._repeat, once, self._happened.place()), SEQUENCER_LEASE, *relay.leases
        )

    def _lead(self, name: str, loop: Callable[[], None], *leases: str) -> None:
        """Start a loop that works under leases, and hands them over after its last turn."""

        def led() -> None:
            loop()
            self._release(*leases)

        self._spawn(name, led)

    def _release(self, *leases: str) -> None:
        """Hand over: only a process that was killed makes others wait. Each loop its own, for the others still work."""
        with suppress(CertsvcError), self._deps.uow() as tx:
            tx.outbox.release(*leases, owner=self._name)

    def _log(self) -> None:
        """Append to the evidence log, batch after batch while there is one."""
        seen = Seen()

        def some() -> None:
            try:
                while not self._stop.is_set() and advance_log(self._deps, owner=self._name, seen=seen):
                    pass
                self._meters.log_stopped = False
            except CertsvcError as error:
                self._meters.troubles.add(code=error.code)
                log.warning("evidence log waits", action="log.error", reason=error.code, detail=error.detail)
                self._meters.log_stopped = True
                # Another process may have the key, and an operator who continues the log takes the lease too.
                self._release(LOG_LEASE)
                self._stop.wait(LOG_TROUBLE_S)

        self._every(LOG_WAIT_S, some, self._numbered.place())

    def _advance(self) -> None:
        """Take imports, bulk decisions and plans of care further; the requests that they make are the workers'."""
        while not self._stop.is_set() and advance_all(self._deps):
            self.wake()

    def _alert(self) -> None:
        """Tell the users of licenses that changed, page by page, and remind those that have not answered."""
        while not self._stop.is_set() and raise_alerts.spread_some(self._deps):
            pass
        while not self._stop.is_set() and raise_alerts.remind_some(self._deps):
            pass

    def _send(self, sender: NoticeSender) -> None:
        """Notices by one way, one after the other."""

        def some() -> None:
            while not self._stop.is_set() and sender.once():
                pass

        self._every(NOTICE_WAIT_S, some)


def advance_all(deps: Deps) -> bool:
    """One step of one import, of one bulk decision and of one plan of care; whether anything came on."""
    came_on = advance_import(deps, lease_s=IMPORT_LEASE_S)
    came_on = advance_bulk(deps, lease_s=IMPORT_LEASE_S) or came_on
    return advance_plan(deps, lease_s=IMPORT_LEASE_S) or came_on


def drain(deps: Deps, *, worker: str, lease_s: int = 60) -> int:
    """Work until nothing waits, then number and relay: the embedded shape in one call (demo, tests)."""
    done = 0
    while True:
        if some := process_batch(deps, worker=worker, lease_s=lease_s):
            done += len(some)
        elif not advance_all(deps):
            break
    while stamp_next(deps, worker=worker, lease_s=lease_s):
        done += 1
    relay = Relay(deps, owner=worker)
    while sequence_once(deps, owner=worker) or relay.once() or raise_alerts.spread_some(deps):
        pass
    return done
