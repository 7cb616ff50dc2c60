"""Ports of notices: notices and contacts in the store, and the ways to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.license.model import Holder
    from certsvc.license.notices import (
        ClaimedNotice,
        Contact,
        HolderContact,
        Letter,
        Notice,
        NoticeState,
        SendFault,
        Service,
        Way,
    )


class Notices(Protocol):
    """What holders are told, and how it was served."""

    def insert(self, *made: Notice) -> None:
        """Store."""
        ...

    def by_id(self, notice_id: str) -> Notice | None:
        """The notice."""
        ...

    def of_versions(
        self, version_ids: Sequence[str], *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Notice]:
        """Notices about these versions, newest first; only what comes ``behind`` a time and an id, if given."""
        ...

    def open(self, state: NoticeState, *, authority_code: str, behind: str, limit: int) -> Sequence[Notice]:
        """Waiting or failed ones that a body has to serve (empty: any body), behind an id, oldest first."""
        ...

    def is_due(self, way: Way, *, now: datetime) -> bool:
        """Whether :meth:`claim` would find one; takes no lock."""
        ...

    def claim(self, way: Way, *, token: str, now: datetime, lease_s: int) -> ClaimedNotice | None:
        """Take the notice that is due longest for a way; its attempts grow by one.

        One behind another that waits, about the same license by the same way, is passed over. A guarded UPDATE …
        RETURNING: two processes never hold the same one.
        """
        ...

    def sent(self, claim: ClaimedNotice, service: Service, *, now: datetime) -> bool:
        """A gateway took it; False when the claim was lost. One that was read meanwhile stays read."""
        ...

    def put_off(self, claim: ClaimedNotice, *, way: Way, attempts: int, ready_at: datetime) -> bool:
        """It is tried again, by this way; False when the claim was lost or it does not wait any more."""
        ...

    def fail(self, claim: ClaimedNotice, service: Service, *, reason: str, now: datetime) -> bool:
        """No way is left; False as in :meth:`put_off`."""
        ...

    def read(self, notice_ids: Sequence[str], *, now: datetime) -> Sequence[str]:
        """The holder opened the license: mark those that were not read or served yet; which ones."""
        ...

    def serve(self, notice_id: str, way: Way, service: Service, *, now: datetime) -> bool:
        """Staff served it by hand; False when it was read or served before."""
        ...

    def resend(self, notice_id: str, way: Way, *, now: datetime) -> bool:
        """Let a failed one wait again, from the beginning of the schedule; False when it has not failed."""
        ...


class Contacts(Protocol):
    """How holders want to be told, found by a keyed digest of type and code."""

    def of(self, holder: Holder) -> HolderContact | None:
        """What is known."""
        ...

    def of_all(self, holders: Sequence[Holder]) -> Mapping[Holder, HolderContact]:
        """What is known of several."""
        ...

    def set_own(self, holder: Holder, contact: Contact, *, tell_uses: bool, by: str, now: datetime) -> None:
        """What the holder wants; what others gave stays beside it."""
        ...

    def set_given(self, holder: Holder, contact: Contact, *, by: str, now: datetime) -> None:
        """What an approval system passed on; what the holder set stays beside it."""
        ...


class NoticeChannel(Protocol):
    """Hands messages to a gateway. Threads may share one."""

    @property
    def way(self) -> Way:
        """SMS or mail."""
        ...

    def send(self, letter: Letter) -> SendFault:
        """Hand over; never raises for what a gateway does.

        The same letter may come twice, after a crash: where the gateway can, it is then one message to the holder.
        """
        ...
