"""Packages under what happens to a register: renewals, reforms, withdrawals in between, cases that grow too large."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from archive_city import archivist_of, failed, make, opened, package, resigned
from elsewhere import Elsewhere, register
from elsewhere import report as reported
from fixtures_city import ServedCity, standing
from log_city import settle
from store_records import make_request
from test_bodies import OLD, TODAY
from test_bodies import SLUG as NURSE
from test_care_renewal import SHORT, aging, long_wish
from test_materials import register as given
from upload_documents import letter

from certsvc.catalog.entry import ArchiveRule, ArchiveWhen, Keeping
from certsvc.catalog.loader import Catalog
from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.archiving import contents as reading
from certsvc.commands.archiving import make as making
from certsvc.commands.archiving.checks import check_files, check_package, conclusion, passed
from certsvc.commands.archiving.contents import Contents, case_contents, license_contents
from certsvc.commands.archiving.make import archive_contents, make_archive, package_files
from certsvc.commands.archiving.materials import read_material
from certsvc.commands.archiving.package import sealed_package as package_of_files
from certsvc.commands.archiving.records import (
    ReceiptBody,
    archive_file,
    due_archives,
    hand_over,
    list_archives,
    read_archive,
)
from certsvc.commands.archiving.tools import tools_of
from certsvc.commands.care.renew import renew_files
from certsvc.commands.evidence.sweep import orphans
from certsvc.commands.log.read import LogBoard
from certsvc.commands.ports import Principal
from certsvc.errors import CertsvcError, Conflict, NotFound, TooLarge
from certsvc.license.archives import ArchiveKind, CheckItem, Found
from certsvc.license.model import LicenseVersion
from certsvc.seal.verdict import Check, Indication
from certsvc.store.archives import ArchiveRows

BODY = "11990000MB0000019F"
MANY = "industrial_product"
"""A type of the archivist's body of which one holder may have several."""


@pytest.fixture(scope="module")
def town(city_keys: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCity]:
    """A city of these tests; each has holders and cases of its own."""
    with standing(city_keys, sqlite_template, tmp_path_factory.mktemp("archive-holds")) as city:
        yield city


