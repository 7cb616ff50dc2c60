"""The three facades against what the standards' page says of them (STANDARDS.md 2.4), not against our own answers.

``standard/facades.json`` is written from that page: verbs, members of requests, the least that an answer holds, and
the result codes. What we knowingly do not read stands there with its reason.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from facade_city import (
    CLIENT,
    FORMS,
    LOGIN,
    MARKET,
    RENEWAL,
    SECRET,
    SHARE_ID,
    SHARE_TOKEN,
    FacadeCity,
    facade_city,
)
from test_facade_app import SLUG, USE, code, grant, login

from certsvc.api.facades import cert_share, gb_36906, license_app
from certsvc.api.facades.codes import MISSING_CODES, STATE_CODES, TABLES
from certsvc.api.facades.license_app_issue import ISSUE_VERBS
from certsvc.api.facades.license_app_shapes import MakeIn, OperatorIn
from certsvc.commands.facades.compare import FILE_ZH, INFO_ZH
from certsvc.commands.showing.codes import PRINTED_PATH
from certsvc.license.facades import FacadeName

STANDARD: dict[str, Any] = json.loads((Path(__file__).parent / "standard" / "facades.json").read_text(encoding="utf-8"))
GB, SHARE, APP = (STANDARD[name] for name in ("gb_36906", "cert_share", "license_app"))
VERBS = {
    "gb_36906": gb_36906.VERBS,
    "cert_share": cert_share.VERBS,
    "license_app": (*license_app.VERBS, *ISSUE_VERBS),
}
APPROVAL = f"approval-{MARKET.lower()}"


@pytest.fixture(scope="module")
def city(city_keys: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FacadeCity]:
    with facade_city(city_keys, sqlite_template, tmp_path_factory.mktemp("standard")) as found:
        found.account(FacadeName.GB_36906, CLIENT, "")
        found.account(FacadeName.CERT_SHARE, SHARE_ID, SHARE_TOKEN, purpose="")
        found.account(FacadeName.APP, LOGIN, SECRET)
        found.account(FacadeName.APP, "approval", "approval-secret", APPROVAL, matter_code="", purpose="")
        found.city.one_of(SLUG)
        yield found


def holds(expected: Any, found: Any, place: str) -> None:
    """The members that the standard names, in its forms; an implementation may tell more."""
    if isinstance(expected, str):
        assert isinstance(found, str), place
        assert re.fullmatch(FORMS.get(expected, expected), found), (place, found[:120])
    elif isinstance(expected, dict):
        for key, item in expected.items():
            assert key in found, f"{place}/{key}"
            holds(item, found[key], f"{place}/{key}")
    elif isinstance(found, Mapping):
        assert set(expected) <= set(found), place
    else:
        assert found, place
        for item in found:
            holds(expected[0], item, place)


def answered(verb: Mapping[str, Any], data: Any, place: str) -> None:
    if "each" in verb:
        assert isinstance(data, list), place
        assert data, place
        for row in data:
            holds(verb["each"], row, place)
    else:
        holds(verb.get("data", {}), data, place)


@pytest.mark.parametrize("facade", sorted(VERBS))
def test_every_verb_has_its_clause_and_every_verb_of_the_clause_is_served(facade: str) -> None:
    assert {verb.path for verb in VERBS[facade]} == set(STANDARD[facade]["verbs"]), STANDARD[facade]["clause"]


def test_every_member_of_a_request_is_read_or_told_why_not() -> None:
    """One that is dropped in silence would be answered with something else than was asked for."""
    for facade in ("gb_36906", "cert_share"):
        rule = STANDARD[facade]
        for verb in VERBS[facade]:
            read = set(verb.shape.model_fields["data"].annotation.model_fields)  # type: ignore[union-attr]
            wanted = rule.get("request") or rule["verbs"][verb.path]["request"]
            assert set(wanted) <= read | set(rule["not_read"]), verb.path
    assert set(SHARE["request_head"]) <= set(cert_share.HeadIn.model_fields)
    assert set(APP["operator"]) <= set(OperatorIn.model_fields) | set(APP["not_read"])
    for verb in VERBS["license_app"]:
        rule = APP["verbs"][verb.path]
        assert set(rule.get("request", ())) <= set(verb.shape.model_fields), verb.path
        assert set(rule.get("of_data", ())) <= set(MakeIn.model_fields) | set(APP["not_read"]), verb.path
    assert all(reason for rule in STANDARD.values() for reason in rule["not_read"].values())


def test_the_codes_are_those_of_the_standard() -> None:
    for facade, rule in ((FacadeName.GB_36906, GB), (FacadeName.CERT_SHARE, SHARE)):
        assert {name for _, name in TABLES[facade]} <= set(rule["codes"])
        assert MISSING_CODES[facade] == rule["missing"]
    assert set(STATE_CODES.values()) <= {"21", "22", "23"}
    said = {str(result.value): text.removeprefix("信息") for result, text in INFO_ZH.items()}
    expected = {key: text.removeprefix("信息") for key, text in GB["info_codes"].items()}
    assert said == expected
    assert {str(result.value): text for result, text in FILE_ZH.items()} == GB["file_codes"]


def without(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key != name}


def test_every_verb_of_gb_36906(city: FacadeCity) -> None:
    done, sample = city.city.one_of(SLUG), city.city.catalog.sample(SLUG)
    file = base64.b64encode(city.city.file(done["identifier"])).decode()
    named = {"zzbs": done["identifier"], "dzzzsymd": "办理食品经营许可延续"}
    held = {"czztdm": sample["holder_code"], "zzlxdm": city.city.catalog.type(SLUG).type_code}
    asked = {
        **dict.fromkeys(("/zzjs", "/zzcx"), held),
        **dict.fromkeys(("/zzysj", "/zzxxxz", "/zzdzxz"), named),
        "/zzxxyz": {**named, "czzt": sample["holder_name"]},
        "/zzwjyz": {"content": file},
    }
    why, token = {"bjbh": "BJ-1", "jbr": "jingban01"}, city.token()

    def ask(path: str, data: Mapping[str, Any]) -> Any:
        found = city.post(GB["base"] + path, {"head": {"token": token}, "data": {**why, **data}})
        assert set(found) == set(GB["envelope"]), path
        return found

    for path, rule in GB["verbs"].items():
        found = ask(path, asked[path])
        assert found["head"].items() >= GB["head"]["ok"].items(), path
        answered(rule, found["data"], path)
        for name in rule["mandatory"]:
            failed = ask(path, without(asked[path], name))
            assert failed["head"].items() >= GB["head"]["failed"].items(), (path, name)
            assert (failed["head"]["code"], failed["data"]) == (GB["missing"], None), (path, name)
    unknown = city.post(f"{GB['base']}/zzjs", {"head": {"token": "none"}, "data": {}})
    assert unknown["head"]["code"] in GB["codes"]


def test_every_verb_of_cert_share(city: FacadeCity) -> None:
    done, sample = city.city.one_of(SLUG), city.city.catalog.sample(SLUG)
    identifier, base = done["identifier"], city.city.service.settings.public_base
    [(printed,)] = city.city.rows(f"SELECT printed_token FROM licenses WHERE identifier = '{identifier}'")
    file = base64.b64encode(city.city.file(identifier)).decode()
    why = {"bizNum": "BJ-1", "operator": "jingban01", "useCause": "办理食品经营许可延续"}
    named = {"certIdentifier": identifier}
    held = {"holderCode": sample["holder_code"]}
    asked: dict[str, dict[str, Any]] = {
        **dict.fromkeys(("/downloadFile", "/downloadUrl", "/queryCertInfo", "/getCertRemarkInfo"), named),
        **dict.fromkeys(("/downloadUrlsByHolderCode", "/queryCertInfoByHolderCode"), held),
        "/verifyFile": {"content": file},
        "/verifyCertInfo": {**named, "certData": {"certificateHolderName": sample["holder_name"]}},
        "/queryCertInfoByQRcode": {"qrcode": f"{base}{PRINTED_PATH}{printed}"},
    }
    asked["/downloadUrlsByHolderCode"] = {**held, "certTypeCode": city.city.catalog.type(SLUG).type_code}

    def ask(path: str, data: Mapping[str, Any]) -> Any:
        head = {"accessId": SHARE_ID, "accessToken": SHARE_TOKEN}
        found = city.post(SHARE["base"] + path, {"head": head, "data": data})
        assert set(found) == set(SHARE["envelope"]), path
        assert str(found["head"]["status"]) in SHARE["codes"], path
        return found

    for path, rule in SHARE["verbs"].items():
        data = {**why, **asked[path]}
        found = ask(path, data)
        assert found["head"].items() >= SHARE["head"]["ok"].items(), (path, found)
        answered(rule, found["data"], path)
        for name in rule["mandatory"]:
            failed = ask(path, without(data, name))
            assert (failed["head"]["status"], failed["data"]) == (int(SHARE["missing"]), None), (path, name)


def test_every_verb_of_license_app(city: FacadeCity) -> None:
    """Each once, in the order of a case; those of the issue side too."""
    place, kind = city.city, city.city.catalog.type(SLUG)
    identifier, token = place.one_of(SLUG)["identifier"], login(city)
    issuing = login(city, "approval", "approval-secret")
    case: dict[str, Any] = dict(USE)
    tried: set[str] = set()

    def ask(path: str, by: str = token, *, ok: bool = True, **body: Any) -> Any:
        sent = {"access_token": by, "correlation_id": "c-1", **body}
        found = city.post(APP["base"] + path.replace("{item_code}", kind.type_code), sent)
        assert set(found) == set(APP["envelope"]), path
        assert found["ack_code"] == APP["ack_codes"]["ok" if ok else "failed"], (path, found)
        assert bool(found["errors"]) is not ok, path
        assert found["correlation_id"] == "c-1", path
        if ok:
            answered(APP["verbs"][path], found["data"], path)
            tried.add(path)
        return found["data"]

    ask("/security/login", app_key=LOGIN, app_secret=SECRET, account="jingban01", password="x", org_code=MARKET)
    ask("/service_item/list")
    ask("/license/webpage")
    ask("/license/auth", identity_number=place.catalog.sample(SLUG)["holder_code"], **case)
    mine = code(city, token)
    ask("/license/get_license", auth_code=mine)
    ask("/license/archive", auth_code=mine)
    ask("/license/token", auth_code=code(city, token))
    ask("/license/holder", credential=grant(city, identifier), **case)
    delegated = grant(city, identifier)
    place.execute("UPDATE grants SET holder_subject = 'holder-2' WHERE used_at IS NULL AND case_no = ''")
    ask("/license/entrust", credential=delegated, **case)
    made = ask("/license/{item_code}/create", issuing, data=application(city))
    ask("/license/{item_code}/issue", issuing, ok=False, data=made)
    place.drain()
    ask("/license/{item_code}/issue", issuing, data=made)
    done = ask("/license/{item_code}/sign", issuing, data=made)
    ask("/license/{item_code}/get_attachment", issuing, data=done)
    ending = {"abolish_reason": "当事人申请注销", "decided_on": "20260115", "document_no": "示市监注〔2026〕9号"}
    ask("/license/{item_code}/abolish", issuing, data={"license_code": done["license_code"], **ending})
    for path, rule in APP["verbs"].items():
        if "refused" in rule:
            ask(path, issuing, ok=False, data={})
            tried.add(path)
        elif path not in {"/license/webpage", "/service_item/list"}:
            assert ask(path, ok=False) is None, f"{path} asked for nothing"
    assert tried == set(APP["verbs"])


def application(city: FacadeCity) -> dict[str, Any]:
    """``data`` of ``create``."""
    sample, kind = city.city.catalog.sample(SLUG), city.city.catalog.type(SLUG)
    fields = {spec.element: sample["data"][spec.key] for spec in kind.fields if spec.key in sample["data"]}
    fields |= {
        "CZZT": sample["holder_name"],
        "CZZTDM": sample["holder_code"],
        "CZZTDMLXDM": sample["holder_code_type"],
        "ZZYXQQSRQ": "20260101",
        "ZZYXQJZRQ": "20301231",
        "ZZBFJGDM": sample["issuer_code"],
    }
    return {"service_item_code": RENEWAL, "biz_num": "SP-STANDARD", "data_fields": fields}
