"""Liveness and readiness that tell the truth: a dead dependency is red."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from certsvc.api.auth import PUBLIC, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.commands.operations.readiness import readiness

router = APIRouter(tags=["health 运行"], route_class=JsonRoute)


class HealthOut(Model):
    """Each dependency by itself: ``ok``, ``unused`` where this process has none, or what is wrong with it."""

    ready: bool
    database: str
    objects: str
    broker: str
    keys: str
    log: str = Field(description="留痕日志能否签名；不能时 ready 仍为真，业务照常，证明待补")
    loops: str
    clock: str


@router.get("/healthz", dependencies=[Depends(PUBLIC)])
async def alive() -> dict[str, str]:
    """The process answers; no thread is needed for it, for those may all wait."""
    return {"status": "alive"}


@router.get("/readyz", dependencies=[Depends(PUBLIC)], responses={503: {"model": HealthOut}})
def ready(request: Request, response: Response) -> HealthOut:
    """Whether every dependency answers now; 503 when one does not."""
    found = readiness(deps_of(request), request.app.state.probes)
    if not found.ready:
        response.status_code = 503
    return HealthOut(ready=found.ready, **found.parts)
