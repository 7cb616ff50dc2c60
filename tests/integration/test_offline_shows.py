"""Offline codes of a city: what is minted, what fits, and what a scan with network makes of them."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import segno
import zxingcpp
from fixtures_city import ServedCity
from offline_city import CarriedPhone, holders_phone
from offline_phone import Phone, read_code
from PIL import Image
from test_bad_input import problem
from test_show_and_scan import no_data, reasons

from certsvc.clock import FixedClock, SystemClock, end_of_day, local_day
from certsvc.commands.offline.mint import offline_name
from certsvc.license.model import Holder
from certsvc.license.offline import MAX_BYTES, MAX_TEXT, OfflineCore
from certsvc.license.status_list import StatusEntry
from certsvc.rendering.codes import qr_png

SLUG = "tour_guide"
LONG_PERSON = "阿卜杜拉赫曼·买买提艾力江"
LONG_LATIN = "WOLFESCHLEGELSTEINHAUSENBERGERDORFF JOHANN"
COMPANY = "示例省示例市示例区示例街道甲乙丙丁餐饮管理有限公司"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(SystemClock().now().replace(microsecond=0))


@pytest.fixture
def town(make_city: Callable[..., ServedCity], sqlite_url: str, clock: FixedClock) -> ServedCity:
    return make_city(sqlite_url, clock=clock)


def keys_of(city: ServedCity) -> dict[str, Any]:
    return dict(city.answer(city.client.get("/v1/offline-codes/keys"), 200))


def test_a_code_says_type_masked_name_and_status_and_nothing_else(shared_city: ServedCity) -> None:
    done = shared_city.one_of(SLUG)
    phone = holders_phone(shared_city, SLUG)
    read = read_code(phone.code(done["identifier"]), keys_of(shared_city))
    claims = read["claims"]
    assert set(claims) == {4, 6, 7, 8, -65537, -65538, -65539, -65540}
    assert claims[-65537] == SLUG
    assert claims[4] - claims[6] == 24 * 3600
    sample = shared_city.catalog.sample(SLUG)
    assert claims[-65538] != sample["holder_name"]
    for secret in (sample["holder_name"], sample["holder_code"], done["number"], *sample["data"].values()):
        assert len(secret) < 3 or secret not in str(read), secret
    card = shared_city.answer(shared_city.client.get("/v1/wallet", headers=shared_city.person(phone.subject)), 200)
    entry = next(one for one in card if one["identifier"] == done["identifier"])["status"]["status_list"]
    assert entry == {"idx": claims[-65540][1], "uri": f"https://zz.certsvc.example/v1/status-lists/{claims[-65540][0]}"}


def test_the_picture_is_one_qr_of_at_most_version_15_and_is_read_by_others(shared_city: ServedCity) -> None:
    done = shared_city.one_of("food_operation")
    text = holders_phone(shared_city, "food_operation").code(done["identifier"])
    code = segno.make_qr(text, error="m", boost_error=False)
    assert code.mode == "alphanumeric"
    assert int(code.version) <= 15
    picture = Image.open(io.BytesIO(qr_png(text)))
    assert [found.text for found in zxingcpp.read_barcodes(picture)] == [text]
    full = segno.make_qr("ELC1:" + "0" * (MAX_TEXT - 5), error="m", boost_error=False)
    assert int(full.version) <= 15, "the longest code there can be"


def test_every_type_fits_with_long_names_of_people_and_usual_ones_of_companies(shared_city: ServedCity) -> None:
    city, offline = shared_city, shared_city.service.deps.offline
    done = city.one_of(SLUG)
    with city.service.deps.uow.read() as tx:
        version = tx.licenses.by_identifier(done["identifier"])
    assert version is not None
    phone = Phone()
    sizes: dict[tuple[str, str], int] = {}
    for kind in city.catalog.types:
        person = kind.holder_kind.value == "person"
        for name in (LONG_PERSON, LONG_LATIN) if person else (COMPANY,):
            code_type = "111" if person else "001"
            named = replace(version, type_slug=kind.slug, holder=Holder(name=name, code="x", code_type=code_type))
            core = OfflineCore(
                token=bytes(16),
                type_slug=kind.slug,
                holder_masked=offline_name(kind, named),
                last_day=local_day(version.created_at),
                status=StatusEntry(list_no=99, index=1_048_575),
                device_key=phone.point,
                issued_at=1_800_000_000,
                expires_at=1_800_086_400,
            )
            assert not person or core.holder_masked != name
            sizes[kind.slug, name] = offline.size_of(offline.mint(core))
    assert len(sizes) > 80
    assert {key: size for key, size in sizes.items() if size > MAX_BYTES} == {}


def test_what_cannot_be_told_offline_is_shown_online_only(town: ServedCity) -> None:
    name = "示例市" + "甲乙丙丁戊己庚辛" * 6 + "有限公司"
    holder = town.body("food_operation", "L-1")["holder"]
    long = town.issue("food_operation", "L-1", holder={**holder, "name": name})
    good = town.issue("food_operation", "L-2")
    ended = town.issue("food_operation", "L-3")
    town.answer(town.move(ended["identifier"], "revoke", slug="food_operation"), 201)
    phone = holders_phone(town, "food_operation")
    asked = [long["identifier"], good["identifier"], ended["identifier"], "no-such"]
    made = town.answer(phone.ask(*asked), 201)["cores"]
    assert [one["identifier"] for one in made] == asked
    assert [bool(one["core"]) for one in made] == [False, True, False, False]
    assert [one["refused"] != "" for one in made] == [True, False, True, True]
    assert "只能在线亮证" in made[0]["refused"]
    assert "吊销" in made[2]["refused"]
    assert town.rows("SELECT count(*) FROM offline_cores") == [(1,)]
    assert problem(phone.ask(), 422)["code"] == "invalid_input"
    assert problem(phone.ask("a", "a"), 422)["code"] == "invalid_input"
    assert problem(phone.ask(*map(str, range(51))), 422)["code"] == "invalid_input"


def test_a_core_ends_with_the_last_day_of_the_license(town: ServedCity, clock: FixedClock) -> None:
    today = local_day(clock.now())
    done = town.issue(SLUG, "S-1", valid_until=today.isoformat())
    (made,) = town.answer(holders_phone(town, SLUG).ask(done["identifier"]), 201)["cores"]
    assert made["expires_at"] == end_of_day(today).isoformat().replace("+00:00", "Z")


def test_a_scan_with_network_judges_live_and_gives_no_data_once_or_ever(town: ServedCity) -> None:
    done = town.issue(SLUG, "S-1")
    phone, officer = holders_phone(town, SLUG), town.officer_of(SLUG)
    text = phone.code(done["identifier"])
    for _ in range(2):
        scan = town.scan(officer, text)
        assert (scan["light"], reasons(scan)) == ("amber", ["identity_not_compared", "ok"]), "it proves no person"
        assert no_data(scan)
        assert scan["license"]["identifier"] == done["identifier"]
    assert town.public(code=text)["reason"] == "ok"
    assert town.scan(officer, text + "\n")["license"] is not None, "as a hand scanner ends it"
    rows = town.rows("SELECT code_kind, outcome, version_id <> '', show_id LIKE 'cor_%' FROM scans")
    assert rows == [("offline", "identity_not_compared", 1, 1)] * 3
    uses = town.answer(town.client.get("/v1/wallet/uses", headers=town.person(phone.subject)), 200)
    assert [use["identifier"] for use in uses if use["kind"] == "scan"] == [done["identifier"]] * 3
    town.answer(town.move(done["identifier"], "revoke", slug=SLUG), 201)
    after = town.scan(officer, text)
    assert (after["light"], reasons(after)[0]) == ("red", "license_revoked")
    assert town.public(code=text)["reason"] == "license_revoked"


def test_a_wrong_old_or_lost_code_tells_nothing(town: ServedCity, clock: FixedClock) -> None:
    done = town.issue(SLUG, "S-1")
    phone, officer = holders_phone(town, SLUG), town.officer_of(SLUG)
    core = phone.core(done["identifier"])
    clock.advance(timedelta(minutes=2))
    now = clock.now().timestamp()
    cases = [
        (phone.phone.code(core, now - 90), "amber", "identity_not_compared"),
        (phone.phone.code(core, now - 91), "amber", "code_expired"),
        (phone.phone.code(core, now - 3600), "amber", "code_expired"),
        (phone.phone.code(core, now + 60), "amber", "identity_not_compared"),
        (phone.phone.code(core, now + 61), "amber", "clock_differs"),
        (Phone().code(core, now), "red", "code_device_wrong"),
        ("ELC1:" + "0" * 300, "red", "code_unknown"),
        ("ELC2:" + "0" * 300, "red", "not_ours"),
    ]
    for text, light, reason in cases:
        scan = town.scan(officer, text)
        assert (scan["light"], reasons(scan)[0]) == (light, reason), text
        assert no_data(scan)
        if reason != "identity_not_compared":
            assert scan["license"] is None
            assert town.public(code=text)["license"] is None
    town.answer(phone.block(), 200)
    clock.advance(timedelta(seconds=1))
    scan = town.scan(officer, phone.phone.code(core, now))
    assert (scan["light"], reasons(scan)) == ("red", ["device_blocked"])
    assert scan["license"] is None


def test_a_code_that_our_key_signed_and_the_register_does_not_know_is_refused(town: ServedCity) -> None:
    done = town.issue(SLUG, "S-1")
    phone = holders_phone(town, SLUG)
    text = phone.code(done["identifier"])
    town.execute("DELETE FROM offline_cores")
    scan = town.scan(town.officer_of(SLUG), text)
    assert (scan["light"], reasons(scan)) == ("red", ["code_unknown"])


def test_cores_are_forgotten_a_month_after_their_end_and_tokens_stand_nowhere(
    town: ServedCity, clock: FixedClock
) -> None:
    done = town.issue(SLUG, "S-1")
    phone = holders_phone(town, SLUG)
    token = read_code(phone.code(done["identifier"]), keys_of(town))["claims"][7]
    assert token.hex() not in str(town.rows("SELECT * FROM offline_cores"))
    for days, count in ((1, 2), (29, 3), (3, 2)):
        clock.advance(timedelta(days=days))
        town.tokens.clear()
        phone.core(done["identifier"])
        assert town.rows("SELECT count(*) FROM offline_cores") == [(count,)]


def test_a_child_under_14_gets_no_core_and_is_told_whose_account_shows(shared_city: ServedCity) -> None:
    done = shared_city.one_of("birth_record")
    child = shared_city.holder_of("birth_record")
    assert shared_city.shower_of("birth_record") != child, "the sample is of a child with a guardian"
    phone = CarriedPhone(shared_city, child).enrol()
    before = shared_city.rows("SELECT count(*) FROM offline_cores")
    refused = problem(phone.ask(done["identifier"]), 409)
    assert "由监护人登录本人账号" in refused["detail"]
    # The guardian acts in person and online: the license is not hers, so her phone gets no core of it either.
    guardian = CarriedPhone(shared_city, shared_city.shower_of("birth_record")).enrol()
    [answer] = shared_city.answer(guardian.ask(done["identifier"]), 201)["cores"]
    assert (answer["core"], answer["refused"]) == ("", "您名下没有这张证照")
    assert shared_city.rows("SELECT count(*) FROM offline_cores") == before


def test_another_holders_license_is_not_minted_and_another_holders_device_not_used(town: ServedCity) -> None:
    done = town.issue(SLUG, "S-1")
    other = holders_phone(town, "food_operation")
    (made,) = town.answer(other.ask(done["identifier"]), 201)["cores"]
    assert (made["core"], made["type_name"]) == ("", "")
    mine = holders_phone(town, SLUG)
    stolen = CarriedPhone(town, other.subject, device_id=mine.device_id)
    assert problem(stolen.ask(done["identifier"]), 404)["code"] == "not_found"
