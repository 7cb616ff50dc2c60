"""Challenges of verifiers (反扫)."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select, update

from certsvc.license.challenges import Challenge, ChallengeState
from certsvc.store.newest import newest_of
from certsvc.store.tables import clients, people
from certsvc.store.tables_consents import challenges
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping

    from certsvc.store.transaction import Transaction

_C = challenges.c
_CIRCUMSTANCES = "challenges.circumstances"
_PRESENTER = "challenges.presenter"
_OPERATOR = "challenges.operator"
_ASKED = ChallengeState.ASKED.value
_BY_TOKEN = select(*_C).where(_C.token_sha256 == bindparam("digest"))
_BY_ID = select(*_C).where(_C.challenge_id == bindparam("which"))
_HOLD_ONE = _BY_ID.with_for_update()
_BY_IDS = select(*_C).where(_C.challenge_id.in_(bindparam("which", expanding=True)))
# Whoever asks is a person or a system: the row is held, so that two who count at once cannot both find room.
_HOLD_PERSON = select(people.c.subject).where(people.c.subject == bindparam("who")).with_for_update(key_share=True)
_HOLD_CLIENT = (
    select(clients.c.client_id).where(clients.c.client_id == bindparam("who")).with_for_update(key_share=True)
)
_COUNT_OPEN = (
    select(func.count().label("waiting"))
    .select_from(challenges)
    .where(_C.verifier == bindparam("who"), _C.state == _ASKED, _C.expires_at > bindparam("now"))
)
_ANSWER = (
    update(challenges)
    .where(_C.challenge_id == bindparam("which"), _C.state == _ASKED, _C.expires_at > bindparam("now"))
    .values(
        state=bindparam("target"),
        holder_subject=bindparam("holder"),
        version_id=bindparam("version"),
        basis=bindparam("right"),
        basis_id=bindparam("right_id"),
        presenter=bindparam("by"),
        answered_at=bindparam("now"),
        collect_until=bindparam("until"),
        seen=bindparam("yes_to"),
    )
)
_COLLECT = (
    update(challenges)
    .where(
        _C.challenge_id == bindparam("which"),
        _C.state == ChallengeState.CONFIRMED.value,
        _C.collect_until > bindparam("now"),
    )
    .values(state=ChallengeState.COLLECTED.value, collected_at=bindparam("now"))
)
_ANSWERED_BY = newest_of(challenges, _C.holder_subject, _C.answered_at, _C.challenge_id)


@cache
def _insert(dialect: str) -> Insert:
    return insert_into(dialect, challenges)


class ChallengeRows:
    """Implements ``consent_ports.Challenges``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, challenge: Challenge) -> None:
        """Store."""
        said = {"purpose": challenge.purpose, "task_no": challenge.task_no}
        self._tx.changed(
            _insert(self._tx.dialect),
            challenge_id=challenge.challenge_id,
            token_sha256=challenge.token_sha256,
            ticket_sha256=challenge.ticket_sha256,
            verifier=challenge.verifier,
            authority_code=challenge.authority_code,
            badge=challenge.badge,
            type_slug=challenge.type_slug,
            scene=challenge.scene,
            audience=challenge.audience,
            matter_code=challenge.matter_code,
            case_no=challenge.case_no,
            circumstances=self._tx.seal_json(said, _CIRCUMSTANCES, challenge.challenge_id),
            created_at=challenge.created_at,
            expires_at=challenge.expires_at,
            state=challenge.state.value,
            holder_subject=challenge.holder_subject,
            version_id=challenge.version_id,
            basis=challenge.basis,
            basis_id=challenge.basis_id,
            presenter=self._sealed(challenge),
            answered_at=challenge.answered_at,
            collect_until=challenge.collect_until,
            collected_at=challenge.collected_at,
            operator=self._tx.seal(challenge.operator, _OPERATOR, challenge.challenge_id)
            if challenge.operator
            else None,
            seen=self._yes_to(challenge),
        )

    def by_token(self, token_sha256: str) -> Challenge | None:
        """The challenge, whatever its age."""
        row = self._tx.row(_BY_TOKEN, digest=token_sha256)
        return None if row is None else self._challenge(row)

    def by_id(self, challenge_id: str) -> Challenge | None:
        """The challenge."""
        row = self._tx.row(_BY_ID, which=challenge_id)
        return None if row is None else self._challenge(row)

    def hold_one(self, challenge_id: str) -> Challenge | None:
        """The challenge, which no other transaction changes until the end of this one."""
        row = self._tx.row(_HOLD_ONE, which=challenge_id)
        return None if row is None else self._challenge(row)

    def by_ids(self, challenge_ids: Collection[str]) -> Mapping[str, Challenge]:
        """Those of these challenges that there are, by id."""
        rows = self._tx.rows(_BY_IDS, which=sorted(challenge_ids)) if challenge_ids else ()
        return {row["challenge_id"]: self._challenge(row) for row in rows}

    def hold(self, verifier: str) -> None:
        """Let no other transaction of this verifier count or ask until the end of this one."""
        if self._tx.row(_HOLD_PERSON, who=verifier) is None:
            self._tx.row(_HOLD_CLIENT, who=verifier)

    def count_open(self, verifier: str, *, now: datetime) -> int:
        """How many of this verifier still wait."""
        row = self._tx.row(_COUNT_OPEN, who=verifier, now=now)
        return 0 if row is None else int(row["waiting"])

    def answer(self, answered: Challenge, *, now: datetime) -> bool:
        """Store an answer, if nobody answered and it is not too late."""
        done = self._tx.changed(
            _ANSWER,
            which=answered.challenge_id,
            target=answered.state.value,
            holder=answered.holder_subject,
            version=answered.version_id,
            right=answered.basis,
            right_id=answered.basis_id,
            by=self._sealed(answered),
            until=answered.collect_until,
            yes_to=self._yes_to(answered),
            now=now,
        )
        return done == 1

    def collect(self, challenge_id: str, *, now: datetime) -> bool:
        """Hand out a confirmed one, once and in time."""
        return self._tx.changed(_COLLECT, which=challenge_id, now=now) == 1

    def answered_by(
        self, holder_subject: str, *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Challenge]:
        """Those that this account answered, newest answer first."""
        rows = _ANSWERED_BY.rows(self._tx, [holder_subject], limit=limit, behind=behind)
        return [self._challenge(row) for row in rows]

    def _sealed(self, challenge: Challenge) -> bytes | None:
        if not challenge.presenter:
            return None
        return self._tx.seal(challenge.presenter, _PRESENTER, challenge.challenge_id)

    @staticmethod
    def _yes_to(challenge: Challenge) -> str | None:
        return None if challenge.seen is None else json.dumps(challenge.seen)

    def _challenge(self, row: RowMapping) -> Challenge:
        values = dict(row)
        values.update(self._tx.open_json(values.pop("circumstances"), _CIRCUMSTANCES, row["challenge_id"]))
        sealed = values.pop("presenter")
        values["presenter"] = self._tx.open(sealed, _PRESENTER, row["challenge_id"]) if sealed else ""
        operator = values.pop("operator")
        values["operator"] = self._tx.open(operator, _OPERATOR, row["challenge_id"]) if operator else ""
        values["seen"] = tuple(json.loads(row["seen"])) if row["seen"] is not None else None
        values["state"] = as_word(ChallengeState, row["state"])
        return Challenge(**values)
