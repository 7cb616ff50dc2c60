"""Entries of the trust list as JSON, read strictly: what stands in a proposal, a change and an export."""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from certsvc.clock import parse_rfc3339, rfc3339
from certsvc.errors import FieldProblem, InvalidInput
from certsvc.seal.trust_list import (
    ANCHOR,
    GOOD_STATES,
    NO_TYPE,
    OWN_PURPOSES,
    PARTNER_PREFIX,
    RECOGNITION,
    Anchor,
    RecognisedType,
    Recognition,
    canonical,
)
from certsvc.seal.verdict import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ENTRY_BYTES = 256 * 1024
"""Longest entry; a recognition of five hundred types has a fifth of it. Stops bodies that fill memory."""

MAX_CERTIFICATE_BYTES = 16 * 1024
MAX_INTERMEDIATES = 20
MAX_TEXT = 200
MAX_NOTE = 1000
MAX_TYPES = 500
MAX_STATES = 100
MAX_RECOGNITION_ANCHORS = 50

_PARTNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,39}")
_SHA256 = re.compile(r"[0-9a-f]{64}")

ANCHOR_FIELDS = frozenset({"certificate", "name", "purposes", "valid_from", "valid_until", "note", "intermediates"})
RECOGNITION_FIELDS = frozenset(
    {"partner", "name", "anchors", "types", "states", "channel", "effective_from", "effective_until", "note"}
)


def entry_of(kind: str, value: object) -> Anchor | Recognition:
    """The entry of a change; InvalidInput names the field."""
    if kind == ANCHOR:
        return anchor_of(value)
    if kind == RECOGNITION:
        return recognition_of(value)
    raise _bad("kind", "条目种类应为 anchor 或 recognition")


def entry_id_of(entry: Anchor | Recognition) -> str:
    """Under what an entry is replaced: an anchor's SHA-256, a recognition's partner."""
    return entry.anchor_id if isinstance(entry, Anchor) else entry.partner


def kind_of(entry: Anchor | Recognition) -> str:
    """``anchor`` or ``recognition``."""
    return ANCHOR if isinstance(entry, Anchor) else RECOGNITION


def body_of(entry: Anchor | Recognition) -> str:
    """The entry in canonical JSON."""
    return canonical(json_of(entry))


def read_body(kind: str, body: str) -> Anchor | Recognition:
    """The entry that :func:`body_of` wrote; InvalidInput for anything else."""
    if len(body) > MAX_ENTRY_BYTES:
        raise _bad("", f"条目超过 {MAX_ENTRY_BYTES // 1024} KiB")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _bad("", "条目不是 JSON") from error
    return entry_of(kind, value)


def json_of(entry: Anchor | Recognition) -> dict[str, Any]:
    """The entry as plain JSON values."""
    if isinstance(entry, Anchor):
        return {
            "certificate": base64.b64encode(entry.certificate).decode("ascii"),
            "name": entry.name,
            "purposes": sorted(entry.purposes),
            "valid_from": _time(entry.valid_from),
            "valid_until": _time(entry.valid_until),
            "note": entry.note,
            "intermediates": [base64.b64encode(one).decode("ascii") for one in entry.intermediates],
        }
    return {
        "partner": entry.partner,
        "name": entry.name,
        "anchors": list(entry.anchors),
        "types": [{"code": one.code, "slug": one.slug, "title": one.title} for one in entry.types],
        "states": dict(entry.states),
        "channel": entry.channel,
        "effective_from": _time(entry.effective_from),
        "effective_until": _time(entry.effective_until),
        "note": entry.note,
    }


def anchor_of(value: object) -> Anchor:
    """An anchor from JSON values; that the certificate is one is for the signing room to say."""
    fields = _fields(value, ANCHOR_FIELDS)
    purposes = frozenset(_texts(fields, "purposes", MAX_STATES))
    for purpose in purposes - OWN_PURPOSES:
        code = purpose.removeprefix(PARTNER_PREFIX)
        if code == purpose or not _PARTNER.fullmatch(code):
            raise _bad("purposes", f"用途 {purpose} 不认识：应为 seal、person、timestamp 或 partner-<代码>")
    if not purposes:
        raise _bad("purposes", "请写明用途：seal、person、timestamp 或 partner-<代码>")
    valid_from, valid_until = _moment(fields, "valid_from"), _moment(fields, "valid_until")
    _check_order("valid_until", valid_from, valid_until)
    return Anchor(
        certificate=_der("certificate", fields.get("certificate")),
        name=_text(fields, "name"),
        purposes=purposes,
        valid_from=valid_from,
        valid_until=valid_until,
        note=_text(fields, "note", most=MAX_NOTE, empty=True),
        intermediates=tuple(_der("intermediates", one) for one in _list(fields, "intermediates", MAX_INTERMEDIATES)),
    )


