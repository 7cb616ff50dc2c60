"""What every facade does around a verb: read the body strictly, sign in, ask, put the answer into its envelope.

Answers are HTTP 200 with the facade's own code in the body, as its clients expect; only "too often" is 429. A call that
signed in leaves an evidence row, whatever came of it. Tokens, secrets, codes and addresses are in no log: nothing of a
request is logged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import structlog
from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from starlette.responses import JSONResponse, Response

from certsvc.api.auth import PublicAccess, address_of, deps_of, rate_of
from certsvc.api.facades.codes import code_of
from certsvc.api.problems import status_of
from certsvc.commands.facades.accounts import note_call, require_verb
from certsvc.commands.issuance.body import shape_problems
from certsvc.errors import CertsvcError, InvalidInput, RateLimited, Unauthenticated, UnsupportedMedia
from certsvc.events.strict_json import read_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import APIRouter

    from certsvc.commands.facades.accounts import Call
    from certsvc.commands.ports import Deps
    from certsvc.license.facades import FacadeName

log = structlog.get_logger("certsvc.facades")

WITHHELD_ZH = "服务内部出现问题，已记录，请稍后再试"
NO_STORE = {"Cache-Control": "no-store"}
INTERNAL_STATUS = 500


class FacadeAccess(PublicAccess):
    """Declares that the account of a facade opens the route; :func:`answer` signs it in and counts, in its envelope."""

    async def __call__(self, request: Request) -> None:
        """Nothing yet: a refusal here would not be in the facade's envelope."""


FACADE = FacadeAccess()


class Envelope(Protocol):
    """How a facade says who calls, what it answers, and what went wrong."""

    @property
    def facade(self) -> FacadeName:
        """Which one."""
        ...

    def sign_in(self, deps: Deps, request: Request, body: Any) -> Call:
        """The account behind a request; Unauthenticated."""
        ...

    def login_of(self, body: Any) -> str:
        """The login that a request names, to count failed sign-ins; empty when it names none."""
        ...

    def success(self, deps: Deps, data: Any, body: Any) -> dict[str, Any]:
        """The answer."""
        ...

    def failure(self, deps: Deps, code: str, message: str, body: Any) -> dict[str, Any]:
        """The refusal."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of a verb."""

    deps: Deps
    call: Call
    request: Request
    body: Any


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb: its path behind the base, its name in accounts, the shape of its request, and what it does.

    Attributes:
        noted: whether the work notes the call itself, in the transaction of what it uses up.
    """

    path: str
    name: str
    shape: type[BaseModel]
    work: Callable[[Asked], Any]
    noted: bool = False


async def _raw(request: Request) -> bytes:
    return await request.body()


Raw = Annotated[bytes, Depends(_raw)]


def add_verbs(router: APIRouter, envelope: Envelope, verbs: tuple[Verb, ...]) -> None:
    """A route for every verb; none of them is in the OpenAPI document, which does not change with settings."""
    for verb in verbs:
        router.add_api_route(
            verb.path,
            _endpoint(envelope, verb),
            methods=["POST"],
            name=verb.name,
            dependencies=[Depends(FACADE)],
            include_in_schema=False,
            response_class=JSONResponse,
        )


def _endpoint(envelope: Envelope, verb: Verb) -> Callable[[Request, bytes], Response]:
    def endpoint(request: Request, raw: Raw) -> Response:
        return answer(request, raw, envelope, verb)

    # FastAPI reads annotations of closures in the module's names; these two are not strings to it.
    endpoint.__annotations__ = {"request": Request, "raw": Raw, "return": Response}
    return endpoint


def answer(request: Request, raw: bytes, envelope: Envelope, verb: Verb) -> Response:
    """Carry out one request."""
    deps, body, call = deps_of(request), None, None
    try:
        rate_of(request).count(f"address:{address_of(request)}")
        body = _read(request, raw, verb.shape)
        call = signed_in(request, envelope, body)
        require_verb(call, verb.name)
        said = envelope.success(deps, verb.work(Asked(deps, call, request, body)), body)
        if not verb.noted:
            note_call(deps, call, verb.name, "")
    except CertsvcError as error:
        said, code = refused(deps, envelope, error, body, verb.name)
        response = JSONResponse(said, headers=NO_STORE)
        if isinstance(error, RateLimited):
            response = JSONResponse(
                said, status_code=429, headers={**NO_STORE, "Retry-After": str(error.retry_after_s)}
            )
        if call is not None:
            _note_refusal(deps, call, verb.name, code)
        return response
    return JSONResponse(said, headers=NO_STORE)


def _note_refusal(deps: Deps, call: Call, verb: str, code: str) -> None:
    """A store that is away may be why it was refused: the answer stays in its envelope, the log says what lacks."""
    try:
        note_call(deps, call, verb, code)
    except CertsvcError as error:
        log.error("facade call not noted", action="facade.unnoted", verb=verb, reason=error.code)  # noqa: TRY400


def signed_in(request: Request, envelope: Envelope, body: Any) -> Call:
    """The account; failed sign-ins count against the address, and against the address at that login (no secret)."""
    rate, address, login = rate_of(request), address_of(request), envelope.login_of(body)
    named = f"{envelope.facade.value}:{login}" if login else ""
    rate.check_guesses(address, named)
    try:
        call = envelope.sign_in(deps_of(request), request, body)
    except Unauthenticated:
        rate.count_guess(address, named)
        raise
    rate.count(f"subject:{call.caller.subject}")
    return call


def refused(deps: Deps, envelope: Envelope, error: CertsvcError, body: Any, verb: str) -> tuple[dict[str, Any], str]:
    """The refusal in the facade's words, and its code."""
    code, message = code_of(envelope.facade, error), error.detail
    if status_of(error) == INTERNAL_STATUS:
        log.error("facade failed", action="facade.error", facade=envelope.facade.value, verb=verb, reason=error.code)
        message = WITHHELD_ZH
    elif error.problems and error.problems[0].detail not in message:
        message = f"{message}（{error.problems[0].detail}）"
    return envelope.failure(deps, code, message, body), code


def _read(request: Request, raw: bytes, shape: type[BaseModel]) -> BaseModel:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise UnsupportedMedia("请以 JSON 发送，并注明 Content-Type: application/json")
    try:
        return shape.model_validate(read_json(raw))
    except ValidationError as error:
        raise InvalidInput("请求内容有误，请按提示更正", problems=shape_problems(error)) from error
