"""ZIP archives: one table and its photos, under limits of count, size, expansion and names; nothing is written out."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from certsvc.commands.imports.table import bad_file, too_large
from certsvc.commands.stamping.archive import DAMAGED, MAX_RATIO, is_litter
from certsvc.errors import CertsvcError

if TYPE_CHECKING:
    from collections.abc import Callable

    from certsvc.commands.imports.table import OpenTable

MAX_MEMBERS = 20_000
"""Files of one archive; photos of more licenses are sent as several."""
MAX_UNPACKED = 1024 * 1024 * 1024
MAX_PHOTO_BYTES = 8 * 1024 * 1024
"""A phone's picture, as for a single license."""
RATIO_FLOOR = 1024 * 1024
"""Bytes below which the ratio says nothing; XML of a table comes to fifty."""
PHOTO_ENDINGS = (".jpg", ".jpeg", ".png")
TABLE_ENDINGS = (".csv", ".xlsx")
_UTF8_FLAG = 0x800
_ENCRYPTED = 1


def check_members(archive: zipfile.ZipFile, *, most: int, unpacked: int) -> None:
    """Refuse an archive by what its directory says; the reader gives no more bytes of a member than that.

    Raises:
        TooLarge: too many members, too many bytes, or a member that expands beyond reason.
        InvalidInput: an encrypted member, or two of one name.
    """
    members = archive.infolist()
    if len(members) > most:
        raise too_large(f"压缩包中的文件超过 {most} 个，请分几次上传")
    if sum(member.file_size for member in members) > unpacked:
        raise too_large(f"解压后超过 {unpacked // 1024 // 1024} MB，请分几次上传")
    seen: set[str] = set()
    for member in members:
        if member.flag_bits & _ENCRYPTED:
            raise bad_file("encrypted", "文件有密码，请去掉密码后上传")
        if member.file_size > max(member.compress_size, 1) * MAX_RATIO and member.file_size > RATIO_FLOOR:
            raise too_large("压缩包中有文件压缩比异常，请重新打包后上传")
        if member.filename in seen:
            raise bad_file("duplicate_name", "压缩包中有两个同名文件，请改名后重新打包")
        seen.add(member.filename)


def open_archive(data: bytes, open_table: Callable[[bytes], OpenTable]) -> OpenTable:
    """The one table of an archive, with the photos beside it.

    Raises:
        TooLarge: see :func:`check_members`, or a photo that is too large.
        InvalidInput: broken, a name that leads out of the archive, no table or several, or a file of another kind.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        check_members(archive, most=MAX_MEMBERS, unpacked=MAX_UNPACKED)
        table, photos = _sorted_out(archive)
        inner = open_table(archive.read(table))
    except CertsvcError:
        raise
    except DAMAGED as error:  # passwords were refused above
        raise _broken() from error
    return replace(inner, form="zip", photos=Photos(archive, photos))


class Photos(Mapping[str, bytes]):
    """Photos of an archive by file name, read when they are asked for; names do not tell capitals apart."""

    def __init__(self, archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo]) -> None:
        """``members`` by :func:`photo_name`."""
        self._archive = archive
        self._members = members

    def __getitem__(self, name: str) -> bytes:
        """The bytes; KeyError when there is no such photo, InvalidInput when it cannot be unpacked."""
        member = self._members[photo_name(name)]
        try:
            return self._archive.read(member)
        except Exception as error:  # decoders raise whatever a damaged member makes them raise
            raise bad_file("photo_broken", "照片无法解压，请重新打包后上传") from error

    def __iter__(self) -> Iterator[str]:
        """The names, as they are looked for."""
        return iter(self._members)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._members)


def photo_name(name: str) -> str:
    """The last part of a path in small letters: how a photo is looked for."""
    return name.strip().replace("\\", "/").rsplit("/", 1)[-1].lower()


def _sorted_out(archive: zipfile.ZipFile) -> tuple[zipfile.ZipInfo, dict[str, zipfile.ZipInfo]]:
    tables: list[zipfile.ZipInfo] = []
    photos: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        name = _readable(member)
        _check_name(name)
        if member.is_dir() or is_litter(name):
            continue
        short = photo_name(name)
        if short.endswith(TABLE_ENDINGS):
            tables.append(member)
        elif not short.endswith(PHOTO_ENDINGS):
            raise bad_file("other_file", "压缩包中只能有一个 CSV 或 XLSX 表和 JPEG、PNG 照片，请去掉其他文件")
        elif member.file_size > MAX_PHOTO_BYTES:
            raise too_large(f"有照片超过 {MAX_PHOTO_BYTES // 1024 // 1024} MB，请压缩后重新打包")
        elif short in photos:
            raise bad_file("duplicate_name", "压缩包中有两张同名照片（不分文件夹和大小写），请改名后重新打包")
        else:
            photos[short] = member
    if len(tables) != 1:
        raise bad_file("no_table", f"压缩包中应有且只有一个 CSV 或 XLSX 表，现有 {len(tables)} 个")
    return tables[0], photos


def _readable(member: zipfile.ZipInfo) -> str:
    """The name as its writer meant it: Chinese systems write GBK without saying so."""
    if member.flag_bits & _UTF8_FLAG:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return member.filename


def _check_name(name: str) -> None:
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or not name.isprintable():
        raise bad_file("file_name", "压缩包中有路径异常的文件名（如 ..），请重新打包后上传")


def _broken() -> CertsvcError:
    return bad_file("zip_broken", "ZIP 已损坏或压缩方式不支持，请重新打包后上传")
