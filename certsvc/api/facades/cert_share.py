"""Facade B: a provincial 共享平台 (downloadFile, verifyCertInfo, queryCertInfo …), STANDARDS.md 2.4 B.

Every request carries ``head: {accessId, accessToken}``. Beside the platform's members it carries ``itemCode`` (事项),
``bizNum`` (办件流水号) and ``operator`` (经办人): the key of the audit.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field
from starlette.responses import Response

from certsvc.api.doors import FILE_DOOR
from certsvc.api.facades.door import FACADE, Asked, Verb, add_verbs
from certsvc.api.facades.files import download
from certsvc.api.facades.names import ENGLISH, holder_type_of, keys_of, named, status_of_license
from certsvc.api.facades.shapes import Content, In, Text, copy_end, decoded, missing, wrong
from certsvc.clock import SHANGHAI
from certsvc.commands.facades.accounts import Call, sign_in
from certsvc.commands.facades.ask import (
    NotInForce,
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
from certsvc.commands.facades.codes import types_of
from certsvc.commands.facades.compare import FILE_ZH, LICENSE, FileResult, InfoResult, compare_file, compare_info
from certsvc.commands.facades.downloads import make_address
from certsvc.commands.facades.remarks import own_copies
from certsvc.commands.facades.scanned import identifier_of_code
from certsvc.errors import CertsvcError, NoLawfulBasis, NotAcceptable, NotFound
from certsvc.license.facades import FacadeName
from certsvc.seal.verdict import Reason

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.sharing.fetch_license import FetchAnswer

BASE = "/zzgxpt"
router = APIRouter(prefix=BASE, include_in_schema=False)

GIVEN_TYPES = frozenset({"", "pdf"})
"""``fileType`` that we give; the platform's ofd and png are answered with 2 源未提供接口."""


class HeadIn(In):
    """请求头."""

    accessId: Text = ""  # noqa: N815  (the platform's names)
    accessToken: Annotated[str, Field(max_length=512, repr=False)] = ""  # noqa: N815


class DataIn(In):
    """What any of the verbs may be asked with, under the platform's names."""

    certIdentifier: Text = ""  # noqa: N815
    holderCode: Text = ""  # noqa: N815
    holderTypeCode: Text = ""  # noqa: N815
    certTypeCode: Text = ""  # noqa: N815
    certNo: Text = ""  # noqa: N815
    useCause: Text = ""  # noqa: N815
    expiryTime: Text = ""  # noqa: N815
    certificateCopyCause: Text = ""  # noqa: N815
    certificateCopyExpiringTime: Text = ""  # noqa: N815
    fileType: Text = ""  # noqa: N815
    qrcode: Annotated[str, Field(max_length=1024)] = ""
    certData: dict[str, Text] = Field(default={}, max_length=100)  # noqa: N815
    content: Content = ""
    itemCode: Text = ""  # noqa: N815
    bizNum: Text = ""  # noqa: N815
    operator: Text = ""


class RequestIn(In):
    """A request."""

    head: HeadIn = HeadIn()
    data: DataIn = DataIn()


class ShareEnvelope:
    """``{head: {status, message}, data}``."""

    facade = FacadeName.CERT_SHARE

    def sign_in(self, deps: Deps, request: Request, body: Any) -> Call:  # noqa: ARG002
        """By ``accessId`` and ``accessToken``."""
        return sign_in(deps, self.facade, body.head.accessId, body.head.accessToken)

    def login_of(self, body: Any) -> str:
        """The ``accessId``."""
        return str(body.head.accessId)

    def success(self, deps: Deps, data: Any, body: Any) -> dict[str, Any]:  # noqa: ARG002
        """Status 0."""
        return {"head": {"status": 0, "message": "OK"}, "data": data}

    def failure(self, deps: Deps, code: str, message: str, body: Any) -> dict[str, Any]:  # noqa: ARG002
        """The code."""
        return {"head": {"status": int(code), "message": message}, "data": None}


SHARE = ShareEnvelope()


def download_file(asked: Asked) -> dict[str, Any]:
    """The copy for the purpose, in base64."""
    why = _why_copy(asked)
    _check_type(asked)
    answer = copy(asked.deps, asked.call, _which(asked), why)
    content = base64.b64encode(answer.file or b"").decode()
    return {"certIdentifier": answer.facts.identifier, "contentType": "base64", "content": content, "fileType": "pdf"}


def download_url(asked: Asked) -> dict[str, Any]:
    """An address that gives the copy once."""
    why = _why_copy(asked)
    _check_type(asked)
    return _address(asked, _which(asked), why)


