"""The mark of the register's time: it only rises within an epoch, and a confirmation may lower it, once."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from store_records import T0

from certsvc.license.clock_mark import ClockMark
from certsvc.store.engine import Store

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
        assert tx.clock.undo_future(T0, apart=timedelta(seconds=2), longest_wait=timedelta(hours=1)) == 0
