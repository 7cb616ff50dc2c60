"""An event of an approval system or of a source becomes the same command as the API's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from certsvc.commands.combine import MOST
from certsvc.commands.issuance.accept_issuance import (
    Accepted,
    Origin,
    accept_issuance,
    accept_issuances,
    prepare_acceptance,
)
from certsvc.commands.issuance.body import parse_issuance, shape_problems
from certsvc.commands.issuance.move_license import MoveBody, move_license
from certsvc.commands.registrations.report_state import StateReportBody, report_state
from certsvc.commands.supervision.cases import CaseStepBody, report_case
from certsvc.commands.supervision.services import ServiceBody, complete_service
from certsvc.errors import CertsvcError, FieldProblem, InvalidInput, Unavailable
from certsvc.events.payloads import REPORTED_CASE, REPORTED_SERVICE, REPORTED_STATE, REQUESTED_ISSUANCE, REQUESTED_MOVE
from certsvc.events.spans import Kind, spanning
from certsvc.events.trace import current_trace, tracing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.issuance.accept_issuance import Prepared
    from certsvc.commands.issuance.body import IssuanceBody
    from certsvc.commands.ports import Deps, Principal
    from certsvc.events.cloudevents import Incoming


_Body = TypeVar("_Body", bound=BaseModel)


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What the event led to, and where to look."""

    request_id: str
    location: str


def accept_event(deps: Deps, caller: Principal, event: Incoming) -> Taken:
    """Carry out one event in its trace; a repeat of the same event returns what it did.

    Raises:
        InvalidInput: a type nobody handles here, or data of the wrong shape; pointers begin with ``/data``.
    """
    with taking(deps, event):
        return _carry_out(deps, caller, event.type, event.subject, event.data, origin_of(event))


def accept_events(deps: Deps, caller: Principal, events: Sequence[Incoming]) -> list[Taken | CertsvcError]:
    """Carry out several events of one caller in their order; what each led to, as :func:`accept_event`.

    Requests for issuance that follow each other are stored in one transaction.
    """
    answers: list[Taken | CertsvcError] = []
    while len(answers) < len(events):
        rest = events[len(answers) :]
        if run := prepared_run(deps, [(caller, event, current_trace()) for event in rest]):
            answers += accept_prepared(deps, run)
        else:
            try:
                answers.append(accept_event(deps, caller, rest[0]))
            except CertsvcError as error:
                answers.append(error)
    return answers


def prepared_run(deps: Deps, several: Sequence[tuple[Principal, Incoming, str]]) -> list[Prepared]:
    """The requests for issuance that these begin with, looked at as far as it goes without a database.

    Each is given with its sender and the trace of what brought it. It ends before whatever is something else, or cannot
    even be looked at: that is carried out alone.
    """
    run: list[Prepared] = []
    for caller, event, trace in several[:MOST]:
        if event.type != REQUESTED_ISSUANCE:
            break
        try:
            with tracing(trace), taking(deps, event):
                run.append(prepare_acceptance(deps, caller, parse_issuance(event.data), origin_of(event)))
        except Exception:  # noqa: BLE001  (whatever it is shows again where it is carried out alone)
            break
    return run


def accept_prepared(deps: Deps, run: Sequence[Prepared]) -> list[Taken | CertsvcError]:
    """Store them in one transaction, or each in its own when that fails; what each led to, in their order.

    After Unavailable nothing is tried again: whether it was committed may be unknown, and all are told.
    """
    try:
        return [_taken(answer) for answer in accept_issuances(deps, run)]
    except Unavailable as error:
        return [Unavailable(error.detail) for _ in run]
    except Exception as error:
        if len(run) == 1:
            if isinstance(error, CertsvcError):
                return [_below_data(error)]
            raise
        return [answer for one in run for answer in accept_prepared(deps, [one])]


def _taken(answer: Accepted | CertsvcError) -> Taken | CertsvcError:
    return _below_data(answer) if isinstance(answer, CertsvcError) else taken_request(answer)


def taken_request(accepted: Accepted) -> Taken:
    """Where to look for what an event asked for."""
    request_id = accepted.request.request_id
    return Taken(request_id=request_id, location=f"/v1/issuances/{request_id}")


def origin_of(event: Incoming) -> Origin:
    """By what a repeat of the event is known."""
    return Origin(event_source=event.source, event_id=event.event_id)


def asked_issuance(event: Incoming) -> IssuanceBody | None:
    """The body of a request for issuance, or None for any other event.

    Raises:
        InvalidInput: every fault with its JSON pointer.
    """
    return parse_issuance(event.data) if event.type == REQUESTED_ISSUANCE else None


@contextmanager
def taking(deps: Deps, event: Incoming) -> Iterator[None]:
    """Do what an event asks for in its own trace."""
    here = [current_trace()] if current_trace() else []
    with spanning(deps.tracer, "event.take", Kind.CONSUMER, parent=event.traceparent, links=here):
        yield


def _carry_out(deps: Deps, caller: Principal, event_type: str, subject: str, data: Any, origin: Origin) -> Taken:
    if event_type == REQUESTED_ISSUANCE:
        issuance = parse_issuance(data)
        with pointers_below_data():
            return taken_request(accept_issuance(deps, caller, issuance, origin))
    if event_type == REQUESTED_MOVE:
        body = _shaped(MoveBody, data, "决定内容有误，请按提示更正")
        with pointers_below_data():
            moved = move_license(deps, caller, subject, body, origin)
        return Taken(request_id=moved.record.move_id, location=f"/v1/licenses/{subject}")
    if event_type == REPORTED_STATE:
        report = _shaped(StateReportBody, data, "报告内容有误，请按提示更正")
        with pointers_below_data():
            reported = report_state(deps, caller, subject, report, origin)
        return Taken(request_id=reported.record.move_id, location=f"/v1/licenses/{subject}")
    if event_type == REPORTED_CASE:
        step = _shaped(CaseStepBody, data, "办件环节有误，请按提示更正")
        with pointers_below_data():
            case = report_case(deps, caller, step)
        location = f"/v1/supervision/cases/{case.authority_code}/{case.case_no}"
        return Taken(request_id=case.case_id, location=location)
    if event_type == REPORTED_SERVICE:
        service = _shaped(ServiceBody, data, "办结信息有误，请按提示更正")
        with pointers_below_data():
            completed = complete_service(deps, caller, service)
        return Taken(request_id=completed.service_id, location=f"/v1/services/{completed.service_id}")
    known = (REQUESTED_ISSUANCE, REQUESTED_MOVE, REPORTED_STATE, REPORTED_CASE, REPORTED_SERVICE)
    detail = f"可用的类型：{'、'.join(known)}"
    raise InvalidInput("不处理此类型的事件", problems=(FieldProblem(pointer="/type", code="enum", detail=detail),))


def _shaped(shape: type[_Body], data: Any, message: str) -> _Body:
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        raise InvalidInput(message, problems=shape_problems(error, prefix="/data")) from error


@contextmanager
def pointers_below_data() -> Iterator[None]:
    """The body stands in the event's ``data``; so do the faults in it."""
    try:
        yield
    except InvalidInput as error:
        _below_data(error)
        raise


def _below_data(error: CertsvcError) -> CertsvcError:
    if isinstance(error, InvalidInput):
        error.problems = tuple(replace(problem, pointer=f"/data{problem.pointer}") for problem in error.problems)
    return error
