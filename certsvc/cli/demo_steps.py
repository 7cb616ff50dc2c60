"""The steps of the demo; each does one thing for real and raises AssertionError when it does not hold."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import time
import zipfile
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certsvc.cli import evidence_verifier
from certsvc.commands.access.seed_sandbox import using_client_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from certsvc.cli.demo_city import City

ASKED = (
    "business_license",
    "food_operation",
    "drug_retail",
    "medical_institution",
    "nurse_practice",
    "teacher_qualification",
    "tour_guide",
    "driving_license",
    "road_transport_worker",
    "construction_permit",
    "hazardous_chemical",
    "social_organisation",
)
"""A dozen of the catalog's types, one or two of each field."""

SHOWN = "tour_guide"
FETCHED = "business_license"
CHANGED = "medical_institution"
ENDED = "food_operation"
LOGGED_S = 20
"""Until when what happened must be in the log; it takes about a second."""
RARE_NAME = "王𠮷𬀩"
"""Characters of CJK Extension B and E, as they occur in real names."""


def require(holds: bool, what: str) -> None:
    """A claim of the demo."""
    if not holds:
        raise AssertionError(what)


def approvals(city: City) -> str:
    """One approval event per type."""
    for index, slug in enumerate(ASKED, start=1):
        event = city.event(f"evt-{index}", city.body(slug, f"DEMO-{index:04d}"))
        response = city.client.post(
            "/v1/events", headers={**city.system(), "Content-Type": "application/cloudevents+json"}, json=event
        )
        city.requests[slug] = city.answer(response, 202)["request_id"]
    return f"审批系统发来 {len(city.requests)} 个事件，全部受理（202）"


def issue(city: City) -> str:
    """Every request ends in a sealed PDF that three verifiers accept."""
    for slug, request_id in city.requests.items():
        done = city.wait(request_id)
        require(done["state"] == "issued", f"{slug}：{done['detail']}")
        _keep(city, slug, done)
    bad = [row for row in city.licenses if row["verdict"] != "TOTAL-PASSED" or row["pdfsig"] != "valid"]
    require(not bad, f"未通过：{[(row['type'], row['verdict'], row['pdfsig']) for row in bad]}")
    return f"签发并盖章 {len(city.licenses)} 件，本系统与 pdfsig 均判有效"


def _keep(city: City, slug: str, done: dict[str, Any]) -> dict[str, Any]:
    data = city.file(done["identifier"])
    require(hashlib.sha256(data).hexdigest() == done["sha256"], "文件与登记的摘要不一致")
    path = city.out / f"{slug}-{len(city.licenses) + 1}.pdf"
    path.write_bytes(data)
    verdict = city.check(data)
    row = {
        "identifier": done["identifier"],
        "number": done["number"],
        "type": slug,
        "pdf": str(path),
        "sha256": done["sha256"],
        "verdict": verdict["indication"],
        "text": verdict["text"],
        "pdfsig": city.pdfsig(path),
    }
    city.licenses.append(row)
    return row


def rare_name(city: City) -> str:
    """A name with rare characters, by the API."""
    slug = "teacher_qualification"
    body = city.body(slug, "DEMO-RARE")
    body["holder"]["name"] = RARE_NAME
    response = city.client.post("/v1/issuances", headers={**city.system(), "Idempotency-Key": "rare-1"}, json=body)
    done = city.wait(city.answer(response, 202)["request_id"])
    require(done["state"] == "issued", str(done["detail"]))
    row = _keep(city, slug, done)
    require(row["pdfsig"] == "valid", str(row["pdfsig"]))
    return f"生僻字姓名“{RARE_NAME}”（扩展B、E区）已印制"


def repeat(city: City) -> str:
    """The same event again: the same license; another body: refused."""
    event = city.event("evt-1", city.body(ASKED[0], "DEMO-0001"))
    headers = {**city.system(), "Content-Type": "application/cloudevents+json"}
    again = city.answer(city.client.post("/v1/events", headers=headers, json=event), 202)
    require(again["request_id"] == city.requests[ASKED[0]], "重发得到了另一个申请")
    event["data"]["business_no"] = "DEMO-OTHER"
    other = city.client.post("/v1/events", headers=headers, json=event)
    require(other.status_code == 422, f"改动内容后重发得到 {other.status_code}")  # noqa: PLR2004
    return "同一事件重发得同一证照；同号换内容被拒（422 idempotency_mismatch）"


