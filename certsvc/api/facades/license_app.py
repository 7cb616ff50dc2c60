"""Facade C: ``license-app/v1``, the use side: login, 用证码 by duty, holder and delegate, data, file, exchange.

STANDARDS.md 2.4 C. The issue side is in ``license_app_issue.py``.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter

from certsvc.api.facades.door import Asked, Verb, add_verbs
from certsvc.api.facades.license_app_issue import ISSUE_VERBS
from certsvc.api.facades.license_app_shapes import APP, BaseIn, CodeIn, LoginIn, UseIn
from certsvc.api.facades.names import PINYIN, holder_type_of, named, status_of_license
from certsvc.api.facades.shapes import missing
from certsvc.clock import SHANGHAI
from certsvc.commands.facades.accounts import SESSION_S, open_session
from certsvc.commands.facades.ask import Which, Why, completed, slug_of
from certsvc.commands.facades.codes import Coded, codes_on_consent, codes_on_duty, exchange, redeem, types_of
from certsvc.commands.sharing.policy import matters_in_force

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps
    from certsvc.commands.sharing.fetch_license import FetchAnswer

BASE = "/license-app/v1"
router = APIRouter(prefix=BASE, include_in_schema=False)

HOLDER_PAGE = "/holder"
GET_LICENSE, ARCHIVE, TOKEN = "license/get_license", "license/archive", "license/token"


def login(asked: Asked) -> dict[str, Any]:
    """``security/login``: the account's key and secret to an access_token for half an hour.

    ``account`` names who works with the system, for its own records; ``password`` is not read: the operator of a use
    stands in each request.
    """
    return {"access_token": open_session(asked.deps, asked.call), "expires_in": SESSION_S}


def auth(asked: Asked) -> dict[str, Any]:
    """``license/auth``: 依职能, by the holder's number."""
    body: UseIn = asked.body
    missing(identity_number=body.identity_number)
    why = _why(asked)
    code_type = holder_type_of(body.identity_number, body.identity_type, name="identity_type")
    holder = Which(holder_code=body.identity_number, holder_code_type=code_type)
    if body.license_item_code:
        types = [slug_of(asked.deps, body.license_item_code)]
    else:
        types = types_of(asked.deps, asked.call, holder, why)
    return _codes(asked.deps, codes_on_duty(asked.deps, asked.call, holder, why, types))


def holder(asked: Asked) -> dict[str, Any]:
    """``license/holder``: ``credential`` is the 用证码 that the holder made, or several with commas."""
    return _codes(
        asked.deps, codes_on_consent(asked.deps, asked.call, _why(asked), _credentials(asked), by_holder=True)
    )


def entrust(asked: Asked) -> dict[str, Any]:
    """``license/entrust``: the same, made by who lawfully acts for the holder."""
    return _codes(
        asked.deps, codes_on_consent(asked.deps, asked.call, _why(asked), _credentials(asked), by_holder=False)
    )


def get_license(asked: Asked) -> dict[str, Any]:
    """``license/get_license``: the face data that a code stands for, once."""
    missing(auth_code=asked.body.code)
    known, answer = redeem(asked.deps, asked.call, asked.body.code, file=False, verb=GET_LICENSE)
    kind = asked.deps.catalog.type(known.type_slug)
    return {**_license(asked.deps, answer), "data_fields": named(kind, answer.fields, PINYIN)}


def archive(asked: Asked) -> dict[str, Any]:
    """``license/archive``: the file that a code stands for, once: the copy for the matter, never the original."""
    missing(auth_code=asked.body.code)
    _, answer = redeem(asked.deps, asked.call, asked.body.code, file=True, verb=ARCHIVE)
    return {
        "license_code": answer.facts.identifier,
        "file_name": f"{answer.facts.identifier}.pdf",
        "file_data": base64.b64encode(answer.file or b"").decode(),
    }


def token(asked: Asked) -> dict[str, Any]:
    """``license/token``: an unused auth_code to a license_access_token, which takes its place and its time."""
    missing(auth_code=asked.body.auth_code)
    made, until = exchange(asked.deps, asked.call, asked.body.auth_code, verb=TOKEN)
    return {"license_access_token": made, "expires_at": _moment(until)}


def webpage(asked: Asked) -> dict[str, str]:
    """``license/webpage``: where a holder looks at the own licenses, after signing in there."""
    return {"url": f"{asked.deps.policy.public_base}{HOLDER_PAGE}"}


def service_items(asked: Asked) -> list[dict[str, Any]]:
    """``service_item/list``: the matters of the client's body that may use licenses, and of which types."""
    deps, call = asked.deps, asked.call
    own = [one for one in matters_in_force(deps) if one.authority_code == call.caller.authority_code and one.allows]
    rows = []
    for matter in own:
        kinds = [deps.catalog.type(slug) for slug in matter.allows if call.account.sees(slug)]
        if kinds:
            items = [{"license_item_code": kind.type_code, "license_item_name": kind.name} for kind in kinds]
            rows.append({"service_item_code": matter.code, "service_item_name": matter.name, "license_items": items})
    return rows


VERBS: tuple[Verb, ...] = (
    Verb("/security/login", "security/login", LoginIn, login),
    Verb("/license/auth", "license/auth", UseIn, auth),
    Verb("/license/holder", "license/holder", UseIn, holder),
    Verb("/license/entrust", "license/entrust", UseIn, entrust),
    Verb("/license/webpage", "license/webpage", BaseIn, webpage),
    Verb("/license/get_license", GET_LICENSE, CodeIn, get_license, noted=True),
    Verb("/license/archive", ARCHIVE, CodeIn, archive, noted=True),
    Verb("/license/token", TOKEN, CodeIn, token, noted=True),
    Verb("/service_item/list", "service_item/list", BaseIn, service_items),
)
"""Every verb of the use side; adding one is a line here."""
add_verbs(router, APP, (*VERBS, *ISSUE_VERBS))


def _why(asked: Asked) -> Why:
    body: UseIn = asked.body
    why = body.why
    if asked.call.account.purpose:
        why = Why(
            matter_code=why.matter_code,
            case_no=why.case_no,
            operator=why.operator,
            purpose=asked.call.account.purpose,
        )
    return completed(asked.call, why, case_pointer="/biz_num", operator_pointer="/operator")


def _credentials(asked: Asked) -> Sequence[str]:
    missing(credential=asked.body.credential)
    return [one.strip() for one in asked.body.credential.split(",") if one.strip()]


def _codes(deps: Deps, made: Sequence[Coded]) -> dict[str, Any]:
    rows = []
    for one in made:
        kind = deps.catalog.type(one.type_slug)
        code, name = status_of_license(one.standing.code)
        rows.append(
            {
                "auth_code": one.code,
                "license_code": one.identifier,
                "license_item_code": kind.type_code,
                "license_item_name": kind.name,
                "license_status": code,
                "license_status_name": name,
                "expires_at": _moment(one.expires_at),
            }
        )
    return {"auth_codes": [one.code for one in made], "licenses": rows}


def _license(deps: Deps, answer: FetchAnswer) -> dict[str, Any]:
    code, name = status_of_license(answer.standing.code)
    facts = answer.facts
    return {
        "license_code": facts.identifier,
        "license_item_code": deps.catalog.type(facts.type_slug).type_code,
        "license_item_name": facts.type_name,
        "issuer": facts.issuer_name,
        "license_status": code,
        "license_status_name": name,
    }


def _moment(at: Any) -> str:
    return str(at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S"))
