"""What operators do about events by hand: send them to the broker again, look at parked ones, try them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.app import build
from certsvc.cli.maintain import OPERATOR
from certsvc.commands.evidence.resend import resend_by
from certsvc.commands.issuance.take_message import MAX_PAGE, replay
from certsvc.delivery.jetstream import NAME
from certsvc.errors import NotFound
from certsvc.settings import load_settings

if TYPE_CHECKING:
    from certsvc.license.parked import ParkedEvent


def republish(after: int) -> int:
    """Have the relay publish the feed behind ``after`` again; how many positions."""
    service = build(load_settings())
    try:
        return resend_by(service.deps, NAME, after=after, actor=OPERATOR)
    finally:
        service.close()


def all_parked() -> list[ParkedEvent]:
    """Every parked event that waits, oldest first."""
    found: list[ParkedEvent] = []
    service = build(load_settings())
    try:
        with service.deps.uow.read() as tx:
            while page := tx.parked.waiting(client_id=None, after=found[-1].parked_id if found else "", limit=MAX_PAGE):
                found += page
    finally:
        service.close()
    return found


def replay_parked(parked_id: str) -> str:
    """Carry one out after all; where its effect is found. It stays parked when it fails again."""
    service = build(load_settings())
    try:
        with service.deps.uow.read() as tx:
            event = tx.parked.get(parked_id)
        if event is None or event.state != "parked":
            raise NotFound("没有这个待处理的事件，或它已处理完毕")
        return replay(service.deps, event, by=OPERATOR).location
    finally:
        service.close()
