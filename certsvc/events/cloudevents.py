"""CloudEvents 1.0 as they come in: structured, binary and batched (HTTP protocol binding §3, NATS binding §3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from certsvc.errors import FieldProblem, InvalidInput, TooLarge, UnsupportedMedia
from certsvc.events.strict_json import read_json
from certsvc.events.trace import HEADER, read_traceparent

if TYPE_CHECKING:
    from collections.abc import Mapping

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
JSON = "application/json"

MAX_BATCH = 100
"""Events in one batch; bounds the work behind one request."""

MAX_ATTRIBUTE = 256
"""Characters of a context attribute; stops keys that bloat the index."""

REQUIRED = ("specversion", "id", "source", "type")


@dataclass(frozen=True, kw_only=True, slots=True)
class Incoming:
    """One event as it came in; ``traceparent`` is its own, else that of the request or message."""

    event_id: str
    source: str
    type: str
    subject: str
    data: Any
    traceparent: str = ""


def read_events(headers: Mapping[str, str], body: bytes) -> tuple[list[Incoming], bool]:
    """The events of a request, and whether it was a batch.

    Raises:
        UnsupportedMedia: another content type.
        InvalidInput: not JSON, or a required attribute missing or not 1.0.
        TooLarge: more events than a batch may hold.
    """
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == STRUCTURED:
        return [_structured(read_json(body), "")], False
    if media == BATCH:
        items = read_json(body)
        if not isinstance(items, list):
            raise InvalidInput("批量事件应为 JSON 数组", problems=(_problem("", "应为 JSON 数组"),))
        if len(items) > MAX_BATCH:
            raise TooLarge(f"一批最多 {MAX_BATCH} 个事件，请分批发送")
        return [_structured(item, f"/{index}") for index, item in enumerate(items)], True
    if "ce-specversion" in headers:
        if media != JSON:
            raise UnsupportedMedia("二进制模式的事件内容应为 application/json")
        attributes = {name: unquote(headers.get(f"ce-{name}", "")) for name in (*REQUIRED, "subject", HEADER)}
        return [_event(attributes, read_json(body), "")], False
    raise UnsupportedMedia(f"请使用 {STRUCTURED}、{BATCH}，或带 ce- 请求头的 {JSON}")


def _structured(item: object, pointer: str) -> Incoming:
    if not isinstance(item, dict):
        raise InvalidInput("事件应为 JSON 对象", problems=(_problem(pointer, "应为 JSON 对象"),))
    if "data_base64" in item:
        detail = "请以 JSON 放在 data 中"
        raise InvalidInput("不支持 data_base64", problems=(_problem(f"{pointer}/data_base64", detail),))
    attributes = {name: item.get(name, "") for name in (*REQUIRED, "subject", HEADER)}
    return _event(attributes, item.get("data"), pointer)


def _event(attributes: Mapping[str, object], data: Any, pointer: str) -> Incoming:
    problems = [
        _problem(f"{pointer}/{name}", f"应为 1 到 {MAX_ATTRIBUTE} 个字符的文本")
        for name in REQUIRED
        if not _plain(attributes[name])
    ]
    if not problems and attributes["specversion"] != "1.0":
        problems.append(_problem(f"{pointer}/specversion", "只支持 CloudEvents 1.0"))
    subject = attributes["subject"]
    if not isinstance(subject, str) or not (subject == "" or _plain(subject)):
        problems.append(_problem(f"{pointer}/subject", f"应为不超过 {MAX_ATTRIBUTE} 个字符的文本"))
    if problems:
        raise InvalidInput("事件属性有误，请按提示更正", problems=tuple(problems))
    return Incoming(
        event_id=str(attributes["id"]),
        source=str(attributes["source"]),
        type=str(attributes["type"]),
        subject=str(subject),
        data=data,
        traceparent=read_traceparent(attributes[HEADER]),
    )


def _plain(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_ATTRIBUTE and value.isprintable()


def _problem(pointer: str, detail: str) -> FieldProblem:
    return FieldProblem(pointer=pointer, code="cloudevents", detail=detail)
