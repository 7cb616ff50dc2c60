"""Yellow and red cards."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select, update

from certsvc.license.supervision import Card, CardCount, CardState, ClockKind, Colour, Late, card_sources
from certsvc.store.newest import newest_of
from certsvc.store.supervision_watch import WATCHED
from certsvc.store.tables_supervision import supervision_cards
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime

    from sqlalchemy import RowMapping, Update

    from certsvc.store.transaction import Transaction

_C = supervision_cards.c
_HANDLER, _ANSWER, _RULING = (f"supervision_cards.{name}" for name in ("handler", "answer", "ruling"))
_BY_ID = select(*_C).where(_C.card_id == bindparam("which"))
_IN_STATE = newest_of(supervision_cards, _C.state, _C.raised_at, _C.card_id)
_OF_BODY = newest_of(supervision_cards, _C.state, _C.raised_at, _C.card_id, only=_C.department == bindparam("body"))
_GROUPS = (_C.department, _C.clock, _C.colour, _C.state)
_TALLY = (
    select(*_GROUPS, func.count().label("value"))
    # Every state by name: the index begins with it, and the period is read of each.
    .where(
        _C.state.in_([state.value for state in CardState]),
        _C.raised_at >= bindparam("begin"),
        _C.raised_at < bindparam("end"),
    )
    .group_by(*_GROUPS)
)
_TALLY_OF = _TALLY.where(_C.department == bindparam("body"))
_MERGE = (
    update(supervision_cards)
    .where(
        _C.clock == bindparam("kind"),
        _C.subject == bindparam("what"),
        _C.colour == Colour.YELLOW.value,
        _C.state.in_(sorted(state.value for state in card_sources(CardState.MERGED))),
    )
    .values(state=CardState.MERGED.value)
)
_ANSWERED = ("state", "answer", "answered_by", "answered_at")
_RULED = ("state", "ruling", "ruled_by", "ruled_at", "answer_due_on")


@cache
def _move(names: tuple[str, ...]) -> Update:
    return (
        update(supervision_cards)
        .where(_C.card_id == bindparam("which"), _C.state.in_(bindparam("sources", expanding=True)))
        .values(**{name: bindparam(f"to_{name}") for name in names})
    )


@cache
def _insert_once(dialect: str) -> Insert:
    return insert_into(dialect, supervision_cards).on_conflict_do_nothing()


class CardRows:
    """Implements ``supervision_ports.Cards``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def late(
        self, clock: ClockKind, colour: Colour, *, due: date, begun_before: datetime, began: datetime, limit: int
    ) -> Sequence[Late]:
        """What has no card of this colour (nor a red one) and whose last day is not after ``due``.

        Clocks without last days of their own take what began before ``begun_before`` instead. Clocks of nouns that are
        older than supervision take what began at ``began`` or later.
        """
        watched = WATCHED[clock]
        bound: dict[str, Any] = {"due": due} if watched.by_day else {"moment": begun_before}
        if watched.older:
            bound["began"] = began
        colours = [Colour.RED.value] if colour is Colour.RED else [one.value for one in Colour]
        rows = self._tx.rows(watched.statement, colours=colours, most=limit, **bound)
        return [self._late(watched.handler, row) for row in rows]

    def _late(self, handler: str, row: RowMapping) -> Late:
        values: dict[str, Any] = dict(row)
        if handler:
            sealed = self._tx.open_json if handler.endswith(".personal") else self._tx.open
            opened = sealed(row["handler"], handler, row["subject"])
            values["handler"] = opened["handler"] if isinstance(opened, dict) else opened
        return Late(**values)

    def open(self, card: Card) -> bool:
        """Store; False when this clock has a card of this colour."""
        return self._tx.changed(_insert_once(self._tx.dialect), **self._values(card)) == 1

    def merge(self, clock: ClockKind, subject: str) -> bool:
        """Take the yellow card of this clock, if it waits for anything, into the red one."""
        return self._tx.changed(_MERGE, kind=clock.value, what=subject) == 1

    def by_id(self, card_id: str) -> Card | None:
        """The card."""
        row = self._tx.row(_BY_ID, which=card_id)
        return None if row is None else self._card(row)

    def of(
        self, department: str, state: CardState, *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Card]:
        """Cards in a state, newest first, of one department; of all where it is empty."""
        if department:
            rows = _OF_BODY.rows(self._tx, [state.value], limit=limit, behind=behind, body=department)
        else:
            rows = _IN_STATE.rows(self._tx, [state.value], limit=limit, behind=behind)
        return [self._card(row) for row in rows]

    def tally(self, *, begin: datetime, end: datetime, department: str) -> Sequence[CardCount]:
        """Cards raised from ``begin`` to before ``end``, counted; of one department or of all."""
        if department:
            rows = self._tx.rows(_TALLY_OF, begin=begin, end=end, body=department)
        else:
            rows = self._tx.rows(_TALLY, begin=begin, end=end)
        return [CardCount(**row) for row in rows]

    def move(self, card: Card, *, sources: Collection[CardState]) -> bool:
        """Store the state of ``card`` and its answer, or its ruling, if it stands in one of ``sources``."""
        values = self._values(card)
        # The words of the other side are not written again: they may have changed since the card was read.
        names = _ANSWERED if card.state is CardState.ANSWERED else _RULED
        done = self._tx.changed(
            _move(names),
            which=card.card_id,
            sources=sorted(state.value for state in sources),
            **{f"to_{name}": values[name] for name in names},
        )
        return done == 1

    def _values(self, card: Card) -> dict[str, Any]:
        values, which = asdict(card), card.card_id
        values.update(clock=card.clock.value, colour=card.colour.value, state=card.state.value)
        values["handler"] = self._tx.seal(card.handler, _HANDLER, which)
        values["answer"] = self._tx.seal(card.answer, _ANSWER, which) if card.answer else None
        values["ruling"] = self._tx.seal(card.ruling, _RULING, which) if card.ruling else None
        return values

    def _card(self, row: RowMapping) -> Card:
        values, which = dict(row), row["card_id"]
        values["clock"] = as_word(ClockKind, row["clock"])
        values["colour"] = as_word(Colour, row["colour"])
        values["state"] = as_word(CardState, row["state"])
        values["handler"] = self._tx.open(row["handler"], _HANDLER, which)
        values["answer"] = self._tx.open(row["answer"], _ANSWER, which) if row["answer"] else ""
        values["ruling"] = self._tx.open(row["ruling"], _RULING, which) if row["ruling"] else ""
        return Card(**values)
