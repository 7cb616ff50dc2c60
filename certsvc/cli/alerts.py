"""Alerts that wait for their acknowledgement, as operators list them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.app import build
from certsvc.cli.notices import BY_HAND
from certsvc.commands.alerting.alerts import list_alerts
from certsvc.license.use_alerts import AlertState
from certsvc.settings import load_settings

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.license.use_alerts import UseAlert

PAGE = 200
MAX_LISTED = 10_000
"""Lines that are printed; whoever has more open alerts asks the API."""


def open_alerts() -> tuple[list[UseAlert], datetime]:
    """Open alerts, newest first, and the moment of the list."""
    service = build(load_settings())
    try:
        found: list[UseAlert] = []
        while len(found) < MAX_LISTED:
            behind = (found[-1].created_at, found[-1].alert_id) if found else None
            page = list_alerts(service.deps, BY_HAND, state=AlertState.OPEN, limit=PAGE, behind=behind)
            found += page
            if len(page) < PAGE:
                break
        return found, service.deps.clock.now()
    finally:
        service.close()
