"""红黄牌: raised by the clock, answered by the department, accepted or given back by a supervisor."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.clock import end_of_day, local_day
from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.shapes import Line
from certsvc.commands.supervision.parts import part, uncounted
from certsvc.commands.supervision.reach import CLERKS, SUPERVISORS, body_seen, may_see, tell
from certsvc.errors import Conflict, NotFound
from certsvc.events.supervision_payloads import CardAnswered, CardOpened
from certsvc.license.supervision import (
    ANSWER_WORKDAYS,
    CARD_ZH,
    CLOCKS,
    Card,
    CardState,
    ClockKind,
    Colour,
    Late,
    card_sources,
    due_after,
    last_beginning,
    last_due,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork

NO_CARD_ZH = "没有这张红黄牌"
BATCH = 100
"""Cards per transaction; bounds how long the writer's turn is held."""
MAX_TEXT = 1000
"""Characters of a 整改说明 and of a ruling; bounds what one account can write."""


class CardAnswerBody(BaseModel):
    """整改说明：为什么超期，采取了什么措施."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: Line = Field(min_length=5, max_length=MAX_TEXT)


class CardRulingBody(BaseModel):
    """审核：认可，或退回并说明还差什么."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accepted: bool
    text: Line = Field(min_length=2, max_length=MAX_TEXT)


def raise_cards(deps: Deps, troubled: Callable[[str], object] = uncounted) -> int:
    """One batch of every clock and colour; how many cards were opened. Red ones first: they take yellow ones in.

    A clock that fails is logged, told to ``troubled`` by its code, and stops no other.
    """
    now = deps.clock.now()
    with deps.uow.read() as tx:
        first = tx.day_counts.began() or local_day(now)
    began = end_of_day(first - timedelta(days=1))
    return sum(
        part(f"{colour.value} {clock.value}", partial(_raise, deps, clock, colour, began, now), 0, troubled)
        for colour in (Colour.RED, Colour.YELLOW)
        for clock in ClockKind
    )


def _raise(deps: Deps, clock: ClockKind, colour: Colour, began: datetime, now: datetime) -> int:
    rule, after = CLOCKS[clock], deps.catalog.workdays.after
    due = last_due(colour, rule, local_day(now), after)
    begun = end_of_day(last_beginning(rule, due, after) if rule.days else due)
    with deps.uow.read() as tx:
        found = tx.cards.late(clock, colour, due=due, begun_before=begun, began=began, limit=BATCH)
    if not found:
        return 0
    opened = 0
    with deps.uow() as tx:
        for late in found:
            last = late.due_on or due_after(rule, local_day(late.since), after)
            opened += _open(deps, tx, clock, colour, late, last, now)
    return opened


def _open(
    deps: Deps, tx: UnitOfWork, clock: ClockKind, colour: Colour, late: Late, due_on: date, now: datetime
) -> bool:
    card = Card(
        card_id=deps.ids.new("crd"),
        clock=clock,
        subject=late.subject,
        colour=colour,
        department=late.department,
        handler=late.handler,
        about=late.about,
        since=late.since,
        due_on=due_on,
        raised_at=now,
        answer_due_on=deps.catalog.workdays.after(local_day(now), ANSWER_WORKDAYS),
    )
    if not tx.cards.open(card):
        return False
    if colour is Colour.RED:
        tx.cards.merge(clock, late.subject)
    payload = CardOpened(
        card_id=card.card_id,
        clock=clock.value,
        colour=colour.value,
        department=card.department,
        case_id=card.subject,
        due_on=due_on.isoformat(),
        answer_due_on=card.answer_due_on.isoformat(),
    )
    tell(deps, tx, payload, card.card_id, now)
    content = {"clock": clock.value, "colour": colour.value, "subject": card.subject, "due_on": due_on.isoformat()}
    record(tx, deps, kind="supervision.card_opened", subject=card.card_id, actor="certsvc", content=content, at=now)
    return True


def list_cards(
    deps: Deps,
    caller: Principal,
    *,
    authority_code: str,
    state: CardState,
    limit: int,
    behind: tuple[datetime, str] | None,
) -> Sequence[Card]:
    """Cards in a state, newest first: of the own body, or of any for who supervises."""
    body = body_seen(caller, authority_code)
    with deps.uow.read() as tx:
        return tx.cards.of(body, state, limit=limit, behind=behind)


def answer_card(deps: Deps, caller: Principal, card_id: str, body: CardAnswerBody) -> Card:
    """The department's 整改说明.

    Raises:
        NotFound: another body's card.
        Conflict: it is answered, accepted, or part of a red card.
    """
    roles.require(caller, *CLERKS)
    now = deps.clock.now()
    with deps.uow() as tx:
        found = _card(tx, caller, card_id)
        answered = replace(
            found, state=CardState.ANSWERED, answer=body.text, answered_by=caller.subject, answered_at=now
        )
        return _move(deps, tx, caller, found, answered, now)


def rule_card(deps: Deps, caller: Principal, card_id: str, body: CardRulingBody) -> Card:
    """A supervisor accepts the answer, or gives it back with a new last day.

    Raises:
        NotFound: no such card.
        Conflict: there is no answer to rule on.
    """
    roles.require(caller, *SUPERVISORS)
    now = deps.clock.now()
    with deps.uow() as tx:
        found = _card(tx, caller, card_id)
        ruled = replace(
            found,
            state=CardState.ACCEPTED if body.accepted else CardState.RETURNED,
            ruling=body.text,
            ruled_by=caller.subject,
            ruled_at=now,
            answer_due_on=found.answer_due_on
            if body.accepted
            else deps.catalog.workdays.after(local_day(now), ANSWER_WORKDAYS),
        )
        return _move(deps, tx, caller, found, ruled, now)


def _card(tx: UnitOfWork, caller: Principal, card_id: str) -> Card:
    found = tx.cards.by_id(card_id)
    if found is None or not may_see(caller, found.department):
        raise NotFound(NO_CARD_ZH)
    return found


def _move(deps: Deps, tx: UnitOfWork, caller: Principal, found: Card, moved: Card, now: datetime) -> Card:
    sources = card_sources(moved.state)
    # Refused also where only the copy that was read does not fit: the step was thought of for that one.
    if found.state not in sources or not tx.cards.move(moved, sources=sources):
        raise Conflict(f"这张牌现在不能办理为“{CARD_ZH[moved.state]}”，请刷新后再看")
    payload = CardAnswered(
        card_id=moved.card_id,
        clock=moved.clock.value,
        colour=moved.colour.value,
        department=moved.department,
        state=moved.state.value,
    )
    tell(deps, tx, payload, moved.card_id, now)
    content = {"state": moved.state.value, "text": moved.ruling if moved.ruled_at == now else moved.answer}
    kind = f"supervision.card_{moved.state.value}"
    record(tx, deps, kind=kind, subject=moved.card_id, actor=caller.subject, content=content, at=now)
    return moved
