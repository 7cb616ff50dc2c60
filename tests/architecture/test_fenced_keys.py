"""No command reaches the key of a seal but by the fence (ADR 97)."""

from __future__ import annotations

import re
from pathlib import Path

COMMANDS = Path(__file__).parents[2] / "certsvc" / "commands"
KEY_USE = re.compile(r"\b_?(?:press|sealer)\.seal\(")


def test_only_the_fence_and_the_press_behind_it_ask_for_a_seals_signature() -> None:
    users = {
        path.relative_to(COMMANDS).as_posix()
        for path in COMMANDS.rglob("*.py")
        if KEY_USE.search(path.read_text(encoding="utf-8"))
    }
    assert users == {"seals/fence.py", "issuance/press.py"}
