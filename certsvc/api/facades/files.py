"""The file behind a one-time address; the address is in no log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from certsvc.api.auth import address_of, deps_of, rate_of
from certsvc.api.facades.door import NO_STORE, refused
from certsvc.commands.facades.downloads import open_address
from certsvc.errors import CertsvcError, NotFound, RateLimited

if TYPE_CHECKING:
    from fastapi import Request

    from certsvc.api.facades.door import Envelope

PDF = "application/pdf"


def download(request: Request, envelope: Envelope, verb: str, token: str) -> Response:
    """The PDF, or 404 with the facade's refusal; a guess counts against the address it comes from."""
    deps, rate, address = deps_of(request), rate_of(request), address_of(request)
    try:
        rate.count(f"address:{address}")
        rate.check_guesses(address)
        try:
            answer = open_address(deps, envelope.facade, token, verb=verb)
        except NotFound:
            rate.count_guess(address)
            raise
    except CertsvcError as error:
        said, _ = refused(deps, envelope, error, None, verb)
        status = 429 if isinstance(error, RateLimited) else 404
        return JSONResponse(said, status_code=status, headers=NO_STORE)
    name = f"{answer.facts.identifier}.pdf"
    headers = {**NO_STORE, "Content-Disposition": f'attachment; filename="{name}"', "Referrer-Policy": "no-referrer"}
    return Response(answer.file, media_type=PDF, headers=headers)
