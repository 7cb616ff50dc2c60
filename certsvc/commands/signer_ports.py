"""What signing by people needs: their register, rounds and codes; their keys; their pages; a way to reach them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from certsvc.seal.model import ReservationResult, Seal
    from certsvc.seal.prepared import PreparedPdf
    from certsvc.seal.signer import (
        ActCode,
        MadeKey,
        OneTimeCode,
        RevokedCertificate,
        Signer,
        SignerCertificate,
        SignerUse,
    )
    from certsvc.seal.signing_page import PreparedField, SignatureLook, SignatureRoom
    from certsvc.seal.signing_round import Revision, SigningRound


# The store -----------------------------------------------------------------------------------------------------------


class Signers(Protocol):
    """Signers, the tries of their PINs and the uses of their keys."""

    def insert(self, signer: Signer) -> bool:
        """Store; False when this person has a living signer already."""
        ...

    def by_id(self, signer_id: str) -> Signer | None:
        """The signer."""
        ...

    def of_person(self, code_type: str, code: str, *, limit: int) -> Sequence[Signer]:
        """The person's signers, newest first, found by the blind index."""
        ...

    def issue(self, signer_id: str, certificate: SignerCertificate) -> bool:
        """From ``applied`` to ``active`` with its certificate; False when it is not waiting for one."""
        ...

    def set_stopped(self, signer_id: str, *, stopped: bool) -> bool:
        """停用 or 恢复; False when the state does not allow it."""
        ...

    def withdraw(self, signer_id: str, *, reason: str, now: datetime) -> bool:
        """注销: destroy the wrapped key and revoke the certificate; False when it has ended already."""
        ...

    def expire(self, signer_id: str, *, now: datetime) -> bool:
        """Destroy the wrapped key of a signer whose certificate has ended; False when it was done or is too early."""
        ...

    def take_try(self, signer_id: str) -> bool:
        """Take one of the tries of a PIN; False when none is left, or the signer is not one that can be opened.

        One guarded UPDATE, to be committed before the PIN is looked at, so that parallel guesses get no more tries.
        """
        ...

    def give_back(self, signer_id: str) -> None:
        """Give one try back: something of ours failed before the PIN was judged."""
        ...

    def right_pin(self, signer_id: str) -> None:
        """Give all tries back after the right PIN."""
        ...

    def rewrap(self, signer_id: str, *, old: bytes, new: bytes) -> bool:
        """Replace the wrapped key, if it is still ``old``."""
        ...

    def set_handwriting(self, signer_id: str, picture: bytes) -> bool:
        """Replace the handwriting picture of a living signer."""
        ...

    def ended_by(self, now: datetime, *, limit: int) -> Sequence[str]:
        """Ids of signers whose certificate has ended and who are not marked so."""
        ...

    def awaiting_certificates(self, *, limit: int) -> Sequence[Signer]:
        """Signers that wait for the certificate of an external CA, oldest first."""
        ...

    def reserve(self, use: SignerUse) -> bool:
        """Store a use if the signer is active and its certificate is in its period; the row is locked first."""
        ...

    def answer(self, use_id: str, result: ReservationResult, *, signature_sha256: str, now: datetime) -> bool:
        """Set the result of an open use once; False when it has one."""
        ...

    def abandon(self, round_id: str, *, now: datetime) -> Sequence[SignerUse]:
        """Mark the open uses that a crash left in a round as ``unknown``; which ones."""
        ...

    def unanswered(self, *, before: datetime, limit: int) -> Sequence[SignerUse]:
        """Uses from before ``before`` that are open or whose answer is unknown, oldest first."""
        ...

    def issued(self, issuer_key_id: str, serial: str) -> bool:
        """Whether this CA issued a person's certificate of this serial (hex), whatever became of it."""
        ...

    def revoked_certificates(self, issuer_key_id: str = "") -> Sequence[RevokedCertificate]:
        """Revoked certificates, of one issuing CA or of all, by serial: what a CRL lists and OCSP answers."""
        ...


