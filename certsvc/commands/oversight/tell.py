"""Tell regulators of what happened to licenses in their charge: one row and one event per subscription and event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.oversight.subscribe import CLIENT_ENDED, end_in
from certsvc.events.envelope import PREFIX
from certsvc.events.oversight_payloads import OversightPushed
from certsvc.license.oversight import KIND_OF_ACTION, Oversight, Push, PushKind
from certsvc.license.uses import CONSENT_ONLY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.envelope import Event
    from certsvc.license.model import LicenseVersion

_LICENSE = f"{PREFIX}license."
SERVICE = "service"
"""Who acts, in evidence rows, when the service itself ends a subscription."""


def tell_regulators(deps: Deps, tx: UnitOfWork, events: Sequence[Event]) -> None:
    """Write the pushes of these events; those that concern no regulator leave nothing."""
    news = [(event, kind) for event in events if (kind := _kind_of(event)) is not None]
    if not news:
        return
    now = deps.clock.now()
    active = _active(deps, tx, now)
    if not active:
        return
    for event, kind in news:
        version = tx.licenses.by_identifier(event.subject)
        if version is None or version.provisional:
            continue
        region = region_of(deps, version)
        told = PushKind.CHANGED if kind is PushKind.ISSUED and version.previous_version_id else kind
        for oversight in active:
            if oversight.after < event.position and oversight.wants(told, version.type_slug, region):
                _push(deps, tx, oversight, event, told, version, now)
    deps.faults.reach("oversight.pushed")


def region_of(deps: Deps, version: LicenseVersion) -> str:
    """Region of the body in whose charge a license is: its issuer's, or that of its source; else that of nobody."""
    codes = (version.issuer_code, version.registration.authority_code if version.registration else "")
    known = (deps.catalog.authority(code).region for code in codes if deps.catalog.has_authority(code))
    return next(known, "000000")


def _kind_of(event: Event) -> PushKind | None:
    action = event.type.removeprefix(_LICENSE)
    return KIND_OF_ACTION.get(action.split(".")[0]) if action != event.type else None


def _active(deps: Deps, tx: UnitOfWork, now: datetime) -> list[Oversight]:
    """Active subscriptions; one ends here whose client is active no more, or whose body has no duty any more."""
    found = tx.oversights.active()
    clients = tx.access.clients(sorted({one.client_id for one in found})) if found else {}
    good: list[Oversight] = []
    for one in found:
        client = clients.get(one.client_id)
        if client is None or not client.active or roles.REGULATOR not in client.roles:
            end_in(deps, tx, one, actor=SERVICE, reason=CLIENT_ENDED, now=now)
        elif deps.catalog.consent_only(client.authority_code):
            end_in(deps, tx, one, actor=SERVICE, reason=CONSENT_ONLY, now=now)
        else:
            good.append(one)
    return good


def _push(
    deps: Deps,
    tx: UnitOfWork,
    oversight: Oversight,
    event: Event,
    kind: PushKind,
    version: LicenseVersion,
    now: datetime,
) -> None:
    """The id of the push is that of the event that tells of it."""
    push = Push(
        push_id=deps.ids.new("evt"),
        oversight_id=oversight.oversight_id,
        event_id=event.event_id,
        position=event.position,
        kind=kind,
        version_id=version.version_id,
        at=now,
    )
    if not tx.oversights.push(push):
        return
    payload = OversightPushed(
        oversight_id=oversight.oversight_id,
        kind=kind.value,
        identifier=version.identifier,
        license_type=version.type_slug,
        event_id=event.event_id,
    )
    source, subject = deps.policy.event_source, oversight.oversight_id
    tx.outbox.add(payload.event(event_id=push.push_id, source=source, subject=subject, at=now))
