"""存量 from the upload to the license: checked, sampled, approved, issued once per row, on both databases."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from fixtures_city import ROOT, ServedCity, sandbox_settings
from import_desk import SLUG, VERIFIER, ImportDesk, food_number
from openpyxl import load_workbook

from certsvc.app import build
from certsvc.commands.imports.advance import advance_import, forget_imports
from certsvc.delivery.loops import drain
from certsvc.license.imports import draw_sample

LEASE_S = 1


def test_an_import_is_checked_sampled_approved_and_issued(city: ServedCity) -> None:
    desk = ImportDesk(city)
    checked = desk.checked(desk.csv([desk.row(1), desk.row(2, number="JY29901010000029"), desk.row(3)]))
    batch, import_id = checked["batch"], checked["batch"]["import_id"]
    assert (batch["state_zh"], checked["rows"]["passed"], checked["rows"]["faulty"]) == ("待核实", 2, 1)
    assert city.rows("SELECT count(*) FROM requests") == [(0,)], "a check issues nothing"
    assert list(desk.reasons(import_id)[3]) == ["text"]

    assert desk.sampled(import_id) == [2, 4]
    assert city.answer(desk.approve(import_id), 201)["state"] == "approved"
    city.drain()
    done = desk.read(import_id)
    assert done["batch"]["state"] == "finished"
    assert (done["rows"]["issued"], done["rows"]["refused"], done["done"]) == (2, 0, 3)
    issued = desk.rows(import_id, state="issued")
    card = city.answer(city.client.get(f"/v1/licenses/{issued[0]['identifier']}", headers=city.system()), 200)
    license_, flags = card["license"], {one["code"]: one for one in card["license"]["flags"]}
    assert (license_["number"], license_["issued_on"], license_["light"]) == (food_number(1), "2023-01-01", "green")
    assert flags["stock"]["text"] == "存量证照：依2023年颁发的证照数据制作，可信等级B（取自原业务系统，抽样核对）"
    verdict = city.check(city.file(issued[0]["identifier"]))
    assert (verdict["indication"], verdict["registry_match"]) == ("TOTAL-PASSED", "exact")
    assert "stock" in {one["code"] for one in verdict["license"]["flags"]}
    check_events(city, import_id)
    live = city.issue(SLUG, "LIVE-1")
    assert live["number"] == food_number(4), "numbers of live requests go on behind those of the stock"


def check_events(city: ServedCity, import_id: str) -> None:
    about = [event for event in city.events() if event["subject"] == import_id]
    assert [event["type"].removeprefix("example.certsvc.") for event in about] == [
        "import.checked.v1",
        "import.approved.v1",
        "import.finished.v1",
    ]
    assert about[0]["data"] | {"import_id": "", "authority_code": ""} == {
        "import_id": "",
        "authority_code": "",
        "license_type": SLUG,
        "trust": "B",
        "passed": 2,
        "faulty": 1,
    }
    kinds = [event["type"].split(".")[-3:-1] for event in city.events() if event["subject"] != import_id]
    assert sorted(kinds) == [["issuance", "accepted"]] * 2 + [["license", "issued"]] * 2
