"""What the store and the key ring offer about seals: register, life, watch, approvals, revocations, and the making."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from certsvc.seal.approval import ApprovalState, Representative, UseApproval, Vote
    from certsvc.seal.authorities import AuthorityFacts, RevokedEntry
    from certsvc.seal.making import CertificateFacts, KeyOrder, ObjectOrder, SealMaking
    from certsvc.seal.model import ReservationResult, Seal, SealReservation, SealState
    from certsvc.seal.object import SealObjectReport
    from certsvc.seal.odd import OddRule
    from certsvc.seal.version import RevokedCertificate, SealMoveRecord, SealVersion


class Seals(Protocol):
    """Seals in use and the reservations of their use."""

    def upsert(self, seal: Seal) -> None:
        """Register a seal that was declared; the stored state of a known one, and a re-made one, is kept."""
        ...

    def by_id(self, seal_id: str) -> Seal | None:
        """The seal."""
        ...

    def by_ids(self, seal_ids: Sequence[str]) -> Mapping[str, Seal]:
        """Those of these seals that there are, by id."""
        ...

    def all(self) -> Sequence[Seal]:
        """Every seal, by id."""
        ...

    def hold(self, seal_id: str) -> Seal | None:
        """The seal; nobody else moves it or reserves a use of it until the end of the transaction."""
        ...

    def set_state(self, seal_id: str, *, source: SealState, target: SealState) -> bool:
        """Move a seal, if it still stands at ``source``."""
        ...

    def expired(self, now: datetime, *, limit: int) -> Sequence[Seal]:
        """Seals in use whose period has ended, by id."""
        ...

    def reserve(self, uses: Sequence[SealReservation], *, day_start: datetime, day_end: datetime) -> bool:
        """Store reservations of one seal if it is active, each lies in its period and its budget holds all of them.

        All or none. One guarded statement per seal row, so that parallel tries around the limit never exceed it.
        """
        ...

    def used_since(self, seal_id: str, since: datetime, *, limit: int) -> int:
        """How many uses were reserved after ``since``, counted up to ``limit``."""
        ...

    def newest_uses(self, seal_id: str, *, limit: int) -> Sequence[SealReservation]:
        """The newest reservations of a seal, newest first."""
        ...

    def used_on(self, day_start: datetime) -> Mapping[str, int]:
        """How many uses each seal has had on the day that begins at ``day_start``."""
        ...

    def answer(self, answers: Sequence[tuple[str, ReservationResult, str]], *, now: datetime) -> int:
        """Set the results of open reservations, once: id, result, digest of the signature; how many had none."""
        ...

    def unanswered(self, *, before: datetime, limit: int) -> Sequence[SealReservation]:
        """Reservations made before ``before`` that are open or whose answer is unknown."""
        ...

    def unanswered_of(self, seal_id: str, *, before: datetime, limit: int) -> Sequence[SealReservation]:
        """As :meth:`unanswered`, of one seal."""
        ...

    def abandon(self, purposes: Sequence[str], *, now: datetime) -> Sequence[SealReservation]:
        """Mark earlier open reservations of these purposes as ``unknown`` when their work resumes; which ones."""
        ...

    def settle(
        self, reservation_id: str, result: ReservationResult, *, open_before: datetime, now: datetime
    ) -> SealReservation | None:
        """Answer one that is ``unknown``, or open since before ``open_before``; None when it is neither."""
        ...


class SealLives(Protocol):
    """Versions of seals, their moves and their makings."""

    def open(self, version: SealVersion) -> bool:
        """Store a version that is under way; False when another one of the seal is."""
        ...

    def version(self, seal_id: str, version: int) -> SealVersion | None:
        """One version."""
        ...

    def versions(self, seal_id: str) -> Sequence[SealVersion]:
        """Every version, the oldest first."""
        ...

    def with_key(self, key_id: str) -> Sequence[SealVersion]:
        """Versions, of whatever seal, that have this key, or whose making would make it."""
        ...

    def without_key(self) -> Sequence[SealVersion]:
        """Versions that ended in a way that destroys their key: refused, dropped, replaced or cancelled."""
        ...

    def under_way(self, *, limit: int) -> Sequence[SealVersion]:
        """Versions that are not in use yet, by id of their seal."""
        ...

    def move(self, version: SealVersion, *, source: SealState) -> bool:
        """Write a version that is not in use yet, if it still stands at ``source``."""
        ...

    def activate(self, version: SealVersion) -> bool:
        """Make this version the seal, and the one before it replaced; False when it is not ``made`` any more."""
        ...

    def record(self, move: SealMoveRecord) -> None:
        """Append to the history."""
        ...

    def history(self, seal_id: str) -> Sequence[SealMoveRecord]:
        """Every move of every version, the oldest first."""
        ...

    def begin_making(self, making: SealMaking) -> None:
        """Store a making before its key operations."""
        ...

    def answer_making(self, making_id: str, result: ReservationResult, *, now: datetime) -> bool:
        """Set the result of an open making once; False when it has one."""
        ...

    def abandon_makings(self, key_id: str, *, now: datetime) -> Sequence[SealMaking]:
        """Mark earlier open makings with this key as ``unknown`` when the work resumes; which ones."""
        ...

    def unanswered_makings(self, *, before: datetime, limit: int) -> Sequence[SealMaking]:
        """Makings without an answer."""
        ...

    def revoke(self, certificate: RevokedCertificate) -> bool:
        """Store a revocation; False when the certificate was revoked before."""
        ...

    def is_revoked(self, key_id: str) -> bool:
        """Whether a certificate of this key was revoked."""
        ...

    def revocations(self) -> Sequence[RevokedCertificate]:
        """Every revocation, by issuer and serial: what CRLs are made of."""
        ...


class Authorities(Protocol):
    """The issuing CAs that are kept here, in the sandbox; in production none: an outside CA publishes for itself."""

    def known(self) -> Sequence[AuthorityFacts]:
        """The CAs, by id."""
        ...

    def certificate(self, ca_id: str) -> bytes:
        """The CA's certificate in DER; NotFound."""
        ...

    def crl(
        self, ca_id: str, revoked: Iterable[RevokedEntry], *, now: datetime, since: datetime | None = None
    ) -> bytes:
        """The CA's CRL in DER (RFC 5280 §5), made no earlier than ``since``; NotFound."""
        ...

    def ocsp(
        self,
        ca_id: str,
        request: bytes,
        revoked: Iterable[RevokedEntry],
        issued: Callable[[str], bool],
        *,
        now: datetime,
    ) -> bytes:
        """The CA's OCSP answer in DER (RFC 6960); ``issued`` knows serials (hex) that no file holds. NotFound."""
        ...

    def timestamp(self, request: bytes) -> bytes:
        """The development TSA's answer (RFC 3161) in DER; NotFound in production."""
        ...


