"""Fields with their drawings as JSON, for the worker processes that write updates of uploads."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from certsvc.seal.marks import Drawing, NextField, NextSignature, VisibleMark


def dump_job(field: NextField, signature: NextSignature) -> dict[str, Any]:
    """Both as plain JSON values; a drawing that many marks share is written once."""
    packer = _Packer()
    return {
        "field": packer.field(field),
        "signature": {
            "filter": signature.filter,
            "sub_filter": signature.sub_filter,
            "signed_at": signature.signed_at.isoformat(),
            "signer": signature.signer,
            "reserved_bytes": signature.reserved_bytes,
            "kind": signature.kind,
            "reason": signature.reason,
            "location": signature.location,
            "docmdp": signature.docmdp,
            "later": [packer.field(one) for one in signature.later],
        },
        "drawings": packer.drawings,
    }


def load_job(job: dict[str, Any]) -> tuple[NextField, NextSignature]:
    """What :func:`dump_job` made."""
    drawings: list[Drawing] = []
    for one in job["drawings"]:
        drawings.append(
            Drawing(
                head=base64.b64decode(one["head"]),
                data=base64.b64decode(one["data"]),
                parts=tuple((name, drawings[index]) for name, index in one["parts"]),
                states=base64.b64decode(one["states"]),
                mask=None if one["mask"] is None else drawings[one["mask"]],
            )
        )
    said = dict(job["signature"])
    said["signed_at"] = datetime.fromisoformat(said["signed_at"])
    said["later"] = tuple(_field(one, drawings) for one in said["later"])
    return _field(job["field"], drawings), NextSignature(**said)


def _field(said: dict[str, Any], drawings: list[Drawing]) -> NextField:
    marks = tuple(
        VisibleMark(page=page, rect=tuple(rect), drawing=None if index is None else drawings[index])
        for page, rect, index in said["marks"]
    )
    return NextField(name=said["name"], create=said["create"], marks=marks, lock=said["lock"])


class _Packer:
    """Numbers drawings so that each comes after those it draws with."""

    def __init__(self) -> None:
        self.drawings: list[dict[str, Any]] = []
        self._numbers: dict[int, int] = {}

    def field(self, field: NextField) -> dict[str, Any]:
        marks = [
            [mark.page, list(mark.rect), None if mark.drawing is None else self._number(mark.drawing)]
            for mark in field.marks
        ]
        return {"name": field.name, "create": field.create, "lock": field.lock, "marks": marks}

    def _number(self, drawing: Drawing) -> int:
        found = self._numbers.get(id(drawing))
        if found is not None:
            return found
        parts = [[name, self._number(part)] for name, part in drawing.parts]
        mask = None if drawing.mask is None else self._number(drawing.mask)
        said = {name: base64.b64encode(getattr(drawing, name)).decode("ascii") for name in ("head", "data", "states")}
        self.drawings.append({**said, "parts": parts, "mask": mask})
        self._numbers[id(drawing)] = len(self.drawings) - 1
        return len(self.drawings) - 1
