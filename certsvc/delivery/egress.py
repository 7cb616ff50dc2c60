"""The one way out: every URL that this service calls goes through here (DESIGN.md 8).

The attack is SSRF (OWASP ASVS 5.0 §1.3.6, §13.2.4): a URL that leads to the cloud's metadata, to a neighbour's
database, or, by a name that changes between check and use, to both. So:

1. only https, unless the operator listed the origin;
2. the name is resolved once, every address is checked, and the connection goes to an address that was checked;
3. no private, loopback, link-local, multicast or reserved address, in any spelling, unless the operator listed the
   origin;
4. no redirects, no proxies of the environment, no cookies;
5. the answer is cut at a size, and the whole exchange at a time.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpcore

from certsvc.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MAX_ANSWER_BYTES = 1024 * 1024
"""Longest answer: an endless one would eat the memory of the caller."""

TIMEOUT_S = 10.0
"""The whole exchange, from the name to the last byte: a slow answer must not hold a worker."""

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

    def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """The answer, whatever its status.

        Raises:
            EgressRefused: a URL or an address that is not called.
            OSError: no answer, too late, or too long.
        """
        origin = origin_of(url)
        listed = origin in self._allowed
        if not listed and urlsplit(url).scheme.lower() != "https":
            msg = f"只访问 https 地址：{origin}；如确需访问，请由运维列入允许的地址"
            raise EgressRefused(msg)
        deadline = time.monotonic() + self._timeout_s
        backend = _CheckedBackend(self._resolve, listed=listed)
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), self._timeout_s)
        try:
            with (
                httpcore.ConnectionPool(network_backend=backend, max_connections=1) as pool,
                pool.stream(
                    method, url, headers=list(headers.items()), content=body, extensions={"timeout": timeouts}
                ) as response,
            ):
                content = self._read(response, deadline)
                plain = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
                return Answer(status=response.status, headers=plain, body=content)
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            msg = f"{origin} 无应答（{type(error).__name__}）"
            raise OSError(msg) from error
        except (httpcore.UnsupportedProtocol, UnicodeError, ValueError) as error:
            msg = f"地址 {origin} 无法使用"
            raise EgressRefused(msg) from error

    def _read(self, response: httpcore.Response, deadline: float) -> bytes:
        parts, size = [], 0
        for part in response.iter_stream():
            size += len(part)
            if size > self._max_bytes:
                msg = f"应答超过 {self._max_bytes} 字节"
                raise OSError(msg)
            if time.monotonic() > deadline:
                msg = f"应答超过 {self._timeout_s:g} 秒"
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


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def _addresses(host: str, port: int) -> tuple[str, ...]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


class _CheckedBackend(httpcore.SyncBackend):
    """Connects to an address that was checked, never to a name: what was resolved is what is called."""

    def __init__(self, resolve: Callable[[str, int], tuple[str, ...]], *, listed: bool) -> None:
        super().__init__()
        self._addresses = resolve
        self._listed = listed

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first address that answers; refused when any address of the name is not public."""
        try:
            addresses = self._addresses(host, port)
        except OSError as error:
            msg = f"域名 {host} 无法解析"
            raise httpcore.ConnectError(msg) from error
        if not addresses or not (self._listed or all(map(is_public, addresses))):
            msg = f"{host} 指向内部地址，不予访问；如确需访问，请由运维列入允许的地址"
            raise EgressRefused(msg)
        last: Exception = httpcore.ConnectError(host)
        for address in addresses:
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last

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
