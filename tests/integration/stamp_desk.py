"""Somebody at the stamping desk: a seal keeper over the API, with files made by other tools."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from fixtures_city import ServedCity

KEEPER = "keeper-1"


@dataclass
class Desk:
    """A keeper and one of the seals of the own authority."""

    city: ServedCity
    seal_id: str
    diameter_mm: float
    headers: dict[str, str]

    def upload(self, data: bytes) -> Any:
        files = {"file": ("合同.pdf", data, "application/pdf")}
        return self.city.client.post("/v1/stampings/uploads", headers=self.headers, files=files)

    def taken(self, data: bytes) -> dict[str, Any]:
        return dict(self.city.answer(self.upload(data), 201))

    def show(self, upload_id: str, **wish: Any) -> Any:
        body = {"upload_id": upload_id, "seal_id": self.seal_id, **wish}
        return self.city.client.post("/v1/stampings/previews", headers=self.headers, json=body)

    def shown(self, data: bytes, **wish: Any) -> dict[str, Any]:
        return dict(self.city.answer(self.show(self.taken(data)["upload_id"], **wish), 201))

    def confirm(self, shown: dict[str, Any], **changes: Any) -> Any:
        marks = [{"page": mark["page"], "rect": mark["rect"]} for mark in shown["marks"]]
        body = {
            "preview_id": shown["preview_id"],
            "sha256": shown["sha256"],
            "marks": marks,
            "purpose": "示例批复用印",
            "case_no": "示例〔2026〕7号",
            **changes,
        }
        return self.city.client.post("/v1/stampings", headers=self.headers, json=body)

    def stamped(self, data: bytes, **wish: Any) -> tuple[dict[str, Any], bytes]:
        """Upload, preview and confirm; the register row and the sealed file."""
        row = self.city.answer(self.confirm(self.shown(data, **wish)), 201)
        return dict(row), self.file(row["stamping_id"])

    def file(self, stamping_id: str) -> bytes:
        got = self.city.client.get(f"/v1/stampings/{stamping_id}/file", headers=self.headers)
        assert got.status_code == 200, got.text
        return bytes(got.content)

    def picture(self, path: str) -> bytes:
        got = self.city.client.get(path, headers=self.headers)
        assert got.status_code == 200, got.text
        return bytes(got.content)

    def batch(self, files: list[tuple[str, bytes]], **order: Any) -> Any:
        sent = [("files", (name, data, "application/octet-stream")) for name, data in files]
        asked = {"seal_id": self.seal_id, "purpose": "示例批量用印", **order}
        form = {"order": json.dumps(asked, ensure_ascii=False)}
        return self.city.client.post("/v1/stampings/batches", headers=self.headers, files=sent, data=form)


def desk_of(city: ServedCity) -> Desk:
    headers = city.person(KEEPER)
    seals = city.answer(city.client.get("/v1/seals", headers=headers), 200)
    seal_id = next(seal["seal_id"] for seal in seals if seal["state"] == "active")
    with city.service.deps.uow.read() as tx:
        seal = tx.seals.by_id(seal_id)
    assert seal is not None
    return Desk(city=city, seal_id=seal_id, diameter_mm=seal.stamp.diameter_mm, headers=headers)
