"""A TCP proxy that misbehaves as told: between the service and a real server, never instead of one."""

from __future__ import annotations

import socket
import struct
import threading
import time
from dataclasses import dataclass, field

CHUNK = 16 * 1024


@dataclass
class FaultProxy:
    """Listens on loopback and passes bytes on to ``port``; change the fields at any time.

    Attributes:
        down: connections are refused (closed at once), as if nothing listened.
        delay_s: how long an answer is held back.
        reset_after: bytes of a connection's requests after which it is reset.
        silent: nothing is passed on either way and nothing is ended, as if the other host had vanished.
        lie_to_puts: PUT requests are answered 200 and go nowhere.
    """

    port: int
    down: bool = False
    delay_s: float = 0.0
    reset_after: int | None = None
    silent: bool = False
    lie_to_puts: bool = False
    lied: int = 0
    _listener: socket.socket = field(init=False)
    _open: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        """``host:port`` of this proxy."""
        host, port = self._listener.getsockname()
        return f"{host}:{port}"

    def cut(self) -> None:
        """End every connection now."""
        for one in self._open:
            _reset(one)
        self._open.clear()

    def close(self) -> None:
        """Stop listening and end every connection."""
        self.down = True
        self._listener.close()
        self.cut()

    def _hold(self) -> None:
        while self.silent and not self.down:
            time.sleep(0.02)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.down:
                _reset(client)
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                _reset(client)
                continue
            self._open += [client, server]
            threading.Thread(target=self._upward, args=(client, server), daemon=True).start()
            threading.Thread(target=self._downward, args=(server, client), daemon=True).start()

    def _upward(self, client: socket.socket, server: socket.socket) -> None:
        passed = 0
        try:
            while data := client.recv(CHUNK):
                self._hold()
                if self.lie_to_puts and data.startswith(b"PUT "):
                    self._lie(client, data)
                    continue
                if self.reset_after is not None and passed + len(data) > self.reset_after:
                    server.sendall(data[: max(0, self.reset_after - passed)])
                    _reset(client)
                    _reset(server)
                    return
                passed += len(data)
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
        except OSError:
            _reset(server)

    def _downward(self, server: socket.socket, client: socket.socket) -> None:
        try:
            while data := server.recv(CHUNK):
                self._hold()
                if self.delay_s:
                    time.sleep(self.delay_s)
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            _reset(client)

    def _lie(self, client: socket.socket, data: bytes) -> None:
        """Swallow the whole request, whose length its header tells, and say that all went well."""
        head, _, body = data.partition(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
        left = int({name.lower(): value for name, value in fields.items()}[b"content-length"]) - len(body)
        while left > 0:
            left -= len(client.recv(min(CHUNK, left)))
        self.lied += 1
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def _reset(one: socket.socket) -> None:
    """End with RST instead of FIN."""
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    one.close()
