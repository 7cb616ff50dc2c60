"""A register as full as a city's, without issuing each license: what is read of it is written as the register does."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from fixtures_city import ServedCity
from log_city import settle

from certsvc.cli.bench_growth import GROWING, grow
from certsvc.clock import local_day
from certsvc.license.figures import DayCount, Measure
from certsvc.license.states import State

if TYPE_CHECKING:
    from certsvc.license.model import LicenseVersion

FOOD = "food_operation"
BUSINESS_NO = "FULL-1"
TOGETHER = 1000
"""Licenses of one transaction."""
OF_A_HOLDER = 10
STATES = (State.VALID, State.VALID, State.VALID, State.REVOKED)
BALLAST = tuple(table for table in GROWING if table not in {"licenses", "artifacts"})
"""Tables of which no page opens what a copy holds: a sealed column opens under its own row's key alone."""


def number_of(place: int) -> str:
    """证照编号 of one of them."""
    return f"JY{place:014d}"


def holder_of(place: int) -> str:
    """证件号码 of its holder, who has :data:`OF_A_HOLDER` of them."""
    return f"H{place // OF_A_HOLDER:017d}"


def fill(city: ServedCity, size: int) -> None:
    """So many licenses with their own numbers and holders, and as many rows in every table that grows with them."""
    made = city.issue(FOOD, BUSINESS_NO)
    deps = city.service.deps
    with deps.uow.read() as tx:
        base = tx.licenses.by_identifier(made["identifier"])
    assert base is not None
    today = local_day(deps.clock.now())
    for start in range(0, size, TOGETHER):
        several = [_like(base, place) for place in range(start, min(start + TOGETHER, size))]
        issued = DayCount(
            day=today,
            measure=Measure.ISSUED,
            department=base.issuer_code,
            type_slug=base.type_slug,
            about="",
            value=len(several),
        )
        with deps.uow() as tx:
            tx.licenses.insert_all(several)
            tx.day_counts.add([issued])
    settle(city)
    grow(city.service.settings.database.removeprefix("sqlite:///"), 1, size, BALLAST)


def _like(base: LicenseVersion, place: int) -> LicenseVersion:
    version_id = f"lic_{place:026d}"
    artifact = dataclasses.replace(
        base.artifact, artifact_id=f"art_{place:026d}", version_id=version_id, sha256=f"{place:064x}"
    )
    return dataclasses.replace(
        base,
        version_id=version_id,
        license_id=f"lcn_{place:026d}",
        identifier=f"{base.identifier[:-8]}{place:08d}",
        number=number_of(place),
        holder=dataclasses.replace(base.holder, code=holder_of(place)),
        printed_token=f"{place:022d}",
        status_no=None,
        state=STATES[place % len(STATES)],
        artifact=artifact,
    )
