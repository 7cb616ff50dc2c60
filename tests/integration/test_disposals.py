"""鉴定销毁: what is over is judged, proposed by one, approved by another, and goes whole or not at all."""

from __future__ import annotations

import dataclasses
import io
import re
import zipfile
from datetime import date, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from archive_city import ARCHIVIST, make
from consent_city import citizen, party
from fixtures_city import ROOT, ServedCity, sandbox_settings
from killing import kill_at
from log_city import audited, settle_deps
from test_materials import register
from upload_documents import letter

from certsvc.app import build
from certsvc.clock import FixedClock
from certsvc.commands.access.principals import of_person
from certsvc.commands.archiving.records import due_archives
from certsvc.commands.disposing.carry_out import carry_out
from certsvc.commands.disposing.holds import DisposalHoldBody, lift_hold, place_hold
from certsvc.commands.disposing.judge import every_over
from certsvc.commands.disposing.propose import (
    DisposalBody,
    DisposalDecisionBody,
    DisposalNamed,
    decide,
    propose,
    take_back,
)
from certsvc.commands.disposing.sheet import HEADER, disposal_sheet
from certsvc.commands.evidence.sweep import orphans
from certsvc.commands.log.findings import Found
from certsvc.commands.ports import Deps, Principal
from certsvc.commands.reconcile_ports import Books
from certsvc.commands.reconciling.findings import Difference
from certsvc.commands.reconciling.reconcile import reconcile
from certsvc.errors import Conflict, Forbidden, InvalidInput, NotFound
from certsvc.license.archives import ArchiveKind, MaterialState
from certsvc.license.disposal import UNDO_WINDOW, Bound, DisposalOutcome, DisposalState, ItemState
from certsvc.store.ledger import DiskLedger

SLUG = "special_equipment_worker"
SECOND = "archivist-2"
YEARS = 10
POINTS = ("disposal.erased", "disposal.object_gone", "disposal.recorded")


def later(city: ServedCity, *, days: float = 0) -> Deps:
    """The service when everything that was made today is over, and ``days`` more."""
    at = datetime.now().astimezone() + timedelta(days=366 * (YEARS + 30) + days)
    return dataclasses.replace(city.service.deps, clock=FixedClock(at))


def who(city: ServedCity, subject: str) -> Principal:
    with city.service.deps.uow.read() as tx:
        person = tx.access.person(subject)
    assert person is not None
    return of_person(person)


def ended(city: ServedCity, business_no: str, *, archived: bool = True) -> dict[str, Any]:
    """A license that was revoked, with a decision whose basis names somebody, and archived."""
    done = city.issue(SLUG, business_no)
    basis = "示例行政处罚决定所列某甲的行为"
    city.answer(city.move(done["identifier"], "revoke", slug=SLUG, basis=basis), 201)
    if archived:
        make(city, identifier=done["identifier"])
    return done


def listing(*identifiers: str, outcome: DisposalOutcome = DisposalOutcome.DESTROY, years: int = 0) -> DisposalBody:
    items = tuple(DisposalNamed(kind=ArchiveKind.LICENSE, label=one) for one in identifiers)
    return DisposalBody(outcome=outcome, years=years, reason="保管期限已满，无继续保存价值", items=items)


def approved(city: ServedCity, *identifiers: str) -> str:
    """A destruction that was proposed and approved, whose window has just begun."""
    deps = later(city)
    made = propose(deps, who(city, ARCHIVIST), listing(*identifiers))
    decide(deps, who(city, SECOND), made.list_id, DisposalDecisionBody(approve=True, opinion="同意销毁"))
    return made.list_id


def items_of(city: ServedCity, list_id: str) -> list[tuple[ItemState, str]]:
    with city.service.deps.uow.read() as tx:
        return [(one.state, one.why) for one in tx.disposals.items_of(list_id)]


def differences(deps: Deps) -> set[Difference]:
    ledger = DiskLedger()
    try:
        report = reconcile(Books(uow=deps.uow, objects=deps.objects, now=deps.clock.now()), ledger, sample=0)
    finally:
        ledger.close()
    return {one.kind for one in report.findings}


