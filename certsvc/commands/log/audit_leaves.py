"""A row of evidence against its own leaf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from certsvc.events.evidence import salted_digest

if TYPE_CHECKING:
    from certsvc.events.evidence import EvidenceRow
    from certsvc.license.audited import ReadLeaf


def leaf_fits(leaf: ReadLeaf) -> bool:
    """Whether the columns say what the leaf says."""
    stated = _leaf(leaf.leaf)
    return stated is not None and (stated.get("id"), stated.get("kind")) == (leaf.evidence_id, leaf.kind)


def _leaf(data: bytes) -> dict[str, Any] | None:
    try:
        read = orjson.loads(data)
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


def leaf_said(leaf: ReadLeaf) -> dict[str, Any] | None:
    """What a row of evidence says; None when its columns or its details are not what its leaf states."""
    row, stated = leaf.row, _leaf(leaf.leaf)
    if row is None or stated is None:
        return None
    try:
        said: dict[str, Any] = orjson.loads(row.details)
        # Details are canonical, so the canonical content stands in them as it is.
        begin = b'{"actor":' + orjson.dumps(said["actor"]) + b',"content":'
        end = b',"subject":' + orjson.dumps(said["subject"]) + b"}"
        body = row.details[len(begin) : -len(end)]
        whole = row.details == begin + body + end
        same = stated == _stated(leaf, row, said, body)
    except (ValueError, KeyError, TypeError):
        return None
    return said if whole and same else None


def _stated(leaf: ReadLeaf, row: EvidenceRow, said: dict[str, Any], body: bytes) -> dict[str, Any]:
    return {
        "v": 1,
        "id": leaf.evidence_id,
        "kind": leaf.kind,
        "at": leaf.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "subject": salted_digest(row.salt, str(said["subject"]).encode()),
        "actor": salted_digest(row.salt, str(said["actor"]).encode()),
        "content": salted_digest(row.salt, body),
    }
