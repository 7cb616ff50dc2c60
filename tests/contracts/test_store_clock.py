"""The mark of the register's time: it only rises within an epoch, and a confirmation may lower it, once."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from store_records import T0, make_version
from test_store_devices import make_core, make_device

from certsvc.commands.clocks.watch import LONGEST_LEASE
from certsvc.commands.log import append
from certsvc.commands.reporting import send
from certsvc.commands.store_ports import UnitOfWork
from certsvc.commands.supervision import counts, rounds
from certsvc.delivery import receiver, relay, sequencer
from certsvc.license.clock_mark import ClockMark
from certsvc.store.engine import Store

REAL = sorted(module.LEASE_S for module in (append, counts, receiver, relay, rounds, send, sequencer))
FIRST = ClockMark(at=T0, boot="a", boot_s=1.5, epoch=0)


def test_the_mark_rises_and_a_confirmation_lowers_it_once(store: Store) -> None:
    later = dataclasses.replace(FIRST, at=T0 + timedelta(seconds=10), boot="b", boot_s=2.25)
    confirmed = dataclasses.replace(FIRST, at=T0 - timedelta(days=1), epoch=1)
    with store.uow() as tx:
        assert tx.clock.mark() is None
        assert (tx.clock.database_now() is None) == (store._engines[0].dialect.name == "sqlite")
        assert [tx.clock.raise_mark(mark) for mark in (FIRST, FIRST, later, FIRST)] == [True, False, True, False]
        assert tx.clock.mark() == later
        assert [tx.clock.confirm(confirmed), tx.clock.confirm(confirmed)] == [True, False]
        assert not tx.clock.raise_mark(dataclasses.replace(later, at=T0 + timedelta(days=2))), "its epoch is over"
        assert tx.clock.mark() == confirmed
        assert undo(tx) == 0


def undo(tx: UnitOfWork) -> int:
    hour = timedelta(hours=1)
    return tx.clock.undo_future(T0, apart=timedelta(seconds=2), longest_lease=LONGEST_LEASE, longest_wait=hour)


def test_a_lease_from_the_future_is_given_up_and_a_real_one_is_kept(store: Store) -> None:
    with store.uow() as tx:
        assert tx.outbox.lease("ahead", owner="a", now=T0 + timedelta(minutes=30), lease_s=30)
        assert tx.outbox.lease("real", owner="a", now=T0, lease_s=REAL[-1])
        assert not tx.outbox.lease("ahead", owner="b", now=T0, lease_s=30)
        assert undo(tx) == 1
        assert tx.outbox.lease("ahead", owner="b", now=T0, lease_s=30)
        assert not tx.outbox.lease("real", owner="b", now=T0, lease_s=30)


def test_the_longest_lease_is_that_of_a_loop() -> None:
    assert timedelta(seconds=REAL[-1]) <= LONGEST_LEASE <= timedelta(minutes=5)


def test_an_offline_core_from_the_future_ends_and_one_of_today_does_not(store: Store) -> None:
    cores = [make_core(1), make_core(2, issued_at=T0 + timedelta(days=1), expires_at=T0 + timedelta(days=2))]
    with store.uow() as tx:
        tx.devices.insert(make_device(1))
        tx.licenses.insert(make_version(1))
        tx.offline_cores.insert_all(cores)
        assert undo(tx) == 1
        found = tx.offline_cores.by_tokens([core.token_sha256 for core in cores])
    assert [found[core.token_sha256].expires_at for core in cores] == [cores[0].expires_at, T0]


def test_a_database_on_this_machine_is_no_second_witness(store: Store) -> None:
    with store.uow.read() as tx:
        assert tx.clock.database_elsewhere() is False
