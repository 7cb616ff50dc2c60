"""Signers, the tries of their PINs, and the uses of their keys."""

from __future__ import annotations

import base64
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, text, update

from certsvc.seal.model import ReservationResult
from certsvc.seal.signer import (
    MAX_PIN_TRIES,
    SIGNER_MOVES,
    RevokedCertificate,
    Signer,
    SignerCertificate,
    SignerState,
    SignerUse,
)
from certsvc.store.tables_signers import LIVING_SIGNER, OPEN_USE, REVOKED, signer_uses, signers
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Table

    from certsvc.store.transaction import Transaction

_S = signers.c
_U = signer_uses.c
_PERSONAL = "signers.personal"
_HANDWRITING = "signers.handwriting"
PERSON = "signers.person_blind"
"""Context of the blind index of people who sign; the steps of rounds share it."""

_LIVING = text(LIVING_SIGNER)
_OPEN = text(OPEN_USE)
_WHICH = _S.signer_id == bindparam("which")


def _moves(move: str) -> list[str]:
    return sorted(state.value for state in SIGNER_MOVES[move][0])


_BY_ID = select(*_S).where(_WHICH)
_LOCKED = _BY_ID.with_for_update(key_share=True)
_OF_PERSON = (
    select(*_S)
    .where(_S.person_blind == bindparam("person"))
    .order_by(_S.applied_at.desc(), _S.signer_id.desc())
    .limit(bindparam("most"))
)
_ISSUE = (
    update(signers)
    .where(_WHICH, _S.state.in_(_moves("issue")))
    .values(
        state=SignerState.ACTIVE.value,
        personal=bindparam("personal_now"),
        serial=bindparam("serial_now"),
        issuer_key_id=bindparam("issuer"),
        valid_from=bindparam("begins"),
        valid_until=bindparam("ends"),
    )
)
_STOP = update(signers).where(_WHICH, _S.state.in_(_moves("stop"))).values(state=SignerState.STOPPED.value)
_RESUME = update(signers).where(_WHICH, _S.state.in_(_moves("resume"))).values(state=SignerState.ACTIVE.value)
_WITHDRAW = (
    update(signers)
    .where(_WHICH, _S.state.in_(_moves("withdraw")))
    .values(state=SignerState.WITHDRAWN.value, wrapped_key=b"", ended_at=bindparam("now"))
)
_REVOKE = (
    update(signers)
    .where(_WHICH, _S.serial != "")
    .values(revoked_at=bindparam("now"), revocation_reason=bindparam("reason"))
)
_EXPIRE = (
    update(signers)
    .where(_WHICH, _S.state.in_(_moves("expire")), _S.valid_until <= bindparam("now"))
    .values(state=SignerState.EXPIRED.value, wrapped_key=b"", ended_at=_S.valid_until)
)
_TAKE_TRY = (
    update(signers)
    .where(
        _WHICH,
        _S.state.in_([SignerState.ACTIVE.value, SignerState.STOPPED.value]),
        _S.pin_tries < MAX_PIN_TRIES,
    )
    .values(pin_tries=_S.pin_tries + 1)
)
_GIVE_BACK = update(signers).where(_WHICH, _S.pin_tries > 0).values(pin_tries=_S.pin_tries - 1)
_RIGHT_PIN = update(signers).where(_WHICH).values(pin_tries=0)
_REWRAP = (
    update(signers).where(_WHICH, _LIVING, _S.wrapped_key == bindparam("old")).values(wrapped_key=bindparam("new"))
)
_SET_HANDWRITING = update(signers).where(_WHICH, _LIVING).values(handwriting=bindparam("picture"))
_ENDED_BY = (
    select(_S.signer_id)
    .where(_LIVING, _S.valid_until <= bindparam("now"))
    .order_by(_S.valid_until)
    .limit(bindparam("most"))
)
_AWAITING = (
    select(*_S).where(_LIVING, _S.state == SignerState.APPLIED.value).order_by(_S.applied_at).limit(bindparam("most"))
)
_ISSUED = select(_S.serial).where(_S.issuer_key_id == bindparam("issuer"), _S.serial == bindparam("which")).limit(1)
_REVOKED = select(_S.issuer_key_id, _S.serial, _S.revoked_at, _S.revocation_reason).where(text(REVOKED))
_REVOKED_OF = _REVOKED.where(_S.issuer_key_id == bindparam("issuer")).order_by(_S.serial)
_REVOKED_ALL = _REVOKED.order_by(_S.issuer_key_id, _S.serial)
_ANSWER = (
    update(signer_uses)
    .where(_U.use_id == bindparam("which"), _OPEN, _U.result == ReservationResult.OPEN.value)
    .values(result=bindparam("outcome"), signature_sha256=bindparam("signature"), answered_at=bindparam("now"))
)
_ABANDON = (
    update(signer_uses)
    .where(_OPEN, _U.round_id == bindparam("signing"), _U.result == ReservationResult.OPEN.value)
    .values(result=ReservationResult.UNKNOWN.value, answered_at=bindparam("now"))
    .returning(*_U)
)
_UNANSWERED = (
    select(*_U)
    .where(_OPEN, _U.reserved_at < bindparam("before"))
    .order_by(_U.reserved_at, _U.use_id)
    .limit(bindparam("most"))
)


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table)


