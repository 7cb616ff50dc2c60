"""Versions that follow each other: split, merge, correct, provisional and convert, over HTTP on both databases."""

from __future__ import annotations

import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from fixtures_city import ServedCity
from life_city import DECISION, PROJECT, Life

from certsvc.commands.issuance.process_request import process_next

SLUG = "food_operation"
EXTRA: dict[str, dict[str, Any]] = {"split": {"case_no": "BJ"}, "correct": {"decision": DECISION}}
PROVISIONAL_TEXT = "模拟审批意见，不具有行政审批文件的法律效力，未转换为正式文件前不得开工建设"


@pytest.fixture
def life(city: ServedCity) -> Life:
    """On both databases."""
    return Life(city, SLUG)


@pytest.fixture
def small(small_city: ServedCity) -> Life:
    """On SQLite only, where the database makes no difference."""
    return Life(small_city, SLUG)


def test_the_parts_of_a_split_are_licenses_of_their_own_and_the_old_code_names_them_all(life: Life) -> None:
    whole = life.made("S-0")
    parts = [life.made(f"S-{n}", "split", previous=whole["identifier"], case_no="BJ-1") for n in (1, 2, 3)]
    assert life.card(whole["identifier"])["state"] == "superseded"
    assert [life.card(part["identifier"])["state"] for part in parts] == ["valid"] * 3
    assert len({part["number"] for part in (*parts, whole)}) == 4
    ends = {life.card(row["identifier"])["valid_until"] for row in (*parts, whole)}
    assert len(ends) == 1, "a part keeps the end date"
    verdict = life.city.check(life.city.file(whole["identifier"]))
    assert verdict["reason"] == "license_superseded"
    assert verdict["license"]["newest"] == [part["identifier"] for part in parts]
    life.one_in_force()


def test_a_part_of_another_case_does_not_follow_what_is_gone(small: Life) -> None:
    whole = small.made("S-0")
    small.made("S-1", "split", previous=whole["identifier"], case_no="BJ-1")
    other = small.done("S-2", "split", previous=whole["identifier"], case_no="BJ-2")
    assert (other["state"], "已换发" in other["detail"]) == ("refused", True)
    changed = small.done("S-3", "change", previous=whole["identifier"])
    assert changed["state"] == "refused"


def test_a_merge_takes_the_others_in_and_keeps_the_number_of_the_main_one(life: Life) -> None:
    main, second, third = (life.made(f"M-{n}") for n in range(3))
    absorbs = [second["identifier"], third["identifier"]]
    merged = life.made("M-9", "merge", previous=main["identifier"], absorbs=absorbs)
    assert merged["number"] == main["number"]
    for old in (main, second, third):
        history = life.read(old["identifier"])
        assert history["license"]["state"] == "superseded"
        assert history["newest"] == [merged["identifier"]]
    kinds = Counter(event["type"].split(".")[-2] for event in life.city.events())
    assert kinds["superseded"] == 3
    life.one_in_force()


def test_a_merge_with_one_that_has_ended_changes_nothing_at_all(life: Life) -> None:
    main, second, third = (life.made(f"M-{n}") for n in range(3))
    life.move(third["identifier"], "revoke")
    absorbs = [second["identifier"], third["identifier"]]
    merged = life.done("M-9", "merge", previous=main["identifier"], absorbs=absorbs)
    assert merged["state"] == "refused"
    assert [life.card(row["identifier"])["state"] for row in (main, second, third)] == ["valid", "valid", "revoked"]


def test_a_correction_voids_the_wrong_file_and_carries_its_decision(life: Life) -> None:
    wrong = life.made("C-1")
    right = life.made("C-2", "correct", previous=wrong["identifier"], decision=DECISION)
    history = life.read(wrong["identifier"])
    assert history["license"]["state"] == "voided"
    assert history["moves"][-1]["move"] == "correct"
    assert history["moves"][-1]["document_no"] == DECISION["document_no"]
    assert right["number"] == wrong["number"]
    verdict = life.city.check(life.city.file(wrong["identifier"]))
    assert (verdict["reason"], verdict["license"]["replaced_by"]) == ("license_voided", right["identifier"])
    life.one_in_force()


