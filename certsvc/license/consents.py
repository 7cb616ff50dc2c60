"""授权用证: a client asks a named holder, a clerk takes a consent on paper, and a duty that is kept quiet for a while.

Laws:

* A use request is ``asked`` until everybody who must has confirmed it, one declined, or its time is over (derived).
  One that is confirmed stands as one grant for each license it found; it was never told before whether there are any.
* A withheld use needs a body's person who asks and another one who approves, a legal basis and a last moment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.license.model import Holder

MAX_REQUEST_HOURS = 72
"""A question that waits longer would be answered by somebody who has forgotten the case."""
MAX_CONSENT_DAYS = 30
"""A confirmed consent that lasts longer than a case would become a standing permission."""
MAX_OPEN_PER_HOLDER = 5
"""Requests of one client that wait for the same holder: stops a client from pressing somebody into a yes."""
MAX_ASKS_PER_HOLDER = 10
"""Requests of one client to the same holder in a day, answered or not: stops one that asks again after every no."""
PAUSE_AFTER_NO = timedelta(days=3)
"""How long nobody asks the same holder again for a case after a no: stops wearing somebody down until a yes."""
MAX_OPEN_PER_CLIENT = 2000
"""Requests of one client that wait: bounds what a broken client can write."""
MAX_REQUEST_TYPES = 12
"""License types in one request; a matter that needs more is several matters."""
MAX_ANSWERS_PER_GRANT = 20
"""Answers under one consent: questions after terms could else spell out a field that may not be read."""
MAX_HOLDER_ASKS = 20
"""``?holder`` questions a day of one client about one license, and about one person: else an oracle over ID numbers."""
MAX_WITHHELD_DAYS = 90
"""Longest time for which a holder does not learn of a use on duty; a longer secrecy is another law's affair."""
MAX_COUNTER_HOURS = 24
"""A consent on paper is for the visit at the counter."""
COUNTER_COPY_DAYS = 30
"""Longest life of a copy on a consent on paper, which says nothing of copies: the time in which a case is decided."""
MAX_COHORT = 1000
"""Holders of one cohort; a larger one would hold the ledger's lock for long."""


class RequestState(StrEnum):
    """What became of a use request; ``lapsed`` is derived and never stored."""

    ASKED = "asked"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    LAPSED = "lapsed"


@dataclass(frozen=True, kw_only=True, slots=True)
class UseRequest:
    """A client's question to a holder.

    Attributes:
        holder: whom the client named; kept encrypted.
        items: type slug -> keys of fields and answers.
        lapses_at: when it is too late to confirm; ``until``: when the grants end.
    """

    request_id: str
    client_id: str
    client_name: str
    authority_code: str
    matter_code: str
    case_no: str
    operator: str
    purpose: str
    holder: Holder
    items: Mapping[str, tuple[str, ...]]
    created_at: datetime
    lapses_at: datetime
    until: datetime
    state: RequestState = RequestState.ASKED
    closed_at: datetime | None = None

    def stands(self, now: datetime) -> RequestState:
        """The state at ``now``, the end of its time included."""
        if self.state is RequestState.ASKED and now >= self.lapses_at:
            return RequestState.LAPSED
        return self.state


@dataclass(frozen=True, kw_only=True, slots=True)
class Party:
    """One who must confirm a request: the holder, and the co-holders of a license whose type asks for all of them.

    Attributes:
        version_id: the license of a co-holder; empty for the holder, who answers for everything that was asked.
        basis, basis_id: by what right somebody answered.
        chosen: type slug -> license id, of the holder's yes: which of several licenses it is for.
    """

    party_id: str
    request_id: str
    holder: Holder
    version_id: str
    created_at: datetime
    state: RequestState = RequestState.ASKED
    answered_by: str = ""
    answered_at: datetime | None = None
    basis: str = ""
    basis_id: str = ""
    chosen: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class CounterConsent:
    """现场授权: what a clerk saw and kept.

    Attributes:
        holder: whose licenses; ``signer``: who signed and whose identity document was read: the holder, or who may
            decide for the holder. The store keeps both encrypted, and a keyed digest of the document's number.
        picture_sha256: of the picture of the handwritten consent.
    """

    consent_id: str
    client_id: str
    authority_code: str
    clerk: str
    matter_code: str
    case_no: str
    operator: str
    purpose: str
    holder: Holder
    signer: Holder
    picture_sha256: str
    object_name: str
    created_at: datetime
    expires_at: datetime


class WithholdState(StrEnum):
    """What became of a wish to keep a use quiet."""

    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Withholding:
    """That uses for one case are not told to the holder until a moment."""

    withholding_id: str
    authority_code: str
    matter_code: str
    case_no: str
    legal_basis: str
    until: datetime
    asked_by: str
    asked_at: datetime
    state: WithholdState = WithholdState.ASKED
    decided_by: str = ""
    decided_at: datetime | None = None

    def covers(self, matter_code: str, case_no: str, now: datetime) -> bool:
        """Whether a use for this case may be withheld now."""
        same = (self.matter_code, self.case_no) == (matter_code, case_no)
        return same and self.state is WithholdState.APPROVED and now < self.until


LONGEST_WITHHELD = timedelta(days=MAX_WITHHELD_DAYS)
