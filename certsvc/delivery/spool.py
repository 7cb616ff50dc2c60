"""Messages to people as files of a directory, for a gateway that sends them on (SMS, the city's app).

A message is written whole, under a name of its own, readable by the owner alone. In the sandbox nobody sends them on
and the page shows them: the directory is the pretended telephone.
"""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING

from certsvc.clock import parse_rfc3339, rfc3339
from certsvc.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from certsvc.ids import Ids

SUFFIX = ".json"
KEPT = 500
"""Messages looked through when the newest are asked for."""


class MessageSpool:
    """Implements ``signer_ports.Notifier`` with a directory."""

    def __init__(self, directory: Path | None, ids: Ids) -> None:
        """Write to ``directory``; without one every message is refused."""
        self._directory = directory
        self._ids = ids

    def send(self, subject: str, text: str, *, now: datetime) -> None:
        """Write one message; Unavailable without a directory or when it cannot be written."""
        if self._directory is None:
            msg = "没有配置短信通道（message_dir），无法发送验证码，请联系运维"
            raise Unavailable(msg)
        name = self._ids.new("msg")
        content = json.dumps({"to": subject, "text": text, "at": rfc3339(now)}, ensure_ascii=False)
        try:
            put_file(self._directory, f"{name}{SUFFIX}", content.encode())
        except OSError as error:
            msg = "验证码暂时无法发出，请稍后再试"
            raise Unavailable(msg) from error

    def received(self, subject: str, *, limit: int) -> Sequence[tuple[datetime, str]]:
        """Messages to this person that are still at hand, newest first."""
        if self._directory is None or not self._directory.is_dir():
            return []
        found: list[tuple[datetime, str]] = []
        for path in sorted(self._directory.glob(f"*{SUFFIX}"), reverse=True)[:KEPT]:
            message = json.loads(path.read_text(encoding="utf-8"))
            if message["to"] == subject:
                found.append((parse_rfc3339(message["at"]), message["text"]))
            if len(found) == limit:
                break
        return found


def put_file(directory: Path, name: str, content: bytes) -> None:
    """Write a file whole and durably, for the owner alone; one of this name is replaced. OSError when that fails."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = directory / f".{name}.{os.getpid()}.{threading.get_ident()}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(directory / name)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