def personal(city: ServedCity) -> list[str]:
    """Words of the sample that must be nowhere afterwards."""
    sample = city.catalog.sample(SLUG)
    return [sample["holder_name"], sample["holder_code"], sample["data"]["archive_number"], "某甲的行为"]


def read_back(deps: Deps, identifier: str) -> str:
    """Everything that the rows of a license and its request still say, opened."""
    with deps.uow.read() as tx:
        version = tx.licenses.by_identifier(identifier)
        assert version is not None
        request = tx.requests.by_id(version.request_id)
        return repr((version, tx.licenses.moves_of(version.version_id), request))


def test_what_was_approved_goes_and_what_has_to_stay_stays(city: ServedCity) -> None:
    gone, held = ended(city, "DIS-1"), ended(city, "DIS-2")
    identifier = gone["identifier"]
    before = city.answer(city.client.get("/v1/archives", headers=city.person(ARCHIVIST)), 200)["archives"]
    deps, own = later(city), city.service.deps
    file = own.objects.get(_object(own, identifier))
    assert [word for word in personal(city) if word in read_back(own, identifier)] == personal(city)
    assert {one.contents.label for one in every_over(deps) if not one.bound} == {identifier, held["identifier"]}
    list_id = approved(city, identifier, held["identifier"])
    place_hold(deps, who(city, ARCHIVIST), _hold(held["identifier"]))
    assert carry_out(deps, actor="t").ended == 0, "the window is not over"
    assert items_of(city, list_id) == [(ItemState.LISTED, "")] * 2

    after = later(city, days=UNDO_WINDOW.days + 1)
    came = carry_out(after, actor="t")
    assert (came.ended, came.destroyed, came.spared, came.trouble) == (1, 1, 1, ())
    assert items_of(city, list_id) == [(ItemState.DESTROYED, ""), (ItemState.SPARED, Bound.HELD.value)]
    assert [word for word in personal(city) if word in read_back(own, identifier)] == []
    assert own.objects.get(_object(own, held["identifier"])), "what is held is untouched"
    for name in (_object(own, identifier), *(f"archives/{one['archive_id']}.zip" for one in before)):
        if name.endswith(".zip") and name.split("/")[1] in _packages(before, held["identifier"]):
            continue
        with pytest.raises(NotFound):
            own.objects.get(name)
    assert city.rows("SELECT count(*) FROM photos WHERE photo_id NOT IN (SELECT photo_id FROM licenses)") == [(0,)]

    # Nothing is lost in the eyes of any book, and nothing is due again.
    settle_deps(own)
    assert differences(own) == set()
    assert audited(own).findings == []
    assert list(orphans(own, settle_s=-3600)) == []
    assert [one.label for one in due_archives(own)] == []
    assert [one.contents.label for one in every_over(after)] == [held["identifier"]]

    # Whoever still has the file learns that it was ours and how it stands; the service no longer has it.
    answer = city.client.post("/v1/verifications/file", files={"file": ("a.pdf", file, "application/pdf")})
    verdict = city.answer(answer, 200)
    assert (verdict["registry_match"], verdict["reason"], verdict["integrity"]) == ("exact", "license_revoked", "good")
    seen = city.client.get(f"/v1/licenses/{identifier}", headers=city.system())
    assert seen.status_code == 200, seen.text
    assert identifier in seen.text, "its record still reads"
    fetched = city.client.get(f"/v1/licenses/{identifier}/file", headers=city.system())
    assert fetched.status_code == 404
    assert list_id in fetched.json()["detail"]
    listed = city.client.get("/v1/archives", headers=city.person(ARCHIVIST))
    assert len(city.answer(listed, 200)["archives"]) == len(before), "the record of the package stays"


