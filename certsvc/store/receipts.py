"""Keys under which callers sent things, and what these led to."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from certsvc.store.columns import text_sha256
from certsvc.store.one_of import one_of
from certsvc.store.tables import receipts
from certsvc.store.transaction import Insert, insert_into

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from certsvc.store.transaction import Transaction

_C = receipts.c
_FIND = select(_C.body_hash, _C.result_id).where(_C.caller == bindparam("by"), _C.key_sha256 == bindparam("digest"))
_BOUND = select(_C.caller, _C.key_sha256).where(one_of(_C.caller, "callers"), one_of(_C.key_sha256, "digests"))


@cache
def _insert(dialect: str) -> Insert:
    return insert_into(dialect, receipts).on_conflict_do_nothing()


class ReceiptRows:
    """Implements ``store_ports.Receipts``; keys are kept as digests, so that a long one costs no index space."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def find(self, caller: str, key: str) -> tuple[str, str] | None:
        """Body hash and result id bound to the key."""
        row = self._tx.row(_FIND, by=caller, digest=text_sha256(key))
        return None if row is None else (row["body_hash"], row["result_id"])

    def find_all(self, keys: Collection[tuple[str, str]]) -> Collection[tuple[str, str]]:
        """Those of these callers' keys that are bound to something."""
        if not keys:
            return ()
        digests = {(caller, text_sha256(key)): (caller, key) for caller, key in keys}
        callers = sorted({caller for caller, _ in digests})
        rows = self._tx.rows(_BOUND, callers=callers, digests=sorted({digest for _, digest in digests}))
        found = [(row["caller"], row["key_sha256"]) for row in rows]
        return {digests[pair] for pair in found if pair in digests}

    def bind(self, caller: str, key: str, *, body_hash: str, result_id: str, now: datetime) -> bool:
        """Bind the key; False when it is bound already."""
        made = self._tx.changed(
            _insert(self._tx.dialect),
            caller=caller,
            key_sha256=text_sha256(key),
            body_hash=body_hash,
            result_id=result_id,
            at=now,
        )
        return made == 1

    def keyed(self, text: str, use: str) -> bytes:
        """32 bytes under the master key: the same for the same text and use, and told by nobody who has not the key."""
        return self._tx.blind(text, f"receipts.{use}")
