"""反扫: a code that the verifier makes and the holder answers.

Laws:

* ``asked → confirmed | declined``, once, by the first holder who answers in time; ``confirmed → collected``, once, by
  the session that asked, in time. What is too late has no state of its own: it is derived from the clock.
* Who asks, why and for which scene or matter are fixed when the code is made; the holder's yes covers that and no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

CHALLENGE_TTL_S = 120
"""How long a challenge waits for the holder: to open the own page and read takes longer than a glance at a code, and
a picture of it that is passed on is dead before it has come far (relay)."""

COLLECT_TTL_S = 60
"""How long an answer waits for its verifier: the holder's yes is for now, not for a file (DESIGN.md 4)."""

CHALLENGE = "challenge"
"""``code_kind`` of the inspection record of an answer that was collected."""

PHOTO, BARE = "*photo", "!"
"""In what a holder said yes to: the photo, and what stands before the key of a field that was seen without a mask."""

POLL_S = 2
"""Seconds that a verifier waits between two looks (Retry-After)."""

MAX_OPEN_CHALLENGES = 50
"""Unanswered challenges of one verifier: a counter has one, a gate a few; stops codes from being made in heaps and
stuck up where people pass."""


class ChallengeState(StrEnum):
    """What became of it; ``expired`` is derived and never stored."""

    ASKED = "asked"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    COLLECTED = "collected"
    EXPIRED = "expired"


@dataclass(frozen=True, kw_only=True, slots=True)
class Challenge:
    """One challenge, known to us only by the digests of its code and of its ticket.

    Attributes:
        token_sha256: hex SHA-256 of the token in the QR.
        ticket_sha256: hex SHA-256 of what the asking session alone knows.
        verifier: subject of the account that asked; ``badge`` is what the holder is shown of it (执法证号, a system's
            name).
        type_slug: the only type that answers it, or empty for any that has the scene or is of the matter.
        scene: scene code, or empty when a matter is asked for.
        audience: ``officer`` or ``clerk``: whose scenes these are.
        matter_code, case_no: the matter and 办件编号, or empty.
        purpose: why, in the verifier's words.
        task_no: 检查通知书 or task number, or empty.
        operator: 经办人 of the using system that asks for a matter, or empty.
        seen: what the holder said yes to, keys of fields and :data:`PHOTO`, and what may be given at most; None before
            the yes, and of earlier releases.
        holder_subject: account that answered; ``version_id``, ``basis``, ``basis_id``, ``presenter`` as in a show.
    """

    challenge_id: str
    token_sha256: str
    ticket_sha256: str
    verifier: str
    authority_code: str
    badge: str
    type_slug: str
    scene: str
    audience: str
    matter_code: str
    case_no: str
    purpose: str
    task_no: str
    created_at: datetime
    expires_at: datetime
    state: ChallengeState = ChallengeState.ASKED
    holder_subject: str = ""
    version_id: str = ""
    basis: str = ""
    basis_id: str = ""
    presenter: str = ""
    operator: str = ""
    seen: tuple[str, ...] | None = None
    answered_at: datetime | None = None
    collect_until: datetime | None = None
    collected_at: datetime | None = None

    def stands(self, now: datetime) -> ChallengeState:
        """The state at ``now``, lateness included."""
        if self.state is ChallengeState.ASKED and now >= self.expires_at:
            return ChallengeState.EXPIRED
        late = self.collect_until is not None and now >= self.collect_until
        return ChallengeState.EXPIRED if self.state is ChallengeState.CONFIRMED and late else self.state
