"""Routes whose JSON bodies are read strictly (``events/strict_json.py``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Request, params
from fastapi.routing import APIRoute

from certsvc.api.lean import UNSET, lean_app
from certsvc.errors import UnsupportedMedia
from certsvc.events.strict_json import read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send


class _StrictRequest(Request):
    """A request whose ``json()`` is ours."""

    _value: Any
    _read = False

    async def json(self) -> Any:
        """The body, read once."""
        if not self._read:
            self._value = read_json(await self.body())
            self._read = True
        return self._value


class JsonRoute(APIRoute):
    """A route whose JSON body is read strictly, and only from a body that calls itself JSON."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """As the framework's; a route of one body and one caller is answered by ``lean.py``."""
        super().__init__(*arguments, **named)
        self.general = self.app
        self.app = lean_app(self, _read) or self.general

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler behind the reader."""
        handle = super().get_route_handler()
        takes_json = self.body_field is not None and not isinstance(self.body_field.field_info, params.Form)

        async def read_first(request: Request) -> Response:
            strict = _StrictRequest(request.scope, request.receive)
            if takes_json:
                await _value_of(strict)
            return await handle(strict)

        return read_first


async def _value_of(request: _StrictRequest) -> Any:
    """The JSON value of a body that calls itself JSON; UNSET for an empty one.

    Raises:
        UnsupportedMedia: it calls itself something else.
        InvalidInput: it is not strict JSON.
    """
    if not await request.body():
        return UNSET
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMedia("请以 JSON 发送，并注明 Content-Type: application/json")
    return await request.json()


async def _read(scope: Scope, receive: Receive, send: Send) -> tuple[Request, Any]:
    request = _StrictRequest(scope, receive, send)
    return request, await _value_of(request)
