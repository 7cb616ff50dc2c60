"""Routes that take one JSON body from one caller, answered without the framework's general way there.

FastAPI solves every route's dependencies anew at each request, with a stack for what is to be closed and a cache for
what was asked twice, and reads the kind of the body with a mail parser: half of what a scan cost the event loop. What
a route declares stays the same, and so does what is asked of a request, in the same order: its body, its caller, its
headers, the body's shape. Routes that declare anything else go the general way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from fastapi import params
from fastapi.concurrency import run_in_threadpool
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.utils import request_body_to_args, request_params_to_args
from fastapi.exceptions import RequestValidationError
from pydantic_core import PydanticUndefined
from starlette._utils import is_async_callable
from starlette.responses import Response

from certsvc.api.auth import Access, PublicAccess

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fastapi._compat import ModelField
    from fastapi.dependencies.models import Dependant
    from fastapi.routing import APIRoute
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    Door = Access | PublicAccess

UNSET = PydanticUndefined
"""The value of a body that is empty."""


def lean_app(
    route: APIRoute, read_body: Callable[[Scope, Receive, Send], Awaitable[tuple[Request, Any]]]
) -> ASGIApp | None:
    """The application of a route, or None for one that declares more than a body, a caller and headers.

    ``read_body`` gives a request and its JSON value, :data:`UNSET` for an empty body.
    """
    doors = _doors(route)
    if doors is None:
        return None
    answer = _Answer(route, doors)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request, body = await read_body(scope, receive, send)
        response = await answer(request, body)
        await response(scope, receive, send)

    return app


class _Answer:
    """From a request and its body to a response."""

    def __init__(self, route: APIRoute, doors: list[tuple[str | None, Door]]) -> None:
        self._doors = doors
        self._declared = declared = route.dependant
        self._endpoint = declared.call
        self._waits = is_async_callable(declared.call)
        self._status = route.status_code or 200
        self._field = cast("ModelField", route.response_field)  # :func:`_doors` let no other pass
        self._by_alias = route.response_model_by_alias

    async def __call__(self, request: Request, body: Any) -> Response:
        """Answer; the errors are those of the framework's own way.

        Raises:
            RequestValidationError: headers or body have not the declared shape.
        """
        declared = self._declared
        values: dict[str, Any] = {}
        errors: list[Any] = []
        for name, door in self._doors:
            caller = await door(request)  # of a public door None
            if name is not None:
                values[name] = caller
        if declared.header_params:
            found, errors = request_params_to_args(declared.header_params, request.headers)
            values.update(found)
        found, wrong = await request_body_to_args(declared.body_params, body, embed_body_fields=False)
        values.update(found)
        if errors or wrong:
            raise RequestValidationError([*errors, *wrong], body=None if body is UNSET else body)
        told: Response | None = None
        if declared.request_param_name:
            values[declared.request_param_name] = request
        if declared.response_param_name:
            told = values[declared.response_param_name] = Response()
            del told.headers["content-length"]
            told.status_code = None  # type: ignore[assignment]  # as the framework's: what the endpoint sets counts
        endpoint = cast("Callable[..., Any]", self._endpoint)
        given = await endpoint(**values) if self._waits else await run_in_threadpool(endpoint, **values)
        return given if isinstance(given, Response) else self._response(given, told)

    def _response(self, given: Any, told: Response | None) -> Response:
        field = self._field
        value, errors = field.validate(given, {}, loc=("response",))
        if errors:
            msg = f"the answer of {self._declared.path} is not of its declared shape"
            raise RuntimeError(msg)
        content = field.serialize_json(value, by_alias=self._by_alias)
        status = self._status if told is None or not told.status_code else told.status_code
        response = Response(content, status_code=status, media_type="application/json")
        if told is not None:
            response.raw_headers.extend(told.raw_headers)
        return response


def _doors(route: APIRoute) -> list[tuple[str | None, Door]] | None:
    """The doors of a route and the names of their callers; None when it is not one for this way."""
    declared = route.dependant
    more = (
        declared.path_params,
        declared.query_params,
        declared.cookie_params,
        declared.background_tasks_param_name,
        declared.http_connection_param_name,
        declared.websocket_param_name,
        declared.security_scopes_param_name,
        route.response_model_include,
        route.response_model_exclude,
        route.response_model_exclude_unset,
        route.response_model_exclude_defaults,
        route.response_model_exclude_none,
        route.stream_item_field,
        route.is_json_stream,
    )
    one_body = len(declared.body_params) == 1 and not _embedded(route)
    usual = isinstance(route.response_class, DefaultPlaceholder) and route.response_field is not None
    doors = [_door(one) for one in declared.dependencies]
    apart = len({id(one.call) for one in declared.dependencies}) == len(doors)
    if any(more) or not one_body or not usual or not apart or None in doors:
        return None
    return [one for one in doors if one is not None]


def _embedded(route: APIRoute) -> bool:
    info = route.body_field.field_info if route.body_field is not None else None
    return route._embed_body_fields or isinstance(info, params.Form | params.File)  # noqa: SLF001  (no other name)


def _door(declared: Dependant) -> tuple[str | None, Door] | None:
    """One dependency, when it is a door that asks for the request alone."""
    if not isinstance(declared.call, Access | PublicAccess) or declared.dependencies:
        return None
    return declared.name, declared.call
