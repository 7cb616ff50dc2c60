"""People who act for each other, in a city of the tests."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from fixtures_city import ServedCity

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.access.principals import SANDBOX
from certsvc.commands.access.register_party import bind_person
from certsvc.commands.access.seed_sandbox import FACTS
from certsvc.identifiers.citizen_id import check_character
from certsvc.license.parties import Person

COMPANY = "business_license"
GUIDE = "tour_guide"


def citizen(born: date, order: int = 1) -> str:
    """A synthetic number of region 990 of somebody born then."""
    body = f"990101{born:%Y%m%d}{order:03d}"
    return body + check_character(body)


def bind(
    city: ServedCity, subject: str, name: str, *, code: str = "", code_type: str = "111", **changes: Any
) -> dict[str, str]:
    """A new account; its header."""
    values: dict[str, Any] = {
        "roles": frozenset({roles.HOLDER}),
        "authority_code": "",
        "badge": "",
        "verified_by": SANDBOX,
        "created_at": city.service.deps.clock.now(),
        **changes,
    }
    person = Person(subject=subject, name=name, holder_code=code, holder_code_type=code_type if code else "", **values)
    bind_person(city.service.deps, person, actor="test")
    return city.person(subject)


def party(name: str, code: str, code_type: str = "111") -> dict[str, str]:
    """As bodies of requests name people."""
    return {"name": name, "code": code, "code_type": code_type}


def holder(city: ServedCity, slug: str) -> dict[str, str]:
    """The header of the sample's holder."""
    return city.person(city.holder_of(slug))


def company(city: ServedCity) -> dict[str, str]:
    """The company of the samples, as bodies name it."""
    sample = city.catalog.sample(COMPANY)
    return party(sample["holder_name"], sample["holder_code"], sample["holder_code_type"])


def state(city: ServedCity, kind: str, subject: dict[str, str], other: dict[str, str] | None, **changes: Any) -> Any:
    """A fact by the register of people; the bare answer."""
    body: dict[str, Any] = {
        "kind": kind,
        "subject": subject,
        "document_no": "示例登记〔2026〕1号",
        "from_on": "2020-01-01",
        **({"other": other} if other else {}),
        **changes,
    }
    return city.client.post("/v1/relations", headers=city.system(FACTS), json=body)


def today(city: ServedCity) -> date:
    """The day in Shanghai."""
    return local_day(city.service.deps.clock.now())


def offer(
    city: ServedCity, who: dict[str, str], to: dict[str, str], scope: dict[str, list[str]], **changes: Any
) -> Any:
    """A delegation; the bare answer."""
    body: dict[str, Any] = {
        "delegate": to,
        "licenses": [{"identifier": identifier, "scenes": scenes} for identifier, scenes in scope.items()],
        "until": today(city).isoformat(),
        **changes,
    }
    return city.client.post("/v1/delegations", headers=who, json=body)


def given(
    city: ServedCity,
    who: dict[str, str],
    to: dict[str, str],
    scope: dict[str, list[str]],
    delegate: dict[str, str],
    **changes: Any,
) -> str:
    """A delegation that its delegate accepted; its id."""
    made = city.answer(offer(city, who, to, scope, **changes), 201)
    accept(city, delegate, made["delegation_id"])
    return str(made["delegation_id"])


def accept(city: ServedCity, delegate: dict[str, str], delegation_id: str, status: int = 201) -> Any:
    """The delegate's yes."""
    path = f"/v1/delegations/{delegation_id}/answers"
    return city.answer(city.client.post(path, headers=delegate, json={"accept": True}), status)


def show(city: ServedCity, who: dict[str, str], identifier: str, scene: str, delegation_id: str = "") -> Any:
    """A show code; the bare answer."""
    body = {"identifier": identifier, "scene": scene, "delegation_id": delegation_id}
    return city.client.post("/v1/shows", headers=who, json=body)


def standing(city: ServedCity, who: dict[str, str], delegation_id: str) -> str:
    """The state of a delegation, as this person reads it."""
    lists = city.answer(city.client.get("/v1/delegations", headers=who), 200)
    rows = [*lists["given"], *lists["received"]]
    return next(str(row["state"]) for row in rows if row["delegation_id"] == delegation_id)


def later(moment: datetime) -> str:
    """For SQL of SQLite."""
    return moment.isoformat(timespec="microseconds")