def show_and_scan(city: City) -> str:
    """A citizen shows, an officer scans, once."""
    row = city.license(SHOWN)
    scene = city.catalog.type(SHOWN).scenes[0]
    shown = city.answer(
        city.client.post(
            "/v1/shows",
            headers=city.person(city.holder_of(SHOWN)),
            json={"identifier": row["identifier"], "scene": scene.code},
        ),
        201,
    )
    (city.out / "show-code.png").write_bytes(base64.b64decode(shown["qr_png"]))
    officer = city.person(city.officer_of(SHOWN))
    scan = city.answer(city.client.post("/v1/scans", headers=officer, json={"code": shown["code"]}), 201)
    require(scan["light"] == "green" and bool(scan["fields"]), f"扫码得到 {scan['light']} {scan['text']}")
    again = city.answer(city.client.post("/v1/scans", headers=officer, json={"code": shown["code"]}), 201)
    require(again["reasons"][0]["code"] == "code_used" and not again["fields"], "亮证码被用了两次")
    return f"持证人亮证（{scene.name}），执法人员扫码：{scan['text']}，{len(scan['fields'])} 项信息；再扫提示已使用"


def fetch(city: City) -> str:
    """Another department fetches for a matter; without a basis it is refused."""
    sample = city.catalog.sample(FETCHED)
    matter = next(m for m in city.catalog.matters if FETCHED in m.allows and "duty" in m.bases)
    headers = city.system(using_client_id(matter.authority_code))
    body = {
        "matter_code": matter.code,
        "case_no": "BJ-2026-0001",
        "purpose": f"办理{matter.name}",
        "operator": "jingban01",
        "basis": "duty",
        "type": FETCHED,
        "holder_code": sample["holder_code"],
        "holder_code_type": sample["holder_code_type"],
    }
    given = city.answer(city.client.post("/v1/fetches", headers=headers, json=body), 201)
    refused = city.client.post("/v1/fetches", headers=headers, json={**body, "type": SHOWN})
    require(refused.status_code == 403, f"无依据的用证得到 {refused.status_code}")  # noqa: PLR2004
    uses = city.answer(city.client.get("/v1/wallet/uses", headers=city.person(city.holder_of(FETCHED))), 200)
    require(any(use["kind"] == "fetch" for use in uses), "持证人看不到用证记录")
    return f"“{matter.name}”依职能取得 {len(given['fields'])} 项信息；无依据的被拒（403）；持证人可见用证记录"


def change(city: City) -> str:
    """A change makes a new version; the old one answers that it was replaced."""
    old = city.license(CHANGED)
    body = city.body(CHANGED, "DEMO-CHANGE", action="change", previous=old["identifier"])
    body.pop("valid_from", None)
    body.pop("valid_until", None)
    response = city.client.post("/v1/issuances", headers=city.system(), json=body)
    done = city.wait(city.answer(response, 202)["request_id"])
    require(done["state"] == "issued", str(done["detail"]))
    row = _keep(city, CHANGED, done)
    verdict = city.check(city.file(old["identifier"]))
    require(verdict["reason"] == "license_superseded", f"旧版核验得到 {verdict['reason']}")
    require(verdict["license"]["replaced_by"] == row["identifier"], "旧版没有指向新版")
    old.update(verdict=verdict["indication"], text=verdict["text"])
    return "变更后签发新版本；旧版核验：" + str(verdict["text"])


def end(city: City) -> str:
    """A revocation: every door answers "revoked"."""
    row = city.license(ENDED)
    shown = city.answer(
        city.client.post(
            "/v1/shows",
            headers=city.person(city.holder_of(ENDED)),
            json={"identifier": row["identifier"], "scene": city.catalog.type(ENDED).scenes[0].code},
        ),
        201,
    )
    decision = {
        "move": "revoke",
        "authority_code": city.catalog.sample(ENDED)["issuer_code"],
        "document_no": "示市监罚〔2026〕1号",
        "decided_on": "2026-01-15",
        "basis": "《中华人民共和国食品安全法》",
    }
    city.answer(city.client.post(f"/v1/licenses/{row['identifier']}/moves", headers=city.system(), json=decision), 201)
    verdict = city.check(city.file(row["identifier"]))
    scan = city.answer(
        city.client.post("/v1/scans", headers=city.person(city.officer_of(ENDED)), json={"code": shown["code"]}),
        201,
    )
    code = city.answer(city.client.post("/v1/verifications", json={"code": shown["code"]}), 200)
    answers = {verdict["reason"], scan["reasons"][0]["code"], code["reason"]}
    require(answers == {"license_revoked"} and scan["light"] == "red", f"吊销后得到 {answers}")
    row.update(verdict=verdict["indication"], text=verdict["text"])
    return "吊销后：文件核验、扫码、验码一致回答“" + str(verdict["text"]) + "”"


