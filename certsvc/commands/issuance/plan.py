"""Reserve number and identifier and store the intent, before any key is used."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
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
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from certsvc.catalog.model import LicenseType
    from certsvc.commands.issuance.lineage import Lineage
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.links import LinkRule
    from certsvc.license.model import LicenseVersion
    from certsvc.license.request import IssuancePayload, IssuanceRequest

FIRST_VERSION = 1
PROVISIONAL_MARK = "模拟"
"""First characters of what stands in the place of a number on a provisional opinion."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Draft:
    """What an intent to be made needs of the series of numbers; an empty series is not asked.

    Attributes:
        number: the number when it is not from a series.
        given: the number that came with the request, unless it is one that a link keeps.
    """

    request: IssuanceRequest
    lineage: Lineage
    issued_on: date
    identifier_series: str
    number_series: str
    number: str
    given: str


def ensure_intents(deps: Deps, tx: UnitOfWork, requests: Sequence[IssuanceRequest]) -> list[IssueIntent]:
    """The intents of these requests: the stored one when a run got that far, else a new one, stored in ``tx``.

    A stored one gets the present sealing time: what an earlier run may have sealed was not registered, and a seal's
    time must not lie before its reservation.

    Raises:
        Refused: a change, renewal or replacement whose previous version cannot be followed, or a number in force.
    """
    now = deps.clock.sure().replace(microsecond=0)
    lineages = [lineage_of(deps, tx, request) for request in requests]
    known = tx.intents.by_requests([request.request_id for request in requests])
    drafts = [
        _draft(deps, request, lineage, now)
        for request, lineage in zip(requests, lineages, strict=True)
        if request.request_id not in known
    ]
    made = {intent.request_id: intent for intent in _numbered(deps, tx, drafts, now)}
    intents = [
        replace(known[request.request_id], signed_at=now) if request.request_id in known else made[request.request_id]
        for request in requests
    ]
    _check_numbers(tx, requests, intents, lineages)
    tx.intents.renew(sorted(known), signed_at=now)
    tx.intents.insert_all(list(made.values()))
    return intents


def _check_numbers(
    tx: UnitOfWork, requests: Sequence[IssuanceRequest], intents: Sequence[IssueIntent], lineages: Sequence[Lineage]
) -> None:
    """One number is in force once; that of an ended license may be given again (a correct file after a voided one).

    What the request itself ends does not stand in its way.
    """
    numbers: dict[str, list[str]] = {}
    for request, intent in zip(requests, intents, strict=True):
        numbers.setdefault(request.payload.type_slug, []).append(intent.number)
    holders = {slug: tx.licenses.by_numbers(slug, asked) for slug, asked in numbers.items()}
    for request, intent, lineage in zip(requests, intents, lineages, strict=True):
        holder = holders[request.payload.type_slug].get(intent.number)
        ending = {predecessor.version.version_id for predecessor in lineage.all}
        if holder is not None and holder.state not in ENDED and holder.version_id not in ending:
            raise Refused("此编号的同类证照尚在有效状态；变更、延续、补办请使用相应的 action，重新颁发请先办结原证照")


def _draft(deps: Deps, request: IssuanceRequest, lineage: Lineage, now: datetime) -> _Draft:
    payload = request.payload
    kind = deps.catalog.type(payload.type_slug)
    issued_on = payload.issued_on or local_day(now)
    kept, identifier_series = "", f"identifier:{kind.type_code}:{payload.authority_code}:{local_day(now):%Y%m%d}"
    if lineage.main is not None and lineage.rule is not None and lineage.rule.keeps_license:
        kept, identifier_series = _kept_number(request, lineage.rule, lineage.main.version), ""
    given = "" if kept or payload.action is Action.PROVISIONAL else payload.number
    return _Draft(
        request=request,
        lineage=lineage,
        issued_on=issued_on,
        identifier_series=identifier_series,
        number_series="" if kept or given else _number_series(kind, payload, issued_on),
        number=kept or given,
        given=given,
    )


