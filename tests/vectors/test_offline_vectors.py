"""The vectors that we give to others (docs/examples/offline-codes.json) hold, also by the second reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from offline_phone import base45, read_code, unbase45

from certsvc.clock import parse_rfc3339
from certsvc.license.offline import OfflineCode, device_key_id
from certsvc.seal.verdict import Reason
from certsvc.signing.device_keys import read_device_jwk, signed_by
from certsvc.signing.offline_bundles import BundleState, read_bundle
from certsvc.signing.offline_check import check_code
from certsvc.signing.offline_codes import CodeKeys, claims_of, device_message, open_code

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[2] / "docs" / "examples" / "offline-codes.json").read_text(encoding="utf-8")
)
STEPS = VECTORS["steps"]


def held(bundle: str) -> BundleState:
    state = BundleState()
    for name in () if bundle == "none" else bundle.split("+"):
        state.apply(read_bundle(bytes.fromhex(VECTORS["bundles"][name]), VECTORS["bundle_keys"]["keys"]))
    return state


def test_every_step_of_the_example_is_as_it_is_written() -> None:
    opened = open_code(STEPS["text"], CodeKeys(VECTORS["issuer_keys"]["keys"]))
    assert isinstance(opened, OfflineCode)
    assert claims_of(opened.core).hex() == STEPS["claims"]
    core = bytes.fromhex(STEPS["core"])
    assert STEPS["claims"] in STEPS["core"]
    assert device_message(core, STEPS["shown_at"]).hex() == STEPS["device_signs"]
    assert STEPS["core_sha256"] in STEPS["device_signs"]
    assert unbase45(STEPS["text"].removeprefix("ELC1:")).hex() == STEPS["bytes"]
    assert "ELC1:" + base45(bytes.fromhex(STEPS["bytes"])) == STEPS["text"]
    point, _ = read_device_jwk(VECTORS["device_key"])
    assert (point.hex(), device_key_id(point).hex()) == (STEPS["device_point"], STEPS["device_id"])
    assert read_code(STEPS["text"], VECTORS["issuer_keys"])["claims"][-65537] == "tour_guide"


def test_the_example_of_an_enrolment_holds() -> None:
    said = VECTORS["enrolment"]
    point, _ = read_device_jwk(VECTORS["device_key"])
    assert signed_by(point, said["signature"], said["sign_text"].encode("ascii"))
    assert not signed_by(point, said["signature"], said["sign_text"].encode("ascii") + b"\n")


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"].replace(" ", "_"))
def test_every_case_has_its_light_and_reason(case: dict[str, Any]) -> None:
    found = check_code(
        case["text"],
        held(case["bundle"]),
        at=parse_rfc3339(case["at"]),
        identity_compared=case["identity_compared"],
        repeated=case["repeated"],
    )
    assert (found.light, found.reasons[0].value) == (case["light"], case["reason"])


def test_the_cases_show_every_reason_that_a_check_can_give_but_a_lost_phone() -> None:
    shown = {Reason(case["reason"]) for case in VECTORS["cases"]}
    assert shown >= {
        Reason.OK_OFFLINE,
        Reason.NOT_OURS,
        Reason.CODE_UNKNOWN,
        Reason.CODE_KEY_UNKNOWN,
        Reason.CODE_DEVICE_WRONG,
        Reason.CODE_EXPIRED,
        Reason.CODE_REPEATED,
        Reason.CLOCK_DIFFERS,
        Reason.LICENSE_EXPIRED,
        Reason.NOT_IN_FORCE,
        Reason.STATUS_OLD,
        Reason.STATUS_STALE,
        Reason.IDENTITY_NOT_COMPARED,
    }
