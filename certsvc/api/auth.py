"""Who may call a route: every route declares an :class:`Access`; a test walks all routes."""

# No postponed annotations here: FastAPI reads those of a callable object before it could resolve their names.
from typing import cast

from fastapi import Request
from starlette.datastructures import State

from certsvc.api.desks import SignInDesk
from certsvc.api.proxies import client_address
from certsvc.api.rate import QUOTA, RateLimiter
from certsvc.commands.access.roles import require
from certsvc.commands.ports import Deps, Principal
from certsvc.errors import Unauthenticated

BEARER = "bearer "
MAX_TOKEN_LENGTH = 4096
"""Characters of a bearer token; ours have fewer than 800. Stops oversized input before it is parsed."""


def deps_of(request: Request) -> Deps:
    """The ports, as ``app.py`` built them, over the catalog in effect when the request came."""
    kept = request.scope.setdefault("state", {})  # what ``request.state`` is over
    deps = kept.get("deps")
    if deps is None:
        deps = kept["deps"] = _pinned(request.app.state)
    return cast("Deps", deps)


def _pinned(state: State) -> Deps:
    """The ports over the catalog in effect, made anew when another one has come into effect since."""
    ports = cast("Deps", state.deps)
    kept = cast("tuple[Deps, Deps] | None", getattr(state, "pinned", None))
    if kept is None or kept[0] is not ports or kept[1].catalog is not ports.catalog:
        kept = state.pinned = (ports, ports.pinned())
    return kept[1]


def rate_of(request: Request) -> RateLimiter:
    """The counter of calls."""
    return cast("RateLimiter", request.app.state.rate)


def sign_in_desk_of(request: Request) -> SignInDesk:
    """Where the callers of this process are looked up."""
    return cast("SignInDesk", request.app.state.sign_in_desk)


def address_of(request: Request) -> str:
    """Where the request comes from, for counting."""
    return client_address(request)


class Access:
    """A dependency that lets callers with one of ``roles`` through and gives the principal."""

    def __init__(self, *roles: str, also_none: bool = False) -> None:
        """``also_none`` lets in whoever is bound without a role too: to leave needs none."""
        self.roles = roles
        self._also_none = also_none

    async def __call__(self, request: Request) -> Principal:
        """Authenticate, count the call, and check the role; a failed sign-in counts against the address."""
        rate, address = rate_of(request), address_of(request)
        rate.check_guesses(address)
        try:
            caller = await sign_in_desk_of(request).ask(deps_of(request), bearer_of(request))
        except Unauthenticated:
            rate.count_guess(address)
            raise
        setattr(request.state, QUOTA, rate.count(f"subject:{caller.subject}"))
        if not self._also_none:
            require(caller, *self.roles)
        return caller


def bearer_of(request: Request) -> str:
    """The token of a request; Unauthenticated without one."""
    header = request.headers.get("authorization", "")
    if not header.lower().startswith(BEARER) or len(header) > MAX_TOKEN_LENGTH:
        raise Unauthenticated("请先取得访问令牌，并以 Authorization: Bearer 携带")
    return header[len(BEARER) :].strip()


class PublicAccess:
    """Declares on purpose that anyone may call the route; counted by address."""

    async def __call__(self, request: Request) -> None:
        """Let everyone through who does not come too often."""
        setattr(request.state, QUOTA, rate_of(request).count(f"address:{address_of(request)}"))


PUBLIC = PublicAccess()
