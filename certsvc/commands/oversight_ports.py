"""What the store offers about regulators (审管双推送): subscriptions, pushes, and the results that come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.license.oversight import InspectionResult, Oversight, OversightState, Push


class Oversights(Protocol):
    """Subscriptions of regulators and what they were told."""

    def insert(self, oversight: Oversight) -> None:
        """Store."""
        ...

    def by_id(self, oversight_id: str) -> Oversight | None:
        """The subscription."""
        ...

    def clients_of(self, oversight_ids: Sequence[str]) -> Mapping[str, str]:
        """The client of each of these that there is, by id."""
        ...

    def of_client(self, client_id: str, *, behind: str, limit: int) -> Sequence[Oversight]:
        """Those of a client, or of all (empty), behind an id in the order of their ids."""
        ...

    def active(self) -> Sequence[Oversight]:
        """Every active one, in the order of their ids."""
        ...

    def move(self, changed: Oversight, *, source: OversightState) -> bool:
        """Store state, reason, place and who decided, if it still stands at ``source``; else False."""
        ...

    def push(self, push: Push) -> bool:
        """Store; False when this subscription was told of this event already."""
        ...

    def pushed(self, push_id: str) -> Push | None:
        """The push."""
        ...

    def pushes(self, oversight_id: str, *, after: int, limit: int) -> Sequence[Push]:
        """Pushes of a subscription behind a position, in order."""
        ...


class InspectionResults(Protocol):
    """检查结果 of regulators' own systems."""

    def insert(self, result: InspectionResult) -> bool:
        """Store; False when the client has a result of this number."""
        ...

    def by_number(self, client_id: str, result_no: str) -> InspectionResult | None:
        """The result."""
        ...

    def of_versions(
        self, version_ids: Sequence[str], *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[InspectionResult]:
        """Results about these versions, newest first."""
        ...
