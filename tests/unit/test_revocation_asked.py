"""Revocation asked of publishers: only of those the operator listed, under limits, and never passed when unanswered."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID
from signing_pages import NOW, one_page
from signing_strangers import Stranger, make_stranger, sealed_by

from certsvc.clock import SystemClock
from certsvc.commands.ports import TrustChoice
from certsvc.delivery.egress import Egress
from certsvc.delivery.revocations import BUDGET_S, FetchedRevocations
from certsvc.seal.verdict import FileFindings, Indication, Reason, RevocationQuery
from certsvc.signing.inspector import PdfInspector
from certsvc.signing.revocation import RevocationData, Standing, is_answer
from certsvc.signing.trust import TrustAnchors

HOLE = 6000
WEEK = timedelta(days=7)


class Publisher(BaseHTTPRequestHandler):
    """Gives out one body, and counts who asked."""

    body: bytes
    seen: list[bytes]

    def do_GET(self) -> None:
        self.seen.append(b"")
        self._answer()

    def do_POST(self) -> None:
        self.seen.append(self.rfile.read(int(self.headers.get("content-length", 0))))
        self._answer()

    def _answer(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.body)  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def publishing() -> Iterator[tuple[ThreadingHTTPServer, str, list[bytes]]]:
    seen: list[bytes] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("One", (Publisher,), {"seen": seen}))
    server.body = b""  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server, f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()


def crl_of(stranger: Stranger, *, revoked: bool) -> bytes:
    builder = x509.CertificateRevocationListBuilder().issuer_name(stranger.root.subject)
    builder = builder.last_update(NOW - WEEK).next_update(NOW + WEEK)
    if revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(stranger.certificate.serial_number)
        builder = builder.add_revoked_certificate(entry.revocation_date(NOW - timedelta(hours=12)).build())
    return builder.sign(stranger.root_key, hashes.SHA256()).public_bytes(Encoding.DER)


def ocsp_of(stranger: Stranger, *, revoked: bool) -> bytes:
    status = ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=stranger.certificate,
        issuer=stranger.root,
        algorithm=hashes.SHA1(),  # noqa: S303  (the identifier of RFC 6960, no signature)
        cert_status=status,
        this_update=NOW - WEEK,
        next_update=NOW + WEEK,
        revocation_time=NOW - timedelta(hours=12) if revoked else None,
        revocation_reason=None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.NAME, stranger.root)
    return builder.sign(stranger.root_key, hashes.SHA256()).public_bytes(Encoding.DER)


def points_to(url: str, kind: str) -> x509.ExtensionType:
    name = x509.UniformResourceIdentifier(url)
    if kind == "crl":
        point = x509.DistributionPoint(full_name=[name], relative_name=None, reasons=None, crl_issuer=None)
        return x509.CRLDistributionPoints([point])
    return x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.OCSP, name)])


def asking(egress: Egress, listed: tuple[str, ...]) -> FetchedRevocations:
    return FetchedRevocations(egress, listed, is_answer=is_answer)


def judged(data: bytes, stranger: Stranger, choice: TrustChoice, *, required: bool = False) -> FileFindings:
    anchors = TrustAnchors((stranger.root.public_bytes(Encoding.DER),), revocation_required=required)
    return PdfInspector(anchors).inspect(data, choice, NOW)


@pytest.mark.parametrize("kind", ["crl", "ocsp"])
@pytest.mark.parametrize("revoked", [False, True])
def test_a_listed_publisher_is_asked_and_its_answer_decides(tmp_path: Path, kind: str, revoked: bool) -> None:
    with publishing() as (server, url, seen):
        stranger = make_stranger(extensions=(points_to(f"{url}/one", kind),))
        make = crl_of if kind == "crl" else ocsp_of
        server.body = make(stranger, revoked=revoked)  # type: ignore[attr-defined]
        data = sealed_by(stranger, one_page(HOLE, docmdp=0), tmp_path)
        first = judged(data, stranger, TrustChoice())
        assert first.indication is Indication.TOTAL_PASSED
        assert "revocation" in first.not_checked
        assert [query.kind for query in first.wanted] == [kind]
        answers = asking(Egress(allowed=(url,)), (url,)).ask(first.wanted, NOW)
        assert answers.unreachable == ()
        second = judged(data, stranger, TrustChoice(crls=answers.crls, ocsps=answers.ocsps))
        assert "revocation" not in second.not_checked
        assert second.wanted == ()
        assert second.reason is (Reason.CERT_REVOKED if revoked else Reason.OK)
        assert len(seen) == 1


def test_an_address_that_is_not_listed_is_never_connected_to(tmp_path: Path) -> None:
    with publishing() as (_, url, seen):
        stranger = make_stranger(extensions=(points_to(f"{url}/one", "crl"), points_to(f"{url}/two", "ocsp")))
        first = judged(sealed_by(stranger, one_page(HOLE, docmdp=0), tmp_path), stranger, TrustChoice())
        assert len(first.wanted) == 2
        answers = asking(Egress(), ("https://crl.example",)).ask(first.wanted, NOW)
        assert (answers.crls, answers.ocsps, answers.unreachable) == ((), (), ())
        assert seen == []


def test_nothing_is_wanted_for_a_chain_that_reaches_no_anchor(tmp_path: Path) -> None:
    stranger = make_stranger(extensions=(points_to("http://127.0.0.1:9/one", "crl"),))
    data = sealed_by(stranger, one_page(HOLE, docmdp=0), tmp_path)
    findings = judged(data, make_stranger(), TrustChoice())
    assert findings.reason is Reason.UNTRUSTED_CHAIN
    assert findings.wanted == ()


def test_a_publisher_that_is_away_gives_no_pass_where_an_answer_is_demanded(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        stranger = make_stranger(extensions=(points_to(f"{url}/one", "crl"),))
        data = sealed_by(stranger, one_page(HOLE, docmdp=0), tmp_path)
        findings = judged(data, stranger, TrustChoice(), required=True)
        assert (findings.indication, findings.reason) == (Indication.INDETERMINATE, Reason.REVOCATION_UNKNOWN)
        answers = asking(Egress(allowed=(url,)), (url,)).ask(findings.wanted, NOW)
        assert answers.unreachable == ("127.0.0.1",)


def test_silent_publishers_cost_no_more_than_the_budget() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=16) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        source = asking(Egress(allowed=(url,), timeout_s=1.0), (url,))
        queries = [RevocationQuery(kind="crl", url=f"{url}/{number}") for number in range(20)]
        clock = SystemClock()
        begun = clock.monotonic()
        assert source.ask(queries, NOW).unreachable == ("127.0.0.1",)
        assert clock.monotonic() - begun < BUDGET_S + 2
        begun = clock.monotonic()
        source.ask(queries[:3], NOW)
        assert clock.monotonic() - begun < 0.5, "a host that is away is left alone for a while"


def test_an_answer_is_used_again_only_for_a_while(tmp_path: Path) -> None:
    with publishing() as (server, url, seen):
        listed = crl_of(make_stranger(), revoked=False)
        server.body = listed  # type: ignore[attr-defined]
        source = asking(Egress(allowed=(url,)), (url,))
        query = (RevocationQuery(kind="crl", url=f"{url}/one"),)
        for minutes in (0, 5, 11):
            assert source.ask(query, NOW + timedelta(minutes=minutes)).crls == (listed,)
        assert len(seen) == 2


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ldap://x/y", "http://" + "a" * 600])
def test_addresses_of_other_kinds_are_not_even_questions(tmp_path: Path, url: str) -> None:
    stranger = make_stranger(extensions=(points_to(url, "crl"),))
    findings = judged(sealed_by(stranger, one_page(HOLE, docmdp=0), tmp_path), stranger, TrustChoice())
    assert findings.wanted == ()


@pytest.mark.parametrize("body", [b"<html>maintenance</html>", b"", b"\x30\x03\x0a\x01\x03"])
def test_an_answer_that_is_none_is_a_failure_of_its_host(body: bytes) -> None:
    with publishing() as (server, url, seen):
        server.body = body  # type: ignore[attr-defined]
        source = asking(Egress(allowed=(url,)), (url,))
        queries = [RevocationQuery(kind=kind, url=f"{url}/{kind}") for kind in ("crl", "ocsp")]
        assert source.ask(queries, NOW).unreachable == ("127.0.0.1",)
        assert len(seen) == 1, "one failure is enough to leave the host alone"


@pytest.mark.parametrize(
    ("made", "ends", "known"),
    [
        (-1, 7, True),
        (-20, 10, False),  # brought, and three weeks old
        (1, 9, False),  # of tomorrow
        (-1, 6000, False),  # good for sixteen years
        (-9, -1, False),
    ],
)
def test_a_list_that_the_file_brings_speaks_only_while_it_is_fresh(made: int, ends: int, known: bool) -> None:
    stranger = make_stranger()
    builder = x509.CertificateRevocationListBuilder().issuer_name(stranger.root.subject)
    builder = builder.last_update(NOW + timedelta(days=made)).next_update(NOW + timedelta(days=ends))
    der = builder.sign(stranger.root_key, hashes.SHA256()).public_bytes(Encoding.DER)
    leaf, root = (
        asn1_x509.Certificate.load(one.public_bytes(Encoding.DER)) for one in (stranger.certificate, stranger.root)
    )
    data = RevocationData((), (), NOW, brought_crls=(der,))
    assert data.status(leaf, root).standing is (Standing.GOOD if known else Standing.UNKNOWN)


def test_an_old_list_still_tells_of_a_revocation() -> None:
    stranger = make_stranger()
    builder = x509.CertificateRevocationListBuilder().issuer_name(stranger.root.subject)
    builder = builder.last_update(NOW - timedelta(days=20)).next_update(NOW - timedelta(days=10))
    entry = x509.RevokedCertificateBuilder().serial_number(stranger.certificate.serial_number)
    builder = builder.add_revoked_certificate(entry.revocation_date(NOW - timedelta(days=21)).build())
    der = builder.sign(stranger.root_key, hashes.SHA256()).public_bytes(Encoding.DER)
    leaf, root = (
        asn1_x509.Certificate.load(one.public_bytes(Encoding.DER)) for one in (stranger.certificate, stranger.root)
    )
    assert RevocationData((), (), NOW, brought_crls=(der,)).status(leaf, root).standing is Standing.REVOKED
