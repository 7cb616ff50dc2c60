"""The texts of our QR codes, and how to read one that was scanned.

A code is an https address of one configured host, so that any phone's camera leads somewhere honest, and an opaque
128-bit token. An offline code begins with a prefix of ours and is no address. Anything else is "not ours": the scanner
never follows an address it read (quishing, RELIABILITY 2).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from certsvc.license.offline import MAX_TEXT, PREFIX

PRINTED_PATH = "/q/"
SHOW_PATH = "/s/"
CHALLENGE_PATH = "/c/"

TOKEN_FORM = re.compile(r"^[A-Za-z0-9_-]{22}$")
"""16 bytes in URL-safe base64 without padding."""

MAX_CODE_LENGTH = 512
"""Characters of a scanned address; ours have fewer than 120. Stops oversized input before any parsing."""

MAX_SCANNED = 7_089
"""Characters of the fullest QR code (ISO/IEC 18004, version 40-L, digits): whatever a camera reads is judged, if only
as not ours, and nothing longer is taken in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """What was scanned: ``show``, ``printed``, ``challenge``, ``offline`` or ``foreign``; and the token.

    Of an offline code the token is the text.
    """

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
    text = text.strip()  # takes nothing from base45: its texts never end in a space (RFC 9285 §4)
    if text.startswith(PREFIX) and len(text) <= MAX_TEXT:
        return Code(kind="offline", token=text)
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
