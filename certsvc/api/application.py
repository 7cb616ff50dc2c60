"""The ASGI application: every router, the one error map, the limits at the door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

import certsvc
from certsvc.api import (
    alerts,
    answers,
    archives,
    authorities,
    bulks,
    bundles,
    care,
    care_plans,
    cases,
    catalog,
    challenges,
    clients,
    code_examples,
    complaints,
    console,
    contacts,
    copies,
    counter,
    counter_tickets,
    delegations,
    departments,
    devices,
    disposals,
    disputes,
    drafts,
    event_stream,
    events,
    facts,
    fetches,
    health,
    imports,
    inspections,
    issuances,
    licenses,
    lists,
    log,
    material_fetches,
    materials,
    matters,
    notices,
    offline,
    oversights,
    parked_events,
    policies,
    problems,
    publications,
    quality,
    ratings,
    reconciliations,
    registrations,
    relations,
    scans,
    seal_approvals,
    seal_uses,
    seals,
    shows,
    sign_ins,
    sign_outs,
    signers,
    signings,
    stampings,
    status_lists,
    supervision,
    tokens,
    trust,
    trust_sources,
    use_requests,
    uses,
    verifications,
    visits,
    webhooks,
    withholdings,
)
from certsvc.api.desks import FetchDesk, IssuanceDesk, ScanDesk, SignInDesk
from certsvc.api.document import finish
from certsvc.api.event_stream import EventStreams
from certsvc.api.facades import cert_share, gb_36906, license_app
from certsvc.api.limits import DoorLimits
from certsvc.api.metered import Metered
from certsvc.api.rate import RateLimiter
from certsvc.api.routing import ExactPaths
from certsvc.commands.log.read import LogBoard
from certsvc.commands.offline.bundle import BundleBoard
from certsvc.commands.verifying.status_lists import StatusBoard
from certsvc.license.facades import FacadeName

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from fastapi.telemetry import TelemetryConfig

    from certsvc.commands.operations.readiness import Probes
    from certsvc.commands.ports import Deps
    from certsvc.meters import Meters

ROUTERS = (
    tokens,
    sign_ins,
    sign_outs,
    events,
    event_stream,
    webhooks,
    issuances,
    cases,
    licenses,
    registrations,
    facts,
    verifications,
    contacts,
    devices,
    offline,
    shows,
    notices,
    bundles,
    scans,
    visits,
    inspections,
    oversights,
    challenges,
    delegations,
    relations,
    uses,
    disputes,
    code_examples,
    fetches,
    material_fetches,
    answers,
    use_requests,
    withholdings,
    copies,
    alerts,
    matters,
    policies,
    clients,
    counter,
    counter_tickets,
    departments,
    console,
    seals,
    seal_uses,
    seal_approvals,
    authorities,
    status_lists,
    signers,
    signings,
    stampings,
    catalog,
    lists,
    log,
    parked_events,
    publications,
    drafts,
    quality,
    reconciliations,
    supervision,
    ratings,
    complaints,
    archives,
    disposals,
    materials,
    trust,
    trust_sources,
    imports,
    bulks,
    care,
    care_plans,
    health,
)
"""Every noun: one file and one name here."""


FACADES = {FacadeName.APP: license_app, FacadeName.GB_36906: gb_36906, FacadeName.CERT_SHARE: cert_share}
"""Older interfaces, which settings switch on; none of them is in the OpenAPI document."""

NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""Of the framework: figures and spans are ours (``metered.py``); it would ask its libraries at every request."""

TITLE = "certsvc 电子证照与电子印章服务"
SUMMARY = "制发、核验、亮证、用证 · issue, verify, show and fetch e-licenses"


def create_document() -> dict[str, Any]:
    """The OpenAPI 3.1 document of every router, without a running service."""
    app = FastAPI(title=TITLE, version=certsvc.__version__, summary=SUMMARY)
    for module in ROUTERS:
        app.include_router(module.router)
    routes = [route for module in ROUTERS for route in module.router.routes if isinstance(route, APIRoute)]
    return finish(app.openapi(), routes)


def create_application(
    deps: Deps,
    *,
    rate_limit_per_minute: int,
    wake: Callable[[], None],
    probes: Probes,
    meters: Meters,
    facades: Collection[FacadeName] = (),
) -> FastAPI:
    """Build the application over ``deps``; ``wake`` tells idle workers that something was accepted."""
    app = FastAPI(
        title=TITLE,
        version=certsvc.__version__,
        summary=SUMMARY,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        telemetry=NO_TELEMETRY,
    )
    app.state.deps = deps
    app.state.wake = wake
    app.state.rate = RateLimiter(deps.clock, per_minute=rate_limit_per_minute)
    app.state.probes = probes
    app.state.status_board = lists = StatusBoard()
    app.state.log_board = LogBoard()
    app.state.bundle_board = BundleBoard(lists)
    app.state.scan_desk = ScanDesk()
    app.state.fetch_desk = FetchDesk()
    app.state.issuance_desk = IssuanceDesk()
    app.state.sign_in_desk = SignInDesk(deps)
    app.state.streams = EventStreams(deps)
    routes = [route for module in ROUTERS for route in module.router.routes]
    routes += [route for name in facades for route in FACADES[name].router.routes]
    app.router.routes += [ExactPaths(routes), *routes]
    app.openapi = create_document  # type: ignore[method-assign]  # the same document as the file in openapi/
    problems.install(app)
    app.add_middleware(
        DoorLimits,
        max_upload_bytes=deps.policy.max_upload_bytes,
    )
    app.add_middleware(Metered, meters=meters, clock=deps.clock, tracer=deps.tracer)
    return app