def recognition_of(value: object) -> Recognition:
    """A recognition from JSON values."""
    fields = _fields(value, RECOGNITION_FIELDS)
    partner = _text(fields, "partner")
    if not _PARTNER.fullmatch(partner):
        raise _bad("partner", "互认方代码应由字母、数字、连字符组成，不超过 40 字")
    anchors = tuple(sorted(set(_texts(fields, "anchors", MAX_RECOGNITION_ANCHORS))))
    if not anchors or not all(map(_SHA256.fullmatch, anchors)):
        raise _bad("anchors", "请写明互认方的根证书：证书的 SHA-256（64 位小写十六进制）")
    begins, ends = _moment(fields, "effective_from"), _moment(fields, "effective_until")
    if begins is None:
        raise _bad("effective_from", "请写明生效时间")
    _check_order("effective_until", begins, ends)
    return Recognition(
        partner=partner,
        name=_text(fields, "name"),
        anchors=anchors,
        types=_types(fields),
        channel=_channel(_text(fields, "channel")),
        effective_from=begins,
        effective_until=ends,
        states=_states(fields),
        note=_text(fields, "note", most=MAX_NOTE, empty=True),
    )


def _types(fields: Mapping[str, Any]) -> tuple[RecognisedType, ...]:
    found = []
    for one in _list(fields, "types", MAX_TYPES):
        row = _fields(one, frozenset({"code", "slug", "title"}), "types")
        made = RecognisedType(code=_text(row, "code"), slug=_text(row, "slug"), title=_text(row, "title", empty=True))
        if made.slug == NO_TYPE and not made.title:
            raise _bad("types", f"互认方类型 {made.code} 没有对应的本地类型，请写明名称（title）")
        found.append(made)
    if not found or len({one.code for one in found}) != len(found):
        raise _bad("types", "请列出互认的证照类型，每种一次")
    return tuple(sorted(found, key=lambda one: one.code))


def _states(fields: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    value = fields.get("states") or {}
    if not isinstance(value, dict) or len(value) > MAX_STATES:
        raise _bad("states", f"状态对照应为“对方的词 → 本系统的词”，不超过 {MAX_STATES} 项")
    for theirs, ours in value.items():
        if not isinstance(ours, str) or not theirs or len(theirs) > MAX_TEXT or not is_state(ours):
            raise _bad(
                "states", f"状态对照中 {theirs} 所对应的词不认识：应为 valid、suspended、revoked 等（见 docs/trust.md）"
            )
    return tuple(sorted(value.items()))


def is_state(word: str) -> bool:
    """Whether it is a word of ours for how a license stands."""
    return word in GOOD_STATES or f"license_{word}" in {reason.value for reason in Reason}


def _channel(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not url.isascii() or not url.isprintable() or " " in url:
        host = None  # urlsplit forgives what a client would send
    if not host or parts.scheme not in {"https", "http"} or parts.query or parts.fragment or parts.username is not None:
        raise _bad("channel", "核验通道应为对方公众核验接口的网址，例如 https://zz.partner.example")
    return url.rstrip("/")


def _fields(value: object, known: frozenset[str], pointer: str = "") -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _bad(pointer, "应为 JSON 对象")
    if unknown := sorted(set(value) - known):
        raise _bad(pointer or str(unknown[0]), f"不认识的字段：{'、'.join(map(str, unknown))}")
    return value


def _text(fields: Mapping[str, Any], name: str, *, most: int = MAX_TEXT, empty: bool = False) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str) or len(value) > most or not (value.strip() or empty):
        raise _bad(name, f"请填写 {name}，不超过 {most} 字")
    return value.strip()


def _list(fields: Mapping[str, Any], name: str, most: int) -> list[Any]:
    value = fields.get(name) or []
    if not isinstance(value, list | tuple) or len(value) > most:
        raise _bad(name, f"{name} 应为列表，不超过 {most} 项")
    return list(value)


def _texts(fields: Mapping[str, Any], name: str, most: int) -> list[str]:
    value = _list(fields, name, most)
    if not all(isinstance(one, str) and 0 < len(one) <= MAX_TEXT for one in value):
        raise _bad(name, f"{name} 应为文字的列表")
    return value


def _der(name: str, value: object) -> bytes:
    if isinstance(value, str) and len(value) <= 2 * MAX_CERTIFICATE_BYTES:
        try:
            der = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            der = b""
        if 0 < len(der) <= MAX_CERTIFICATE_BYTES:
            return der
    raise _bad(name, "证书应为 DER 的 base64")


def _moment(fields: Mapping[str, Any], name: str) -> datetime | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            return parse_rfc3339(value)
    except (ValueError, OverflowError):
        pass
    raise _bad(name, f"{name} 应为带时区的时间，例如 2026-01-01T00:00:00+08:00")


def _check_order(name: str, begins: datetime | None, ends: datetime | None) -> None:
    if begins is not None and ends is not None and ends < begins:
        raise _bad(name, "结束时间不能早于开始时间")


def _time(at: datetime | None) -> str | None:
    return rfc3339(at) if at is not None else None


def _bad(name: str, detail: str) -> InvalidInput:
    problem = FieldProblem(pointer=f"/{name}" if name else "", code="trust_entry", detail=detail)
    return InvalidInput(f"信任列表的条目有误：{detail}", problems=(problem,))
