"""Status lists over HTTP: what a reader without any question about a license learns, and when."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from fixtures_city import ServedCity
from life_city import Life
from status_reader import ReadList, read_cwt, read_jwt

from certsvc.app import Service
from certsvc.clock import FixedClock, SystemClock
from certsvc.commands.verifying.status_lists import StatusBoard, number_versions
from certsvc.license.status_list import MAX_AGE_S, REBUILD_S, RESIGN_S, TTL_S
from certsvc.signing.master_key import load_master_key
from certsvc.signing.service_keys import create_service_key

SLUG = "tour_guide"
JWT, CWT = "application/statuslist+jwt", "application/statuslist+cwt"
READERS = {JWT: read_jwt, CWT: read_cwt}


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(SystemClock().now())


@pytest.fixture
def life(database_url: str, make_city: Callable[..., ServedCity], clock: FixedClock) -> Life:
    """A city on both databases whose clock is moved by hand."""
    return Life(make_city(database_url, clock=clock), SLUG)


@pytest.fixture
def small(sqlite_url: str, make_city: Callable[..., ServedCity], clock: FixedClock) -> Life:
    return Life(make_city(sqlite_url, clock=clock), SLUG)


def get(client: Any, list_id: str = "1", form: str = CWT, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get(f"/v1/status-lists/{list_id}", headers={"accept": form, **named})


def read(client: Any, list_id: str = "1", form: str = CWT) -> ReadList:
    answer = get(client, list_id, form)
    assert (answer.status_code, answer.headers["content-type"]) == (200, form)
    return READERS[form](answer.content, client.get("/v1/status-lists/keys").json())


def reference(answer: dict[str, Any]) -> dict[str, Any]:
    """Index and list of a license, as an answer about it says."""
    assert set(answer["status"]) == {"status_list"}
    return dict(answer["status"]["status_list"])


def test_an_ended_license_is_told_at_once_online_and_in_the_list_after_the_interval(
    life: Life, clock: FixedClock
) -> None:
    done = life.made("ST-1")
    other = life.made("ST-2")
    entry = reference(life.card(done["identifier"]))
    client = life.city.client
    assert entry["uri"].endswith("/v1/status-lists/1")
    before = read(client)
    assert before.claims[2] == entry["uri"]
    assert before.status(entry["idx"]) == 0
    life.move(done["identifier"], "revoke")
    assert life.card(done["identifier"])["state"] == "revoked"
    assert life.city.public(code=_code(life, done))["reason"] == "license_revoked"
    clock.advance(timedelta(seconds=REBUILD_S))
    for form in (JWT, CWT):
        assert read(client, form=form).status(entry["idx"]) == 1
        assert read(client, form=form).status(reference(life.card(other["identifier"]))["idx"]) == 0
    assert sum(byte.bit_count() for byte in read(client).array) == 1


def _code(life: Life, done: dict[str, Any]) -> str:
    query = f"SELECT printed_token FROM licenses WHERE identifier = '{done['identifier']}'"
    ((token,),) = life.city.rows(query)
    return f"{life.city.service.deps.policy.public_base}/q/{token}"


def test_a_suspension_is_told_apart_in_two_bits_and_lifted_again(life: Life, clock: FixedClock) -> None:
    done = life.made("ST-1")
    index = reference(life.card(done["identifier"]))["idx"]
    client = life.city.client

    def told() -> tuple[int, int]:
        clock.advance(timedelta(seconds=REBUILD_S))
        return read(client).status(index), read(client, "1-2", JWT).status(index)

    assert told() == (0, 0)
    life.move(done["identifier"], "suspend")
    assert told() == (1, 2)
    life.move(done["identifier"], "resume")
    assert told() == (0, 0)
    change = life.made("ST-2", "change", previous=done["identifier"])
    assert told() == (1, 1)
    assert read(client).status(reference(life.card(change["identifier"]))["idx"]) == 0


def test_everyone_who_may_know_a_license_is_told_its_entry_and_nobody_else(life: Life) -> None:
    done = life.made("ST-1")
    city = life.city
    expected = reference(life.card(done["identifier"]))
    ((number,),) = city.rows("SELECT status_no FROM licenses")
    assert number == 1
    assert expected["idx"] != number
    cards = city.client.get("/v1/wallet", headers=city.person(city.holder_of(SLUG))).json()
    assert [reference(card) for card in cards] == [expected]
    assert reference(city.public(code=_code(life, done))["license"]) == expected
    file = city.client.get(f"/v1/licenses/{done['identifier']}/file", headers=city.system()).content
    verdict = city.client.post("/v1/verifications/file", files={"file": ("a.pdf", file, "application/pdf")}).json()
    assert reference(verdict["license"]) == expected
    assert city.public(code="https://zz.example/q/unknown-code-of-22-chars")["license"] is None


def test_the_claims_bound_how_long_a_list_is_kept(small: Life, clock: FixedClock) -> None:
    client = small.city.client
    answer = get(client)
    assert answer.headers["cache-control"] == f"public, max-age={MAX_AGE_S}"
    assert answer.headers["vary"] == "Accept"
    assert answer.headers["access-control-allow-origin"] == "*"
    claims = read(client).claims
    assert claims[6] == int(clock.now().timestamp())
    assert (claims[4] - claims[6], claims[65534]) == (24 * 3600, TTL_S)


def test_a_reader_who_has_the_newest_list_is_told_so_until_it_changes(small: Life, clock: FixedClock) -> None:
    done = small.made("ST-1")
    client = small.city.client
    first = get(client)
    tag = first.headers["etag"]
    assert tag == f'"{hashlib.sha256(first.content).hexdigest()}"'
    assert get(client, form=JWT).headers["etag"] != tag
    for asked in (tag, f'"other", W/{tag}', "*"):
        again = get(client, if_none_match=asked)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert again.headers["cache-control"] == first.headers["cache-control"]
        assert again.headers["vary"] == "Accept"
    for asked in ('"other"', tag.strip('"'), "x" * 5000 + tag):
        assert get(client, if_none_match=asked).status_code == 200
    clock.advance(timedelta(seconds=REBUILD_S))
    assert get(client, if_none_match=tag).status_code == 304  # nothing changed, so nothing was signed
    small.move(done["identifier"], "revoke")
    assert get(client, if_none_match=tag).status_code == 304  # the interval is not over
    clock.advance(timedelta(seconds=REBUILD_S))
    changed = get(client, if_none_match=tag)
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


def test_an_unchanged_list_is_signed_anew_before_it_looks_old(small: Life, clock: FixedClock) -> None:
    client = small.city.client
    first = read(client)
    clock.advance(timedelta(seconds=RESIGN_S))
    second = read(client)
    assert second.claims[6] == first.claims[6] + RESIGN_S
    assert second.array == first.array


def test_a_list_is_read_from_the_register_once_per_interval(small: Life, clock: FixedClock) -> None:
    board, deps = StatusBoard(), small.city.service.deps
    ring = deps.status_signer
    done = small.made("ST-1")
    from certsvc.commands.verifying.status_lists import Form

    first = board.signed(deps, "1", Form.CWT)
    small.city.execute("UPDATE licenses SET state = 'revoked'")
    assert board.signed(deps, "1", Form.CWT) == first
    assert board.signed(deps, "1", Form.JWT).data != first.data
    clock.advance(timedelta(seconds=REBUILD_S))
    second = board.signed(deps, "1", Form.CWT)
    index = reference(small.card(done["identifier"]))["idx"]
    assert read_cwt(second.data, ring.keys()).status(index) == 1
    assert read_jwt(board.signed(deps, "1", Form.JWT).data, ring.keys()).status(index) == 1


def test_when_the_register_cannot_be_read_there_is_no_list_rather_than_an_old_one(
    small: Life, clock: FixedClock
) -> None:
    client = small.city.client
    assert get(client).status_code == 200
    small.city.execute("ALTER TABLE licenses RENAME COLUMN status_no TO lost")
    assert get(client).status_code == 200
    clock.advance(timedelta(seconds=REBUILD_S))
    assert get(client).status_code >= 500
    small.city.execute("ALTER TABLE licenses RENAME COLUMN lost TO status_no")
    assert get(client).status_code == 200


def test_another_process_gives_the_same_list(
    life: Life, database_url: str, make_service: Callable[..., Service], clock: FixedClock
) -> None:
    done = life.made("ST-1")
    life.made("ST-2")
    life.move(done["identifier"], "revoke")
    with TestClient(make_service(database_url, clock=clock).application()) as other:
        for list_id in ("1", "1-2"):
            for form in (JWT, CWT):
                one, two = read(life.city.client, list_id, form), read(other, list_id, form)
                assert (one.header, one.claims, one.kid) == (two.header, two.claims, two.kid)
        aggregated = [one.get("/v1/status-lists").content for one in (life.city.client, other)]
        assert aggregated[0] == aggregated[1]


def test_every_list_is_named_where_readers_look_before_they_leave_the_network(small: Life) -> None:
    client = small.city.client
    base = small.city.service.deps.policy.public_base
    answer = client.get("/v1/status-lists")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == f"public, max-age={MAX_AGE_S}"
    assert answer.json() == {"status_lists": [f"{base}/v1/status-lists/1"]}
    assert client.get("/v1/status-lists?bits=2").json() == {"status_lists": [f"{base}/v1/status-lists/1-2"]}
    assert client.get("/v1/status-lists?bits=3").status_code == 422
    small.made("ST-1")
    small.city.execute("UPDATE licenses SET status_no = 1048577")
    named = client.get("/v1/status-lists").json()["status_lists"]
    assert named == [f"{base}/v1/status-lists/{n}" for n in (1, 2)]
    for uri in named:
        found = read(client, uri.rsplit("/", 1)[1])
        assert found.claims[2] == uri
        assert found.claims[65533]["aggregation_uri"] == f"{base}/v1/status-lists"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", JWT),
        ("*/*", JWT),
        (CWT, CWT),
        (f"{JWT};q=0.5, {CWT}", CWT),
        ("application/*", JWT),
        ("application/json", ""),
        ("text/html", ""),
    ],
)
def test_the_form_is_the_one_that_is_asked_for(small: Life, accept: str, form: str) -> None:
    answer = get(small.city.client, form=accept)
    if form:
        assert (answer.status_code, answer.headers["content-type"]) == (200, form)
    else:
        assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
        assert CWT in answer.json()["detail"]


@pytest.mark.parametrize("list_id", ["0", "2", "1-1", "1-3", "01", "999999999", "x", "1-2-2", "1%0A"])
def test_there_is_no_other_list(small: Life, list_id: str) -> None:
    answer = get(small.city.client, list_id)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["cache-control"] == "no-store"


def test_a_list_of_the_past_is_refused_and_never_a_current_one_given_for_it(small: Life) -> None:
    answer = small.city.client.get("/v1/status-lists/1?time=1686925000")
    assert answer.status_code == 404
    assert "verifications" in answer.json()["detail"]


def test_readers_who_come_too_often_are_told_to_wait(
    sqlite_url: str, make_city: Callable[..., ServedCity], clock: FixedClock
) -> None:
    city = make_city(sqlite_url, clock=clock, rate_limit_per_minute=5)
    assert [get(city.client).status_code for _ in range(6)] == [200] * 5 + [429]


def test_versions_that_an_older_release_registers_meanwhile_get_their_entries(life: Life, clock: FixedClock) -> None:
    done = life.made("ST-1")
    life.city.execute("UPDATE licenses SET status_no = NULL")
    assert life.card(done["identifier"])["status"] is None
    assert number_versions(life.city.service.deps) == 1
    index = reference(life.card(done["identifier"]))["idx"]
    life.move(done["identifier"], "void")
    clock.advance(timedelta(seconds=REBUILD_S))
    assert read(life.city.client).status(index) == 1


def test_a_new_key_takes_over_and_the_old_one_stays_published(
    small: Life, sqlite_url: str, make_service: Callable[..., Service], clock: FixedClock
) -> None:
    old = get(small.city.client, form=JWT).content
    settings, deps = small.city.service.settings, small.city.service.deps
    create_service_key(
        settings.keys,
        "status-2",
        "p256",
        "状态列表签名",
        master=load_master_key(settings.master_key),
        now=deps.clock.now(),
        ids=deps.ids,
        sandbox=True,
    )
    with TestClient(make_service(sqlite_url, clock=clock).application()) as client:
        keys = client.get("/v1/status-lists/keys").json()
        assert len(keys["keys"]) == 2
        assert read(client).kid == keys["keys"][0]["kid"]
        assert read_jwt(old, keys).kid == keys["keys"][1]["kid"]
        assert all(set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"} for key in keys["keys"])


def test_the_crl_is_sent_once_until_something_is_revoked(small: Life) -> None:
    client = small.city.client
    path = "/v1/authorities/dev-issuer-ec/crl"
    first = client.get(path)
    assert first.headers["cache-control"] == "public, no-cache"
    again = client.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
