"""People and companies in encrypted columns, and the digests by which they are found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from certsvc.license.model import Holder

if TYPE_CHECKING:
    from certsvc.store.transaction import Transaction


def blind_of(tx: Transaction, holder: Holder, column: str) -> bytes:
    """Keyed digest of type and code, for equality search in ``column``."""
    return tx.blind(f"{holder.code_type}\n{holder.code}", column)


def plain(holder: Holder) -> dict[str, str]:
    """As it is encrypted."""
    return {"name": holder.name, "code": holder.code, "code_type": holder.code_type}


def person(kept: dict[str, Any]) -> Holder:
    """What :func:`plain` gave."""
    return Holder(name=kept["name"], code=kept["code"], code_type=kept["code_type"])
