"""Archive timestamps are renewed: the new form holds before others' programs, the earlier ones stay genuine."""

from __future__ import annotations

import hashlib
import io
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from asn1crypto import pem, x509
from command_line import environment
from fixtures_city import ROOT, ServedCity, lay_keys
from log_city import audited, run_verifier, settle
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import DocumentTimestampStatus, PdfSignatureStatus
from test_care import LONG, asked, stored
from test_reconcile import compared
from test_signature_plans import SLUG, answering
from typer.testing import CliRunner

from certsvc.api.revalidation import revisions_of
from certsvc.cli.commands import app
from certsvc.clock import FixedClock, SystemClock, local_day
from certsvc.commands.care import renew, retention
from certsvc.commands.care.inventory import Dimension, take_inventory
from certsvc.commands.care.renew import Wish, renew_files, to_renew
from certsvc.commands.care.retention import kept_until
from certsvc.commands.evidence.sweep import orphans
from certsvc.commands.issuance.batch import object_name
from certsvc.commands.log.bundle import make_bundle
from certsvc.commands.log.findings import Found
from certsvc.commands.ports import Deps
from certsvc.commands.verifying.verify_file import look_up
from certsvc.delivery.object_locks import ObjectLocks
from certsvc.errors import InvalidInput, SigningError
from certsvc.events.envelope import PREFIX, Event
from certsvc.events.payloads import LicensePreserved
from certsvc.ids import SystemIds
from certsvc.signing.devpki import init_dev_keys
from certsvc.signing.keyring import SoftwareKeyRing
from certsvc.signing.master_key import load_master_key
from certsvc.signing.timestamps import DevelopmentTsa

SECOND_TSA = """
[[tsa]]
key_id = "tsa-2"
algorithm = "p256"
name = "示例省第二时间戳服务"
owner_name = "示例省电子印章开发环境"
years = 9
"""
FIRST, SECOND = "tsa-1", "tsa-2"
SHORT = "health_proof"
"""A type whose licenses end before the certificates of their seals."""
YEAR = timedelta(days=365)


class Authorities:
    """Two timestamping authorities behind one address; the certificate of the second ends a year later."""

    def __init__(self, keys: Path) -> None:
        ring = SoftwareKeyRing(keys / "keys", load_master_key(keys / "master.key"), profile="sandbox")
        self._all = {name: DevelopmentTsa(ring, name, SystemClock(), SystemIds()) for name in (FIRST, SECOND)}
        self.in_use = FIRST
        self.asked = 0
        self.broken = False

    def __call__(self, _path: str, _authorization: str | None, body: bytes) -> tuple[int, bytes]:
        self.asked += 1
        if self.broken:
            return 500, b""
        return 200, self._all[self.in_use](body)


@contextmanager
def aging(
    make_city: Callable[..., ServedCity], url: str, city_keys: Path, tmp_path: Path
) -> Iterator[tuple[ServedCity, Authorities]]:
    """A city with timestamps, and its authorities."""
    var = tmp_path / "var"
    lay_keys(city_keys, var)
    declared = tmp_path / "keys.toml"
    declared.write_text((ROOT / "keys" / "dev.toml").read_text(encoding="utf-8") + SECOND_TSA, encoding="utf-8")
    init_dev_keys(declared, var / "keys", load_master_key(var / "master.key"), SystemClock(), SystemIds())
    authorities = Authorities(var)
    with answering(authorities) as base:
        yield make_city(url, tsa_servers=(base,)), authorities


