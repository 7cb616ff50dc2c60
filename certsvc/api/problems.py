"""The only map from errors to HTTP: RFC 9457 problem documents with Chinese titles and stable codes.

An unknown error becomes a 500 whose text is withheld. Missing and forbidden objects are both 404 (they look alike).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from certsvc import errors
from certsvc.api.proxies import network_of
from certsvc.commands.issuance.body import field_problem

if TYPE_CHECKING:
    from fastapi import FastAPI

log = structlog.get_logger("certsvc.api")

PROBLEM_JSON = "application/problem+json"
TYPE_BASE = "urn:certsvc:problem:"
RETRY_AFTER_S = 5
MAX_PROBLEMS = 100
"""Faults named in one answer: a body of a hundred thousand wrong keys must not grow into one ten times its size."""

STATUS: dict[type[errors.CertsvcError], int] = {
    errors.InvalidInput: 422,
    errors.TooLarge: 413,
    errors.UnsupportedMedia: 415,
    errors.NotAcceptable: 406,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Refused: 403,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.Stale: 412,
    errors.RateLimited: 429,
    errors.Unavailable: 503,
    errors.ConfigurationError: 500,
    errors.RenderingError: 422,
    errors.SigningError: 503,
    errors.IntegrityError: 500,
    errors.CertsvcError: 500,
}
"""Coarse kind -> status; a subclass takes the status of its nearest ancestor here."""

HTTP_TITLES = {
    400: ("bad_request", "请求格式有误"),
    404: ("not_found", "未找到"),
    405: ("method_not_allowed", "不支持的请求方法"),
    415: ("unsupported_media_type", "不支持的内容类型"),
}

HTTP_DETAILS = {
    400: "请求体无法读取，请检查内容类型与编码后重发",
    404: "没有这个地址，请对照接口文档（/v1/openapi.json）核对路径",
    405: "此地址不支持该请求方法，可用的方法见响应头 Allow",
}
"""What to do about them."""


def status_of(error: errors.CertsvcError) -> int:
    """The HTTP status of an error."""
    return next(STATUS[cls] for cls in type(error).__mro__ if cls in STATUS)


def problem_document(
    *, code: str, title: str, status: int, detail: str, problems: tuple[errors.FieldProblem, ...] = ()
) -> dict[str, Any]:
    """An RFC 9457 document with ``code`` and, for faults in fields, ``errors``."""
    document: dict[str, Any] = {
        "type": TYPE_BASE + code,
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if problems:
        shown = problems[:MAX_PROBLEMS]
        document["errors"] = [{"pointer": p.pointer, "code": p.code, "detail": p.detail} for p in shown]
    return document


def document_of(error: errors.CertsvcError) -> dict[str, Any]:
    """The document of an error of ours; the text of what ended in a 500 is withheld and logged."""
    status, detail = status_of(error), error.detail
    if status == 500:  # noqa: PLR2004
        log.error("request failed", action="api.error", reason=error.code)
        detail = "服务内部出现问题，已记录，请稍后再试"
    return problem_document(
        code=error.code, title=error.title_zh, status=status, detail=detail, problems=error.problems
    )


def answer(document: dict[str, Any], *, retry_after_s: int = RETRY_AFTER_S) -> JSONResponse:
    """The document as a response."""
    status = int(document["status"])
    headers: dict[str, str] = {}
    if status in {429, 503}:
        headers["Retry-After"] = str(retry_after_s)
    if status == 406:  # noqa: PLR2004
        headers["Vary"] = "Accept"
    if status == 401:  # noqa: PLR2004
        headers["WWW-Authenticate"] = 'Bearer realm="certsvc"'
    return JSONResponse(document, status_code=status, headers=headers, media_type=PROBLEM_JSON)


def install(app: FastAPI) -> None:
    """Register the handlers."""

    def on_certsvc_error(request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, errors.CertsvcError):
            raise error
        if isinstance(error, errors.Unauthenticated | errors.Forbidden):
            _note_refusal(request, error)
        if isinstance(error, errors.RateLimited | errors.ClockInDoubt):
            return answer(document_of(error), retry_after_s=error.retry_after_s)
        return answer(document_of(error))

    def on_shape_error(_request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, RequestValidationError):
            raise error
        problems = tuple(_shape(item) for item in error.errors())
        return answer(
            problem_document(
                code="invalid_input",
                title=errors.InvalidInput.title_zh,
                status=422,
                detail="请求内容有误，请按提示逐项更正",
                problems=problems,
            )
        )

    def on_http_error(_request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, HTTPException):
            raise error
        code, title = HTTP_TITLES.get(error.status_code, ("http_error", "请求有误"))
        detail = HTTP_DETAILS.get(error.status_code, title)
        found = answer(problem_document(code=code, title=title, status=error.status_code, detail=detail))
        found.headers.update(error.headers or {})  # Allow of a 405 (RFC 9110 §15.5.6)
        return found

    def on_anything(_request: Request, error: Exception) -> JSONResponse:
        log.error("unexpected error", action="api.crashed", exc_info=error)
        return answer(
            problem_document(
                code="internal", title="内部错误", status=500, detail="服务内部出现问题，已记录，请稍后再试"
            )
        )

    app.add_exception_handler(errors.CertsvcError, on_certsvc_error)
    app.add_exception_handler(RequestValidationError, on_shape_error)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(Exception, on_anything)


def _note_refusal(request: Request, error: errors.CertsvcError) -> None:
    """One line of who was not let in (ASVS 5.0 V16.3.1, V16.3.2); which person it was stands with the proxy."""
    route = getattr(request.scope.get("route"), "path", "")
    log.warning(
        "not let in",
        action="access.refused",
        reason=error.code,
        status=status_of(error),
        method=request.method,
        route=route,
        network=network_of(request),
    )


def _shape(item: dict[str, Any]) -> errors.FieldProblem:
    """One of pydantic's errors; the value sent is never repeated, it may be personal."""
    place, *rest = [str(part) for part in item["loc"]]
    steps = rest if place == "body" else [place, *rest]
    return field_problem(item, steps)
