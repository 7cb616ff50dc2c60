"""Files of a batch: given one by one or in a ZIP, under limits of count, size, expansion and names."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from typing import TYPE_CHECKING

from certsvc.errors import FieldProblem, InvalidInput, TooLarge

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_FILES = 200
"""Files of one batch; each costs a worker and a use of the seal."""
MAX_TOTAL = 200 * 1024 * 1024
"""Bytes of all files unpacked; stops an archive that fills the store."""
MAX_RATIO = 200
"""Unpacked over packed bytes of one file; a PDF is packed itself and does not come near. Stops ZIP bombs."""
MAX_NAME = 200
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
"""With files, and empty."""
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
    IndexError,
)
"""What the library raises over a ZIP that is broken, locked, packed in a way that it does not know, or has no names."""
_CHUNK = 1 << 16


def files_of(given: Sequence[tuple[str, bytes]], *, each: int) -> list[tuple[str, bytes]]:
    """Name and bytes of every PDF in ``given``, where a ZIP stands for what is in it.

    Args:
        given: names and bytes as uploaded.
        each: most bytes of one file.

    Raises:
        InvalidInput: no file, a ZIP that is broken or encrypted, a name that is none.
        TooLarge: too many files, or too many bytes.
    """
    found: list[tuple[str, bytes]] = []
    room = MAX_TOTAL
    for name, data in given:
        more = _unpacked(data, each, room, MAX_FILES - len(found)) if data.startswith(ZIP_MAGIC) else [(name, data)]
        found += [(_plain(one), body) for one, body in more]
        room -= sum(len(body) for _, body in more)
        if len(found) > MAX_FILES:
            raise TooLarge(f"一批最多 {MAX_FILES} 份文件，请分批上传")
        if room < 0:
            raise TooLarge(f"一批文件合计不得超过 {MAX_TOTAL // 1024 // 1024} MB，请分批上传")
    if not found:
        raise _wrong("no_files", "没有可盖章的文件，请上传 PDF 或装有 PDF 的 ZIP")
    return found


def _unpacked(data: bytes, each: int, room: int, most: int) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [one for one in archive.infolist() if not one.is_dir() and not is_litter(one.filename)]
            if len(members) > most:
                raise TooLarge(f"一批最多 {MAX_FILES} 份文件，请分批上传")
            for member in members:
                if member.flag_bits & 1:
                    raise _wrong("zip_encrypted", "ZIP 有密码，请去掉密码后上传")
                found.append((member.filename, read_member(archive, member, min(each, room))))
                room -= len(found[-1][1])
    except DAMAGED as error:
        raise _wrong("zip_broken", "ZIP 已损坏或压缩方式不支持，请重新打包后上传") from error
    return found


def most_unpacked(member: zipfile.ZipInfo, most: int) -> int:
    """Bytes that :func:`read_member` unpacks at most, whether it succeeds or not."""
    return min(most, max(member.compress_size, 1) * MAX_RATIO)


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    """One file, counted while it is unpacked: what its header claims is not believed."""
    parts, size = [], 0
    limit = most_unpacked(member, most)
    with archive.open(member) as stream:
        while part := stream.read(_CHUNK):
            size += len(part)
            if size > limit:
                raise TooLarge("ZIP 中有文件过大或压缩比异常，请直接上传 PDF")
            parts.append(part)
    return b"".join(parts)


def is_litter(name: str) -> bool:
    """What some systems add by themselves."""
    return name.startswith("__MACOSX/") or name.rsplit("/", 1)[-1] in {".DS_Store", "Thumbs.db", "desktop.ini"}


def _plain(name: str) -> str:
    """The last part of a path, for display and for the result; never used as a path here."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1].strip()
    text = "".join(char for char in last if char.isprintable())[:MAX_NAME]
    if text in {"", ".", ".."}:
        raise _wrong("file_name", "文件名为空或含有不能显示的字符，请改名后上传")
    return text


def packed(files: Sequence[tuple[str, bytes]]) -> bytes:
    """A ZIP of these files, equal names told apart by a number; PDFs are packed already, so they are only stored."""
    out, taken = io.BytesIO(), set[str]()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files:
            stem, dot, ending = name.rpartition(".")
            stem, ending = (stem, dot + ending) if stem else (name, "")
            one, number = stem + ending, 2
            while one in taken:
                one, number = f"{stem}({number}){ending}", number + 1
            taken.add(one)
            archive.writestr(zipfile.ZipInfo(one), data)
    return out.getvalue()


def _wrong(code: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, problems=(FieldProblem(pointer="/files", code=code, detail=detail),))
