"""What tests of the evidence log do with a city."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from fixtures_city import ServedCity

from certsvc.cli import evidence_verifier
from certsvc.commands.log.append import advance_log, stamp_log
from certsvc.commands.log.audit import audit
from certsvc.commands.log.findings import AuditReport
from certsvc.commands.ports import Deps
from certsvc.delivery.loops import drain
from certsvc.store.ledger import DiskLedger

VERIFIER = Path(evidence_verifier.__file__)
FOOD = "food_operation"


def settle(city: ServedCity) -> None:
    """Let everything that happened be in the log: events lead to one more row of evidence."""
    settle_deps(city.service.deps)


def settle_deps(deps: Deps) -> None:
    drain(deps, worker="test")
    while advance_log(deps, owner="test"):
        drain(deps, worker="test")
    while advance_log(deps, owner="test"):
        pass


def stamp(city: ServedCity) -> None:
    assert stamp_log(city.service.deps, owner="test")
    settle(city)


def audited(deps: Deps, *, settle_s: int = 0, rows: bool = True, files: bool = True) -> AuditReport:
    """The report over what is there now; rows of this very moment count as settled."""
    ledger = DiskLedger()
    try:
        return audit(deps, ledger, settle_s=settle_s - int(timedelta(hours=1).total_seconds()), rows=rows, files=files)
    finally:
        ledger.close()


def run_verifier(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The stand-alone verifier in a Python that sees the standard library alone."""
    command = [sys.executable, "-I", "-S", str(VERIFIER), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", timeout=60)
