"""The evidence bundle of a license within a package: about these bytes, signed, and in the log (docs/evidence.md)."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from typing import TYPE_CHECKING

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

_WRONG = (KeyError, TypeError, ValueError, IndexError)
"""What a bundle that is not built as ours makes its reader raise."""


def evidence_fault(data: bytes, *, identifier: str, sha256: str, tools: Tools) -> str:
    """What is wrong with a bundle, in Chinese; empty when nothing is."""
    try:
        files = _files(data)
    except DAMAGED:
        return "证据包已损坏"
    except TooLarge:
        return "证据包过大或压缩比异常"
    try:
        return _fault(files, identifier, sha256, tools)
    except _WRONG:
        return "证据包缺少内容，或内容不合格式"


def _files(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        listed = archive.infolist()
        if len(listed) > MAX_ENTRIES:
            raise TooLarge
        files: dict[str, bytes] = {}
        room = MAX_ENTRY_BYTES
        for member in listed:
            files[member.filename] = read_member(archive, member, room)
            room -= len(files[member.filename])
        return files


def _fault(files: Mapping[str, bytes], identifier: str, sha256: str, tools: Tools) -> str:
    listed = files[MANIFEST]
    manifest = orjson.loads(listed)
    if manifest["format"] != FORMAT or manifest["identifier"] != identifier:
        return "证据包不是这张证照的"
    stated = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    if {name: one for name, one in stated.items() if name not in (MANIFEST, MANIFEST_NOTE)} != manifest["files"]:
        return "证据包中的文件与其清单不符"
    if manifest["files"]["license.pdf"] != sha256:
        return "证据包是另一份证照文件的"
    text, signatures = read_signed(files[MANIFEST_NOTE].decode("utf-8"))
    if text.split("\n")[1:3] != [SIGNED_AS, stated[MANIFEST]] or tools.note_holds(text, signatures) is False:
        return "证据包清单的签名不符"
    head, said, signatures = read_note(files["checkpoint.txt"].decode("utf-8"))
    if tools.note_holds(said, signatures) is False or head.size != manifest["size"]:
        return "日志检查点的签名不符"
    for one in manifest["leaves"]:
        path = [base64.b64decode(step, validate=True) for step in one["path"]]
        hashed = leaf_hash(base64.b64decode(one["leaf"], validate=True))
        if root_of_inclusion(one["index"], head.size, hashed, path) != head.root:
            return f"第 {one['index'] + 1} 条留痕不在日志中"
    if MADE.isdisjoint(one["kind"] for one in manifest["leaves"]):
        return "没有颁发或登记的留痕"
    return ""
