"""Strict reading of TOML: every key is asked for by name and kind, and what nobody asked for is refused.

A refusal names the file, the line where that can be known, the key and the reason, because the reader is an operator
who edits the file by hand.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

from certsvc.errors import ConfigurationError, InvalidIdentifier

if TYPE_CHECKING:
    from pathlib import Path

MAX_FILE_BYTES = 256 * 1024
"""Ten times the largest seed file; stops a wrong path (a dump, a PDF) from being read into memory and parsed."""

MAX_KEY_PARTS = 32
"""Keys joined by dots in one key or header; catalog files join few. ``tomllib`` walks and keeps every beginning of a
dotted key, so one of 4,000 parts in 8 KB costs seconds and 58 MB, and one of a whole file hours and 60 GB."""

_HEADER = re.compile(r"\s*(\[\[?)([^\]]+)\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_\-]+|\"[^\"]*\")\s*=\s*(.*)$")


_TOKEN = re.compile(
    r'''(?P<skipped>"""(?:[^"\\]|\\.|"(?!""))*+(?:"{3,5})?|'''
    r"""'''(?:[^']|'(?!''))*+(?:'{3,5})?|"""
    r""""(?:[^"\\\n]|\\[^\n])*+"?|'[^'\n]*+'?)|(?P<dot>\.)|(?P<end>#[^\n]*+|[\n=,{}\[\]]++)|[^"'.#\n=,{}\[\]]++""",
    re.DOTALL,
)
"""Strings, dots, what ends a key, and the rest. Each match goes on where the last one ended and none is tried twice
(possessive), so a file is read once, whatever stands in it."""


def _longest_key(text: str) -> int:
    """The most parts that dots join in one key or header. A string that never ends takes the rest, as for tomllib."""
    most = dots = 0
    for token in _TOKEN.finditer(text):
        if token["dot"]:
            dots += 1
            most = max(most, dots)
        elif token["end"]:
            dots = 0
    return most + 1


class _KeyOfManyParts(Exception):
    """A file that is not parsed at all."""


def _parsed(text: str) -> dict[str, Any]:
    """The content of a file; _KeyOfManyParts before anything is spent on one of those."""
    if _longest_key(text) > MAX_KEY_PARTS:
        raise _KeyOfManyParts
    return tomllib.loads(text)


@lru_cache(maxsize=512)
def _kept(text: str) -> dict[str, Any]:
    """The content of a file, parsed once per text: a catalog is read again for every change of one of its files.

    Shared between readers, none of which changes it.
    """
    return _parsed(text)


class TomlFile:
    """One file: its name, its bytes and where each key stands in it."""

    def __init__(self, name: str, raw: bytes, directory: Path | None = None, *, keep: bool = False) -> None:
        """Parse ``raw``; ConfigurationError when it is not TOML.

        ``directory`` is where files beside it are. ``keep`` remembers what was parsed for as long as the process lives:
        for files in effect, not for what anybody may send.
        """
        self.name = name
        self.raw = raw
        self.directory = directory
        try:
            text = raw.decode("utf-8")
            self.content = _kept(text) if keep else _parsed(text)
        except UnicodeDecodeError:
            msg = f"目录文件 {name}：不是 UTF-8 文本"
            raise ConfigurationError(msg) from None
        except _KeyOfManyParts:
            msg = f"目录文件 {name}：一个键最多由 {MAX_KEY_PARTS} 段以点相连，请改用表"
            raise ConfigurationError(msg) from None
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            msg = f"目录文件 {name}：TOML 语法有误（{error}）"
            raise ConfigurationError(msg) from None
        self._text = text

    def refuse(self, path: str, reason: str) -> NoReturn:
        """Raise ConfigurationError that names file, line, key and reason."""
        msg = f"目录文件 {self.name}{self._line(path)} {path or '（文件）'}：{reason}"
        raise ConfigurationError(msg)

    def root(self) -> Table:
        """The top-level table."""
        return Table(self, "", self.content)

    def _line(self, path: str) -> str:
        """`` 第 N 行`` of the key, or of the nearest table around it that has a line of its own."""
        lines = _line_index(self._text)
        while path:
            if path in lines:
                return f" 第 {lines[path]} 行"
            path = re.sub(r"(?:\.?[^.\[\]]+|\[\d+\])$", "", path)
        return ""


class Table:
    """One TOML table that remembers which of its keys were asked for."""

    def __init__(self, file: TomlFile, path: str, content: Mapping[str, object]) -> None:
        """Wrap ``content``, which stands at ``path`` of ``file``."""
        self.file = file
        self.path = path
        self._content = content
        self._asked: set[str] = set()

    def at(self, key: str) -> str:
        """The full path of ``key``."""
        return f"{self.path}.{key}" if self.path else key

    def refuse(self, key: str, reason: str) -> NoReturn:
        """Raise ConfigurationError about ``key``."""
        self.file.refuse(self.at(key) if key else self.path, reason)

    def file_beside(self, key: str, suffix: str, most_bytes: int) -> tuple[str, bytes]:
        """Name and bytes of the file that ``key`` names, in the directory of this one and in no other."""
        name = self.text(key)
        # A path, a link or a device would let a proposed type file read what it likes on this machine.
        if name.startswith(".") or "/" in name or "\\" in name or not name.endswith(suffix):
            self.refuse(key, f"应为同一目录中的 {suffix} 文件名，不能含路径")
        if self.file.directory is None:
            self.refuse(key, "此处不能引用其他文件")
        path = self.file.directory / name
        try:
            if path.is_symlink() or not path.is_file():
                self.refuse(key, f"“{name}”不在 {self.file.name} 所在目录中，或不是普通文件")
            with path.open("rb") as stream:
                content = stream.read(most_bytes + 1)
        except OSError as error:
            self.refuse(key, f"“{name}”无法读取（{error.strerror}）")
        if len(content) > most_bytes:
            self.refuse(key, f"“{name}”超过 {most_bytes // 1024} KiB，请减小其中的图片")
        return name, content

    def text(self, key: str) -> str:
        """A text that is not empty."""
        value = self.text_or_empty(key)
        if not value:
            self.refuse(key, "不能为空")
        return value

    def text_or_empty(self, key: str) -> str:
        """A text without surrounding blanks or control characters; it may be empty."""
        value = self._take(key)
        if not isinstance(value, str):
            self.refuse(key, "应为文本")
        if value != value.strip() or not value.isprintable():
            self.refuse(key, "首尾不能有空白，也不能含控制字符")
        return value

    def matching(self, key: str, pattern: re.Pattern[str], reason: str) -> str:
        """A text of the form ``pattern``."""
        value = self.text(key)
        if not pattern.fullmatch(value):
            self.refuse(key, reason)
        return value

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        """One of ``allowed``."""
        return self.choice_or_empty(key, allowed) if self.text(key) else ""

    def choice_or_empty(self, key: str, allowed: tuple[str, ...]) -> str:
        """One of ``allowed``, of which the empty text may be one."""
        value = self.text_or_empty(key)
        if value not in allowed:
            self.refuse(key, f"“{value}”不在可选值之内：{'、'.join(allowed)}")
        return value

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self._take(key)
        if not isinstance(value, bool):
            self.refuse(key, "应为 true 或 false")
        return value

    def integer(self, key: str, least: int, most: int) -> int:
        """A whole number within the bounds."""
        value = self._take(key)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self.refuse(key, f"应为 {least} 至 {most} 的整数")
        return value

    def number(self, key: str, least: float, most: float) -> float:
        """A number within the bounds."""
        value = self._take(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
            self.refuse(key, f"应为 {least:g} 至 {most:g} 的数")
        return float(value)

    def numbers(self, key: str, count: int) -> tuple[float, ...]:
        """Exactly ``count`` numbers."""
        value = self._take(key)
        if not isinstance(value, list) or len(value) != count:
            self.refuse(key, f"应为 {count} 个数组成的数组")
        if not all(isinstance(item, int | float) and not isinstance(item, bool) for item in value):
            self.refuse(key, f"应为 {count} 个数组成的数组")
        return tuple(float(item) for item in value)

    def texts(self, key: str) -> tuple[str, ...]:
        """Different texts, in order; possibly none."""
        value = self._take(key)
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self.refuse(key, "应为文本数组")
        for item in value:
            if item != item.strip() or not item.isprintable():
                self.refuse(key, "各项首尾不能有空白，也不能含控制字符")
        if len(set(value)) != len(value):
            self.refuse(key, "各项不能重复")
        return tuple(value)

    def table(self, key: str) -> Table:
        """A table inside."""
        value = self._take(key)
        if not isinstance(value, dict):
            self.refuse(key, "应为表")
        return Table(self.file, self.at(key), value)

    def tables(self, key: str) -> tuple[Table, ...]:
        """An array of tables with at least one element."""
        value = self._take(key)
        if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
            self.refuse(key, "应为至少有一项的表数组")
        return tuple(Table(self.file, f"{self.at(key)}[{index}]", item) for index, item in enumerate(value))

    def __contains__(self, key: str) -> bool:
        """Whether an optional key is there."""
        return key in self._content

    def names(self) -> tuple[str, ...]:
        """All keys, for tables whose keys are data."""
        return tuple(self._content)

    def done(self) -> None:
        """Refuse every key that nobody asked for."""
        for key in self._content:
            if key not in self._asked:
                near = difflib.get_close_matches(key, self._asked, n=1)
                hint = f"是否应为 {near[0]}？" if near else ""
                self.refuse(key, f"未知的键；{hint}可用：{'、'.join(sorted(self._asked))}")

    def _take(self, key: str) -> object:
        self._asked.add(key)
        if key not in self._content:
            near = difflib.get_close_matches(key, self._content, n=1)
            self.refuse(key, f"缺少此键（是否误写成了 {near[0]}？）" if near else "缺少此键")
        return self._content[key]


def read_toml(path: Path, *, keep: bool = True) -> TomlFile:
    """Read one file; ``keep`` as in :class:`TomlFile`.

    Raises:
        ConfigurationError: no such file, too large, not UTF-8, or not TOML.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        msg = f"目录文件 {path.name}：无法读取（{error.strerror}）"
        raise ConfigurationError(msg) from None
    if len(raw) > MAX_FILE_BYTES:
        msg = f"目录文件 {path.name}：超过 {MAX_FILE_BYTES // 1024} KiB，请核对路径"
        raise ConfigurationError(msg)
    return TomlFile(path.name, raw, path.parent, keep=keep)


def identifier(table: Table, key: str, parse: Callable[[str], str]) -> str:
    """The text of ``key`` as an identifier; its refusal keeps the identifier's reason."""
    try:
        return parse(table.text(key))
    except InvalidIdentifier as error:
        table.refuse(key, error.detail)


def _line_index(text: str) -> dict[str, int]:
    """Line of each table, key and one-line array element by path, as the seed files are laid out.

    tomllib tells no positions. This reads the layout of the files (headers, ``key =`` and arrays with one inline table
    per line), not the grammar; a file of another layout merely gets refusals without a line.
    """
    lines: dict[str, int] = {}
    counts: dict[str, int] = {}
    prefix, array, element = "", "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        if array:
            stripped = line.strip()
            if stripped.startswith("{"):
                lines[f"{array}[{element}]"] = number
                element += 1
            elif stripped.startswith("]"):
                array = ""
        elif header := _HEADER.match(line):
            name = header[2].strip()
            if header[1] == "[[":
                counts[name] = counts.get(name, -1) + 1
            prefix = _indexed(name, counts)
            lines.setdefault(prefix, number)
        elif key := _KEY.match(line):
            path = f"{prefix}.{key[1]}" if prefix else key[1]
            lines.setdefault(path, number)
            if key[2].strip() == "[":
                array, element = path, 0
    return lines


def _indexed(name: str, counts: dict[str, int]) -> str:
    """``matters.allows`` as ``matters[9].allows`` while the tenth ``[[matters]]`` is being read."""
    path, plain = "", ""
    for part in name.split("."):
        plain = f"{plain}.{part}" if plain else part
        path = f"{path}.{part}" if path else part
        if plain in counts:
            path += f"[{counts[plain]}]"
    return path
