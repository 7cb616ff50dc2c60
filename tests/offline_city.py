"""What the tests of codes without network ask a city for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fixtures_city import ServedCity
from offline_phone import Phone, b64, unb64


@dataclass
class CarriedPhone:
    """A phone that somebody enrolled."""

    city: ServedCity
    subject: str
    kind: str = "holder"
    phone: Phone = field(default_factory=Phone)
    device_id: str = ""

    def enrol(self) -> CarriedPhone:
        """Claim the key and prove it."""
        begun = self.city.answer(self.claim(), 201)
        self.device_id = begun["device_id"]
        proven = self.city.answer(self.prove(begun["sign_text"]), 200)
        assert proven["state"] == "active"
        return self

    def claim(self, **changes: Any) -> Any:
        """The bare answer to the claim of a key."""
        asked = {"kind": self.kind, "name": "我的手机", "public_key": self.phone.jwk, **changes}
        return self.city.client.post("/v1/devices", headers=self.city.person(self.subject), json=asked)

    def prove(self, sign_text: str, device_id: str = "") -> Any:
        """The bare answer to the proof of a key."""
        body = {"signature": b64(self.phone.sign(sign_text.encode("ascii")))}
        path = f"/v1/devices/{device_id or self.device_id}/proof"
        return self.city.client.post(path, headers=self.city.person(self.subject), json=body)

    def block(self, subject: str = "") -> Any:
        """The bare answer to the block of this phone."""
        headers = self.city.person(subject or self.subject)
        return self.city.client.post(f"/v1/devices/{self.device_id}/block", headers=headers)

    def ask(self, *identifiers: str) -> Any:
        """The bare answer to a request for cores."""
        asked = {"device_id": self.device_id, "identifiers": list(identifiers)}
        return self.city.client.post("/v1/shows/offline", headers=self.city.person(self.subject), json=asked)

    def core(self, identifier: str) -> bytes:
        """The core of one license."""
        (made,) = self.city.answer(self.ask(identifier), 201)["cores"]
        assert made["refused"] == "", made
        return unb64(made["core"])

    def code(self, identifier: str) -> str:
        """What the phone shows now."""
        return self.phone.code(self.core(identifier), self.city.service.deps.clock.now().timestamp())

    def bundle(self, since: int = 0, **headers: str) -> Any:
        """The bare answer to a request for the bundle."""
        asked: dict[str, Any] = {"device": self.device_id, "since": since}
        headers = {**self.city.person(self.subject), **headers}
        return self.city.client.get("/v1/offline-bundle", headers=headers, params=asked)

    def send(self, *records: Any) -> list[dict[str, Any]]:
        """What became of each record of a batch."""
        answer = self.deliver(*records)
        return list(self.city.answer(answer, 200)["records"])

    def deliver(self, *records: Any) -> Any:
        """The bare answer to a batch."""
        body = {"device_id": self.device_id, "records": list(records)}
        return self.city.client.post("/v1/inspections/batch", headers=self.city.person(self.subject), json=body)


def holders_phone(city: ServedCity, slug: str) -> CarriedPhone:
    """A new phone of the holder of the type's sample."""
    return CarriedPhone(city, city.holder_of(slug)).enrol()


def officers_phone(city: ServedCity, slug: str) -> CarriedPhone:
    """A new phone of an officer of the type's issuer."""
    return CarriedPhone(city, city.officer_of(slug), kind="officer").enrol()
