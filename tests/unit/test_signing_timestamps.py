"""Timestamps: openssl on the other side, a real HTTP server in between, and the levels of PAdES that stand on them."""

from __future__ import annotations

import http.client
import subprocess
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from asn1crypto import cms, tsp
from signing_pages import EC_SEAL, NOW, RSA_SEAL, SM2_SEAL, Workshop, one_page, open_workshop
from signing_strangers import with_revision

from certsvc.clock import FixedClock
from certsvc.commands.ports import TrustChoice
from certsvc.errors import SigningError
from certsvc.ids import SystemIds
from certsvc.seal.verdict import Check, FileFindings, Indication, Reason, SubIndication
from certsvc.signing.authority import Revocation, make_crl, open_ca
from certsvc.signing.der import Element
from certsvc.signing.formats import FORMATS
from certsvc.signing.inspector import PdfInspector
from certsvc.signing.long_term import (
    PadesTimestamped,
    ValidationData,
    add_document_timestamp,
    add_validation_data,
)
from certsvc.signing.sealer import LicenseSealer
from certsvc.signing.timestamps import DevelopmentTsa, TimestampClient, read_token

TSA = "tsa-1"
DATA = b"what existed"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("ring"))


@pytest.fixture(scope="module")
def clock() -> FixedClock:
    return FixedClock(NOW + timedelta(seconds=2))


@pytest.fixture(scope="module")
def tsa(workshop: Workshop, clock: FixedClock) -> DevelopmentTsa:
    return DevelopmentTsa(workshop.ring, TSA, clock, SystemIds())


