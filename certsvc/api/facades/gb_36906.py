"""Facade A: the services of GB/T 36906 (检索、查询、元数据、文件、地址、信息验证、文件验证), STANDARDS.md 2.4 A.

The client signs in with its own access token (``/v1/oauth/token``), in ``head.token`` or the ``token`` header. Beside
the standard's members a request carries ``sxbm`` (事项), ``bjbh`` (办件编号) and ``jbr`` (经办人), the audit's key.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import ConfigDict, Field
from starlette.responses import Response

from certsvc.api.doors import FILE_DOOR
from certsvc.api.facades.door import FACADE, Asked, Verb, add_verbs
from certsvc.api.facades.files import download
from certsvc.api.facades.names import LOWER, holder_type_of, keys_of, named
from certsvc.api.facades.shapes import Content, In, Text, copy_end, decoded, missing
from certsvc.commands.facades.accounts import MAX_SECRET, Call, sign_in_by_client
from certsvc.commands.facades.ask import (
    NO_LICENSE_ZH,
    Which,
    Why,
    completed,
    copy,
    fetch_body,
    found_by_identifier,
    look,
    over_each,
    read,
    slug_of,
)
from certsvc.commands.facades.compare import FILE_ZH, INFO_ZH, InfoResult, compare_file, compare_info
from certsvc.commands.facades.downloads import make_address
from certsvc.errors import InvalidInput, NotFound, Unauthenticated
from certsvc.license.facades import FacadeName

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps
    from certsvc.commands.sharing.fetch_license import FetchAnswer

BASE = "/rest/v1.0/zzgx"
router = APIRouter(prefix=BASE, include_in_schema=False)

IN_FORCE, ENDED = "1", "2"
"""状态: 现势, 注销."""


class HeadIn(In):
    """请求头."""

    token: Annotated[str, Field(max_length=4096)] = ""


class DataIn(In):
    """What any of the services may be asked with."""

    zzbs: Text = ""
    zzlxdm: Text = ""
    zzbh: Text = ""
    czztdm: Text = ""
    czztdmlxdm: Text = ""
    dzzzsymd: Text = ""
    jzjzzz: Text = ""
    jzjyxqjzsj: Text = ""
    sxbm: Text = ""
    bjbh: Text = ""
    jbr: Text = ""
    content: Content = ""

    @property
    def why(self) -> Why:
        """For what it is asked."""
        return Why(matter_code=self.sxbm, case_no=self.bjbh, operator=self.jbr, purpose=self.dzzzsymd)


class FaceIn(DataIn):
    """信息验证: any names of fields beside."""

    model_config = ConfigDict(extra="allow", frozen=True)


class RequestIn(In):
    """A request."""

    head: HeadIn = HeadIn()
    data: DataIn = DataIn()


class FaceRequestIn(In):
    """A request of 信息验证."""

    head: HeadIn = HeadIn()
    data: FaceIn = FaceIn()


class GbEnvelope:
    """``{head: {status, code, message}, data}``."""

    facade = FacadeName.GB_36906

    def sign_in(self, deps: Deps, request: Request, body: Any) -> Call:
        """By the client's own access token."""
        token = body.head.token or request.headers.get("token", "")
        if not token or len(token) > MAX_SECRET * 8:
            raise Unauthenticated("请在 head.token 中携带访问令牌（POST /v1/oauth/token 取得）")
        return sign_in_by_client(deps, self.facade, token)

    def login_of(self, body: Any) -> str:  # noqa: ARG002
        """A token names nobody before it is checked."""
        return ""

    def success(self, deps: Deps, data: Any, body: Any) -> dict[str, Any]:  # noqa: ARG002
        """Status 0."""
        return {"head": {"status": "0", "code": "", "message": "成功"}, "data": data}

    def failure(self, deps: Deps, code: str, message: str, body: Any) -> dict[str, Any]:  # noqa: ARG002
        """Status 1 and the 信息码."""
        return {"head": {"status": "1", "code": code, "message": message}, "data": None}


GB = GbEnvelope()


def zzjs(asked: Asked) -> list[dict[str, str]]:
    """证照检索: which licenses a holder has of a type, each a row."""
    data: DataIn = asked.body.data
    missing(czztdm=data.czztdm, zzlxdm=data.zzlxdm)
    why = _why(asked)
    rows, refused = over_each(
        asked.deps,
        asked.call,
        _of_holder(asked, data),
        why,
        lambda which: _summary(asked.deps, look(asked.deps, asked.call, which, why)),
    )
    if not rows:
        raise refused or NotFound(NO_LICENSE_ZH)
    return rows


def zzcx(asked: Asked) -> dict[str, Any]:
    """证照查询: the record."""
    why = _why(asked)
    answer = read(asked.deps, asked.call, _which(asked), why)
    return {**_summary(asked.deps, answer), **_face(asked.deps, answer)}


def zzysj(asked: Asked) -> dict[str, Any]:
    """元数据获取: the face data of one license."""
    missing(zzbs=asked.body.data.zzbs)
    why = _why(asked)
    answer = read(asked.deps, asked.call, _which(asked), why)
    return {"zzbs": answer.facts.identifier, "zzzmxx": _face(asked.deps, answer)}


