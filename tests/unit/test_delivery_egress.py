"""The one way out: what it calls, and everything that it does not."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from httpcore._backends.sync import SyncStream

from certsvc.delivery.egress import Egress, EgressRefused, TooLate, _Deadline, _TimedStream, is_public, origin_of

CUT_S = 10
"""Whoever would go on for ever was cut off by then, also on a machine that does other things."""


class Listener(BaseHTTPRequestHandler):
    """Counts every request, and answers by its path."""

    seen: list[str]

    def do_POST(self) -> None:
        self.seen.append(self.path)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")  # type: ignore[attr-defined]
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        if self.path == "/endless":
            try:
                for _ in range(200):
                    self.wfile.write(b"x" * 65536)
            except OSError:
                return
        elif self.path == "/slow":
            try:
                for _ in range(40):
                    self.wfile.write(b"x")
                    self.wfile.flush()
                    threading.Event().wait(0.1)
            except OSError:
                return
        else:
            self.wfile.write(b"got " + body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    seen: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Counting", (Listener,), {"seen": seen}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()


def test_a_listed_origin_is_called_and_its_answer_comes_back() -> None:
    with listening() as (base, seen):
        answer = Egress(allowed=[base]).post(f"{base}/ok", {"content-type": "text/plain"}, b"body")
    assert (answer.status, answer.body, seen) == (200, b"got body", ["/ok"])


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with listening() as (base, seen):
        answer = Egress(allowed=[base]).post(f"{base}/redirect", {}, b"")
    assert (answer.status, seen) == (302, ["/redirect"])


def test_an_endless_answer_and_a_slow_one_are_cut_off() -> None:
    with listening() as (base, _):
        with pytest.raises(OSError, match="字节"):
            Egress(allowed=[base], max_bytes=100_000).post(f"{base}/endless", {}, b"")
        with pytest.raises(OSError, match="秒"):
            Egress(allowed=[base], timeout_s=0.5).post(f"{base}/slow", {}, b"")


INSIDE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104
    "255.255.255.255",
    "224.0.0.1",
    "198.18.0.1",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2001:db8::1",
    "not an address",
]


@pytest.mark.parametrize("address", INSIDE)
def test_no_inner_address_is_public_in_any_spelling(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside_is_refused_before_anything_is_sent(address: str) -> None:
    with pytest.raises(EgressRefused):
        Egress(resolve=lambda _host, _port: (address,)).post("https://tsa.example/", {}, b"secret")


def test_one_inner_address_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(EgressRefused):
        Egress(resolve=lambda _host, _port: ("1.1.1.1", "10.0.0.1")).post("https://tsa.example/", {}, b"")


def test_the_name_is_asked_once_so_that_it_cannot_change_its_mind() -> None:
    answers = iter([("203.0.113.7",), ("127.0.0.1",)])
    asked: list[str] = []

    def fickle(host: str, _port: int) -> tuple[str, ...]:
        asked.append(host)
        return next(answers)

    with listening() as (base, seen):
        port = base.rsplit(":", 1)[1]
        # 203.0.113.0/24 is documentation space: refused, and the second answer is never asked for.
        with pytest.raises(EgressRefused):
            Egress(resolve=fickle).post(f"https://rebinding.example:{port}/", {}, b"")
    assert asked == ["rebinding.example"]
    assert seen == []


@pytest.mark.parametrize(
    "url",
    [
        "http://tsa.example/",
        "ftp://tsa.example/",
        "file:///etc/passwd",
        "gopher://tsa.example/",
        "https://user:word@tsa.example/",
        "https:///nothing",
        "//tsa.example/",
        "",
        "https://[::1",
        "https://tsa.example:99999/",
        "http://127.0.0.1:1/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://127.1/",
        "https://localhost/",
    ],
)
def test_what_is_no_public_https_address_is_not_called(url: str) -> None:
    with pytest.raises((EgressRefused, OSError)):
        Egress(timeout_s=2).post(url, {}, b"")


def test_listing_an_origin_lists_no_other_port_and_no_other_scheme() -> None:
    with listening() as (base, seen):
        with listening() as (other, others), pytest.raises(EgressRefused):
            Egress(allowed=[base]).post(other, {}, b"")
        assert (seen, others) == ([], [])
    assert origin_of("HTTPS://TSA.Example./x") == origin_of("https://tsa.example:443/y")


def test_the_environment_cannot_put_a_proxy_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as (proxy, proxied), listening() as (base, seen):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("ALL_PROXY", proxy)
        Egress(allowed=[base]).post(f"{base}/ok", {}, b"")
    assert (proxied, seen) == ([], ["/ok"])


@contextmanager
def dripping(serve: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """A bare socket server that treats its one caller as ``serve`` does; its port."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    serve(connection, done)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            done.set()
            thread.join(5)


