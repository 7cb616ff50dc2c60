"""What the store offers about the bases of uses: use requests, consents at a counter, withheld uses, counts.

Writes that guard on a state return whether they took effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from certsvc.license.consents import (
        CounterConsent,
        Party,
        RequestState,
        UseRequest,
        Withholding,
        WithholdState,
    )
    from certsvc.license.model import Holder


class Bases(Protocol):
    """On what uses rest."""

    def hold_client(self, client_id: str) -> None:
        """Let no other transaction of this client count or ask until the end of this one."""
        ...

    def count_open(self, client_id: str, holder: Holder | None, *, now: datetime) -> int:
        """How many requests of the client still wait, for this holder or for all."""
        ...

    def declined(self, holder: Holder, matter_code: str, case_no: str, *, since: datetime) -> bool:
        """Whether this holder said no to a request for this case after ``since``, whichever client it was of."""
        ...

    def open_of(self, client_id: str, *, now: datetime, limit: int) -> Sequence[UseRequest]:
        """The requests of the client that still wait, in the order in which they lapse."""
        ...

    def insert_request(self, request: UseRequest) -> None:
        """Store."""
        ...

    def request(self, request_id: str, *, hold: bool = False) -> UseRequest | None:
        """The request; held, nobody else answers it until the end of the transaction."""
        ...

    def requests(self, request_ids: Sequence[str]) -> Mapping[str, UseRequest]:
        """Those of these requests that there are, by id."""
        ...

    def close_request(self, request_id: str, state: RequestState, *, now: datetime) -> bool:
        """``confirmed`` or ``declined``, if it still waits and is in time."""
        ...

    def insert_party(self, party: Party) -> None:
        """Store."""
        ...

    def parties_of(self, request_id: str) -> Sequence[Party]:
        """Everybody who must confirm, as far as that is known."""
        ...

    def parties_with(self, holders: Sequence[Holder], *, limit: int) -> Sequence[Party]:
        """What these people and companies were asked, newest first."""
        ...

    def answer_party(self, answered: Party, *, now: datetime) -> bool:
        """Store an answer, once."""
        ...

    def insert_counter(self, consent: CounterConsent) -> None:
        """Store."""
        ...

    def counters(self, consent_ids: Sequence[str]) -> Mapping[str, CounterConsent]:
        """Those of these consents that there are, by id."""
        ...

    def seal_picture(self, consent_id: str, data: bytes) -> bytes:
        """The bytes of a picture as its object holds them: encrypted, bound to the consent."""
        ...

    def open_picture(self, consent_id: str, sealed: bytes) -> bytes:
        """The bytes again; IntegrityError when they were changed or are another consent's."""
        ...

    def insert_withholding(self, made: Withholding) -> None:
        """Store."""
        ...

    def withholdings(self, withholding_ids: Sequence[str]) -> Mapping[str, Withholding]:
        """Those of these that there are, by id."""
        ...

    def withholdings_of(self, authority_code: str, *, limit: int) -> Sequence[Withholding]:
        """Those of this body, newest first."""
        ...

    def decide_withholding(self, withholding_id: str, state: WithholdState, *, by: str, now: datetime) -> bool:
        """Approve or refuse, once."""
        ...

    def count_ask(self, client_id: str, day: date, about: str, *, most: int) -> bool:
        """Count a question about a license or a person; False when the client asked ``most`` today."""
        ...