def test_a_file_that_was_voided_first_is_followed_by_its_correction_and_keeps_the_suspension(small: Life) -> None:
    wrong = small.made("C-1")
    small.move(wrong["identifier"], "suspend", until="2030-06-30")
    small.move(wrong["identifier"], "void")
    right = small.made("C-2", "correct", previous=wrong["identifier"], decision=DECISION)
    assert small.card(right["identifier"])["state"] == "suspended"
    assert small.city.rows("SELECT suspended_until FROM licenses WHERE state = 'suspended'")[0][0] == "2030-06-30"
    small.move(right["identifier"], "resume")
    again = small.done("C-3", "correct", previous=wrong["identifier"], decision=DECISION)
    assert again["state"] == "refused", "one voided file has one correction"


def test_an_old_code_leads_through_every_link_to_the_newest(small: Life) -> None:
    chain = [small.made("N-0")]
    chain += [small.made("N-1", "change", previous=chain[-1]["identifier"])]
    chain += [small.made("N-2", "correct", previous=chain[-1]["identifier"], decision=DECISION)]
    chain += [small.made("N-3", "replace", previous=chain[-1]["identifier"])]
    for old in chain[:-1]:
        assert small.read(old["identifier"])["newest"] == [chain[-1]["identifier"]]
    assert small.read(chain[-1]["identifier"])["newest"] == [chain[-1]["identifier"]]
    kinds = [row[0] for row in small.city.rows("SELECT kind FROM version_links ORDER BY at")]
    assert kinds == ["change", "correct", "replace"]


def test_a_provisional_opinion_is_no_license_anywhere(life: Life, tmp_path: Path) -> None:
    opinion = life.made("P-1", "provisional", project_code=PROJECT)
    identifier = opinion["identifier"]
    assert opinion["number"] == f"模拟{PROJECT}-1"
    data = life.city.file(identifier)
    verdict = life.city.check(data)
    assert (verdict["indication"], verdict["reason"]) == ("TOTAL-FAILED", "license_provisional")
    assert verdict["text"] == PROVISIONAL_TEXT
    assert [flag["text"] for flag in verdict["license"]["flags"]] == [PROVISIONAL_TEXT]
    holder = life.city.person(life.city.holder_of(SLUG))
    scene = life.city.catalog.type(SLUG).scenes[0].code
    shown = life.city.client.post("/v1/shows", headers=holder, json={"identifier": identifier, "scene": scene})
    assert shown.status_code == 422
    types = {event["type"].split(".", 2)[2] for event in life.city.events() if event["subject"] == identifier}
    assert types == {"license.simulated.v1"}
    assert life.try_fact(identifier, "renewal_applied", document_no="1").status_code == 409
    assert life.city.move(identifier, "revoke", slug=SLUG).status_code == 409


def test_the_page_of_a_provisional_opinion_says_what_it_is(small: Life, tmp_path: Path) -> None:
    opinion = small.made("P-1", "provisional", project_code=PROJECT)
    path = tmp_path / "opinion.pdf"
    path.write_bytes(small.city.file(opinion["identifier"]))
    text = subprocess.run(["pdftotext", "-layout", str(path), "-"], capture_output=True, text=True, check=True).stdout
    joined = "".join(text.split())
    assert "模拟审批意见" in joined
    assert PROVISIONAL_TEXT in joined


def test_a_conversion_recalls_the_opinion_and_gives_a_number(life: Life) -> None:
    opinion = life.made("P-1", "provisional", project_code=PROJECT)
    formal = life.made("P-2", "convert", previous=opinion["identifier"], project_code=PROJECT)
    assert not formal["number"].startswith("模拟")
    assert life.card(formal["identifier"])["state"] == "valid"
    history = life.read(opinion["identifier"])
    assert (history["license"]["state"], history["moves"][-1]["move"]) == ("superseded", "convert")
    verdict = life.city.check(life.city.file(opinion["identifier"]))
    assert verdict["license"]["replaced_by"] == formal["identifier"]
    assert life.city.check(life.city.file(formal["identifier"]))["indication"] == "TOTAL-PASSED"
    life.one_in_force()


