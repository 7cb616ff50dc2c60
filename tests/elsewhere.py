"""A national system for tests: a PKI of its own, files that it sealed, and what is sent with them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from fixtures_city import ServedCity
from signing_pages import one_page
from signing_strangers import Stranger, make_stranger, sealed_by

from certsvc.clock import SystemClock
from certsvc.commands.access.seed_sandbox import PLATFORM, source_client_id
from certsvc.identifiers.license_identifier import LicenseIdentifier

SLUG = "business_license"
HERE = "11990000MB0000019F"
"""示例省市场监督管理局: responsible for the type here, and issuer of its own"""
SOURCE = "national_market"
SOURCE_NAME = "示例国家市场主体登记系统"
SOURCE_BODY = "11990000MB0003017Y"
"""Issues and runs the source; not in the catalog of the city."""
OTHER_SOURCE = "national_traffic"
HOLE = 6000


@dataclass
class Elsewhere:
    """The source's seal and its files."""

    directory: Path
    sealer: Stranger = field(
        default_factory=lambda: make_stranger(
            begins=SystemClock().now() - timedelta(days=30), ends=SystemClock().now() + timedelta(days=300)
        )
    )

    @property
    def trust_dir(self) -> Path:
        """A directory of anchors with its root."""
        place = self.directory / "trust"
        place.mkdir(parents=True, exist_ok=True)
        (place / "elsewhere.pem").write_bytes(self.sealer.root_pem)
        return place

    def file(self, text: str = "National license 001", **how: Any) -> bytes:
        """A PDF with the source's seal, or with that of ``sealer``."""
        self.directory.mkdir(parents=True, exist_ok=True)
        return sealed_by(how.get("sealer", self.sealer), one_page(HOLE, text=text), self.directory)

    def leaf(self, *, begins: datetime, ends: datetime) -> Stranger:
        """Another certificate of the same root."""
        root = Stranger(
            key=self.sealer.root_key,
            certificate=self.sealer.root,
            root=self.sealer.root,
            root_key=self.sealer.root_key,
        )
        return make_stranger(issuer=root, begins=begins, ends=ends)


def identifier(city: ServedCity, serial: str = "GJ0001", *, slug: str = SLUG, issuer: str = SOURCE_BODY) -> str:
    """证照标识 as the source gave it."""
    return str(LicenseIdentifier.create(city.catalog.type(slug).type_code, issuer, serial))


def registration(city: ServedCity, serial: str = "GJ0001", **changes: Any) -> dict[str, Any]:
    """What is sent with a file: the sample of the type, as the source has it."""
    sample = city.catalog.sample(SLUG)
    body = {
        "authority_code": HERE,
        "source": SOURCE,
        "type": SLUG,
        "identifier": identifier(city, serial),
        "number": sample["number"],
        "issuer_code": SOURCE_BODY,
        "issuer_name": "示例国家市场监督管理机关",
        "holder": {
            "name": sample["holder_name"],
            "code": sample["holder_code"],
            "code_type": sample["holder_code_type"],
        },
        "data": dict(sample["data"]),
        "issued_on": "2026-01-01",
        **changes,
    }
    return {key: value for key, value in body.items() if value is not None}


def register(
    city: ServedCity, data: bytes, body: dict[str, Any] | None = None, *, client: str = PLATFORM, key: str = ""
) -> Any:
    """Post a registration; the bare response."""
    headers = {**city.system(client), **({"Idempotency-Key": key} if key else {})}
    form = {"registration": json.dumps(registration(city) if body is None else body)}
    files = {"file": ("license.pdf", data, "application/pdf")}
    return city.client.post("/v1/registrations", headers=headers, data=form, files=files)


def report(city: ServedCity, which: str, *, client: str = "", key: str = "", **changes: Any) -> Any:
    """Let the source report that the license was revoked, with changes; the bare response."""
    body = {
        "state": "revoked",
        "reference": "国示吊〔2026〕1号",
        "happened_at": "2026-02-01T09:00:00+08:00",
        **changes,
    }
    headers = {**city.system(client or source_client_id(SOURCE)), **({"Idempotency-Key": key} if key else {})}
    return city.client.post(f"/v1/registrations/{which}/states", headers=headers, json=body)
