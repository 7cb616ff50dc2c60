"""What the checks look at: the files of a package, and what was found of each once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from certsvc.commands.archiving import pdf_checks
from certsvc.commands.archiving.evidence import BEGAN_REGISTERED, Bundle, look_at_bundle
from certsvc.commands.archiving.metadata import Metadata, read_metadata
from certsvc.commands.archiving.package import EVIDENCE, LICENSES, MANIFEST, MATERIALS, METADATA, Opened, digests
from certsvc.license.archives import ArchiveKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.commands.archiving.tools import Tools


@dataclass(slots=True)
class Package:
    """What the checks look at."""

    opened: Opened
    tools: Tools
    manifest: Mapping[str, Any] = field(default_factory=dict)
    metadata: Metadata = field(default_factory=Metadata)
    unreadable: str = ""
    draft: bool = False
    """before the report is in it: a manifest that is still to be made cannot be missed"""
    looked: dict[str, pdf_checks.Looked] = field(default_factory=dict)
    late: bool = False
    """whether there was no time to look at every file"""
    bundles: dict[str, Bundle] = field(default_factory=dict)
    """by the name of the license's file; a license without one has none"""

    @property
    def of_case(self) -> bool:
        """Whether it says to be the package of a case."""
        kind = self.manifest.get("kind", ArchiveKind.LICENSE.value)
        return bool(kind == ArchiveKind.CASE.value or self.metadata.case)

    def by_others(self, name: str) -> bool:
        """Whether a license was made elsewhere and registered here, as its evidence says: its bytes are not ours."""
        bundle = self.bundles.get(name)
        return bundle is not None and not bundle.fault and bundle.began == BEGAN_REGISTERED

    def named(self, beginning: str) -> list[str]:
        """Names of files in a folder of the package."""
        return sorted(name for name in self.opened.files if name.startswith(beginning))


def read_files(opened: Opened, tools: Tools, *, within_s: float | None = None) -> Package:
    """What the checks ask of every file, asked once; Unavailable when the workers are busy.

    After ``within_s`` seconds no further file is looked at, and the package says that it is ``late``.
    """
    began = tools.monotonic()

    def is_late() -> bool:
        return within_s is not None and tools.monotonic() - began > within_s

    package = Package(opened=opened, tools=tools)
    manifest = opened.json(MANIFEST)
    package.manifest = manifest if isinstance(manifest, dict) else {}
    try:
        package.metadata = read_metadata(opened.files.get(METADATA, b""))
    except ValueError:
        package.unreadable = f"{METADATA} 不是可读的元数据"
    for name in (*package.named(LICENSES), *package.named(MATERIALS)):
        if is_late():
            package.late = True
            return package
        package.looked[name] = pdf_checks.look(opened.files[name], tools)
    for name in package.named(LICENSES):
        if is_late():
            package.late = True
            return package
        identifier, sha256 = identifier_in(name), digests(opened.files[name])["sha256"]
        data = opened.files.get(f"{EVIDENCE}{identifier}.zip")
        if data is not None:
            package.bundles[name] = look_at_bundle(data, identifier=identifier, sha256=sha256, tools=tools)
    return package


def identifier_in(name: str) -> str:
    """证照标识 in the name of a license's file."""
    return name[len(LICENSES) : -len(".pdf")]
