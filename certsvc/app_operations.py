"""What operators are told, and how the dependencies are asked: a part of the composition, read by ``app`` alone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from certsvc.api.operations_door import OperationsDoor
from certsvc.app_keys import TOKEN_KEY, read_secret
from certsvc.commands.operations.metrics import Dashboard, Sources
from certsvc.commands.operations.readiness import Probes
from certsvc.delivery.relay import CONSUMERS
from certsvc.errors import ConfigurationError
from certsvc.signing.key_check import check_keys, key_ends

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps
    from certsvc.delivery.broker import Broker
    from certsvc.delivery.loops import Loops
    from certsvc.meters import Meters
    from certsvc.settings import Settings
    from certsvc.signing.keyring import KeyRing
    from certsvc.store.engine import Store


def probes(deps: Deps, loops: Loops, ring: KeyRing, broker: Broker | None) -> Probes:
    """How to ask this process's dependencies; the broker is one only where events are handed on."""

    def ask_broker() -> bool:
        if broker is None or not loops.relays:
            return False
        broker.check()
        return True

    def ask_log() -> None:
        deps.log_signer.check()

    return Probes(
        loops_alive=lambda: loops.alive,
        keys=partial(check_keys, ring, TOKEN_KEY),
        log=ask_log,
        broker=ask_broker,
    )


def dashboard(deps: Deps, meters: Meters, found: Probes, *, store: Store, ring: KeyRing) -> Dashboard:
    """All figures of a process."""
    names = [name for name, _ in CONSUMERS] + [carrier.name for carrier in deps.carriers]
    sources = Sources(
        meters=meters, probes=found, pools=store.pools, key_ends=partial(key_ends, ring), consumers=tuple(names)
    )
    return Dashboard(deps, sources)


def open_door(settings: Settings, deps: Deps, found: Probes, board: Dashboard) -> OperationsDoor | None:
    """The door of operators, open; None where no port is set.

    Raises:
        ConfigurationError: the port is taken, or the token cannot be read or is short.
    """
    if not settings.metrics_port:
        return None
    token = read_secret(settings.metrics_token_file) if settings.metrics_token_file else ""
    if settings.metrics_token_file and len(token) < MIN_TOKEN_CHARS:
        raise ConfigurationError(f"metrics_token_file 中的令牌过短，至少 {MIN_TOKEN_CHARS} 个字符")
    return OperationsDoor(deps, found, board, host=settings.metrics_host, port=settings.metrics_port, token=token)


MIN_TOKEN_CHARS = 16
"""A shorter token of the figures could be guessed."""
