"""A seal kept by a province's platform: a real HTTP server that has a quota, delays and outages, and may lie."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from signing_pages import EC_SEAL, NOW, SM2_SEAL, Workshop, one_page, open_workshop

from certsvc.clock import SystemClock
from certsvc.commands.ports import TrustChoice
from certsvc.errors import ConfigurationError, SigningError, Unavailable, UseUnknown
from certsvc.seal.verdict import Reason
from certsvc.signing.cms import make_template
from certsvc.signing.der import generalized_time, integer, tlv
from certsvc.signing.inspector import PdfInspector
from certsvc.signing.remote_sealer import PlatformClient, RemoteFormat, RemoteKeyRing
from certsvc.signing.seal_object import SealDirectory
from certsvc.signing.sealer import LicenseSealer

TOKEN = "secret-token-of-the-service"
TIMEOUT_S = 0.5


@dataclass
class Platform:
    """The fake platform; its behaviour is changed by its attributes."""

    workshop: Workshop
    quota: int = 1000
    delay: threading.Event = field(default_factory=threading.Event)
    slow: bool = False
    down: bool = False
    lie: str = ""
    uses: int = 0

    def answer(self, path: str, authorization: str | None, body: Mapping[str, str]) -> tuple[int, Any]:
        if authorization != f"Bearer {TOKEN}":
            return 401, {}
        if self.down:
            return 503, {}
        if self.slow:
            self.delay.wait(5)
        seal = self.workshop.seals.get(body["seal"])
        if seal is None:
            return 404, {}
        ring, public = self.workshop.ring, self.workshop.ring.certificate(seal.key_id)
        if path == "/certificates":
            chain = (public.certificate, *public.issuers)
            ders = [base64.b64encode(one.public_bytes(serialization.Encoding.DER)).decode() for one in chain]
            return 200, {"certificates": ders if self.lie != "no certificates" else ["AAAA"]}
        if path == "/proofs":
            key_id = self.workshop.seals[EC_SEAL].key_id if self.lie == "other key" else seal.key_id
            digest = "sha256" if self.lie == "other key" else body["digest"]
            value = ring.sign_digest(key_id, digest, base64.b64decode(body["data"]))
            return 200, {"signature": base64.b64encode(value).decode()}
        if self.uses >= self.quota:
            return 429, {}
        self.uses += 1
        return 200, {"contents": base64.b64encode(self.contents(seal.key_id, body)).decode()}

    def contents(self, key_id: str, body: Mapping[str, str]) -> bytes:
        digest = base64.b64decode(body["digest"])
        if self.lie == "other page":
            digest = hashlib.new("sm3", b"another page").digest()
        at = datetime.fromisoformat(body["signed_at"])
        public, ring = self.workshop.ring.certificate(key_id), self.workshop.ring
        if self.lie == "junk":
            return b"junk"
        if body["form"] == "cms":
            template = make_template(public, signing_time=True)
            signature = ring.sign_digest(key_id, template.suite.digest, template.to_be_signed(digest, at))
            return template.assemble(digest, signature, at)
        seal = SealDirectory(self.workshop.seal_objects).seal_of(key_id)
        to_sign = tlv(0x30, integer(4), seal, generalized_time(at), tlv(3, b"\x00", digest), tlv(0x16, b"remote"))
        value = ring.sign_digest(key_id, "sm3", to_sign + (b" " if self.lie == "bad signature" else b""))
        certificate = public.certificate.public_bytes(serialization.Encoding.DER)
        oid = bytes.fromhex("06082a811ccf55018375")
        return tlv(0x30, to_sign, tlv(4, certificate), oid, tlv(3, b"\x00", value))


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("ring"))


@pytest.fixture
def platform(workshop: Workshop) -> Platform:
    return Platform(workshop)


@pytest.fixture
def client(platform: Platform) -> Iterator[PlatformClient]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = platform.answer(self.path, self.headers["Authorization"], body)
            try:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())
            except BrokenPipeError:
                return

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield PlatformClient(f"http://127.0.0.1:{httpd.server_address[1]}/", TOKEN, post)
        platform.delay.set()
        httpd.shutdown()
        thread.join()


def post(url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT_S)
    try:
        connection.request("POST", parts.path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def seal_page(workshop: Workshop, client: PlatformClient, form: str, seal_id: str = SM2_SEAL) -> bytes:
    ring = RemoteKeyRing(client, [seal_id])
    seal = replace(workshop.seals[seal_id], key_id=seal_id)
    sealer = LicenseSealer(ring, (RemoteFormat("ses"), RemoteFormat("cms")))
    name = f"remote-{form}"
    page = one_page(sealer.reserved_bytes(seal, name), sub_filter=sealer.sub_filter(name))
    return sealer.seal(page, seal, name, signed_at=NOW)


@pytest.mark.parametrize(("form", "seal_id"), [("ses", SM2_SEAL), ("cms", SM2_SEAL), ("cms", EC_SEAL)])
def test_a_page_sealed_by_the_platform_passes(
    workshop: Workshop, platform: Platform, client: PlatformClient, form: str, seal_id: str
) -> None:
    sealed = seal_page(workshop, client, form, seal_id)
    findings = PdfInspector(workshop.anchors).inspect(sealed, TrustChoice(), NOW + timedelta(hours=1))
    assert findings.reason is Reason.OK
    assert platform.uses == 1


def test_quota_outage_and_delay_come_out_as_try_again_and_nothing_is_sealed(
    workshop: Workshop, platform: Platform, client: PlatformClient
) -> None:
    ring = RemoteKeyRing(client, [SM2_SEAL])
    sealer = LicenseSealer(ring, (RemoteFormat("ses"),))
    seal = replace(workshop.seals[SM2_SEAL], key_id=SM2_SEAL)
    page = one_page(sealer.reserved_bytes(seal, "remote-ses"), sub_filter="GM.sm2seal")
    platform.quota = 2
    for _ in range(2):
        sealer.seal(page, seal, "remote-ses", signed_at=NOW)
    with pytest.raises(Unavailable, match="额度") as refused:
        sealer.seal(page, seal, "remote-ses", signed_at=NOW)
    assert not isinstance(refused.value, UseUnknown)
    platform.quota, platform.down = 1000, True
    with pytest.raises(UseUnknown, match="HTTP 503"):
        sealer.seal(page, seal, "remote-ses", signed_at=NOW)
    platform.down, platform.slow = False, True
    clock = SystemClock()
    begun = clock.monotonic()
    with pytest.raises(UseUnknown, match="无应答"):
        sealer.seal(page, seal, "remote-ses", signed_at=NOW)
    assert clock.monotonic() - begun < 60 * TIMEOUT_S
    # Every request is a use, answered or not: that is what reservations are counted against.
    assert ring.operations(SM2_SEAL) == 5


@pytest.mark.parametrize("form", ["ses", "cms"])
@pytest.mark.parametrize("lie", ["other page", "junk"])
def test_what_the_platform_returns_is_verified_before_it_is_used(
    workshop: Workshop, platform: Platform, client: PlatformClient, lie: str, form: str
) -> None:
    platform.lie = lie
    with pytest.raises(SigningError, match="未采用"):
        seal_page(workshop, client, form)


def test_a_bad_signature_of_the_platform_is_not_used(
    workshop: Workshop, platform: Platform, client: PlatformClient
) -> None:
    platform.lie = "bad signature"
    with pytest.raises(SigningError, match="未采用"):
        seal_page(workshop, client, "ses")


def test_a_platform_that_does_not_hold_the_key_is_found_out_at_the_start(
    platform: Platform, client: PlatformClient
) -> None:
    platform.lie = "other key"
    with pytest.raises(ConfigurationError, match="不匹配"):
        RemoteKeyRing(client, [SM2_SEAL])
    platform.lie = "no certificates"
    with pytest.raises(SigningError, match="证书无法读取"):
        RemoteKeyRing(client, [SM2_SEAL])


def test_refusals_and_wrong_tokens_are_told_without_the_token(client: PlatformClient) -> None:
    with pytest.raises(SigningError, match="HTTP 404"):
        RemoteKeyRing(client, ["seal_of_nobody"])
    stranger = PlatformClient(client._base, "wrong-token", post)
    with pytest.raises(SigningError, match="HTTP 401") as caught:
        RemoteKeyRing(stranger, [SM2_SEAL])
    assert "wrong-token" not in caught.value.detail
    assert TOKEN not in repr(client)


def test_a_platform_signs_pages_and_nothing_else(workshop: Workshop, client: PlatformClient) -> None:
    ring = RemoteKeyRing(client, [SM2_SEAL])
    assert ring.key_ids() == (SM2_SEAL,)
    with pytest.raises(SigningError, match="整页签章"):
        ring.sign_digest(SM2_SEAL, "sm3", b"anything")
    with pytest.raises(SigningError, match="没有印章"):
        ring.certificate("nobody")
    local = LicenseSealer(workshop.ring, (RemoteFormat("ses"),))
    seal = workshop.seals[SM2_SEAL]
    with pytest.raises(SigningError, match="只能使用省级平台"):
        local.seal(one_page(40000, sub_filter="GM.sm2seal"), seal, "remote-ses", signed_at=NOW)
