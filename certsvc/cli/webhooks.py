"""What operators do about webhooks by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.app import build
from certsvc.cli.maintain import OPERATOR
from certsvc.commands.access import roles
from certsvc.commands.ports import Principal
from certsvc.commands.webhooks.replay import Wish, replay
from certsvc.commands.webhooks.subscribe import MAX_PAGE, list_webhooks
from certsvc.settings import load_settings

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.webhooks.subscribe import Seen

BY_HAND = Principal(subject=OPERATOR, kind="system", roles=frozenset({roles.OPERATOR}))


def all_subscriptions() -> list[Seen]:
    """Every subscription, in the order of their ids."""
    found: list[Seen] = []
    service = build(load_settings())
    try:
        while page := list_webhooks(
            service.deps, BY_HAND, behind=found[-1].subscription.subscription_id if found else "", limit=MAX_PAGE
        ):
            found += page
    finally:
        service.close()
    return found


def resend(subscription_id: str, *, after: int, since: datetime | None) -> int:
    """Queue events of the feed again, to its end; how many. A relay sends them."""
    service = build(load_settings())
    try:
        count, place = 0, after
        while True:
            done = replay(service.deps, BY_HAND, subscription_id, Wish(after=place, since=since))
            count += done.count
            if done.next is None:
                return count
            place = done.next
    finally:
        service.close()
