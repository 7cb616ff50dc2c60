"""The part of a request that says what it follows: previous, absorbs, case, project and decision, by action."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.errors import FieldProblem, InvalidIdentifier
from certsvc.identifiers.license_identifier import LicenseIdentifier
from certsvc.license.links import LINKS, LinkKind
from certsvc.license.model import Decision
from certsvc.license.request import FIRST_ACTIONS, Action

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.catalog.model import LicenseType
    from certsvc.commands.issuance.body import IssuanceBody
    from certsvc.license.links import LinkRule

PROJECT_CODE = re.compile(r"[0-9]{4}-[0-9]{6}-[0-9]{2}-[0-9]{2}-[0-9]{6}")
"""项目代码 of the investment project platform: 年月-区划-行业-项目类型-顺序码."""

_ONLY_FOR = {
    "absorbs": (Action.MERGE,),
    "project_code": (Action.PROVISIONAL, Action.CONVERT),
    "decision": (Action.CORRECT,),
}
_REQUIRED = {
    Action.MERGE: ("absorbs", "请列出被并入的证照标识（absorbs）"),
    Action.SPLIT: ("case_no", "请填写办件编号，各件相同（case_no）"),
    Action.PROVISIONAL: ("project_code", "请填写项目代码（project_code）"),
    Action.CORRECT: ("decision", "请填写更正决定的文书号、日期和依据（decision）"),
}


def link_rule(action: Action) -> LinkRule | None:
    """The link that an action makes; None for the actions that follow nothing."""
    return None if action in FIRST_ACTIONS else LINKS[LinkKind(action.value)]


def decision_of(body: IssuanceBody) -> Decision | None:
    """The issuer's decision behind a correction."""
    if body.decision is None:
        return None
    return Decision(
        authority_code=body.authority_code,
        document_no=body.decision.document_no,
        decided_on=body.decision.decided_on,
        basis=body.decision.basis,
    )


def check_link_fields(body: IssuanceBody, kind: LicenseType, now: datetime, problems: list[FieldProblem]) -> None:
    """Add every fault of these fields to ``problems``."""
    for name, actions in _ONLY_FOR.items():
        if getattr(body, name) and body.action not in actions:
            detail = f"只有{'、'.join(_action_zh(action) for action in actions)}才填此项"
            problems.append(FieldProblem(pointer=f"/{name}", code="extra_forbidden", detail=detail))
    name, detail = _REQUIRED.get(body.action, ("", ""))
    if name and not getattr(body, name):
        problems.append(FieldProblem(pointer=f"/{name}", code="missing", detail=detail))
    if body.project_code and not PROJECT_CODE.fullmatch(body.project_code):
        detail = "项目代码应写作 2601-990100-04-01-123456"
        problems.append(FieldProblem(pointer="/project_code", code="project_code", detail=detail))
    if body.decision is not None and body.decision.decided_on > local_day(now):
        problems.append(FieldProblem(pointer="/decision/decided_on", code="in_future", detail="决定日期晚于今天"))
    _previous(body, kind, problems)
    _absorbs(body, problems)


def _previous(body: IssuanceBody, kind: LicenseType, problems: list[FieldProblem]) -> None:
    if body.action in FIRST_ACTIONS:
        if body.previous:
            detail = "新办和模拟审批不填原证照标识；变更、延续、补办等请使用相应的 action"
            problems.append(FieldProblem(pointer="/previous", code="extra_forbidden", detail=detail))
        return
    if not body.previous:
        problems.append(FieldProblem(pointer="/previous", code="missing", detail="请填写原证照标识"))
        return
    try:
        identifier = LicenseIdentifier.parse(body.previous)
    except InvalidIdentifier as error:
        problems.append(FieldProblem(pointer="/previous", code=error.code, detail=error.detail))
        return
    if identifier.type_code != kind.type_code:
        detail = "原证照标识与证照类型不一致"
        problems.append(FieldProblem(pointer="/previous", code="other_type", detail=detail))


def _absorbs(body: IssuanceBody, problems: list[FieldProblem]) -> None:
    seen = {body.previous}
    for index, text in enumerate(body.absorbs):
        pointer = f"/absorbs/{index}"
        try:
            LicenseIdentifier.parse(text)
        except InvalidIdentifier as error:
            problems.append(FieldProblem(pointer=pointer, code=error.code, detail=error.detail))
        if text in seen:
            problems.append(FieldProblem(pointer=pointer, code="repeated", detail="与原证照或其他被并入的证照重复"))
        seen.add(text)


def _action_zh(action: Action) -> str:
    rule = link_rule(action)
    return rule.name_zh if rule is not None else "模拟审批"
