"""People who sign, in a city of the tests: applying, being asked, reading the pretended telephone, confirming."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fixtures_city import ServedCity
from PIL import Image, ImageDraw
from upload_documents import letter

from certsvc.clock import rfc3339
from certsvc.signing.pin_wrap import Cost

PIN = "802467"
CHEAP = Cost(log_n=4, r=8, p=1)
"""For tests of everything but the cost itself."""

PEOPLE = ("holder-4", "holder-9", "holder-10", "holder-11")
"""吴示例, 褚示例, 蒋示例, 欧阳示例: natural persons of the sandbox."""

PLACES = (
    {"page": 1, "x": 20, "y": 60, "width": 70, "height": 20},
    {"page": 1, "x": 110, "y": 60, "width": 70, "height": 20},
    {"page": 1, "x": 20, "y": 30, "width": 70, "height": 20},
    {"page": 2, "x": 20, "y": 30, "width": 70, "height": 20},
)
SEAL = "seal_11990000MB0000019F"
SEAL_PLACE = {"page": 1, "x": 120, "y": 90, "width": 50, "height": 50}


def scribble(*, ground: tuple[int, int, int, int] = (0, 0, 0, 0)) -> bytes:
    """A PNG with a line on it, as a canvas gives."""
    picture = Image.new("RGBA", (300, 120), ground)
    pen = ImageDraw.Draw(picture)
    pen.line([(20, 90), (60, 20), (90, 100), (140, 30), (180, 90), (280, 40)], fill=(0, 0, 0, 255), width=6)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


@dataclass
class PeopleCity:
    """A city whose people have e-signatures."""

    city: ServedCity

    def __post_init__(self) -> None:
        """Keys are wrapped cheaply."""
        keys: Any = self.city.service.deps.person_keys
        keys._cost = CHEAP

    @property
    def client(self) -> Any:
        return self.city.client

    def act_code(self, subject: str, act: str) -> str:
        """The code that came for an application or another PIN."""
        headers = self.city.person(subject)
        self.city.answer(self.client.post("/v1/signers/codes", headers=headers, json={"act": act}), 201)
        return self.newest(subject)

    def newest(self, subject: str) -> str:
        """The digits of the newest message on the pretended telephone."""
        headers = self.city.person(subject)
        text = self.city.answer(self.client.get("/v1/sandbox/messages", headers=headers), 200)[0]["text"]
        found = re.search(r"\b[0-9]{6}\b", text)
        assert found is not None
        return found[0]

    def later(self) -> None:
        """The pause between two codes is over."""
        self.city.execute("DELETE FROM code_turns")

    def apply(self, subject: str, **changes: Any) -> Any:
        """The bare answer to an application."""
        body = {
            "agreement": "2026-01",
            "pin": PIN,
            "handwriting": base64.b64encode(scribble()).decode(),
            **changes,
        }
        return self.client.post("/v1/signers", headers=self.city.person(subject), json=body)

    def signer(self, subject: str, *, new: bool = False) -> dict[str, Any]:
        """An e-signature; a ``new`` one is in its first day."""
        self.later()
        made = dict(self.city.answer(self.apply(subject, code=self.act_code(subject, "apply")), 201))
        if not new:
            self.age(made["signer_id"])
        return made

    def age(self, signer_id: str) -> None:
        """The first day of a signer is over."""
        before = (self.city.service.deps.clock.now() - timedelta(days=2)).isoformat(timespec="microseconds")
        times = f"applied_at = '{before}', valid_from = '{before}'".replace(":", "\\:")
        self.city.execute(f"UPDATE signers SET {times} WHERE signer_id = '{signer_id}'")

    def body(self, subjects: tuple[str, ...], orders: tuple[int, ...], **changes: Any) -> dict[str, Any]:
        now = self.city.service.deps.clock.now()
        return {
            "title": "示例劳动合同",
            "deadline": rfc3339(now + timedelta(days=3)),
            "participants": [
                {"subject": subject, "order": order, "reason": "本人确认", "place": place}
                for subject, order, place in zip(subjects, orders, PLACES, strict=False)
            ],
            **changes,
        }

    def ask(
        self,
        subjects: tuple[str, ...],
        orders: tuple[int, ...],
        *,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
        **changes: Any,
    ) -> Any:
        files = {"file": ("a.pdf", data or letter(2), "application/pdf")}
        form = {"signing": json.dumps(self.body(subjects, orders, **changes))}
        return self.client.post("/v1/signings", headers=headers or self.city.system(), files=files, data=form)

    def round(self, subjects: tuple[str, ...], orders: tuple[int, ...], **changes: Any) -> dict[str, Any]:
        return dict(self.city.answer(self.ask(subjects, orders, **changes), 201))

    def seen(self, subject: str, round_id: str) -> Any:
        return self.client.get(f"/v1/signings/{round_id}", headers=self.city.person(subject))

    def code(self, subject: str, round_id: str, sha256: str) -> str:
        headers = self.city.person(subject)
        sent = self.client.post(f"/v1/signings/{round_id}/codes", headers=headers, json={"document_sha256": sha256})
        self.city.answer(sent, 201)
        return self.newest(subject)

    def confirm(self, subject: str, round_id: str, **body: Any) -> Any:
        headers = self.city.person(subject)
        return self.client.post(f"/v1/signings/{round_id}/signatures", headers=headers, json=body)

    def sign(self, subject: str, round_id: str, *, pin: str = PIN) -> dict[str, Any]:
        """Look, get a code, confirm."""
        digest = self.city.answer(self.seen(subject, round_id), 200)["sha256"]
        code = self.code(subject, round_id, digest)
        answer = self.confirm(subject, round_id, document_sha256=digest, pin=pin, code=code)
        return dict(self.city.answer(answer, 201))

    def file(self, round_id: str) -> bytes:
        answer = self.client.get(f"/v1/signings/{round_id}/file", headers=self.city.system())
        assert answer.status_code == 200, answer.text
        return bytes(answer.content)
