"""What the store offers about uses by other systems (用证): grants and the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.license.uses import Fetch, Grant


class Sharing(Protocol):
    """Grants and the fetch ledger."""

    def insert_grant(self, grant: Grant) -> None:
        """Store a consent."""
        ...

    def grant_by_token(self, token_sha256: str) -> Grant | None:
        """The grant."""
        ...

    def use_grant(self, grant_id: str, *, now: datetime) -> bool:
        """Use it once, if in time and not withdrawn."""
        ...

    def withdraw_grant(self, grant_id: str, *, holder_subject: str, now: datetime) -> bool:
        """Withdraw an unused grant of this holder."""
        ...

    def grants_of(self, holder_subject: str, *, limit: int) -> Sequence[Grant]:
        """The holder's grants, newest first."""
        ...

    def insert_fetch(self, fetch: Fetch) -> None:
        """Append to the ledger."""
        ...

    def fetch(self, fetch_id: str) -> Fetch | None:
        """The ledger row."""
        ...

    def fetches_of(
        self, version_ids: Sequence[str], *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Fetch]:
        """Ledger rows about these versions, newest first; only what comes ``behind`` a time and an id, if given."""
        ...
