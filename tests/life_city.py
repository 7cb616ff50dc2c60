"""What the tests of a license's life ask a city for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fixtures_city import ServedCity

PROJECT = "2601-990100-04-01-123456"
DECISION = {"document_no": "示例更〔2026〕1号", "decided_on": "2026-01-15", "basis": "经营范围录入有误"}


@dataclass
class Life:
    """A city, and one type whose licenses live."""

    city: ServedCity
    slug: str

    @property
    def issuer(self) -> str:
        """USCC of the issuer of the type's sample."""
        return str(self.city.catalog.sample(self.slug)["issuer_code"])

    def ask(self, business_no: str, action: str, **changes: Any) -> Any:
        """The bare answer to a request for an action on the type's sample; dates that a link keeps are left out."""
        body = self.city.body(self.slug, business_no, action=action, **changes)
        kept = () if action in {"issue", "provisional", "convert"} else ("valid_from", "valid_until")
        for name in kept[:1] if action == "renew" else kept:
            if name not in changes:
                body.pop(name, None)
        return self.city.client.post("/v1/issuances", headers=self.city.system(), json=body)

    def done(self, business_no: str, action: str, **changes: Any) -> dict[str, Any]:
        """The request once it was worked on, whatever became of it."""
        return self.again(self.city.answer(self.ask(business_no, action, **changes), 202)["request_id"])

    def again(self, request_id: str) -> dict[str, Any]:
        """The request after another turn of the workers."""
        self.city.drain()
        answer = self.city.client.get(f"/v1/issuances/{request_id}", headers=self.city.system())
        return dict(self.city.answer(answer, 200))

    def made(self, business_no: str, action: str = "issue", **changes: Any) -> dict[str, Any]:
        """The request, which must have been issued."""
        done = self.done(business_no, action, **changes)
        assert done["state"] == "issued", done
        return done

    def move(self, identifier: str, name: str, **changes: Any) -> dict[str, Any]:
        """A decision of the issuer, carried out."""
        return dict(self.city.answer(self.city.move(identifier, name, slug=self.slug, **changes), 201))

    def read(self, identifier: str) -> dict[str, Any]:
        """The license as its authority sees it."""
        answer = self.city.client.get(f"/v1/licenses/{identifier}", headers=self.city.system())
        return dict(self.city.answer(answer, 200))

    def card(self, identifier: str) -> dict[str, Any]:
        """The card alone."""
        return dict(self.read(identifier)["license"])

    def try_fact(self, identifier: str, fact: str, **changes: Any) -> Any:
        """The bare answer to a fact noted by the issuer today."""
        today = self.city.service.deps.clock.now() + timedelta(hours=8)
        body = {"fact": fact, "authority_code": self.issuer, "happened_on": today.date().isoformat(), **changes}
        return self.city.client.post(f"/v1/licenses/{identifier}/facts", headers=self.city.system(), json=body)

    def fact(self, identifier: str, fact: str, **changes: Any) -> dict[str, Any]:
        """A fact that must be noted."""
        return dict(self.city.answer(self.try_fact(identifier, fact, **changes), 201))

    def flags(self, identifier: str) -> dict[str, str]:
        """Code and light of every flag of a license."""
        return {flag["code"]: flag["light"] for flag in self.card(identifier)["flags"]}

    def one_in_force(self) -> None:
        """No license has two versions that have not ended."""
        query = (
            "SELECT license_id, count(*) FROM licenses WHERE state IN ('valid', 'suspended', 'provisional')"
            " GROUP BY license_id HAVING count(*) > 1"
        )
        assert self.city.rows(query) == []