class Signings(Protocol):
    """Rounds, their steps and the revisions of their documents."""

    def insert(self, signing: SigningRound) -> None:
        """Store with its steps and its first revision."""
        ...

    def by_id(self, round_id: str) -> SigningRound | None:
        """The round."""
        ...

    def of_person(self, code_type: str, code: str, *, limit: int) -> Sequence[SigningRound]:
        """Rounds the person takes part in, newest first, found by the blind index."""
        ...

    def of_creator(self, created_by: str, *, limit: int) -> Sequence[SigningRound]:
        """Rounds that this system or clerk asked for, newest first."""
        ...

    def claim(self, round_id: str, *, token: str, now: datetime, lease_s: int) -> bool:
        """Take the document of an open round for one signature; False while another holds it."""
        ...

    def release(self, round_id: str, *, token: str) -> None:
        """Give the document back."""
        ...

    def sign(self, round_id: str, *, token: str, revision: Revision, signer_id: str, signature_sha256: str) -> bool:
        """Record a signature: the step, the new revision, the end of the claim; complete when nothing is left.

        False when the claim was lost, the round has ended, or the document is not the one before this revision.
        """
        ...

    def seal(self, round_id: str, *, token: str, revision: Revision) -> bool:
        """Record the seal and complete the round; False as in :meth:`sign`, or while a person has not signed."""
        ...

    def decline(self, round_id: str, step_id: str, *, remark: str, now: datetime) -> bool:
        """A participant declines: the step, the round, and the steps that still wait; False when it is too late."""
        ...

    def expire(self, round_id: str, *, now: datetime) -> bool:
        """The deadline passed; False when it has not, or everybody has signed, or the round has ended."""
        ...

    def cancel(self, round_id: str, *, now: datetime) -> bool:
        """The creator cancels; False when the round has ended."""
        ...

    def overdue(self, now: datetime, *, limit: int) -> Sequence[str]:
        """Ids of open rounds whose deadline passed while a person has not signed."""
        ...

    def registered(self, sha256: str) -> tuple[str, Revision] | None:
        """The round and revision that this file is, if it is one of ours."""
        ...


class RoundSeals(Protocol):
    """The seals that rounds wait for."""

    def awaiting(self, now: datetime, *, limit: int) -> Sequence[str]:
        """Ids of open rounds that lack only the seal and whose next try is due, the longest untried first."""
        ...

    def tried(self, round_id: str, *, now: datetime) -> int:
        """Record a try before it is made, so that one that never returns moves behind the others; its number."""
        ...

    def put_off(self, round_id: str, trouble: str, *, due: datetime) -> None:
        """Remember why the seal was not set, and when to try again."""
        ...

    def refuse(self, round_id: str, *, token: str, trouble: str, now: datetime) -> bool:
        """End a round that will never be sealed; False when the claim was lost or the round has ended."""
        ...


class Codes(Protocol):
    """One-time codes for one kind of matter; the code itself is never stored."""

    def take_turn(self, matter: str, *, now: datetime, after: datetime) -> bool:
        """Whether the last turn of this matter was before ``after``; this one is ``now`` then.

        The matter stays locked to the end of the transaction: of many who ask at once, the second counts what the
        first one made.
        """
        ...

    def made_since(self, matter: str, since: datetime) -> int:
        """How many codes were made for this matter since then."""
        ...

    def use(self, code_id: str, *, now: datetime) -> bool:
        """Use a code that was right; True once."""
        ...


class SignerCodes(Codes, Protocol):
    """Codes for what a person does with the own e-signature."""

    def insert(self, code: ActCode, text: str) -> None:
        """Keep a keyed digest of ``text``; earlier codes of the matter die."""
        ...

    def check(self, matter: str, *, text: str, now: datetime) -> str:
        """Id of the newest code of a matter, if ``text`` and time are right; else empty.

        Every check is counted, also a right one, in this transaction, whose commit the caller must not undo.
        """
        ...


