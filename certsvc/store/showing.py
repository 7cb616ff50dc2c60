"""Show codes and scans."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, update

from certsvc.license.uses import Scan, Show
from certsvc.store.newest import newest_of
from certsvc.store.one_of import one_of
from certsvc.store.tables_uses import scans, shows
from certsvc.store.together import ROWS, given_texts
from certsvc.store.transaction import Insert, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Table

    from certsvc.store.transaction import Transaction

_H = shows.c
_SHOW_BY_TOKEN = select(*_H).where(_H.token_sha256 == bindparam("digest"))
# Locked in one order, so that two who scan the same codes at the same time wait for each other and never in a circle.
_HELD_BY_TOKENS = select(*_H).where(one_of(_H.token_sha256, "digests")).order_by(_H.token_sha256).with_for_update()
_SHOWS = select(*_H).where(_H.show_id.in_(bindparam("which", expanding=True)))
_PRESENTER = "shows.presenter"
_REDEEM = (
    update(shows)
    .where(_H.show_id == bindparam("which"), _H.redeemed_at.is_(None), _H.expires_at > bindparam("now"))
    .values(redeemed_at=bindparam("now"), redeemed_by=bindparam("who"))
)
_GIVEN = given_texts("which", "who")
_REDEEM_SEVERAL = (
    update(shows)
    .where(_H.show_id == _GIVEN.c.which, _H.redeemed_at.is_(None), _H.expires_at > bindparam("now"))
    .values(redeemed_at=bindparam("now"), redeemed_by=_GIVEN.c.who)
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
            basis=str(show.basis),
            basis_id=show.basis_id,
            presenter=self._tx.seal(show.presenter, _PRESENTER, show.show_id) if show.presenter else None,
            bundle=show.bundle,
            members=to_json(show.members),
        )

    def show_by_token(self, token_sha256: str) -> Show | None:
        """The show, whatever its age."""
        row = self._tx.row(_SHOW_BY_TOKEN, digest=token_sha256)
        return None if row is None else self._show(row)

    def shows(self, show_ids: Sequence[str]) -> Mapping[str, Show]:
        """Those of these shows that there are, by id."""
        rows = self._tx.rows(_SHOWS, which=sorted(set(show_ids))) if show_ids else ()
        return {row["show_id"]: self._show(row) for row in rows}

    def redeem(self, show_id: str, *, by: str, now: datetime) -> bool:
        """Redeem for data, once and in time (before ``expires_at``); False otherwise."""
        return self._tx.changed(_REDEEM, which=show_id, who=by, now=now) == 1

    def hold_by_tokens(self, digests: Sequence[str]) -> Mapping[str, Show]:
        """Those of these shows that there are, by digest; nobody else redeems them until the end of the transaction."""
        rows = self._tx.rows(_HELD_BY_TOKENS, digests=sorted(set(digests))) if digests else ()
        return {row["token_sha256"]: self._show(row) for row in rows}

    def redeem_held(self, redeemed: Mapping[str, str], *, now: datetime) -> None:
        """Redeem shows that are held and were not redeemed, each by whom it is mapped to."""
        rows = [{"which": show_id, "who": who} for show_id, who in sorted(redeemed.items())]
        if self._redeem_all(rows, now) != len(rows):
            msg = "a show was redeemed that is not held, redeemed already or over"
            raise RuntimeError(msg)

    def _redeem_all(self, rows: Sequence[Mapping[str, str]], now: datetime) -> int:
        if self._tx.dialect == "postgresql" and rows:
            return self._tx.changed(_REDEEM_SEVERAL, now=now, **{ROWS: to_json(rows)})
        return self._tx.changed_all(_REDEEM, [{**row, "now": now} for row in rows])

    def insert_scan(self, scan: Scan) -> None:
        """Store an inspection record."""
        self.insert_scans([scan])

    def insert_scans(self, made: Sequence[Scan]) -> None:
        """Store inspection records."""
        self._tx.insert_rows(scans, [_values(scan) for scan in made])

    def scans_of(
        self, version_ids: Sequence[str], *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Scan]:
        """Scans of these versions, newest first."""
        return [scan_of(row) for row in _SCANS_OF.rows(self._tx, version_ids, limit=limit, behind=behind)]

    def scans_by_authority(self, authority_code: str, *, limit: int) -> Sequence[Scan]:
        """Scans made by officers of this authority, newest first."""
        return [scan_of(row) for row in _SCANS_BY_AUTHORITY.rows(self._tx, [authority_code], limit=limit)]

    def _show(self, row: RowMapping) -> Show:
        return show_of_row(self._tx, row)


def show_of_row(tx: Transaction, row: RowMapping) -> Show:
    """A row of the show codes."""
    values: dict[str, Any] = {name: row[name] for name in _H.keys()}  # noqa: SIM118
    sealed = row["presenter"]
    values["presenter"] = tx.open(sealed, _PRESENTER, row["show_id"]) if sealed else ""
    values["members"] = tuple((version_id, scene) for version_id, scene in from_json(row["members"]))
    return Show(**values)


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
        "visit_id": scan.visit_id,
    }


def scan_of(row: RowMapping) -> Scan:
    """A scan from a row of its table."""
    values = dict(row)
    values["fields"] = tuple(from_json(row["fields"]))
    return Scan(**values)
