"""What an evidence bundle tells of others: no account, and to the issuer no case; what is left verifies offline."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from fixtures_city import ServedCity
from log_city import run_verifier, settle

from certsvc.commands.access.seed_sandbox import using_client_id
from certsvc.events.checkpoint import write_note

SLUG = "business_license"
MATTER = "11990000MB0000019F2990131002001"
"""食品经营许可（新办）: consent or duty"""
CLIENT = using_client_id("11990000MB0000019F")
CASE = "BJ-2026-READERS"


@pytest.fixture
def used(small_city: ServedCity) -> str:
    """A license that was shown, scanned, granted, fetched, asked for in vain and suspended; its identifier."""
    city = small_city
    identifier = str(city.issue(SLUG, "LOG-READERS")["identifier"])
    scene = city.catalog.type(SLUG).scenes[0].code
    city.scan(city.officer_of(SLUG), city.show(SLUG, identifier, scene)["code"])
    sample, holder = city.catalog.sample(SLUG), city.person(city.holder_of(SLUG))
    grant = {"identifier": identifier, "client_id": CLIENT, "matter_code": MATTER}
    city.answer(city.client.post("/v1/grants", headers=holder, json=grant), 201)
    body = {
        "matter_code": MATTER,
        "case_no": CASE,
        "purpose": "办理食品经营许可",
        "operator": "jingban01",
        "basis": "duty",
        "type": SLUG,
        "holder_code": sample["holder_code"],
        "holder_code_type": sample["holder_code_type"],
        "fields": ["number"],
    }
    for status, fields in ((201, ["number"]), (403, ["registered_capital"])):
        asked = {**body, "fields": fields}
        city.answer(city.client.post("/v1/fetches", headers=city.system(CLIENT), json=asked), status)
    city.move(identifier, "suspend", slug=SLUG)
    settle(city)
    return identifier


def zipped(files: dict[str, bytes], place: Path) -> Path:
    with zipfile.ZipFile(place, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return place


def test_a_bundle_names_nobody_but_its_reader(small_city: ServedCity, used: str, tmp_path: Path) -> None:
    city, officer, holder = small_city, small_city.officer_of(SLUG), small_city.holder_of(SLUG)

    def told(reader: str, headers: dict[str, str]) -> list[tuple[str, dict[str, Any]]]:
        """Kind and details of each leaf of a bundle that verifies."""
        answer = city.client.get(f"/v1/licenses/{used}/evidence", headers=headers)
        path = tmp_path / f"{reader}.zip"
        path.write_bytes(answer.content)
        with zipfile.ZipFile(path) as archive:
            leaves = json.loads(archive.read("bundle.json"))["leaves"]
        key = str(city.client.get("/v1/log/keys").json()["verifier_keys"][0])
        run = run_verifier("bundle", path, "--key", key)
        assert run.returncode == 0, run.stdout + run.stderr
        assert ("不含经办账号" in run.stdout) == (reader != "auditor")
        assert ("不含内容" in run.stdout) == (reader != "auditor")
        found = [(one["kind"], json.loads(base64.b64decode(one["details"]))) for one in leaves]
        assert {"license.issued", "license.suspended", "fetch.given", "fetch.refused"} <= {kind for kind, _ in found}
        return found

    auditor = told("auditor", city.person("auditor-1"))
    assert all(set(one) == {"actor", "content", "subject"} for _, one in auditor)
    assert {CLIENT, officer, holder} <= {one["actor"] for _, one in auditor}

    mine = told("holder", city.person(holder))
    assert {kind for kind, one in mine if "actor" in one} == {"show.made", "grant.made"}
    assert {one["actor"] for _, one in mine if "actor" in one} == {holder}
    assert "scan.answered" in {kind for kind, _ in mine}
    assert officer not in json.dumps(mine)
    assert CASE in json.dumps(mine), "a holder may know in which case"
    assert {kind for kind, one in mine if "content" not in one} == {"fetch.refused"}, "why is the body's own matter"

    issuer = told("issuer", city.system())
    assert {kind for kind, one in issuer if "content" not in one} == {"fetch.given", "fetch.refused"}
    for secret in (CLIENT, CASE, MATTER, officer, holder):
        assert secret not in json.dumps(issuer)


def test_what_a_license_became_cannot_be_closed_and_what_is_open_cannot_be_changed(
    small_city: ServedCity, used: str, tmp_path: Path
) -> None:
    city, identifier = small_city, used
    holder = city.person(city.holder_of(SLUG))
    answer = city.client.get(f"/v1/licenses/{identifier}/evidence", headers=holder)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    bundle = json.loads(files["bundle.json"])
    key = str(city.client.get("/v1/log/keys").json()["verifier_keys"][0])

    def told(kind: str, change: dict[str, Any]) -> str:
        """What the verifier says when details of a kind are these instead; a part of None is left out."""
        other = json.loads(json.dumps(bundle))
        leaf = next(one for one in other["leaves"] if one["kind"] == kind)
        merged = {**json.loads(base64.b64decode(leaf["details"])), **change}
        parts = {name: part for name, part in merged.items() if part is not None}
        text = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        leaf["details"] = base64.b64encode(text.encode()).decode()
        manifest = json.dumps(other).encode()
        # Signed anew by the service itself: what is below the signature has to hold by itself.
        said = f"{bundle['origin']}\ncertsvc-evidence\n{hashlib.sha256(manifest).hexdigest()}\n"
        note = write_note(said, (city.service.deps.log_signer.sign(said, bundle["origin"]),)).encode()
        out = zipped({**files, "bundle.json": manifest, "bundle.note": note}, tmp_path / "changed.zip")
        run = run_verifier("bundle", out, "--key", key)
        assert run.returncode == ("不通过" in run.stdout)
        return run.stdout

    assert "不通过" not in told("license.suspended", {})
    assert "不通过" not in told("scan.answered", {"content": None})
    assert "没有内容" in told("license.suspended", {"content": None})
    assert "详情与叶不符：content" in told("scan.answered", {"content": {"badge": "1"}})
    assert "详情与叶不符：actor" in told("scan.answered", {"actor": "officer-2"})
    assert "详情与叶不符：subject" in told("grant.made", {"subject": "1.2.156.3005.2.OTHER"})
    assert "不通过" in told("grant.made", {"more": 1})
