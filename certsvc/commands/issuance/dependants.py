"""Flag the licenses that depend on one that has ended, and take the flag back when it is reinstated.

What a license depends on is noted (``depends_on``) or said by the catalog (a type that cannot stand without another, of
the same holder). The flag follows how the parent stands now, not which event came: events twice or late change nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.commands.evidence.record import record
from certsvc.events.payloads import LicenseNoted
from certsvc.license.facts import Fact, FactKind, ended_parents
from certsvc.license.states import PERMIT_ENDED, STANDING_STATES, STATE_ZH

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion

MAX_DEPENDANTS = 1000
"""Licenses of one holder that are looked at; a chain of shops has hundreds."""
SERVICE = "certsvc"


def sync_dependants(deps: Deps, tx: UnitOfWork, parent: LicenseVersion, now: datetime) -> int:
    """Bring the flags of everything that depends on ``parent`` in step with it; how many changed."""
    children: dict[str, LicenseVersion] = {}
    for license_id in tx.facts.dependants(parent.license_id):
        versions = tx.licenses.versions_of(license_id)
        if versions:
            children[license_id] = versions[-1]
    for version in _by_catalog(deps, tx, parent):
        children.setdefault(version.license_id, version)
    return sum(note_parent(deps, tx, child, parent, now) for child in children.values())


def note_parent(deps: Deps, tx: UnitOfWork, child: LicenseVersion, parent: LicenseVersion, now: datetime) -> bool:
    """Note how the parent stands, if the child's facts say otherwise."""
    ends = tx.licenses.newest(parent.version_id)
    ended = next((version.state for version in ends if version.state in PERMIT_ENDED), None)
    if any(version.state in STANDING_STATES for version in ends):
        ended = None
    flagged = any(fact.reference == parent.license_id for fact in ended_parents(tx.facts.of(child.license_id)))
    if flagged == (ended is not None):
        return False
    fact = Fact(
        fact_id=deps.ids.new("fct"),
        license_id=child.license_id,
        version_id=child.version_id,
        kind=FactKind.PARENT_BACK if ended is None else FactKind.PARENT_ENDED,
        code=parent.identifier,
        on=local_day(now),
        due=None,
        reference=parent.license_id,
        text="" if ended is None else f"（{deps.catalog.type(parent.type_slug).name}）已{STATE_ZH[ended]}",
        authority_code="",
        document_no="",
        actor=SERVICE,
        at=now,
    )
    tx.facts.append(fact, key=fact.fact_id)
    announce_fact(deps, tx, child, fact)
    return True


def _by_catalog(deps: Deps, tx: UnitOfWork, parent: LicenseVersion) -> list[LicenseVersion]:
    """The holder's licenses of types that cannot stand without the parent's, unless another of that type stands."""
    slugs = {kind.slug for kind in deps.catalog.dependants(parent.type_slug)}
    if not slugs:
        return []
    versions = tx.licenses.of_holder(parent.holder, limit=MAX_DEPENDANTS)
    others = any(
        version.type_slug == parent.type_slug
        and version.license_id != parent.license_id
        and version.state in STANDING_STATES
        for version in versions
    )
    if others:
        return []
    return [v for v in versions if v.type_slug in slugs and not v.replaced_by_version_id and not v.provisional]


def announce_fact(deps: Deps, tx: UnitOfWork, version: LicenseVersion, fact: Fact) -> None:
    """Event and evidence of a fact, in its transaction; the authority's words stay out of both."""
    payload = LicenseNoted(
        identifier=version.identifier,
        license_type=version.type_slug,
        issuer_code=version.issuer_code,
        fact=fact.kind.value,
        code=fact.code,
        happened_on=fact.on.isoformat(),
        due_on=fact.due.isoformat() if fact.due else "",
        authority=fact.authority_code,
        document_no=fact.document_no,
    )
    tx.outbox.add(
        payload.event(
            event_id=deps.ids.new("evt"), source=deps.policy.event_source, subject=version.identifier, at=fact.at
        )
    )
    record(
        tx,
        deps,
        kind="license.noted",
        subject=version.identifier,
        actor=fact.actor,
        content={"fact_id": fact.fact_id, "fact": fact.kind.value, "code": fact.code, "document_no": fact.document_no},
        at=fact.at,
    )
