"""归档信息包: made of licenses and cases, the same again, checked, handed over; attacks on them are found."""

from __future__ import annotations

import io
import json
import shutil
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from archive_city import (
    ARCHIVIST,
    archivist_of,
    failed,
    make,
    opened,
    own_slug,
    own_slugs,
    package,
    resigned,
    zipped,
)
from fastapi.testclient import TestClient
from fixtures_city import ServedCity, _served, lay_keys, sandbox_settings
from log_city import settle

from certsvc.app import build
from certsvc.clock import local_day
from certsvc.commands.access.seed_sandbox import seed_sandbox
from certsvc.commands.archiving.checks import CHECKS, check_package, passed
from certsvc.commands.archiving.contents import case_contents, license_contents
from certsvc.commands.archiving.make import package_files
from certsvc.commands.archiving.package import MAX_ENTRIES
from certsvc.commands.archiving.records import due_archives
from certsvc.commands.archiving.tools import tools_of
from certsvc.commands.evidence.sweep import orphans
from certsvc.commands.log.read import LogBoard
from certsvc.license.archives import ArchiveKind, Found


@pytest.fixture(scope="module")
def town(city_keys: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCity]:
    """A city of these tests: nothing ends in it."""
    place = tmp_path_factory.mktemp("archive-town")
    lay_keys(city_keys, place / "var")
    shutil.copyfile(sqlite_template, place / "certsvc.sqlite3")
    service = build(sandbox_settings(place / "var", f"sqlite:///{place / 'certsvc.sqlite3'}"))
    try:
        parties = seed_sandbox(service.deps)
        with TestClient(service.application(), raise_server_exceptions=False) as client:
            yield _served(service, parties, client, place)
    finally:
        service.close()


@pytest.fixture(scope="module")
def two_versions(town: ServedCity) -> tuple[dict[str, Any], bytes]:
    """A license that was changed once, archived: its record and its package."""
    slug = own_slug(town)
    first = town.issue(slug, "ARC-1")
    body = town.body(slug, "ARC-2", action="change", previous=first["identifier"])
    for name in ("valid_from", "valid_until", "number"):
        body.pop(name, None)
    asked = town.answer(town.client.post("/v1/issuances", headers=town.system(), json=body), 202)
    town.drain()
    second = town.answer(town.client.get(f"/v1/issuances/{asked['request_id']}", headers=town.system()), 200)
    record = make(town, identifier=second["identifier"])
    assert record["licenses"] == [first["identifier"], second["identifier"]]
    return record, package(town, record["archive_id"])


def test_a_package_holds_every_version_and_passes(town: ServedCity, two_versions: Any) -> None:
    record, data = two_versions
    files = opened(data)
    identifiers = record["licenses"]
    assert set(files) == {
        *("说明文件.txt", "metadata.xml", "history.json", "check.json", "manifest.json", "manifest.note"),
        *(f"licenses/{one}.pdf" for one in identifiers),
        *(f"evidence/{one}.zip" for one in identifiers),
    }
    items = check_package(data, tools_of(town.service.deps))
    assert {one.code: one.reason for one in items if one.found is Found.FAILED} == {}
    assert {one.code for one in items if one.found is Found.NOT_APPLICABLE} == {"virus"}
    assert [one.code for one in items] == [one[0] for one in CHECKS]
    report = json.loads(files["check.json"])
    assert report["passed"]
    assert {one["property_zh"] for one in report["items"]} == {"真实性", "完整性", "可用性", "安全性"}
    moves = json.loads(files["history.json"])["versions"][0]["moves"]
    assert [one["to_state"] for one in moves] == ["superseded"]


def test_the_same_state_is_the_same_package_and_another_state_another(small_city: ServedCity) -> None:
    city = small_city
    slug = own_slug(city)
    done = city.issue(slug, "ARC-SAME")
    first = make(city, identifier=done["identifier"])
    again = make(city, identifier=done["identifier"])
    assert again == first
    assert package(city, first["archive_id"]) == package(city, first["archive_id"])
    city.answer(city.move(done["identifier"], "suspend", slug=slug), 201)
    other = make(city, identifier=done["identifier"])
    assert other["archive_id"] != first["archive_id"]
    listed = city.answer(city.client.get("/v1/archives", headers=city.person(ARCHIVIST)), 200)
    assert [one["archive_id"] for one in listed["archives"]] == [other["archive_id"], first["archive_id"]]
    assert not [one for one in orphans(city.service.deps, settle_s=-3600) if one.startswith("archives/")]