def long_wish(*, bare: bool = False) -> Wish:
    return Wish(before=local_day(SystemClock().now()) + 8 * YEAR + YEAR // 2, bare=bare)


def others_hold(data: bytes, trust: Path) -> int:
    """How many signatures and timestamps pyHanko passes with the revocation data of the file alone; none may fail."""
    roots = [x509.Certificate.load(pem.unarmor(path.read_bytes())[2]) for path in trust.glob("*.pem")]
    reader = PdfFileReader(io.BytesIO(data))
    store = DocumentSecurityStore.read_dss(reader)
    counted = 0
    for embedded in reader.embedded_signatures:
        context = store.as_validation_context(
            {"trust_roots": roots, "allow_fetching": False, "revocation_mode": "require"}
        )
        status: PdfSignatureStatus | DocumentTimestampStatus
        if embedded.sig_object_type == "/Sig":
            status = validate_pdf_signature(embedded, context, key_usage_settings=KeyUsageConstraints(key_usage=()))
        else:
            status = validate_pdf_timestamp(embedded, context)
        assert (status.intact, status.valid, status.trusted) == (True, True, True), status.summary()
        counted += 1
    return counted


def test_a_renewed_file_holds_and_the_earlier_one_stays_genuine(
    database_url: str, make_city: Callable[..., ServedCity], city_keys: Path, tmp_path: Path
) -> None:
    with aging(make_city, database_url, city_keys, tmp_path) as (city, authorities):
        identifier = city.issue(LONG, "RENEW-1")["identifier"]
        tag = _shown(city, identifier).headers["etag"]
        deps, before = city.service.deps, city.file(identifier)
        assert to_renew(deps, Wish(before=long_wish().before - 2 * YEAR)) == 0, "its timestamp lasts longer than that"
        assert to_renew(deps, long_wish()) == 1
        # The same authority's certificate ends no later: nothing is gained, nothing is kept.
        refused = renew_files(deps, long_wish())
        assert (refused.renewed, len(refused.failed)) == (0, 1)
        assert "不比原有的晚到期" in next(iter(refused.failed.values()))
        assert city.rows("SELECT count(*) FROM artifacts") == [(1,)]
        settle(city)
        told = city.rows("SELECT count(*) FROM notices")
        authorities.in_use = SECOND
        assert renew_files(deps, long_wish()).renewed == 1
        spent = authorities.asked
        assert renew_files(deps, long_wish()).found == to_renew(deps, long_wish()) == 0
        assert authorities.asked == spent
        settle(city)
    after = city.file(identifier)
    assert after.startswith(before)
    assert [row[3] for row in stored(city)][-3:] == ["seal", "archive_timestamp", "archive_timestamp"]
    for data, remarks in ((after, []), (before, ["earlier_form"])):
        verdict = city.check(data)
        assert (verdict["indication"], verdict["registry_match"]) == ("TOTAL-PASSED", "exact"), verdict
        assert [one["code"] if isinstance(one, dict) else one for one in verdict["remarks"]] == remarks
    _others_agree(after, city.anchor, tmp_path)
    assert compared(city).agrees, compared(city).findings
    report = audited(deps)
    assert report.agrees, report.findings
    assert report.rows["form"] == 1
    (event,) = [one for one in city.events() if one["type"].endswith("license.preserved.v1")]
    assert event["data"]["identifier"] == identifier
    assert city.rows("SELECT state, revision FROM licenses") == [("valid", 1)]
    assert city.rows("SELECT count(*) FROM notices") == told, "nothing about the license changed: nobody is told"
    _times_are_of_each_form(deps, city, after)
    _the_lock_stays(deps, city)
    _the_tag_is_of_the_form(_shown(city, identifier), after, tag)
    _a_file_beside_is_found(city, deps)
    assert _forms_in_a_bundle(deps, identifier, key=city, place=tmp_path) == [before, after]
    # Whoever sets another file in the place of a later form, or changes its row, is found.
    renewed = replace(deps, objects=Swapped(deps.objects, after))
    assert {one.kind for one in audited(renewed).findings} == {Found.FILE_CHANGED}
    city.execute("UPDATE artifacts SET size = size + 1 WHERE kind = 'renewed'")
    assert {one.kind for one in audited(deps).findings} == {Found.ROW_CHANGED}


def _times_are_of_each_form(deps: Deps, city: ServedCity, after: bytes) -> None:
    """Certificates are judged when the form was made; its pages and seals are known since the first one was."""
    known = look_up(deps, hashlib.sha256(after).hexdigest(), None, deps.clock.now())
    assert known.proven is not None
    assert known.judged_at is not None
    assert known.proven < known.judged_at


def _shown(city: ServedCity, identifier: str) -> Any:
    return city.client.get(f"/v1/licenses/{identifier}", headers=city.person("auditor-1"))


def _the_tag_is_of_the_form(shown: Any, after: bytes, before: str) -> None:
    assert shown.json()["license"]["sha256"] == hashlib.sha256(after).hexdigest()
    assert shown.headers["etag"] != before, "what is shown is another file"
    assert revisions_of(shown.headers["etag"]) == revisions_of(before) == frozenset({1})


def _a_file_beside_is_found(city: ServedCity, deps: Deps) -> None:
    """A row of a file that no leaf tells of makes that file pass as an earlier form: the audit sees it."""
    columns = "version_id, 'original', 'f00d', size, object_name, created_at"
    city.execute(f"INSERT INTO artifacts SELECT 'art_zz', {columns} FROM artifacts WHERE kind = 'renewed'")
    found = audited(deps).findings
    assert (Found.ROW_UNPROVEN, "form art_zz") in [(one.kind, one.about) for one in found], found
    city.execute("DELETE FROM artifacts WHERE artifact_id = 'art_zz'")


def _forms_in_a_bundle(deps: Deps, identifier: str, *, key: ServedCity, place: Path) -> list[bytes]:
    """The first form and the later ones of a bundle that the stand-alone program passes."""
    bundle = place / "bundle.zip"
    bundle.write_bytes(make_bundle(deps, identifier, reader="auditor"))
    run = run_verifier("bundle", bundle, "--key", str(key.client.get("/v1/log/keys").json()["verifier_keys"][0]))
    assert run.returncode == 0, run.stdout
    with zipfile.ZipFile(bundle) as archive:
        return [archive.read(name) for name in ("license.pdf", "forms/1.pdf")]


class Swapped:
    """An object store in which one file is another one."""

    def __init__(self, objects: Any, swapped: bytes) -> None:
        self._objects = objects
        self._name = object_name(swapped)

    def get(self, name: str) -> bytes:
        found: bytes = self._objects.get(name)
        return found[:-1] + b" " if name == self._name else found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._objects, name)


