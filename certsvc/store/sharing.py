"""Grants and the fetch ledger."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, update

from certsvc.license.uses import Fetch, Grant
from certsvc.store.newest import newest_of
from certsvc.store.tables_uses import fetches, grants
from certsvc.store.transaction import Insert, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Table

    from certsvc.store.transaction import Transaction

_G = grants.c
_CIRCUMSTANCES = "fetches.circumstances"

_GRANT_BY_TOKEN = select(*_G).where(_G.token_sha256 == bindparam("digest"))
_UNUSED = (_G.grant_id == bindparam("which"), _G.used_at.is_(None), _G.withdrawn_at.is_(None))
_USE = update(grants).where(*_UNUSED, _G.expires_at > bindparam("now")).values(used_at=bindparam("now"))
_WITHDRAW = (
    update(grants).where(*_UNUSED, _G.holder_subject == bindparam("holder")).values(withdrawn_at=bindparam("now"))
)
_GRANTS_OF = newest_of(grants, _G.holder_subject, _G.created_at, _G.grant_id)
_FETCH = select(*fetches.c).where(fetches.c.fetch_id == bindparam("which"))
_FETCHES_OF = newest_of(fetches, fetches.c.version_id, fetches.c.at, fetches.c.fetch_id)


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table)


class SharingRows:
    """Implements ``sharing_ports.Sharing``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert_grant(self, grant: Grant) -> None:
        """Store a consent."""
        self._tx.changed(
            _insert(self._tx.dialect, grants),
            grant_id=grant.grant_id,
            token_sha256=grant.token_sha256,
            version_id=grant.version_id,
            holder_subject=grant.holder_subject,
            client_id=grant.client_id,
            matter_code=grant.matter_code,
            case_no=grant.case_no,
            fields=to_json(list(grant.fields)),
            created_at=grant.created_at,
            expires_at=grant.expires_at,
            used_at=grant.used_at,
            withdrawn_at=grant.withdrawn_at,
        )

    def grant_by_token(self, token_sha256: str) -> Grant | None:
        """The grant."""
        row = self._tx.row(_GRANT_BY_TOKEN, digest=token_sha256)
        return None if row is None else _grant(row)

    def use_grant(self, grant_id: str, *, now: datetime) -> bool:
        """Use it once, if in time (before ``expires_at``) and not withdrawn."""
        return self._tx.changed(_USE, which=grant_id, now=now) == 1

    def withdraw_grant(self, grant_id: str, *, holder_subject: str, now: datetime) -> bool:
        """Withdraw an unused grant of this holder."""
        return self._tx.changed(_WITHDRAW, which=grant_id, holder=holder_subject, now=now) == 1

    def grants_of(self, holder_subject: str, *, limit: int) -> Sequence[Grant]:
        """The holder's grants, newest first."""
        return [_grant(row) for row in _GRANTS_OF.rows(self._tx, [holder_subject], limit=limit)]

    def insert_fetch(self, fetch: Fetch) -> None:
        """Append to the ledger."""
        circumstances = {"operator": fetch.operator, "purpose": fetch.purpose}
        self._tx.changed(
            _insert(self._tx.dialect, fetches),
            fetch_id=fetch.fetch_id,
            version_id=fetch.version_id,
            client_id=fetch.client_id,
            client_name=fetch.client_name,
            authority_code=fetch.authority_code,
            matter_code=fetch.matter_code,
            case_no=fetch.case_no,
            circumstances=self._tx.seal_json(circumstances, _CIRCUMSTANCES, fetch.fetch_id),
            basis=fetch.basis,
            grant_id=fetch.grant_id,
            fields=to_json(list(fetch.fields)),
            outcome=fetch.outcome,
            at=fetch.at,
        )

    def fetches_of(
        self, version_ids: Sequence[str], *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Fetch]:
        """Ledger rows about these versions, newest first."""
        return [self.fetch_of(row) for row in _FETCHES_OF.rows(self._tx, version_ids, limit=limit, behind=behind)]

    def fetch(self, fetch_id: str) -> Fetch | None:
        """The ledger row."""
        row = self._tx.row(_FETCH, which=fetch_id)
        return None if row is None else self.fetch_of(row)

    def fetch_of(self, row: RowMapping) -> Fetch:
        """A fetch from a row of its table."""
        values: dict[str, Any] = dict(row)
        values.update(self._tx.open_json(values.pop("circumstances"), _CIRCUMSTANCES, row["fetch_id"]))
        values["fields"] = tuple(from_json(row["fields"]))
        return Fetch(**values)


def _grant(row: RowMapping) -> Grant:
    values: dict[str, Any] = dict(row)
    values["fields"] = tuple(from_json(row["fields"]))
    return Grant(**values)
