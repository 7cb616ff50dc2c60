"""Facade A, GB/T 36906: every verb in its recorded shape, every code of 信息验证 and 文件验证 on a real license."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from elsewhere import Elsewhere
from facade_city import CLIENT, NEIGHBOUR, RENEWAL, FacadeCity, facade_city, recorded, same_shape
from fixtures_city import ROOT

from certsvc.clock import FixedClock, SystemClock
from certsvc.license.facades import FacadeName

BASE = "/rest/v1.0/zzgx"
SLUG = "food_operation"
EXCHANGES = recorded("facade_36906.json")


@pytest.fixture(scope="module")
def gb(city_keys: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FacadeCity]:
    with facade_city(city_keys, sqlite_template, tmp_path_factory.mktemp("gb")) as found:
        found.account(FacadeName.GB_36906, CLIENT, "")
        done = found.city.one_of(SLUG)
        sample = found.city.catalog.sample(SLUG)
        found.names = {
            "token": found.token(),
            "zzbs": done["identifier"],
            "holder_code": sample["holder_code"],
            "nobody": "91990000MA0000023K",
            "type_code": found.city.catalog.type(SLUG).type_code,
            "file": base64.b64encode(found.city.file(done["identifier"])).decode(),
        }
        yield found


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda e: f"{e['verb']}-{e['response']['head']['code'] or 0}")
def test_every_verb_answers_in_its_recorded_shape(gb: FacadeCity, exchange: dict[str, Any]) -> None:
    found = gb.post(f"{BASE}/{exchange['verb']}", gb.filled(exchange["request"]))
    same_shape(exchange["response"], found)


def test_every_verb_is_recorded() -> None:
    from certsvc.api.facades.gb_36906 import VERBS

    good = {one["verb"] for one in EXCHANGES if one["response"]["head"]["status"] == "0"}
    assert good == {verb.name for verb in VERBS}


def ask(gb: FacadeCity, verb: str, token: str = "", **data: Any) -> Any:
    asked = {"bjbh": "BJ-2", "jbr": "jingban01", **data}
    return gb.post(f"{BASE}/{verb}", {"head": {"token": token or gb.token()}, "data": asked})


def verified(gb: FacadeCity, identifier: str, **data: Any) -> str:
    found = ask(gb, "zzxxyz", zzbs=identifier, czzt="示例餐饮有限公司", **data)
    assert found["head"]["status"] == "0", found
    return str(found["data"]["code"])


def test_info_codes_of_real_licenses_in_every_state(city_keys: Path, sqlite_template: Path, tmp_path: Path) -> None:
    """0 valid, 1 not yet valid, 2 suspended, 3 ended and expired, 5 replaced; and each reading is on the ledger."""
    clock = FixedClock(SystemClock().now())
    with facade_city(city_keys, sqlite_template, tmp_path, clock=clock) as gb:
        gb.account(FacadeName.GB_36906, CLIENT, "", purpose="办理许可")
        city = gb.city
        token = gb.token()
        later = (clock.now() + timedelta(days=30)).date().isoformat()
        done = city.issue(SLUG, "A-1", valid_from=later)
        identifier = done["identifier"]
        assert verified(gb, identifier) == "1"
        clock.advance(timedelta(days=31))
        city.tokens.clear()
        assert verified(gb, identifier) == "0"
        city.answer(city.move(identifier, "suspend", slug=SLUG), 201)
        assert verified(gb, identifier) == "2"
        city.answer(city.move(identifier, "resume", slug=SLUG), 201)
        assert verified(gb, identifier) == "0"
        city.answer(city.move(identifier, "revoke", slug=SLUG), 201)
        assert verified(gb, identifier) == "3"
        assert verified(gb, identifier, czztdm="91990000MA0000023K") == "5", "of another holder"
        assert ask(gb, "zzxxyz", zzbs="1.2.156.3005.2.X", czzt="示例餐饮有限公司")["data"]["code"] == "5"
        rows = [row for row in gb.uses() if row[0] == "given"]
        assert rows
        assert {row[1:4] for row in rows} == {("duty", RENEWAL, "BJ-2")}
        assert {row[4] for row in rows} == {'["holder_name"]'}, "what was compared, and nothing else, was read"
        assert token != gb.token()


def test_a_file_is_passed_or_fails_by_its_seal_or_by_itself(gb: FacadeCity) -> None:
    data = base64.b64decode(gb.names["file"])

    def code(sent: bytes) -> str:
        return str(ask(gb, "zzwjyz", content=base64.b64encode(sent).decode())["data"]["code"])

    assert code(data) == "0"
    assert code(b"hello") == "2"
    at = data.index(b"/Contents <") + 200 if b"/Contents <" in data else data.index(b"/Contents<") + 200
    assert code(data[:at] + (b"1" if data[at : at + 1] != b"1" else b"2") + data[at + 1 :]) in {"1", "2"}
    changed = data[:-200] + bytes(byte ^ 1 if index == 0 else byte for index, byte in enumerate(data[-200:]))
    assert code(changed) != "0"
    assert ask(gb, "zzwjyz", content="*")["head"]["code"] == "4"


def test_a_foreign_seal_is_a_seal_that_does_not_hold(gb: FacadeCity, tmp_path: Path) -> None:
    """A sound file sealed under a root of somebody else."""
    found = ask(gb, "zzwjyz", content=base64.b64encode(Elsewhere(tmp_path).file()).decode())
    assert found["data"]["code"] == "1", found


def test_the_address_gives_the_file_once_and_for_ten_minutes(
    city_keys: Path, sqlite_template: Path, tmp_path: Path
) -> None:
    clock = FixedClock(SystemClock().now())
    with facade_city(city_keys, sqlite_template, tmp_path, clock=clock) as gb:
        gb.account(FacadeName.GB_36906, CLIENT, "")
        identifier = gb.city.issue(SLUG, "A-1")["identifier"]

        def address() -> str:
            found = ask(gb, "zzdzxz", zzbs=identifier)
            return "/rest" + str(found["data"]["content"]).partition("/rest")[2]

        first, late, stopped = address(), address(), address()
        objects = [path.read_bytes() for path in gb.city.out.rglob("*") if path.is_file()]
        secret = first.partition("=")[2].encode()
        assert not [data for data in objects if secret in data], "the capability is kept as a digest"
        given = gb.city.client.get(first)
        assert given.status_code == 200
        assert given.headers["content-type"] == "application/pdf"
        assert given.content.startswith(b"%PDF")
        again = gb.city.client.get(first)
        unknown = gb.city.client.get(first[:-1] + ("A" if first[-1] != "A" else "B"))
        assert (again.status_code, again.json()) == (404, unknown.json())
        assert again.json()["head"] == {"status": "1", "code": "3", "message": again.json()["head"]["message"]}
        assert [row[4] for row in gb.uses()][-1] == '["*copy"]', "the file is on the ledger when it leaves"
        clock.advance(timedelta(seconds=600))
        assert gb.city.client.get(late).status_code == 404
        clock.advance(timedelta(seconds=-300))
        gb.city.answer(gb.city.move(identifier, "revoke", slug=SLUG), 201)
        refused = gb.city.client.get(stopped)
        assert (refused.status_code, refused.json()["head"]["code"]) == (404, "11"), "the license ended meanwhile"


def test_scope_verbs_types_and_the_end_of_account_and_client(
    city_keys: Path, sqlite_template: Path, tmp_path: Path
) -> None:
    clock = FixedClock(SystemClock().now())
    with facade_city(city_keys, sqlite_template, tmp_path, clock=clock) as gb:
        narrow: dict[str, Any] = {"verbs": ("zzjs",), "types": ("business_license",), "matter_code": ""}
        account = gb.account(FacadeName.GB_36906, CLIENT, "", **narrow)
        identifier = gb.city.issue(SLUG, "A-1")["identifier"]
        assert ask(gb, "zzcx", zzbs=identifier, sxbm=RENEWAL)["head"]["code"] == "1", "a verb that is not open"
        sample = gb.city.catalog.sample(SLUG)
        code = gb.city.catalog.type(SLUG).type_code
        of = {"czztdm": sample["holder_code"], "zzlxdm": code}
        assert ask(gb, "zzjs", **of, sxbm=RENEWAL)["head"]["code"] == "1", "a type that is not open"
        assert ask(gb, "zzjs", **of)["head"]["code"] == "5", "no matter, and none is registered"
        assert ask(gb, "zzjs", gb.token(NEIGHBOUR), **of, sxbm=RENEWAL)["head"]["code"] == "1", "no account"
        gb.city.execute("UPDATE facade_accounts SET verbs = '[\"*\"]', types = '[\"*\"]'")
        assert ask(gb, "zzjs", **of, sxbm=RENEWAL)["head"]["status"] == "0"
        gb.city.execute("UPDATE facade_accounts SET purpose = ''")
        assert ask(gb, "zzjs", **of, sxbm=RENEWAL)["head"]["code"] == "4", "no purpose, and none is registered"
        assert ask(gb, "zzjs", **of, sxbm=RENEWAL, dzzzsymd="延续")["head"]["status"] == "0"
        headers = {"Authorization": f"Bearer {gb.token()}"}
        assert gb.city.client.post("/v1/sign-outs", headers=headers, json={"everywhere": False}).status_code == 204
        ended = headers["Authorization"].removeprefix("Bearer ")
        assert ask(gb, "zzjs", ended, **of, sxbm=RENEWAL, dzzzsymd="延续")["head"]["code"] == "1", (
            "its session was ended"
        )
        gb.city.tokens.clear()
        from certsvc.commands.facades.accounts import stop_account

        stop_account(gb.city.service.deps, account, actor="test")
        assert ask(gb, "zzjs", **of, sxbm=RENEWAL, dzzzsymd="延续")["head"]["code"] == "1"
        gb.city.execute("UPDATE facade_accounts SET active = 1")
        gb.city.execute(f"UPDATE clients SET active = 0 WHERE client_id = '{CLIENT}'")
        token = gb.city.tokens[CLIENT].removeprefix("Bearer ")
        assert ask(gb, "zzjs", token, **of, sxbm=RENEWAL, dzzzsymd="延续")["head"]["code"] == "1"
        gb.city.execute("UPDATE clients SET active = 1")
        clock.advance(timedelta(days=301))
        gb.city.tokens.clear()
        assert ask(gb, "zzjs", **of, sxbm=RENEWAL, dzzzsymd="延续")["head"]["code"] == "1", "the account expired"


def test_what_may_not_be_known_looks_like_what_is_not(gb: FacadeCity) -> None:
    """An identifier of nobody and one of a type beyond the policy are refused alike under a matter without it."""
    other = gb.city.one_of("tour_guide")["identifier"]
    from certsvc.identifiers.license_identifier import LicenseIdentifier

    real = LicenseIdentifier.parse(other)
    ghost = str(LicenseIdentifier(real.type_code, real.issuer_code, "20991231999999", 1))
    answers = [ask(gb, "zzcx", zzbs=one) for one in (other, ghost)]
    assert answers[0] == answers[1]
    own = LicenseIdentifier.parse(gb.names["zzbs"])
    missing = str(LicenseIdentifier(own.type_code, own.issuer_code, "20991231999999", 1))
    assert ask(gb, "zzcx", zzbs=missing)["head"]["code"] == "3"


def test_bodies_are_read_strictly_and_their_size_is_bounded(gb: FacadeCity) -> None:
    client = gb.city.client
    for raw in (b'{"head": {}, "head": {}}', b'{"data": NaN}', b"[]", b"{", b"\xff"):
        found = client.post(f"{BASE}/zzjs", content=raw, headers={"Content-Type": "application/json"})
        assert found.status_code == 200
        assert found.json()["head"]["code"] == "4", raw
    plain = client.post(f"{BASE}/zzjs", content=b"{}", headers={"Content-Type": "text/plain"})
    assert plain.json()["head"]["code"] == "4"
    assert client.post(f"{BASE}/zzjs", json={"data": {"czzt": "x" * 2_000_000}}).status_code == 413
    assert ask(gb, "zzjs", czztdm="x" * 300, zzlxdm="1")["head"]["code"] == "4"


def test_a_facade_that_is_off_is_not_there(city_keys: Path, sqlite_template: Path, tmp_path: Path) -> None:
    with facade_city(city_keys, sqlite_template, tmp_path, facades=()) as off:
        for base, path in (("rest", "v1.0/zzgx/zzjs"), ("zzgxpt", "queryCertInfo"), ("license-app", "v1/license/auth")):
            found = off.city.client.post(f"/{base}/{path}", json={})
            nothing = off.city.client.post("/nothing/of/this/kind", json={})
            assert (found.status_code, found.content) == (nothing.status_code, nothing.content)
        for path in ("/zzgxpt/download?id=x", "/rest/v1.0/zzgx/zzxzfile?fid=x"):
            found, nothing = off.city.client.get(path), off.city.client.get("/nothing/of")
            assert (found.status_code, found.content) == (nothing.status_code, nothing.content)
    document = json.loads((ROOT / "openapi" / "certsvc.json").read_text("utf-8"))
    assert not [path for path in document["paths"] if not path.startswith(("/v1/", "/healthz", "/readyz"))]
