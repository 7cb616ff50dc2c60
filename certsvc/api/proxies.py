"""What proxies say of a request, and from whom it is believed."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, cast

from certsvc.errors import Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import Request

    from certsvc.commands.ports import Deps, Policy

LOOPBACK = ("127.0.0.1/32", "::1/128")
"""Whose ``X-Forwarded-For`` is believed where no proxy is configured: one on this machine."""
_LOGGED_BITS = {4: 24, 6: 48}
"""Of an address what logs may hold; the rest, which could be a household's, stays with the proxy."""
MAX_HOPS = 20
"""Addresses of ``X-Forwarded-For`` that are looked at; stops headers made to be long."""
MAX_KNOWN = 1024
"""Addresses of which it is remembered whether they are a proxy's, the least used goes first: whoever sends from many,
or makes them up, cannot fill the memory."""
MAX_ADDRESS_CHARS = 64
"""Longer text is no address, and not remembered either."""


def peer_of(request: Request) -> str:
    """The address at the other end of the connection."""
    return request.client.host if request.client else ""


def client_address(request: Request) -> str:
    """Where a request comes from: the last address that no proxy of ours has, else the peer.

    ``X-Forwarded-For`` of anybody else is not looked at: it would let a guesser count as many.
    """
    peer, trusted = peer_of(request), policy_of(request).trusted_proxies or LOOPBACK
    if not is_trusted(peer, trusted):
        return peer
    hops = [hop.strip() for line in request.headers.getlist("x-forwarded-for") for hop in line.split(",")]
    for hop in reversed(hops[-MAX_HOPS:]):
        if not _is_address(hop):
            return peer
        if not is_trusted(hop, trusted):
            return hop
    return peer


def network_of(request: Request) -> str:
    """The network that a request comes from, for logs: enough to see who guesses, too little to be a person's."""
    address = client_address(request)
    if not _is_address(address):
        return ""
    found = ip_address(address)
    return str(ip_network(f"{found}/{_LOGGED_BITS[found.version]}", strict=False))


def presented_certificate(request: Request) -> str:
    """The header in which a trusted proxy passes the client's certificate; empty when there is none to believe.

    Raises:
        Unauthenticated: it is there more than once, so one of them is not the proxy's.
    """
    policy = policy_of(request)
    if not policy.certificate_header or not is_trusted(peer_of(request), policy.trusted_proxies):
        return ""
    values = request.headers.getlist(policy.certificate_header)
    if len(values) > 1:
        raise Unauthenticated("客户端证书的请求头重复，请检查代理配置：须先清除来自外部的同名请求头")
    return values[0].strip() if values else ""


def policy_of(request: Request) -> Policy:
    """The settings of this process."""
    return cast("Deps", request.app.state.deps).policy


def is_trusted(address: str, networks: Sequence[str]) -> bool:
    """Whether an address lies in one of the networks."""
    return len(address) <= MAX_ADDRESS_CHARS and _lies_in(address, tuple(networks))


@lru_cache(maxsize=MAX_KNOWN)
def _lies_in(address: str, networks: tuple[str, ...]) -> bool:
    if not _is_address(address):
        return False
    found = ip_address(address)
    # A socket for both kinds of address tells of IPv4 peers as ::ffff:10.1.2.3.
    found = found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
    return any(found in network for network in _read(networks))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=16)
def _read(networks: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(one) for one in networks)