def test_an_erased_row_without_its_leaf_and_a_lost_file_are_still_found(small_city: ServedCity) -> None:
    city, own = small_city, small_city.service.deps
    gone, other = ended(city, "DIS-T1"), ended(city, "DIS-T2")
    approved(city, gone["identifier"])
    assert carry_out(later(city, days=8), actor="t").destroyed == 1
    settle_deps(own)
    assert audited(own).findings == []
    # A row that is changed after it was erased, and one that was erased by nobody's decision.
    city.execute(f"UPDATE licenses SET issuer_name = 'x' WHERE identifier = '{gone['identifier']}'")
    assert Found.ROW_CHANGED in {one.kind for one in audited(own).findings}
    name = city.catalog.authority(city.catalog.sample(SLUG)["issuer_code"]).name
    city.execute(f"UPDATE licenses SET issuer_name = '{name}' WHERE identifier = '{gone['identifier']}'")
    own.objects.delete(_object(own, other["identifier"]))
    assert {one.kind for one in audited(own).findings} == {Found.FILE_MISSING}
    assert differences(own) == {Difference.MISSING_FILE}


def test_what_speaks_against_it_is_told_and_refused(small_city: ServedCity) -> None:
    city = small_city
    bare, free = ended(city, "DIS-B1", archived=False), ended(city, "DIS-B2")
    standing = city.issue(SLUG, "DIS-B3")
    deps, first, second = later(city), who(city, ARCHIVIST), who(city, SECOND)
    said = {one.contents.label: set(one.bound) for one in every_over(deps)}
    assert said == {
        standing["identifier"]: {Bound.STANDING, Bound.NOT_ARCHIVED},
        bare["identifier"]: {Bound.NOT_ARCHIVED},
        free["identifier"]: set(),
    }
    assert list(every_over(city.service.deps)) == [], "today nothing is over"
    for label in (standing["identifier"], bare["identifier"], "1.2.156.none"):
        with pytest.raises(Conflict) as refused:
            propose(deps, first, listing(free["identifier"], label))
        assert {one.pointer for one in refused.value.problems} == {"/items/1"}
    with pytest.raises(InvalidInput):
        propose(deps, first, listing(free["identifier"], free["identifier"]))
    with pytest.raises(InvalidInput):
        propose(deps, first, listing(free["identifier"], years=3))

    hold = place_hold(deps, first, _hold(free["identifier"]))
    with pytest.raises(Conflict):
        place_hold(deps, second, _hold(free["identifier"]))
    with pytest.raises(Conflict):
        propose(deps, first, listing(free["identifier"]))
    lift_hold(deps, second, hold.hold_id)

    made = propose(deps, first, listing(free["identifier"]))
    with pytest.raises(Conflict):
        propose(deps, second, listing(free["identifier"]))
    with pytest.raises(Forbidden):
        decide(deps, first, made.list_id, DisposalDecisionBody(approve=True))
    with pytest.raises(InvalidInput):
        decide(deps, second, made.list_id, DisposalDecisionBody(approve=False))
    assert (
        decide(deps, second, made.list_id, DisposalDecisionBody(approve=True)).effect_at
        == deps.clock.now() + UNDO_WINDOW
    )
    assert take_back(deps, first, made.list_id).state is DisposalState.WITHDRAWN
    assert carry_out(later(city, days=30), actor="t").destroyed == 0, "what was taken back stays"
    with pytest.raises(Conflict):
        take_back(deps, first, made.list_id)

    # 延长保管: no window, and the term is longer from then on.
    kept = propose(deps, first, listing(free["identifier"], outcome=DisposalOutcome.EXTEND, years=5))
    assert decide(deps, second, kept.list_id, DisposalDecisionBody(approve=True)).state is DisposalState.DONE
    assert free["identifier"] not in {one.contents.label for one in every_over(later(city, days=4 * 366))}
    assert free["identifier"] in {one.contents.label for one in every_over(later(city, days=7 * 366))}


