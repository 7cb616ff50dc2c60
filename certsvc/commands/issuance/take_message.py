"""A message that came over the broker: the same command as by HTTP, or parked with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.access.principals import of_client
from certsvc.commands.combine import MOST
from certsvc.commands.evidence.record import record
from certsvc.commands.issuance.accept_event import accept_event, accept_prepared, prepared_run
from certsvc.errors import CertsvcError, Forbidden, InvalidInput, NotFound, TooLarge, Unauthenticated, Unavailable
from certsvc.events.cloudevents import read_events
from certsvc.events.trace import HEADER, read_traceparent, tracing
from certsvc.license.parked import ParkedEvent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certsvc.commands.issuance.accept_event import Taken
    from certsvc.commands.issuance.accept_issuance import Prepared
    from certsvc.commands.ports import Deps, Principal
    from certsvc.events.cloudevents import Incoming
    from certsvc.license.parties import Client

SENDERS = (roles.APPROVAL, roles.APPROVAL_ANY, roles.SOURCE)
READERS = (*SENDERS, roles.AUDITOR, roles.OPERATOR)
REPLAYERS = (*SENDERS, roles.OPERATOR)
MAX_MESSAGE_BYTES = 1024 * 1024
"""Largest message; the broker's own default. A photo goes by HTTP."""
MAX_PAGE = 200
"""Parked events in one answer: bounds the memory of one request."""


def take_message(
    deps: Deps, client_id: str, headers: Mapping[str, str], body: bytes, *, sequence: int, tries: int
) -> ParkedEvent | None:
    """Carry out the one event of a message; what cannot be carried out is parked, and given back.

    ``client_id`` is the last token of the subject, to which the broker lets nobody else write.

    Raises:
        Unavailable: not now; the message must come again. So does any error that is a fault of ours, the first times.
    """
    try:
        _carry_out(deps, client_id, headers, body)
    except Unavailable:
        raise
    except CertsvcError as error:
        return _park(deps, client_id, headers, body, sequence=sequence, code=error.code, detail=str(error))
    except Exception:
        if tries < MAX_TRIES:
            raise
        detail = "多次处理均出错，已存放；请运维查看日志后重放"
        return _park(deps, client_id, headers, body, sequence=sequence, code="internal", detail=detail)
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One that came, as :func:`take_message` is given it."""

    client_id: str
    headers: Mapping[str, str]
    body: bytes
    sequence: int
    tries: int


def take_messages(deps: Deps, several: Sequence[Message]) -> tuple[list[ParkedEvent | None], Exception | None]:
    """Carry out messages in their order; what became of each, as :func:`take_message`, up to one that must come again.

    That one's error is given with them: neither it nor those behind it were carried out, or it is unknown whether.
    Requests for issuance that follow each other are stored in one transaction; one that cannot be is carried out alone.
    """
    done: list[ParkedEvent | None] = []
    try:
        while len(done) < len(several):
            rest = several[len(done) :]
            run = _run(deps, rest) if len(rest) > 1 else []  # what comes alone is looked at once, where it is stored
            if not run or not _stored(deps, rest, run, done):
                done.append(_alone(deps, rest[0]))
    except Exception as error:  # noqa: BLE001  (whatever it is, the message is not lost: it comes again)
        return done, error
    return done, None


def _alone(deps: Deps, one: Message) -> ParkedEvent | None:
    return take_message(deps, one.client_id, one.headers, one.body, sequence=one.sequence, tries=one.tries)


def _run(deps: Deps, several: Sequence[Message]) -> list[Prepared]:
    """The requests for issuance at the beginning, from senders who may ask."""
    several = several[:MOST]
    read: list[tuple[Principal, Incoming, str]] = []
    with deps.uow.read() as tx:
        clients = tx.access.clients(sorted({one.client_id for one in several}))
    for one in several:
        try:
            sender, event = _sender(clients.get(one.client_id), one.client_id), _event(one.headers, one.body)
        except CertsvcError:
            break
        read.append((sender, event, read_traceparent(one.headers.get(HEADER))))
    return prepared_run(deps, read)


def _stored(deps: Deps, several: Sequence[Message], run: Sequence[Prepared], done: list[ParkedEvent | None]) -> bool:
    """Store what was looked at, and park what the register refuses, onto ``done``; False when the next goes alone.

    Raises:
        Unavailable: the next one must come again.
    """
    try:
        answers = accept_prepared(deps, run)
    except Exception:  # noqa: BLE001  (whose fault it is shows one by one; what was stored is known again)
        return False
    for one, answer in zip(several, answers, strict=False):
        if isinstance(answer, Unavailable):
            raise answer
        if isinstance(answer, CertsvcError):
            code, detail = answer.code, str(answer)
            done.append(
                _park(deps, one.client_id, one.headers, one.body, sequence=one.sequence, code=code, detail=detail)
            )
        else:
            done.append(None)
    return True


MAX_TRIES = 5
"""Deliveries of a message that makes us fail: after these it is parked, so that it never blocks those behind it."""


def parked_events(deps: Deps, caller: Principal, *, after: str, limit: int) -> Sequence[ParkedEvent]:
    """What waits: of the caller's own, or of all for an auditor or operator."""
    roles.require(caller, *READERS)
    client_id = caller.subject if caller.roles.isdisjoint({roles.AUDITOR, roles.OPERATOR}) else None
    with deps.uow.read() as tx:
        return tx.parked.waiting(client_id=client_id, after=after, limit=min(limit, MAX_PAGE))


