"""``metadata.xml`` of a package, read strictly: no document type, so no entity grows and nothing is fetched."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_XML_BYTES = 8 * 1024 * 1024
"""A hundredth of it is a large case."""
_DECLARES = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)

Items = dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Metadata:
    """Items by their English names: of the package, of its case, and of each file by its name."""

    package: Items = field(default_factory=dict)
    case: Items = field(default_factory=dict)
    licenses: Mapping[str, Items] = field(default_factory=dict)
    materials: Mapping[str, Items] = field(default_factory=dict)


def read_metadata(data: bytes) -> Metadata:
    """The metadata; ValueError for what is none."""
    if len(data) > MAX_XML_BYTES or _DECLARES.search(data) or b"\0" in data:
        msg = "not the metadata of a package"
        raise ValueError(msg)
    try:
        root = ET.fromstring(data.decode("utf-8"))  # noqa: S314 - declares nothing, see above
    except ET.ParseError as error:
        raise ValueError(str(error)) from error
    found: dict[str, dict[str, Items]] = {name: {} for name in ("package", "case", "license", "material")}
    for block in root:
        if block.tag not in found:
            msg = "an unknown part"
            raise ValueError(msg)
        items = {item.get("element", ""): item.text or "" for item in block}
        if len(items) != len(block) or block.get("file", "") in found[block.tag]:
            msg = "an item or a file that is named twice"
            raise ValueError(msg)
        found[block.tag][block.get("file", "")] = items
    return Metadata(
        package=found["package"].get("", {}),
        case=found["case"].get("", {}),
        licenses=found["license"],
        materials=found["material"],
    )


def agree(stated: Mapping[str, str], in_file: Mapping[str, str]) -> list[str]:
    """Names of elements in which metadata and file differ; what the file masks (``*``) fits what it stands for."""
    return [key for key, value in stated.items() if in_file.get(key, "") and not _fits(value, in_file[key])]


def _fits(value: str, masked: str) -> bool:
    """Whether ``masked`` with its ``*`` stands for ``value``: in one pass, for a file may hold any number of them."""
    first, *further = masked.split("*")
    if not further:
        return value == masked
    last = further.pop()
    if len(first) + len(last) > len(value) or not (value.startswith(first) and value.endswith(last)):
        return False
    at, end = len(first), len(value) - len(last)
    for part in further:
        at = value.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True
