"""The one way out: every URL that this service calls goes through here (DESIGN.md 8).

The attack is SSRF (OWASP ASVS 5.0 §1.3.6, §13.2.4): a URL that leads to the cloud's metadata, to a neighbour's
database, or, by a name that changes between check and use, to both. So:

1. only https, unless the operator listed the origin;
2. the name is resolved once, every address is checked, and the connection goes to an address that was checked;
3. no private, loopback, link-local, multicast or reserved address, in any spelling, unless the operator listed the
   origin;
4. no redirects, no proxies of the environment, no cookies;
5. the answer is cut at a size;
6. one deadline stands over name, connection, TLS, request, headers and body together: a server that sends one byte of
   its headers a second (slow loris) keeps every single read short, and would hold a worker for ever.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpcore

from certsvc.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MAX_ANSWER_BYTES = 1024 * 1024
"""Longest answer: an endless one would eat the memory of the caller."""

TIMEOUT_S = 10.0
"""The whole exchange, from the name to the last byte: a slow answer must not hold a worker."""

_INSIDE = "{} 指向内部地址，不予访问；如确需访问，请由运维列入允许的地址"
_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back: status, headers in lower case, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class EgressRefused(Unavailable):
    """The URL leads where this service does not go."""

    code = "egress_refused"
    title_zh = "不允许访问的地址"
    title_en = "This address is not called"


class Egress:
    """Calls URLs under the rules above. Safe to share between threads; each call has a connection of its own."""

    def __init__(
        self,
        *,
        allowed: Iterable[str] = (),
        timeout_s: float = TIMEOUT_S,
        max_bytes: int = MAX_ANSWER_BYTES,
        resolve: Callable[[str, int], tuple[str, ...]] | None = None,
    ) -> None:
        """Call public https addresses, and the ``allowed`` origins (``http://tsa.example``) wherever they are.

        ``resolve`` gives the addresses of a name; tests put a resolver there that changes its mind.
        """
        self._allowed = frozenset(origin_of(url) for url in allowed)
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._resolve = resolve or _addresses

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to a POST; EgressRefused or OSError as :meth:`call`."""
        return self.call("POST", url, headers, body)

    def check(self, url: str) -> None:
        """What can be said of a URL before it is called: EgressRefused for one that never will be.

        A host that is an address, in whatever spelling the resolver takes for one, is looked at here; a name is
        resolved when it is called, and not before: by then it may lead elsewhere.
        """
        origin = self._called(url)
        host = urlsplit(url).hostname or ""
        address = _as_address(host)
        inner = "." not in host.rstrip(".") if address is None else not is_public(address)
        if inner and origin not in self._allowed:
            raise EgressRefused(_INSIDE.format(host))

    def post_only(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to a POST without its body, which is not read: a status is all that the caller wants.

        Raises as :meth:`call`.
        """
        return self.call("POST", url, headers, body, read=False)

    def call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", *, read: bool = True
    ) -> Answer:
        """The answer, whatever its status.

        Raises:
            EgressRefused: a URL or an address that is not called.
            ConnectionRefusedError: there was nobody to send it to; nothing went out.
            OSError: no answer, too late, or too long.
        """
        origin = self._called(url)
        listed = origin in self._allowed
        backend = _CheckedBackend(self._resolve, _Deadline(self._timeout_s), listed=listed)
        try:
            with (
                httpcore.ConnectionPool(network_backend=backend, max_connections=1) as pool,
                pool.stream(method, url, headers=list(headers.items()), content=body) as response,
            ):
                content = self._read(response) if read else b""
                plain = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
                return Answer(status=response.status, headers=plain, body=content)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            msg = f"{origin} 无法连接（{type(error).__name__}）"
            raise ConnectionRefusedError(msg) from error
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            msg = f"{origin} 无应答（{type(error).__name__}）"
            raise OSError(msg) from error
        except (httpcore.UnsupportedProtocol, UnicodeError, ValueError) as error:
            msg = f"地址 {origin} 无法使用"
            raise EgressRefused(msg) from error

    def _called(self, url: str) -> str:
        """The origin of a URL that may be called as far as its scheme goes; EgressRefused."""
        origin = origin_of(url)
        if origin not in self._allowed and urlsplit(url).scheme.lower() != "https":
            msg = f"只访问 https 地址：{origin}；如确需访问，请由运维列入允许的地址"
            raise EgressRefused(msg)
        return origin

    def _read(self, response: httpcore.Response) -> bytes:
        parts, size = [], 0
        for part in response.iter_stream():
            size += len(part)
            if size > self._max_bytes:
                msg = f"应答超过 {self._max_bytes} 字节"
                raise OSError(msg)
            parts.append(part)
        return b"".join(parts)


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, in one spelling; EgressRefused for what is no such URL."""
    try:
        parts = urlsplit(url)
        scheme = parts.scheme.lower()
        port = parts.port or _DEFAULT_PORTS[scheme]
    except (ValueError, KeyError) as error:
        msg = "只访问 http 与 https 地址"
        raise EgressRefused(msg) from error
    if not parts.hostname or parts.username is not None or parts.password is not None:
        msg = "地址中应有主机名，不能有用户名和口令"
        raise EgressRefused(msg)
    return f"{scheme}://{parts.hostname.lower().rstrip('.')}:{port}"


def is_public(address: str) -> bool:
    """Whether an IP address may be called unlisted; IPv4 inside IPv6 is judged as the IPv4 it is."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is None and found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            found = inner
    return found.is_global and not found.is_multicast


def _as_address(host: str) -> str | None:
    """The address that a host is by itself, also as ``127.1`` or ``0x7f000001``; None for a name."""
    if ":" in host:
        return host
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def _addresses(host: str, port: int) -> tuple[str, ...]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


class TooLate(OSError):
    """The deadline of the exchange passed."""


class _Deadline:
    """The end of one exchange; every wait of it may last as long as is left, and no longer."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._ends = time.monotonic() + timeout_s

    def left(self) -> float:
        """Seconds until the end; TooLate when it has passed."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise self.passed()
        return left

    def passed(self) -> TooLate:
        """What is raised when it has."""
        return TooLate(f"{self._timeout_s:g} 秒内没有完成应答")


class _CheckedBackend(httpcore.SyncBackend):
    """Connects to an address that was checked, never to a name: what was resolved is what is called."""

    def __init__(self, resolve: Callable[[str, int], tuple[str, ...]], deadline: _Deadline, *, listed: bool) -> None:
        super().__init__()
        self._addresses = resolve
        self._deadline = deadline
        self._listed = listed

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first address that answers; refused when any address of the name is not public.

        ``timeout`` is not looked at: the deadline stands over all addresses together.
        """
        del timeout
        addresses = self._resolved(host, port)
        if not addresses or not (self._listed or all(map(is_public, addresses))):
            raise EgressRefused(_INSIDE.format(host))
        last: Exception = httpcore.ConnectError(host)
        for address in addresses:
            try:
                left = self._deadline.left()
                return _TimedStream(
                    super().connect_tcp(address, port, left, local_address, socket_options), self._deadline
                )
            except httpcore.ConnectTimeout:
                raise self._deadline.passed() from None
            except httpcore.ConnectError as error:
                last = error
        raise last

    def _resolved(self, host: str, port: int) -> tuple[str, ...]:
        """The addresses of the name; asked in a thread, since nothing can interrupt the resolver of the system."""
        answers: queue.SimpleQueue[tuple[str, ...] | OSError | ValueError] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answers.put(self._addresses(host, port))
            except (OSError, ValueError) as error:
                answers.put(error)

        threading.Thread(target=ask, name="egress-resolve", daemon=True).start()
        try:
            found = answers.get(timeout=self._deadline.left())
        except queue.Empty:
            raise self._deadline.passed() from None
        if isinstance(found, OSError):
            msg = f"域名 {host} 无法解析"
            raise httpcore.ConnectError(msg) from found
        if isinstance(found, ValueError):
            raise found
        return found

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Never."""
        del timeout, socket_options
        msg = f"不访问本机套接字 {path}"
        raise EgressRefused(msg)


class _TimedStream(httpcore.NetworkStream):
    """A connection on which every wait ends at the deadline, whatever the single wait was allowed."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Some bytes."""
        del timeout
        try:
            return self._stream.read(max_bytes, self._deadline.left())
        except httpcore.ReadTimeout:
            raise self._deadline.passed() from None

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of ``buffer``; piece by piece, since a reader may take it as slowly as a writer drips."""
        del timeout
        connection = self._stream.get_extra_info("socket")
        view = memoryview(buffer)
        while view:
            connection.settimeout(self._deadline.left())
            try:
                view = view[connection.send(view) :]
            except TimeoutError:
                raise self._deadline.passed() from None
            except OSError as error:
                raise httpcore.WriteError(str(error)) from error

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The connection under TLS; Python counts the time over the whole handshake."""
        del timeout
        try:
            left = self._deadline.left()
        except TooLate:
            self._stream.close()  # nobody else knows of it: it came to no handshake
            raise
        try:
            stream = self._stream.start_tls(ssl_context, server_hostname, left)
        except httpcore.ConnectTimeout:
            raise self._deadline.passed() from None
        return _TimedStream(stream, self._deadline)

    def close(self) -> None:
        """End it."""
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks of the connection."""
        return self._stream.get_extra_info(info)
