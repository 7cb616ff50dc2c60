"""Reads ``fonts.toml``: which faces there are, where they come from, and in which order they cover a character."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FONT_LIST_FILE = Path(__file__).with_name("fonts.toml")


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageEntry:
    """One package that carries font files; ``source`` is ``npm`` or ``debian``."""

    name: str
    source: str
    version: str
    terms: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FaceEntry:
    """One font file.

    Attributes:
        face_id: short id used by families.
        name: PostScript name written as ``/BaseFont``.
        file: file name in the font directory.
        member: path of the file inside its unpacked package.
        sha256: hex digest of the file.
        stem: ``/StemV`` in 1/1000 em.
    """

    face_id: str
    name: str
    file: str
    package: str
    member: str
    sha256: str
    stem: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FontList:
    """Everything ``fonts.toml`` says."""

    packages: tuple[PackageEntry, ...]
    faces: tuple[FaceEntry, ...]
    families: Mapping[str, tuple[str, ...]]


@cache
def font_list() -> FontList:
    """The declared fonts; the file is part of the package, so a fault in it is our own."""
    raw = tomllib.loads(FONT_LIST_FILE.read_text(encoding="utf-8"))
    packages = tuple(
        PackageEntry(name=p["name"], source=p["source"], version=p["version"], terms=p["terms"])
        for p in raw["packages"]
    )
    faces = tuple(
        FaceEntry(
            face_id=f["id"],
            name=f["name"],
            file=f["file"],
            package=f["package"],
            member=f["member"],
            sha256=f["sha256"],
            stem=f["stem"],
        )
        for f in raw["faces"]
    )
    return FontList(
        packages=packages, faces=faces, families={name: tuple(ids) for name, ids in raw["families"].items()}
    )
