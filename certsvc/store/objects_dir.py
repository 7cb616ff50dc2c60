"""Objects as files of a directory: the embedded shape.

An object appears under its name only when every byte of it is on the disk: it is written to ``.incoming/``, synced, and
hard-linked to its name, which fails when the name is taken. A crash leaves at most a file in ``.incoming/``.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from certsvc.clock import check_aware
from certsvc.errors import IntegrityError, NotFound, Unavailable
from certsvc.store.object_names import check_name, check_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

_INCOMING = ".incoming"


class DirectoryObjectStore:
    """Implements ``ports.ObjectStore`` in one directory of one file system."""

    def __init__(self, root: Path, *, read_only: bool = False) -> None:
        """Keep objects below ``root``, which is made if missing, unless it is only read.

        Raises:
            Unavailable: the directory cannot be made.
        """
        self._root = root.resolve()
        self._incoming = self._root / _INCOMING
        if read_only:
            return
        try:
            self._make_directory(self._incoming)
        except OSError as error:
            raise Unavailable("文件存储目录无法创建，请检查磁盘空间与权限") from error

    def put(self, name: str, data: bytes, *, content_type: str) -> None:  # noqa: ARG002
        """Store durably, unless the very same bytes are there already; a directory keeps no content type.

        Raises:
            IntegrityError: other bytes stand under the name.
            Unavailable: the disk is full or fails; nothing is visible under the name.
            RuntimeError: not a name of ours.
        """
        path = self._path(name)
        try:
            self._make_directory(path.parent)
            temporary = self._write_temporary(data)
            try:
                os.link(temporary, path, follow_symlinks=False)
            except FileExistsError:
                if path.read_bytes() != data:
                    raise IntegrityError(f"文件 {name} 已存在且内容不同，未覆盖") from None
            finally:
                temporary.unlink(missing_ok=True)
            # Also when it was there: the one who linked it may have died before this.
            _sync_directory(path.parent)
        except OSError as error:
            raise Unavailable("文件存储无法写入，请检查磁盘空间与权限后重试") from error

    def get(self, name: str) -> bytes:
        """The bytes; NotFound when there are none."""
        try:
            return self._path(name).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise NotFound(f"文件 {name} 不存在") from error
        except OSError as error:
            raise Unavailable("文件存储无法读取，请稍后重试") from error

    def delete(self, name: str) -> None:
        """Remove, if there."""
        path = self._path(name)
        try:
            with suppress(FileNotFoundError, NotADirectoryError):
                path.unlink()
                _sync_directory(path.parent)
        except OSError as error:
            raise Unavailable("文件存储无法删除，请检查权限后重试") from error

    def close(self) -> None:
        """Nothing is held open."""

    def retain(self, name: str, *, until: datetime) -> None:
        """Nothing: a file system has no lock that its owner could not lift; the operator's backups keep."""

    def link(self, name: str, *, file_name: str, lifetime_s: int) -> None:
        """None: a directory has no address; the service hands the bytes out itself."""

    def names(self, prefix: str, *, before: datetime | None = None) -> tuple[str, ...]:
        """All names that start with ``prefix``, sorted; see :meth:`walk`."""
        return tuple(sorted(self.walk(prefix, before=before)))

    def walk(self, prefix: str, *, before: datetime | None = None) -> Iterator[str]:
        """Names that start with ``prefix``, one directory in memory at a time; only the prefix's directory is read.

        With ``before``, only what was last written before it (by the file system's clock).
        """
        directory, _, _ = check_prefix(prefix).rpartition("/")
        try:
            for parent, directories, files in os.walk(self._root / directory, onerror=_unless_missing):
                directories[:] = sorted(name for name in directories if not name.startswith("."))
                relative = Path(parent).relative_to(self._root)
                for name in ((relative / file).as_posix() for file in files):
                    if name.startswith(prefix) and (before is None or self._older(name, before)):
                        yield name
        except OSError as error:
            raise Unavailable("文件存储无法读取，请稍后重试") from error

    def sweep_incoming(self, *, before: datetime) -> int:
        """Remove what crashed writers left behind before ``before``; how many."""
        limit = check_aware(before).timestamp()
        removed = 0
        try:
            for path in self._incoming.iterdir():
                with suppress(FileNotFoundError):
                    if path.stat().st_mtime < limit:
                        path.unlink()
                        removed += 1
        except OSError as error:
            raise Unavailable("文件存储无法清理临时文件，请检查权限后重试") from error
        return removed

    def _older(self, name: str, before: datetime) -> bool:
        try:
            return (self._root / name).stat().st_mtime < check_aware(before).timestamp()
        except FileNotFoundError:
            return False

    def _path(self, name: str) -> Path:
        return self._root / check_name(name)

    def _write_temporary(self, data: bytes) -> Path:
        """A synced file in ``.incoming/``; nothing is left when writing fails."""
        handle, name = tempfile.mkstemp(dir=self._incoming)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return Path(name)

    def _make_directory(self, directory: Path) -> None:
        """Make it and its parents, each durably."""
        if directory.is_dir():
            return
        self._make_directory(directory.parent)
        directory.mkdir(exist_ok=True)
        _sync_directory(directory.parent)


def _unless_missing(error: OSError) -> None:
    """A directory that is not there has no names; one that cannot be read must not look empty."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


def _sync_directory(directory: Path) -> None:
    """Make the names in ``directory`` durable."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