class SigningCodes(Codes, Protocol):
    """Codes for a signature: the matter is the step."""

    def insert(self, code: OneTimeCode, text: str) -> None:
        """Keep a keyed digest of ``text``; earlier codes of the step die."""
        ...

    def check(self, step_id: str, *, text: str, document_sha256: str, signer_id: str, now: datetime) -> str:
        """Id of the newest code of a step, if ``text``, document, signer and time are right; else empty.

        Every check is counted, also a right one, in this transaction, whose commit the caller must not undo.
        """
        ...


# Keys ----------------------------------------------------------------------------------------------------------------


class OpenKey(Protocol):
    """A person's key, open for one operation."""

    def sign(self, prepared: PreparedPdf, *, signed_at: datetime) -> bytes:
        """The signed file, verified over the prepared bytes; SigningError when anything does not fit."""
        ...


class PersonKeys(Protocol):
    """Makes, wraps and opens the keys of people; keeps none."""

    @property
    def algorithm(self) -> str:
        """Of new keys: ``p256`` or ``sm2``."""
        ...

    def make(self, signer_id: str, name: str, pin: str, *, now: datetime) -> MadeKey:
        """A new key under ``pin``."""
        ...

    def rewrap(self, signer: Signer, pin: str, new_pin: str) -> bytes:
        """The same key under another PIN; PinRefused when ``pin`` is wrong."""
        ...

    def open(self, signer: Signer, pin: str) -> AbstractContextManager[OpenKey]:
        """Open the key, for as long as the block runs; PinRefused when ``pin`` is wrong."""
        ...

    def accept(self, signer: Signer, answer: bytes, *, now: datetime) -> SignerCertificate:
        """The certificate in an external CA's answer (PEM); InvalidInput: not this signer's, or not trusted."""
        ...

    def room(self, signer: Signer) -> SignatureRoom:
        """How much room a signature of this signer needs; no key is opened."""
        ...


# Pages ---------------------------------------------------------------------------------------------------------------


class UploadCheck(Protocol):
    """Looks at a document before anybody signs it."""

    def check(self, data: bytes) -> tuple[tuple[float, float], ...]:
        """Width and height of every page in millimetres.

        Raises:
            InvalidInput: no PDF, damaged, encrypted, signed already, or with parts that can change what is seen.
            TooLarge: too many pages.
        """
        ...


class SigningPages(Protocol):
    """Puts signature fields into documents, and the look of a signature into its field."""

    def begin(
        self, data: bytes, fields: Sequence[PreparedField], name: str, room: SignatureRoom, look: SignatureLook
    ) -> PreparedPdf:
        """The document with one more revision: the field ``name`` filled and a hole for its signature.

        ``fields`` are all of the document's: the first signature brings the empty ones of the others along.
        """
        ...

    def begin_seal(
        self,
        data: bytes,
        fields: Sequence[PreparedField],
        name: str,
        room: SignatureRoom,
        seal: Seal,
        at: datetime,
    ) -> PreparedPdf:
        """The same for a seal: its stamp in the field, which has the size of the stamp."""
        ...

    def stamp_size_mm(self, seal: Seal) -> tuple[float, float]:
        """Width and height of the seal's stamp on paper."""
        ...

    def normalise_handwriting(self, data: bytes) -> bytes:
        """A picture of handwriting as a PNG of ink on a transparent ground.

        Raises:
            InvalidInput: not a PNG or JPEG, damaged, or without ink.
            TooLarge: more bytes or pixels than the limits.
        """
        ...


# Reaching people -----------------------------------------------------------------------------------------------------


class Notifier(Protocol):
    """Brings a short message to a person, on a device that is not the session itself."""

    def send(self, subject: str, text: str, *, now: datetime) -> None:
        """Hand a message over; Unavailable when there is no way to the person."""
        ...

    def received(self, subject: str, *, limit: int) -> Sequence[tuple[datetime, str]]:
        """Messages to this person that are still at hand, newest first; only the sandbox shows them."""
        ...
