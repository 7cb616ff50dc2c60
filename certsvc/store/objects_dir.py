"""Objects as files of a directory: the embedded shape.

An object appears under its name only when every byte of it is on the disk: it is written to ``.incoming/``, synced, and
hard-linked to its name, which fails when the name is taken. A crash leaves at most a file in ``.incoming/``.
"""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from certsvc.clock import check_aware
from certsvc.errors import IntegrityError, NotFound, Unavailable
from certsvc.store.object_names import check_name, check_prefix

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

_INCOMING = ".incoming"
SYNC_THREADS = 8
"""Files synced side by side; more do not make a disk faster."""


class DirectoryObjectStore:
    """Implements ``ports.ObjectStore`` in one directory of one file system."""

    def __init__(self, root: Path, *, read_only: bool = False) -> None:
        """Keep objects below ``root``, which is made if missing, unless it is only read.

        Raises:
            Unavailable: the directory cannot be made.
        """
        self._root = root.resolve()
        self._incoming = self._root / _INCOMING
        self._threads = ThreadPoolExecutor(SYNC_THREADS, thread_name_prefix="objects")
        if read_only:
            return
        try:
            self._make_directories([self._incoming])
        except OSError as error:
            raise Unavailable("文件存储目录无法创建，请检查磁盘空间与权限") from error

    def put(self, name: str, data: bytes, *, content_type: str) -> None:
        """Store durably, unless the very same bytes are there already; a directory keeps no content type.

        Raises:
            IntegrityError: other bytes stand under the name.
            Unavailable: the disk is full or fails; nothing is visible under the name.
            RuntimeError: not a name of ours.
        """
        self.put_all({name: data}, content_type=content_type)

    def put_all(self, files: Mapping[str, bytes], *, content_type: str) -> None:  # noqa: ARG002
        """Store each durably, as :meth:`put`; after an error some may be there, whole, and all may be put again.

        The files are synced side by side, so that the file system can write several in one go, and each directory once.
        """
        paths = {name: self._path(name) for name in files}
        parents = {path.parent for path in paths.values()}
        temporary: dict[str, Path] = {}
        try:
            self._make_directories(parents)
            for name, data in files.items():
                temporary[name] = self._write_temporary(data)
            self._each(_sync, temporary.values())
            for name, data in files.items():
                _link(name, temporary[name], paths[name], data)
            # Also of what was there: the one who linked it may have died before this.
            self._each(_sync, parents)
        except OSError as error:
            raise Unavailable("文件存储无法写入，请检查磁盘空间与权限后重试") from error
        finally:
            with suppress(OSError):  # what stays is swept
                for path in temporary.values():
                    path.unlink(missing_ok=True)

    def get_all(self, names: Sequence[str]) -> Mapping[str, bytes]:
        """The bytes by name; NotFound when there are none under one of them."""
        return {name: self.get(name) for name in names}

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
                _sync(path.parent)
        except OSError as error:
            raise Unavailable("文件存储无法删除，请检查权限后重试") from error

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    def retain(self, name: str, *, until: datetime) -> None:
        """Nothing: a file system has no lock that its owner could not lift; the operator's backups keep."""

    def retain_all(self, until: Mapping[str, datetime]) -> None:
        """Nothing, as :meth:`retain`."""

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

    def _each(self, work: Callable[[Path], None], paths: Collection[Path]) -> None:
        """Do it for several side by side; the first error is raised when all have ended."""
        if len(paths) == 1:
            work(*paths)
            return
        # A share per thread, not a turn per file: handing a turn over costs as much CPU as the sync itself.
        several = list(paths)
        shares = [several[at::SYNC_THREADS] for at in range(min(SYNC_THREADS, len(several)))]
        waiting = [self._threads.submit(_for_all, work, share) for share in shares]
        wait(waiting)
        for one in waiting:
            one.result()

    def _write_temporary(self, data: bytes) -> Path:
        """A file in ``.incoming/`` that is still to be synced; nothing is left when writing fails."""
        handle, name = tempfile.mkstemp(dir=self._incoming)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return Path(name)

    def _make_directories(self, directories: Iterable[Path]) -> None:
        """Make them and their parents, durably, before anything is put into them."""
        grown: set[Path] = set()
        for directory in directories:
            if directory.is_dir():
                continue  # and so are its parents
            for each in (*reversed(directory.parents), directory):
                if not each.is_dir():
                    each.mkdir(exist_ok=True)
                    grown.add(each.parent)
        self._each(_sync, grown)


def _unless_missing(error: OSError) -> None:
    """A directory that is not there has no names; one that cannot be read must not look empty."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


def _for_all(work: Callable[[Path], None], paths: Sequence[Path]) -> None:
    """Do it for each, also after an error; the first error is raised in the end."""
    failure: OSError | None = None
    for path in paths:
        try:
            work(path)
        except OSError as error:
            failure = failure or error
    if failure is not None:
        raise failure


def _link(name: str, temporary: Path, path: Path, data: bytes) -> None:
    """Give a synced file its name, unless the same bytes have it."""
    try:
        os.link(temporary, path, follow_symlinks=False)
    except FileExistsError:
        if path.read_bytes() != data:
            raise IntegrityError(f"文件 {name} 已存在且内容不同，未覆盖") from None


def _sync(path: Path) -> None:
    """Make the bytes of a file, or the names in a directory, durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
