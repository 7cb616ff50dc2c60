"""What an issuance request asks for, as the sealed JSON of its row."""

from __future__ import annotations

from datetime import date
from typing import Any

from certsvc.license.model import Holder
from certsvc.license.request import Action, IssuancePayload, StockClaim
from certsvc.license.stock import StockEntry, Trust
from certsvc.store.decisions import decision_in, decision_out
from certsvc.store.transaction import as_word


def payload_out(payload: IssuancePayload) -> dict[str, object]:
    """Plain JSON values; dates become ISO text."""
    return {
        "authority_code": payload.authority_code,
        "business_no": payload.business_no,
        "type_slug": payload.type_slug,
        "action": payload.action.value,
        "holder": {"name": payload.holder.name, "code": payload.holder.code, "code_type": payload.holder.code_type},
        "data": dict(payload.data),
        "issued_on": _day_out(payload.issued_on),
        "valid_from": _day_out(payload.valid_from),
        "valid_until": _day_out(payload.valid_until),
        "number": payload.number,
        "region": payload.region,
        "matter_code": payload.matter_code,
        "previous": payload.previous,
        "absorbs": list(payload.absorbs),
        "case_no": payload.case_no,
        "project_code": payload.project_code,
        "decision": decision_out(payload.decision) if payload.decision else None,
        **({"stock": _stock_out(payload.stock)} if payload.stock else {}),
    }


def payload_in(value: dict[str, Any]) -> IssuancePayload:
    """The payload that :func:`payload_out` described; rows of older releases have fewer keys."""
    decision = value.get("decision")
    return IssuancePayload(
        authority_code=value["authority_code"],
        business_no=value["business_no"],
        type_slug=value["type_slug"],
        action=as_word(Action, value["action"]),
        holder=Holder(**value["holder"]),
        data=value["data"],
        issued_on=_day_in(value["issued_on"]),
        valid_from=_day_in(value["valid_from"]),
        valid_until=_day_in(value["valid_until"]),
        number=value["number"],
        region=value["region"],
        matter_code=value["matter_code"],
        previous=value["previous"],
        absorbs=tuple(value.get("absorbs", ())),
        case_no=value.get("case_no", ""),
        project_code=value.get("project_code", ""),
        decision=decision_in(decision) if decision else None,
        stock=_stock_in(value["stock"]) if value.get("stock") else None,
    )


def _stock_out(stock: StockClaim) -> dict[str, object]:
    """Plain JSON values."""
    return {
        "import_id": stock.entry.import_id,
        "row_no": stock.entry.row_no,
        "trust": stock.entry.trust.value,
        "first_issued_on": stock.first_issued_on.isoformat(),
        "suspension": decision_out(stock.suspension) if stock.suspension else None,
        "checks": [[name, day.isoformat()] for name, day in stock.checks],
    }


def _stock_in(value: dict[str, Any]) -> StockClaim:
    """What :func:`_stock_out` described."""
    suspension = value["suspension"]
    entry = StockEntry(import_id=value["import_id"], row_no=value["row_no"], trust=as_word(Trust, value["trust"]))
    return StockClaim(
        entry=entry,
        first_issued_on=date.fromisoformat(value["first_issued_on"]),
        suspension=decision_in(suspension) if suspension else None,
        checks=tuple((name, date.fromisoformat(day)) for name, day in value["checks"]),
    )


def _day_out(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _day_in(text_form: str | None) -> date | None:
    return None if text_form is None else date.fromisoformat(text_form)
