"""The demo's city: its clients, people and what they ask for, over HTTP."""

from __future__ import annotations

import math
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from certsvc.cli.samples import sample_body
from certsvc.clock import SystemClock
from certsvc.commands.access.seed_sandbox import PLATFORM
from certsvc.events.payloads import REQUESTED_ISSUANCE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import httpx

    from certsvc.catalog.loader import Catalog
    from certsvc.license.parties import Person

ISSUE_TIMEOUT_S = 60
PDFSIG_VALID = "Signature is Valid."


@dataclass(kw_only=True)
class City:
    """State that the steps share."""

    client: httpx.Client
    out: Path
    secrets: Mapping[str, str]
    people: Sequence[Person]
    catalog: Catalog
    anchor: Path
    licenses: list[dict[str, Any]] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    renew_at: dict[str, float] = field(default_factory=dict)
    requests: dict[str, str] = field(default_factory=dict)
    """type -> request id"""

    def system(self, client_id: str = PLATFORM) -> dict[str, str]:
        """Authorization header of a client system."""
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": self.secrets[client_id]}
        return self._bearer(client_id, lambda: self.client.post("/v1/oauth/token", data=form))

    def person(self, subject: str) -> dict[str, str]:
        """Authorization header of a sandbox person."""
        return self._bearer(subject, lambda: self.client.post("/v1/sandbox/login", json={"subject": subject}))

    def _bearer(self, who: str, ask: Callable[[], httpx.Response]) -> dict[str, str]:
        """The header, with a token that is renewed at half of its life."""
        now = SystemClock().monotonic()
        if who not in self.tokens or now >= self.renew_at.get(who, math.inf):
            answer = self.answer(ask(), 200)
            self.tokens[who], self.renew_at[who] = answer["access_token"], now + answer["expires_in"] / 2
        return {"Authorization": f"Bearer {self.tokens[who]}"}

    def holder_of(self, slug: str) -> str:
        """Subject of the person who holds the sample license of a type."""
        code = self.catalog.sample(slug)["holder_code"]
        return next(person.subject for person in self.people if person.holder_code == code)

    def officer_of(self, slug: str) -> str:
        """Subject of an officer of the issuing authority."""
        issuer = self.catalog.sample(slug)["issuer_code"]
        return next(p.subject for p in self.people if p.authority_code == issuer and "officer" in p.roles)

    def body(self, slug: str, business_no: str, **changes: Any) -> dict[str, Any]:
        """An approval's request for the sample of a type."""
        return sample_body(self.catalog, slug, business_no, **changes)

    def event(self, event_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The approval event that carries a body."""
        return {
            "specversion": "1.0",
            "id": event_id,
            "source": "https://approval.example",
            "type": REQUESTED_ISSUANCE,
            "datacontenttype": "application/json",
            "data": dict(body),
        }

    def wait(self, request_id: str) -> dict[str, Any]:
        """The request once it is decided."""
        deadline = time.monotonic() + ISSUE_TIMEOUT_S
        while time.monotonic() < deadline:
            answer = self.answer(self.client.get(f"/v1/issuances/{request_id}", headers=self.system()), 200)
            if answer["state"] in {"issued", "refused"}:
                return dict(answer)
            time.sleep(0.05)
        msg = f"申请 {request_id} 没有在 {ISSUE_TIMEOUT_S} 秒内办结"
        raise AssertionError(msg)

    def license(self, slug: str) -> dict[str, Any]:
        """The row of the first license of a type."""
        return next(row for row in self.licenses if row["type"] == slug)

    def file(self, identifier: str) -> bytes:
        """The PDF, as its issuer gets it."""
        response = self.client.get(f"/v1/licenses/{identifier}/file", headers=self.system())
        response.raise_for_status()
        return response.content

    def check(self, data: bytes, name: str = "license.pdf") -> dict[str, Any]:
        """The public verdict over a file."""
        files = {"file": (name, data, "application/pdf")}
        return dict(self.answer(self.client.post("/v1/verifications/file", files=files), 200))

    def pdfsig(self, path: Path) -> str:
        """Poppler's opinion of the seal: ``valid`` or what it said."""
        tool = shutil.which("pdfsig")
        if tool is None:
            return "未安装 pdfsig（poppler-utils）"
        run = subprocess.run([tool, str(path)], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
        return "valid" if PDFSIG_VALID in run.stdout else (run.stdout or run.stderr).strip()[-200:]

    @staticmethod
    def answer(response: httpx.Response, status: int) -> Any:
        """The JSON of a response that must have ``status``."""
        if response.status_code != status:
            asked = f"{response.request.method} {response.request.url.path}"
            msg = f"{asked} 返回 {response.status_code}：{response.text[:300]}"
            raise AssertionError(msg)
        return response.json()
