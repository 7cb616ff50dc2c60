"""What a file can make the verifier do: connect nowhere, wait not long, and never pass on what nobody answered."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID
from fixtures_city import ServedCity
from signing_pages import one_page
from signing_strangers import make_stranger, sealed_by

from certsvc.clock import SystemClock

PAST = timedelta(days=30)
HOLE = 8000


@contextmanager
def counting() -> Iterator[tuple[str, list[str]]]:
    """A listener that counts every connection, whatever is spoken."""
    seen: list[str] = []
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.2)
    stop = threading.Event()

    def accept() -> None:
        while not stop.is_set():
            try:
                connection, address = server.accept()
            except OSError:
                continue
            seen.append(address[0])
            connection.close()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}", seen
    finally:
        stop.set()
        thread.join()
        server.close()


def foreign_file(url: str, directory: Path) -> tuple[bytes, bytes]:
    """A file sealed by a stranger whose certificate and page point to ``url`` in every way; and the stranger's root."""
    name = x509.UniformResourceIdentifier(f"{url}/x")
    access = [
        x509.AccessDescription(AuthorityInformationAccessOID.OCSP, name),
        x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, name),
    ]
    point = x509.DistributionPoint(full_name=[name], relative_name=None, reasons=None, crl_issuer=None)
    now = SystemClock().now()
    stranger = make_stranger(
        begins=now - PAST,
        ends=now + PAST,
        extensions=(x509.CRLDistributionPoints([point]), x509.AuthorityInformationAccess(access)),
    )
    page = one_page(HOLE, docmdp=0, text=f"see {url}/page".replace(":", "."))
    return sealed_by(stranger, page, directory), stranger.root.public_bytes(Encoding.PEM)


def trusting(
    make_city: Callable[..., ServedCity], sqlite_url: str, directory: Path, root: bytes, **more: object
) -> ServedCity:
    trust = directory / "trust"
    trust.mkdir()
    (trust / "stranger.pem").write_bytes(root)
    return make_city(sqlite_url, trust_dir=trust, **more)


def ask(city: ServedCity, data: bytes) -> dict[str, object]:
    files = {"file": ("x.pdf", data, "application/pdf")}
    return dict(city.answer(city.client.post("/v1/verifications/file", files=files), 200))


def test_an_upload_never_makes_us_connect_where_the_operator_listed_nothing(
    sqlite_url: str, make_city: Callable[..., ServedCity], tmp_path: Path
) -> None:
    with counting() as (url, seen):
        data, root = foreign_file(url, tmp_path)
        city = trusting(make_city, sqlite_url, tmp_path, root)
        answer = ask(city, data)
        # The chain reaches an anchor, so every address was read; none was called.
        assert answer["trust"] == "good"
        assert "revocation" in answer["not_checked"]  # type: ignore[operator]
        assert answer["unreachable"] == [], "whoever was not asked did not fail"
        assert seen == []


def test_a_listed_publisher_that_is_away_gives_cannot_be_checked_now(
    sqlite_url: str, make_city: Callable[..., ServedCity], tmp_path: Path
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        data, root = foreign_file(url, tmp_path)
        crls = tmp_path / "crls"
        crls.mkdir()
        city = trusting(
            make_city, sqlite_url, tmp_path, root, egress_allowed=(url,), crl_dir=crls, revocation_required=True
        )
        clock = SystemClock()
        begun = clock.monotonic()
        answer = ask(city, data)
        assert clock.monotonic() - begun < 10
        assert (answer["indication"], answer["reason"], answer["family"]) == (
            "INDETERMINATE",
            "revocation_unknown",
            "later",
        )
        assert answer["unreachable"] == ["127.0.0.1"]


def test_a_listed_publisher_that_says_nothing_is_not_waited_for(
    sqlite_url: str, make_city: Callable[..., ServedCity], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=8) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        data, root = foreign_file(url, tmp_path)
        city = trusting(make_city, sqlite_url, tmp_path, root, egress_allowed=(url,))
        clock = SystemClock()
        begun = clock.monotonic()
        answer = ask(city, data)
        assert clock.monotonic() - begun < 15
        assert answer["indication"] != "TOTAL-PASSED"
        begun = clock.monotonic()
        ask(city, data)
        assert clock.monotonic() - begun < 3, "the second asker does not wait again"