class Locks:
    """Notes what is locked until when."""

    def __init__(self) -> None:
        self.until: dict[str, datetime] = {}

    def retain_all(self, until: Mapping[str, datetime]) -> None:
        self.until |= until


def _the_lock_stays(deps: Deps, city: ServedCity) -> None:
    """A renewal is no decision: years later, its form is locked until the day that held before."""
    with deps.uow.read() as tx:
        (version,) = tx.licenses.by_version_ids([city.rows("SELECT version_id FROM licenses")[0][0]]).values()
    kinds = (LicensePreserved.NAME, "license.suspended.v1")
    ends = []
    for kind in kinds:
        locks = Locks()
        event = Event(
            event_id="evt_x",
            type=PREFIX + kind,
            source="/x",
            subject=version.identifier,
            time=deps.clock.now() + 5 * YEAR,
            data={},
        )
        ObjectLocks().carry(replace(deps, objects=cast("Any", locks)), [event])
        assert len(locks.until) == 2
        ends.append(set(locks.until.values()))
    assert ends[0] == {kept_until(deps, version, version.created_at)}
    assert max(ends[0]) < min(ends[1])


def _others_agree(data: bytes, trust: Path, tmp_path: Path) -> None:
    path = tmp_path / "renewed.pdf"
    path.write_bytes(data)
    said = subprocess.run(["pdfsig", str(path)], capture_output=True, text=True, check=False).stdout
    assert "Signature is Valid." in said
    assert "Signature #3" in said
    assert subprocess.run(["qpdf", "--check", str(path)], capture_output=True, check=False).returncode == 0
    assert others_hold(data, trust) == 3


def test_a_file_without_timestamps_is_renewed_when_asked_and_outlives_the_loss_of_its_seal(
    sqlite_url: str, make_city: Callable[..., ServedCity], city_keys: Path, tmp_path: Path
) -> None:
    with aging(make_city, sqlite_url, city_keys, tmp_path) as (city, _):
        identifier = city.issue(SHORT, "RENEW-2")["identifier"]
        deps = city.service.deps
        ((seal, level),) = city.rows("SELECT seal_id, kind FROM artifact_signatures")
        assert level == "seal", "it ends before its seal's certificate: it was given no timestamp"
        tomorrow = (local_day(deps.clock.now()) + timedelta(days=1)).isoformat()
        assert asked(city, seal=seal, at=tomorrow)["broken"] == 1
        assert to_renew(deps, long_wish()) == 0
        # A live request that waits goes first.
        body = city.body(SHORT, "RENEW-3", holder={**city.body(SHORT, "x")["holder"], "name": "示例乙"})
        city.answer(city.client.post("/v1/issuances", headers=city.system(), json=body), 202)
        ways = []

        def give_way() -> None:
            ways.append(city.rows("SELECT count(*) FROM artifacts WHERE kind = 'renewed'"))
            city.drain()

        done = renew_files(deps, long_wish(bare=True), give_way=give_way)
        assert (done.renewed, ways) == (2, [[(0,)]])
    lost = asked(city, seal=seal, at=tomorrow)
    assert (lost["files"], lost["broken"], lost["standing"]) == (2, 0, 2)
    levels = {row.value: row.files for row in take_inventory(deps).rows if row.dimension is Dimension.LEVEL}
    assert levels == {"B-LTA": 2}
    assert city.check(city.file(identifier))["indication"] == "TOTAL-PASSED"
    assert others_hold(city.file(identifier), city.anchor) == 2


