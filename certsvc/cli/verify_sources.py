"""What ``certsvc verify`` reads: files, folders and ZIP archives, one file at a time and under limits."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.commands.stamping.archive import DAMAGED, is_litter, read_member
from certsvc.errors import InvalidInput, TooLarge
from certsvc.signing.bytes_rules import MAX_FILE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

MAX_SOURCES = 100_000
"""Files of one run; more is a mistaken folder."""

ENDINGS = frozenset({".pdf", ".esl"})
"""What is taken from folders and archives; a file that is named itself is judged whatever it is called."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One file to be judged.

    Attributes:
        name: for people: a path, with the member's name behind ``!`` for an archive.
        read: gives the bytes; InvalidInput or TooLarge when they cannot be had.
    """

    name: str
    read: Callable[[], bytes]


def printable(name: str) -> str:
    """A name for screens and reports: what cannot be shown, or would begin a new line, is shown as ``?``."""
    return "".join(char if char.isprintable() else "?" for char in name.encode("utf-8", "replace").decode("utf-8"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """What a run judges, and the names of what it does not."""

    taken: tuple[Source, ...]
    skipped: tuple[str, ...]


def sources_of(paths: Sequence[Path]) -> Sources:
    """Every file of ``paths``, folders and archives opened, in order of their names.

    Raises:
        InvalidInput: a path that is not there, a damaged archive, or no file at all.
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise InvalidInput(f"找不到文件：{'、'.join(missing)}")
    found = [one for path in paths for one in _of(path)]
    taken = tuple(one for one in found if isinstance(one, Source))
    if not taken:
        raise InvalidInput("没有可核验的文件：文件夹和 ZIP 中只核验 .pdf 与 .esl 文件")
    if len(taken) > MAX_SOURCES:
        raise TooLarge(f"一次最多核验 {MAX_SOURCES} 个文件，请分批核验")
    return Sources(taken=taken, skipped=tuple(printable(one) for one in found if isinstance(one, str)))


def _of(path: Path) -> Iterator[Source | str]:
    """What is judged, and the names of what is not."""
    if path.is_dir():
        # Links are not followed: one could lead out of the folder or around in a circle.
        for one in sorted(path.rglob("*")):
            if one.is_dir() or is_litter(one.relative_to(path).as_posix()):
                continue
            if one.suffix.lower() in ENDINGS and one.is_file() and not one.is_symlink():
                yield Source(name=printable(str(one)), read=lambda one=one: _read(one))  # type: ignore[misc]
            else:
                yield str(one)
    elif path.suffix.lower() == ".zip" and zipfile.is_zipfile(path):
        yield from _members(path)
    else:
        yield Source(name=printable(str(path)), read=lambda: _read(path))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"文件 {path.name} 无法读取") from error


def _members(path: Path) -> Iterator[Source | str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [one for one in archive.infolist() if not one.is_dir() and not is_litter(one.filename)]
    except DAMAGED as error:
        raise InvalidInput(f"ZIP 文件 {path.name} 已损坏，请重新打包") from error
    for member in sorted(names, key=lambda one: one.filename):
        if any(member.filename.lower().endswith(ending) for ending in ENDINGS):
            yield Source(name=printable(f"{path}!{member.filename}"), read=lambda one=member: _read_member(path, one))  # type: ignore[misc]
        else:
            yield f"{path}!{member.filename}"


def _read_member(path: Path, member: zipfile.ZipInfo) -> bytes:
    if member.flag_bits & 1:
        raise InvalidInput(f"{path.name} 有密码，请去掉密码后核验")
    try:
        with zipfile.ZipFile(path) as archive:
            return read_member(archive, member, MAX_FILE_BYTES)
    except DAMAGED as error:
        raise InvalidInput(f"{path.name} 中的 {member.filename} 已损坏或压缩方式不支持") from error
