"""Who seals a page, and with what: two seals on one page, a province's platform, timestamps, SM2 in production."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fixtures_city import ROOT, ServedCity
from pyhanko.pdf_utils.reader import PdfFileReader
from signing_pages import open_workshop
from test_signing_remote_sealer import TOKEN, Platform

from certsvc.catalog.loader import SEED_DIRECTORY
from certsvc.clock import SystemClock
from certsvc.commands.issuance.press import OwnPress
from certsvc.commands.issuance.sealing import plan_steps
from certsvc.commands.page_ports import SealTask
from certsvc.commands.seals.use_seal import unanswered_uses
from certsvc.errors import CertsvcError, SealUnavailable, WorkerDied
from certsvc.ids import SystemIds
from certsvc.signing.certificates import pem
from certsvc.signing.keyring import SoftwareKeyRing
from certsvc.signing.master_key import load_master_key
from certsvc.signing.timestamps import DevelopmentTsa

SLUG = "nurse_practice"
ISSUER = "11990100MB0001038T"
P256, SM2 = f"seal_{ISSUER}", f"seal_{ISSUER}_sm2"
ONE = '  { role = "issuer_seal", format = "pades-b-b", docmdp = 1 },\n'
TWO = (
    '  { role = "issuer_seal", format = "pades-b-b", docmdp = 2 },\n'
    '  { role = "issuer_seal", format = "sm2-cms", docmdp = 0 },\n'
)


def catalog_with(tmp_path: Path, plan: str, *, first: str = P256, further: str = SM2) -> Path:
    """The seed's catalog with another signature plan and other seals of one authority."""
    directory = tmp_path / "catalog"
    shutil.copytree(SEED_DIRECTORY, directory, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    file = directory / "types" / f"{SLUG}.toml"
    text = file.read_text(encoding="utf-8")
    assert ONE in text
    file.write_text(text.replace(ONE, plan), encoding="utf-8")
    authorities = directory / "authorities.toml"
    text = authorities.read_text(encoding="utf-8")
    line = f'seal_id = "{P256}"\n'
    assert line in text
    named = f'seal_id = "{first}"\n' + (f'further_seals = ["{further}"]\n' if further else "")
    authorities.write_text(text.replace(line, named), encoding="utf-8")
    return directory


@contextmanager
def answering(answer: Callable[[str, str | None, bytes], tuple[int, bytes]]) -> Iterator[str]:
    """A real HTTP server on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, content = answer(self.path, self.headers["Authorization"], body)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{httpd.server_address[1]}"
        finally:
            httpd.shutdown()
            thread.join()


def qpdf_clean(data: bytes, path: Path) -> None:
    path.write_bytes(data)
    run = subprocess.run(["qpdf", "--check", str(path)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_two_seals_stand_on_one_page_and_each_use_was_reserved(
    database_url: str, make_city: Callable[..., ServedCity], tmp_path: Path
) -> None:
    city = make_city(database_url, catalog_dir=catalog_with(tmp_path, TWO))
    done = city.issue(SLUG, "TWO-1")
    data = city.file(done["identifier"])
    qpdf_clean(data, tmp_path / "two.pdf")
    verdict = city.check(data)
    assert (verdict["indication"], verdict["reason"]) == ("TOTAL-PASSED", "ok"), verdict
    assert (verdict["registry_match"], verdict["remarks"]) == ("exact", []), "the first seal kept the place free"
    assert [one["format"] for one in verdict["signatures"]] == ["ETSI.CAdES.detached", "adbe.pkcs7.detached"]
    # The first revision has both fields already: sealing again adds none.
    first = PdfFileReader(io.BytesIO(data)).get_historical_root(0)
    assert len(first["/AcroForm"]["/Fields"]) == 2
    rows = city.rows("SELECT seal_id, purpose, result FROM reservations ORDER BY purpose")
    request_id = city.rows("SELECT request_id FROM licenses")[0][0]
    assert rows == [(P256, f"issue:{request_id}", "used"), (SM2, f"issue:{request_id}:2", "used")]
    # A reader abroad that does not know SM2 still finds the first one good.
    out = subprocess.run(["pdfsig", str(tmp_path / "two.pdf")], capture_output=True, text=True, check=False).stdout
    assert "Signature is Valid." in out
    assert "Signature #2" in out


def test_a_page_with_two_seals_loses_its_verdict_with_any_byte_of_either(
    sqlite_url: str, make_city: Callable[..., ServedCity], tmp_path: Path
) -> None:
    city = make_city(sqlite_url, catalog_dir=catalog_with(tmp_path, TWO))
    data = city.file(city.issue(SLUG, "TWO-1")["identifier"])
    for at in range(200, len(data) - 1, len(data) // 12):
        changed = data[:at] + bytes([data[at] ^ 0x01]) + data[at + 1 :]
        assert city.check(changed)["indication"] != "TOTAL-PASSED", at


def test_a_second_seal_that_is_stopped_leaves_the_page_unregistered(
    sqlite_url: str, make_city: Callable[..., ServedCity], tmp_path: Path
) -> None:
    city = make_city(sqlite_url, catalog_dir=catalog_with(tmp_path, TWO))
    city.execute(f"UPDATE seals SET state = 'stopped' WHERE seal_id = '{SM2}'")
    body = city.body(SLUG, "TWO-2")
    request_id = city.answer(city.client.post("/v1/issuances", headers=city.system(), json=body), 202)["request_id"]
    city.drain()
    waiting = city.answer(city.client.get(f"/v1/issuances/{request_id}", headers=city.system()), 200)
    assert waiting["state"] == "failed"
    assert city.rows("SELECT count(*) FROM licenses") == [(0,)]
    assert city.rows("SELECT seal_id, result FROM reservations") == [(P256, "used")]
    city.execute(f"UPDATE seals SET state = 'active' WHERE seal_id = '{SM2}'")
    city.make_due()
    city.drain()
    assert city.rows("SELECT count(*) FROM licenses") == [(1,)]


def test_a_second_seal_of_which_nobody_knows_whether_it_signed_stays_open_and_on_record(
    sqlite_url: str, make_city: Callable[..., ServedCity], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = make_city(sqlite_url, catalog_dir=catalog_with(tmp_path, TWO))
    seal = OwnPress.seal
    died: list[SealTask] = []

    def once_without_answer(self: OwnPress, tasks: Sequence[SealTask]) -> list[bytes | CertsvcError]:
        done = seal(self, tasks)
        if tasks[0].seal.algorithm == "sm2" and not died:
            died.append(tasks[0])
            return [WorkerDied("制证进程中断") for _ in done]  # it signed, and nobody heard of it
        return done

    monkeypatch.setattr(OwnPress, "seal", once_without_answer)
    body = city.body(SLUG, "TWO-3")
    city.answer(city.client.post("/v1/issuances", headers=city.system(), json=body), 202)
    city.drain()
    assert len(died) == 1
    assert [one.seal_id for one in unanswered_uses(city.service.deps, older_than_s=-60)] == [SM2]
    city.make_due()
    city.drain()
    assert city.rows("SELECT count(*) FROM licenses") == [(1,)]
    rows = city.rows(f"SELECT result, count(*) FROM reservations WHERE seal_id = '{SM2}' GROUP BY result ORDER BY 1")
    assert rows == [("unknown", 1), ("used", 1)]


def test_production_refuses_a_plan_without_sm2_unless_told_otherwise(small_city: ServedCity) -> None:
    strict = replace(small_city.service.deps, policy=replace(small_city.service.deps.policy, sm2_required=True))
    kind = small_city.catalog.type(SLUG)
    with strict.uow.read() as tx:
        with pytest.raises(SealUnavailable, match="SM2"):
            plan_steps(strict, tx, kind, ISSUER)
        assert plan_steps(small_city.service.deps, tx, kind, ISSUER)[0].seal.algorithm == "p256"


def test_an_authority_with_an_sm2_seal_seals_with_sm2(
    sqlite_url: str, make_city: Callable[..., ServedCity], tmp_path: Path
) -> None:
    city = make_city(sqlite_url, catalog_dir=catalog_with(tmp_path, ONE, first=SM2, further=""))
    deps = replace(city.service.deps, policy=replace(city.service.deps.policy, sm2_required=True))
    with deps.uow.read() as tx:
        (step,) = plan_steps(deps, tx, city.catalog.type(SLUG), ISSUER)
    assert (step.seal.seal_id, step.seal.algorithm, step.format) == (SM2, "sm2", "pades-b-b")
    done = city.issue(SLUG, "SM2-1")
    verdict = city.check(city.file(done["identifier"]))
    assert verdict["indication"] == "TOTAL-PASSED", verdict


def test_a_plan_that_no_seal_of_the_authority_can_do_is_told_by_name(
    sqlite_url: str, make_city: Callable[..., ServedCity], tmp_path: Path
) -> None:
    city = make_city(sqlite_url, catalog_dir=catalog_with(tmp_path, TWO, further=""))
    deps = city.service.deps
    with deps.uow.read() as tx, pytest.raises(SealUnavailable, match="sm2-cms"):
        plan_steps(deps, tx, city.catalog.type(SLUG), ISSUER)


def test_a_license_that_outlives_its_certificate_carries_proofs_that_do_not(
    sqlite_url: str, make_city: Callable[..., ServedCity], city_keys: Path, tmp_path: Path
) -> None:
    ring = SoftwareKeyRing(city_keys / "keys", load_master_key(city_keys / "master.key"), profile="sandbox")
    tsa = DevelopmentTsa(ring, "tsa-1", SystemClock(), SystemIds())
    asked: list[str] = []

    def answer(path: str, _authorization: str | None, body: bytes) -> tuple[int, bytes]:
        asked.append(path)
        return (503, b"") if path == "/first" else (200, tsa(body))

    with answering(answer) as base:
        city = make_city(sqlite_url, tsa_servers=(f"{base}/first", f"{base}/second"))
        done = city.issue("teacher_qualification", "LTA-1")
        data = city.file(done["identifier"])
        short = city.file(city.issue("health_proof", "LTA-2")["identifier"])
    assert asked == ["/first", "/second"]  # one timestamp, by the second server: the short-lived license needs none
    qpdf_clean(data, tmp_path / "lta.pdf")
    subfilters = [one.sig_object["/SubFilter"] for one in PdfFileReader(io.BytesIO(data)).embedded_signatures]
    assert subfilters == ["/ETSI.CAdES.detached", "/ETSI.RFC3161"]
    assert len(PdfFileReader(io.BytesIO(short)).embedded_signatures) == 1
    verdict = city.check(data)
    assert (verdict["indication"], verdict["registry_match"]) == ("TOTAL-PASSED", "exact"), verdict


def test_without_any_timestamping_authority_nothing_is_registered_and_the_request_waits(
    sqlite_url: str, make_city: Callable[..., ServedCity]
) -> None:
    with answering(lambda *_: (503, b"")) as base:
        city = make_city(sqlite_url, tsa_servers=(base,))
        body = city.body("teacher_qualification", "LTA-3")
        request_id = city.answer(city.client.post("/v1/issuances", headers=city.system(), json=body), 202)["request_id"]
        city.drain()
        waiting = city.answer(city.client.get(f"/v1/issuances/{request_id}", headers=city.system()), 200)
    assert waiting["state"] == "failed"
    assert "时间戳" in waiting["detail"]
    assert city.rows("SELECT count(*) FROM licenses") == [(0,)]


def test_a_city_whose_seal_a_province_keeps_issues_through_its_platform(
    sqlite_url: str, make_city: Callable[..., ServedCity], tmp_path: Path
) -> None:
    workshop = open_workshop(tmp_path / "province")
    platform = Platform(workshop)
    kept = "province-seal-7"
    platform.workshop.seals[kept] = replace(workshop.seals[P256], seal_id=kept)
    token = tmp_path / "platform.token"
    token.write_text(TOKEN + "\n", encoding="utf-8")
    declared = (ROOT / "keys" / "dev.toml").read_text(encoding="utf-8")
    assert f'key_id = "seal-{ISSUER}-1"' in declared
    keys_file = tmp_path / "keys.toml"
    keys_file.write_text(declared.replace(f'key_id = "seal-{ISSUER}-1"', f'key_id = "{kept}"'), encoding="utf-8")
    trust = tmp_path / "trust"
    (trust / "intermediates").mkdir(parents=True)
    for path in (workshop.keys.trust_dir).rglob("*.pem"):
        shutil.copy(path, trust / path.relative_to(workshop.keys.trust_dir))
    public = workshop.ring.certificate(workshop.seals[P256].key_id)
    (trust / "intermediates" / "province.pem").write_bytes(pem(*public.issuers))

    def answer(path: str, authorization: str | None, body: bytes) -> tuple[int, bytes]:
        status, content = platform.answer(path, authorization, json.loads(body))
        return status, json.dumps(content).encode()

    with answering(answer) as base:
        settings: dict[str, Any] = {
            "keys_file": keys_file,
            "trust_dir": trust,
            "platform_url": base,
            "platform_token_file": token,
            "platform_seals": (kept,),
        }
        city = make_city(sqlite_url, **settings)
        verdict = city.check(city.file(city.issue(SLUG, "P-1")["identifier"]))
        assert verdict["indication"] == "TOTAL-PASSED", verdict
        assert platform.uses == 1
        platform.quota = 1
        body = city.body(SLUG, "P-2")
        request_id = city.answer(city.client.post("/v1/issuances", headers=city.system(), json=body), 202)["request_id"]
        city.drain()
        waiting = city.answer(city.client.get(f"/v1/issuances/{request_id}", headers=city.system()), 200)
        assert waiting["state"] == "failed"
        assert "额度" in waiting["detail"]
        platform.quota, platform.down = 100, True
        city.make_due()
        city.drain()
        waiting = city.answer(city.client.get(f"/v1/issuances/{request_id}", headers=city.system()), 200)
        assert "是否已签章不明" in waiting["detail"], "the digest went out: nobody here knows"
        assert [one.seal_id for one in unanswered_uses(city.service.deps, older_than_s=-60)] == [P256]
        platform.down = False
        city.make_due()
        city.drain()
    assert city.rows("SELECT count(*) FROM licenses") == [(2,)]
    assert city.rows("SELECT result, count(*) FROM reservations GROUP BY result ORDER BY result") == [
        ("failed", 1),
        ("unknown", 1),
        ("used", 2),
    ]
