"""The figures of the whole service that stand in its database: every process that is asked tells the same ones."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.clock import end_of_day, local_day
from certsvc.meters import Family, gauge
from certsvc.seal.life import IN_USE
from certsvc.seal.model import SealState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.backlog import Waiting

LOOKED_AT = 10_000
"""Rows of a backlog that are counted at most: a figure must not cost more the worse things are."""

LOW_BUDGET = 0.1
"""The part of a day's budget below which a seal counts as running out."""


def database_figures(deps: Deps, consumers: Sequence[str]) -> list[Family]:
    """Queues, outbox, webhooks, seals and the evidence log, over one snapshot.

    Args:
        deps: the ports.
        consumers: names of what the relay hands events to; words of the program.

    Raises:
        Unavailable: the database did not answer.
    """
    now = deps.clock.now()
    with deps.uow.read() as tx:
        return [
            *_queue(tx, now),
            *_outbox(tx, now, consumers),
            *_webhooks(tx, now),
            *_seals(tx, now),
            *_log(tx, now),
        ]


def _queue(tx: UnitOfWork, now: datetime) -> list[Family]:
    waiting = tx.operations.queue()
    ended = tx.requests.counts()
    return [
        gauge(
            "certsvc_queue_requests",
            "Requests that have not ended, by lane and state",
            [({"lane": lane.name.lower(), "state": state.value}, found.count) for lane, state, found in waiting],
        ),
        gauge(
            "certsvc_queue_oldest_seconds",
            "Age of the oldest of them",
            [({"lane": lane.name.lower(), "state": state.value}, _age(found, now)) for lane, state, found in waiting],
        ),
        gauge(
            "certsvc_requests",
            "Requests of all time by state",
            [({"state": state}, value) for state, value in sorted(ended.items())],
        ),
    ]


def _outbox(tx: UnitOfWork, now: datetime, consumers: Sequence[str]) -> list[Family]:
    unsequenced = tx.operations.unsequenced(most=LOOKED_AT)
    last = tx.operations.last_position()
    places = {name: tx.outbox.cursor(name) for name in consumers}
    late = {
        name: _since(tx.operations.first_behind(place), now) if place < last else 0.0 for name, place in places.items()
    }
    return [
        gauge("certsvc_outbox_unsequenced", "Committed events without a position", [({}, unsequenced.count)]),
        gauge("certsvc_outbox_unsequenced_seconds", "Age of the oldest of them", [({}, _age(unsequenced, now))]),
        gauge(
            "certsvc_outbox_lag_events",
            "Events that a consumer has not handled",
            [({"consumer": name}, max(0, last - place)) for name, place in places.items()],
        ),
        gauge(
            "certsvc_outbox_lag_seconds",
            "Age of the oldest event that a consumer has not handled",
            [({"consumer": name}, seconds) for name, seconds in late.items()],
        ),
    ]


def _webhooks(tx: UnitOfWork, now: datetime) -> list[Family]:
    waiting = tx.operations.deliveries(most=LOOKED_AT)
    return [
        gauge("certsvc_webhook_waiting", "Deliveries that wait for a try", [({}, waiting.count)]),
        gauge("certsvc_webhook_oldest_seconds", "Age of the oldest of them", [({}, _age(waiting, now))]),
        gauge(
            "certsvc_webhook_failed",
            "Deliveries that were given up",
            [({}, tx.operations.failed_deliveries(most=LOOKED_AT))],
        ),
    ]


def _seals(tx: UnitOfWork, now: datetime) -> list[Family]:
    used = tx.seals.used_on(end_of_day(local_day(now)) - timedelta(days=1))
    seals = tx.seals.all()
    active = [seal for seal in seals if seal.state is SealState.ACTIVE]
    left = [1 - used.get(seal.seal_id, 0) / seal.daily_budget for seal in active if seal.daily_budget > 0]
    ends = [seal.valid_until for seal in seals if seal.state in IN_USE]
    open_uses = tx.operations.reservations()
    return [
        gauge(
            "certsvc_seals",
            "Seals by state",
            [({"state": state.value}, sum(seal.state is state for seal in seals)) for state in SealState],
        ),
        gauge("certsvc_seal_uses_today", "Uses of seals that were reserved today", [({}, sum(used.values()))]),
        gauge(
            "certsvc_seal_reservations_open",
            "Uses without an answer (open), or of which the answer is not known",
            [({"result": result.value}, found.count) for result, found in open_uses],
        ),
        gauge(
            "certsvc_seal_reservations_open_seconds",
            "Age of the oldest of them",
            [({"result": result.value}, _age(found, now)) for result, found in open_uses],
        ),
        gauge(
            "certsvc_seal_budget_left_ratio",
            "The least part of today's budget that any active seal has left",
            [({}, min(left))] if left else [],
        ),
        gauge(
            "certsvc_seal_budget_low",
            "Active seals that have less than a tenth of today's budget left",
            [({}, sum(part < LOW_BUDGET for part in left))],
        ),
        gauge(
            "certsvc_seal_expiry_days",
            "Days until the first certificate of a seal in use ends",
            [({}, _days(min(ends), now))] if ends else [],
        ),
    ]


def _log(tx: UnitOfWork, now: datetime) -> list[Family]:
    newest, stamp = tx.log.newest(), tx.log.newest_stamp()
    size = newest.size if newest else 0
    given, oldest = tx.log.given(), tx.log.first_unlogged(size)
    return [
        gauge("certsvc_log_leaves", "Leaves under the newest checkpoint of the evidence log", [({}, size)]),
        gauge("certsvc_log_leaves_waiting", "Evidence that is not in it yet", [({}, max(0, given - size))]),
        gauge("certsvc_log_oldest_unlogged_seconds", "Age of the oldest of it", [({}, _since(oldest, now))]),
        gauge(
            "certsvc_log_cut_leaves",
            "Leaves under the newest checkpoint beyond the last position that evidence was given; never but after harm",
            [({}, max(0, size - given))],
        ),
        gauge(
            "certsvc_log_checkpoint_age_seconds",
            "Age of the newest checkpoint; it grows while nothing happens, so look at what waits too",
            [({}, _since(newest.at, now))] if newest else [],
        ),
        gauge(
            "certsvc_log_stamp_age_seconds",
            "Age of the newest timestamp of a checkpoint",
            [({}, _since(stamp.at, now))] if stamp else [],
        ),
    ]


def _age(waiting: Waiting, now: datetime) -> float:
    return _since(waiting.oldest, now)


def _since(at: datetime | None, now: datetime) -> float:
    return 0.0 if at is None else max(0.0, (now - at).total_seconds())


def _days(at: datetime, now: datetime) -> float:
    return round((at - now) / timedelta(days=1), 2)
