"""An event of an approval system or of a source becomes the same command as the API's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from certsvc.commands.issuance.accept_issuance import Origin, accept_issuance
from certsvc.commands.issuance.body import parse_issuance, shape_problems
from certsvc.commands.issuance.move_license import MoveBody, move_license
from certsvc.commands.registrations.report_state import StateReportBody, report_state
from certsvc.commands.supervision.cases import CaseStepBody, report_case
from certsvc.commands.supervision.services import ServiceBody, complete_service
from certsvc.errors import FieldProblem, InvalidInput
from certsvc.events.payloads import REPORTED_CASE, REPORTED_SERVICE, REPORTED_STATE, REQUESTED_ISSUANCE, REQUESTED_MOVE
from certsvc.events.trace import tracing

if TYPE_CHECKING:
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
    origin = Origin(event_source=event.source, event_id=event.event_id)
    with tracing(event.traceparent):
        return _carry_out(deps, caller, event.type, event.subject, event.data, origin)


def _carry_out(deps: Deps, caller: Principal, event_type: str, subject: str, data: Any, origin: Origin) -> Taken:
    if event_type == REQUESTED_ISSUANCE:
        issuance = parse_issuance(data)
        with _pointers_below_data():
            accepted = accept_issuance(deps, caller, issuance, origin)
        return Taken(request_id=accepted.request.request_id, location=f"/v1/issuances/{accepted.request.request_id}")
    if event_type == REQUESTED_MOVE:
        body = _shaped(MoveBody, data, "决定内容有误，请按提示更正")
        with _pointers_below_data():
            moved = move_license(deps, caller, subject, body, origin)
        return Taken(request_id=moved.record.move_id, location=f"/v1/licenses/{subject}")
    if event_type == REPORTED_STATE:
        report = _shaped(StateReportBody, data, "报告内容有误，请按提示更正")
        with _pointers_below_data():
            reported = report_state(deps, caller, subject, report, origin)
        return Taken(request_id=reported.record.move_id, location=f"/v1/licenses/{subject}")
    if event_type == REPORTED_CASE:
        step = _shaped(CaseStepBody, data, "办件环节有误，请按提示更正")
        with _pointers_below_data():
            case = report_case(deps, caller, step)
        location = f"/v1/supervision/cases/{case.authority_code}/{case.case_no}"
        return Taken(request_id=case.case_id, location=location)
    if event_type == REPORTED_SERVICE:
        service = _shaped(ServiceBody, data, "办结信息有误，请按提示更正")
        with _pointers_below_data():
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
def _pointers_below_data() -> Iterator[None]:
    """The body stands in the event's ``data``; so do the faults in it."""
    try:
        yield
    except InvalidInput as error:
        error.problems = tuple(replace(problem, pointer=f"/data{problem.pointer}") for problem in error.problems)
        raise
