"""The worker process of :mod:`certsvc.signing.isolated`: reads files from a socket, answers findings, one at a time.

It starts with an empty environment, no secrets, no open files but the socket, and a limit on its memory. One message
is a 4-byte length and that many bytes. A request is JSON (moment, and anchors, intermediates and CRLs in hexadecimal)
in one message and the file in the next; the answer is JSON in one message.
"""

from __future__ import annotations

import json
import resource
import socket
import struct
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

from certsvc.signing.findings_json import dump_findings
from certsvc.signing.inspector import judge_file
from certsvc.signing.trust import TrustAnchors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_MESSAGE = 64 * 1024 * 1024
"""Longest message that either side accepts: an upload is smaller, findings are far smaller."""

READY = b"ready"

ANCHOR_PARTS = ("anchors", "intermediates", "crls")
"""Names in a request of the parts of :class:`~certsvc.signing.trust.TrustAnchors`, in their order."""

_LENGTH = struct.Struct(">I")
_CHUNK = 1 << 20


def send(channel: socket.socket, data: bytes) -> None:
    """Send one message."""
    channel.sendall(_LENGTH.pack(len(data)) + data)


def receive(channel: socket.socket, time_left: Callable[[], float] | None = None) -> bytes:
    """Receive one message; EOFError when the other side is gone, ValueError when it is too long.

    ``time_left`` is asked before every read, so that a sender that trickles bytes cannot stretch a deadline.
    """
    (size,) = _LENGTH.unpack(_exactly(channel, _LENGTH.size, time_left))
    if size > MAX_MESSAGE:
        msg = "message too long"
        raise ValueError(msg)
    return _exactly(channel, size, time_left)


def main(arguments: Sequence[str]) -> None:
    """Serve until the parent closes the socket; ``arguments`` are the socket's descriptor and the bytes of memory."""
    descriptor, memory = int(arguments[0]), int(arguments[1])
    # Before any file is read: memory for a bomb runs out here and not on the machine.
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with socket.socket(fileno=descriptor) as channel:
        send(channel, READY)
        while True:
            try:
                request = json.loads(receive(channel))
                data = receive(channel)
            except EOFError:
                return
            send(channel, _answer(request, data))


def _answer(request: dict[str, Any], data: bytes) -> bytes:
    anchors, intermediates, crls = (tuple(bytes.fromhex(der) for der in request[name]) for name in ANCHOR_PARTS)
    trust = TrustAnchors(anchors, intermediates, crls, revocation_required=request["revocation_required"])
    return dump_findings(judge_file(data, trust, datetime.fromisoformat(request["moment"])))


def _exactly(channel: socket.socket, size: int, time_left: Callable[[], float] | None) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        if time_left is not None:
            channel.settimeout(time_left())
        part = channel.recv(min(_CHUNK, size - len(parts)))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


if __name__ == "__main__":
    main(sys.argv[1:])
