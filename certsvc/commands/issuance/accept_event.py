"""An approval event becomes the same command as the API's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from certsvc.commands.issuance.accept_issuance import Origin, accept_issuance
from certsvc.commands.issuance.body import parse_issuance, shape_problems
from certsvc.commands.issuance.move_license import MoveBody, move_license
from certsvc.errors import FieldProblem, InvalidInput
from certsvc.events.payloads import REQUESTED_ISSUANCE, REQUESTED_MOVE

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps, Principal


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What the event led to, and where to look."""

    request_id: str
    location: str


def accept_event(
    deps: Deps, caller: Principal, *, event_type: str, source: str, event_id: str, subject: str, data: Any
) -> Taken:
    """Carry out one event; a repeat of the same event returns what it did.

    Raises:
        InvalidInput: a type nobody handles here, or data of the wrong shape; pointers begin with ``/data``.
    """
    origin = Origin(event_source=source, event_id=event_id)
    if event_type == REQUESTED_ISSUANCE:
        issuance = parse_issuance(data)
        with _pointers_below_data():
            accepted = accept_issuance(deps, caller, issuance, origin)
        return Taken(request_id=accepted.request.request_id, location=f"/v1/issuances/{accepted.request.request_id}")
    if event_type == REQUESTED_MOVE:
        try:
            body = MoveBody.model_validate(data)
        except ValidationError as error:
            problems = shape_problems(error, prefix="/data")
            raise InvalidInput("决定内容有误，请按提示更正", problems=problems) from error
        with _pointers_below_data():
            moved = move_license(deps, caller, subject, body, origin)
        return Taken(request_id=moved.record.move_id, location=f"/v1/licenses/{subject}")
    detail = f"可用的类型：{REQUESTED_ISSUANCE}、{REQUESTED_MOVE}"
    raise InvalidInput("不处理此类型的事件", problems=(FieldProblem(pointer="/type", code="enum", detail=detail),))


@contextmanager
def _pointers_below_data() -> Iterator[None]:
    """The body stands in the event's ``data``; so do the faults in it."""
    try:
        yield
    except InvalidInput as error:
        error.problems = tuple(replace(problem, pointer=f"/data{problem.pointer}") for problem in error.problems)
        raise
