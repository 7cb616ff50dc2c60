"""Offline bundles: what a device takes along, what changed since, and the whole way from phone to check and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fixtures_city import ServedCity
from offline_city import CarriedPhone, holders_phone, officers_phone
from test_bad_input import problem
from typer.testing import CliRunner

from certsvc.cli.commands import app
from certsvc.clock import FixedClock, SystemClock, rfc3339
from certsvc.errors import InvalidInput
from certsvc.license.offline_bundle import RESIGN_S
from certsvc.seal.verdict import Reason
from certsvc.signing.offline_bundles import BundleFile, BundleState, read_bundle
from certsvc.signing.offline_check import OfflineFinding, check_code

SLUG = "tour_guide"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(SystemClock().now().replace(microsecond=0))


@pytest.fixture
def town(make_city: Callable[..., ServedCity], database_url: str, clock: FixedClock) -> ServedCity:
    return make_city(database_url, clock=clock)


def read(city: ServedCity, data: bytes) -> BundleFile:
    jwks = city.answer(city.client.get("/v1/offline-bundle/keys"), 200)
    return read_bundle(data, jwks["keys"])


def fetched(carried: CarriedPhone, since: int = 0) -> bytes:
    answer = carried.bundle(since)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/cose"
    return bytes(answer.content)


def test_an_ending_is_seen_offline_after_the_next_delta(town: ServedCity, clock: FixedClock) -> None:
    done = town.issue(SLUG, "S-1")
    shower, officer = holders_phone(town, SLUG), officers_phone(town, SLUG)
    core = shower.core(done["identifier"])
    state = BundleState()
    full = fetched(officer)
    state.apply(read(town, full))

    def check() -> OfflineFinding:
        text = shower.phone.code(core, clock.now().timestamp())
        return check_code(text, state, at=clock.now(), identity_compared=True)

    assert check().reasons == (Reason.OK_OFFLINE,)
    town.answer(town.move(done["identifier"], "suspend", slug=SLUG), 201)
    assert check().light == "green", "nothing arrived yet"
    clock.advance(timedelta(seconds=RESIGN_S))
    delta = read(town, fetched(officer, state.version))
    assert set(delta.data) == {"status/1"}
    assert delta.as_of == clock.now()
    state.apply(delta)
    assert (check().light, check().reasons) == ("red", (Reason.NOT_IN_FORCE,))
    town.answer(town.move(done["identifier"], "resume", slug=SLUG), 201)
    clock.advance(timedelta(seconds=RESIGN_S))
    state.apply(read(town, fetched(officer, state.version)))
    assert check().light == "green"


def test_a_lost_phone_is_seen_offline_after_the_next_delta_and_forgotten_with_its_codes(
    town: ServedCity, clock: FixedClock
) -> None:
    done = town.issue(SLUG, "S-1")
    shower, officer = holders_phone(town, SLUG), officers_phone(town, SLUG)
    core = shower.core(done["identifier"])
    state = BundleState()
    state.apply(read(town, fetched(officer)))
    town.answer(shower.block(), 200)
    clock.advance(timedelta(seconds=RESIGN_S))
    delta = read(town, fetched(officer, state.version))
    assert set(delta.data) == {"blocked_devices"}
    state.apply(delta)
    text = shower.phone.code(core, clock.now().timestamp())
    assert check_code(text, state, at=clock.now(), identity_compared=True).reasons == (Reason.DEVICE_BLOCKED,)
    clock.advance(timedelta(hours=25))
    town.tokens.clear()
    state.apply(read(town, fetched(officer, state.version)))
    assert state.blocked == frozenset()


def test_a_full_file_has_everything_and_an_unchanged_one_is_small_or_not_sent(
    town: ServedCity, clock: FixedClock
) -> None:
    town.issue(SLUG, "S-1")
    officer = officers_phone(town, SLUG)
    answer = officer.bundle()
    full = read(town, answer.content)
    assert full.as_of == clock.now()
    assert set(full.parts) == set(full.data) == {
        "code_keys", "blocked_devices", "anchors", "seals", "types", "scenes", "reasons", "policy", "status/1",
    }  # fmt: skip
    assert officer.bundle(**{"if-none-match": answer.headers["etag"]}).status_code == 304
    labels = next(one for one in full.data["types"] if one["type"] == SLUG)
    assert (labels["zh"], labels["en"]) == ("导游证", "Tour guide")
    assert labels["fields"]["languages"] == ["语种", "Languages"]
    assert labels["fields"]["valid_until"] == ["有效期止", "Valid until"]
    assert {"type": SLUG, "code": "tour_inspection", "name": "旅游执法检查", "audience": "officer"} in full.data[
        "scenes"
    ]
    assert set(full.data["reasons"]) == {reason.value for reason in Reason}
    assert full.data["policy"]["status_stale_s"] == 24 * 3600
    assert len(full.data["seals"]) > 10
    assert all(one["certificate"][:1] == b"\x30" for one in full.data["seals"] + full.data["anchors"])
    assert len(answer.content) < 200_000
    clock.advance(timedelta(minutes=6))
    later = officer.bundle(full.version)
    delta = read(town, later.content)
    assert (dict(delta.data), delta.version, delta.as_of) == ({}, full.version, clock.now())
    assert len(later.content) < 600


def test_two_processes_tell_the_same_versions(
    make_city: Callable[..., ServedCity], database_url: str, clock: FixedClock
) -> None:
    first, second = (make_city(database_url, clock=clock) for _ in range(2))
    first.secrets = second.secrets  # seeded last
    officer = officers_phone(first, SLUG)
    there = CarriedPhone(second, officer.subject, device_id=officer.device_id)
    one, two = read(first, fetched(officer)), read(second, fetched(there))
    assert (one.version, one.parts) == (two.version, two.parts)
    first.issue(SLUG, "S-1")
    done = first.issue(SLUG, "S-2")
    first.answer(first.move(done["identifier"], "revoke", slug=SLUG), 201)
    clock.advance(timedelta(seconds=RESIGN_S))
    state = BundleState()
    state.apply(one)
    state.apply(read(second, fetched(there, one.version)))
    state.apply(read(first, fetched(officer, state.version)))
    assert state.held["status/1"][0] == state.version == one.version + 1


def test_only_an_officers_own_active_device_gets_it(shared_city: ServedCity) -> None:
    officer = officers_phone(shared_city, SLUG)
    for subject in ("clerk-1", shared_city.officer_of("food_operation")):
        stolen = CarriedPhone(shared_city, subject, device_id=officer.device_id)
        assert problem(stolen.bundle(), 404)["code"] == "not_found"
    holder = holders_phone(shared_city, SLUG)
    assert problem(holder.bundle(), 403)["code"] == "forbidden"
    assert problem(CarriedPhone(shared_city, "clerk-1").bundle(), 404)["code"] == "not_found"
    shared_city.answer(officer.block(), 200)
    assert "挂失" in problem(officer.bundle(), 403)["detail"]


def test_the_command_line_checks_with_files_alone(
    make_city: Callable[..., ServedCity], sqlite_url: str, tmp_path: Path, clock: FixedClock
) -> None:
    city = make_city(sqlite_url, clock=clock)
    done = city.issue(SLUG, "S-1")
    shower, officer = holders_phone(city, SLUG), officers_phone(city, SLUG)
    text = shower.code(done["identifier"])
    bundle, keys = tmp_path / "bundle.cose", tmp_path / "keys.json"
    bundle.write_bytes(fetched(officer))
    keys.write_text(json.dumps(city.answer(city.client.get("/v1/offline-bundle/keys"), 200)))

    def run(*more: str) -> Any:
        asked = ["code", "check", text, "--bundle", str(bundle), "--keys", str(keys)]
        return CliRunner().invoke(app, [*asked, *more], env={"COLUMNS": "300"})

    def after(seconds: int) -> tuple[str, str]:
        return "--at", rfc3339(clock.now() + timedelta(seconds=seconds))

    good = run(*after(20), "--identity", "--json")
    found = json.loads(good.stdout)
    assert (good.exit_code, found["light"], found["reason"]) == (0, "green", "ok_offline")
    assert (found["status_as_of"], found["status_age_s"]) == (rfc3339(clock.now()), 20)
    assert found["type_name"] == "导游证"
    bare = run(*after(20))
    assert bare.exit_code == 2
    assert "请核对身份证件" in bare.stdout
    assert run(*after(91), "--identity").exit_code == 2
    assert run(text, *after(20), "--identity").exit_code == 2, "the same code twice"
    assert isinstance(run("--at", "2026-05-06 07:10").exception, InvalidInput)
