"""Liveness and readiness that tell the truth: a dead dependency is red."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from certsvc.api.auth import PUBLIC, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.commands.clocks.watch import clock_state
from certsvc.errors import CertsvcError, NotFound

router = APIRouter(tags=["health 运行"], route_class=JsonRoute)

PROBE_OBJECT = "licenses/00/probe.pdf"


class HealthOut(Model):
    """Each dependency by itself: ``ok`` or what is wrong with it."""

    ready: bool
    database: str
    objects: str
    loops: str
    clock: str


@router.get("/healthz", dependencies=[Depends(PUBLIC)])
def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get("/readyz", dependencies=[Depends(PUBLIC)], responses={503: {"model": HealthOut}})
def ready(request: Request, response: Response) -> HealthOut:
    """Whether every dependency answers now; 503 when one does not."""
    deps = deps_of(request)
    database = objects = loops = "ok"
    try:
        with deps.uow.read() as tx:
            tx.requests.counts()
    except CertsvcError as error:
        database = error.code
    try:
        deps.objects.get(PROBE_OBJECT)
    except NotFound:
        pass
    except CertsvcError as error:
        objects = error.code
    if not request.app.state.loops_alive():
        loops = "stopped"
    clock = clock_state(deps)
    is_ready = database == objects == loops == clock == "ok"
    if not is_ready:
        response.status_code = 503
    return HealthOut(ready=is_ready, database=database, objects=objects, loops=loops, clock=clock)