@pytest.fixture
def server(tsa: DevelopmentTsa) -> Iterator[str]:
    """Serves /tsa, and beside it /down (500), /slow garbage and /other, which answers another question."""
    other = tsp.TimeStampReq(
        {
            "version": 1,
            "message_imprint": {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": bytes(32)},
            "cert_req": True,
        }
    ).dump()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kinds: dict[str, Callable[[], bytes]] = {
                "/tsa": lambda: tsa(body),
                "/garbage": lambda: b"<html>",
                "/other": lambda: tsa(other),
                "/refuses": lambda: tsa(b"\x30\x00"),
                "/huge": lambda: bytes(100_000),
            }
            self.send_response(200 if self.path in kinds else 500)
            self.end_headers()
            self.wfile.write(kinds[self.path]() if self.path in kinds else b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        httpd.shutdown()
        thread.join()


def post(url: str, body: bytes) -> bytes:
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    try:
        connection.request("POST", parts.path, body, {"Content-Type": "application/timestamp-query"})
        answer = connection.getresponse()
        if answer.status != 200:
            msg = f"HTTP {answer.status}"
            raise OSError(msg)
        return answer.read()
    finally:
        connection.close()


def client_of(tsa: DevelopmentTsa) -> TimestampClient:
    return TimestampClient(("direct",), lambda _, body: tsa(body), SystemIds())


def test_openssl_accepts_the_development_authoritys_answers(
    workshop: Workshop, tsa: DevelopmentTsa, tmp_path: Path
) -> None:
    (tmp_path / "data").write_bytes(DATA)
    query = ["openssl", "ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "query"]
    subprocess.run(query, cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "answer").write_bytes(tsa((tmp_path / "query").read_bytes()))
    verify = ["openssl", "ts", "-verify", "-queryfile", "query", "-in", "answer", "-attime", str(int(NOW.timestamp()))]
    verify += ["-CAfile", str(workshop.keys.trust_dir / "dev-root.pem")]
    verify += ["-untrusted", str(workshop.keys.directory / "certs" / "tsa-1.pem")]
    done = subprocess.run(verify, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Verification: OK" in done.stdout, done.stderr
    text = subprocess.run(
        ["openssl", "ts", "-reply", "-in", "answer", "-text"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert "Status: Granted" in text
    assert "Time stamp: Mar  1 04:05:08 2026 GMT" in text


def test_the_client_takes_the_first_good_answer_and_says_what_the_others_did(server: str, clock: FixedClock) -> None:
    bad = ["/down", "/garbage", "/other", "/refuses", "/huge"]
    asked: list[str] = []

    def watched(url: str, body: bytes) -> bytes:
        asked.append(urllib.parse.urlsplit(url).path)
        return post(url, body)

    token = TimestampClient([server + path for path in (*bad, "/tsa", "/down")], watched, SystemIds()).token(DATA)
    assert token.at == clock.now()
    assert asked == [*bad, "/tsa"]
    assert read_token(token.der, DATA) == token
    with pytest.raises(SigningError) as caught:
        TimestampClient([server + path for path in bad], post, SystemIds()).token(DATA)
    for path in bad:
        assert path in caught.value.detail
    with pytest.raises(SigningError, match="均不可用"):
        TimestampClient(["http://127.0.0.1:9/tsa"], post, SystemIds()).token(DATA)


def test_a_token_over_something_else_or_changed_is_refused(tsa: DevelopmentTsa) -> None:
    token = client_of(tsa).token(DATA)
    with pytest.raises(SigningError, match="不是对此数据"):
        read_token(token.der, DATA + b".")
    refused = 0
    for place in range(0, len(token.der), 7):
        changed = token.der[:place] + bytes((token.der[place] ^ 1,)) + token.der[place + 1 :]
        try:
            assert read_token(changed, DATA).at == token.at
        except SigningError:
            refused += 1
    # What may change without harm are the certificates beside, which path building judges.
    assert refused > len(token.der) / 7 / 3


def test_a_token_of_a_key_that_is_no_authoritys_is_refused(workshop: Workshop, clock: FixedClock) -> None:
    impostor = DevelopmentTsa(workshop.ring, workshop.seals[EC_SEAL].key_id, clock, SystemIds())
    with pytest.raises(SigningError, match="用途不是时间戳"):
        client_of(impostor).token(DATA)


@pytest.mark.parametrize("request_der", [b"", b"\x30\x00", b"x" * 5000])
def test_the_authority_refuses_what_it_cannot_read(tsa: DevelopmentTsa, request_der: bytes) -> None:
    status, *token = Element.read(tsa(request_der)).children()
    assert (status.children()[0].number(), token) == (2, [])
    with pytest.raises(SigningError, match=r"状态 2"):
        TimestampClient(("direct",), lambda _, __: tsa(request_der), SystemIds()).token(DATA)


def level_t(workshop: Workshop, tsa: DevelopmentTsa, seal_id: str) -> bytes:
    sealer = LicenseSealer(workshop.ring, (*FORMATS, PadesTimestamped(client_of(tsa))))
    seal = workshop.seals[seal_id]
    page = one_page(sealer.reserved_bytes(seal, "pades-b-t"))
    return sealer.seal(page, seal, "pades-b-t", signed_at=NOW)


def data_for(workshop: Workshop, seal_id: str) -> ValidationData:
    issuer, root = {
        EC_SEAL: ("dev-issuer-ec", "dev-root"),
        RSA_SEAL: ("dev-issuer-rsa", "dev-root"),
        SM2_SEAL: ("dev-issuer-sm2", "dev-root-sm2"),
    }[seal_id]
    names = {issuer, root, "dev-issuer-ec", "dev-root"}
    crls = [
        make_crl(open_ca(workshop.keys.directory, name, workshop.master), {}, number=1, now=NOW)
        for name in sorted(names)
    ]
    return ValidationData(certificates=workshop.ring.certificate(TSA).issuers, crls=tuple(crls))


def look(workshop: Workshop, data: bytes, *, days: float = 0.05) -> FileFindings:
    return PdfInspector(workshop.anchors).inspect(data, TrustChoice(), NOW + timedelta(days=days))


@pytest.mark.parametrize("seal_id", [EC_SEAL, RSA_SEAL, SM2_SEAL])
def test_every_level_passes_and_openssl_reads_the_token(
    workshop: Workshop, tsa: DevelopmentTsa, tmp_path: Path, seal_id: str
) -> None:
    sealed = level_t(workshop, tsa, seal_id)
    for_long = add_validation_data(sealed, data_for(workshop, seal_id))
    archived = add_document_timestamp(for_long, client_of(tsa))
    assert for_long.startswith(sealed)
    assert archived.startswith(for_long)
    for name, data in (("t", sealed), ("lt", for_long), ("lta", archived)):
        findings = look(workshop, data)
        assert (findings.indication, findings.reason) == (Indication.TOTAL_PASSED, Reason.OK), (name, findings)
        assert findings.integrity is Check.GOOD
        (tmp_path / "x.pdf").write_bytes(data)
        check = subprocess.run(["qpdf", "--check", "x.pdf"], cwd=tmp_path, capture_output=True, check=False)
        assert check.returncode == 0
    assert look(workshop, for_long).not_checked == ()
    kinds = [one.kind for one in look(workshop, archived).signatures]
    assert kinds == ["seal", "timestamp"]
    if seal_id != SM2_SEAL:
        said = subprocess.run(["pdfsig", "-nocert", "x.pdf"], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert said.stdout.count("Signature is Valid") >= 1


@pytest.mark.parametrize("seal_id", [EC_SEAL, RSA_SEAL, SM2_SEAL])
def test_a_timestamp_keeps_a_seal_good_beyond_its_certificate(
    workshop: Workshop, tsa: DevelopmentTsa, seal_id: str
) -> None:
    four_years = 4 * 365
    _, plain = workshop.sealed("pades-b-b", seal_id)
    assert look(workshop, plain, days=four_years).reason is Reason.CERT_EXPIRED
    sealed = level_t(workshop, tsa, seal_id)
    assert look(workshop, sealed, days=four_years).reason is Reason.OK
    archived = add_document_timestamp(plain, client_of(tsa))
    assert look(workshop, archived, days=four_years).reason is Reason.OK
    # The authority's own certificate ends after eight years; then nothing proves the time any more.
    assert look(workshop, sealed, days=9 * 365).indication is Indication.INDETERMINATE


@pytest.mark.parametrize("seal_id", [EC_SEAL, SM2_SEAL])
def test_a_timestamp_tells_before_from_after_a_revocation(
    workshop: Workshop, tsa: DevelopmentTsa, tmp_path: Path, seal_id: str
) -> None:
    sealed = level_t(workshop, tsa, seal_id)
    serial = workshop.ring.certificate(workshop.seals[seal_id].key_id).certificate.serial_number
    name = "dev-issuer-sm2" if seal_id == SM2_SEAL else "dev-issuer-ec"
    ca = open_ca(workshop.keys.directory, name, workshop.master)
    for place, at, passes in (
        ("after", NOW + timedelta(minutes=1), True),
        ("before", NOW - timedelta(minutes=1), False),
    ):
        (tmp_path / place).mkdir()
        crl = make_crl(ca, {serial: Revocation(at=at)}, number=1, now=NOW)
        (tmp_path / place / "a.crl").write_bytes(crl)
        inspector = PdfInspector(workshop.anchors.with_crls(tmp_path / place))
        findings = inspector.inspect(sealed, TrustChoice(), NOW + timedelta(hours=1))
        assert (findings.indication is Indication.TOTAL_PASSED) == passes
        assert findings.reason is (Reason.OK if passes else Reason.CERT_REVOKED)


AFTER, BEFORE = NOW + timedelta(minutes=1), NOW - timedelta(minutes=1)


def with_lists(
    workshop: Workshop,
    directory: Path,
    revoked: dict[str, dict[str, datetime]],
    *,
    made: datetime = NOW,
    required: bool = False,
) -> PdfInspector:
    """An inspector with a list of each named CA, which revoked these keys at these times."""
    directory.mkdir()
    for name, keys in revoked.items():
        ca = open_ca(workshop.keys.directory, name, workshop.master)
        entries = {
            workshop.ring.certificate(key).certificate.serial_number: Revocation(at=at) for key, at in keys.items()
        }
        (directory / f"{name}.crl").write_bytes(make_crl(ca, entries, number=1, now=made))
    return PdfInspector(workshop.anchors.with_crls(directory, required=required))


def test_a_revoked_authority_inside_a_seal_proves_nothing(
    workshop: Workshop, tsa: DevelopmentTsa, tmp_path: Path
) -> None:
    sealed, key = level_t(workshop, tsa, SM2_SEAL), workshop.seals[SM2_SEAL].key_id
    cas: dict[str, dict[str, datetime]] = {"dev-issuer-sm2": {key: AFTER}, "dev-root-sm2": {}, "dev-root": {}}
    at = NOW + timedelta(hours=1)
    good = with_lists(workshop, tmp_path / "1", {**cas, "dev-issuer-ec": {}}).inspect(sealed, TrustChoice(), at)
    assert (good.indication, good.not_checked) == (Indication.TOTAL_PASSED, ())
    for number, (ended, seal_ended) in enumerate([(BEFORE, True), (AFTER, True), (BEFORE, False), (AFTER, False)]):
        seals = {key: AFTER} if seal_ended else {}
        lists = {**cas, "dev-issuer-sm2": seals, "dev-issuer-ec": {TSA: ended}}
        findings = with_lists(workshop, tmp_path / f"bad{number}", lists).inspect(sealed, TrustChoice(), at)
        assert findings.indication is Indication.INDETERMINATE
        expected = Reason.CERT_REVOKED_AFTER_SIGNING if seal_ended else Reason.UNTRUSTED_CHAIN
        assert (findings.reason, findings.sub_indication) == (expected, SubIndication.REVOKED_NO_POE)


def test_a_revoked_authority_keeps_no_seal_beyond_its_certificate(
    workshop: Workshop, tsa: DevelopmentTsa, tmp_path: Path
) -> None:
    sealed, later = level_t(workshop, tsa, EC_SEAL), NOW + timedelta(days=4 * 365)
    good = with_lists(workshop, tmp_path / "1", {"dev-issuer-ec": {}, "dev-root": {}}, made=later)
    assert good.inspect(sealed, TrustChoice(), later).reason is Reason.OK
    bad = with_lists(workshop, tmp_path / "2", {"dev-issuer-ec": {TSA: BEFORE}, "dev-root": {}}, made=later)
    assert bad.inspect(sealed, TrustChoice(), later).reason is Reason.CERT_EXPIRED


def test_an_authority_of_which_nothing_is_known_is_told(
    workshop: Workshop, tsa: DevelopmentTsa, tmp_path: Path
) -> None:
    sealed, at = level_t(workshop, tsa, SM2_SEAL), NOW + timedelta(hours=1)
    lists: dict[str, dict[str, datetime]] = {"dev-issuer-sm2": {}, "dev-root-sm2": {}}
    findings = with_lists(workshop, tmp_path / "1", lists).inspect(sealed, TrustChoice(), at)
    assert (findings.indication, findings.not_checked) == (Indication.TOTAL_PASSED, ("revocation",))
    strict = with_lists(workshop, tmp_path / "2", lists, required=True).inspect(sealed, TrustChoice(), at)
    assert (strict.indication, strict.reason) == (Indication.INDETERMINATE, Reason.REVOCATION_UNKNOWN)


@pytest.mark.parametrize("place", ["inside", "behind"])
def test_a_timestamp_of_the_future_proves_nothing(workshop: Workshop, place: str) -> None:
    tomorrow = DevelopmentTsa(workshop.ring, TSA, FixedClock(NOW + timedelta(days=1)), SystemIds())
    if place == "inside":
        data = level_t(workshop, tomorrow, EC_SEAL)
    else:
        data = add_document_timestamp(workshop.sealed("pades-b-b", EC_SEAL)[1], client_of(tomorrow))
    findings = look(workshop, data)
    assert (findings.indication, findings.detail) == (Indication.INDETERMINATE, "timestamp of the future")
    assert look(workshop, data, days=2).indication is Indication.TOTAL_PASSED
    asked = PdfInspector(workshop.anchors).inspect(data, TrustChoice(at=NOW), NOW + timedelta(days=2))
    assert asked.indication is Indication.TOTAL_PASSED, "the machine's time, not the moment asked about"


def test_a_token_moved_to_another_signature_is_seen(workshop: Workshop, tsa: DevelopmentTsa) -> None:
    sealer = LicenseSealer(workshop.ring, (PadesTimestamped(client_of(tsa)),))
    seal = workshop.seals[EC_SEAL]
    page = one_page(sealer.reserved_bytes(seal, "pades-b-t"))
    one, two = (sealer.seal(page, seal, "pades-b-t", signed_at=NOW) for _ in range(2))

    def info(data: bytes) -> cms.ContentInfo:
        return cms.ContentInfo.load(bytes.fromhex(data[page.hole_start + 1 : page.hole_end - 1].decode()))

    mixed, token = info(one), info(two)["content"]["signer_infos"][0]["unsigned_attrs"]
    mixed["content"]["signer_infos"][0]["unsigned_attrs"] = token
    der = mixed.dump()
    assert token.contents in der
    findings = look(workshop, page.fill(der))
    assert findings.indication is not Indication.TOTAL_PASSED


def test_a_change_behind_long_term_data_fails(workshop: Workshop, tsa: DevelopmentTsa) -> None:
    long_term = add_validation_data(level_t(workshop, tsa, EC_SEAL), data_for(workshop, EC_SEAL))
    changed = with_revision(long_term, {4: b"<< /Length 0 >>\nstream\n\nendstream"})
    assert look(workshop, changed).indication is Indication.TOTAL_FAILED


def test_without_an_authority_nothing_is_sealed(workshop: Workshop) -> None:
    def down(url: str, body: bytes) -> bytes:
        raise ConnectionRefusedError

    client = TimestampClient(("https://tsa.example",), down, SystemIds())
    sealer = LicenseSealer(workshop.ring, (PadesTimestamped(client),))
    seal = workshop.seals[EC_SEAL]
    page = one_page(sealer.reserved_bytes(seal, "pades-b-t"))
    with pytest.raises(SigningError, match="时间戳服务均不可用"):
        sealer.seal(page, seal, "pades-b-t", signed_at=NOW)


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7\n%%EOF"])
def test_a_broken_file_takes_no_long_term_data(tsa: DevelopmentTsa, data: bytes) -> None:
    with pytest.raises(SigningError):
        add_validation_data(data, ValidationData())
    with pytest.raises(SigningError):
        add_document_timestamp(data, client_of(tsa))