def _number_series(kind: LicenseType, payload: IssuancePayload, issued_on: date) -> str:
    """Of a new number; a provisional opinion has none, only a count per project (DOMAIN.md 1.6)."""
    if payload.action is Action.PROVISIONAL:
        return f"provisional:{kind.slug}:{payload.project_code}"
    parts = number_parts(kind, payload.data)
    return f"number:{kind.slug}:{number_series(kind.number, region=payload.region, year=issued_on.year, parts=parts)}"


def _numbered(deps: Deps, tx: UnitOfWork, drafts: Sequence[_Draft], now: datetime) -> list[IssueIntent]:
    """The intents, with numbers in the order of the drafts.

    Counters are taken in one order everywhere, so that two batches never wait for each other.
    """
    wanted = Counter(series for draft in drafts for series in (draft.identifier_series, draft.number_series) if series)
    floors: dict[str, int] = {}
    for draft in drafts:
        series, sequence = _floor(deps, draft)
        floors[series] = max(floors.get(series, 0), sequence)
    taken: dict[str, Iterator[int]] = {}
    for series in sorted({*wanted, *floors} - {""}):
        if series in floors:
            # 存量 of a type whose numbers are made here: later ones go on behind it.
            tx.intents.raise_number(series, to=floors[series])
        if series in wanted:
            taken[series] = iter(tx.intents.next_numbers(series, wanted[series]))
    return [_intent(deps, draft, taken, now) for draft in drafts]


def _floor(deps: Deps, draft: _Draft) -> tuple[str, int]:
    """The series to which a number that came with the request belongs, and its place in it; empty for none."""
    kind = deps.catalog.type(draft.request.payload.type_slug)
    read = read_number(kind.number, draft.given) if draft.given else None
    if read is None:
        return "", 0
    series = number_series(kind.number, region=read.region, year=read.year, parts=read.parts)
    return f"number:{kind.slug}:{series}", read.sequence


def _intent(deps: Deps, draft: _Draft, taken: Mapping[str, Iterator[int]], now: datetime) -> IssueIntent:
    request, lineage = draft.request, draft.lineage
    previous = lineage.main.version if lineage.main is not None else None
    payload = request.payload
    if draft.identifier_series:
        serial = f"{local_day(now):%Y%m%d}{next(taken[draft.identifier_series]):06d}"
        type_code = deps.catalog.type(payload.type_slug).type_code
        identifier = LicenseIdentifier.create(
            type_code=type_code, issuer_code=payload.authority_code, serial=serial, version=FIRST_VERSION
        )
        license_id = deps.ids.new("lic")
        first_issued_on = payload.stock.first_issued_on if payload.stock else draft.issued_on
    elif previous is not None and lineage.rule is not None:
        identifier = LicenseIdentifier.parse(previous.identifier).next_version()
        license_id = previous.license_id
        first_issued_on = draft.issued_on if lineage.rule.kind is LinkKind.CONVERT else previous.first_issued_on
    else:
        msg = "a version that keeps its license follows one"
        raise RuntimeError(msg)
    return IssueIntent(
        request_id=request.request_id,
        version_id=deps.ids.new("ver"),
        license_id=license_id,
        identifier=str(identifier),
        root=identifier.root,
        version=identifier.version,
        number=draft.number or _number(deps, draft, next(taken[draft.number_series])),
        printed_token=deps.ids.token(),
        document_id=deps.ids.salt(),
        issued_on=draft.issued_on,
        first_issued_on=first_issued_on,
        signed_at=now,
        previous_version_id=previous.version_id if previous is not None else "",
    )


def _kept_number(request: IssuanceRequest, rule: LinkRule, previous: LicenseVersion) -> str:
    """The number that the link keeps; a correction may set right a number that the approval gives."""
    if rule.kind is LinkKind.CORRECT and request.payload.number and not previous.provisional:
        return request.payload.number
    return previous.number if rule.keeps_number else ""


def _number(deps: Deps, draft: _Draft, sequence: int) -> str:
    """The number with this place in its series."""
    payload = draft.request.payload
    if payload.action is Action.PROVISIONAL:
        return f"{PROVISIONAL_MARK}{payload.project_code}-{sequence}"
    kind = deps.catalog.type(payload.type_slug)
    parts = number_parts(kind, payload.data)
    return render_number(kind.number, region=payload.region, year=draft.issued_on.year, sequence=sequence, parts=parts)
