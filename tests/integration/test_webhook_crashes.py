"""A process killed while it sends a webhook loses nothing: what was not recorded is sent again, with the same id.

The killed process is a real one: ``webhook_killed.py`` sends to a real receiver and dies by SIGKILL.
"""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from fixtures_city import ROOT
from killing import kill_at
from store_records import make_client
from webhook_killed import send_until_killed
from webhook_receivers import receiving, sender_deps
from webhook_records import WHSEC, queued, subscribe

from certsvc.clock import FixedClock, SystemClock
from certsvc.delivery.egress import Egress
from certsvc.delivery.receivers import HttpReceivers
from certsvc.delivery.webhooks import LEASE_S, send_due
from certsvc.store.engine import Store

POINTS = ("webhook.sending", "webhook.sent", "webhook.recorded")
"""In the order of a try."""


def test_the_list_of_points_is_the_list_in_the_code() -> None:
    found = re.compile(r'faults\.reach\("(webhook[a-z_.]+)"\)')
    named = [name for path in (ROOT / "certsvc").rglob("*.py") for name in found.findall(path.read_text("utf-8"))]
    assert sorted(named) == sorted(POINTS)


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_this_point_loses_nothing(database_url: str, store: Store, point: str) -> None:
    with receiving() as receiver:
        subscribe(store, 1, url=receiver.url)
        with store.uow() as tx:
            tx.access.upsert_client(make_client(1, roles=frozenset({"events"})))
        events = queued(store, "aba", 1)
        kill_at(point, send_until_killed, database_url, receiver.base, point)
        assert len(receiver.got) == int(point != "webhook.sending")

        clock = FixedClock(SystemClock().now())
        deps = sender_deps(store, clock, HttpReceivers(Egress(allowed=[receiver.base])))
        assert send_due(deps) == 0, "the dead one's lease stands"
        clock.advance(timedelta(seconds=LEASE_S))
        send_due(deps)
    ids = [got.headers["webhook-id"] for got in receiver.got]
    assert sorted(set(ids)) == sorted(event.event_id for event in events), "none lost"
    assert ids.count(events[0].event_id) == (2 if point == "webhook.sent" else 1), "twice only if nobody knew"
    assert len({got.body for got in receiver.got if got.headers["webhook-id"] == events[0].event_id}) == 1
    first_times = [one for n, one in enumerate(ids) if one not in ids[:n]]
    assert first_times.index(events[0].event_id) < first_times.index(events[2].event_id), "order per subject"
    assert all(got.is_signed(WHSEC) for got in receiver.got)
    with store.uow.read() as tx:
        states = [one.state.value for one in tx.deliveries.log("whk_000001", state=None, before=0, limit=9)]
    assert states == ["delivered"] * 3
