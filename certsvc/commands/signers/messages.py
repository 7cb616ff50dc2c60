"""The pretended telephone of the sandbox: messages that a real deployment would send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal

SHOWN = 5


def own_messages(deps: Deps, caller: Principal) -> Sequence[tuple[datetime, str]]:
    """The newest messages to the caller; NotFound in production, where they go to a real telephone."""
    roles.require(caller, roles.HOLDER)
    if not deps.policy.sandbox:
        raise NotFound("体验短信仅在沙箱环境提供")
    return deps.notifier.received(caller.subject, limit=SHOWN)
