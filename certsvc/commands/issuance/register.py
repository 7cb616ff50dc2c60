"""Register a sealed file: license, outbox and evidence in one transaction, guarded by the claim."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from certsvc.commands.evidence.record import record
from certsvc.errors import Refused
from certsvc.events.payloads import LicenseIssued, LicenseSuperseded
from certsvc.license.model import Artifact, LicenseVersion, MoveRecord
from certsvc.license.states import State, lawful

if TYPE_CHECKING:
    from datetime import date, datetime

    from certsvc.catalog.model import LicenseType
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import IssueIntent
    from certsvc.license.request import ClaimedRequest

ORIGINAL = "original"


class LostClaim(Exception):
    """Another worker holds the request now; whatever this one made stays unregistered."""


def register(
    deps: Deps,
    claimed: ClaimedRequest,
    intent: IssueIntent,
    *,
    kind: LicenseType,
    valid: tuple[date, date | None],
    data: bytes,
    name: str,
    previous: LicenseVersion | None,
) -> LicenseVersion:
    """Write everything or nothing.

    Raises:
        LostClaim: the lease ran out and another worker took the request.
        Refused: the previous version moved meanwhile.
    """
    now = deps.clock.now()
    version = _version(deps, claimed, intent, kind=kind, valid=valid, data=data, name=name, now=now)
    with deps.uow() as tx:
        held = tx.requests.finish(
            claimed.request.request_id, claim_token=claimed.claim_token, version_id=version.version_id, now=now
        )
        if not held:
            raise LostClaim
        if previous is not None:
            _supersede(deps, tx, previous, version, now)
        tx.licenses.insert(version)
        _announce(deps, tx, version, claimed, previous, now)
    return version


def _version(
    deps: Deps,
    claimed: ClaimedRequest,
    intent: IssueIntent,
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
        state=State.VALID,
        suspended_until=None,
        previous_version_id=intent.previous_version_id,
        replaced_by_version_id="",
        request_id=claimed.request.request_id,
        printed_token=intent.printed_token,
        created_at=now,
        revision=1,
        artifact=artifact,
    )


def _supersede(deps: Deps, tx: UnitOfWork, previous: LicenseVersion, version: LicenseVersion, now: datetime) -> None:
    current = tx.licenses.by_version_id(previous.version_id)
    if current is None or current.state is not State.VALID:
        raise Refused("原证照在办理期间状态已变化，请核对后重新申请")
    move = lawful("supersede", current.state)
    row = MoveRecord(
        move_id=deps.ids.new("mov"),
        version_id=current.version_id,
        name=move.name,
        from_state=current.state,
        to_state=move.target,
        decision=None,
        actor="certsvc",
        at=now,
    )
    if not tx.licenses.move(row, revision=current.revision, suspended_until=None, replaced_by=version.version_id):
        raise Refused("原证照在办理期间状态已变化，请核对后重新申请")
    event = LicenseSuperseded(
        identifier=current.identifier,
        license_type=current.type_slug,
        from_state=current.state.value,
        to_state=move.target.value,
        deciding_authority=version.issuer_code,
        document_no="",
        decided_on=version.issued_on.isoformat(),
        until="",
        replaced_by=version.identifier,
    )
    tx.outbox.add(
        event.event(event_id=deps.ids.new("evt"), source=deps.policy.event_source, subject=current.identifier, at=now)
    )
    record(
        tx,
        deps,
        kind="license.superseded",
        subject=current.identifier,
        actor="certsvc",
        content={"replaced_by": version.identifier},
        at=now,
    )


def _announce(
    deps: Deps,
    tx: UnitOfWork,
    version: LicenseVersion,
    claimed: ClaimedRequest,
    previous: LicenseVersion | None,
    now: datetime,
) -> None:
    payload = claimed.request.payload
    issued = LicenseIssued(
        identifier=version.identifier,
        license_type=version.type_slug,
        issuer_code=version.issuer_code,
        request_id=claimed.request.request_id,
        business_no=payload.business_no,
        valid_from=version.valid_from.isoformat(),
        valid_until=version.valid_until.isoformat() if version.valid_until else "",
        sha256=version.artifact.sha256,
        previous_identifier=previous.identifier if previous else "",
    )
    tx.outbox.add(
        issued.event(event_id=deps.ids.new("evt"), source=deps.policy.event_source, subject=version.identifier, at=now)
    )
    record(
        tx,
        deps,
        kind="license.issued",
        subject=version.identifier,
        actor=claimed.request.caller,
        content={"sha256": version.artifact.sha256, "request_id": claimed.request.request_id},
        at=now,
    )
