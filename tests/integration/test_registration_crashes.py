"""A process killed while it registers loses nothing: the file is an orphan or a license, and the same call ends it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from elsewhere import Elsewhere, register, registration
from fixtures_city import ROOT, ServedCity, sandbox_settings
from killing import kill_at

from certsvc.app import build
from certsvc.commands.access.principals import of_client
from certsvc.commands.access.seed_sandbox import PLATFORM
from certsvc.commands.evidence.sweep import orphans, remove_orphans
from certsvc.commands.registrations.body import RegistrationBody
from certsvc.commands.registrations.register_license import register_license

POINTS = ("registration.object_stored", "registration.registered")
KEY = "crash-key"


def register_until_killed(var: str, database_url: str, trust_dir: str, file: str, body: str) -> None:
    """The program of the killed process."""
    service = build(sandbox_settings(Path(var), database_url, trust_dir=Path(trust_dir)))
    with service.deps.uow.read() as tx:
        client = tx.access.client(PLATFORM)
    assert client is not None
    checked = RegistrationBody.model_validate(json.loads(body))
    register_license(service.deps, of_client(client), checked, Path(file).read_bytes(), idempotency_key=KEY)


def test_the_list_of_points_is_the_list_in_the_code() -> None:
    found = re.compile(r'faults\.reach\("(registration[a-z_.]+)"\)')
    named = [name for path in (ROOT / "certsvc").rglob("*.py") for name in found.findall(path.read_text("utf-8"))]
    assert sorted(named) == sorted(POINTS)


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_this_point_loses_nothing_and_doubles_nothing(
    database_url: str, make_city: Callable[..., ServedCity], tmp_path: Path, point: str
) -> None:
    elsewhere = Elsewhere(tmp_path / "elsewhere")
    city = make_city(database_url, trust_dir=elsewhere.trust_dir)
    data, settings, deps = elsewhere.file(), city.service.settings, city.service.deps
    (tmp_path / "sent.pdf").write_bytes(data)
    places = (settings.var_dir, database_url, elsewhere.trust_dir, tmp_path / "sent.pdf")
    kill_at(point, register_until_killed, *(str(one) for one in places), json.dumps(registration(city)))
    left = deps.objects.names("licenses/")
    assert len(left) == 1
    registered = point == "registration.registered"
    assert city.rows("SELECT count(*) FROM licenses") == [(int(registered),)]
    assert orphans(deps) == [], "a file of today may still be registered"
    assert list(orphans(deps, settle_s=0)) == ([] if registered else list(left))

    done = city.answer(register(city, data, key=KEY), 201)
    assert city.file(done["identifier"]) == data
    assert remove_orphans(deps, settle_s=0) == []
    for table in ("licenses", "registered_licenses", "artifacts"):
        assert city.rows(f"SELECT count(*) FROM {table}") == [(1,)], table
    kinds = [row[0] for row in city.rows("SELECT kind FROM evidence WHERE kind = 'license.registered'")]
    assert len(kinds) == 1


def test_a_file_left_behind_is_swept(sqlite_url: str, make_city: Callable[..., ServedCity], tmp_path: Path) -> None:
    city = make_city(sqlite_url)
    deps = city.service.deps
    data = Elsewhere(tmp_path / "elsewhere").file()
    deps.objects.put("licenses/00/" + "0" * 64 + ".pdf", data, content_type="application/pdf")
    assert len(remove_orphans(deps, settle_s=0)) == 1
    assert deps.objects.names("licenses/") == ()
