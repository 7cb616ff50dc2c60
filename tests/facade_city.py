"""A city with the three facades switched on, an account of each, and a reader of recorded requests and answers."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from fixtures_city import ServedCity, lay_keys, sandbox_settings

from certsvc.app import build
from certsvc.commands.access.seed_sandbox import seed_sandbox, using_client_id
from certsvc.commands.facades.accounts import register_account
from certsvc.license.facades import FacadeAccount, FacadeName

RECORDED = Path(__file__).parent / "integration" / "recorded"
MARKET = "11990000MB0000019F"
CLIENT = using_client_id(MARKET)
NEIGHBOUR = using_client_id("11990000MB00000355")
RENEWAL = "11990000MB0000019F2990131002003"
"""食品经营许可（延续）: consent or duty, fields of two types, the copy of one"""
LOGIN, SECRET = "app-key-1", "planted-app-secret-7Q"
SHARE_ID, SHARE_TOKEN = "access-1", "planted-access-token-9Z"
FORMS = {
    "<text>": r".+",
    "<any>": r".*",
    "<base64>": r"[A-Za-z0-9+/]{100,}={0,2}",
    "<day>": r"[0-9]{8}",
    "<moment>": r"[0-9]{14}",
    "<auth_code>": r"20[0-9]{15}[0-9A-F]{32}",
    "<timestamp>": r"20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9:]{8}(\.[0-9]{3})?",
    "<uuid>": r"[0-9a-f-]{36}",
    "<token>": r"[\w.-]{100,}",
    "<identifier>": r"1\.2\.156\.3005\.2\.[0-9A-Z.]+",
    "<zz_url>": r"https://[\w.]+/rest/v1\.0/zzgx/zzxzfile\?fid=[\w-]{22}",
    "<share_url>": r"https://[\w.]+/zzgxpt/download\?id=[\w-]{22}",
}
"""Words that stand for values which differ from run to run."""


@dataclass
class FacadeCity:
    """The city, and what recorded requests may name."""

    city: ServedCity
    names: dict[str, str] = field(default_factory=dict)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        response = self.city.client.post(path, json=body, headers=headers)
        assert response.status_code == 200, response.text
        assert response.headers["cache-control"] == "no-store"
        return response.json()

    def account(self, facade: FacadeName, login: str, secret: str, client_id: str = CLIENT, **changes: Any) -> str:
        deps = self.city.service.deps
        values: dict[str, Any] = {
            "account_id": deps.ids.new("fac"),
            "facade": facade,
            "login": login,
            "secret_sha256": "",
            "client_id": client_id,
            "verbs": ("*",),
            "types": ("*",),
            "matter_code": RENEWAL,
            "purpose": "办理食品经营许可延续",
            "active": True,
            "expires_at": deps.clock.now() + timedelta(days=300),
            "created_at": deps.clock.now(),
        }
        account = FacadeAccount(**{**values, **changes})
        return register_account(deps, account, actor="test", secret=secret).account_id

    def token(self, client_id: str = CLIENT) -> str:
        return self.city.system(client_id)["Authorization"].removeprefix("Bearer ")

    def filled(self, value: Any) -> Any:
        """A recorded request with its ``$names`` filled in."""
        if isinstance(value, dict):
            return {key: self.filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        return self.names[value[1:]] if isinstance(value, str) and value.startswith("$") else value

    def uses(self) -> list[tuple[Any, ...]]:
        return self.city.rows("SELECT outcome, basis, matter_code, case_no, fields FROM fetches ORDER BY fetch_id")


def recorded(name: str) -> list[dict[str, Any]]:
    """Recorded exchanges of one facade."""
    found: list[dict[str, Any]] = json.loads((RECORDED / name).read_text(encoding="utf-8"))
    return found


def same_shape(expected: Any, found: Any, place: str = "") -> None:
    """The same members with the same values; a word of :data:`FORMS` stands for whatever has that form."""
    if isinstance(expected, dict):
        assert isinstance(found, dict), place
        assert set(found) == set(expected), place
        for key, item in expected.items():
            same_shape(item, found[key], f"{place}/{key}")
    elif isinstance(expected, list):
        assert isinstance(found, list), place
        assert len(found) == len(expected), place
        for index, item in enumerate(expected):
            same_shape(item, found[index], f"{place}/{index}")
    elif expected in FORMS:
        assert isinstance(found, str), place
        assert re.fullmatch(FORMS[expected], found), (place, found[:200])
    else:
        assert found == expected, place


@contextmanager
def facade_city(city_keys: Path, sqlite_template: Path, place: Path, **settings: Any) -> Iterator[FacadeCity]:
    """A city of its own with every facade on, or with those that ``settings`` name."""
    lay_keys(city_keys, place / "var")
    shutil.copyfile(sqlite_template, place / "certsvc.sqlite3")
    values: dict[str, Any] = {"facades": tuple(FacadeName), **settings}
    clock = values.pop("clock", None)
    service = build(sandbox_settings(place / "var", f"sqlite:///{place / 'certsvc.sqlite3'}", **values), clock=clock)
    try:
        parties = seed_sandbox(service.deps)
        with TestClient(service.application(), raise_server_exceptions=False) as client:
            city = ServedCity(
                client=client,
                out=place,
                secrets=dict(parties.secrets),
                people=parties.people,
                catalog=service.deps.catalog,
                anchor=service.settings.keys / "trust",
                service=service,
            )
            yield FacadeCity(city)
    finally:
        service.close()


Opened = Callable[..., FacadeCity]
