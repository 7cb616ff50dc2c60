"""The mark of the register's time: it only rises within an epoch, and a confirmation may lower it, once."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from store_records import T0, make_version

from certsvc.commands.clocks.watch import LONGEST_LEASE
from certsvc.commands.log import append
from certsvc.commands.reporting import send
from certsvc.commands.store_ports import UnitOfWork
from certsvc.commands.supervision import counts, rounds
from certsvc.delivery import receiver, relay, sequencer
from certsvc.license.clock_mark import ClockMark
from certsvc.license.devices import Device, DeviceKind, DeviceState
from certsvc.license.offline import IssuedCore
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
    day = timedelta(days=1)
    device = Device(
        device_id="dev_000001",
        kind=DeviceKind.HOLDER,
        state=DeviceState.PENDING,
        subject="person-1",
        authority_code="",
        name="示例张三的手机",
        public_key=bytes((2, *([1] * 32))),
        thumbprint="thumb-1",
        challenge="challenge-1",
        created_at=T0,
    )
    today, tomorrow = (
        IssuedCore(
            core_id=f"cor_{n:06d}",
            token_sha256=f"{n:064d}",
            version_id=make_version(1).version_id,
            device_id=device.device_id,
            issued_at=T0 + n * day,
            expires_at=T0 + (n + 1) * day,
        )
        for n in range(2)
    )
    with store.uow() as tx:
        tx.devices.insert(device)
        tx.licenses.insert(make_version(1))
        tx.offline_cores.insert_all([today, tomorrow])
        assert undo(tx) == 1
        found = tx.offline_cores.by_tokens([today.token_sha256, tomorrow.token_sha256])
    assert found[today.token_sha256].expires_at == today.expires_at
    assert found[tomorrow.token_sha256].expires_at == T0


def test_a_database_on_this_machine_is_no_second_witness(store: Store) -> None:
    with store.uow.read() as tx:
        assert tx.clock.database_elsewhere() is False