def test_all_but_the_evidence_follows_from_the_state(town: ServedCity, two_versions: Any) -> None:
    record, data = two_versions
    deps = town.service.deps
    with deps.uow.read() as tx:
        contents = license_contents(deps, tx, record["label"])
    made = package_files(deps, contents, actor="x", board=LogBoard())
    stored = opened(data)
    assert {name for name, one in made.items() if stored[name] != one} <= {
        name for name in made if name.startswith("evidence/")
    }


def test_a_case_is_archived_when_it_is_closed_with_its_materials(small_city: ServedCity) -> None:
    city, body = small_city, archivist_of(small_city)
    slug, case = own_slug(city), "BJ-ARC-1"
    done = city.issue(slug, "ARC-CASE", case_no=case)
    step = {"authority_code": body, "case_no": case, "matter_code": "", "limit_workdays": 5}
    matter = next(one.code for one in city.catalog.matters if one.authority_code == body)
    at = city.service.deps.clock.now().isoformat()
    report = {**step, "step": "accepted", "at": at, "matter_code": matter}
    city.answer(city.client.post("/v1/supervision/cases", headers=city.system(), json=report), 201)
    refused = make(city, 409, case_no=case)
    assert "办结" in refused["detail"]
    assert not [one for one in due_archives(city.service.deps, body) if one.kind is ArchiveKind.CASE]
    at = city.service.deps.clock.now().isoformat()
    finished = {"authority_code": body, "case_no": case, "step": "finished", "at": at}
    city.answer(city.client.post("/v1/supervision/cases", headers=city.system(), json=finished), 201)
    due = [one for one in due_archives(city.service.deps, body) if one.kind is ArchiveKind.CASE]
    assert [one.label for one in due] == [case]
    record = make(city, case_no=case)
    assert (record["kind"], record["label"], record["licenses"]) == ("case", case, [done["identifier"]])
    metadata = opened(package(city, record["archive_id"]))["metadata.xml"].decode()
    holder = city.catalog.sample(slug)["holder_name"]
    assert f'<item element="applicant" name="申请人">{holder}</item>' in metadata
    assert f">{matter}</item>" in metadata
    assert failed(city, package(city, record["archive_id"])) == set()
    assert not [one for one in due_archives(city.service.deps, body) if one.kind is ArchiveKind.CASE]
    with city.service.deps.uow.read() as tx:
        assert case_contents(city.service.deps, tx, body, case).state_digest == due[0].state_digest


def test_a_license_is_due_when_it_has_ended(small_city: ServedCity) -> None:
    city, body = small_city, archivist_of(small_city)
    slug, other = own_slugs(city)[:2]
    ended, standing = city.issue(slug, "ARC-END"), city.issue(other, "ARC-STAND")
    city.answer(city.move(ended["identifier"], "revoke", slug=slug), 201)
    settle(city)

    def due() -> list[str]:
        return [one.label for one in due_archives(city.service.deps, body) if one.kind is ArchiveKind.LICENSE]

    assert due() == [ended["identifier"]]
    assert standing["identifier"] not in due()
    assert [one.label for one in due_archives(city.service.deps, "11990000MB0000086D")] == []
    make(city, identifier=ended["identifier"])
    assert due() == []
    city.answer(city.move(ended["identifier"], "cancel", slug=slug), 201)
    assert due() == [ended["identifier"]], "another state, another package"


def test_another_body_and_an_unknown_one_are_answered_alike(town: ServedCity, two_versions: Any) -> None:
    record, _ = two_versions
    body = archivist_of(town)
    other = next(one.slug for one in town.catalog.types if town.catalog.sample(one.slug)["issuer_code"] != body)
    foreign = make(town, 404, identifier=town.one_of(other)["identifier"])
    unknown = make(town, 404, identifier="1.2.156.3005.2.XX")
    assert foreign["detail"] == unknown["detail"]
    auditor = town.person("auditor-1")
    assert town.client.get(f"/v1/archives/{record['archive_id']}", headers=auditor).status_code == 200
    answer = town.client.get("/v1/archives/arc_none", headers=auditor)
    assert town.answer(answer, 404)["code"] == "not_found"
    for asked in ({}, {"identifier": "1", "case_no": "2"}):
        assert town.client.post("/v1/archives", headers=town.person(ARCHIVIST), json=asked).status_code == 422


