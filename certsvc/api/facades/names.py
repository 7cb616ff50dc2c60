"""Names of fields in the older interfaces (GB/T 36903, STANDARDS.md 2.1), and values as they write them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from certsvc.errors import FieldProblem, InvalidInput
from certsvc.identifiers.citizen_id import CitizenId
from certsvc.identifiers.holder_code import HolderCodeType
from certsvc.identifiers.uscc import Uscc
from certsvc.license.standing import CODE_ZH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from certsvc.catalog.model import LicenseType
    from certsvc.commands.showing.values import ShownField

PINYIN: Mapping[str, str] = {
    "holder_name": "CZZT",
    "holder_code": "CZZTDM",
    "number": "ZZBH",
    "issuer_name": "ZZBFJG",
    "issued_on": "ZZBFRQ",
    "valid_from": "ZZYXQQSRQ",
    "valid_until": "ZZYXQJZRQ",
}
"""Our standard key -> 拼音短名."""
ENGLISH: Mapping[str, str] = {
    "holder_name": "certificateHolderName",
    "holder_code": "certificateHolderCode",
    "number": "certificateNumber",
    "issuer_name": "certificateIssuingAuthorityName",
    "issued_on": "certificateIssuedDate",
    "valid_from": "certificateEffectiveDate",
    "valid_until": "certificateExpiringDate",
}
"""Our standard key -> English short name."""
LOWER: Mapping[str, str] = {key: name.lower() for key, name in PINYIN.items()}

_FACE_DAY = re.compile(r"([0-9]{4})年([0-9]{1,2})月([0-9]{1,2})日")
STATUS: Mapping[str, str] = {
    "valid": "01",
    "renewal_pending": "01",
    "suspended": "02",
    "rescinded": "03",
    "cancelled": "04",
    "expired": "05",
    "superseded": "05",
    "withdrawn": "05",
    "voided": "05",
    "revoked": "07",
}
"""State -> code of the 住建部 scheme (STANDARDS.md 2.6), the complete one; others are 99."""
STATUS_ZH: Mapping[str, str] = {
    "01": "有效",
    "02": "暂扣",
    "03": "撤销",
    "04": "注销",
    "05": "失效",
    "07": "吊销",
}
"""Names in that scheme."""


def status_of_license(state: str) -> tuple[str, str]:
    """Code and name of a standing."""
    code = STATUS.get(state, "99")
    return code, STATUS_ZH.get(code, CODE_ZH.get(state, state))


def value_of(value: str) -> str:
    """A day as ``YYYYMMDD``, everything else as it is."""
    found = _FACE_DAY.fullmatch(value)
    return f"{found[1]}{int(found[2]):02d}{int(found[3]):02d}" if found else value


def named(kind: LicenseType, fields: Iterable[ShownField], standard: Mapping[str, str]) -> dict[str, str]:
    """Fields under the names of an interface: standard ones by its list, those of the type by their element."""
    return {_name(kind, field.key, standard): value_of(field.value) for field in fields}


def keys_of(kind: LicenseType, names: Iterable[str], standard: Mapping[str, str]) -> dict[str, str]:
    """Name in an interface -> our key, for those of ``names`` that the type has; in any case of letters."""
    known = {_name(kind, key, standard).upper(): key for key in (*standard, *(spec.key for spec in kind.fields))}
    return {name: known[name.upper()] for name in names if name.upper() in known}


def _name(kind: LicenseType, key: str, standard: Mapping[str, str]) -> str:
    if key in standard:
        return standard[key]
    spec = kind.field(key)
    return spec.element if spec is not None else key


def holder_type_of(code: str, code_type: str, *, name: str) -> str:
    """证照代码类型代码: as sent, or by the form of the code; InvalidInput under ``name`` when it is none."""
    if code_type:
        if code_type not in {one.value for one in HolderCodeType}:
            detail = f"持证主体代码类型不合规：应为 GB/T 36903 附录 A 的三位代码（{name}）"
            raise InvalidInput(detail, problems=(FieldProblem(pointer=f"/{name}", code="invalid", detail=detail),))
        return code_type
    for parse, found in ((CitizenId.parse, HolderCodeType.CITIZEN_ID), (Uscc.parse, HolderCodeType.USCC)):
        try:
            parse(code)
        except InvalidInput:
            continue
        return found.value
    detail = f"不能由代码判断证件类型，请填写 {name}"
    raise InvalidInput(detail, problems=(FieldProblem(pointer=f"/{name}", code="invalid", detail=detail),))
