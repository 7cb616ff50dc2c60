"""A city in which bodies ask for policies, and one reader of the list of its matters."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from consent_city import bind
from fixtures_city import ServedCity

from certsvc.catalog.loader import Catalog
from certsvc.commands.access import roles
from certsvc.commands.access.seed_sandbox import using_client_id

USER = "11990000MB0000019F"
"""示例省市场监督管理局: its matters ask"""
CLIENT = using_client_id(USER)
OTHER = using_client_id("11990000MB00000355")
MATTER = "11990000MB0000019F2990131002001"
"""食品经营许可（新办）: business_license with copy, consent or duty, by the seed"""
BARE = "11990000MB0000019F2990131001001"
"""a matter of the same body to which the seed opens nothing"""
SLUG = "business_license"
GUIDE = "tour_guide"


def rows_of(catalog: Catalog) -> dict[str, list[str]]:
    """The seed's matters as rows of a list, by code: code, name, authority, last day."""
    return {one.code: [one.code, one.name, one.authority_code, ""] for one in catalog.matters}


def as_csv(rows: Iterable[list[str]], header: str = "事项编码,事项名称,实施主体编码,终止日期") -> str:
    """The list as a file, written by the csv module and not by ours."""
    out = io.StringIO()
    out.write(header + "\n")
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def publish(city: ServedCity, content: str, status: int = 201, **changes: Any) -> Any:
    """Import a list in the name of the 目录发布员."""
    body = {"source": "示例事项管理系统", "form": "csv", "content": content, **changes}
    headers = city.person("publisher-1")
    return city.answer(city.client.post("/v1/matters/imports", headers=headers, json=body), status)


def officers(city: ServedCity, slug: str) -> tuple[dict[str, str], dict[str, str]]:
    """Headers of who asks for the user and of who decides for the issuer of a type."""
    asker = bind(city, "asker-1", "示例用证", roles=frozenset({roles.POLICY_REQUESTER}), authority_code=USER)
    issuer = city.catalog.type(slug).issuers[0]
    decider = bind(city, f"decider-{slug}", "示例审批", roles=frozenset({roles.POLICY_APPROVER}), authority_code=issuer)
    return asker, decider


def wish(**changes: Any) -> dict[str, Any]:
    """A request for a type that the seed does not open to the matter."""
    body = {
        "matter_code": MATTER,
        "type": GUIDE,
        "keys": ["holder_name", "number"],
        "bases": ["duty"],
        "purpose": "核对从业人员资格，依据示例条例第一条",
        **changes,
    }
    return {key: value for key, value in body.items() if value is not None}


def asked(city: ServedCity, headers: dict[str, str], status: int = 201, **changes: Any) -> dict[str, Any]:
    """A policy that was asked for."""
    return dict(city.answer(city.client.post("/v1/policies", headers=headers, json=wish(**changes)), status))


def step(city: ServedCity, headers: dict[str, str], policy_id: str, name: str, **body: Any) -> Any:
    """The bare answer to a step: decisions, openings, closings."""
    return city.client.post(f"/v1/policies/{policy_id}/{name}", headers=headers, json=body)


def opened(city: ServedCity, slug: str = GUIDE, **changes: Any) -> dict[str, Any]:
    """A policy all the way to open."""
    asker, decider = officers(city, slug)
    made = asked(city, asker, type=slug, **changes)
    city.answer(step(city, decider, made["policy_id"], "decisions", approve=True), 201)
    done = city.answer(step(city, city.person("operator-1"), made["policy_id"], "openings"), 201)
    return dict(done)


def fetched(city: ServedCity, slug: str, client: str = CLIENT, **changes: Any) -> Any:
    """The bare answer to a fetch on duty of the sample's license."""
    sample = city.catalog.sample(slug)
    body = {
        "matter_code": MATTER,
        "case_no": "BJ-2026-1",
        "purpose": "办理食品经营许可",
        "operator": "jingban01",
        "basis": "duty",
        "type": slug,
        "holder_code": sample["holder_code"],
        "holder_code_type": sample["holder_code_type"],
        **changes,
    }
    return city.client.post("/v1/fetches", headers=city.system(client), json=body)
