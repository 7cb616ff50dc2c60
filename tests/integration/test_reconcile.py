"""The books compared: nothing is found where all is well, and every kind of damage is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from fixtures_city import ServedCity
from s3_process import S3Process
from stamp_desk import desk_of
from typer.testing import CliRunner
from upload_documents import letter

from certsvc.cli.commands import app
from certsvc.commands.reconcile_ports import Books
from certsvc.commands.reconciling.findings import Difference, Report
from certsvc.commands.reconciling.reconcile import reconcile
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
    settings = small_city.service.settings
    env = {
        "CERTSVC_PROFILE": "sandbox",
        "CERTSVC_VAR_DIR": str(settings.var_dir),
        "CERTSVC_DATABASE_URL": settings.database_url,
        "CERTSVC_KEYS_FILE": str(settings.keys_file),
        "CERTSVC_TRUST_DIR": str(settings.trust_dir),
        "CERTSVC_FONT_DIRS": ":".join(map(str, settings.font_dirs)),
    }
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
