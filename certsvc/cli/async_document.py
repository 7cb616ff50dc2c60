"""The AsyncAPI 3 document: every event that leaves or comes in, and the ways by which it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import certsvc
from certsvc.events.cloudevents import STRUCTURED
from certsvc.events.envelope import PREFIX
from certsvc.events.payloads import PAYLOADS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TEXT = {"type": "string", "minLength": 1}
_REFERENCE = {"type": "string", "format": "uri-reference", "minLength": 1}
_MOMENT = {"type": "string", "format": "date-time"}
_TRACE = {"type": "string", "description": "W3C Trace Context；由调用方的请求引起的事件带着它"}
_ON_BROKER = {
    "prefix": {"description": "主题的第一段", "default": "certsvc"},
    "type": {"description": "如 license.issued.v1"},
    "client": {"description": "certsvc clients add 登记的标识"},
}
_ENVELOPES = {
    "EventOut": {
        "title": "EventOut",
        "description": "CloudEvents 1.0；position 是在事件流中的位置，同一 id 的事件内容不变",
        "type": "object",
        "required": ["position", "specversion", "id", "source", "type", "subject", "time", "dataschema", "data"],
        "properties": {
            "position": {"type": "integer", "minimum": 1},
            "specversion": {"const": "1.0"},
            "id": _TEXT,
            "source": _REFERENCE,
            "type": _TEXT,
            "subject": _TEXT,
            "time": _MOMENT,
            "datacontenttype": {"const": "application/json"},
            "traceparent": _TRACE,
            "dataschema": {"type": "string", "format": "uri"},
            "data": {"type": "object"},
        },
    },
    "EventIn": {
        "title": "EventIn",
        "description": "CloudEvents 1.0；同一 source 与 id 的事件只办理一次",
        "type": "object",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": _TEXT,
            "source": _REFERENCE,
            "type": _TEXT,
            "subject": _TEXT,
            "time": _MOMENT,
            "datacontenttype": {"const": "application/json"},
            "traceparent": _TRACE,
            "data": {"type": "object"},
        },
    },
}


def async_document(incoming: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The document; ``incoming`` are the types that come in, each with what it asks for."""
    out = {PREFIX + payload.NAME: _first_line(payload.__doc__) for payload in PAYLOADS}
    come = {event_type: _first_line(words) for event_type, words in incoming}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "certsvc 事件 · events",
            "version": certsvc.__version__,
            "description": "证照、印章、签署的事件。内容见 events/，发布后不再更改；接收方说明见 docs/webhooks.md。",
        },
        "defaultContentType": STRUCTURED,
        "channels": {
            "feed": _channel("/v1/events/stream", "事件流（SSE）；逐页读取用 GET /v1/events?after=", out),
            "webhook": _channel(
                None, "推送到订阅的网址（Standard Webhooks v1：webhook-id、webhook-timestamp、webhook-signature）", out
            ),
            "broker": _channel("{prefix}.events.{type}", "JetStream 主题；type 为不带前缀的事件名", out, _ON_BROKER),
            "brokerRequests": _channel("{prefix}.in.{client}", "JetStream 主题；client 为系统标识", come, _ON_BROKER),
            "requests": _channel("/v1/events", "审批系统、来源系统发来的事件（POST，结构化、二进制或成批）", come),
        },
        "operations": {
            "streamEvents": _operation("send", "feed", "读者断线后以 Last-Event-ID 继续，不漏一件"),
            "pushEvents": _operation("send", "webhook", "至少一次；同一 subject 按次序；重发时编号不变"),
            "publishEvents": _operation("send", "broker", "至少一次，按事件流的次序；编号即 Nats-Msg-Id"),
            "takeBrokerRequests": _operation("receive", "brokerRequests", "办理后才确认；办不了的另存并说明原因"),
            "takeRequests": _operation("receive", "requests", "收下即持久保存，答 202"),
        },
        "components": {
            "schemas": _ENVELOPES,
            "messages": {
                **{_key(one): _message(one, words, "EventOut") for one, words in out.items()},
                **{_key(one): _message(one, words, "EventIn") for one, words in come.items()},
            },
        },
    }


def _channel(
    address: str | None, words: str, messages: Mapping[str, str], parameters: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    refs = {_key(one): {"$ref": f"#/components/messages/{_key(one)}"} for one in messages}
    named = {name: said for name, said in (parameters or {}).items() if f"{{{name}}}" in (address or "")}
    found = {"address": address, "description": words, "messages": refs}
    return {**found, "parameters": named} if named else found


def _operation(action: str, channel: str, words: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "description": words}


def _message(event_type: str, words: str, envelope: str) -> dict[str, Any]:
    name = event_type.removeprefix(PREFIX)
    special = {"type": {"const": event_type}, "data": {"$ref": f"./events/{name}.json"}}
    return {
        "name": event_type,
        "title": name,
        "summary": words,
        "contentType": STRUCTURED,
        "payload": {"allOf": [{"$ref": f"#/components/schemas/{envelope}"}, {"properties": special}]},
    }


def _key(event_type: str) -> str:
    """The name of a message within the document: letters, digits, ``-`` and ``_`` only."""
    return event_type.removeprefix(PREFIX).replace(".", "-")


def _first_line(words: str | None) -> str:
    return (words or "").strip().splitlines()[0]
