"""Rounds that wait for their seal: whose turn it is, what the last try said, and the end of those nobody can seal."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, or_, select, text, update

from certsvc.seal.signing_round import ROUND_MOVES
from certsvc.store.tables_signers import OPEN_ROUND, seal_waits, signing_rounds
from certsvc.store.transaction import insert_into

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Executable

    from certsvc.store.transaction import Transaction

_R = signing_rounds.c
_W = seal_waits.c
_WAITS = (text(OPEN_ROUND), _R.left_to_sign == 0, _R.seal_id != "")
_AWAITING = (
    select(_R.round_id)
    .select_from(signing_rounds.outerjoin(seal_waits, _W.round_id == _R.round_id))
    .where(*_WAITS, or_(_W.due_at.is_(None), _W.due_at <= bindparam("now")))
    .order_by(func.coalesce(_W.tried_at, _R.created_at), _R.round_id)
    .limit(bindparam("most"))
)
_TROUBLE = update(signing_rounds).where(_R.round_id == bindparam("which"), *_WAITS)
_SAY = _TROUBLE.values(seal_trouble=bindparam("trouble"))
_PUT_OFF = update(seal_waits).where(_W.round_id == bindparam("which")).values(due_at=bindparam("due"))
_REFUSE = _TROUBLE.where(_R.claim_token == bindparam("token")).values(
    state=ROUND_MOVES["refuse_seal"][1].value,
    ended_at=bindparam("now"),
    seal_trouble=bindparam("trouble"),
    claim_token="",
    claim_until=None,
)


@cache
def _try(dialect: str) -> Executable:
    made = insert_into(dialect, seal_waits)
    made = made.values(round_id=bindparam("which"), tries=1, tried_at=bindparam("now"), due_at=bindparam("now"))
    made = made.on_conflict_do_update(
        index_elements=[_W.round_id], set_={"tries": seal_waits.c.tries + 1, "tried_at": made.excluded.tried_at}
    )
    return made.returning(_W.tries)


class RoundSealRows:
    """Implements ``signer_ports.RoundSeals``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def awaiting(self, now: datetime, *, limit: int) -> Sequence[str]:
        """Ids of open rounds that lack only the seal and whose next try is due, the longest untried first."""
        return [row["round_id"] for row in self._tx.rows(_AWAITING, now=now, most=limit)]

    def tried(self, round_id: str, *, now: datetime) -> int:
        """Record a try before it is made, so that one that never returns moves behind the others; its number."""
        (row,) = self._tx.rows(_try(self._tx.dialect), which=round_id, now=now)
        return int(row["tries"])

    def put_off(self, round_id: str, trouble: str, *, due: datetime) -> None:
        """Remember why the seal was not set, and when to try again."""
        self._tx.changed(_SAY, which=round_id, trouble=trouble)
        self._tx.changed(_PUT_OFF, which=round_id, due=due)

    def refuse(self, round_id: str, *, token: str, trouble: str, now: datetime) -> bool:
        """End a round that will never be sealed; False when the claim was lost or the round has ended."""
        return self._tx.changed(_REFUSE, which=round_id, token=token, trouble=trouble, now=now) == 1
