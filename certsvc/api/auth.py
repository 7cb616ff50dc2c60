"""Who may call a route: every route declares an :class:`Access`; a test walks all routes."""

# No postponed annotations here: FastAPI reads those of a callable object before it could resolve their names.
from typing import cast

from fastapi import Request

from certsvc.commands.access.principals import authenticate
from certsvc.commands.access.roles import require
from certsvc.commands.ports import Deps, Principal
from certsvc.errors import Unauthenticated

BEARER = "bearer "
MAX_TOKEN_LENGTH = 4096
"""Characters of a bearer token; ours have fewer than 800. Stops oversized input before it is parsed."""


def deps_of(request: Request) -> Deps:
    """The ports, as ``app.py`` built them."""
    return cast("Deps", request.app.state.deps)


class Access:
    """A dependency that lets callers with one of ``roles`` through and gives the principal."""

    def __init__(self, *roles: str) -> None:
        self.roles = roles

    def __call__(self, request: Request) -> Principal:
        """Authenticate and check the role."""
        header = request.headers.get("authorization", "")
        if not header.lower().startswith(BEARER) or len(header) > MAX_TOKEN_LENGTH:
            raise Unauthenticated("请先取得访问令牌，并以 Authorization: Bearer 携带")
        caller = authenticate(deps_of(request), header[len(BEARER) :].strip())
        require(caller, *self.roles)
        return caller


class PublicAccess:
    """Declares on purpose that anyone may call the route."""

    def __call__(self) -> None:
        """Let everyone through."""


PUBLIC = PublicAccess()
