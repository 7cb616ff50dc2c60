"""Where one request ends and the next begins: a message that two readers could cut differently reaches no route.

The HTTP server is the one that ``serve`` starts, with its parser and its settings; behind it stands a door that writes
down every request that came through.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
import uvicorn

from certsvc.api.limits import DoorLimits

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: zz.example.gov.cn\r\n\r\n"
ANSWER_S = 60.0


@dataclass
class Door:
    """A listening server, and the paths that it was asked for with the bytes that came with each."""

    port: int = 0
    asked: list[tuple[str, int]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body to its end, write the request down, answer."""
        size, more = 0, True
        while more:
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False) and message["type"] != "http.disconnect"
        self.asked.append((scope["path"], size))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    def send(self, data: bytes) -> bytes:
        """What comes back over one connection until it is closed or silent."""
        self.asked.clear()
        with socket.create_connection(("127.0.0.1", self.port), timeout=ANSWER_S) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            found = b""
            while part := connection.recv(65536):
                found += part
        return found


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    found = Door()
    app = DoorLimits(found, max_upload_bytes=1024 * 1024)
    listener = socket.create_server(("127.0.0.1", 0))
    found.port = listener.getsockname()[1]
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, proxy_headers=False, lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    for _ in range(600):
        if server.started:
            break
        time.sleep(0.05)
    yield found
    server.should_exit = True
    thread.join(30)
    listener.close()


def request(*headers: bytes, body: bytes = b"", line: bytes = b"POST /seen HTTP/1.1") -> bytes:
    return b"\r\n".join([line, b"Host: zz.example.gov.cn", *headers, b"", body])


def test_what_is_framed_once_comes_through(door: Door) -> None:
    assert door.send(request(b"Content-Length: 3", body=b"abc") + HIDDEN).count(b"HTTP/1.1 200") == 2
    assert door.asked == [("/seen", 3), ("/hidden", 0)], "this test sees a second request when there is one"
    door.send(request(b"Transfer-Encoding: chunked", body=b"3\r\nabc\r\n0\r\n\r\n"))
    assert door.asked == [("/seen", 3)]


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([b"Content-Length: 4", b"Transfer-Encoding: chunked"], b"0\r\n\r\n" + HIDDEN),
        ([b"Transfer-Encoding: chunked", b"Content-Length: 4"], b"0\r\n\r\n" + HIDDEN),
        ([b"Content-Length: 0", b"Content-Length: 50"], HIDDEN),
        ([b"Content-Length: 50", b"Content-Length: 0"], HIDDEN),
        ([b"Content-Length: 0, 50"], HIDDEN),
        ([b"Content-Length: +0"], HIDDEN),
        ([b"Content-Length: -1"], HIDDEN),
        ([b"Content-Length: 0x0"], HIDDEN),
        ([b"Content-Length : 0"], HIDDEN),
        ([b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"], b"0\r\n\r\n" + HIDDEN),
        ([b"Transfer-Encoding: xchunked", b"Content-Length: 5"], b"0\r\n\r\n" + HIDDEN),
        ([b"Transfer-Encoding : chunked", b"Content-Length: 5"], b"0\r\n\r\n" + HIDDEN),
        ([b"Transfer-Encoding: chunked"], b"3x\r\nabc\r\n0\r\n\r\n" + HIDDEN),
        ([b"Transfer-Encoding: chunked"], b"-1\r\n\r\n" + HIDDEN),
        ([b"Transfer-Encoding: chunked"], b"fffffffffffffffff\r\nabc" + HIDDEN),
        ([b"X: a\nContent-Length: 0"], HIDDEN),
        ([b"X: a\r\n folded", b"Content-Length : 0"], HIDDEN),
    ],
)
def test_what_two_readers_could_cut_differently_hides_no_request(door: Door, headers: list[bytes], body: bytes) -> None:
    answer = door.send(request(*headers, body=body))
    assert "/hidden" not in [path for path, _ in door.asked], answer
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert not answer or answer.startswith(b"HTTP/1.1 4"), "refused, not guessed at"
