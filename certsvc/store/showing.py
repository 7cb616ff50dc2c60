"""Show codes and scans."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, update

from certsvc.license.uses import Scan, Show
from certsvc.store.newest import newest_of
from certsvc.store.tables_uses import scans, shows
from certsvc.store.transaction import Insert, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Table

    from certsvc.store.transaction import Transaction

_H = shows.c
_SHOW_BY_TOKEN = select(*_H).where(_H.token_sha256 == bindparam("digest"))
_REDEEM = (
    update(shows)
    .where(_H.show_id == bindparam("which"), _H.redeemed_at.is_(None), _H.expires_at > bindparam("now"))
    .values(redeemed_at=bindparam("now"), redeemed_by=bindparam("who"))
)
_SCANS_OF = newest_of(scans, scans.c.version_id, scans.c.at, scans.c.scan_id)
_SCANS_BY_AUTHORITY = newest_of(scans, scans.c.authority_code, scans.c.at, scans.c.scan_id)


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table)


class ShowingRows:
    """Implements ``store_ports.Showing``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert_show(self, show: Show) -> None:
        """Store a show code."""
        self._tx.changed(
            _insert(self._tx.dialect, shows),
            show_id=show.show_id,
            token_sha256=show.token_sha256,
            version_id=show.version_id,
            holder_subject=show.holder_subject,
            scene=show.scene,
            created_at=show.created_at,
            expires_at=show.expires_at,
            redeemed_at=show.redeemed_at,
            redeemed_by=show.redeemed_by,
        )

    def show_by_token(self, token_sha256: str) -> Show | None:
        """The show, whatever its age."""
        row = self._tx.row(_SHOW_BY_TOKEN, digest=token_sha256)
        return None if row is None else Show(**row)

    def redeem(self, show_id: str, *, by: str, now: datetime) -> bool:
        """Redeem for data, once and in time (before ``expires_at``); False otherwise."""
        return self._tx.changed(_REDEEM, which=show_id, who=by, now=now) == 1

    def insert_scan(self, scan: Scan) -> None:
        """Store an inspection record."""
        self.insert_scans([scan])

    def insert_scans(self, scans_made: Sequence[Scan]) -> None:
        """Store inspection records."""
        self._tx.changed_all(_insert(self._tx.dialect, scans), [_values(scan) for scan in scans_made])

    def scans_of(self, version_ids: Sequence[str], *, limit: int) -> Sequence[Scan]:
        """Scans of these versions, newest first."""
        return [_scan(row) for row in _SCANS_OF.rows(self._tx, version_ids, limit=limit)]

    def scans_by_authority(self, authority_code: str, *, limit: int) -> Sequence[Scan]:
        """Scans made by officers of this authority, newest first."""
        return [_scan(row) for row in _SCANS_BY_AUTHORITY.rows(self._tx, [authority_code], limit=limit)]


def _values(scan: Scan) -> dict[str, object]:
    return {
        "scan_id": scan.scan_id,
        "code_kind": scan.code_kind,
        "show_id": scan.show_id,
        "version_id": scan.version_id,
        "officer": scan.officer,
        "authority_code": scan.authority_code,
        "badge": scan.badge,
        "scene": scan.scene,
        "outcome": scan.outcome,
        "fields": to_json(list(scan.fields)),
        "at": scan.at,
    }


def _scan(row: RowMapping) -> Scan:
    values = dict(row)
    values["fields"] = tuple(from_json(row["fields"]))
    return Scan(**values)
