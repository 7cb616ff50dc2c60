"""The texts of our QR codes, and how to read one that was scanned.

A code is an https address of one configured host, so that any phone's camera leads somewhere honest, and an opaque
128-bit token. Anything else is "not ours": the scanner never follows an address it read (quishing, RELIABILITY 2).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

PRINTED_PATH = "/q/"
SHOW_PATH = "/s/"
CHALLENGE_PATH = "/c/"

TOKEN_FORM = re.compile(r"^[A-Za-z0-9_-]{22}$")
"""16 bytes in URL-safe base64 without padding."""

MAX_CODE_LENGTH = 512
"""Characters of a scanned text; ours have fewer than 120. Stops oversized input before any parsing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """What was scanned: ``show``, ``printed``, ``challenge`` or ``foreign``, and the token."""

    kind: str
    token: str


def show_text(public_base: str, token: str) -> str:
    """The QR text of a show code."""
    return f"{public_base}{SHOW_PATH}{token}"


def challenge_text(public_base: str, token: str) -> str:
    """The QR text of a verifier's challenge (反扫)."""
    return f"{public_base}{CHALLENGE_PATH}{token}"


def read_code(text: str, public_base: str) -> Code:
    """Tell our codes from foreign ones; compares whole prefixes, never parses a host out of a foreign address."""
    text = text.strip()
    if len(text) <= MAX_CODE_LENGTH:
        for kind, path in (("show", SHOW_PATH), ("printed", PRINTED_PATH), ("challenge", CHALLENGE_PATH)):
            prefix = public_base + path
            token = text.removeprefix(prefix)
            if token != text and TOKEN_FORM.fullmatch(token):
                return Code(kind=kind, token=token)
    return Code(kind="foreign", token="")


def token_sha256(token: str) -> str:
    """What is stored instead of a token."""
    return hashlib.sha256(token.encode("ascii", errors="replace")).hexdigest()
