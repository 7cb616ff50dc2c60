"""Reserve number and identifier and store the intent, before any key is used."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from certsvc.catalog.numbers import number_parts, number_series, read_number, render_number
from certsvc.clock import local_day
from certsvc.commands.issuance.lineage import lineage_of
from certsvc.errors import Refused
from certsvc.identifiers.license_identifier import LicenseIdentifier
from certsvc.license.links import LinkKind
from certsvc.license.model import IssueIntent
from certsvc.license.request import Action
from certsvc.license.states import ENDED

if TYPE_CHECKING:
    from datetime import date, datetime

    from certsvc.commands.issuance.lineage import Lineage
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.links import LinkRule
    from certsvc.license.model import LicenseVersion
    from certsvc.license.request import IssuanceRequest

FIRST_VERSION = 1
PROVISIONAL_MARK = "模拟"
"""First characters of what stands in the place of a number on a provisional opinion."""


def ensure_intent(deps: Deps, tx: UnitOfWork, request: IssuanceRequest) -> IssueIntent:
    """The intent of this request: the stored one when a run got that far, else a new one, stored in ``tx``.

    A stored one gets the present sealing time: what an earlier run may have sealed was not registered, and a seal's
    time must not lie before its reservation.

    Raises:
        Refused: a change, renewal or replacement whose previous version cannot be followed, or a number in force.
    """
    now = deps.clock.now().replace(microsecond=0)
    lineage = lineage_of(deps, tx, request)
    known = tx.intents.by_request(request.request_id)
    if known is not None:
        _check_number(tx, request, known.number, lineage)
        tx.intents.renew(request.request_id, signed_at=now)
        return replace(known, signed_at=now)
    if lineage.main is None or lineage.rule is None or not lineage.rule.keeps_license:
        intent = _first(deps, tx, request, lineage, now)
    else:
        intent = _next(deps, tx, request, lineage.rule, lineage.main.version, now)
    _check_number(tx, request, intent.number, lineage)
    tx.intents.insert(intent)
    return intent


def _check_number(tx: UnitOfWork, request: IssuanceRequest, number: str, lineage: Lineage) -> None:
    """One number is in force once; that of an ended license may be given again (a correct file after a voided one).

    What the request itself ends does not stand in its way.
    """
    holder = tx.licenses.by_number(request.payload.type_slug, number)
    ending = {predecessor.version.version_id for predecessor in lineage.all}
    if holder is not None and holder.state not in ENDED and holder.version_id not in ending:
        raise Refused("此编号的同类证照尚在有效状态；变更、延续、补办请使用相应的 action，重新颁发请先办结原证照")


def _first(deps: Deps, tx: UnitOfWork, request: IssuanceRequest, lineage: Lineage, now: datetime) -> IssueIntent:
    """The first version of a license: new, provisional, or a part of a split."""
    payload = request.payload
    kind = deps.catalog.type(payload.type_slug)
    issued_on = payload.issued_on or local_day(now)
    day = f"{local_day(now):%Y%m%d}"
    serial = tx.intents.next_number(f"identifier:{kind.type_code}:{payload.authority_code}:{day}")
    identifier = LicenseIdentifier.create(
        type_code=kind.type_code, issuer_code=payload.authority_code, serial=f"{day}{serial:06d}", version=FIRST_VERSION
    )
    return IssueIntent(
        request_id=request.request_id,
        version_id=deps.ids.new("ver"),
        license_id=deps.ids.new("lic"),
        identifier=str(identifier),
        root=identifier.root,
        version=FIRST_VERSION,
        number=_number(deps, tx, request, issued_on),
        printed_token=deps.ids.token(),
        document_id=deps.ids.salt(),
        issued_on=issued_on,
        first_issued_on=payload.stock.first_issued_on if payload.stock else issued_on,
        signed_at=now,
        previous_version_id=lineage.main.version.version_id if lineage.main is not None else "",
    )


def _next(
    deps: Deps, tx: UnitOfWork, request: IssuanceRequest, rule: LinkRule, previous: LicenseVersion, now: datetime
) -> IssueIntent:
    """The next version of a license."""
    identifier = LicenseIdentifier.parse(previous.identifier).next_version()
    issued_on = request.payload.issued_on or local_day(now)
    return IssueIntent(
        request_id=request.request_id,
        version_id=deps.ids.new("ver"),
        license_id=previous.license_id,
        identifier=str(identifier),
        root=identifier.root,
        version=identifier.version,
        number=_kept_number(request, rule, previous) or _number(deps, tx, request, issued_on),
        printed_token=deps.ids.token(),
        document_id=deps.ids.salt(),
        issued_on=issued_on,
        first_issued_on=issued_on if rule.kind is LinkKind.CONVERT else previous.first_issued_on,
        signed_at=now,
        previous_version_id=previous.version_id,
    )


def _kept_number(request: IssuanceRequest, rule: LinkRule, previous: LicenseVersion) -> str:
    """The number that the link keeps; a correction may set right a number that the approval gives."""
    if rule.kind is LinkKind.CORRECT and request.payload.number and not previous.provisional:
        return request.payload.number
    return previous.number if rule.keeps_number else ""


def _number(deps: Deps, tx: UnitOfWork, request: IssuanceRequest, issued_on: date) -> str:
    """A new number; a provisional opinion has none, only its project's code and a count (DOMAIN.md 1.6)."""
    payload = request.payload
    kind = deps.catalog.type(payload.type_slug)
    if payload.action is Action.PROVISIONAL:
        count = tx.intents.next_number(f"provisional:{kind.slug}:{payload.project_code}")
        return f"{PROVISIONAL_MARK}{payload.project_code}-{count}"
    if payload.number:
        given = read_number(kind.number, payload.number)
        if given is not None:
            # 存量 of a type whose numbers are made here: later ones go on behind it.
            series = number_series(kind.number, region=given.region, year=given.year, parts=given.parts)
            tx.intents.raise_number(f"number:{kind.slug}:{series}", to=given.sequence)
        return payload.number
    parts = number_parts(kind, payload.data)
    series = number_series(kind.number, region=payload.region, year=issued_on.year, parts=parts)
    sequence = tx.intents.next_number(f"number:{kind.slug}:{series}")
    return render_number(kind.number, region=payload.region, year=issued_on.year, sequence=sequence, parts=parts)
