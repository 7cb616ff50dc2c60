"""What the store offers about annotated copies (加注件) and alerts to users of a license (状态变更通报)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.license.copies import AnnotatedCopy
    from certsvc.license.use_alerts import AlertBatch, AlertState, UseAlert


class Copies(Protocol):
    """Annotated copies."""

    def insert(self, copy: AnnotatedCopy) -> bool:
        """Store the intent of a copy; False when its fetch has one already."""
        ...

    def by_fetch(self, fetch_id: str) -> AnnotatedCopy | None:
        """The copy of a fetch, in whatever state."""
        ...

    def of_fetches(self, fetch_ids: Sequence[str]) -> Mapping[str, AnnotatedCopy]:
        """The copies of these fetches that were handed out, by fetch."""
        ...

    def by_id(self, copy_id: str) -> AnnotatedCopy | None:
        """The copy, if it was handed out."""
        ...

    def by_sha256(self, sha256: str) -> AnnotatedCopy | None:
        """The copy whose bytes these are, if it was handed out."""
        ...

    def by_token(self, token_sha256: str) -> AnnotatedCopy | None:
        """The copy to which a printed code leads, if it was handed out."""
        ...

    def give(self, copy_id: str, *, sha256: str, size: int, object_name: str, now: datetime) -> bool:
        """Register the sealed file of one that is being made; False when it is not."""
        ...

    def withdraw(self, copy_id: str, *, now: datetime) -> bool:
        """Withdraw one that was handed out; False when it is not, or was withdrawn before."""
        ...

    def forget_unmade(self, *, before: datetime, limit: int) -> int:
        """Delete intents from before that moment that led to nothing; how many."""
        ...


class Alerts(Protocol):
    """Batches of alerts, and the alerts."""

    def insert_batch(self, batch: AlertBatch) -> None:
        """Store a change whose users are to be told; again changes nothing."""
        ...

    def next_batch(self) -> AlertBatch | None:
        """The oldest batch that is not finished, held until the end of the transaction."""
        ...

    def keep_place(self, batch: AlertBatch) -> None:
        """Store how far a batch has come."""
        ...

    def insert(self, alerts: Sequence[UseAlert]) -> Sequence[UseAlert]:
        """Store alerts; those whose addressee has none of this batch yet."""
        ...

    def by_id(self, alert_id: str) -> UseAlert | None:
        """The alert."""
        ...

    def received(
        self, client_id: str, authority_code: str, state: AlertState, *, limit: int, behind: tuple[datetime, str] | None
    ) -> Sequence[UseAlert]:
        """Those for this client, and those for this body, newest first; an empty id or code has none."""
        ...

    def issued(
        self, issuer_code: str, state: AlertState, *, limit: int, behind: tuple[datetime, str] | None
    ) -> Sequence[UseAlert]:
        """Those about licenses of this issuer, newest first."""
        ...

    def open(self, *, limit: int, behind: tuple[datetime, str] | None) -> Sequence[UseAlert]:
        """Those that nobody acknowledged, newest first."""
        ...

    def with_cases(self, alerts: Sequence[UseAlert], *, most: int) -> Sequence[UseAlert]:
        """The same alerts with the cases of the newest ``most`` uses of each."""
        ...

    def acknowledge(self, alert_id: str, *, done: str, note: str, by: str, now: datetime) -> bool:
        """Acknowledge an open one; False when it is not."""
        ...

    def remind(self, *, before: datetime, now: datetime, limit: int) -> Sequence[UseAlert]:
        """Mark open ones from before that moment as reminded, each once; those that were marked."""
        ...
