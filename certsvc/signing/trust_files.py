"""The operator's directory of anchors as version 0 of the trust list, and what its ``trust.toml`` says of them.

``trust.toml`` narrows what a file of the directory serves::

    [[anchor]]
    file = "tsa-root.pem"
    purposes = ["timestamp"]
    valid_until = 2030-01-01T00:00:00+08:00
    note = "…"

A file that it does not name serves every purpose of ours, as before there was such a file.
"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from asn1crypto import x509

from certsvc.clock import rfc3339
from certsvc.errors import ConfigurationError, InvalidInput
from certsvc.seal.trust_entries import anchor_of, json_of
from certsvc.seal.trust_list import FILE, OWN_PURPOSES, Anchor
from certsvc.signing.judgement import common_name
from certsvc.signing.keyfile import read_file
from certsvc.signing.trust import read_anchors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

TRUST_FILE = "trust.toml"
_KEYS = frozenset({"file", "purposes", "valid_from", "valid_until", "note"})


def directory_anchors(directories: Iterable[Path]) -> tuple[Anchor, ...]:
    """The anchors of the ``*.pem`` files in the directories; the first to name a certificate decides.

    Raises:
        ConfigurationError: a file that holds no certificate, or a ``trust.toml`` that cannot be used.
    """
    found: dict[str, Anchor] = {}
    for directory in directories:
        said = _said(directory / TRUST_FILE)
        names = {path.name for path in directory.glob("*.pem")}
        if unknown := sorted(set(said) - names):
            msg = f"{directory / TRUST_FILE} 提到的文件不存在：{'、'.join(unknown)}"
            raise ConfigurationError(msg)
        for path in sorted(directory.glob("*.pem")):
            for anchor in _anchors(path, said.get(path.name, {})):
                found.setdefault(anchor.anchor_id, anchor)
    return tuple(found.values())


def _anchors(path: Path, said: Mapping[str, Any]) -> list[Anchor]:
    try:
        ders = read_anchors(read_file(path))
        made = [Anchor(certificate=der, name=_name(der), purposes=OWN_PURPOSES, origin=FILE) for der in ders]
        # What the file says is read by the same rules as a proposal.
        return [replace(anchor_of({**json_of(one), **said}), origin=FILE) for one in made]
    except InvalidInput as error:
        msg = f"信任证书文件 {path} 无法使用：{error.detail}；请替换、移出该目录，或更正 {TRUST_FILE}"
        raise ConfigurationError(msg) from error


def _name(der: bytes) -> str:
    try:
        return common_name(x509.Certificate.load(der))[:100] or "未命名"
    except ValueError:
        return "未命名"


def _said(path: Path) -> dict[str, Mapping[str, Any]]:
    if not path.exists():
        return {}
    try:
        rows = _rows(tomllib.loads(path.read_text(encoding="utf-8")))
        return {str(row["file"]): {key: _plain(row[key]) for key in row if key != "file"} for row in rows}
    except (OSError, ValueError, KeyError) as error:
        msg = f"{path} 无法读取：应为若干 [[anchor]]，每个有 file，可有 {'、'.join(sorted(_KEYS - {'file'}))}"
        raise ConfigurationError(msg) from error


def _rows(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    rows = content.get("anchor", [])
    if set(content) - {"anchor"} or not isinstance(rows, list):
        msg = "something beside [[anchor]]"
        raise ValueError(msg)
    if not all(isinstance(row, dict) and set(row) <= _KEYS for row in rows):
        msg = "an unknown key"
        raise ValueError(msg)
    return rows


def _plain(value: object) -> object:
    """TOML has times of its own; entries are JSON."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            msg = "a time without offset"
            raise ValueError(msg)
        return rfc3339(value)
    return value
