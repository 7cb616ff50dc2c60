"""The program of a killed sender."""

from __future__ import annotations

import os
import signal
import threading

from webhook_receivers import sender_deps

from certsvc.clock import SystemClock
from certsvc.delivery.egress import Egress
from certsvc.delivery.receivers import HttpReceivers
from certsvc.delivery.webhooks import take_turn
from certsvc.ids import SystemIds
from certsvc.signing.cipher import ColumnCipher
from certsvc.signing.master_key import MasterKey
from certsvc.store.engine import open_store


class KillAt:
    """As a power cut would."""

    def __init__(self, step: str) -> None:
        self._step = step

    def reach(self, name: str) -> None:
        """Die when the step is the one."""
        if name == self._step:
            os.kill(os.getpid(), signal.SIGKILL)


def send_until_killed(database_url: str, origin: str, step: str) -> None:
    """Serve one turn, and die at the step."""
    store = open_store(database_url, ColumnCipher(MasterKey(bytes(31) + b"\x01"), SystemIds()))
    calls = HttpReceivers(Egress(allowed=[origin]))
    turn = take_turn(sender_deps(store, SystemClock(), calls, faults=KillAt(step)))
    assert turn is not None
    turn.serve(threading.Event())
