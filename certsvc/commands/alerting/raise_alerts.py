"""Tell everyone who used a license what became of it: first that there is something to tell, then page by page to whom.

A license may have a hundred thousand users. The consumer of the event only stores the change; a loop goes through the
uses, newest first, a page per transaction, so that neither events nor other writers wait.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from certsvc.catalog.bodies import heir
from certsvc.clock import local_day, rfc3339
from certsvc.commands.evidence.record import record
from certsvc.commands.issuance.authority import issuer_today
from certsvc.commands.sharing.use_rows import used_id, used_name
from certsvc.events.archive_payloads import MaterialWithdrawn
from certsvc.events.copy_payloads import AlertRaised, AlertReminded
from certsvc.events.envelope import PREFIX
from certsvc.events.payloads import MOVED
from certsvc.identifiers.material_kind import is_material_id, slug_of
from certsvc.license.archives import Material
from certsvc.license.use_alerts import (
    ALERT_DAYS,
    ALERTED_CHANGES,
    MATERIAL_WITHDRAWN,
    REMIND_DAYS,
    AlertBatch,
    BatchStage,
    UseAlert,
)
from certsvc.license.uses import GIVEN, Scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps
    from certsvc.commands.sharing.use_rows import Used
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.envelope import Event
    from certsvc.events.payload import Payload
    from certsvc.license.uses import Fetch

EVER = datetime(9999, 1, 1, tzinfo=UTC)
"""Uses of which the holder is not told yet count too: an alert goes to who used the license, and to nobody else."""
PAGE = 500
"""Uses looked at per transaction: bounds how long the writer of SQLite is held."""

_TAKEN_BACK = PREFIX + MaterialWithdrawn.NAME
_CHANGES = {
    **{PREFIX + MOVED[change].NAME: change for change in ALERTED_CHANGES},
    _TAKEN_BACK: MATERIAL_WITHDRAWN,
}


def note_changes(deps: Deps, tx: UnitOfWork, events: Sequence[Event]) -> None:
    """Store which changes users are to be told of, in the transaction of the events' inbox rows."""
    for event in events:
        change = _CHANGES.get(event.type)
        used = _changed(tx, event) if change is not None else None
        if change is None or used is None:
            continue
        since = event.time - timedelta(days=deps.policy.alert_days or ALERT_DAYS)
        tx.alerts.insert_batch(
            AlertBatch(
                batch_id=event.event_id,
                version_id=used_id(used),
                change=change,
                changed_at=event.time,
                since=since,
            )
        )


def spread_some(deps: Deps) -> bool:
    """Go through one page of uses of the oldest change; False when nothing waits."""
    now = deps.clock.now()
    with deps.uow() as tx:
        batch = tx.alerts.next_batch()
        if batch is None:
            return False
        used = _used(tx, batch)
        uses = _page(tx, batch)
        raised = tx.alerts.insert([_alert(deps, batch, used, user, now) for user in _users(uses, batch)])
        for alert in raised:
            _tell(deps, tx, alert, _raised(alert), now)
        if raised:
            content = {"batch_id": batch.batch_id, "change": batch.change, "alerts": len(raised)}
            record(tx, deps, kind="alert.raised", subject=used_name(used), actor="certsvc", content=content, at=now)
        tx.alerts.keep_place(_onward(batch, uses))
    deps.faults.reach("alerts.spread")
    return True


def remind_some(deps: Deps) -> int:
    """Bring alerts to mind that wait too long, each once; how many."""
    now = deps.clock.now()
    with deps.uow() as tx:
        late = tx.alerts.remind(before=now - timedelta(days=REMIND_DAYS), now=now, limit=PAGE)
        for alert in late:
            payload = AlertReminded(
                alert_id=alert.alert_id,
                identifier=alert.identifier,
                change=alert.change,
                client_id=alert.client_id,
                authority_code=alert.authority_code,
            )
            _tell(deps, tx, alert, payload, now)
            content = {"alert_id": alert.alert_id}
            record(tx, deps, kind="alert.reminded", subject=alert.identifier, actor="certsvc", content=content, at=now)
    return len(late)


def _changed(tx: UnitOfWork, event: Event) -> Used | None:
    """The license or 电子材料 that an event is about."""
    if event.type == _TAKEN_BACK:
        return tx.materials.by_id(event.subject)
    return tx.licenses.by_identifier(event.subject)


def _used(tx: UnitOfWork, batch: AlertBatch) -> Used:
    found = (tx.materials.by_id if is_material_id(batch.version_id) else tx.licenses.by_version_id)(batch.version_id)
    if found is None:
        msg = "neither a version nor a material is ever deleted"
        raise RuntimeError(msg)
    return found


def _page(tx: UnitOfWork, batch: AlertBatch) -> Sequence[Fetch | Scan]:
    behind = (batch.last_at, batch.last_id) if batch.last_at is not None else None
    if batch.stage is BatchStage.FETCHES:
        return tx.sharing.fetches_of([batch.version_id], limit=PAGE, behind=behind, now=EVER)
    return tx.showing.scans_of([batch.version_id], limit=PAGE, behind=behind)


def _users(uses: Sequence[Fetch | Scan], batch: AlertBatch) -> list[tuple[str, str]]:
    """Client and body of each fetch that gave something, the body alone of a clerk's and of each scan; each once."""
    found: dict[tuple[str, str], None] = {}
    for use in uses:
        if not (batch.since <= use.at <= batch.changed_at and use.authority_code):
            continue
        if isinstance(use, Scan):
            found["", use.authority_code] = None
        elif use.outcome == GIVEN:
            found[use.client_id, use.authority_code] = None
    return list(found)


def _onward(batch: AlertBatch, uses: Sequence[Fetch | Scan]) -> AlertBatch:
    """Behind this page, or at the beginning of the next stage."""
    if len(uses) == PAGE and uses[-1].at >= batch.since:
        last = uses[-1]
        return replace(batch, last_at=last.at, last_id=last.scan_id if isinstance(last, Scan) else last.fetch_id)
    after = BatchStage.SCANS if batch.stage is BatchStage.FETCHES else BatchStage.DONE
    return replace(batch, stage=after, last_at=None, last_id="")


def _alert(deps: Deps, batch: AlertBatch, used: Used, user: tuple[str, str], now: datetime) -> UseAlert:
    client_id, authority_code = user
    if isinstance(used, Material):
        slug, issuer = slug_of(used.code), heir(deps.catalog, used.authority_code, local_day(now))
    else:
        slug, issuer = used.type_slug, issuer_today(deps, used)
    return UseAlert(
        alert_id=deps.ids.new("alt"),
        batch_id=batch.batch_id,
        version_id=used_id(used),
        identifier=used_name(used),
        license_type=slug,
        issuer_code=issuer,
        change=batch.change,
        changed_at=batch.changed_at,
        client_id=client_id,
        authority_code=authority_code,
        created_at=now,
    )


def _raised(alert: UseAlert) -> AlertRaised:
    return AlertRaised(
        alert_id=alert.alert_id,
        identifier=alert.identifier,
        license_type=alert.license_type,
        issuer_code=alert.issuer_code,
        change=alert.change,
        changed_at=rfc3339(alert.changed_at),
        client_id=alert.client_id,
        authority_code=alert.authority_code,
    )


def _tell(deps: Deps, tx: UnitOfWork, alert: UseAlert, payload: Payload, now: datetime) -> None:
    """The subject is the alert: what is told of one waits for nothing but what was told of it before."""
    event_id, source = deps.ids.new("evt"), deps.policy.event_source
    tx.outbox.add(payload.event(event_id=event_id, source=source, subject=alert.alert_id, at=now))
