"""Register sealed files: license, outbox and evidence in one transaction, guarded by the claims."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import CARRIED, rows_of
from certsvc.commands.issuance.lineage import lineage_of
from certsvc.commands.issuance.link_fields import link_rule
from certsvc.commands.issuance.predecessors import end_predecessors, link_predecessors
from certsvc.commands.issuance.stock import bring_in
from certsvc.events.payloads import LicenseIssued, LicenseSimulated
from certsvc.events.trace import tracing
from certsvc.license.model import Artifact, LicenseVersion
from certsvc.license.request import Action
from certsvc.license.states import State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from certsvc.catalog.model import LicenseType
    from certsvc.commands.issuance.lineage import Lineage
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import IssueIntent
    from certsvc.license.request import ClaimedRequest, IssuancePayload
    from certsvc.seal.care import SignatureFacts

ORIGINAL = "original"


class LostClaim(Exception):
    """Another worker holds the request now; whatever this one made stays unregistered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedLicense:
    """A sealed and stored file, and what it was made for.

    Attributes:
        valid: first and last day.
        sha256: hex digest of the file.
        name: of the object.
        signatures: what its signatures stand on.
    """

    claimed: ClaimedRequest
    intent: IssueIntent
    kind: LicenseType
    valid: tuple[date, date | None]
    sha256: str
    size: int
    name: str
    signatures: tuple[SignatureFacts, ...]


def register(deps: Deps, tx: UnitOfWork, sealed: Sequence[SealedLicense]) -> None:
    """Write everything in ``tx``: what a version follows ends first, so that never two are in force.

    Raises:
        LostClaim: a lease ran out and another worker took the request.
        Refused: what one follows moved meanwhile.
    """
    now = deps.clock.now()
    ended = [(one.claimed.request.request_id, one.claimed.claim_token, one.intent.version_id) for one in sealed]
    if tx.requests.finish(ended, now=now) != len(ended):
        raise LostClaim
    _insert(deps, tx, [one for one in sealed if not _follows(one)], now)
    for one in filter(_follows, sealed):
        # Looked at one after the other: two may follow the same.
        _insert(deps, tx, [one], now)


def _follows(sealed: SealedLicense) -> bool:
    return link_rule(sealed.claimed.request.payload.action) is not None


def _insert(deps: Deps, tx: UnitOfWork, sealed: Sequence[SealedLicense], now: datetime) -> None:
    lineages = [lineage_of(deps, tx, one.claimed.request) for one in sealed]
    numbers = tx.statuses.take(len(sealed))
    versions = [
        _version(deps, one, lineage, number, now)
        for one, lineage, number in zip(sealed, lineages, numbers, strict=True)
    ]
    made = list(zip(sealed, lineages, versions, strict=True))
    for one, lineage, version in made:
        with tracing(one.claimed.request.traceparent):
            end_predecessors(deps, tx, one.claimed.request, lineage, version, now)
    tx.licenses.insert_all(versions)
    tx.care.add([(version.artifact, one.signatures) for one, _, version in made])
    for one, lineage, version in made:
        with tracing(one.claimed.request.traceparent):
            link_predecessors(tx, one.claimed.request, lineage, version, now)
            _announce(deps, tx, version, one.claimed, lineage, now)
            bring_in(deps, tx, version, one.claimed.request.payload, now)


def _version(deps: Deps, sealed: SealedLicense, lineage: Lineage, status_no: int, now: datetime) -> LicenseVersion:
    claimed, intent = sealed.claimed, sealed.intent
    payload = claimed.request.payload
    artifact = Artifact(
        artifact_id=deps.ids.new("art"),
        version_id=intent.version_id,
        kind=ORIGINAL,
        sha256=sealed.sha256,
        size=sealed.size,
        object_name=sealed.name,
        created_at=now,
    )
    return LicenseVersion(
        version_id=intent.version_id,
        license_id=intent.license_id,
        identifier=intent.identifier,
        root=intent.root,
        version=intent.version,
        type_slug=sealed.kind.slug,
        number=intent.number,
        issuer_code=payload.authority_code,
        issuer_name=deps.catalog.authority(payload.authority_code).name,
        holder=payload.holder,
        data=payload.data,
        photo_id=claimed.request.photo_id,
        issued_on=intent.issued_on,
        first_issued_on=intent.first_issued_on,
        valid_from=sealed.valid[0],
        valid_until=sealed.valid[1],
        state=lineage.state,
        suspended_until=lineage.suspended_until,
        previous_version_id=intent.previous_version_id,
        replaced_by_version_id="",
        request_id=claimed.request.request_id,
        printed_token=intent.printed_token,
        created_at=now,
        revision=1,
        artifact=artifact,
        project_code=_project_code(payload, lineage),
        stock=payload.stock.entry if payload.stock else None,
        status_no=status_no,
    )


def _project_code(payload: IssuancePayload, lineage: Lineage) -> str:
    """The project of a provisional opinion, also of one that sets another right; empty for a formal license."""
    if payload.action is Action.PROVISIONAL:
        return payload.project_code
    if payload.action is Action.CORRECT and lineage.main is not None:
        return lineage.main.version.project_code
    return ""


def _announce(
    deps: Deps,
    tx: UnitOfWork,
    version: LicenseVersion,
    claimed: ClaimedRequest,
    lineage: Lineage,
    now: datetime,
) -> None:
    payload = claimed.request.payload
    until = version.valid_until.isoformat() if version.valid_until else ""
    event: LicenseIssued | LicenseSimulated
    if version.provisional:
        event = LicenseSimulated(
            identifier=version.identifier,
            license_type=version.type_slug,
            issuer_code=version.issuer_code,
            request_id=claimed.request.request_id,
            business_no=payload.business_no,
            project_code=version.project_code,
            valid_until=until,
            sha256=version.artifact.sha256,
        )
    else:
        event = LicenseIssued(
            identifier=version.identifier,
            license_type=version.type_slug,
            issuer_code=version.issuer_code,
            request_id=claimed.request.request_id,
            business_no=payload.business_no,
            valid_from=version.valid_from.isoformat(),
            valid_until=until,
            sha256=version.artifact.sha256,
            previous_identifier=lineage.main.version.identifier if lineage.main is not None else "",
        )
    tx.outbox.add(
        event.event(event_id=deps.ids.new("evt"), source=deps.policy.event_source, subject=version.identifier, at=now)
    )
    record(
        tx,
        deps,
        kind="license.simulated" if version.provisional else "license.issued",
        subject=version.identifier,
        actor=claimed.request.caller,
        content={
            "sha256": version.artifact.sha256,
            "request_id": claimed.request.request_id,
            "state": version.state.value,
            "rows": rows_of([version]),
            **_carried(version),
        },
        at=now,
    )


def _carried(version: LicenseVersion) -> dict[str, str]:
    """Until when a license is suspended that begins so: no move of its own tells it, as it does of all others."""
    if version.state is not State.SUSPENDED:
        return {}
    return {CARRIED: version.suspended_until.isoformat() if version.suspended_until else ""}