def drip(connection: socket.socket, done: threading.Event, text: bytes) -> None:
    """One byte every 50 ms: no single read ever waits long."""
    for index in range(len(text)):
        if done.wait(0.05):
            return
        connection.sendall(text[index : index + 1])


def headers_in_drops(connection: socket.socket, done: threading.Event) -> None:
    connection.recv(65536)
    drip(connection, done, b"HTTP/1.1 200 OK\r\n" + b"x-filler: 1\r\n" * 400 + b"\r\n")


def interim_answers_for_ever(connection: socket.socket, done: threading.Event) -> None:
    connection.recv(65536)
    drip(connection, done, b"HTTP/1.1 103 Early Hints\r\n\r\n" * 400)


def handshake_in_drops(connection: socket.socket, done: threading.Event) -> None:
    connection.recv(65536)
    drip(connection, done, b"\x16\x03\x03\x3f\xff\x02" + bytes(4000))


def nothing_at_all(connection: socket.socket, done: threading.Event) -> None:
    del connection
    done.wait(20)


@pytest.mark.parametrize(
    ("scheme", "serve"),
    [
        ("http", headers_in_drops),
        ("http", interim_answers_for_ever),
        ("http", nothing_at_all),
        ("https", handshake_in_drops),
        ("https", nothing_at_all),
    ],
)
def test_one_deadline_stands_over_handshake_and_headers_too(
    scheme: str, serve: Callable[[socket.socket, threading.Event], None]
) -> None:
    with dripping(serve) as port:
        url = f"{scheme}://127.0.0.1:{port}"
        started = time.monotonic()
        with pytest.raises(OSError, match=r"0\.5 秒"):
            Egress(allowed=[url], timeout_s=0.5).post(url, {}, b"question")
        assert 0.4 < time.monotonic() - started < CUT_S


def test_a_connection_that_came_too_late_for_its_handshake_is_closed() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        stream = _TimedStream(SyncStream(ours), _Deadline(0))
        with pytest.raises(TooLate):
            stream.start_tls(ssl.create_default_context(), "tsa.example")
        assert ours.fileno() == -1


def test_a_reader_that_takes_the_question_too_slowly_is_cut_off() -> None:
    def sip(connection: socket.socket, done: threading.Event) -> None:
        while not done.wait(0.02):
            connection.recv(1024)

    with dripping(sip) as port:
        url = f"http://127.0.0.1:{port}"
        started = time.monotonic()
        with pytest.raises(OSError, match=r"0\.5 秒"):
            Egress(allowed=[url], timeout_s=0.5).post(url, {}, b"x" * 64_000_000)
        assert time.monotonic() - started < CUT_S


def test_a_name_that_takes_too_long_and_addresses_that_do_not_answer_share_the_deadline() -> None:
    found = threading.Event()

    def slow(_host: str, _port: int) -> tuple[str, ...]:
        found.wait(3 * CUT_S)
        return ("1.1.1.1",)

    started = time.monotonic()
    with pytest.raises(OSError, match=r"0\.3 秒"):
        Egress(resolve=slow, timeout_s=0.3).post("https://tsa.example/", {}, b"")
    assert time.monotonic() - started < CUT_S
    found.set()
    # Sockets whose queue is full answer no connection; ten such addresses do not get ten times the time.
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        with contextlib.ExitStack() as waiting:
            for _ in range(3):
                one = waiting.enter_context(socket.socket())
                one.settimeout(0)
                one.connect_ex(("127.0.0.1", port))
            url = f"http://busy.example:{port}"
            egress = Egress(allowed=[url], resolve=lambda _host, _port: ("127.0.0.1",) * 10, timeout_s=0.5)
            started = time.monotonic()
            with pytest.raises(OSError, match=r"0\.5 秒"):
                egress.post(url, {}, b"")
            assert time.monotonic() - started < 4, "not half a second for each of ten"


def test_where_a_redirect_leads_is_asked_by_no_code_of_ours() -> None:
    """A hop that is not followed is inside every rule; a caller that read ``location`` would need both anew."""
    places = Path(__file__).resolve().parents[2] / "certsvc"
    rooms = [path for path in places.rglob("*.py") if "egress" in path.read_text("utf-8")]
    assert [
        path.name for path in rooms if re.search(r"headers(\.get\(|\[)[\"']location", path.read_text("utf-8"))
    ] == []
