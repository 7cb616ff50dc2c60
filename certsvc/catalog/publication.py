"""Proposed and published type files, and the catalog that they and the seed files make together.

A department proposes, the 政务服务管理机构 publishes; never the same person (DOMAIN.md 4). A published version is never
changed: a change is the next version.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from certsvc.catalog.face_plan import MAX_BASE_BYTES
from certsvc.catalog.loader import SEED_DIRECTORY, Catalog, load_catalog
from certsvc.catalog.toml_table import TomlFile
from certsvc.catalog.type_file import SLUG
from certsvc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

TYPES = "types"


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """A type file that a department wants published.

    Attributes:
        digest: hex SHA-256 of ``file``.
        authority_code: the department.
    """

    proposal_id: str
    slug: str
    version: int
    digest: str
    file: bytes
    proposed_by: str
    authority_code: str
    proposed_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Publication:
    """One published version of a type; never changed."""

    slug: str
    version: int
    digest: str
    file: bytes
    proposed_by: str
    proposed_at: datetime
    published_by: str
    published_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class TypeHead:
    """What a type file says of itself, before it is checked in full."""

    slug: str
    version: int
    digest: str


def read_head(name: str, raw: bytes, *, keep: bool = False) -> TypeHead:
    """Slug, version and digest of a file; ConfigurationError when it is no TOML or has no slug.

    ``keep`` is that of :class:`TomlFile`: for files of the operator, which the catalog is made of anyway.
    """
    content = TomlFile(name, raw, keep=keep).content
    slug, version = content.get("slug"), content.get("version", 1)
    # The slug becomes a file name: a longer one would not fit a directory.
    if not isinstance(slug, str) or not SLUG.fullmatch(slug):
        raise ConfigurationError(f"目录文件 {name}：slug 应为 3 至 40 位小写字母、数字、下划线，以字母开头")
    if not isinstance(version, int) or isinstance(version, bool):
        raise ConfigurationError(f"目录文件 {name}：version 应为整数")
    return TypeHead(slug=slug, version=version, digest=hashlib.sha256(raw).hexdigest())


def seed_files(directory: Path | None = None) -> dict[str, bytes]:
    """The type files of a directory by slug; the seeds that come with the program when None."""
    paths = sorted(((directory or SEED_DIRECTORY) / TYPES).glob("*.toml"))
    return {path.stem: path.read_bytes() for path in paths}


def load_with(directory: Path | None, types: Mapping[str, bytes], *, drafts: Collection[str] = ()) -> Catalog:
    """The catalog of ``directory`` with exactly these type files in place of its own, over its base pages.

    Args:
        directory: as for :func:`load_catalog`.
        types: the files by slug.
        drafts: slugs of those that are not in effect; what is parsed of them is not kept.

    Raises:
        ConfigurationError: the first fault found, as :func:`load_catalog` says it.
    """
    source = directory or SEED_DIRECTORY
    with tempfile.TemporaryDirectory(prefix="certsvc-catalog-") as place:
        target = Path(place)
        for path in sorted(source.iterdir()):
            if path.suffix == ".toml":
                shutil.copyfile(path, target / path.name)
            elif path.name == "local" and path.is_dir():
                shutil.copytree(path, target / "local")
        (target / TYPES).mkdir()
        for path in sorted((source / TYPES).glob("*.pdf")):
            if path.is_file() and not path.is_symlink() and path.stat().st_size <= MAX_BASE_BYTES:
                shutil.copyfile(path, target / TYPES / path.name)
        for slug, raw in types.items():
            (target / TYPES / f"{slug}.toml").write_bytes(raw)
        return load_catalog(target, drafts=drafts)