def download_urls_by_holder_code(asked: Asked) -> list[dict[str, Any]]:
    """An address for each license of a holder that the matter may have a copy of."""
    why = _why_copy(asked)
    _check_type(asked)
    return _each(asked, why, lambda which: _address(asked, which, why))


def query_cert_info(asked: Asked) -> dict[str, Any]:
    """The fields that the matter may see."""
    why = _why(asked)
    return _record(asked.deps, read(asked.deps, asked.call, _which(asked), why))


def query_cert_info_by_qrcode(asked: Asked) -> dict[str, Any]:
    """The same by the code printed on a license."""
    missing(qrcode=asked.body.data.qrcode)
    why = _why(asked)
    which = found_by_identifier(asked.deps, identifier_of_code(asked.deps, asked.body.data.qrcode))[0]
    return _record(asked.deps, read(asked.deps, asked.call, which, why))


def query_cert_info_by_holder_code(asked: Asked) -> list[dict[str, Any]]:
    """Which licenses a holder has of the types of the matter."""
    why = _why(asked)
    return _each(asked, why, lambda which: _summary(asked.deps, look(asked.deps, asked.call, which, why)))


def verify_cert_info(asked: Asked) -> dict[str, Any]:
    """Whether ``certData`` is what the register says; codes 0, 10, 12, 21, 22, 23, 102."""
    data: DataIn = asked.body.data
    why, which = _why(asked), _which(asked)
    keys = keys_of(asked.deps.catalog.type(which.type_slug), data.certData, ENGLISH)
    said = {key: data.certData[name] for name, key in keys.items() if data.certData[name]}
    if data.certNo:
        said["number"] = data.certNo
    missing(certData="x" if said else "")
    result, answer = compare_info(asked.deps, asked.call, which, why, said)
    if answer is None:
        raise NotFound("未找到匹配的证照")
    if result is InfoResult.DIFFERENT:
        raise wrong("certData", "信息与登记不一致")
    if not answer.standing.good:
        raise NotInForce(f"信息正确，证照{answer.standing.zh}", state=answer.standing.code)
    return _summary(asked.deps, answer)


def verify_file(asked: Asked) -> dict[str, Any]:
    """Whether a file is good and its license in force; codes 0, 10, 21, 22, 23, 99, 102."""
    missing(content=asked.body.data.content)
    with FILE_DOOR:
        result, verdict = compare_file(asked.deps, decoded("content", asked.body.data.content))
    if verdict.reason is Reason.NOT_OURS:
        raise NotFound("未找到匹配的证照：不是本平台签发或登记的文件")
    if verdict.reason.value.startswith(LICENSE) and verdict.license is not None:
        raise NotInForce(verdict.license.state_zh, state=verdict.license.state)
    if result is not FileResult.PASSED:
        raise wrong("content", FILE_ZH[result])
    found = verdict.license
    return {"certIdentifier": found.identifier if found else "", "verifyResult": str(result.value)}


def get_cert_remark_info(asked: Asked) -> list[dict[str, str]]:
    """加注件 that this client had of a license: when and by whom made, for what, until when."""
    missing(certIdentifier=asked.body.data.certIdentifier)
    why = _why(asked)
    which, version = found_by_identifier(asked.deps, asked.body.data.certIdentifier)
    look(asked.deps, asked.call, which, why)
    return [
        {
            "certIdentifier": which.identifier,
            "certificateCopyCreationTime": _moment(row.made_at),
            "certificateCopyCreator": row.creator,
            "certificateCopyCause": row.cause,
            "certificateCopyExpiringTime": _moment(row.until) if row.until is not None else "",
        }
        for row in own_copies(asked.deps, asked.call, version)
    ]


VERBS: tuple[Verb, ...] = (
    Verb("/downloadFile", "downloadFile", RequestIn, download_file),
    Verb("/downloadUrl", "downloadUrl", RequestIn, download_url),
    Verb("/downloadUrlsByHolderCode", "downloadUrlsByHolderCode", RequestIn, download_urls_by_holder_code),
    Verb("/verifyFile", "verifyFile", RequestIn, verify_file),
    Verb("/verifyCertInfo", "verifyCertInfo", RequestIn, verify_cert_info),
    Verb("/queryCertInfo", "queryCertInfo", RequestIn, query_cert_info),
    Verb("/queryCertInfoByQRcode", "queryCertInfoByQRcode", RequestIn, query_cert_info_by_qrcode),
    Verb("/queryCertInfoByHolderCode", "queryCertInfoByHolderCode", RequestIn, query_cert_info_by_holder_code),
    Verb("/getCertRemarkInfo", "getCertRemarkInfo", RequestIn, get_cert_remark_info),
)
"""Every verb; adding one is a line here."""
add_verbs(router, SHARE, VERBS)