def test_a_receipt_is_noted_once(small_city: ServedCity) -> None:
    city = small_city
    record = make(city, identifier=city.issue(own_slug(city), "ARC-RECEIPT")["identifier"])
    url, who = f"/v1/archives/{record['archive_id']}/receipt", city.person(ARCHIVIST)
    today = record["made_at"][:10]
    body = {"handed_to": "示例省档案馆", "receipt_no": "示例档接〔2026〕1号", "received_on": today}
    early = city.client.post(url, headers=who, json={**body, "received_on": "2020-01-01"})
    assert city.answer(early, 422)["errors"][0]["pointer"] == "/received_on"
    with_day = {**body, "received_on": str(local_day(city.service.deps.clock.now()))}
    first = city.answer(city.client.post(url, headers=who, json=with_day), 201)
    assert (first["handed_to"], first["receipt_no"]) == (body["handed_to"], body["receipt_no"])
    assert city.answer(city.client.post(url, headers=who, json=with_day), 201) == first
    city.answer(city.client.post(url, headers=who, json={**with_day, "receipt_no": "另一号"}), 409)
    city.drain()
    kinds = [one["type"].rsplit(".", 1)[0].rsplit(".", 2)[-2:] for one in city.events()]
    assert ["archive", "made"] in kinds
    assert ["archive", "received"] in kinds


def test_the_check_over_http_says_what_failed(town: ServedCity, two_versions: Any) -> None:
    record, data = two_versions

    def checked(content: bytes) -> dict[str, Any]:
        answer = town.client.post(
            "/v1/archives/checks", headers=town.person("auditor-1"), files={"file": ("a.zip", content)}
        )
        return dict(town.answer(answer, 200))

    assert checked(data)["passed"]
    files = opened(data)
    name = f"licenses/{record['label']}.pdf"
    found = checked(zipped({**files, name: files[name].replace(b"%%EOF", b"%%E0F")}))
    assert not found["passed"]
    item = next(one for one in found["items"] if one["code"] == "digests")
    assert (item["result_zh"], name in item["reason"], bool(item["next_step"])) == ("不通过", True, True)
    assert not checked(b"no zip")["passed"]


