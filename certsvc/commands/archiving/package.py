"""The ZIP of a 归档信息包: written so that its bytes follow from its content, opened under limits (docs/archive.md).

Names of files, the manifest and how it is signed are a format that others read: ``certsvc-archive/1`` is never changed,
a change is another number.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from certsvc.commands.log.bundle import signed_manifest, zipped
from certsvc.commands.stamping.archive import DAMAGED, most_unpacked, read_member
from certsvc.errors import TooLarge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.commands.ports import Deps

FORMAT = "certsvc-archive/1"
SIGNED_AS = "certsvc-archive"
"""Second line of the note over a manifest: it is taken for no checkpoint and no manifest of an evidence bundle."""
MANIFEST, NOTE = "manifest.json", "manifest.note"
METADATA, HISTORY, REPORT, README = "metadata.xml", "history.json", "check.json", "说明文件.txt"
LICENSES, MATERIALS, EVIDENCE = "licenses/", "materials/", "evidence/"

MAX_ENTRIES = 2000
"""Files of one package; a license has some ten versions. Stops a ZIP whose list alone costs memory."""
MAX_ENTRY_BYTES = 64 * 1024 * 1024
"""One file unpacked; an upload has at most 20 MB."""
MAX_PACKAGE_BYTES = 100 * 1024 * 1024
"""All of them unpacked, and the package itself: as much as a door takes. Stops ZIP bombs, and cases without end."""
MAX_MANIFEST_BYTES = 1024 * 1024
MAX_NAME_CHARS = 160

NAME = re.compile(
    r"(?:licenses/[0-9A-Z.]{1,128}\.pdf|materials/[0-9A-Za-z_]{1,64}\.pdf|evidence/[0-9A-Z.]{1,128}\.zip)"
)
TOP = frozenset({MANIFEST, NOTE, METADATA, HISTORY, REPORT, README})
"""Every name that a package may have; a name that leads out of the folder it is unpacked in is none of them."""
PLAIN_ZIP = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""Ways of packing that every system opens."""


TOO_LARGE_ZH = (
    f"归档信息包将超过 {MAX_PACKAGE_BYTES // 1024 // 1024} MB 或 {MAX_ENTRIES} 个文件，"
    "不能制成一个包，请联系运维分开归档"
)


def fits(count: int, size: int) -> bool:
    """Whether so many files of so many bytes may be one package."""
    return count <= MAX_ENTRIES and size <= MAX_PACKAGE_BYTES - MAX_MANIFEST_BYTES


def is_name(name: str) -> bool:
    """Whether a file of a package may be called so."""
    return name in TOP or bool(NAME.fullmatch(name))


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A package as it was found.

    Attributes:
        files: bytes by name, of what could be read within the limits.
        names: every name in the list of the ZIP, in its order.
        faults: code of a check and what is wrong, for everything that is wrong with the ZIP itself.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    faults: tuple[tuple[str, str], ...] = ()

    def fault(self, code: str) -> str:
        """What is wrong in the words of one check, or empty."""
        return "；".join(dict.fromkeys(detail for kind, detail in self.faults if kind == code))

    def json(self, name: str) -> Any:
        """A JSON file of it, or None where it is missing or none."""
        try:
            return orjson.loads(self.files[name])
        except (KeyError, ValueError):
            return None


def digests(data: bytes) -> dict[str, Any]:
    """What the manifest says of one file."""
    return {
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "sm3": hashlib.new("sm3", data).hexdigest(),
    }


def sealed_package(deps: Deps, origin: str, head: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """The ZIP of these files with a signed manifest; the bytes follow from the arguments, but for the signature.

    Raises:
        TooLarge: more files or bytes than a package may have.
    """
    if not fits(len(files) + 2, sum(map(len, files.values()))):
        raise TooLarge(TOO_LARGE_ZH)
    ordered = dict(sorted(files.items()))
    manifest = orjson.dumps(
        {
            "format": FORMAT,
            "origin": origin,
            "verifier_keys": list(deps.log_signer.keys(origin)),
            **head,
            "files": {name: digests(data) for name, data in ordered.items()},
        },
        option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS,
    )
    return zipped({MANIFEST: manifest, NOTE: signed_manifest(deps, origin, manifest, SIGNED_AS), **ordered})


def open_package(data: bytes) -> Opened:
    """What is in a ZIP that somebody handed over; whatever is wrong with it is told, nothing is raised."""
    if len(data) > MAX_PACKAGE_BYTES:
        return Opened(faults=(("limits", f"超过 {MAX_PACKAGE_BYTES // 1024 // 1024} MB"),))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _opened(archive)
    except DAMAGED:
        return Opened(faults=(("readable", "不是 ZIP，或已损坏"),))


def _opened(archive: zipfile.ZipFile) -> Opened:
    listed = archive.infolist()
    names = tuple(one.filename for one in listed)
    if len(listed) > MAX_ENTRIES:
        return Opened(faults=(("limits", f"超过 {MAX_ENTRIES} 个文件"),))
    if len(set(names)) != len(names):
        return Opened(names=names, faults=(("names", "有重名的文件"),))
    # Entries that share their bytes unpack one small file as often as they are listed.
    if len({one.header_offset for one in listed}) != len(listed):
        return Opened(names=names, faults=(("limits", "有文件共用同一段数据，压缩比异常"),))
    faults: list[tuple[str, str]] = []
    files: dict[str, bytes] = {}
    room = MAX_PACKAGE_BYTES
    for member in listed:
        name = member.filename
        if member.is_dir() or len(name) > MAX_NAME_CHARS or not is_name(name) or _is_link(member):
            faults.append(("names", f"不应有的文件名：{_shown(name)}"))
            continue
        if member.flag_bits & 1 or member.compress_type not in PLAIN_ZIP:
            faults.append(("plain", f"{name} 有密码，或压缩方式不通用"))
            continue
        most = min(MAX_ENTRY_BYTES, room)
        try:
            files[name] = read_member(archive, member, most)
        except TooLarge:
            faults.append(("limits", f"{name} 过大或压缩比异常，其后的文件没有读取"))
            break
        except DAMAGED:
            faults.append(("readable", f"{name} 已损坏"))
            room -= most_unpacked(member, most)
            continue
        room -= len(files[name])
    return Opened(files=files, names=names, faults=tuple(faults))


def _is_link(member: zipfile.ZipInfo) -> bool:
    """A symbolic link, as Unix packs one: unpacked, the next file could be written behind it."""
    return (member.external_attr >> 16) & 0o170000 == 0o120000  # noqa: PLR2004  (S_IFMT, S_IFLNK)


def _shown(name: str) -> str:
    return "".join(char for char in name if char.isprintable())[:MAX_NAME_CHARS]
