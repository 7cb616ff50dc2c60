"""What every one-time code has: a keyed digest, five looks, one use, and its turn among those for the same matter."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select, update

from certsvc.seal.signer import MAX_CODE_TRIES
from certsvc.store.tables_signers import code_turns
from certsvc.store.transaction import insert_into

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Column, Executable, RowMapping, Table

    from certsvc.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class CodeStatements:
    """The statements over one table of codes, whose ``matter`` column says what a code is for."""

    made_since: Executable
    kill: Executable
    newest: Executable
    look: Executable
    use: Executable

    @classmethod
    def over(cls, table: Table, matter: Column[str]) -> CodeStatements:
        """For ``table``."""
        of, same = table.c, matter == bindparam("about")
        this, unused = of.code_id == bindparam("which"), of.used_at.is_(None)
        alive = (of.tries < MAX_CODE_TRIES, unused, of.expires_at > bindparam("now"))
        made_since = select(func.count().label("made")).where(same, of.made_at >= bindparam("since"))
        newest = select(of.code_id).where(same).order_by(of.made_at.desc(), of.code_id.desc()).limit(1)
        return cls(
            made_since=made_since,
            kill=update(table).where(same, unused).values(used_at=bindparam("now"), tries=MAX_CODE_TRIES),
            newest=newest,
            look=update(table).where(this, *alive).values(tries=of.tries + 1).returning(*of),
            use=update(table).where(this, unused).values(used_at=bindparam("now")),
        )


class CodeRows:
    """Codes of one table; the code itself is never stored."""

    def __init__(self, tx: Transaction, table: Table, statements: CodeStatements) -> None:
        """Work in ``tx``."""
        self._tx = tx
        self._table = table
        self._statements = statements
        self._blind = f"{table.name}.code_blind"

    def take_turn(self, matter: str, *, now: datetime, after: datetime) -> bool:
        """Whether the last turn of this matter was before ``after``; this one is ``now`` then.

        The row of the matter stays locked to the end of the transaction, so that of many who ask at once the second
        counts what the first one made.
        """
        return self._tx.changed(_turn(self._tx.dialect), about=matter, now=now, after=after) == 1

    def made_since(self, matter: str, since: datetime) -> int:
        """How many codes were made for this matter since then."""
        row = self._tx.row(self._statements.made_since, about=matter, since=since)
        return 0 if row is None else int(row["made"])

    def use(self, code_id: str, *, now: datetime) -> bool:
        """Use a code that was right; True once."""
        return self._tx.changed(self._statements.use, which=code_id, now=now) == 1

    def _put(self, matter: str, code_id: str, text: str, values: Mapping[str, object], now: datetime) -> None:
        self._tx.changed(self._statements.kill, about=matter, now=now)
        blind = self._tx.blind(f"{code_id}:{text}", self._blind)
        statement = insert_into(self._tx.dialect, self._table)
        self._tx.changed(statement, code_id=code_id, code_blind=blind, tries=0, made_at=now, **values)

    def _look(self, matter: str, text: str, now: datetime) -> RowMapping | None:
        """The newest code of the matter, if it is alive and ``text`` is right; the look is counted."""
        newest = self._tx.row(self._statements.newest, about=matter)
        if newest is None:
            return None
        code_id: str = newest["code_id"]
        row = next(iter(self._tx.rows(self._statements.look, which=code_id, now=now)), None)
        if row is None:
            return None
        same = hmac.compare_digest(bytes(row["code_blind"]), self._tx.blind(f"{code_id}:{text}", self._blind))
        return row if same else None


@cache
def _turn(dialect: str) -> Executable:
    made = insert_into(dialect, code_turns).values(matter=bindparam("about"), last_at=bindparam("now"))
    return made.on_conflict_do_update(
        index_elements=[code_turns.c.matter],
        set_={"last_at": made.excluded.last_at},
        where=code_turns.c.last_at < bindparam("after"),
    )