def test_a_case_goes_with_its_materials_before_the_license_whose_file_it_holds(small_city: ServedCity) -> None:
    city, own, case = small_city, small_city.service.deps, "BJ-DIS-1"
    done = city.issue(SLUG, "DIS-C1", case_no=case)
    material = register(city, letter(), case_no=case)
    make(city, case_no=case)
    city.answer(city.move(done["identifier"], "revoke", slug=SLUG), 201)
    make(city, identifier=done["identifier"])
    deps, first = later(city), who(city, ARCHIVIST)
    said = {one.contents.label: list(one.bound) for one in every_over(deps)}
    assert said == {case: [], done["identifier"]: [Bound.IN_CASE]}
    with pytest.raises(Conflict):
        propose(deps, first, listing(done["identifier"]))
    license_, whole = listing(done["identifier"]).items[0], DisposalNamed(kind=ArchiveKind.CASE, label=case)
    both = listing(done["identifier"]).model_copy(update={"items": (license_, whole)})
    made = propose(deps, first, both)
    decide(deps, who(city, SECOND), made.list_id, DisposalDecisionBody(approve=True))
    assert carry_out(later(city, days=8), actor="t").destroyed == 2
    with own.uow.read() as tx:
        left = tx.materials.by_id(material["material_id"])
        assert left is not None
        assert (left.name, left.state) == ("", MaterialState.DESTROYED)
        assert [one.kind for one in tx.disposals.items_of(made.list_id)] == [ArchiveKind.CASE, ArchiveKind.LICENSE]
    assert list(own.objects.names("materials/")) == list(own.objects.names("archives/")) == []
    settle_deps(own)
    assert audited(own).findings == []
    assert list(every_over(later(city, days=8))) == []
    assert list(due_archives(own)) == []
    assert city.client.post("/v1/archives", headers=city.person(ARCHIVIST), json={"case_no": case}).status_code == 409


def test_what_was_written_about_the_holder_goes_too(small_city: ServedCity) -> None:
    city, said = small_city, "示例某乙说：证上的工种写错了"
    holder = city.person(city.holder_of(SLUG))
    identifier = city.issue(SLUG, "DIS-W1")["identifier"]
    wish = {"identifier": identifier, "about": "content", "text": said}
    filed = city.answer(city.client.post("/v1/disputes", headers=holder, json=wish), 201)
    path = f"/v1/disputes/{filed['dispute_id']}/withdrawals"
    city.answer(city.client.post(path, headers=holder), 201)
    city.answer(city.move(identifier, "revoke", slug=SLUG), 201)
    make(city, identifier=identifier)

    def written() -> list[str]:
        with city.service.deps.uow.read() as tx:
            version = tx.licenses.by_identifier(identifier)
            dispute = tx.disputes.by_id(filed["dispute_id"])
            assert version is not None
            assert dispute is not None
            return [dispute.text, *(one.text for one in tx.notices.of_versions([version.version_id], limit=50))]

    before = written()
    assert before[0] == said
    assert len(before) > 1
    assert all(before)
    approved(city, identifier)
    assert carry_out(later(city, days=8), actor="t").destroyed == 1
    assert written() == [""] * len(before)
    settle_deps(city.service.deps)
    assert audited(city.service.deps).findings == []


def test_co_holders_go_with_a_license_and_no_book_misses_them(small_city: ServedCity) -> None:
    city, own = small_city, small_city.service.deps
    identifier = city.issue(SLUG, "DIS-CO")["identifier"]
    path = f"/v1/licenses/{identifier}/co-holders"
    for number in (1, 2):
        body = {"person": party(f"共有{number}", citizen(date(1980, 1, number), number))}
        added = city.answer(city.client.post(path, headers=city.system(), json=body), 201)
    assert city.client.delete(f"{path}/{added['co_holder_id']}", headers=city.system()).status_code == 204
    city.answer(city.move(identifier, "revoke", slug=SLUG), 201)
    make(city, identifier=identifier)
    approved(city, identifier)
    assert carry_out(later(city, days=8), actor="t").destroyed == 1
    assert city.rows("SELECT count(*) FROM co_holders") == [(0,)]
    settle_deps(own)
    assert audited(own).findings == []