@cache
def _insert_once(dialect: str) -> Insert:
    return insert_into(dialect, signers).on_conflict_do_nothing(index_elements=[_S.person_blind], index_where=_LIVING)


def person_key(code_type: str, code: str) -> str:
    """What identifies a person in the blind index."""
    return f"{code_type}:{code}"


class SignerRows:
    """Implements ``signer_ports.Signers``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, signer: Signer) -> bool:
        """Store; False when this person has a living signer already."""
        tx, certificate = self._tx, signer.certificate
        added = tx.changed(
            _insert_once(tx.dialect),
            signer_id=signer.signer_id,
            subject=signer.subject,
            person_blind=tx.blind(person_key(signer.holder_code_type, signer.holder_code), PERSON),
            personal=self._personal(signer, certificate),
            state=signer.state.value,
            agreement=signer.agreement,
            algorithm=signer.algorithm,
            wrapped_key=signer.wrapped_key,
            pin_tries=signer.pin_tries,
            handwriting=self._sealed_picture(signer.signer_id, signer.handwriting),
            serial=certificate.serial if certificate else "",
            issuer_key_id=certificate.issuer_key_id if certificate else "",
            valid_from=certificate.valid_from if certificate else None,
            valid_until=certificate.valid_until if certificate else None,
            applied_at=signer.applied_at,
            revocation_reason="",
        )
        return added == 1

    def by_id(self, signer_id: str) -> Signer | None:
        """The signer."""
        row = self._tx.row(_BY_ID, which=signer_id)
        return None if row is None else self._signer(row)

    def of_person(self, code_type: str, code: str, *, limit: int) -> Sequence[Signer]:
        """The person's signers, newest first."""
        person = self._tx.blind(person_key(code_type, code), PERSON)
        return [self._signer(row) for row in self._tx.rows(_OF_PERSON, person=person, most=limit)]

    def issue(self, signer_id: str, certificate: SignerCertificate) -> bool:
        """From ``applied`` to ``active`` with its certificate; False when it is not waiting for one."""
        signer = self.by_id(signer_id)
        if signer is None:
            return False
        changed = self._tx.changed(
            _ISSUE,
            which=signer_id,
            personal_now=self._personal(signer, certificate),
            serial_now=certificate.serial,
            issuer=certificate.issuer_key_id,
            begins=certificate.valid_from,
            ends=certificate.valid_until,
        )
        return changed == 1

    def set_stopped(self, signer_id: str, *, stopped: bool) -> bool:
        """停用 or 恢复; False when the state does not allow it."""
        return self._tx.changed(_STOP if stopped else _RESUME, which=signer_id) == 1

    def withdraw(self, signer_id: str, *, reason: str, now: datetime) -> bool:
        """注销: destroy the wrapped key and revoke the certificate; False when it has ended already."""
        if self._tx.changed(_WITHDRAW, which=signer_id, now=now) == 0:
            return False
        self._tx.changed(_REVOKE, which=signer_id, now=now, reason=reason)
        return True

    def expire(self, signer_id: str, *, now: datetime) -> bool:
        """Destroy the wrapped key of a signer whose certificate has ended; False when it was done or is too early."""
        return self._tx.changed(_EXPIRE, which=signer_id, now=now) == 1

    def take_try(self, signer_id: str) -> bool:
        """Take one of the tries of a PIN; False when none is left, or the signer is not one that can be opened."""
        return self._tx.changed(_TAKE_TRY, which=signer_id) == 1

    def give_back(self, signer_id: str) -> None:
        """Give one try back: something of ours failed before the PIN was judged."""
        self._tx.changed(_GIVE_BACK, which=signer_id)

    def right_pin(self, signer_id: str) -> None:
        """Give all tries back after the right PIN."""
        self._tx.changed(_RIGHT_PIN, which=signer_id)

    def rewrap(self, signer_id: str, *, old: bytes, new: bytes) -> bool:
        """Replace the wrapped key, if it is still ``old``."""
        return self._tx.changed(_REWRAP, which=signer_id, old=old, new=new) == 1

    def set_handwriting(self, signer_id: str, picture: bytes) -> bool:
        """Replace the handwriting picture of a living signer."""
        sealed = self._sealed_picture(signer_id, picture)
        return self._tx.changed(_SET_HANDWRITING, which=signer_id, picture=sealed) == 1

    def ended_by(self, now: datetime, *, limit: int) -> Sequence[str]:
        """Ids of signers whose certificate has ended and who are not marked so."""
        return [row["signer_id"] for row in self._tx.rows(_ENDED_BY, now=now, most=limit)]

    def awaiting_certificates(self, *, limit: int) -> Sequence[Signer]:
        """Signers that wait for the certificate of an external CA, oldest first."""
        return [self._signer(row) for row in self._tx.rows(_AWAITING, most=limit)]

    def reserve(self, use: SignerUse) -> bool:
        """Store a use if the signer is active and its certificate is in its period; the row is locked first."""
        row = self._tx.row(_LOCKED, which=use.signer_id)
        if row is None or row["state"] != SignerState.ACTIVE.value or row["valid_from"] is None:
            return False
        if not row["valid_from"] <= use.reserved_at < row["valid_until"]:
            return False
        self._tx.changed(
            _insert(self._tx.dialect, signer_uses),
            use_id=use.use_id,
            signer_id=use.signer_id,
            round_id=use.round_id,
            step_id=use.step_id,
            digest=use.digest,
            reserved_at=use.reserved_at,
            result=use.result.value,
            signature_sha256="",
        )
        return True

    def answer(self, use_id: str, result: ReservationResult, *, signature_sha256: str, now: datetime) -> bool:
        """Set the result of an open use once; False when it has one."""
        changed = self._tx.changed(_ANSWER, which=use_id, outcome=result.value, signature=signature_sha256, now=now)
        return changed == 1

    def abandon(self, round_id: str, *, now: datetime) -> Sequence[SignerUse]:
        """Mark the open uses that a crash left in a round as ``unknown``; which ones."""
        return [_use(row) for row in self._tx.rows(_ABANDON, signing=round_id, now=now)]

    def unanswered(self, *, before: datetime, limit: int) -> Sequence[SignerUse]:
        """Uses from before ``before`` that are open or whose answer is unknown, oldest first."""
        return [_use(row) for row in self._tx.rows(_UNANSWERED, before=before, most=limit)]

    def issued(self, issuer_key_id: str, serial: str) -> bool:
        """Whether this CA issued a person's certificate of this serial (hex), whatever became of it."""
        return self._tx.row(_ISSUED, issuer=issuer_key_id, which=serial) is not None

    def revoked_certificates(self, issuer_key_id: str = "") -> Sequence[RevokedCertificate]:
        """Revoked certificates, of one issuing CA or of all, by serial."""
        rows = self._tx.rows(_REVOKED_OF, issuer=issuer_key_id) if issuer_key_id else self._tx.rows(_REVOKED_ALL)
        return [
            RevokedCertificate(
                issuer_key_id=row["issuer_key_id"],
                serial=row["serial"],
                revoked_at=row["revoked_at"],
                reason=row["revocation_reason"],
            )
            for row in rows
        ]

    def _personal(self, signer: Signer, certificate: SignerCertificate | None) -> bytes:
        content = {
            "name": signer.name,
            "code": signer.holder_code,
            "code_type": signer.holder_code_type,
            "csr": signer.csr,
            "chain": certificate.chain if certificate else "",
        }
        return self._tx.seal_json(content, _PERSONAL, signer.signer_id)

    def _sealed_picture(self, signer_id: str, picture: bytes) -> bytes:
        return self._tx.seal(base64.b64encode(picture).decode("ascii"), _HANDWRITING, signer_id)

    def _signer(self, row: RowMapping) -> Signer:
        signer_id = row["signer_id"]
        personal = self._tx.open_json(row["personal"], _PERSONAL, signer_id)
        certificate = None
        if row["serial"]:
            certificate = SignerCertificate(
                chain=personal["chain"],
                serial=row["serial"],
                issuer_key_id=row["issuer_key_id"],
                valid_from=row["valid_from"],
                valid_until=row["valid_until"],
            )
        return Signer(
            signer_id=signer_id,
            subject=row["subject"],
            name=personal["name"],
            holder_code=personal["code"],
            holder_code_type=personal["code_type"],
            state=as_word(SignerState, row["state"]),
            agreement=row["agreement"],
            algorithm=row["algorithm"],
            wrapped_key=bytes(row["wrapped_key"]),
            pin_tries=row["pin_tries"],
            csr=personal["csr"],
            certificate=certificate,
            handwriting=base64.b64decode(self._tx.open(row["handwriting"], _HANDWRITING, signer_id)),
            applied_at=row["applied_at"],
            ended_at=row["ended_at"],
            revoked_at=row["revoked_at"],
            revocation_reason=row["revocation_reason"],
        )


def _use(row: RowMapping) -> SignerUse:
    return SignerUse(
        use_id=row["use_id"],
        signer_id=row["signer_id"],
        round_id=row["round_id"],
        step_id=row["step_id"],
        digest=row["digest"],
        reserved_at=row["reserved_at"],
        result=as_word(ReservationResult, row["result"]),
    )
