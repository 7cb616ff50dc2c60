"""Routes of one list, and those whose path has no parts to fill in found by their name.

FastAPI looks for the route of a request in every included router, twice, after it has counted the versions of them all;
with more than forty routers that was a third of a scan's work. A route needs nothing of the router it was written in.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, Match, Route

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Receive, Scope, Send


class ExactPaths(BaseRoute):
    """Stands before the list and answers for every path of it that is one fixed text."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._by_path: defaultdict[str, list[Route]] = defaultdict(list)
        for route in routes:
            if isinstance(route, Route) and not route.param_convertors:
                self._by_path[route.path].append(route)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As the first route of this path that takes the method; else as the first, which says which it takes."""
        if scope["type"] != "http":
            return Match.NONE, {}
        partial: tuple[Match, Scope] = Match.NONE, {}
        for route in self._by_path.get(scope["path"], ()):
            match, found = route.matches(scope)
            found = {**found, "route": route}
            if match is Match.FULL:
                return match, found
            if partial[0] is Match.NONE:
                partial = match, found
        return partial

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand over to the route that was found."""
        await scope["route"].handle(scope, receive, send)
