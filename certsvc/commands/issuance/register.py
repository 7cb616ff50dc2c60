"""Register a sealed file: license, outbox and evidence in one transaction, guarded by the claim."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from certsvc.commands.evidence.record import record
from certsvc.commands.issuance.lineage import lineage_of
from certsvc.commands.issuance.predecessors import end_predecessors, link_predecessors
from certsvc.commands.issuance.stock import bring_in
from certsvc.events.payloads import LicenseIssued, LicenseSimulated
from certsvc.license.model import Artifact, LicenseVersion
from certsvc.license.request import Action

if TYPE_CHECKING:
    from datetime import date, datetime

    from certsvc.catalog.model import LicenseType
    from certsvc.commands.issuance.lineage import Lineage
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import IssueIntent
    from certsvc.license.request import ClaimedRequest, IssuancePayload

ORIGINAL = "original"


class LostClaim(Exception):
    """Another worker holds the request now; whatever this one made stays unregistered."""


def register(
    deps: Deps,
    tx: UnitOfWork,
    claimed: ClaimedRequest,
    intent: IssueIntent,
    *,
    kind: LicenseType,
    valid: tuple[date, date | None],
    data: bytes,
    name: str,
) -> LicenseVersion:
    """Write everything in ``tx``: what the version follows ends first, so that never two are in force.

    Raises:
        LostClaim: the lease ran out and another worker took the request.
        Refused: what it follows moved meanwhile.
    """
    now = deps.clock.now()
    lineage = lineage_of(deps, tx, claimed.request)
    version = _version(deps, claimed, intent, lineage, kind=kind, valid=valid, data=data, name=name, now=now)
    held = tx.requests.finish(
        claimed.request.request_id, claim_token=claimed.claim_token, version_id=version.version_id, now=now
    )
    if not held:
        raise LostClaim
    end_predecessors(deps, tx, claimed.request, lineage, version, now)
    tx.licenses.insert(version)
    link_predecessors(tx, claimed.request, lineage, version, now)
    _announce(deps, tx, version, claimed, lineage, now)
    bring_in(deps, tx, version, claimed.request.payload, now)
    return version


def _version(
    deps: Deps,
    claimed: ClaimedRequest,
    intent: IssueIntent,
    lineage: Lineage,
    *,
    kind: LicenseType,
    valid: tuple[date, date | None],
    data: bytes,
    name: str,
    now: datetime,
) -> LicenseVersion:
    payload = claimed.request.payload
    artifact = Artifact(
        artifact_id=deps.ids.new("art"),
        version_id=intent.version_id,
        kind=ORIGINAL,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        object_name=name,
        created_at=now,
    )
    return LicenseVersion(
        version_id=intent.version_id,
        license_id=intent.license_id,
        identifier=intent.identifier,
        root=intent.root,
        version=intent.version,
        type_slug=kind.slug,
        number=intent.number,
        issuer_code=payload.authority_code,
        issuer_name=deps.catalog.authority(payload.authority_code).name,
        holder=payload.holder,
        data=payload.data,
        photo_id=claimed.request.photo_id,
        issued_on=intent.issued_on,
        first_issued_on=intent.first_issued_on,
        valid_from=valid[0],
        valid_until=valid[1],
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
        content={"sha256": version.artifact.sha256, "request_id": claimed.request.request_id},
        at=now,
    )
