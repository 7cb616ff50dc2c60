"""A worker process of :mod:`certsvc.signing.worker_pool`: reads files from a socket, answers bytes, one at a time.

It starts with an empty environment, no secrets, no open files but the socket, and a limit on its memory. One message
is a 4-byte length and that many bytes: a JSON request, then the file; the answer is two, that it was taken and what
came of it. What is done with them is the function that the pool names.
"""

from __future__ import annotations

import importlib
import json
import resource
import socket
import struct
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_MESSAGE = 64 * 1024 * 1024
"""Longest message that either side accepts: an upload is smaller, findings are far smaller."""

READY = b"ready"
TAKEN = b"taken"
"""Said when a file is there whole: a worker that dies afterwards died over it."""

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
    """Serve until the parent closes the socket; ``arguments``: its descriptor, bytes of memory, ``module:function``."""
    descriptor, memory = int(arguments[0]), int(arguments[1])
    module, _, function = arguments[2].partition(":")
    answer = getattr(importlib.import_module(module), function)
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
            send(channel, TAKEN)
            send(channel, answer(request, data))


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
