"""Facade C, the issue side: create, issue, sign, abolish, attachments, on the commands of issuance.

``create`` asks for the whole of making, sealing and registering; ``issue`` and ``sign`` tell how far it is. Until then
``license_code`` is the number of the request, afterwards the 证照标识.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from certsvc.api.facades.door import Asked, Verb
from certsvc.api.facades.license_app_shapes import IssueIn, MakeIn
from certsvc.api.facades.names import PINYIN, keys_of, status_of_license
from certsvc.api.facades.shapes import missing, wrong
from certsvc.commands.facades.accounts import require_type
from certsvc.commands.facades.ask import type_of
from certsvc.commands.issuance.accept_issuance import Origin, accept_issuance
from certsvc.commands.issuance.authority import NOT_FOR_THIS_BODY
from certsvc.commands.issuance.body import parse_issuance, shape_problems
from certsvc.commands.issuance.move_license import MoveBody, move_license
from certsvc.commands.issuance.read_license import NO_LICENSE_ZH, read_license_file
from certsvc.commands.issuance.read_request import NO_REQUEST_ZH, read_request
from certsvc.errors import Conflict, InvalidInput, NotAcceptable, NotFound, Refused
from certsvc.license.request import RequestState

if TYPE_CHECKING:
    from certsvc.catalog.model import LicenseType

_DAY = re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})")
VOIDED = "2"
"""``abolish_type``: 签发错误注销, our 作废; everything else is 注销."""


def create(asked: Asked) -> dict[str, str]:
    """``create``: ask for issuance, once per ``biz_num``."""
    kind, data = _kind(asked), _data(asked)
    missing(biz_num=data.biz_num, service_item_code=data.service_item_code)
    fields = {name.upper(): value for name, value in data.data_fields.items()}
    missing(CZZT=fields.get("CZZT", ""), CZZTDM=fields.get("CZZTDM", ""), CZZTDMLXDM=fields.get("CZZTDMLXDM", ""))
    own = {name: key for name, key in keys_of(kind, fields, PINYIN).items() if key not in PINYIN}
    body: dict[str, Any] = {
        "authority_code": fields.get("ZZBFJGDM") or asked.call.caller.authority_code,
        "business_no": data.biz_num,
        "type": kind.slug,
        "holder": {"name": fields["CZZT"], "code": fields["CZZTDM"], "code_type": fields["CZZTDMLXDM"]},
        "data": {key: _iso(kind, key, fields[name]) for name, key in own.items()},
        "number": fields.get("ZZBH", ""),
        "matter_code": data.service_item_code,
    }
    for name, key in (("ZZBFRQ", "issued_on"), ("ZZYXQQSRQ", "valid_from"), ("ZZYXQJZRQ", "valid_until")):
        if day := _DAY.fullmatch(fields.get(name, "")):
            body[key] = "-".join(day.groups())
    accepted = accept_issuance(asked.deps, asked.call.caller, parse_issuance(body), Origin())
    asked.request.app.state.wake()
    return {"license_code": accepted.request.request_id, "auth_code": ""}


def issued(asked: Asked) -> dict[str, str]:
    """``issue`` and ``sign``: the 证照标识 once it is issued and sealed; FAILURE until then, and with a refusal."""
    kind, data = _kind(asked), _data(asked)
    missing(license_code=data.license_code)
    found = read_request(asked.deps, asked.call.caller, data.license_code)
    if found.request.payload.type_slug != kind.slug:
        raise NotFound(NO_REQUEST_ZH)
    if found.version is not None:
        code, name = status_of_license(found.version.state.value)
        return {
            "license_code": found.version.identifier,
            "auth_code": "",
            "license_status": code,
            "license_status_name": name,
        }
    if found.request.state is RequestState.REFUSED:
        raise Refused(found.request.reason_detail or "不予制发")
    raise Conflict("正在制证，请稍后再查")


def abolish(asked: Asked) -> dict[str, str]:
    """``abolish``: 注销, or 作废 of one that was made wrongly, on a decision."""
    kind, data = _kind(asked), _data(asked)
    missing(
        license_code=data.license_code,
        document_no=data.document_no,
        decided_on=data.decided_on,
        abolish_reason=data.abolish_reason,
    )
    day = _DAY.fullmatch(data.decided_on)
    if day is None:
        raise wrong("decided_on", "决定日期应写作 20260115")
    try:
        body = MoveBody.model_validate(
            {
                "move": "void" if data.abolish_type == VOIDED else "cancel",
                "authority_code": asked.call.caller.authority_code,
                "document_no": data.document_no,
                "decided_on": "-".join(day.groups()),
                "basis": data.basis or data.abolish_reason,
            }
        )
    except ValidationError as error:
        raise InvalidInput("请求内容有误，请按提示更正", problems=shape_problems(error)) from error
    if type_of(asked.deps, data.license_code) not in {"", kind.slug}:
        raise NotFound(NOT_FOR_THIS_BODY)
    moved = move_license(asked.deps, asked.call.caller, data.license_code, body)
    code, name = status_of_license(moved.version.state.value)
    return {"license_code": moved.version.identifier, "license_status": code, "license_status_name": name}


def get_attachment(asked: Asked) -> dict[str, str]:
    """``get_attachment``: the sealed file, for the body that issued it; other attachments are not kept here."""
    kind = _kind(asked)
    missing(license_code=_data(asked).license_code)
    version, file = read_license_file(asked.deps, asked.call.caller, _data(asked).license_code)
    if version.type_slug != kind.slug:
        raise NotFound(NO_LICENSE_ZH)
    return {
        "license_code": version.identifier,
        "file_name": f"{version.identifier}.pdf",
        "file_data": base64.b64encode(file).decode(),
    }


def create_attachment(asked: Asked) -> dict[str, str]:
    """``create_attachment``: not kept here."""
    _kind(asked)
    raise NotAcceptable("本服务不保存附件；证照内容请放在 data_fields 中")


ISSUE_VERBS: tuple[Verb, ...] = (
    Verb("/license/{item_code}/create", "license/create", IssueIn, create),
    Verb("/license/{item_code}/issue", "license/issue", IssueIn, issued),
    Verb("/license/{item_code}/sign", "license/sign", IssueIn, issued),
    Verb("/license/{item_code}/abolish", "license/abolish", IssueIn, abolish),
    Verb("/license/{item_code}/get_attachment", "license/get_attachment", IssueIn, get_attachment),
    Verb("/license/{item_code}/create_attachment", "license/create_attachment", IssueIn, create_attachment),
)
"""Every verb of the issue side."""


def _kind(asked: Asked) -> LicenseType:
    """The type in the path; what ``license_code`` names must be of it, or an account would reach beyond its types."""
    kind = asked.deps.catalog.by_type_code(asked.request.path_params["item_code"])
    require_type(asked.call, kind.slug)
    return kind


def _data(asked: Asked) -> MakeIn:
    data: MakeIn = asked.body.data
    return data


def _iso(kind: LicenseType, key: str, value: str) -> str:
    """Days as our bodies write them."""
    spec = kind.field(key)
    day = _DAY.fullmatch(value)
    return "-".join(day.groups()) if spec is not None and spec.kind.value == "date" and day else value
