"""What is given once is given or kept: no death and no failing note of a call uses up a code or address for nothing.

The killed process is a real one, which opens the service over the test's database and opens what it was given.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from facade_city import CLIENT, LOGIN, SECRET, FacadeCity, facade_city
from fixtures_city import sandbox_settings
from killing import kill_at
from test_facade_app import SLUG, USE, grant, login, use

from certsvc.app import build
from certsvc.commands.facades.accounts import sign_in
from certsvc.commands.facades.codes import exchange, redeem
from certsvc.commands.facades.downloads import open_address
from certsvc.errors import Unavailable
from certsvc.license.facades import FacadeName

GB_BASE = "/rest/v1.0/zzgx"
POINTS = ("fetch.recorded", "facade.noted")
"""Behind the ledger row, and behind everything that is written of a call."""
DATA, FILE, TOKEN = "license/get_license", "license/archive", "license/token"


def open_until_killed(var: str, database_url: str, what: str, secret: str) -> None:
    """The program of the killed process."""
    deps = build(sandbox_settings(Path(var), database_url)).deps
    if what == "address":
        open_address(deps, FacadeName.GB_36906, secret, verb="zzdzxz")
        return
    call = sign_in(deps, FacadeName.APP, LOGIN, SECRET)
    if what == TOKEN:
        exchange(deps, call, secret, verb=what)
    else:
        redeem(deps, call, secret, file=what == FILE, verb=what)


@pytest.fixture(name="app")
def app_fixture(city_keys: Path, sqlite_template: Path, tmp_path: Path) -> Any:
    with facade_city(city_keys, sqlite_template, tmp_path) as app:
        app.account(FacadeName.APP, LOGIN, SECRET)
        app.account(FacadeName.GB_36906, CLIENT, "")
        app.city.issue(SLUG, "C-1")
        yield app


def consented(app: FacadeCity) -> str:
    """A code behind which the holder's own 用证码 stands, which gives once."""
    made = grant(app, app.city.one_of(SLUG)["identifier"])
    return str(use(app, "license/holder", login(app), credential=made, **USE)[1]["auth_codes"][0])


def address(app: FacadeCity) -> str:
    data = {"zzbs": app.city.one_of(SLUG)["identifier"], "bjbh": "BJ-3", "jbr": "jingban01"}
    made = app.post(f"{GB_BASE}/zzdzxz", {"head": {"token": app.token()}, "data": data})
    return str(made["data"]["content"]).partition("fid=")[2]


def secret_of(app: FacadeCity, what: str) -> str:
    return address(app) if what == "address" else consented(app)


def opened(app: FacadeCity, what: str, secret: str) -> bool:
    """Whether it gives what it stands for."""
    if what == "address":
        return app.city.client.get(f"{GB_BASE}/zzxzfile?fid={secret}").content.startswith(b"%PDF")
    fault, data = use(app, what, login(app), auth_code=secret)
    return fault == "" and bool(data)


def written(app: FacadeCity) -> list[Any]:
    """What is left of a use; the intent of a copy that was not given is swept."""
    counts = ("fetches", "events", "evidence WHERE kind LIKE 'fetch%' OR kind LIKE 'facade%'")
    return [
        *(app.city.rows(f"SELECT count(*) FROM {table}") for table in counts),
        app.city.rows("SELECT count(*) FROM grants WHERE used_at IS NOT NULL"),
        app.city.rows("SELECT count(*) FROM facade_codes WHERE data_used_at IS NOT NULL OR file_used_at IS NOT NULL"),
        app.city.rows("SELECT count(*) FROM facade_downloads WHERE used_at IS NOT NULL"),
    ]


@pytest.mark.parametrize("what", [DATA, FILE, TOKEN, "address"])
def test_what_a_dying_process_did_not_give_is_given_to_the_next_call(app: FacadeCity, what: str) -> None:
    secret, settings = secret_of(app, what), app.city.service.settings
    before = written(app)
    for point in POINTS[1:] if what == TOKEN else POINTS:
        kill_at(point, open_until_killed, str(settings.var_dir), settings.database_url, what, secret)
        assert written(app) == before, point
    assert opened(app, what, secret), "nothing was used up"
    assert not opened(app, what, secret), "and once"


@pytest.mark.parametrize("what", [DATA, FILE, TOKEN, "address"])
def test_a_call_that_cannot_be_noted_uses_nothing_up(
    app: FacadeCity, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    secret = secret_of(app, what)

    def away(*_: Any, **__: Any) -> None:
        raise Unavailable("数据库没有应答")

    token = login(app)
    before = written(app)
    with monkeypatch.context() as broken:
        broken.setattr("certsvc.commands.facades.accounts.record", away)
        if what == "address":
            assert not opened(app, what, secret)
        else:
            assert use(app, what, token, auth_code=secret)[0] == "SYSTEM_BUSY"
    assert written(app) == before
    assert opened(app, what, secret)
    assert not opened(app, what, secret)


def test_a_code_that_is_refused_is_used_up(app: FacadeCity) -> None:
    """What cannot be given is no lottery: the other half of the code is untouched."""
    token, secret = login(app), consented(app)
    identifier = app.city.one_of(SLUG)["identifier"]
    app.city.answer(app.city.move(identifier, "suspend", slug=SLUG), 201)
    assert use(app, FILE, token, auth_code=secret)[0] != ""
    app.city.answer(app.city.move(identifier, "resume", slug=SLUG), 201)
    assert use(app, FILE, token, auth_code=secret)[0] == "NO_AUTHORIZATION"
    assert use(app, DATA, token, auth_code=secret)[0] == ""