def test_an_opinion_that_was_withdrawn_and_reinstated_is_still_an_opinion(small: Life) -> None:
    opinion = small.made("P-1", "provisional", project_code=PROJECT)
    small.move(opinion["identifier"], "withdraw")
    assert small.city.check(small.city.file(opinion["identifier"]))["reason"] == "license_withdrawn"
    small.move(opinion["identifier"], "reinstate")
    assert small.card(opinion["identifier"])["state"] == "provisional"


def test_an_opinion_and_a_license_do_not_take_each_others_way(small: Life) -> None:
    opinion = small.made("P-1", "provisional", project_code=PROJECT)
    formal = small.made("P-2")
    assert small.done("P-3", "change", previous=opinion["identifier"])["state"] == "refused"
    assert small.done("P-4", "convert", previous=formal["identifier"])["state"] == "refused"
    other = small.done("P-5", "convert", previous=opinion["identifier"], project_code=PROJECT[:-1] + "7")
    assert (other["state"], "项目代码" in other["detail"]) == ("refused", True)


@pytest.mark.parametrize(
    ("action", "changes", "pointer"),
    [
        ("provisional", {}, "/project_code"),
        ("provisional", {"project_code": "2601"}, "/project_code"),
        ("issue", {"project_code": PROJECT}, "/project_code"),
        ("split", {}, "/case_no"),
        ("merge", {}, "/absorbs"),
        ("correct", {}, "/decision"),
        ("correct", {"decision": {**DECISION, "decided_on": "2999-01-01"}}, "/decision/decided_on"),
        ("change", {"decision": DECISION}, "/decision"),
    ],
)
def test_a_link_that_lacks_or_has_too_much_is_named(
    small: Life, action: str, changes: dict[str, object], pointer: str
) -> None:
    previous = small.made("B-0")["identifier"] if action not in {"issue", "provisional"} else ""
    answer = small.ask("B-1", action, **({"previous": previous} if previous else {}), **changes)
    assert answer.status_code == 422
    assert pointer in [problem["pointer"] for problem in answer.json()["errors"]]


@pytest.mark.parametrize("action", ["change", "replace", "split", "merge"])
def test_only_a_renewal_and_a_correction_bring_an_end_date(small: Life, action: str) -> None:
    answer = small.ask("E-2", action, previous="x", valid_until="2030-01-01")
    assert "keeps_period" in [problem["code"] for problem in answer.json()["errors"]]


def test_a_correction_may_set_the_dates_right(small: Life) -> None:
    old = small.made("E-1")
    end = date.fromisoformat(small.card(old["identifier"])["valid_until"]) - timedelta(days=30)
    dates = {"valid_until": end.isoformat(), "decision": DECISION}
    right = small.made("E-2", "correct", previous=old["identifier"], **dates)
    assert small.card(right["identifier"])["valid_until"] == end.isoformat()


def test_racing_successors_leave_one_version_in_force(life: Life) -> None:
    old = life.made("R-0")
    for n, action in enumerate(("change", "replace", "renew", "split", "correct")):
        extra = EXTRA.get(action, {})
        life.city.answer(life.ask(f"R-{n + 1}", action, previous=old["identifier"], **extra), 202)
    deps = life.city.service.deps
    with ThreadPoolExecutor(5) as pool:
        outcomes = Counter(
            processed.outcome
            for processed in pool.map(lambda n: process_next(deps, worker=f"w{n}", lease_s=60), range(5))
            if processed is not None
        )
    assert outcomes["issued"] == 1
    life.one_in_force()
    assert life.city.rows("SELECT count(*) FROM licenses WHERE state = 'valid'") == [(1,)]


def test_racing_parts_of_one_split_are_all_issued(life: Life) -> None:
    whole = life.made("R-0")
    for n in range(4):
        life.city.answer(life.ask(f"R-{n + 1}", "split", previous=whole["identifier"], case_no="BJ"), 202)
    deps = life.city.service.deps
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: process_next(deps, worker=f"w{n}", lease_s=60), range(4)))
    states = Counter(row[0] for row in life.city.rows("SELECT state FROM requests"))
    assert set(states) <= {"issued", "failed", "refused"}
    assert life.city.rows("SELECT count(*) FROM licenses WHERE state = 'superseded'") == [(1,)]
    valid = life.city.rows("SELECT count(*) FROM licenses WHERE state = 'valid'")[0][0]
    assert valid == states["issued"] - 1 >= 1
    life.one_in_force()