class SealFences(Protocol):
    """What puts the use of keys and the stop of a seal, or of an office, in one order (``seals/fence.py``)."""

    def share(self, names: Iterable[str], *, most_ms: int) -> None:
        """Keep what closes these fences waiting until the end of the transaction, or ``most_ms`` without a statement.

        What is read after this call is what the last one that closed them wrote.
        """
        ...

    def close(self, name: str) -> None:
        """Wait for those who share this fence; nobody passes it until the end of the transaction."""
        ...


class SealWatch(Protocol):
    """What odd use is seen by."""

    def count_hour(self, seal_id: str, hour_start: datetime, *, uses: int = 1) -> tuple[int, bool]:
        """More uses in this hour: how many there are now, and whether the hour is excused."""
        ...

    def busy_hours(self, seal_id: str, *, since: datetime, before: datetime) -> Sequence[int]:
        """Uses of every hour with any, between the two."""
        ...

    def note_try(self, seal_id: str, rule: OddRule, purpose: str, *, now: datetime) -> None:
        """A refused use; the same purpose is one try, with the time of the newest."""
        ...

    def tries(self, seal_id: str, *, since: datetime) -> Mapping[OddRule, int]:
        """How many different tries there were since then, by rule."""
        ...

    def excuse(self, seal_id: str, hour_start: datetime) -> None:
        """A keeper resumed: forget the tries, and let this hour be as busy as it is."""
        ...


