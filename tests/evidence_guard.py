"""Whatever test runs a command: a transaction that writes a ledger row without naming it in evidence fails.

Tests write rows by themselves too, so only rows that come out of ``certsvc/commands`` are held against the rule.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from certsvc.commands.evidence.rows import named_rows, row_key
from certsvc.store import licenses
from certsvc.store.delegations import DelegationRows
from certsvc.store.license_inserts import insert_versions
from certsvc.store.outbox import OutboxRows
from certsvc.store.relations import CoHolderRows, RelationRows
from certsvc.store.seals import SealRows
from certsvc.store.sharing import SharingRows
from certsvc.store.showing import ShowingRows
from certsvc.store.transaction import Transaction

COMMANDS = str(Path("certsvc") / "commands")
NEAR = 6
"""Frames between a command and the store: a call through :class:`LicenseRows` or ``insert_fetch`` has three."""


class Unnamed(AssertionError):
    """A command forgot :func:`rows_of`."""


class EvidenceGuard:
    """What each open transaction wrote, and what its evidence names."""

    def __init__(self) -> None:
        self.written: defaultdict[int, set[str]] = defaultdict(set)
        self.named: defaultdict[int, set[str]] = defaultdict(set)

    def begin(self, tx: Transaction) -> None:
        self.written.pop(id(tx), None)
        self.named.pop(id(tx), None)

    def write(self, tx: Transaction, rows: Any) -> None:
        if _by_a_command():
            self.written[id(tx)].update(map(row_key, rows))

    def name(self, tx: Transaction, details: bytes) -> None:
        if not _by_a_command():
            return  # a test of the store, whose details may be anything
        self.named[id(tx)].update(named_rows(orjson.loads(details)["content"]) or ())

    def end(self, tx: Transaction) -> None:
        forgotten = self.written.pop(id(tx), set()) - self.named.pop(id(tx), set())
        if forgotten:
            msg = f"rows without evidence, see commands/evidence/rows.py: {sorted(forgotten)}"
            raise Unnamed(msg)


def _by_a_command() -> bool:
    frame = sys._getframe(2)
    for _ in range(NEAR):
        if COMMANDS in frame.f_code.co_filename:
            return True
        if frame.f_back is None:
            return False
        frame = frame.f_back
    return False


RIGHTS: tuple[tuple[type, str], ...] = (
    (ShowingRows, "insert_show"),
    (SharingRows, "insert_grant"),
    (SealRows, "reserve"),
    (DelegationRows, "insert"),
    (RelationRows, "insert"),
    (CoHolderRows, "insert"),
)
"""What stores one row of rights, or several, and returns False where it stored none."""


def _watch(patch: pytest.MonkeyPatch, guard: EvidenceGuard, kind: type, name: str) -> None:
    write = getattr(kind, name)

    def written(noun: Any, made: Any, **named: Any) -> Any:
        done = write(noun, made, **named)
        if done is not False:
            guard.write(noun._tx, made if isinstance(made, list | tuple) else [made])
        return done

    patch.setattr(kind, name, written)


def install(patch: pytest.MonkeyPatch) -> None:
    """Watch every transaction of this process."""
    guard = EvidenceGuard()
    begin, end, move = Transaction.__init__, Transaction.finish, licenses.LicenseRows.move
    evidence = OutboxRows.add_evidence
    fetches, scans = SharingRows.insert_fetches, ShowingRows.insert_scans

    def begun(tx: Transaction, *given: Any, **named: Any) -> None:
        guard.begin(tx)
        begin(tx, *given, **named)

    def ended(tx: Transaction) -> None:
        end(tx)
        guard.end(tx)

    def moved(noun: Any, record: Any, **named: Any) -> bool:
        done = move(noun, record, **named)
        if done:
            guard.write(noun._tx, [record])
        return done

    def inserted(tx: Transaction, made: Any) -> None:
        guard.write(tx, made)
        insert_versions(tx, made)

    def fetched(noun: Any, made: Any) -> None:
        guard.write(noun._tx, made)
        fetches(noun, made)

    def scanned(noun: Any, made: Any) -> None:
        guard.write(noun._tx, made)
        scans(noun, made)

    def proven(noun: Any, row: Any) -> None:
        guard.name(noun._tx, row.details)
        evidence(noun, row)

    patch.setattr(Transaction, "__init__", begun)
    patch.setattr(Transaction, "finish", ended)
    patch.setattr(licenses.LicenseRows, "move", moved)
    patch.setattr(licenses, "insert_versions", inserted)
    patch.setattr(SharingRows, "insert_fetches", fetched)
    patch.setattr(ShowingRows, "insert_scans", scanned)
    patch.setattr(OutboxRows, "add_evidence", proven)
    for kind, name in RIGHTS:
        _watch(patch, guard, kind, name)


@pytest.fixture(scope="session", autouse=True)
def _evidence_guarded() -> Iterator[None]:
    """Installed once per worker process."""
    with pytest.MonkeyPatch.context() as patch:
        install(patch)
        yield
