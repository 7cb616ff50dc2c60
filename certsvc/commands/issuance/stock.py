"""What is different about 存量 on the issue spine: issuer of the time, original number, and the state at import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.catalog.bodies import heir
from certsvc.catalog.numbers import MAX_LENGTH, check_given_number, read_number
from certsvc.catalog.validation import check_text
from certsvc.clock import local_day
from certsvc.commands.issuance.move_license import announce_move, write_move
from certsvc.commands.issuance.record_fact import FactBody, append_fact
from certsvc.errors import FieldProblem, InvalidInput
from certsvc.license.facts import FactKind
from certsvc.license.model import MoveRecord
from certsvc.license.states import MOVE_BY_NAME

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.catalog.model import LicenseType
    from certsvc.commands.issuance.body import IssuanceBody
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import Decision, LicenseVersion
    from certsvc.license.request import IssuancePayload, StockClaim

ACTOR = "certsvc"
"""Who acts when an approved row is carried out; the people stand in the evidence of its import."""

PAGE_MARK = "存量证照"
"""Under the title of a page that was made from 存量: the date on it is older than the seal."""


def sealing_body(deps: Deps, payload: IssuancePayload) -> str:
    """USCC of the body whose seal goes on the page: of 存量 today's successor of the issuer, else the issuer."""
    if payload.stock is None:
        return payload.authority_code
    return heir(deps.catalog, payload.authority_code, local_day(deps.clock.now()))


def check_stock_issuer(deps: Deps, body: IssuanceBody, kind: LicenseType, problems: list[FieldProblem]) -> None:
    """The issuer of the time must be one whose powers an issuer of the type has today, and not have ended before."""
    if not deps.catalog.has_authority(body.authority_code):
        detail = "原发证机关不在机构目录中；请核对代码，已撤并的机关请目录管理部门补充其承继机关"
        problems.append(FieldProblem(pointer="/authority_code", code="unknown_authority", detail=detail))
        return
    if heir(deps.catalog, body.authority_code, local_day(deps.clock.now())) not in kind.issuers:
        detail = f"原发证机关及其承继机关都不是“{kind.name}”的颁发机构，请核对代码或证照类型"
        problems.append(FieldProblem(pointer="/authority_code", code="not_an_issuer", detail=detail))
        return
    if body.issued_on is not None:
        then = heir(deps.catalog, body.authority_code, body.issued_on)
        if then != body.authority_code:
            name = deps.catalog.authority(then).name
            detail = f"颁发当日原发证机关已并入{name}，请核对颁发日期，或填写{name}"
            problems.append(FieldProblem(pointer="/authority_code", code="merged", detail=detail))


def check_stock_number(kind: LicenseType, number: str, holder_code: str, problems: list[FieldProblem]) -> str:
    """The original number, kept as it is; one of the type's present form must have a right check digit."""
    if kind.number.given:
        try:
            return check_given_number(kind, number, holder_code=holder_code)
        except InvalidInput as error:
            problems.extend(error.problems)
            return ""
    text = number.strip()
    fault = check_text(text, max_length=MAX_LENGTH, is_name=False)
    if not fault:
        read = read_number(kind.number, text)
        if read is not None and not read.check_good:
            fault = "编号的校验位不符，请与原件逐位核对"
    if fault:
        problems.append(FieldProblem(pointer="/number", code="text" if text else "missing", detail=fault))
    return text


def bring_in(deps: Deps, tx: UnitOfWork, version: LicenseVersion, payload: IssuancePayload, now: datetime) -> None:
    """What was so before the license was brought in is on record from its first moment: its checks, its suspension."""
    claim = payload.stock
    if claim is None:
        return
    for name, day in claim.checks:
        body = FactBody(
            fact=FactKind.CHECK_PASSED, authority_code=sealing_body(deps, payload), happened_on=day, code=name
        )
        append_fact(deps, tx, version, body, actor=ACTOR, now=now)
    if claim.suspension is not None:
        _suspend(deps, tx, version, claim, claim.suspension, now)


def _suspend(
    deps: Deps, tx: UnitOfWork, version: LicenseVersion, claim: StockClaim, decision: Decision, now: datetime
) -> None:
    move = MOVE_BY_NAME["suspend"]
    row = MoveRecord(
        move_id=deps.ids.new("mov"),
        version_id=version.version_id,
        name=move.name,
        from_state=version.state,
        to_state=move.target,
        decision=decision,
        actor=ACTOR,
        at=now,
    )
    write_move(tx, row, version, decision.until)
    announce_move(deps, tx, version, move, row, {"import_id": claim.entry.import_id})