def tamper(city: City) -> str:
    """One changed byte, and bytes appended: never good."""
    data = city.file(city.license(SHOWN)["identifier"])
    middle = len(data) // 3
    changed = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
    for name, bad in (("改动一个字节", changed), ("追加内容", data + b"\n1 0 obj<<>>endobj\n%%EOF\n")):
        verdict = city.check(bad)
        require(verdict["indication"] != "TOTAL-PASSED", f"{name}后仍判通过")
        require(verdict["registry_match"] != "exact", f"{name}后仍称原件")
    return "改动一个字节、追加内容，均不通过"


def feed(city: City) -> str:
    """The feed has every event, numbered without gaps."""
    deadline = time.monotonic() + 10
    events: list[dict[str, Any]] = []
    while time.monotonic() < deadline:
        page = city.answer(city.client.get("/v1/events", params={"limit": 500}, headers=city.person("auditor-1")), 200)
        events = page["events"]
        types = {
            str(event["type"]).rsplit(".", 3)[-3] + "." + str(event["type"]).rsplit(".", 3)[-2] for event in events
        }
        if {"license.issued", "license.revoked", "license.superseded", "license.fetched"} <= types:
            break
        time.sleep(0.1)
    positions = [event["position"] for event in events]
    require(positions == list(range(1, len(events) + 1)), "事件位置有缺口")
    issued = [event for event in events if event["type"].endswith("license.issued.v1")]
    require(len(issued) == len(city.licenses), f"签发事件 {len(issued)} 个，证照 {len(city.licenses)} 件")
    return f"事件流 {len(events)} 个事件，位置连续；签发事件与证照一一对应"


def evidence(city: City) -> str:
    """The bundle of the revoked license verifies by the stand-alone program, offline; changed it does not."""
    identifier = city.license(ENDED)["identifier"]
    key = city.answer(city.client.get("/v1/log/keys"), 200)["verifier_keys"][0]
    path = city.out / "evidence.zip"
    deadline = time.monotonic() + LOGGED_S
    while True:
        response = city.client.get(f"/v1/licenses/{identifier}/evidence", headers=city.system())
        if response.status_code == HTTPStatus.OK:
            path.write_bytes(response.content)
            said = _verified(path, key)
            # The bundle is as old as its checkpoint: the revocation may have been on its way.
            if "状态 revoked" in said or time.monotonic() > deadline:
                break
        require(time.monotonic() < deadline, "留痕没有进入日志")
        time.sleep(0.3)
    require("状态 revoked" in said, "证据包没有吊销的留痕")
    (city.out / "evidence-key.txt").write_text(key + "\n", encoding="utf-8")
    changed = city.out / "evidence-changed.zip"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b'"revoked"', b'"valid"'))
    refused = not _verified(changed, key)
    changed.unlink()
    require(refused, "改动过的证据包仍判通过")
    return f"独立验证程序脱机核对 evidence.zip：{said.count('通过  ')} 项通过；改一处即不通过"


def _verified(path: Path, key: str) -> str:
    """What the program says in a Python without any package; empty when something does not hold."""
    command = [sys.executable, "-I", "-S", evidence_verifier.__file__, str(path), "--key", key]
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return run.stdout if run.returncode == 0 else ""


STEPS: tuple[tuple[str, Callable[[City], str]], ...] = (
    ("审批事件受理", approvals),
    ("制证、盖章、登记、核验", issue),
    ("生僻字姓名", rare_name),
    ("重复与改动的请求", repeat),
    ("亮证与扫码", show_and_scan),
    ("免证办用证", fetch),
    ("变更换发", change),
    ("吊销", end),
    ("防篡改", tamper),
    ("事件流", feed),
    ("证据包", evidence),
)
