"""What was released is never changed, and the AsyncAPI document is whole and true."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from fixtures_city import ROOT
from store_records import make_event

from certsvc.cli.documents import DIGESTS, INCOMING, documents, released, write_documents
from certsvc.events.envelope import PREFIX
from certsvc.events.payloads import PAYLOADS, LicenseIssued

OPENAPI = ROOT / "openapi"
DOCUMENT: dict[str, Any] = json.loads((OPENAPI / "asyncapi.json").read_text("utf-8"))
OUT = [PREFIX + payload.NAME for payload in PAYLOADS]
IN = [event_type for event_type, _ in INCOMING]


def test_no_released_event_schema_was_changed_or_taken_away() -> None:
    known = released(OPENAPI)
    assert len(known) >= 53, "lines are added and never removed"
    for name, digest in known.items():
        assert hashlib.sha256((OPENAPI / name).read_bytes()).hexdigest() == digest, f"{name}: make a v2 beside it"
    files = {path.relative_to(OPENAPI).as_posix() for path in (OPENAPI / "events").glob("*.json")}
    made = {name for name in documents() if name.startswith("events/")}
    assert files == set(known) == made, "run `make openapi`"


def test_writing_refuses_to_change_or_drop_what_was_released(tmp_path: Path) -> None:
    out = tmp_path / "openapi"
    shutil.copytree(OPENAPI, out)
    digests = out / DIGESTS
    good = digests.read_text("utf-8")
    (out / "certsvc.json").write_text("untouched", encoding="utf-8")
    changed = good.replace(good[:64], "0" * 64) + "0" * 64 + "  events/license.burnt.v1.json\n"
    digests.write_text(changed, encoding="utf-8")
    with pytest.raises(SystemExit, match=r"alert\.acknowledged\.v1.*license\.burnt\.v1.*主版本"):
        write_documents(out)
    assert (out / "certsvc.json").read_text("utf-8") == "untouched"
    digests.write_text("".join(good.splitlines(keepends=True)[:-1]), encoding="utf-8")
    written = write_documents(out)
    assert digests.read_text("utf-8") == good, "a new one gets its line"
    assert {path.relative_to(out).as_posix() for path in written} == {
        path.relative_to(OPENAPI).as_posix() for path in OPENAPI.rglob("*") if path.is_file()
    }


def references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [one for member in node.values() for one in references(member)]
    return [one for member in node for one in references(member)] if isinstance(node, list) else []


def test_the_asyncapi_document_names_every_event_and_every_reference_leads_somewhere() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    messages = DOCUMENT["components"]["messages"]
    assert sorted(one["name"] for one in messages.values()) == sorted([*OUT, *IN])
    channels = {"feed": OUT, "webhook": OUT, "broker": OUT, "requests": IN, "brokerRequests": IN}
    assert set(DOCUMENT["channels"]) == set(channels)
    for channel, types in channels.items():
        named = DOCUMENT["channels"][channel]["messages"]
        assert sorted(messages[key]["name"] for key in named) == sorted(types)
    found = references(DOCUMENT)
    assert len(found) > len(OUT)
    for one in found:
        if one.startswith("#/"):
            place: Any = DOCUMENT
            for step in one.removeprefix("#/").split("/"):
                place = place[step]
        else:
            assert (OPENAPI / one).is_file(), one


def judge(message: str) -> Any:
    """A validator of one message, with the event schema that it refers to."""

    def load(uri: str) -> Any:
        return json.loads((OPENAPI / uri.removeprefix("file:///")).read_text("utf-8"))

    place = f"#/components/messages/{message}/payload"
    return jsonschema_rs.Draft202012Validator(
        {**DOCUMENT, "$id": "file:///asyncapi.json", "$ref": place}, retriever=load
    )


def test_an_event_as_it_is_sent_fits_its_message_and_no_other() -> None:
    payload = LicenseIssued(**{field.name: "x" for field in dataclasses.fields(LicenseIssued)})
    data = dataclasses.asdict(payload)
    sent = make_event(1, type=PREFIX + payload.NAME, data=data, position=7).in_feed()
    judge("license-issued-v1").validate(sent)
    for bad in (
        {**sent, "type": PREFIX + "license.revoked.v1"},
        {**sent, "position": 0},
        {
            **sent,
            "data": {**payload.event(event_id="e", source="s", subject="x", at=make_event(1).time).data, "sha256": 1},
        },
        {key: value for key, value in sent.items() if key != "id"},
    ):
        assert not judge("license-issued-v1").is_valid(bad)
    assert not judge("license-revoked-v1").is_valid(sent)


def test_the_example_of_an_approval_event_fits_its_message() -> None:
    example = json.loads((ROOT / "docs" / "examples" / "approval-event.json").read_text("utf-8"))
    judge("issuance-requested-v1").validate(example)
    assert not judge("issuance-requested-v1").is_valid({**example, "data": {}})