@router.get("/download", dependencies=[Depends(FACADE)])
def download_by_id(request: Request, token: Annotated[str, Query(alias="id", max_length=200)] = "") -> Response:
    """The file behind an address, once."""
    return download(request, SHARE, "downloadUrl", token)


def _why(asked: Asked) -> Why:
    data: DataIn = asked.body.data
    why = Why(matter_code=data.itemCode, case_no=data.bizNum, operator=data.operator, purpose=data.useCause)
    if not (why.purpose or asked.call.account.purpose):
        missing(useCause="")
    return completed(asked.call, why, case_pointer="/bizNum", operator_pointer="/operator")


def _why_copy(asked: Asked) -> Why:
    """For what a copy is asked: the cause that stands on it, and until when it is wanted at most.

    ``certificateCopyCause`` is the purpose of the copy where it says another than ``useCause``: what the copy says and
    what the holder reads are one text. Of the two times the earlier one holds.
    """
    data, why = asked.body.data, _why(asked)
    now = asked.deps.clock.now()
    named = (
        ("certificateCopyExpiringTime", data.certificateCopyExpiringTime),
        ("expiryTime", data.expiryTime),
    )
    ends = [until for name, text in named if (until := copy_end(name, text, now)) is not None]
    return replace(
        why, purpose=data.certificateCopyCause or why.purpose, copy_until=min(ends) if ends else why.copy_until
    )


def _check_type(asked: Asked) -> None:
    if asked.body.data.fileType.lower() not in GIVEN_TYPES:
        raise NotAcceptable("源未提供此格式；本平台提供 pdf 加注件")


def _which(asked: Asked) -> Which:
    data: DataIn = asked.body.data
    if data.certIdentifier:
        return found_by_identifier(asked.deps, data.certIdentifier)[0]
    missing(certTypeCode=data.certTypeCode, holderCode=data.holderCode)
    return Which(
        type_slug=slug_of(asked.deps, data.certTypeCode),
        holder_code=data.holderCode,
        holder_code_type=holder_type_of(data.holderCode, data.holderTypeCode, name="holderTypeCode"),
    )


def _each(asked: Asked, why: Why, work: Any) -> list[dict[str, Any]]:
    """``work`` over each license of the types asked for, or of the matter; what gives nothing is left out, unless all.

    A holder may have several licenses of a type: each is a row.
    """
    deps, call, data = asked.deps, asked.call, asked.body.data
    missing(holderCode=data.holderCode)
    code_type = holder_type_of(data.holderCode, data.holderTypeCode, name="holderTypeCode")
    holder = Which(holder_code=data.holderCode, holder_code_type=code_type)
    slugs = [slug_of(deps, data.certTypeCode)] if data.certTypeCode else types_of(deps, call, holder, why)
    rows: list[dict[str, Any]] = []
    refused: CertsvcError = NotFound("未找到匹配的证照")
    for slug in slugs:
        found, fault = over_each(deps, call, replace(holder, type_slug=slug), why, work)
        rows += found
        if isinstance(fault, NoLawfulBasis):
            refused = fault
    if not rows:
        raise refused
    return rows


def _moment(at: datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y%m%d%H%M%S}"


def _address(asked: Asked, which: Which, why: Why) -> dict[str, Any]:
    answer = read(asked.deps, asked.call, which, why)
    if not answer.standing.good:
        raise NotInForce(f"证照{answer.standing.zh}，不提供证照文件", state=answer.standing.code)
    token = make_address(asked.deps, asked.call, fetch_body(which, why))
    return {
        **_summary(asked.deps, answer),
        "contentType": "http",
        "content": f"{asked.deps.policy.public_base}{BASE}/download?id={token}",
        "fileType": "pdf",
    }


def _summary(deps: Deps, answer: FetchAnswer) -> dict[str, Any]:
    code, name = status_of_license(answer.standing.code)
    return {
        "certIdentifier": answer.facts.identifier,
        "certName": answer.facts.type_name,
        "certTypeCode": deps.catalog.type(answer.facts.type_slug).type_code,
        "certStatus": code,
        "certStatusName": name,
    }


def _record(deps: Deps, answer: FetchAnswer) -> dict[str, Any]:
    kind = deps.catalog.type(answer.facts.type_slug)
    return {**_summary(deps, answer), "certData": named(kind, answer.fields, ENGLISH)}
