"""Showing and scanning: a code lives 60 seconds and gives data once, to its readers, and no field beyond its scene."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from fixtures_city import ServedCity
from PIL import Image
from test_bad_input import problem

from certsvc.catalog.loader import load_catalog
from certsvc.clock import FixedClock, SystemClock, end_of_day, local_day
from certsvc.commands.showing.codes import MAX_SCANNED

SLUG = "tour_guide"
SCENES = [(kind.slug, scene.code) for kind in load_catalog().types for scene in kind.scenes]


def reasons(scan: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in scan["reasons"]]


def no_data(scan: dict[str, Any]) -> bool:
    return not scan["fields"] and not scan["photo"]


def test_a_code_is_good_for_60_seconds_and_not_for_61(make_city: Callable[..., ServedCity], sqlite_url: str) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(sqlite_url, clock=clock)
    done = city.issue(SLUG, "S-1")
    officer = city.officer_of(SLUG)
    for age, good in ((59, True), (60, False), (61, False)):
        shown = city.show(SLUG, done["identifier"], "tour_inspection")
        assert shown["expires_at"] == (clock.now() + timedelta(seconds=60)).isoformat().replace("+00:00", "Z")
        clock.advance(timedelta(seconds=age))
        looked = city.public(code=shown["code"])
        scan = city.scan(officer, shown["code"])
        if good:
            assert (scan["light"], looked["reason"]) == ("green", "ok")
            assert scan["fields"]
        else:
            assert (scan["light"], looked["reason"], looked["indication"]) == ("amber", "code_expired", "INDETERMINATE")
            assert reasons(scan) == ["code_expired"]
            assert no_data(scan)
            assert scan["license"] is None
            assert scan["seal"] is None
            assert looked["license"] is None


def test_the_second_redemption_gives_state_and_no_data(city: ServedCity) -> None:
    done = city.issue(SLUG, "S-1")
    shown = city.show(SLUG, done["identifier"], "tour_inspection")
    assert city.public(code=shown["code"])["reason"] == "ok", "a look does not use the code up"
    first = city.scan(city.officer_of(SLUG), shown["code"])
    assert (first["light"], reasons(first)) == ("green", ["ok"])
    for subject in (city.officer_of(SLUG), "officer-1"):
        again = city.scan(subject, shown["code"])
        assert (again["light"], reasons(again)) == ("amber", ["code_used", "ok"])
        assert no_data(again)
    assert city.public(code=shown["code"])["reason"] == "ok"


def test_of_fifty_parallel_redemptions_exactly_one_gets_data(city: ServedCity) -> None:
    done = city.issue(SLUG, "S-1")
    code = city.show(SLUG, done["identifier"], "tour_inspection")["code"]
    officer = city.officer_of(SLUG)
    city.person(officer)
    with ThreadPoolExecutor(50) as pool:
        scans = list(pool.map(lambda _: city.scan(officer, code), range(50)))
    assert Counter(not no_data(scan) for scan in scans) == {True: 1, False: 49}
    assert Counter(scan["light"] for scan in scans) == {"green": 1, "amber": 49}
    assert city.rows("SELECT count(*) FROM scans") == [(50,)]
    assert city.rows("SELECT outcome, count(*) FROM scans GROUP BY outcome ORDER BY outcome") == [
        ("code_used", 49),
        ("ok", 1),
    ]


@pytest.mark.parametrize(("slug", "scene_code"), SCENES)
def test_a_scan_gives_the_scenes_fields_to_its_readers_and_nothing_more(
    shared_city: ServedCity, slug: str, scene_code: str
) -> None:
    kind = shared_city.catalog.type(slug)
    scene = kind.scene(scene_code)
    assert scene is not None
    done = shared_city.one_of(slug)
    sample = shared_city.catalog.sample(slug)
    readers = {"officer": {"officer"}, "clerk": {"officer", "clerk"}, "public": {"officer", "clerk"}}[scene.audience]
    for role, subject in (("clerk", "clerk-1"), ("officer", shared_city.officer_of(slug))):
        shown = shared_city.show(slug, done["identifier"], scene_code)
        scan = shared_city.scan(subject, shown["code"])
        assert scan["license"]["state"] == "valid"
        if role not in readers:
            assert no_data(scan)
            assert (scan["light"], reasons(scan)[0]) == ("amber", "scene_not_for_you")
            continue
        assert [field["key"] for field in scan["fields"]] == list(scene.fields)
        assert scan["fields"] == shown["fields"], "the holder saw what the reader sees"
        assert bool(scan["photo"]) == (scene.photo and kind.photo)
        given = {field["key"]: field["value"] for field in scan["fields"]}
        secrets = {"holder_name": sample["holder_name"], "holder_code": sample["holder_code"], **sample["data"]}
        masked = set(kind.holder_masks) and {"holder_name"} if kind.holder_masks["show"] != "none" else set()
        masked |= {"holder_code"} if kind.holder_code_masks["show"] != "none" else set()
        masked |= {spec.key for spec in kind.fields if spec.mask("show") != "none"}
        for key in set(given) & masked - set(scene.unmasked):
            assert given[key] != secrets[key], key
        plain = [field for field in scan["fields"] if field["key"] not in masked or field["key"] in scene.unmasked]
        rest = str({**scan, "fields": [field for field in scan["fields"] if field not in plain]})
        for key in masked - set(scene.unmasked):
            assert secrets.get(key, "\0") not in rest or len(secrets[key]) < 3, key


def test_a_scan_is_on_record_for_officer_and_holder(small_city: ServedCity) -> None:
    done = small_city.issue(SLUG, "S-1")
    officer = small_city.officer_of(SLUG)
    shown = small_city.show(SLUG, done["identifier"], "tour_inspection")
    small_city.scan(officer, shown["code"])
    rows = small_city.answer(small_city.client.get("/v1/scans", headers=small_city.person(officer)), 200)
    fields = [field["key"] for field in shown["fields"]]
    assert [(row["outcome"], row["code_kind"], row["fields"]) for row in rows] == [("ok", "show", fields)]
    uses = small_city.client.get("/v1/wallet/uses", headers=small_city.person(small_city.holder_of(SLUG)))
    seen = [use for use in small_city.answer(uses, 200) if use["kind"] == "scan"]
    assert [(use["identifier"], use["fields"], use["outcome"]) for use in seen] == [(done["identifier"], fields, "ok")]
    others = small_city.client.get("/v1/scans", headers=small_city.person("officer-1"))
    assert officer != "officer-1"
    assert small_city.answer(others, 200) == []


def test_a_printed_code_gives_masked_facts_only(small_city: ServedCity) -> None:
    for slug in ("tour_guide", "road_transport_worker", "teacher_qualification"):
        done = small_city.issue(slug, "S-1")
        [(token,)] = small_city.rows(f"SELECT printed_token FROM licenses WHERE identifier = '{done['identifier']}'")
        code = f"{small_city.service.settings.public_base}/q/{token}"
        sample = small_city.catalog.sample(slug)
        looked = small_city.public(code=code)
        scan = small_city.scan(small_city.officer_of(slug), code)
        assert (scan["light"], reasons(scan), scan["reasons"][0]["word"]) == (
            "green",
            ["ok_registered"],
            "登记状态正常",
        )
        assert no_data(scan)
        assert looked["license"] == scan["license"]
        assert looked["license"]["holder_masked"] != sample["holder_name"]
        for answer in (looked, scan):
            for secret in (sample["holder_name"], sample["holder_code"], *sample["data"].values()):
                if len(secret) > 2:
                    assert secret not in str(answer), (slug, secret)


@pytest.mark.parametrize("door", ["code", "number", "file", "scan"])
def test_a_number_that_is_an_id_number_is_in_no_public_answer(small_city: ServedCity, door: str) -> None:
    slug = "road_transport_worker"
    done = small_city.issue(slug, "S-1")
    sample = small_city.catalog.sample(slug)
    secret = sample["holder_code"]
    assert done["number"] == secret
    [(token,)] = small_city.rows("SELECT printed_token FROM licenses")
    code = f"{small_city.service.settings.public_base}/q/{token}"
    answer = {
        "code": lambda: small_city.public(code=code),
        "number": lambda: small_city.public(type=slug, number=secret, holder_name=sample["holder_name"]),
        "file": lambda: small_city.check(small_city.file(done["identifier"])),
        "scan": lambda: small_city.scan(small_city.officer_of(slug), code),
    }[door]()
    assert answer["license"]["number"] == ""
    assert answer["license"]["identifier"] == done["identifier"]
    assert secret not in str(answer)


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example/s/AAAAAAAAAAAAAAAAAAAAAA",
        "https://zz.certsvc.example.evil.example/s/AAAAAAAAAAAAAAAAAAAAAA",
        "https://zz.certsvc.example@evil.example/s/AAAAAAAAAAAAAAAAAAAAAA",
        "http://zz.certsvc.example/s/AAAAAAAAAAAAAAAAAAAAAA",
        "https://zz.certsvc.example/s/AAAAAAAAAAAAAAAAAAAAA",
        "https://zz.certsvc.example/s/AAAAAAAAAAAAAAAAAAAAAA/../q/x",
        "javascript:alert(1)",
        "990101198304170074",
        "你好",
        " ",
        "HC1:" + "6BFOXN" * 200,
        "9" * MAX_SCANNED,
    ],
)
def test_a_foreign_text_is_not_ours_and_is_repeated_nowhere(small_city: ServedCity, text: str) -> None:
    scan = small_city.scan("clerk-1", text)
    assert (scan["light"], reasons(scan)) == ("red", ["not_ours"])
    assert no_data(scan)
    assert scan["license"] is None
    assert small_city.public(code=text)["reason"] == "not_ours"
    if text.strip():
        assert text not in str(scan)


def test_a_code_of_our_form_that_nobody_made_is_unknown(small_city: ServedCity) -> None:
    for path in ("s", "q"):
        scan = small_city.scan("clerk-1", f"https://zz.certsvc.example/{path}/AAAAAAAAAAAAAAAAAAAAAA")
        assert reasons(scan) == ["code_unknown"]
        assert no_data(scan)


def test_the_qr_picture_says_the_code_and_the_code_stands_nowhere_in_the_database(
    small_city: ServedCity, tmp_path: Path
) -> None:
    done = small_city.issue(SLUG, "S-1")
    shown = small_city.show(SLUG, done["identifier"], "tour_inspection")
    picture = Image.open(io.BytesIO(base64.b64decode(shown["qr_png"])))
    assert [found.text for found in zxingcpp.read_barcodes(picture)] == [shown["code"]]
    small_city.scan(small_city.officer_of(SLUG), shown["code"])
    small_city.drain()
    token = shown["code"].rsplit("/", 1)[1].encode()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".sqlite3" for path in files)
    show_id = shown["show_id"].encode()
    assert any(show_id in path.read_bytes() for path in files), "what is stored in clear is found this way"
    assert not [path for path in files if token in path.read_bytes()]


def test_an_unknown_scene_is_refused_and_the_scenes_are_named(small_city: ServedCity) -> None:
    done = small_city.issue(SLUG, "S-1")
    asked = {"identifier": done["identifier"], "scene": "catering_inspection"}
    holder = small_city.person(small_city.holder_of(SLUG))
    found = problem(small_city.client.post("/v1/shows", headers=holder, json=asked), 422)
    assert found["errors"][0]["pointer"] == "/scene"
    assert "tour_inspection" in found["errors"][0]["detail"]
    assert small_city.rows("SELECT count(*) FROM shows") == [(0,)]


def test_a_license_whose_last_day_is_over_is_red_at_midnight_in_shanghai(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    an_hour_before = end_of_day(local_day(SystemClock().now()) + timedelta(days=1)) - timedelta(hours=1)
    clock = FixedClock(an_hour_before)
    city = make_city(sqlite_url, clock=clock)
    done = city.issue(SLUG, "S-1", valid_until=local_day(an_hour_before).isoformat())
    for after, light, reason in ((0, "green", "ok"), (3599, "green", "ok"), (3600, "red", "license_expired")):
        clock.advance(an_hour_before + timedelta(seconds=after) - clock.now())
        city.tokens.clear()
        scan = city.scan(city.officer_of(SLUG), city.show(SLUG, done["identifier"], "tour_inspection")["code"])
        assert (scan["light"], reasons(scan)[0]) == (light, reason)
        assert scan["license"]["state"] == ("valid" if light == "green" else "expired")
