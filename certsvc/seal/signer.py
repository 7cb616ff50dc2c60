"""What a signer (电子签名人) is: a person with a key that only the person's PIN opens, and a certificate.

电子签名法 art. 13 asks four things of a reliable signature: the creation data (the private key) is exclusive to the
signer; it is controlled by the signer alone when signing; a later change to the signature can be found; a later change
to the content can be found. The first two are kept by the wrapped key (``signing/person_keys.py``), the last two by the
signature itself. Here is the life of a signer: one table of moves, and who may make them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from certsvc.seal.model import ReservationResult

MAX_PIN_TRIES = 5
"""Wrong PINs in a row before the key locks: a thief at an unlocked phone has five chances in a million."""

MAX_CODE_TRIES = 5
"""Wrong one-time codes before the code is dead."""

CODE_DIGITS = 6

FIRST_DAY = timedelta(days=1)
"""In a signer's first day every signature needs a one-time code, whatever the round says.

The attack: who holds a stolen session (and for one moment the code of an application) ends the person's e-signature,
applies anew with a PIN of the own choosing, and signs at once in a round that asks for a PIN alone. Each such signature
now sends a message to the person's telephone, and for a day the person can answer by 注销."""


class SignerState(StrEnum):
    """Life of a signer. 停用/恢复, never 冻结; 注销 by the person."""

    APPLIED = "applied"
    """the key is made and waits for its certificate (external CA)"""
    ACTIVE = "active"
    STOPPED = "stopped"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


SIGNER_STATE_ZH: dict[SignerState, str] = {
    SignerState.APPLIED: "已申请，等待证书",
    SignerState.ACTIVE: "启用",
    SignerState.STOPPED: "停用",
    SignerState.WITHDRAWN: "注销",
    SignerState.EXPIRED: "过期",
}

SIGNER_MOVES: dict[str, tuple[frozenset[SignerState], SignerState]] = {
    "issue": (frozenset({SignerState.APPLIED}), SignerState.ACTIVE),
    "stop": (frozenset({SignerState.ACTIVE}), SignerState.STOPPED),
    "resume": (frozenset({SignerState.STOPPED}), SignerState.ACTIVE),
    "withdraw": (frozenset({SignerState.APPLIED, SignerState.ACTIVE, SignerState.STOPPED}), SignerState.WITHDRAWN),
    "expire": (frozenset({SignerState.ACTIVE, SignerState.STOPPED}), SignerState.EXPIRED),
}
"""Every lawful move: name -> (from, to).

Laws: nothing leads out of ``withdrawn`` or ``expired``; only ``issue`` gives a first right to sign, only ``resume``
gives it back; ``expire`` is the clock's, ``issue`` the CA's, the others are the person's."""

LIVING: frozenset[SignerState] = frozenset({SignerState.APPLIED, SignerState.ACTIVE, SignerState.STOPPED})
"""A person has at most one signer in these; another application comes after withdrawal or expiry."""

ENDED: frozenset[SignerState] = frozenset({SignerState.WITHDRAWN, SignerState.EXPIRED})
"""The wrapped key is destroyed on the way into these."""


class RevocationReason(StrEnum):
    """Why a certificate was revoked, in the words of CRLs (RFC 5280 §5.3.1)."""

    CESSATION = "cessationOfOperation"
    """the person wants no signature any more"""
    COMPROMISE = "keyCompromise"
    """the person fears that another knows the PIN"""
    SUPERSEDED = "superseded"
    """the PIN was forgotten; the person applies anew"""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignerCertificate:
    """The public half of a signer, once there is one.

    Attributes:
        chain: PEM, the signer's own certificate first, the root left out.
        serial: of the certificate, lower-case hexadecimal.
        issuer_key_id: name of the issuing CA's key (``dev-people-ec``), or that of an external CA.
    """

    chain: str = field(repr=False)
    serial: str
    issuer_key_id: str
    valid_from: datetime
    valid_until: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Signer:
    """One signer of the register.

    Attributes:
        subject: of the person who applied (the register of people).
        name, holder_code, holder_code_type: bound at the application, from the verified sign-in.
        agreement: version of the agreement that was accepted.
        wrapped_key: the private key under PIN and master key; empty once destroyed.
        pin_tries: tries taken since the last right PIN.
        csr: certificate request in PEM, for an external CA.
        handwriting: PNG with a transparent ground, or empty.
        revoked_at, revocation_reason: of the certificate; None and empty while it is good.
    """

    signer_id: str
    subject: str
    name: str = field(repr=False)
    holder_code: str = field(repr=False)
    holder_code_type: str
    state: SignerState
    agreement: str
    algorithm: str
    wrapped_key: bytes = field(repr=False)
    pin_tries: int
    csr: str = field(repr=False)
    certificate: SignerCertificate | None = field(repr=False)
    handwriting: bytes = field(repr=False)
    applied_at: datetime
    ended_at: datetime | None = None
    revoked_at: datetime | None = None
    revocation_reason: str = ""

    @property
    def locked(self) -> bool:
        """Whether too many wrong PINs came in a row."""
        return self.pin_tries >= MAX_PIN_TRIES

    def new_at(self, now: datetime) -> bool:
        """Whether this is the first day in which it can sign, from the application or the certificate."""
        since = self.applied_at if self.certificate is None else max(self.applied_at, self.certificate.valid_from)
        return now < since + FIRST_DAY

    def state_at(self, now: datetime) -> SignerState:
        """The state as it is now: a certificate that ended has ended the signer, whoever writes it down later."""
        ended = self.certificate is not None and now >= self.certificate.valid_until
        return SignerState.EXPIRED if ended and can(self.state, "expire") else self.state


@dataclass(frozen=True, kw_only=True, slots=True)
class RevokedCertificate:
    """One line of a CRL to be: everything that revocation lists and OCSP need."""

    issuer_key_id: str
    serial: str
    revoked_at: datetime
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SignerUse:
    """One committed permission for one operation of a person's key, answered once.

    Attributes:
        digest: hex SHA-256 of the covered bytes.
    """

    use_id: str
    signer_id: str
    round_id: str
    step_id: str
    digest: str
    reserved_at: datetime
    result: ReservationResult = ReservationResult.OPEN


@dataclass(frozen=True, kw_only=True, slots=True)
class OneTimeCode:
    """A code that was sent to a person; only a keyed digest of it is kept.

    Attributes:
        document_sha256: the document that the person was looking at; the code confirms no other.
    """

    code_id: str
    round_id: str
    step_id: str
    signer_id: str
    document_sha256: str
    made_at: datetime
    expires_at: datetime


class SignerAct(StrEnum):
    """What a person does with the own e-signature that needs a one-time code."""

    APPLY = "apply"
    PIN = "pin"


SIGNER_ACT_ZH: dict[SignerAct, str] = {SignerAct.APPLY: "申请电子签名", SignerAct.PIN: "修改电子签名的 PIN"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ActCode:
    """A code that was sent to a person for one act; only a keyed digest of it is kept.

    Attributes:
        matter: the act, and the person or the signer it is about; the code confirms no other.
    """

    code_id: str
    matter: str
    made_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeKey:
    """A new key of a person: wrapped, with a request, and a certificate where the service issues them itself."""

    wrapped: bytes = field(repr=False)
    csr: str = field(repr=False)
    certificate: SignerCertificate | None


def can(state: SignerState, move: str) -> bool:
    """Whether ``move`` leads out of ``state``; RuntimeError for a move that the table does not know."""
    if move not in SIGNER_MOVES:
        msg = f"no such move: {move}"
        raise RuntimeError(msg)
    return state in SIGNER_MOVES[move][0]
