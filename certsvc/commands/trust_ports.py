"""Ports of the trust list: that in force, its rows, its signed form; publishers of revocations, other registers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.seal.partner_answer import PartnerAnswer
    from certsvc.seal.trust_list import EndedProposal, Recognition, TrustChange, TrustList, TrustLog, TrustProposal
    from certsvc.seal.verdict import RevocationQuery


class TrustSource(Protocol):
    """Holds the trust list in force and follows its changes."""

    @property
    def log(self) -> TrustLog:
        """Every version; swapped as a whole, never changed."""
        ...

    @property
    def current(self) -> TrustList:
        """The version in force."""
        ...

    def follow(self) -> bool:
        """Look at the number of changes, one row, and take up newer ones; True when there were some.

        A log that was tampered with leaves the last good one in force and is logged once.
        """
        ...


class TrustRows(Protocol):
    """Proposed, confirmed and ended changes of the trust list; rows are never changed."""

    def version(self) -> int:
        """How many changes were confirmed; one row."""
        ...

    def propose(self, proposal: TrustProposal) -> None:
        """Store."""
        ...

    def hold(self, proposal_id: str) -> TrustProposal | None:
        """The proposal; nobody else confirms or ends it until the end of the transaction."""
        ...

    def waiting(self, since: datetime) -> Sequence[TrustProposal]:
        """Proposals from behind ``since`` that nobody confirmed or ended, nor a later change overtook, oldest first."""
        ...

    def expired(self, since: datetime, *, limit: int) -> Sequence[TrustProposal]:
        """As :meth:`waiting`, those of ``since`` and before."""
        ...

    def end(self, ended: EndedProposal) -> None:
        """Store that a proposal came to nothing; IntegrityError when that is known already."""
        ...

    def ending(self, proposal_id: str) -> EndedProposal | None:
        """How a proposal came to nothing; None when it did not."""
        ...

    def ended(self, *, limit: int) -> Sequence[EndedProposal]:
        """The newest proposals that came to nothing, newest first."""
        ...

    def take_number(self) -> int:
        """The number of the next change; nobody else takes one until the end of the transaction."""
        ...

    def last(self) -> TrustChange | None:
        """The newest change."""
        ...

    def last_of(self, kind: str, entry_id: str) -> int:
        """Number of the newest change of an entry; 0 when there is none."""
        ...

    def confirm(self, change: TrustChange) -> None:
        """Store; IntegrityError when the number or the proposal was used already."""
        ...

    def changes(self, *, after: int = 0, limit: int | None = None) -> Sequence[TrustChange]:
        """Changes with a number above ``after``, oldest first."""
        ...


class TrustDocuments(Protocol):
    """Signs the trust list for others, reads theirs, and looks at certificates."""

    def sign(self, claims: Mapping[str, object], *, now: datetime) -> str:
        """A compact JWS over the claims; Unavailable without a key."""
        ...

    def read(self, text: str, jwks: str) -> Mapping[str, object]:
        """The claims of an export under the publisher's keys; InvalidInput when it was changed."""
        ...

    def keys(self) -> Mapping[str, object]:
        """The public keys as JWKS (RFC 7517)."""
        ...

    def check_certificate(self, der: bytes, *, authority: bool) -> str:
        """Its common name; InvalidInput for what is no certificate, or no CA where ``authority`` wants one."""
        ...

    def certificate_ends(self, der: bytes) -> datetime:
        """The end of its period; InvalidInput for what is no certificate."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class RevocationAnswers:
    """What came back: lists and answers in DER, and the hosts that did not answer or may not be asked."""

    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    unreachable: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceStanding:
    """How a publisher of revocation data answered this process since its start.

    Attributes:
        kinds: ``crl``, ``ocsp``, or both: what it was asked for.
    """

    host: str
    kinds: tuple[str, ...]
    answered_at: datetime | None
    failed_at: datetime | None


class RevocationSource(Protocol):
    """Asks the publishers of revocation data that the operator listed, and no others."""

    def ask(self, queries: Sequence[RevocationQuery], now: datetime) -> RevocationAnswers:
        """Everything that could be had in the time allowed; never raises for a host that is away."""
        ...

    def standing(self) -> Sequence[SourceStanding]:
        """The publishers that were asked, by host."""
        ...


class PartnerRegisters(Protocol):
    """Asks the register of another city how a license stands."""

    def ask(self, recognition: Recognition, sha256: str, at: datetime | None, now: datetime) -> PartnerAnswer | None:
        """Its answer for a file, now or as of ``at``; None when none came in time, or none that can be read."""
        ...
