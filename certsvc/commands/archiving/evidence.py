"""The evidence bundle of a license within a package: about these bytes, signed, and in the log (docs/evidence.md)."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from certsvc.commands.archiving.package import MAX_ENTRIES, MAX_ENTRY_BYTES
from certsvc.commands.evidence.rows import MADE
from certsvc.commands.log.bundle import FORMAT, MANIFEST, MANIFEST_NOTE, SIGNED_AS
from certsvc.commands.stamping.archive import DAMAGED, read_member
from certsvc.errors import TooLarge
from certsvc.events.checkpoint import read_note, read_signed
from certsvc.events.merkle import leaf_hash, root_of_inclusion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.commands.archiving.tools import Tools
    from certsvc.events.checkpoint import TreeHead
REGISTERED = "registered"
BEGAN_REGISTERED = "license.registered"
"""The leaf of a license that was made elsewhere."""
OF_A_MOVE = ("move", "from_state", "to_state", "authority_code", "document_no", "at")
"""What the history of a package and the bundle both say of a move."""
_WRONG = (KeyError, TypeError, ValueError, IndexError)
"""What a bundle that is not built as ours makes its reader raise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundle:
    """What was found of a bundle.

    Attributes:
        fault: what is wrong, in Chinese; empty when nothing is.
        key_known: whether a key was there to hold its signatures against; without one only its digests were compared.
        status: ``status.json`` of it, what the register said of the license; empty where something is wrong.
        began: kind of the leaf with which the license begins, one of :data:`MADE`.
    """

    fault: str = ""
    key_known: bool = True
    status: Mapping[str, Any] = field(default_factory=dict)
    began: str = ""


def look_at_bundle(data: bytes, *, identifier: str, sha256: str, tools: Tools) -> Bundle:
    """A bundle that is to be about this license and this file; whatever is wrong with it is told."""
    try:
        files = _files(data)
    except DAMAGED:
        return Bundle(fault="证据包已损坏")
    except TooLarge:
        return Bundle(fault="证据包过大或压缩比异常")
    try:
        return _found(files, identifier, sha256, tools)
    except _WRONG:
        return Bundle(fault="证据包缺少内容，或内容不合格式")


def _files(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        listed = archive.infolist()
        if len(listed) > MAX_ENTRIES or len({one.header_offset for one in listed}) != len(listed):
            raise TooLarge
        files: dict[str, bytes] = {}
        room = MAX_ENTRY_BYTES
        for member in listed:
            files[member.filename] = read_member(archive, member, room)
            room -= len(files[member.filename])
        return files


def _found(files: Mapping[str, bytes], identifier: str, sha256: str, tools: Tools) -> Bundle:
    listed = files[MANIFEST]
    manifest = orjson.loads(listed)
    if manifest["format"] != FORMAT or manifest["identifier"] != identifier:
        return Bundle(fault="证据包不是这张证照的")
    stated = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    if {name: one for name, one in stated.items() if name not in (MANIFEST, MANIFEST_NOTE)} != manifest["files"]:
        return Bundle(fault="证据包中的文件与其清单不符")
    if manifest["files"]["license.pdf"] != sha256:
        return Bundle(fault="证据包是另一份证照文件的")
    text, signatures = read_signed(files[MANIFEST_NOTE].decode("utf-8"))
    listed_by = tools.note_holds(text, signatures)
    if text.split("\n")[1:3] != [SIGNED_AS, stated[MANIFEST]] or listed_by is False:
        return Bundle(fault="证据包清单的签名不符")
    head, said, signatures = read_note(files["checkpoint.txt"].decode("utf-8"))
    logged_by = tools.note_holds(said, signatures)
    if logged_by is False or head.size != manifest["size"]:
        return Bundle(fault="日志检查点的签名不符")
    status = orjson.loads(files["status.json"])
    fault = _leaf_fault(manifest, head)
    if not fault and (status["identifier"] != identifier or status["sha256"] != sha256):
        fault = "证据包的登记状态是另一张证照的"
    if fault:
        return Bundle(fault=fault)
    began = next(one["kind"] for one in manifest["leaves"] if one["kind"] in MADE)
    return Bundle(key_known=None not in (listed_by, logged_by), status=status, began=began)


def _leaf_fault(manifest: Mapping[str, Any], head: TreeHead) -> str:
    for one in manifest["leaves"]:
        path = [base64.b64decode(step, validate=True) for step in one["path"]]
        hashed = leaf_hash(base64.b64decode(one["leaf"], validate=True))
        if root_of_inclusion(one["index"], head.size, hashed, path) != head.root:
            return f"第 {one['index'] + 1} 条留痕不在日志中"
    return "没有颁发或登记的留痕" if MADE.isdisjoint(one["kind"] for one in manifest["leaves"]) else ""


def history_faults(version: Mapping[str, Any], bundle: Bundle, *, as_made: bool) -> list[str]:
    """In what the history of a version differs from what its bundle says, in Chinese.

    ``as_made``: the package is that of a case and tells how its licenses stood when they were made.
    """
    said = bundle.status["moves"]
    state = said[0]["from_state"] if as_made and said else bundle.status["state"]
    moves = [] if as_made else said
    faults = []
    if (version["origin"] == REGISTERED) != (bundle.began == BEGAN_REGISTERED):
        faults.append("来源与留痕证据包所载不符")
    if [[one[key] for key in OF_A_MOVE] for one in version["moves"]] != [
        [one[key] for key in OF_A_MOVE] for one in moves
    ]:
        faults.append("办理记录与留痕证据包所载不符")
    if version["state"] != state:
        faults.append("状态与留痕证据包所载不符")
    return faults