def replay_event(deps: Deps, caller: Principal, parked_id: str) -> Taken:
    """Carry out a parked event after all, as its sender; it stays parked when it cannot be carried out again.

    An operator replays any sender's, and is told nothing of what stands in it.

    Raises:
        NotFound: no such event of the caller's.
        CertsvcError: why it still cannot be carried out.
    """
    roles.require(caller, *REPLAYERS)
    with deps.uow.read() as tx:
        event = tx.parked.get(parked_id)
    own = event is not None and event.client_id == caller.subject
    if event is None or not (own or roles.OPERATOR in caller.roles) or event.state != "parked":
        raise NotFound("没有这个待处理的事件，或它已处理完毕")
    return replay(deps, event, by=caller.subject)


def replay(deps: Deps, event: ParkedEvent, *, by: str) -> Taken:
    """As :func:`replay_event`, for whoever may."""
    taken = _carry_out(deps, event.client_id, event.headers, event.body)
    now = deps.clock.now()
    with deps.uow() as tx:
        if tx.parked.end(event.parked_id, state="replayed", by=by, now=now):
            content = {"parked_id": event.parked_id, "request_id": taken.request_id}
            record(tx, deps, kind="event.replayed", subject=event.client_id, actor=by, content=content, at=now)
    return taken


def _carry_out(deps: Deps, client_id: str, headers: Mapping[str, str], body: bytes) -> Taken:
    with deps.uow.read() as tx:
        client = tx.access.client(client_id)
    caller, event = _sender(client, client_id), _event(headers, body)
    with tracing(read_traceparent(headers.get(HEADER))):
        return accept_event(deps, caller, event)


def _sender(client: Client | None, client_id: str) -> Principal:
    if client is None or not client.active:
        raise Unauthenticated(f"没有登记的系统 {client_id}，或已停用")
    caller = of_client(client)
    if caller.roles.isdisjoint(SENDERS):
        raise Forbidden("此系统无权发送事件")
    return caller


def _event(headers: Mapping[str, str], body: bytes) -> Incoming:
    if len(body) > MAX_MESSAGE_BYTES:
        raise TooLarge(f"消息不得超过 {MAX_MESSAGE_BYTES} 字节")
    events, batch = read_events(headers, body)
    if batch or len(events) != 1:
        raise InvalidInput("每条消息只放一个事件")
    return events[0]


def _park(
    deps: Deps, client_id: str, headers: Mapping[str, str], body: bytes, *, sequence: int, code: str, detail: str
) -> ParkedEvent:
    now = deps.clock.now()
    event = ParkedEvent(
        parked_id=deps.ids.new("parked"),
        client_id=client_id,
        sequence=sequence,
        headers=headers,
        body=body[: MAX_MESSAGE_BYTES + 1],
        code=code,
        detail=detail,
        state="parked",
        parked_at=now,
    )
    with deps.uow() as tx:
        tx.parked.add(event)
        content = {"parked_id": event.parked_id, "code": code, "sequence": sequence}
        record(tx, deps, kind="event.parked", subject=client_id, actor="broker", content=content, at=now)
    return event
