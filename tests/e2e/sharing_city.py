"""Companies of a test's own in the live city, whose licenses are used and asked for; no other test meets them."""

from __future__ import annotations

import base64
import itertools
import os
from dataclasses import dataclass, field
from typing import Any

from consent_city import bind, given, party
from fixtures_city import LiveCity
from test_fetch import CLIENT
from test_use_bases import ask, party_id

from certsvc.identifiers.uscc import check_character, organisation_check_character

TRADE, FOOD = "business_license", "food_operation"
RENEWAL = "11990000MB0000019F2990131002003"
"""食品经营许可（延续）: both types, consent or duty; a copy of the food license"""
SUBSIDY = "11990000MB0000019F2991099001001"
"""餐饮业稳岗补贴: questions on duty"""
OFFICE = "示例省市场监督管理局"
COPY = "*copy"

_numbers = itertools.count(1)


@dataclass
class Shop:
    """A company with an account and licenses, and what systems do with them."""

    live: LiveCity
    name: str
    code: str
    subject: str
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        return self.live.city.person(self.subject)

    @property
    def party(self) -> dict[str, str]:
        return party(self.name, self.code, "001")

    def asked(self, items: dict[str, list[str]], case_no: str, **changes: Any) -> str:
        """A system asks; the number of the request."""
        made = self.live.city.answer(ask(self.live.city, self.party, items, case_no=case_no, **changes), 201)
        return str(made["request_id"])

    def state(self, request_id: str) -> str:
        """How a request stands, as the system reads it."""
        city = self.live.city
        found = city.client.get(f"/v1/use-requests/{request_id}", headers=city.system(CLIENT))
        return str(city.answer(found, 200)["state"])

    def used(self, path: str, **changes: Any) -> dict[str, Any]:
        """A use of the food license by the system; what it was given."""
        city = self.live.city
        body = {
            "matter_code": RENEWAL,
            "case_no": "YX-1",
            "purpose": "办理食品经营许可延续",
            "operator": "jingban01",
            "basis": "duty",
            "type": FOOD,
            "holder_code": self.code,
            "holder_code_type": "001",
            **changes,
        }
        body = {key: value for key, value in body.items() if value is not None}
        return dict(city.answer(city.client.post(path, headers=city.system(CLIENT), json=body), 201))

    def copied(self, **changes: Any) -> tuple[dict[str, Any], bytes]:
        """An annotated copy of the food license; the answer and the file."""
        done = self.used("/v1/fetches", fields=[COPY], **changes)
        return done, base64.b64decode(done["file"])

    def consented(self, request_id: str, **changes: Any) -> dict[str, Any]:
        """A use of the food license on a confirmed request."""
        bare: dict[str, Any] = {"basis": "consent", "consent_id": request_id}
        bare |= {"holder_code": None, "holder_code_type": None}
        return self.used("/v1/fetches", **{**bare, **changes})

    def confirm(self, request_id: str) -> None:
        """The company's yes, past the page."""
        city = self.live.city
        mine = party_id(city, self.headers, request_id)
        path = f"/v1/use-requests/{request_id}/answers"
        city.answer(city.client.post(path, headers=self.headers, json={"accept": True, "party_id": mine}), 201)

    def delegate(self, subject: str, name: str, code: str, **changes: Any) -> dict[str, str]:
        """Somebody with an account who accepted a delegation over the food license; their header."""
        city = self.live.city
        who = bind(city, subject, name, code=code)
        scene = city.catalog.type(FOOD).scenes[0].code
        scope = {self.rows[FOOD]["identifier"]: [scene]}
        given(city, self.headers, party(name, code), scope, who, **changes)
        return who


def open_shop(live: LiveCity, *slugs: str) -> Shop:
    """A new company with licenses of these types."""
    city = live.city
    order = f"{os.getpid() % 1000:03d}{next(_numbers):03d}"
    organisation = f"MA{order}"
    body = "91990000" + organisation + organisation_check_character(organisation)
    code = body + check_character(body)
    shop = Shop(live, f"示例餐饮{order}店", code, f"shop-{order}")
    bind(city, shop.subject, shop.name, code=code, code_type="001")
    for slug in slugs:
        changes: dict[str, Any] = {"holder": {"name": shop.name, "code": code, "code_type": "001"}}
        if slug == TRADE:
            changes["number"] = code
        asked = city.client.post(
            "/v1/issuances", headers=city.system(), json=city.body(slug, f"SHOP-{order}-{slug}", **changes)
        )
        done = city.wait(city.answer(asked, 202)["request_id"])
        assert done["state"] == "issued", done
        shop.rows[slug] = done
    return shop
