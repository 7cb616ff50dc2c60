"""A session ends when somebody says so, not only with its token."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fixtures_city import ServedCity
from test_access import unauthenticated
from test_bad_input import problem
from typer.testing import CliRunner

from certsvc.cli import maintain
from certsvc.cli.people_commands import people_app
from certsvc.clock import FixedClock, SystemClock
from certsvc.commands.access.end_session import NEVER, end_sessions_of
from certsvc.errors import NotFound

ORDER_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SUBJECT = "auditor-1"


def login(city: ServedCity, subject: str) -> dict[str, str]:
    """A session of its own; the city itself keeps one for each person."""
    answer = city.answer(city.client.post("/v1/sandbox/login", json={"subject": subject}), 200)
    return {"Authorization": f"Bearer {answer['access_token']}"}


def out(city: ServedCity, headers: dict[str, str], *, everywhere: bool) -> None:
    response = city.client.post("/v1/sign-outs", headers=headers, json={"everywhere": everywhere})
    assert (response.status_code, response.content) == (204, b"")


def let_in(city: ServedCity, headers: dict[str, str]) -> bool:
    response: Any = city.client.get("/v1/me", headers=headers)
    if response.status_code == 200:
        return True
    unauthenticated(response)
    return False


def test_who_signs_out_is_out_here_and_nowhere_else(small_city: ServedCity) -> None:
    here, there = login(small_city, SUBJECT), login(small_city, SUBJECT)
    other, system = login(small_city, "clerk-1"), small_city.system()
    out(small_city, here, everywhere=False)
    assert [let_in(small_city, one) for one in (here, there, other, system)] == [False, True, True, True]
    assert "重新登录" in problem(small_city.client.get("/v1/me", headers=here), 401)["detail"]
    unauthenticated(small_city.client.post("/v1/sign-outs", headers=here, json={"everywhere": True}))
    assert let_in(small_city, there), "a token that is out signs nobody out"


def test_another_signature_over_the_same_words_is_out_too(small_city: ServedCity) -> None:
    """(r, n - s) holds wherever (r, s) does, so a session is told by what was signed."""
    here = login(small_city, SUBJECT)
    signed, _, signature = here["Authorization"].rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    twin = raw[:32] + (ORDER_P256 - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    other = {"Authorization": f"{signed}.{base64.urlsafe_b64encode(twin).decode().rstrip('=')}"}
    assert let_in(small_city, other)
    out(small_city, here, everywhere=False)
    assert not let_in(small_city, other)


def test_everywhere_is_every_device_and_a_new_login_works_at_once(
    sqlite_url: str, make_city: Callable[..., ServedCity]
) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(sqlite_url, clock=clock)
    elsewhere, system = login(city, SUBJECT), city.system()
    clock.advance(timedelta(seconds=1))
    here = login(city, SUBJECT)
    out(city, here, everywhere=True)
    again = login(city, SUBJECT)
    assert [let_in(city, one) for one in (elsewhere, here, again, system)] == [False, False, True, True]
    assert let_in(city, login(city, "clerk-1"))


def test_an_operator_ends_the_sessions_of_a_person_and_closes_the_account(small_city: ServedCity) -> None:
    deps = small_city.service.deps
    headers = login(small_city, SUBJECT)
    with deps.uow() as tx:  # a second later than now, which of this second lets tokens through
        tx.access.end_session("person", SUBJECT, at=deps.clock.now() + timedelta(seconds=1), until=NEVER)
    assert not let_in(small_city, headers)
    end_sessions_of(deps, "clerk-1", actor="operator-cli", close=True)
    with deps.uow.read() as tx:
        person = tx.access.person("clerk-1")
    assert person is not None
    assert person.roles == frozenset()
    assert problem(small_city.client.get("/v1/me", headers=login(small_city, "clerk-1")), 403)
    with pytest.raises(NotFound):
        end_sessions_of(deps, "nobody", actor="operator-cli")


def test_the_command_says_what_it_did(small_city: ServedCity, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[str, bool]] = []
    monkeypatch.setattr(maintain, "sign_out_person", lambda subject, *, close: called.append((subject, close)))
    told = CliRunner().invoke(people_app, ["sign-out", SUBJECT, "--close"])
    assert (told.exit_code, called) == (0, [(SUBJECT, True)])
    assert "账号已停用" in told.output


def test_who_ended_what_is_in_evidence_and_no_token_is(small_city: ServedCity) -> None:
    headers = login(small_city, SUBJECT)
    out(small_city, headers, everywhere=False)
    token = headers["Authorization"].removeprefix("Bearer ")
    with small_city.service.store._engines[0].connect() as connection:
        leaves = connection.exec_driver_sql("SELECT kind, leaf FROM evidence").all()
        kept = connection.exec_driver_sql("SELECT kind, subject, token_key FROM session_ends").all()
    ended = [leaf for kind, leaf in leaves if kind == "access.session_ended"]
    assert len(ended) == 1
    assert [(kind, subject, len(key)) for kind, subject, key in kept] == [("person", SUBJECT, 64)]
    for part in token.split("."):
        assert part.encode() not in ended[0] + kept[0][2].encode()