class Killed(Exception):
    """The process ends here."""


class DiesAt:
    """Fault points of which one kills."""

    def __init__(self, name: str) -> None:
        self._name = name

    def reach(self, name: str) -> None:
        if name == self._name:
            raise Killed


@pytest.mark.parametrize(("point", "registered"), [("care.object_stored", 0), ("care.registered", 1)])
def test_a_run_that_is_killed_leaves_nothing_half_and_the_next_one_goes_on(
    sqlite_url: str,
    make_city: Callable[..., ServedCity],
    city_keys: Path,
    tmp_path: Path,
    point: str,
    registered: int,
) -> None:
    with aging(make_city, sqlite_url, city_keys, tmp_path) as (city, _):
        city.issue(SHORT, "RENEW-4")
        deps = city.service.deps
        with pytest.raises(Killed):
            renew_files(replace(deps, faults=DiesAt(point)), long_wish(bare=True))
        assert city.rows("SELECT count(*) FROM artifacts WHERE kind = 'renewed'") == [(registered,)]
        assert len(orphans(deps, settle_s=-60)) == 1 - registered, "a file that was not registered is swept"
        assert renew_files(deps, long_wish(bare=True)).renewed == 1 - registered
    assert city.rows("SELECT count(*) FROM artifact_signatures WHERE kind = 'archive_timestamp'") == [(1,)]
    assert city.rows("SELECT count(*) FROM evidence WHERE kind = 'license.preserved'") == [(1,)]


def test_bad_files_stop_nobody_and_the_authority_is_not_asked_in_vain(
    sqlite_url: str, make_city: Callable[..., ServedCity], city_keys: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(renew, "MAX_FAILURES", 1)
    with aging(make_city, sqlite_url, city_keys, tmp_path) as (city, authorities):
        for number in range(3):
            holder = {**city.body(SHORT, "x")["holder"], "name": "示例" + "乙丙丁"[number]}
            city.issue(SHORT, f"RENEW-6{number}", holder=holder)
        deps = city.service.deps
        first, *_ = city.rows("SELECT artifact_id FROM artifacts ORDER BY artifact_id")
        name = city.rows("SELECT object_name FROM artifacts ORDER BY artifact_id LIMIT 1")[0][0]
        data = deps.objects.get(name)
        bad = Swapped(deps.objects, data)
        done = renew_files(replace(deps, objects=cast("Any", bad)), long_wish(bare=True))
        assert (done.renewed, list(done.failed)) == (2, [first[0]])
        # Nothing is asked of an authority whose certificate ends no later, but for which one it is.
        spent = authorities.asked
        later = Wish(before=local_day(deps.clock.now()) + 20 * YEAR)
        refused = renew_files(deps, later)
        assert (refused.renewed, len(refused.failed)) == (0, 2)
        assert authorities.asked == spent + 1
        authorities.broken = True
        with pytest.raises(SigningError, match="已停止"):
            renew_files(deps, later)
        authorities.broken = False
        # What need not be kept any more is passed by.
        authorities.in_use = SECOND
        old = replace(deps, clock=FixedClock(SystemClock().now() + 4 * YEAR))
        monkeypatch.setattr(retention, "YEAR", timedelta(days=1))
        assert renew_files(old, later).found == 0


def test_a_day_that_is_over_is_refused(small_city: ServedCity) -> None:
    with pytest.raises(InvalidInput, match="今天以后"):
        renew_files(small_city.service.deps, Wish(before=date(2020, 1, 1)))


def test_the_commands_print_tables_bars_and_json(small_city: ServedCity) -> None:
    small_city.issue(SLUG, "RENEW-5")

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["care", *arguments], env=environment(small_city))

    inventory = run("inventory")
    assert inventory.exit_code == 0, inventory.output
    assert "密钥算法" in inventory.output
    assert "在用文件 1 件，其中证照有效 1 件" in inventory.output
    breaks = run("breaks", "--algorithm", "p256")
    assert "█" in breaks.output, breaks.output
    assert "核算 1 件：涉及 1、不能再验证 1、仍可验证 0" in breaks.output
    assert run("breaks", "--algorithm", "p256", "--seal", "x").exit_code != 0
    assert '"broken"' in run("breaks", "--json").output
    assert "读取 0 件，未能读取 0 件" in run("backfill").output
    meant = run("renew", "--before", long_wish().before.isoformat(), "--bare", "--dry-run")
    assert "应追加 1 件，没有改动" in meant.output