def test_the_sheet_names_what_is_listed_and_nobody(small_city: ServedCity) -> None:
    city = small_city
    done = ended(city, "DIS-S1")
    list_id = approved(city, done["identifier"])
    _, data = disposal_sheet(later(city), who(city, SECOND), list_id)
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        text = unescape("".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml")))
    wanted = (*HEADER, done["identifier"], list_id, "监销人签字", ARCHIVIST, SECOND)
    assert [word for word in wanted if word not in text] == []
    assert [word for word in personal(city) if word in text] == []
    page = city.answer(city.client.get("/v1/disposals", headers=city.person(ARCHIVIST)), 200)
    assert [one["list_id"] for one in page["disposals"]] == [list_id]
    read = city.answer(city.client.get(f"/v1/disposals/{list_id}", headers=city.person("auditor-1")), 200)
    assert read["items"][0]["label"] == done["identifier"]
    assert read["disposal"]["state"] == "approved"
    assert city.client.get("/v1/disposals/dis_none", headers=city.person(ARCHIVIST)).status_code == 404
    assert city.client.get("/v1/disposals", headers=city.person("operator-1")).status_code == 403
    over = city.answer(city.client.get("/v1/disposals/due", headers=city.person(ARCHIVIST)), 200)
    assert over == {"found": [], "next": ""}


def carry_out_until_killed(var: str, database_url: str, at: str) -> None:
    """The program of the killed process."""
    service = build(sandbox_settings(Path(var), database_url), clock=FixedClock(datetime.fromisoformat(at)))
    carry_out(service.deps, actor="killed")


def test_the_list_of_points_is_the_list_in_the_code() -> None:
    found = re.compile(r'faults\.reach\("(disposal[a-z_.]+)"\)')
    named = [name for path in (ROOT / "certsvc").rglob("*.py") for name in found.findall(path.read_text("utf-8"))]
    assert sorted(named) == sorted(POINTS)


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_this_point_leaves_a_record_and_the_next_run_ends_it(small_city: ServedCity, point: str) -> None:
    city, own = small_city, small_city.service.deps
    done = ended(city, "DIS-K1")
    list_id = approved(city, done["identifier"])
    after = later(city, days=8)
    settings = city.service.settings
    at = after.clock.now().isoformat()
    kill_at(point, carry_out_until_killed, str(settings.var_dir), settings.database_url, at)
    state = items_of(city, list_id)[0][0]
    assert state is (ItemState.DESTROYED if point == "disposal.recorded" else ItemState.REMOVING)
    assert [word for word in personal(city) if word in read_back(own, done["identifier"])] == []
    [(count,)] = city.rows("SELECT count(*) FROM gone_files")
    assert count == 2, "the file and the package are on record before the first of them goes"
    settle_deps(own)
    assert audited(own).findings == [], "half gone, and all of it by decision"
    with pytest.raises(Conflict):
        take_back(after, who(city, ARCHIVIST), list_id)
    assert carry_out(after, actor="t").ended == 1
    assert items_of(city, list_id) == [(ItemState.DESTROYED, "")]
    for (name,) in city.rows("SELECT object_name FROM gone_files"):
        with pytest.raises(NotFound):
            own.objects.get(name)
    told = [one for one in city.events() if one["type"].endswith("disposal.destroyed.v1")] if city.drain() >= 0 else []
    assert len(told) == 1, "once, however often it was begun"


def _object(deps: Deps, identifier: str) -> str:
    with deps.uow.read() as tx:
        version = tx.licenses.by_identifier(identifier)
    assert version is not None
    return version.artifact.object_name


def _hold(identifier: str) -> DisposalHoldBody:
    return DisposalHoldBody(kind=ArchiveKind.LICENSE, label=identifier, reason="示例诉讼（2036）1号")


def _packages(listed: list[dict[str, Any]], identifier: str) -> set[str]:
    return {f"{one['archive_id']}.zip" for one in listed if identifier in one["licenses"]}
