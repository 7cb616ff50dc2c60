"""Questions about the quality of the register."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, text

from certsvc.store.license_inserts import holder_blind
from certsvc.store.licenses import VERSION, LicenseRows
from certsvc.store.tables import IN_FORCE, licenses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.license.model import LicenseVersion
    from certsvc.store.transaction import Transaction

_C = licenses.c
_TWINS = (
    VERSION.where(
        text(f"licenses.{IN_FORCE}"),
        _C.holder_blind == bindparam("blind"),
        _C.type_slug == bindparam("slug"),
        _C.version_id != bindparam("itself"),
    )
    .order_by(_C.created_at, _C.version_id)
    .limit(bindparam("most"))
)


class QualityRows:
    """Implements ``quality_ports.Quality``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx
        self._licenses = LicenseRows(tx)

    def twins_of(self, version: LicenseVersion, *, limit: int) -> Sequence[LicenseVersion]:
        """The other versions that have not ended of the same type and holder, oldest first."""
        rows = self._tx.rows(
            _TWINS,
            blind=holder_blind(self._tx, version.holder),
            slug=version.type_slug,
            itself=version.version_id,
            most=limit,
        )
        return [self._licenses.version(row) for row in rows]
