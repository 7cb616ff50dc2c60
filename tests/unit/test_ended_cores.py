"""A core that was ended in the register leads nowhere any more, whatever the code says of itself."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from certsvc.commands.offline import look as looking
from certsvc.license.offline import IssuedCore
from certsvc.seal.verdict import Reason

NOW = datetime(2026, 12, 2, 4, tzinfo=UTC)


@pytest.mark.parametrize(("left_s", "reason"), [(3600, None), (0, Reason.CODE_EXPIRED), (-5, Reason.CODE_EXPIRED)])
def test_a_core_is_good_until_its_end_in_the_register(
    monkeypatch: pytest.MonkeyPatch, left_s: int, reason: Reason | None
) -> None:
    monkeypatch.setattr(looking, "time_fault", lambda *_: None)
    code: Any = SimpleNamespace(core=SimpleNamespace(token=b"token", device_key=b"key"))
    core = IssuedCore(
        core_id="cor_1",
        token_sha256=hashlib.sha256(b"token").hexdigest(),
        version_id="ver_1",
        device_id="dev_1",
        issued_at=NOW,
        expires_at=NOW + timedelta(seconds=left_s),
    )
    device: Any = SimpleNamespace(public_key=b"key", blocked_before=lambda _: False)
    version: Any = SimpleNamespace()
    known = looking.KnownCores(cores={core.token_sha256: core}, versions={"ver_1": version}, devices={"dev_1": device})
    found = looking.look(code, known, NOW)
    assert (found.core_id, found.reason) == ("cor_1", reason)