class TestAttacks:
    """Each is found by the item that is there for it, also where whoever did it could sign the manifest."""

    @pytest.fixture
    def files(self, two_versions: Any) -> dict[str, bytes]:
        return opened(two_versions[1])

    @pytest.fixture
    def named(self, two_versions: Any) -> list[str]:
        return [f"licenses/{one}.pdf" for one in two_versions[0]["licenses"]]

    def test_a_name_that_leads_out(self, town: ServedCity, files: dict[str, bytes]) -> None:
        for name in ("../evil.pdf", "/etc/evil", "licenses/../../evil.pdf", "licenses\\evil.pdf", "C:evil", "run.exe"):
            assert "names" in failed(town, resigned(town, {**files, name: b"x"})), name

    def test_a_link(self, town: ServedCity, files: dict[str, bytes], named: list[str]) -> None:
        out = io.BytesIO(zipped({one: data for one, data in files.items() if one != named[0]}))
        with zipfile.ZipFile(out, "a") as archive:
            info = zipfile.ZipInfo(named[0])
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, "/etc/passwd")
        assert {"names", "present"} <= failed(town, out.getvalue())

    def test_a_bomb(self, town: ServedCity, files: dict[str, bytes]) -> None:
        assert "limits" in failed(town, zipped({**files, "check.json": b"0" * 50_000_000}))
        many = {f"materials/m{number}.pdf": b"" for number in range(MAX_ENTRIES)}
        assert "limits" in failed(town, zipped({**files, **many}))

    def test_a_bomb_within_the_evidence(self, town: ServedCity, files: dict[str, bytes], named: list[str]) -> None:
        name = named[0].replace("licenses/", "evidence/").replace(".pdf", ".zip")
        bomb = zipped({**opened(files[name]), "events.json": b"0" * 50_000_000})
        assert failed(town, resigned(town, {**files, name: bomb})) == {"evidence"}

    def test_a_swapped_pdf(self, town: ServedCity, files: dict[str, bytes], named: list[str]) -> None:
        swapped = {**files, named[0]: files[named[1]], named[1]: files[named[0]]}
        assert failed(town, zipped(swapped)) >= {"digests", "agreement", "evidence"}
        assert failed(town, resigned(town, swapped)) == {"agreement", "evidence"}

    def test_a_stranger_s_pdf(self, town: ServedCity, files: dict[str, bytes], named: list[str]) -> None:
        changed = files[named[0]] + b"\n"
        assert failed(town, resigned(town, {**files, named[0]: changed})) >= {"registered", "evidence"}

    def test_a_missing_version(self, town: ServedCity, files: dict[str, bytes], named: list[str]) -> None:
        left = {name: data for name, data in files.items() if name != named[0]}
        assert failed(town, zipped(left)) >= {"present", "counts", "versions"}
        history = json.loads(left["history.json"])
        history["versions"] = history["versions"][1:]
        # Whoever leaves the version out everywhere is still given away by the one that followed it.
        metadata = left["metadata.xml"].decode()
        start = metadata.index(f'  <license file="{named[0]}">')
        end = metadata.index("</license>", start) + len("</license>\n")
        metadata = metadata[:start] + metadata[end:]
        metadata = metadata.replace('name="证照件数">2<', 'name="证照件数">1<')
        left.pop(named[0].replace("licenses/", "evidence/").replace(".pdf", ".zip"))
        hidden = {**left, "history.json": json.dumps(history).encode(), "metadata.xml": metadata.encode()}
        assert failed(town, resigned(town, hidden)) == {"versions"}

    def test_changed_metadata(self, town: ServedCity, files: dict[str, bytes], named: list[str]) -> None:
        text = files["metadata.xml"].decode()
        number = json.loads(files["history.json"])["versions"][0]["identifier"]
        begin = 'element="certificateIssuedDate" name="certificateIssuedDate">'
        other = text.replace(f"{begin}2", f"{begin}1")
        assert other != text
        assert failed(town, zipped({**files, "metadata.xml": other.encode()})) >= {"digests", "agreement"}
        assert failed(town, resigned(town, {**files, "metadata.xml": other.encode()})) == {"agreement"}
        assert number in named[0]

    def test_metadata_that_grows_or_reads_files(self, town: ServedCity, files: dict[str, bytes]) -> None:
        evil = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><archive>&e;</archive>'
        assert {"readable", "items"} <= failed(town, resigned(town, {**files, "metadata.xml": evil}))

    def test_a_changed_history(self, town: ServedCity, files: dict[str, bytes]) -> None:
        history = json.loads(files["history.json"])
        history["versions"][0]["moves"] = []
        history["versions"][0]["state"] = "valid"
        history["versions"][1]["state"] = "revoked"
        changed = {**files, "history.json": json.dumps(history).encode()}
        assert failed(town, zipped(changed)) == {"digests", "process"}
        assert failed(town, resigned(town, changed)) == {"process"}

    def test_a_manifest_of_somebody_else(self, town: ServedCity, files: dict[str, bytes]) -> None:
        manifest = files["manifest.json"].replace(b'"keeping": "', b'"keeping": "x')
        assert failed(town, zipped({**files, "manifest.json": manifest})) == {"signature"}
        left = {name: data for name, data in files.items() if name != "manifest.note"}
        assert failed(town, zipped(left)) == {"signature", "present"}

    def test_secrets(self, town: ServedCity, files: dict[str, bytes]) -> None:
        dashes = b"-" * 5
        leaked = files["说明文件.txt"] + dashes + b"BEGIN EC PRIVATE" + b" KEY" + dashes
        assert failed(town, resigned(town, {**files, "说明文件.txt": leaked})) == {"secrets"}

    def test_a_file_with_a_password(self, town: ServedCity, files: dict[str, bytes]) -> None:
        data = bytearray(zipped(files))
        at = data.rindex(b"PK\x01\x02", 0, data.index(b"history.json", data.index(b"PK\x01\x02")))
        data[at + 8] |= 1
        assert "plain" in failed(town, bytes(data))

    def test_a_sound_package_is_sound(self, town: ServedCity, files: dict[str, bytes]) -> None:
        assert passed(check_package(resigned(town, files), tools_of(town.service.deps)))
