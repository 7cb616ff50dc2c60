"""The books compared: nothing is found where all is well, and every kind of damage is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from command_line import environment
from fixtures_city import ServedCity
from s3_process import S3Process
from stamp_desk import desk_of
from typer.testing import CliRunner
from upload_documents import letter

from certsvc.cli.commands import app
from certsvc.commands.access import roles
from certsvc.commands.access.seed_sandbox import PLATFORM
from certsvc.commands.ports import Principal
from certsvc.commands.reconcile_ports import Books
from certsvc.commands.reconciling.findings import Difference, Report
from certsvc.commands.reconciling.party_list import MAX_ITEMS, Listed, answer_list
from certsvc.commands.reconciling.reconcile import reconcile
from certsvc.errors import Forbidden, TooLarge
from certsvc.license.books import Period
from certsvc.store.ledger import DiskLedger

SLUG = "tour_guide"


def compared(city: ServedCity, *, sample: int = 0, **later: int) -> Report:
    """The books as they stand, or will when nothing more happens."""
    deps = city.service.deps
    ledger = DiskLedger()
    books = Books(uow=deps.uow, objects=deps.objects, now=deps.clock.now() + timedelta(**later))
    try:
        return reconcile(books, ledger, sample=sample)
    finally:
        ledger.close()


def found(city: ServedCity) -> Mapping[Difference, set[str]]:
    report = compared(city)
    kinds: dict[Difference, set[str]] = {}
    for one in report.findings:
        kinds.setdefault(one.kind, set()).add(one.about)
    assert {kind: len(some) for kind, some in kinds.items()} == report.counts
    return kinds


def issue_two(city: ServedCity) -> tuple[str, str]:
    """One in force, one that was suspended twice; and a document that was stamped by hand."""
    first, second = (city.issue(SLUG, f"BOOK-{n}")["identifier"] for n in (1, 2))
    for n, name in enumerate(("suspend", "resume", "suspend")):
        city.answer(city.move(second, name, slug=SLUG, document_no=f"示例决〔2026〕{n}号"), 201)
    desk_of(city).stamped(letter(1), point={"x_mm": 100, "y_mm": 120})
    city.drain()
    return first, second


def object_of(city: ServedCity, identifier: str) -> str:
    ((name,),) = city.rows(
        f"SELECT object_name FROM artifacts a JOIN licenses l ON l.version_id = a.version_id"
        f" WHERE l.identifier = '{identifier}'"
    )
    return str(name)


def test_every_damage_is_found_and_nothing_where_all_is_well(city: ServedCity) -> None:
    first, second = issue_two(city)
    assert found(city) == {}
    report = compared(city)
    assert report.looked_at["证照"] == 2
    assert report.looked_at["登记的文件"] == report.looked_at["读取文件"] == 3
    assert compared(city, sample=1).looked_at["读取文件"] == 1

    objects = city.service.deps.objects
    name, kept = object_of(city, first), objects.get(object_of(city, first))
    objects.delete(name)
    assert found(city) == {Difference.MISSING_FILE: {name}}
    objects.put(name, kept[:-1], content_type="application/pdf")
    assert found(city) == {Difference.CHANGED_FILE: {name}}
    objects.delete(name)
    objects.put(name, kept, content_type="application/pdf")

    stray = "licenses/00/" + "0" * 64 + ".pdf"
    objects.put(stray, b"%PDF-", content_type="application/pdf")
    assert found(city) == {}, "work in flight is no orphan"
    assert {one.about for one in compared(city, hours=48).findings} == {stray}
    objects.delete(stray)

    # A file that somebody put in place of ours, with its digest in the register: outbox and evidence remember.
    forged = "f" * 64
    city.execute(f"UPDATE artifacts SET sha256 = '{forged}' WHERE object_name = '{name}'")
    kinds = {"missing_event", "stray_event", "missing_evidence", "stray_evidence", "changed_file"}
    assert {kind.value for kind in found(city)} == kinds
    city.execute(f"UPDATE artifacts SET sha256 = '{name[-68:-4]}' WHERE object_name = '{name}'")
    assert found(city) == {}

    city.execute("DELETE FROM events WHERE type = 'example.certsvc.license.resumed.v1'")
    assert found(city) == {Difference.MISSING_EVENT: {second}}


def test_uses_of_seals_are_counted_against_their_reservations_and_evidence_against_itself(
    small_city: ServedCity,
) -> None:
    city = small_city
    first = city.issue(SLUG, "BOOK-1")["identifier"]
    city.issue(SLUG, "BOOK-2")
    ((one, purpose),) = city.rows(
        "SELECT reservation_id, purpose FROM reservations WHERE purpose LIKE 'issue:%' LIMIT 1"
    )
    city.execute(f"UPDATE reservations SET result = 'open' WHERE reservation_id = '{one}'")
    assert found(city) == {Difference.UNRESERVED_USE: {one}, Difference.UNSEALED_FILE: {purpose}}
    later = compared(city, hours=2).counts
    assert later[Difference.UNANSWERED_USE] == 1
    city.execute(f"UPDATE reservations SET result = 'unknown' WHERE reservation_id = '{one}'")
    assert Difference.UNKNOWN_USE in found(city)
    city.execute(f"UPDATE reservations SET result = 'used' WHERE reservation_id = '{one}'")
    # An answer that is known to be unknown is told, and is no alarm.
    city.execute(
        "INSERT INTO reservations SELECT 'use_0', seal_id, 'gone', digest, reserved_at, 'unknown', '', answered_at"
        f" FROM reservations WHERE reservation_id = '{one}'"
    )
    report = compared(city)
    assert (report.agrees, report.counts) == (True, {Difference.UNKNOWN_USE: 1})
    city.execute("DELETE FROM reservations WHERE reservation_id = 'use_0'")
    rows = city.rows("SELECT evidence_id, leaf FROM evidence WHERE kind = 'license.issued' ORDER BY row_no")
    city.execute(f"UPDATE evidence SET leaf = x'{bytes(rows[1][1]).hex()}' WHERE evidence_id = '{rows[0][0]}'")
    assert found(city) == {Difference.CHANGED_EVIDENCE: {rows[0][0]}, Difference.MISSING_EVIDENCE: {first}}
    city.execute(f"UPDATE evidence SET leaf = x'{bytes(rows[0][1]).hex()}' WHERE evidence_id = '{rows[0][0]}'")
    city.execute("DELETE FROM evidence WHERE kind = 'seal.used'")
    uses = {row[0] for row in city.rows("SELECT reservation_id FROM reservations WHERE result = 'used'")}
    assert found(city) == {Difference.UNRECORDED_USE: uses}


def test_files_in_a_bucket_are_compared_too(
    make_city: Callable[..., ServedCity], postgres_url: str, s3_server: S3Process, tmp_path: Path
) -> None:
    keys = tmp_path / "s3.keys"
    keys.write_text(f"{s3_server.access_key}\n{s3_server.secret_key}\n")
    city = make_city(
        postgres_url,
        s3_url=s3_server.url,
        s3_bucket=f"books-{tmp_path.name.replace('_', '-')[-40:]}",
        s3_credentials_file=keys,
    )
    city.service.deps.objects.prepare()  # type: ignore[attr-defined]  # the bucket's own, not of the port
    first = city.issue(SLUG, "BOOK-1")["identifier"]
    assert found(city) == {}
    city.execute("UPDATE artifacts SET object_name = 'licenses/00/" + "0" * 64 + ".pdf'")
    kinds = found(city)
    assert kinds == {
        Difference.CHANGED_FILE: {"licenses/00/" + "0" * 64 + ".pdf"},
        Difference.MISSING_FILE: {"licenses/00/" + "0" * 64 + ".pdf"},
    }
    assert first in compared(city).findings[0].detail


def test_the_command_prints_a_table_or_json_and_says_by_its_exit_code(small_city: ServedCity) -> None:
    env = environment(small_city)
    first = small_city.issue(SLUG, "BOOK-1")["identifier"]
    runner = CliRunner()
    well = runner.invoke(app, ["reconcile"], env=env, catch_exceptions=False)
    assert (well.exit_code, "账目一致" in well.stdout) == (0, True)
    small_city.execute("DELETE FROM events WHERE subject = '" + first + "'")
    ill = runner.invoke(app, ["reconcile", "--json"], env=env, catch_exceptions=False)
    said = json.loads(ill.stdout)
    assert (ill.exit_code, said["agrees"], said["counts"]) == (1, False, {"missing_event": 1})
    assert said["findings"][0]["about"] == first
    table = runner.invoke(app, ["reconcile", "--sample", "1"], env=env, catch_exceptions=False)
    assert table.exit_code == 1
    assert "证照缺少对应的事件" in table.stdout


def test_a_party_gets_what_is_missing_extra_and_different(city: ServedCity, tmp_path: Path) -> None:
    issuer = city.catalog.sample(SLUG)["issuer_code"]
    for n in (1, 2, 3):
        city.issue(SLUG, f"LIST-{n}")
    waiting = city.client.post("/v1/issuances", headers=city.system(), json=city.body(SLUG, "LIST-4"))
    city.answer(waiting, 202)
    digests = dict(
        city.rows("SELECT r.business_no, a.sha256 FROM requests r JOIN artifacts a ON a.version_id = r.version_id")
    )
    ((issued_on,),) = city.rows("SELECT DISTINCT issued_on FROM licenses")
    day = str(issued_on)
    listed = {"LIST-1": digests["LIST-1"].upper(), "LIST-2": "0" * 64, "LIST-4": "1" * 64, "LIST-5": "2" * 64}
    body = {
        "authority_code": issuer,
        "issued_from": day,
        "issued_until": day,
        "items": [{"business_no": number, "sha256": digest} for number, digest in listed.items()],
    }

    def ask(client_id: str = PLATFORM, **changes: object) -> Any:
        return city.client.post("/v1/reconciliations", headers=city.system(client_id), json={**body, **changes})

    said = city.answer(ask(), 200)
    assert (said["agrees"], said["listed"], said["same"]) == (False, 4, 1)
    lost = [{"business_no": "LIST-4", "request_state": "accepted"}, {"business_no": "LIST-5", "request_state": ""}]
    assert (said["missing"], said["missing_count"]) == (lost, 2)
    assert [(one["business_no"], one["sha256"]) for one in said["extra"]] == [("LIST-3", digests["LIST-3"])]
    assert said["different"] == [{"business_no": "LIST-2", "listed": ["0" * 64], "issued": [digests["LIST-2"]]}]
    ((kind,),) = city.rows("SELECT kind FROM evidence WHERE kind = 'list.reconciled'")
    assert kind

    before = {"issued_from": "2020-01-01", "issued_until": "2020-01-31"}
    assert city.answer(ask(**before), 200)["extra_count"] == 0
    assert ask(issued_from="2020-01-01").status_code == 422
    assert ask(items=[{"business_no": "LIST-1", "sha256": "abc"}]).status_code == 422
    assert ask(items=[]).status_code == 200
    assert city.answer(ask(authority_code="11990000MB000006XJ"), 200)["missing_count"] == 4, "another one's numbers"
    assert city.client.post("/v1/reconciliations", json=body).status_code == 401

    table = "业务流水号,备注,摘要\n" + "".join(f"{number},,{digest}\n" for number, digest in listed.items())
    form = {"authority_code": issuer, "issued_from": day, "issued_until": day}
    sent = {"file": ("清单.csv", table.encode("gb18030"), "text/csv")}
    again = city.client.post("/v1/reconciliations/file", headers=city.system(), data=form, files=sent)
    assert city.answer(again, 200) == said
    for bad in ("a,b\n1,2\n", table + "LIST-9,,xyz\n", table + ",,\n" + "坏," + "0" * 64):
        sent = {"file": ("清单.csv", bad.encode(), "text/csv")}
        refused = city.client.post("/v1/reconciliations/file", headers=city.system(), data=form, files=sent)
        assert refused.status_code == 422, refused.text

    (tmp_path / "list.csv").write_text(table, encoding="utf-8")
    order = ["reconcile", "--list", str(tmp_path / "list.csv"), "--authority", issuer]
    env = environment(city)
    shown = CliRunner().invoke(app, [*order, "--from", day, "--until", day], env=env, catch_exceptions=False)
    assert shown.exit_code == 1
    assert "一致 1、缺少 2、多出 1、摘要不同 1" in shown.stdout
    told = CliRunner().invoke(app, [*order, "--json"], env=env, catch_exceptions=False)
    assert json.loads(told.stdout)["extra_count"] == 0


def test_an_approval_system_compares_its_own_authority_only(small_city: ServedCity) -> None:
    own = Principal(subject="sys", kind="system", roles=frozenset({roles.APPROVAL}), authority_code="A1")
    deps = small_city.service.deps
    period = Period(first=date(2026, 1, 1), last=date(2026, 1, 1))
    assert answer_list(deps, own, authority_code="", period=period, items=[]).agrees
    with pytest.raises(Forbidden):
        answer_list(deps, own, authority_code="A2", period=period, items=[])
    many = [Listed(business_no=f"N{n}", sha256="0" * 64) for n in range(MAX_ITEMS + 1)]
    with pytest.raises(TooLarge):
        answer_list(deps, own, authority_code="", period=period, items=many)
