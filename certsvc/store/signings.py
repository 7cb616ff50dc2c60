"""Signing rounds: their steps, the revisions of their documents, and who holds the document now."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, or_, select, text, update

from certsvc.seal.signing_round import (
    ROUND_MOVES,
    STEP_MOVES,
    FinalSeal,
    Place,
    Revision,
    RoundState,
    SigningRound,
    Step,
    StepState,
)
from certsvc.store.signers import PERSON, person_key
from certsvc.store.tables_signers import OPEN_ROUND, signing_revisions, signing_rounds, signing_steps
from certsvc.store.transaction import Insert, as_word, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Table

    from certsvc.store.transaction import Transaction

_R = signing_rounds.c
_P = signing_steps.c
_V = signing_revisions.c
_TITLE = "signing_rounds.title"
_STEP_PERSONAL = "signing_steps.personal"
_REMARK = "signing_steps.remark"

_OPEN = text(OPEN_ROUND)
_WHICH = _R.round_id == bindparam("which")
_STEPS_WAIT = (_P.round_id == bindparam("which"), _P.state == StepState.WAITING.value)

_BY_IDS = select(*_R).where(_R.round_id.in_(bindparam("which", expanding=True)))
_STEPS = (
    select(*_P).where(_P.round_id.in_(bindparam("which", expanding=True))).order_by(_P.round_id, _P.turn, _P.step_id)
)
_REVISIONS = select(*_V).where(_V.round_id.in_(bindparam("which", expanding=True))).order_by(_V.round_id, _V.number)
_OF_PERSON = (
    select(_P.round_id)
    .where(_P.person_blind == bindparam("person"))
    .order_by(_P.round_id.desc())
    .limit(bindparam("most"))
)
_OF_CREATOR = (
    select(_R.round_id)
    .where(_R.created_by == bindparam("creator"))
    .order_by(_R.created_at.desc(), _R.round_id.desc())
    .limit(bindparam("most"))
)
_CLAIM = (
    update(signing_rounds)
    .where(
        _WHICH,
        _OPEN,
        or_(_R.deadline > bindparam("now"), _R.left_to_sign == 0),
        or_(_R.claim_token == "", _R.claim_until < bindparam("now")),
    )
    .values(claim_token=bindparam("token"), claim_until=bindparam("until"))
)
_RELEASE = (
    update(signing_rounds).where(_WHICH, _R.claim_token == bindparam("token")).values(claim_token="", claim_until=None)
)
_MINE = (_WHICH, _OPEN, _R.claim_token == bindparam("token"), _R.revision == bindparam("before"))
_ADVANCE = (
    update(signing_rounds)
    .where(*_MINE, _R.left_to_sign > 0)
    .values(
        revision=_R.revision + 1,
        left_to_sign=_R.left_to_sign - 1,
        claim_token="",
        claim_until=None,
    )
)
_COMPLETE = (
    update(signing_rounds)
    .where(_WHICH, _OPEN, _R.left_to_sign == 0, _R.seal_id == "")
    .values(state=ROUND_MOVES["complete"][1].value, ended_at=bindparam("now"))
)
_SEAL = (
    update(signing_rounds)
    .where(*_MINE, _R.left_to_sign == 0)
    .values(
        revision=_R.revision + 1,
        state=ROUND_MOVES["complete"][1].value,
        sealed_at=bindparam("now"),
        ended_at=bindparam("now"),
        seal_trouble="",
        claim_token="",
        claim_until=None,
    )
)
_DECLINE = (
    update(signing_rounds)
    .where(_WHICH, _OPEN, _R.deadline > bindparam("now"))
    .values(state=ROUND_MOVES["decline"][1].value, ended_at=bindparam("now"))
)
_EXPIRE = (
    update(signing_rounds)
    .where(_WHICH, _OPEN, _R.deadline <= bindparam("now"), _R.left_to_sign > 0)
    .values(state=ROUND_MOVES["expire"][1].value, ended_at=_R.deadline)
)
_CANCEL = (
    update(signing_rounds).where(_WHICH, _OPEN).values(state=ROUND_MOVES["cancel"][1].value, ended_at=bindparam("now"))
)
_SIGN_STEP = (
    update(signing_steps)
    .where(*_STEPS_WAIT, _P.step_id == bindparam("step"))
    .values(
        state=STEP_MOVES["sign"][1].value,
        signer_id=bindparam("signer"),
        signed_at=bindparam("at_now"),
        signature_sha256=bindparam("signature"),
    )
)
_DECLINE_STEP = (
    update(signing_steps)
    .where(*_STEPS_WAIT, _P.step_id == bindparam("step"))
    .values(state=STEP_MOVES["decline"][1].value, remark=bindparam("why"))
)
_REST = update(signing_steps).where(*_STEPS_WAIT).values(state=bindparam("becomes"))
_OVERDUE = (
    select(_R.round_id)
    .where(_OPEN, _R.deadline <= bindparam("now"), _R.left_to_sign > 0)
    .order_by(_R.deadline, _R.round_id)
    .limit(bindparam("most"))
)
_REGISTERED = select(*_V).where(_V.sha256 == bindparam("digest")).order_by(_V.at).limit(1)


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table)


class SigningRows:
    """Implements ``signer_ports.Signings``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, signing: SigningRound) -> None:
        """Store with its steps and its first revision."""
        tx, seal = self._tx, signing.seal
        tx.changed(
            _insert(tx.dialect, signing_rounds),
            round_id=signing.round_id,
            created_by=signing.created_by,
            authority_code=signing.authority_code,
            title=tx.seal(signing.title, _TITLE, signing.round_id),
            state=signing.state.value,
            deadline=signing.deadline,
            uploaded_sha256=signing.uploaded_sha256,
            page_count=signing.page_count,
            needs_code=signing.needs_code,
            left_to_sign=sum(1 for step in signing.steps if step.state is StepState.WAITING),
            revision=signing.head.number,
            seal_id=seal.seal_id if seal else "",
            seal_field=seal.field_name if seal else "",
            seal_place=to_json(_place_list(seal.place)) if seal else "",
            seal_trouble="",
            claim_token="",
            created_at=signing.created_at,
        )
        for step in signing.steps:
            self._insert_step(signing.round_id, step)
        for revision in signing.revisions:
            self._insert_revision(signing.round_id, revision)

    def by_id(self, round_id: str) -> SigningRound | None:
        """The round."""
        return next(iter(self._load([round_id])), None)

    def of_person(self, code_type: str, code: str, *, limit: int) -> Sequence[SigningRound]:
        """Rounds the person takes part in, newest first."""
        person = self._tx.blind(person_key(code_type, code), PERSON)
        return self._load([row["round_id"] for row in self._tx.rows(_OF_PERSON, person=person, most=limit)])

    def of_creator(self, created_by: str, *, limit: int) -> Sequence[SigningRound]:
        """Rounds that this system or clerk asked for, newest first."""
        return self._load([row["round_id"] for row in self._tx.rows(_OF_CREATOR, creator=created_by, most=limit)])

    def claim(self, round_id: str, *, token: str, now: datetime, lease_s: int) -> bool:
        """Take the document of an open round for one signature; False while another holds it."""
        until = now + timedelta(seconds=lease_s)
        return self._tx.changed(_CLAIM, which=round_id, token=token, now=now, until=until) == 1

    def release(self, round_id: str, *, token: str) -> None:
        """Give the document back."""
        self._tx.changed(_RELEASE, which=round_id, token=token)

    def sign(self, round_id: str, *, token: str, revision: Revision, signer_id: str, signature_sha256: str) -> bool:
        """Record a signature: the step, the new revision, the end of the claim; complete when nothing is left."""
        tx, now = self._tx, revision.at
        if tx.changed(_ADVANCE, which=round_id, token=token, before=revision.number - 1) == 0:
            return False
        signed = tx.changed(
            _SIGN_STEP,
            which=round_id,
            step=revision.step_id,
            signer=signer_id,
            at_now=now,
            signature=signature_sha256,
        )
        if signed == 0:
            msg = "a round counted a step that does not wait"
            raise RuntimeError(msg)
        self._insert_revision(round_id, revision)
        tx.changed(_COMPLETE, which=round_id, now=now)
        return True

    def seal(self, round_id: str, *, token: str, revision: Revision) -> bool:
        """Record the seal and complete the round."""
        sealed = self._tx.changed(_SEAL, which=round_id, token=token, before=revision.number - 1, now=revision.at)
        if sealed == 0:
            return False
        self._insert_revision(round_id, revision)
        return True

    def decline(self, round_id: str, step_id: str, *, remark: str, now: datetime) -> bool:
        """A participant declines: the step, the round, and the steps that still wait; False when it is too late."""
        if self._tx.changed(_DECLINE, which=round_id, now=now) == 0:
            return False
        sealed = self._tx.seal(remark, _REMARK, step_id)
        if self._tx.changed(_DECLINE_STEP, which=round_id, step=step_id, why=sealed) == 0:
            msg = "a step that does not wait cannot decline"
            raise RuntimeError(msg)
        self._close_rest(round_id, "decline")
        return True

    def expire(self, round_id: str, *, now: datetime) -> bool:
        """The deadline passed; False when it has not, or everybody has signed, or the round has ended."""
        if self._tx.changed(_EXPIRE, which=round_id, now=now) == 0:
            return False
        self._close_rest(round_id, "expire")
        return True

    def cancel(self, round_id: str, *, now: datetime) -> bool:
        """The creator cancels; False when the round has ended."""
        if self._tx.changed(_CANCEL, which=round_id, now=now) == 0:
            return False
        self._close_rest(round_id, "cancel")
        return True

    def overdue(self, now: datetime, *, limit: int) -> Sequence[str]:
        """Ids of open rounds whose deadline passed while a person has not signed."""
        return [row["round_id"] for row in self._tx.rows(_OVERDUE, now=now, most=limit)]

    def registered(self, sha256: str) -> tuple[str, Revision] | None:
        """The round and revision that this file is, if it is one of ours."""
        row = self._tx.row(_REGISTERED, digest=sha256)
        return None if row is None else (row["round_id"], _revision(row))

    def _close_rest(self, round_id: str, move: str) -> None:
        self._tx.changed(_REST, which=round_id, becomes=ROUND_MOVES[move][2].value)

    def _insert_step(self, round_id: str, step: Step) -> None:
        tx = self._tx
        personal = {"name": step.name, "code": step.holder_code, "code_type": step.holder_code_type, "why": step.reason}
        tx.changed(
            _insert(tx.dialect, signing_steps),
            step_id=step.step_id,
            round_id=round_id,
            turn=step.order,
            person_blind=tx.blind(person_key(step.holder_code_type, step.holder_code), PERSON),
            personal=tx.seal_json(personal, _STEP_PERSONAL, step.step_id),
            remark=tx.seal(step.remark, _REMARK, step.step_id),
            field_name=step.field_name,
            page=step.place.page,
            x=step.place.x,
            y=step.place.y,
            width=step.place.width,
            height=step.place.height,
            state=step.state.value,
            signer_id="",
            signature_sha256="",
        )

    def _insert_revision(self, round_id: str, revision: Revision) -> None:
        self._tx.changed(
            _insert(self._tx.dialect, signing_revisions),
            round_id=round_id,
            number=revision.number,
            sha256=revision.sha256,
            step_id=revision.step_id,
            at=revision.at,
        )

    def _load(self, round_ids: Sequence[str]) -> list[SigningRound]:
        """The rounds, in the order of ``round_ids``, by three statements."""
        if not round_ids:
            return []
        steps: dict[str, list[Step]] = {round_id: [] for round_id in round_ids}
        for row in self._tx.rows(_STEPS, which=list(steps)):
            steps[row["round_id"]].append(self._step(row))
        revisions: dict[str, list[Revision]] = {round_id: [] for round_id in round_ids}
        for row in self._tx.rows(_REVISIONS, which=list(steps)):
            revisions[row["round_id"]].append(_revision(row))
        found = {row["round_id"]: row for row in self._tx.rows(_BY_IDS, which=list(steps))}
        return [
            self._round(found[round_id], steps[round_id], revisions[round_id])
            for round_id in steps
            if round_id in found
        ]

    def _round(self, row: RowMapping, steps: Sequence[Step], revisions: Sequence[Revision]) -> SigningRound:
        seal = None
        if row["seal_id"]:
            seal = FinalSeal(
                seal_id=row["seal_id"],
                place=Place(**dict(zip(_PLACE, from_json(row["seal_place"]), strict=True))),
                field_name=row["seal_field"],
                sealed_at=row["sealed_at"],
                trouble=row["seal_trouble"],
            )
        return SigningRound(
            round_id=row["round_id"],
            created_by=row["created_by"],
            authority_code=row["authority_code"],
            title=self._tx.open(row["title"], _TITLE, row["round_id"]),
            state=as_word(RoundState, row["state"]),
            deadline=row["deadline"],
            uploaded_sha256=row["uploaded_sha256"],
            page_count=row["page_count"],
            needs_code=row["needs_code"],
            steps=tuple(steps),
            seal=seal,
            revisions=tuple(revisions),
            created_at=row["created_at"],
            ended_at=row["ended_at"],
        )

    def _step(self, row: RowMapping) -> Step:
        personal = self._tx.open_json(row["personal"], _STEP_PERSONAL, row["step_id"])
        return Step(
            step_id=row["step_id"],
            order=row["turn"],
            name=personal["name"],
            holder_code=personal["code"],
            holder_code_type=personal["code_type"],
            reason=personal["why"],
            place=Place(page=row["page"], x=row["x"], y=row["y"], width=row["width"], height=row["height"]),
            field_name=row["field_name"],
            state=as_word(StepState, row["state"]),
            signer_id=row["signer_id"],
            signed_at=row["signed_at"],
            signature_sha256=row["signature_sha256"],
            remark=self._tx.open(row["remark"], _REMARK, row["step_id"]),
        )


_PLACE = ("page", "x", "y", "width", "height")


def _place_list(place: Place) -> list[float]:
    return [place.page, place.x, place.y, place.width, place.height]


def _revision(row: RowMapping) -> Revision:
    return Revision(number=row["number"], sha256=row["sha256"], step_id=row["step_id"], at=row["at"])