def zzxxxz(asked: Asked) -> dict[str, Any]:
    """文件下载: the copy for the purpose, never the original."""
    missing(zzbs=asked.body.data.zzbs)
    why = _until(asked, _why(asked))
    answer = copy(asked.deps, asked.call, _which(asked), why)
    return {
        "zzbs": answer.facts.identifier,
        "contentType": "base64",
        "content": base64.b64encode(answer.file or b"").decode(),
        "zzzmxx": _face(asked.deps, answer),
    }


def zzdzxz(asked: Asked) -> dict[str, Any]:
    """地址获取: an address that gives the copy once."""
    missing(zzbs=asked.body.data.zzbs)
    why = _until(asked, _why(asked))
    which = _which(asked)
    answer = read(asked.deps, asked.call, which, why)
    token = make_address(asked.deps, asked.call, fetch_body(which, why))
    return {
        "zzbs": answer.facts.identifier,
        "contentType": "http",
        "content": f"{asked.deps.policy.public_base}{BASE}/zzxzfile?fid={token}",
        "zzzmxx": _face(asked.deps, answer),
    }


def zzxxyz(asked: Asked) -> dict[str, str]:
    """信息验证: codes 0 to 6."""
    why, data = _why(asked), asked.body.data
    try:
        which = _which(asked) if data.zzbs else _of_holder(asked, data) if data.czztdm and data.zzlxdm else Which()
    except (InvalidInput, NotFound):
        return _info(InfoResult.UNKNOWN)
    if data.zzbs and data.czztdm:
        code_type = holder_type_of(data.czztdm, data.czztdmlxdm, name="czztdmlxdm")
        which = Which(
            identifier=data.zzbs, type_slug=which.type_slug, holder_code=data.czztdm, holder_code_type=code_type
        )
    if not which.type_slug:
        return _info(InfoResult.INCOMPLETE)
    kind = asked.deps.catalog.type(which.type_slug)
    sent = {name: value for name, value in data.model_dump().items() if isinstance(value, str) and value}
    keys = keys_of(kind, sent, LOWER)
    said = {key: sent[name] for name, key in keys.items() if key != "holder_code"}
    return _info(compare_info(asked.deps, asked.call, which, why, said)[0])


def zzwjyz(asked: Asked) -> dict[str, str]:
    """文件验证: codes 0 to 2."""
    missing(content=asked.body.data.content)
    with FILE_DOOR:
        result, verdict = compare_file(asked.deps, decoded("content", asked.body.data.content))
    return {"code": str(result.value), "message": FILE_ZH[result], "reason": verdict.reason.value}


VERBS: tuple[Verb, ...] = (
    Verb("/zzjs", "zzjs", RequestIn, zzjs),
    Verb("/zzcx", "zzcx", RequestIn, zzcx),
    Verb("/zzysj", "zzysj", RequestIn, zzysj),
    Verb("/zzxxxz", "zzxxxz", RequestIn, zzxxxz),
    Verb("/zzdzxz", "zzdzxz", RequestIn, zzdzxz),
    Verb("/zzxxyz", "zzxxyz", FaceRequestIn, zzxxyz),
    Verb("/zzwjyz", "zzwjyz", RequestIn, zzwjyz),
)
"""Every verb; adding one is a line here."""
add_verbs(router, GB, VERBS)


@router.get("/zzxzfile", dependencies=[Depends(FACADE)])
def zzxzfile(request: Request, fid: Annotated[str, Query(max_length=200)] = "") -> Response:
    """The file behind an address, once."""
    return download(request, GB, "zzdzxz", fid)


def _why(asked: Asked) -> Why:
    return completed(asked.call, asked.body.data.why, case_pointer="/bjbh", operator_pointer="/jbr")


def _until(asked: Asked, why: Why) -> Why:
    """With ``jzjyxqjzsj``, which is now or later (STANDARDS.md 2.4 A)."""
    until = copy_end("jzjyxqjzsj", asked.body.data.jzjyxqjzsj, asked.deps.clock.now())
    return replace(why, copy_until=until) if until is not None else why


def _which(asked: Asked) -> Which:
    data: DataIn = asked.body.data
    if data.zzbs:
        return found_by_identifier(asked.deps, data.zzbs)[0]
    missing(czztdm=data.czztdm, zzlxdm=data.zzlxdm)
    return _of_holder(asked, data)


def _of_holder(asked: Asked, data: DataIn) -> Which:
    return Which(
        type_slug=slug_of(asked.deps, data.zzlxdm),
        holder_code=data.czztdm,
        holder_code_type=holder_type_of(data.czztdm, data.czztdmlxdm, name="czztdmlxdm"),
    )


def _summary(deps: Deps, answer: FetchAnswer) -> dict[str, str]:
    facts = answer.facts
    return {
        "zzbs": facts.identifier,
        "zzmc": facts.type_name,
        "zzlxdm": deps.catalog.type(facts.type_slug).type_code,
        "zzzt": IN_FORCE if answer.standing.good else ENDED,
    }


def _face(deps: Deps, answer: FetchAnswer) -> dict[str, str]:
    return named(deps.catalog.type(answer.facts.type_slug), answer.fields, LOWER)


def _info(result: InfoResult) -> dict[str, str]:
    return {"code": str(result.value), "message": INFO_ZH[result]}
