"""Reserve number and identifier and store the intent, before any key is used."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from certsvc.catalog.numbers import number_parts, number_series, render_number
from certsvc.clock import local_day
from certsvc.errors import Refused
from certsvc.identifiers.license_identifier import LicenseIdentifier
from certsvc.license.model import IssueIntent
from certsvc.license.request import Action
from certsvc.license.states import ENDED, STATE_ZH, State

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.request import IssuanceRequest

FIRST_VERSION = 1


def ensure_intent(deps: Deps, request: IssuanceRequest) -> IssueIntent:
    """The intent of this request: the stored one when a run got that far, else a new one, stored in one transaction.

    A stored one gets the present sealing time: what an earlier run may have sealed was not registered, and a seal's
    time must not lie before its reservation.

    Raises:
        Refused: a change, renewal or replacement whose previous version cannot be followed, or a number in force.
    """
    now = deps.clock.now().replace(microsecond=0)
    with deps.uow() as tx:
        previous = _previous(tx, request)
        known = tx.intents.by_request(request.request_id)
        if known is not None:
            _check_number(tx, request, known.number, known.license_id)
            tx.intents.renew(request.request_id, signed_at=now)
            return replace(known, signed_at=now)
        intent = _first(deps, tx, request, now) if previous is None else _next(deps, request, previous, now)
        _check_number(tx, request, intent.number, intent.license_id)
        tx.intents.insert(intent)
    return intent


def _check_number(tx: UnitOfWork, request: IssuanceRequest, number: str, license_id: str) -> None:
    """One number is in force once; that of an ended license may be given again (a correct file after a voided one)."""
    holder = tx.licenses.by_number(request.payload.type_slug, number)
    if holder is not None and holder.state not in ENDED and holder.license_id != license_id:
        raise Refused("此编号的同类证照尚在有效状态；变更、延续、补办请使用相应的 action，重新颁发请先办结原证照")


def _previous(tx: UnitOfWork, request: IssuanceRequest) -> LicenseVersion | None:
    payload = request.payload
    if payload.action is Action.ISSUE:
        return None
    previous = tx.licenses.by_identifier(payload.previous)
    if previous is None or previous.issuer_code != payload.authority_code or previous.type_slug != payload.type_slug:
        raise Refused("没有找到本机关颁发的原证照，请核对原证照标识（previous）")
    if previous.state is not State.VALID:
        raise Refused(f"原证照当前状态为“{STATE_ZH[previous.state]}”，不能变更、延续或补办")
    if (previous.holder.code_type, previous.holder.code) != (payload.holder.code_type, payload.holder.code):
        raise Refused("原证照的持证主体与本次申请不一致；转让或更名请先办理主体变更")
    return previous


def _first(deps: Deps, tx: UnitOfWork, request: IssuanceRequest, now: datetime) -> IssueIntent:
    payload = request.payload
    kind = deps.catalog.type(payload.type_slug)
    issued_on = payload.issued_on or local_day(now)
    day = f"{local_day(now):%Y%m%d}"
    serial = tx.intents.next_number(f"identifier:{kind.type_code}:{payload.authority_code}:{day}")
    identifier = LicenseIdentifier.create(
        type_code=kind.type_code, issuer_code=payload.authority_code, serial=f"{day}{serial:06d}", version=FIRST_VERSION
    )
    number = payload.number
    if not number:
        parts = number_parts(kind, payload.data)
        series = number_series(kind.number, region=payload.region, year=issued_on.year, parts=parts)
        sequence = tx.intents.next_number(f"number:{kind.slug}:{series}")
        number = render_number(kind.number, region=payload.region, year=issued_on.year, sequence=sequence, parts=parts)
    return IssueIntent(
        request_id=request.request_id,
        version_id=deps.ids.new("ver"),
        license_id=deps.ids.new("lic"),
        identifier=str(identifier),
        root=identifier.root,
        version=FIRST_VERSION,
        number=number,
        printed_token=deps.ids.token(),
        document_id=deps.ids.salt(),
        issued_on=issued_on,
        first_issued_on=issued_on,
        signed_at=now,
        previous_version_id="",
    )


def _next(deps: Deps, request: IssuanceRequest, previous: LicenseVersion, now: datetime) -> IssueIntent:
    identifier = LicenseIdentifier.parse(previous.identifier).next_version()
    return IssueIntent(
        request_id=request.request_id,
        version_id=deps.ids.new("ver"),
        license_id=previous.license_id,
        identifier=str(identifier),
        root=identifier.root,
        version=identifier.version,
        number=previous.number,
        printed_token=deps.ids.token(),
        document_id=deps.ids.salt(),
        issued_on=request.payload.issued_on or local_day(now),
        first_issued_on=previous.first_issued_on,
        signed_at=now,
        previous_version_id=previous.version_id,
    )