@pytest.fixture
def rule(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let a type be archived by another rule, for one test."""
    known = Catalog.type

    def let(slug: str, when: ArchiveWhen, keeping: Keeping = Keeping.YEARS_30) -> None:
        def ruled(catalog: Catalog, asked: str) -> Any:
            found = known(catalog, asked)
            return (
                dataclasses.replace(found, archive=ArchiveRule(keeping=keeping, when=when)) if asked == slug else found
            )

        monkeypatch.setattr(Catalog, "type", ruled)

    return let


def issued(city: ServedCity, name: str, *, slug: str = "", **changes: Any) -> str:
    """The identifier of a license of a holder of its own."""
    slug = slug or MANY
    holder = {**city.body(slug, "x")["holder"], "name": f"示例{name}"}
    done = city.issue(slug, f"HOLD-{ord(name):X}", holder=holder, **changes)
    settle(city)
    return str(done["identifier"])


def of_license(city: ServedCity, identifier: str) -> Contents:
    with city.service.deps.uow.read() as tx:
        return license_contents(city.service.deps, tx, identifier)


def of_case(city: ServedCity, case_no: str, body: str = "") -> Contents:
    with city.service.deps.uow.read() as tx:
        return case_contents(city.service.deps, tx, body or archivist_of(city), case_no)


def due(city: ServedCity, kind: ArchiveKind, body: str = "") -> list[str]:
    return [one.label for one in due_archives(city.service.deps, body) if one.kind is kind]


def archivist(body: str) -> Principal:
    return Principal(subject="archivist-x", kind="person", roles=frozenset({roles.ARCHIVIST}), authority_code=body)


def found_of(items: tuple[CheckItem, ...], code: str) -> tuple[Found, str]:
    return next((one.found, one.reason) for one in items if one.code == code)


def test_after_a_renewal_of_timestamps_a_license_is_archived_and_its_state_is_the_same(
    sqlite_url: str, make_city: Callable[..., ServedCity], city_keys: Path, tmp_path: Path
) -> None:
    with aging(make_city, sqlite_url, city_keys, tmp_path) as (city, _):
        identifier = city.issue(SHORT, "HOLD-RENEW", case_no="BJ-RENEW")["identifier"]
        body = city.catalog.sample(SHORT)["issuer_code"]
        before = (of_license(city, identifier).state_digest, of_case(city, "BJ-RENEW", body).state_digest)
        assert renew_files(city.service.deps, long_wish(bare=True)).renewed == 1
        settle(city)
        contents = of_license(city, identifier)
        assert (contents.state_digest, of_case(city, "BJ-RENEW", body).state_digest) == before
        made = archive_contents(city.service.deps, contents, actor="archivist-1")
        assert made.members == (identifier,)


def test_a_package_too_large_is_told_from_the_rows_and_listed_as_due(town: ServedCity) -> None:
    case, deps = "BJ-LARGE", town.service.deps
    issued(town, "甲", case_no=case)
    material = given(town, letter(), case_no=case)
    assert of_case(town, case).too_large == ""
    town.execute(f"UPDATE materials SET size = 104000000 WHERE material_id = '{material['material_id']}'")

    class NothingRead:
        def get(self, name: str) -> bytes:
            raise AssertionError(name)

    with pytest.raises(TooLarge):
        archive_contents(dataclasses.replace(deps, objects=NothingRead()), of_case(town, case), actor="x")  # type: ignore[arg-type]
    [listed] = [one for one in due_archives(deps, archivist_of(town)) if one.label == case]
    assert "MB" in listed.too_large
    town.execute(f"UPDATE materials SET size = {material['size']} WHERE material_id = '{material['material_id']}'")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "MAX_MATERIALS", 0)
        [listed] = [one for one in due_archives(deps, archivist_of(town)) if one.label == case]
        assert listed.too_large == reading.TOO_MANY_ZH
        make(town, 413, case_no=case)


def test_other_bodies_requests_under_a_number_are_not_counted(
    town: ServedCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    deps = town.service.deps
    monkeypatch.setattr(reading, "MAX_REQUESTS", 1)
    with deps.uow() as tx:
        for n in (1, 2, 3):
            request = make_request(n)
            tx.requests.insert(
                dataclasses.replace(request, payload=dataclasses.replace(request.payload, case_no="BJ-OTHERS"))
            )
    with deps.uow.read() as tx, pytest.raises(NotFound):
        case_contents(deps, tx, BODY, "BJ-OTHERS")
    town.execute("DELETE FROM requests WHERE case_no = 'BJ-OTHERS'")


def test_what_is_withdrawn_while_a_package_is_made_is_in_none(
    town: ServedCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = "BJ-RACE"
    issued(town, "乙", case_no=case)
    material = given(town, letter(lines=("Page of the race",)), case_no=case)
    sealed = package_of_files

    def meanwhile(*args: Any) -> bytes:
        url = f"/v1/materials/{material['material_id']}/withdrawals"
        town.answer(town.client.post(url, headers=town.system()), 201)
        return sealed(*args)

    monkeypatch.setattr(making, "sealed_package", meanwhile)
    refused = make(town, 409, case_no=case)
    assert "内容已变化" in refused["detail"]
    assert not [one for one in orphans(town.service.deps, settle_s=-3600) if one.startswith("archives/")]
    monkeypatch.undo()
    assert make(town, case_no=case)["materials"] == []


def test_what_is_archived_when_issued_and_revoked_later_is_due_again(town: ServedCity, rule: Any) -> None:
    slug, case = "testing_lab", "BJ-ISSUED"
    rule(slug, ArchiveWhen.ISSUED)
    identifier = issued(town, "丙", slug=slug, case_no=case)
    assert identifier not in due(town, ArchiveKind.LICENSE), "archived with its case"
    before = of_case(town, case)
    record = make(town, case_no=case)
    history = opened(package(town, record["archive_id"]))["history.json"]
    town.answer(town.move(identifier, "revoke", slug=slug), 201)
    settle(town)
    after = of_case(town, case)
    assert after.state_digest == before.state_digest
    files = package_files(town.service.deps, after, actor="x", board=LogBoard())
    assert files["history.json"] == history, "the package of the case follows from its state alone"
    assert passed(check_files(files, tools_of(town.service.deps)))
    assert case not in due(town, ArchiveKind.CASE)
    assert identifier in due(town, ArchiveKind.LICENSE)
    make(town, identifier=identifier)
    assert identifier not in due(town, ArchiveKind.LICENSE)
    rule(slug, ArchiveWhen.ISSUED, Keeping.PERMANENT)
    assert of_case(town, case).state_digest != before.state_digest, "保管期限 stands in the package"


def test_a_case_holds_no_opinions_and_nothing_that_is_never_archived(town: ServedCity, rule: Any) -> None:
    never, kept, case = "food_operation", MANY, "BJ-NEVER"
    rule(never, ArchiveWhen.NEVER)
    left_out = issued(town, "丁", slug=never, case_no=case)
    with pytest.raises(Conflict, match="没有应当归档的"):
        archive_contents(town.service.deps, of_case(town, case), actor="x")
    identifier = issued(town, "戊", slug=kept, case_no=case)
    contents = of_case(town, case)
    assert [one.identifier for one in contents.versions] == [identifier]
    assert len(contents.requests) == 1
    assert left_out not in due(town, ArchiveKind.LICENSE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LicenseVersion, "provisional", property(lambda _version: True))
        assert of_case(town, case).versions == []
        assert not of_license(town, identifier).due


def test_a_case_without_matter_or_clock_is_archived(town: ServedCity) -> None:
    case = "BJ-PLAIN"
    issued(town, "己", case_no=case)
    contents = of_case(town, case)
    request = contents.requests[0]
    bare = dataclasses.replace(request, payload=dataclasses.replace(request.payload, matter_code=""))
    contents = dataclasses.replace(contents, requests=[bare], matter_code="")
    files = package_files(town.service.deps, contents, actor="x", board=LogBoard())
    assert found_of(check_files(files, tools_of(town.service.deps)), "items")[0] is Found.PASSED


def test_a_license_made_elsewhere_is_nobody_s_duty_and_archived_when_asked(
    sqlite_url: str, make_city: Callable[..., ServedCity], tmp_path: Path
) -> None:
    elsewhere = Elsewhere(tmp_path / "elsewhere")
    city = make_city(sqlite_url, trust_dir=elsewhere.trust_dir)
    answer = register(city, elsewhere.file())
    identifier = city.answer(answer, 201)["identifier"]
    city.answer(reported(city, identifier), 201)
    settle(city)
    assert due(city, ArchiveKind.LICENSE) == []
    contents = of_license(city, identifier)
    files = package_files(city.service.deps, contents, actor="x", board=LogBoard())
    tools = tools_of(city.service.deps)

    def poor(data: bytes) -> Any:
        facts = tools.facts(data)
        return dataclasses.replace(facts, fonts_embedded=False, encrypted=True, active=("scripts",), pdfa="")

    items = check_files(files, dataclasses.replace(tools, facts=poor))
    assert {one.code for one in items if one.found is Found.FAILED} == set()
    told = {one.code: one.found for one in items}
    assert {told[code] for code in ("format", "fonts", "plain", "active")} == {Found.NOT_APPLICABLE}
    history = json.loads(files["history.json"])
    history["versions"][0]["origin"] = "issued"
    forged = check_files({**files, "history.json": json.dumps(history).encode()}, tools)
    assert found_of(forged, "process")[0] is Found.FAILED


def test_a_history_that_is_not_that_of_the_evidence_is_found(town: ServedCity) -> None:
    identifier = issued(town, "庚")
    town.answer(town.move(identifier, "suspend", slug=MANY), 201)
    settle(town)
    files = opened(package(town, make(town, identifier=identifier)["archive_id"]))
    history = json.loads(files["history.json"])
    history["versions"][0]["moves"] = []
    history["versions"][0]["state"] = "valid"
    metadata = files["metadata.xml"].decode().replace(">暂扣<", ">正常<")
    assert metadata.encode() != files["metadata.xml"]
    forged = {**files, "history.json": json.dumps(history).encode(), "metadata.xml": metadata.encode()}
    assert failed(town, resigned(town, forged)) == {"process"}
    assert failed(town, resigned(town, {**files, "metadata.xml": metadata.encode()})) == {"process"}


def test_without_a_key_or_trust_nothing_is_said_to_have_passed(town: ServedCity) -> None:
    identifier = issued(town, "辛")
    data = package(town, make(town, identifier=identifier)["archive_id"])
    tools = tools_of(town.service.deps)
    assert conclusion(check_package(data, tools)) == "四性检测通过"
    keyless = check_package(data, dataclasses.replace(tools, note_holds=lambda _text, _signatures: None))
    assert found_of(keyless, "evidence") == (Found.NOT_APPLICABLE, "没有给出公钥，留痕未核对")
    assert conclusion(keyless) == "没有不通过的，2 项未核对"

    def untrusted(pdf: bytes) -> Any:
        verdict = tools.judge(pdf)
        return dataclasses.replace(verdict, trust=Check.UNKNOWN, indication=Indication.INDETERMINATE)

    alone = check_package(data, dataclasses.replace(tools, judge=untrusted))
    found, reason = found_of(alone, "signatures")
    assert (found, reason.endswith("签章完整，证书链未核对")) == (Found.NOT_APPLICABLE, True)
    assert conclusion(alone) == "没有不通过的，1 项未核对"


def test_a_check_that_takes_too_long_fails_and_says_where_to_go_on(town: ServedCity) -> None:
    data = package(town, make(town, identifier=issued(town, "子"))["archive_id"])
    looked: list[int] = []
    tools = tools_of(town.service.deps)

    def facts(pdf: bytes) -> Any:
        looked.append(len(pdf))
        return tools.facts(pdf)

    counted = dataclasses.replace(tools, facts=facts)
    items = check_package(data, counted, within_s=-1)
    found, reason = found_of(items, "limits")
    assert (found, looked, "certsvc archive check" in reason) == (Found.FAILED, [], True)
    assert passed(check_package(data, counted, within_s=600))


def test_a_sealed_material_is_one_that_was_stamped_here(town: ServedCity) -> None:
    case = "BJ-STAMPED"
    material = given(town, letter(lines=("Page that nobody stamped",)), case_no=case)
    town.execute(f"UPDATE materials SET stamping_id = 'stp_x' WHERE material_id = '{material['material_id']}'")
    files = package_files(town.service.deps, of_case(town, case), actor="x", board=LogBoard())
    found, reason = found_of(check_files(files, tools_of(town.service.deps)), "registered")
    assert (found, "不是用印登记的文件" in reason) == (Found.FAILED, True)


def test_after_a_reform_packages_are_the_successor_s(town: ServedCity, monkeypatch: pytest.MonkeyPatch) -> None:
    deps = town.service.deps
    done = town.issue(NURSE, "HOLD-REFORM", case_no="BJ-REFORM")
    town.execute(f"UPDATE licenses SET issuer_code = '{OLD}' WHERE identifier = '{done['identifier']}'")
    town.execute(f"UPDATE requests SET authority_code = '{OLD}' WHERE case_no = 'BJ-REFORM'")
    town.answer(town.move(done["identifier"], "revoke", slug=NURSE, authority_code=TODAY), 201)
    settle(town)
    with monkeypatch.context() as before:
        before.setattr(reading, "issuer_today", lambda _deps, version: version.issuer_code)
        made = archive_contents(deps, of_license(town, done["identifier"]), actor="x")
    assert made.authority_code == OLD
    assert done["identifier"] not in due(town, ArchiveKind.LICENSE)
    assert archive_contents(deps, of_license(town, done["identifier"]), actor="x") == made
    heir = archivist(TODAY)
    assert [one.archive_id for one in list_archives(deps, heir, limit=9)] == [made.archive_id]
    assert read_archive(deps, heir, made.archive_id) == made
    assert "BJ-REFORM" in due(town, ArchiveKind.CASE, TODAY)
    of_then = make_archive(deps, heir, case_no="BJ-REFORM")
    assert of_then.authority_code == OLD
    for stranger in (OLD, BODY):
        with pytest.raises(NotFound):
            read_archive(deps, archivist(stranger), made.archive_id)
    material = given(town, letter(lines=("Page before the reform",)), case_no="BJ-REFORM-M")
    town.execute(f"UPDATE materials SET authority_code = '{OLD}' WHERE material_id = '{material['material_id']}'")
    assert read_material(deps, heir, material["material_id"]).authority_code == OLD
    with pytest.raises(NotFound):
        read_material(deps, archivist(BODY), material["material_id"])


def test_equal_receipts_at_once_are_one(town: ServedCity, monkeypatch: pytest.MonkeyPatch) -> None:
    deps = town.service.deps
    made = archive_contents(deps, of_license(town, issued(town, "壬")), actor="x")
    really, who = ArchiveRows.hand_over, archivist(archivist_of(town))
    body = ReceiptBody(handed_to="示例省档案馆", receipt_no="1", received_on=local_day(made.made_at))

    def other_was_first(rows: ArchiveRows, archive: Any) -> bool:
        assert really(rows, archive)
        return False

    monkeypatch.setattr(ArchiveRows, "hand_over", other_was_first)
    assert hand_over(deps, who, made.archive_id, body).receipt_no == "1"
    with pytest.raises(Conflict):
        hand_over(deps, who, made.archive_id, body.model_copy(update={"receipt_no": "2"}))


def test_what_cannot_be_given_is_not_on_record_as_taken(town: ServedCity) -> None:
    deps = town.service.deps
    made = archive_contents(deps, of_license(town, issued(town, "癸")), actor="x")
    who = archivist(archivist_of(town))
    count = "SELECT count(*) FROM evidence WHERE kind = 'archive.taken'"
    [(before,)] = town.rows(count)
    whole = deps.objects.get(made.object_name)
    deps.objects.delete(made.object_name)
    deps.objects.put(made.object_name, whole + b" ", content_type="application/zip")
    with pytest.raises(CertsvcError):
        archive_file(deps, who, made.archive_id)
    assert town.rows(count) == [(before,)]
    deps.objects.delete(made.object_name)
    deps.objects.put(made.object_name, whole, content_type="application/zip")
    assert archive_file(deps, who, made.archive_id)[1] == whole
    assert town.rows(count) == [(before + 1,)]


def test_withdrawn_materials_leave_room(town: ServedCity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certsvc.commands.archiving.materials.MAX_MATERIALS", 1)
    case = "BJ-ROOM"
    first = given(town, letter(lines=("Page one",)), case_no=case)
    assert "最多" in given(town, letter(lines=("Page two",)), 409, case_no=case)["detail"]
    url = f"/v1/materials/{first['material_id']}/withdrawals"
    town.answer(town.client.post(url, headers=town.system()), 201)
    given(town, letter(lines=("Page two",)), case_no=case)
    given(town, letter(lines=("Page three",)), 409, case_no=case)