class SealApprovals(Protocol):
    """Approvals of manual use, and 首席代表."""

    def ask(self, approval: UseApproval) -> None:
        """Store an approval that was asked for."""
        ...

    def by_id(self, approval_id: str, *, hold: bool = False) -> UseApproval | None:
        """The approval; held until the end of the transaction when asked."""
        ...

    def of_owner(self, owner_code: str, *, limit: int) -> Sequence[UseApproval]:
        """Approvals about seals of an owner, newest first."""
        ...

    def vote(self, approval_id: str, vote: Vote) -> bool:
        """Store a vote; False when this person has voted."""
        ...

    def votes(self, approval_id: str) -> Sequence[Vote]:
        """The votes, oldest first."""
        ...

    def set_state(self, approval_id: str, *, source: ApprovalState, target: ApprovalState, used_by: str = "") -> bool:
        """Move an approval, if it still stands at ``source``."""
        ...

    def appoint(self, representative: Representative) -> None:
        """Store an appointment."""
        ...

    def representative(self, representative_id: str) -> Representative | None:
        """The appointment."""
        ...

    def representatives(self, owner_code: str, *, limit: int) -> Sequence[Representative]:
        """Appointments by an owner, newest first."""
        ...

    def dismiss(self, representative_id: str, *, now: datetime) -> bool:
        """End an appointment early, once."""
        ...


class SealMaker(Protocol):
    """Makes the keys, certificates and seal objects of seals inside the key ring; no private key ever leaves it."""

    def issues(self) -> bool:
        """Whether an issuing CA is at hand here (the sandbox's), or certificates come from outside."""
        ...

    def is_maker(self, cert_sha256: str) -> bool:
        """Whether this certificate (hex SHA-256) is one that the seal maker's key was given here, now or before."""
        ...

    def has_object(self, key_id: str, data: bytes) -> bool:
        """Whether these bytes are the seal object of a key, as it is kept here."""
        ...

    def make_key(self, order: KeyOrder) -> None:
        """Make the key unless it is there; an existing one is never overwritten."""
        ...

    def issue(self, order: KeyOrder) -> CertificateFacts:
        """The key's certificate from the CA at hand; the same one when it is there already."""
        ...

    def request(self, order: KeyOrder) -> str:
        """A certificate request (PKCS#10, PEM) of the key, signed by it."""
        ...

    def accept(self, order: KeyOrder, answer: bytes) -> CertificateFacts:
        """Take an outside CA's certificate after proof that it is the key's.

        Raises:
            InvalidInput: no certificate, one of another key or owner, ended, without trusted issuer, or a broken chain.
        """
        ...

    def certificates(self, key_id: str) -> Sequence[CertificateFacts]:
        """Facts of every certificate that a key was given, the present one first; none for a key that is elsewhere."""
        ...

    def make_object(self, order: ObjectOrder) -> None:
        """Make and keep the seal object of an SM2 key, signed by the seal maker's key."""
        ...

    def seal_object(self, key_id: str) -> bytes:
        """The seal object in DER; NotFound when the key has none."""
        ...

    def judge_object(self, data: bytes, now: datetime) -> SealObjectReport:
        """What is found about an uploaded seal object; InvalidInput for a file that is none."""
        ...

    def kept(self) -> frozenset[str]:
        """Ids of the keys whose private half is here and that :meth:`destroy` would destroy."""
        ...

    def destroy(self, key_id: str) -> None:
        """Destroy a private key that is never to sign again, durably, and again without effect.

        Its certificates stay known as ours.
        """
        ...
