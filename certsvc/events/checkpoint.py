"""Checkpoints of the evidence log: C2SP tlog-checkpoint within a C2SP signed note.

The text is origin, size and root, one a line; signatures follow behind an empty line. Who signs is not known here.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

from certsvc.events.merkle import HASH_BYTES

MAX_NOTE_CHARS = 16 * 1024
"""Longest note that is read: sixteen signatures fit (signed-note)."""
DASH = "\u2014"
_LINES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class TreeHead:
    """What a checkpoint states: of the log ``origin``, the first ``size`` leaves have the root ``root``."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class NoteSignature:
    """One signature line: who, the key id in 4 bytes, and the bytes of the signature."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """The line as it stands in a note."""
        return f"{DASH} {self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """A signed head of the log; ``number`` counts from 1 without gaps."""

    number: int
    size: int
    note: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamp:
    """An RFC 3161 token (DER) over the signed note of the checkpoint of this size."""

    size: int
    token: bytes
    at: datetime


def write_note(text: str, signatures: tuple[NoteSignature, ...]) -> str:
    """The signed note."""
    return f"{text}\n{''.join(one.line() for one in signatures)}"


def read_note(note: str) -> tuple[TreeHead, str, tuple[NoteSignature, ...]]:
    """The head, the signed text and the signatures, which are not verified here; ValueError for any other text."""
    text, found, lines = note.rpartition("\n\n")
    text += "\n"
    if not found or len(note) > MAX_NOTE_CHARS or not lines.endswith("\n"):
        msg = "not a signed note"
        raise ValueError(msg)
    head = _head(text)
    signatures = tuple(_signature(line) for line in lines[:-1].split("\n"))
    if write_note(text, signatures) != note:
        msg = "not a signed note in its one spelling"
        raise ValueError(msg)
    return head, text, signatures


def _head(text: str) -> TreeHead:
    origin, size, root, *_ = [*text.split("\n"), "", ""]
    hashed = _decoded(root)
    if text.count("\n") < _LINES or not origin or not size.isascii() or not size.isdigit() or len(hashed) != HASH_BYTES:
        msg = "not a checkpoint"
        raise ValueError(msg)
    head = TreeHead(origin=origin, size=int(size), root=hashed)
    if not text.startswith(head.text()):
        msg = "not a checkpoint in its one spelling"
        raise ValueError(msg)
    return head


def _signature(line: str) -> NoteSignature:
    dash, _, rest = line.partition(" ")
    name, _, signed = rest.partition(" ")
    data = _decoded(signed)
    if dash != DASH or not name or len(data) <= 4:  # noqa: PLR2004  (bytes of a key id)
        msg = "not a signature line"
        raise ValueError(msg)
    return NoteSignature(name=name, key_id=data[:4], signature=data[4:])


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        msg = "not base64"
        raise ValueError(msg) from error
