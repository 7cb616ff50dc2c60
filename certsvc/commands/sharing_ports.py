"""What the store offers about uses by other systems (用证): grants and the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
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

    def grant(self, grant_id: str) -> Grant | None:
        """The grant."""
        ...

    def hold_by_tokens(self, digests: Sequence[str]) -> Mapping[str, Grant]:
        """Those of these grants that there are, by digest; nobody else uses them until the end of the transaction."""
        ...

    def hold_of_consents(self, consent_ids: Sequence[str]) -> Sequence[Grant]:
        """The grants that came of these use requests and consents at a counter, held in the same way."""
        ...

    def of_consents(self, consent_ids: Sequence[str]) -> Sequence[Grant]:
        """The same, not held."""
        ...

    def answer_under(self, grant_id: str, *, most: int, now: datetime, case_no: str = "") -> bool:
        """Count an answer under a grant; False when it was withdrawn, is over or has given ``most`` answers.

        One that named no case is for ``case_no`` from now on: else it would answer for every case of the office.
        """
        ...

    def withdraw_under(self, basis_ids: Sequence[str], *, now: datetime) -> Sequence[str]:
        """Withdraw the unused grants that rest on these delegations or relations; their ids."""
        ...

    def grants_over(self, version_ids: Sequence[str], *, limit: int) -> Sequence[Grant]:
        """Grants over these licenses, whoever consented, newest first."""
        ...

    def use_grants(self, grant_ids: Collection[str], *, now: datetime) -> int:
        """Use each once, if in time and not withdrawn; how many were."""
        ...

    def bind_cases(self, cases: Mapping[str, str]) -> int:
        """Let grants (by id) that named no case be for this one from now on; how many named none."""
        ...

    def withdraw_grant(self, grant_id: str, *, holder_subject: str, now: datetime) -> datetime | None:
        """Withdraw a grant of this holder, used or not, whose time is not over; from when on it is, None if not."""
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

    def insert_fetches(self, made: Sequence[Fetch]) -> None:
        """Append to the ledger."""
        ...

    def fetches_of(
        self,
        version_ids: Sequence[str],
        *,
        limit: int,
        behind: tuple[datetime, str] | None = None,
        now: datetime | None = None,
    ) -> Sequence[Fetch]:
        """Ledger rows about these versions as their holder may see them at ``now``, newest first.

        Only what comes ``behind`` a time and an id, if given; without ``now`` nothing that was ever withheld.
        """
        ...

    def fetches_by(self, client_id: str, version_ids: Sequence[str], *, limit: int) -> Sequence[Fetch]:
        """A client's own ledger rows about these versions, newest first; those too that a holder may not see yet."""
        ...

    def withheld_to_tell(self, *, now: datetime, limit: int) -> Sequence[Fetch]:
        """Uses that were withheld until a moment that has come, and were not told yet."""
        ...

    def told(self, fetch_id: str, *, now: datetime) -> bool:
        """Remember that a withheld use was told; False when it was."""
        ...
