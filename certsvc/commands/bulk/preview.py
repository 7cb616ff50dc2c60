"""Preview a bulk decision: each license found or not, how it stands, whether the decision may be made, what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rfc8785

from certsvc.catalog.validation import face_date
from certsvc.commands.access import roles
from certsvc.commands.bulk.body import check_order, move_body, renewal
from certsvc.commands.evidence.record import record
from certsvc.commands.issuance.authority import NOT_FOR_THIS_BODY, issuer_today, require_decider
from certsvc.commands.issuance.lineage import lineage_of
from certsvc.errors import CertsvcError, FieldProblem, InvalidInput, NotFound
from certsvc.license.bulk import RENEW, BulkBatch, BulkRow, BulkRowState, BulkState
from certsvc.license.states import MOVE_BY_NAME, STATE_ZH, lawful

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.bulk.body import BulkBody
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion

DOUBLE = "double"
"""Code of a license that is named twice."""


def preview_bulk(deps: Deps, caller: Principal, body: BulkBody) -> BulkBatch:
    """Store a preview; nothing is moved. The same content while it is open is the same bulk decision.

    Raises:
        Forbidden: no 批量经办人.
        InvalidInput: the decision itself is wrong, or licenses are named by number without their type.
    """
    roles.require(caller, roles.BATCH_CLERK)
    now = deps.clock.now()
    check_order(body, caller.authority_code, now)
    if body.type:
        deps.catalog.type(body.type)
    elif not all(_is_identifier(given) for given in body.licenses):
        detail = "按证照编号列出证照时，请填写证照类型"
        raise InvalidInput(detail, problems=(FieldProblem(pointer="/type", code="missing", detail=detail),))
    content = rfc8785.dumps(body.model_dump(mode="json")).decode("utf-8")
    with deps.uow.read() as tx:
        known = tx.bulks.open_content(caller.authority_code, content)
        if known is not None:
            return known
        batch = BulkBatch(
            bulk_id=deps.ids.new("blk"),
            authority_code=caller.authority_code,
            state=BulkState.PREVIEW,
            order=body.order(),
            total=len(body.licenses),
            asked_by=caller.subject,
            asked_at=now,
        )
        rows = _rows(deps, tx, batch, body, now)
    with deps.uow() as tx:
        if not tx.bulks.insert(batch, rows, content=content):
            known = tx.bulks.open_content(caller.authority_code, content)
        else:
            ready = sum(row.state is BulkRowState.READY for row in rows)
            said = {"action": body.action, "document_no": body.document_no, "total": batch.total, "ready": ready}
            record(tx, deps, kind="bulk.previewed", subject=batch.bulk_id, actor=caller.subject, content=said, at=now)
    return known or batch


def judged(deps: Deps, tx: UnitOfWork, batch: BulkBatch, row_no: int, version: LicenseVersion, now: datetime) -> str:
    """What follows for one license from the decision.

    Raises:
        CertsvcError: why it may not be made; the kinds are those of the single command.
    """
    if batch.order.action == RENEW:
        if issuer_today(deps, version) != batch.authority_code:
            raise NotFound(NOT_FOR_THIS_BODY)
        request = renewal(deps, tx, batch, row_no, version, now)
        lineage_of(deps, tx, request)
        until = request.payload.valid_until
        return f"换发新版本，有效期至 {face_date(until)}" if until else "换发新版本，有效期按证照类型推算"
    body = move_body(batch.order, batch.authority_code)
    require_decider(deps, tx, version, MOVE_BY_NAME[body.move].who, body.authority_code)
    move = lawful(body.move, version.state, version.paper)
    depending = len(tx.facts.dependants(version.license_id))
    hint = f"；另有 {depending} 张证照依附于它，将作提示" if depending else ""
    return f"状态由“{STATE_ZH[version.state]}”变为“{STATE_ZH[move.target]}”{hint}"


def _rows(deps: Deps, tx: UnitOfWork, batch: BulkBatch, body: BulkBody, now: datetime) -> list[BulkRow]:
    rows: list[BulkRow] = []
    seen: dict[str, int] = {}
    for row_no, given in enumerate(body.licenses, start=1):
        version = _find(tx, body.type, given)
        first = seen.setdefault(version.version_id, row_no) if version is not None else row_no
        try:
            if version is None or (body.type and version.type_slug != body.type):
                raise NotFound(NOT_FOR_THIS_BODY)
            follows = judged(deps, tx, batch, row_no, version, now)
        except CertsvcError as error:
            # A license of others stands here as none: neither its identifier nor its state is told.
            hidden = version is None or isinstance(error, NotFound)
            rows.append(_not_allowed(row_no, given, None if hidden else version, error.code, error.detail))
            continue
        if first != row_no:
            rows.append(_not_allowed(row_no, given, version, DOUBLE, f"与第 {first} 项是同一张证照，只办理一次"))
            continue
        rows.append(
            BulkRow(
                row_no=row_no,
                state=BulkRowState.READY,
                given=given,
                identifier=version.identifier,
                stood=version.state.value,
                detail=follows,
            )
        )
    return rows


def _not_allowed(row_no: int, given: str, version: LicenseVersion | None, code: str, detail: str) -> BulkRow:
    return BulkRow(
        row_no=row_no,
        state=BulkRowState.NOT_ALLOWED,
        given=given,
        identifier=version.identifier if version else "",
        stood=version.state.value if version else "",
        code=code,
        detail=detail,
    )


def _find(tx: UnitOfWork, type_slug: str, given: str) -> LicenseVersion | None:
    found = tx.licenses.by_identifier(given) if _is_identifier(given) else None
    if found is None and type_slug:
        found = tx.licenses.by_number(type_slug, given)
    return found


def _is_identifier(given: str) -> bool:
    """Whether it has the form of a 证照标识; numbers of licenses have no six dots."""
    return given.count(".") >= 6  # noqa: PLR2004  (1.2.156.3005.2 and the parts of GB/T 36904)
