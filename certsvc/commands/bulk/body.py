"""What a bulk decision is asked for with, and the request of one renewal of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from certsvc.catalog.numbers import MAX_LENGTH
from certsvc.commands.issuance.body import HolderBody, IssuanceBody, body_hash
from certsvc.commands.issuance.move_license import MoveBody, check_move
from certsvc.commands.issuance.payload import build_payload
from certsvc.commands.shapes import Day, Line
from certsvc.errors import FieldProblem, InvalidInput
from certsvc.license.bulk import LONGEST_WINDOW, RENEW, WINDOW, BulkOrder
from certsvc.license.request import Action, IssuanceRequest, Lane, RequestState

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.bulk import BulkBatch
    from certsvc.license.model import LicenseVersion

MAX_LICENSES = 2_000
"""Licenses of one bulk decision: each is looked up while the caller waits; longer lists are split."""
_HOURS = int(WINDOW.total_seconds()) // 3600
_MOST_HOURS = int(LONGEST_WINDOW.total_seconds()) // 3600


Named = Annotated[Line, Field(min_length=1, max_length=MAX_LENGTH)]


class BulkBody(BaseModel):
    """一份决定办理多张证照：先预览，另一人确认，等待期满后逐张办理."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    action: str = Field(
        max_length=20,
        description="suspend 暂扣 · resume 恢复 · rescind 撤销 · withdraw 撤回 · revoke 吊销 · cancel 注销 · void 作废"
        " · reinstate 恢复效力 · renew 延续",
        examples=["revoke"],
    )
    type: Line = Field(
        default="", max_length=64, pattern=r"^[0-9a-z_-]*$", description="证照类型，按编号列出证照时必填"
    )
    licenses: tuple[Named, ...] = Field(
        min_length=1, max_length=MAX_LICENSES, description="证照标识或证照编号，一张一项"
    )
    document_no: Line = Field(min_length=1, max_length=100, description="文书号", examples=["示市监罚〔2026〕1号"])
    decided_on: Day = Field(description="决定日期", examples=["2026-01-15"])
    basis: Line = Field(min_length=1, max_length=500, description="法律依据", examples=["《行政许可法》第六十九条"])
    until: Day | None = Field(default=None, description="暂扣截止日期，仅用于 suspend")
    valid_until: Day | None = Field(default=None, description="新的有效期截止日期，仅用于 renew；缺省按证照类型推算")
    window_hours: int = Field(
        default=_HOURS, ge=0, le=_MOST_HOURS, description=f"确认后等待几小时再生效，缺省 {_HOURS}；等待期内可以取消办理"
    )
    why_short: Line = Field(default="", max_length=200, description=f"等待期短于 {_HOURS} 小时的理由")

    def order(self) -> BulkOrder:
        """The decision."""
        return BulkOrder(
            action=self.action,
            document_no=self.document_no,
            decided_on=self.decided_on,
            basis=self.basis,
            until=self.until,
            valid_until=self.valid_until,
            window=timedelta(hours=self.window_hours),
            why_short=self.why_short,
        )


def move_body(order: BulkOrder, authority_code: str) -> MoveBody:
    """The decision about one license."""
    return MoveBody(
        move=order.action,
        authority_code=authority_code,
        document_no=order.document_no,
        decided_on=order.decided_on,
        basis=order.basis,
        until=order.until,
    )


def check_order(body: BulkBody, authority_code: str, now: datetime) -> None:
    """What is wrong with it whatever licenses it names (InvalidInput)."""
    problems: list[FieldProblem] = []
    if body.action != RENEW and body.valid_until is not None:
        detail = "只有延续（renew）才填新的截止日期"
        problems.append(FieldProblem(pointer="/valid_until", code="extra_forbidden", detail=detail))
    if body.action == RENEW and body.until is not None:
        problems.append(FieldProblem(pointer="/until", code="extra_forbidden", detail="只有暂扣才填暂扣截止日期"))
    if timedelta(hours=body.window_hours) < WINDOW and not body.why_short:
        detail = f"等待期短于 {_HOURS} 小时，请写明理由"
        problems.append(FieldProblem(pointer="/why_short", code="missing", detail=detail))
    try:
        # The rules of a move that renewals share (a decision from the future) are asked with one that needs no date.
        order = body.order()
        check_move(move_body(replace(order, action="cancel") if order.action == RENEW else order, authority_code), now)
    except InvalidInput as error:
        renamed = {"/move": "/action"}
        problems += [replace(one, pointer=renamed.get(one.pointer, one.pointer)) for one in error.problems]
    if problems:
        raise InvalidInput("批量办理的内容有误，请按提示更正", problems=tuple(problems))


def renewal(
    deps: Deps, tx: UnitOfWork, batch: BulkBatch, row_no: int, version: LicenseVersion, now: datetime
) -> IssuanceRequest:
    """The request that renews one license, with everything else as it is.

    Raises:
        UnknownLicenseType, InvalidInput: what the catalog says against it now.
    """
    kind = deps.catalog.type(version.type_slug)
    asked = tx.requests.by_id(version.request_id)
    body = IssuanceBody(
        authority_code=batch.authority_code,
        business_no=f"{batch.bulk_id}.{row_no}",
        type=version.type_slug,
        action=Action.RENEW,
        holder=HolderBody(name=version.holder.name, code=version.holder.code, code_type=version.holder.code_type),
        data=dict(version.data),
        issued_on=batch.order.decided_on,
        valid_until=batch.order.valid_until,
        number=version.number if kind.number.given else "",
        region=asked.payload.region if asked is not None else "",
        matter_code=asked.payload.matter_code if asked is not None else "",
        previous=version.identifier,
    )
    return IssuanceRequest(
        request_id=deps.ids.new("req"),
        caller=batch.asked_by,
        payload=build_payload(deps, body),
        body_hash=body_hash(body),
        idempotency_key="",
        event_source="",
        event_id="",
        photo_id=version.photo_id,
        state=RequestState.ACCEPTED,
        attempts=0,
        reason_code="",
        reason_detail="",
        version_id="",
        created_at=now,
        updated_at=now,
        lane=Lane.BACKFILL,
    )
