"""The fence between the keys of seals and their stop: shared by who signs, closed by who stops.

On PostgreSQL it is an advisory lock per name, which the server hands out in the order of asking: a stop waits for those
in hand and for nobody who comes later. (A row lock would not do: a new holder of a shared one may pass a waiting stop.)
A SQLite store has one writer: whoever holds the fence is alone already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from certsvc.store.transaction import Transaction

_SEED = 0x7365616C
"""Keeps these locks apart from others of the database ("seal" in ASCII)."""
_SHARE = text(
    "SELECT 1 AS held FROM set_config('idle_in_transaction_session_timeout', :most, true),"
    " pg_advisory_xact_lock_shared(hashtextextended(CAST(:name AS text), :seed))"
)
_CLOSE = text("SELECT 1 AS held FROM pg_advisory_xact_lock(hashtextextended(CAST(:name AS text), :seed))")


class SealFenceRows:
    """Implements ``seal_ports.SealFences``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def share(self, names: Iterable[str], *, most_ms: int) -> None:
        """Keep what closes these fences waiting until the end of the transaction, or ``most_ms`` without a statement.

        What is read after this call is what the last one that closed them wrote.
        """
        if self._tx.dialect != "postgresql":
            return
        # One order everywhere: two that hold several never wait for each other.
        for name in sorted(set(names)):
            self._tx.row(_SHARE, name=name, seed=_SEED, most=str(most_ms))

    def close(self, name: str) -> None:
        """Wait for those who share this fence; nobody passes it until the end of the transaction."""
        if self._tx.dialect == "postgresql":
            self._tx.row(_CLOSE, name=name, seed=_SEED)
