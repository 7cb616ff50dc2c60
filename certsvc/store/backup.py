"""A backup in a directory: a copy of the database, the objects or a list of them, and a manifest with every digest.

The database comes first and the objects after it. An object is stored before the row that names it and outlives that
row, so every row of the copy finds its object; the other way round rows would come without theirs. Tiles of the
evidence log that became full meanwhile are left out: they are of a longer log than the copy's. The manifest is written
last: without one a backup was not finished. Keys are never in it, only what they are known by.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certsvc.clock import parse_rfc3339, rfc3339
from certsvc.errors import Conflict, InvalidInput, NotFound, Unavailable
from certsvc.events.tiles import leaves_of
from certsvc.store.database_copy import copy_database, restore_database
from certsvc.store.ledger import DiskLedger
from certsvc.store.object_names import check_name
from certsvc.store.objects_dir import DirectoryObjectStore
from certsvc.store.objects_s3 import S3ObjectStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

FORMAT = 1
MANIFEST = "manifest.json"
LISTING = "objects.jsonl"
OBJECTS = "objects"
DIRECTORY, BUCKET = "directory", "s3"
BLOCK = 1024 * 1024
PAGE = 500
MOST_TOGETHER, MOST_BYTES_TOGETHER = 64, 32 * 1024 * 1024
"""Files that are written together; the bytes bound the memory where large uploads lie among them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What a backup holds.

    Attributes:
        format: of the backup.
        made_at: before anything was copied: everything acknowledged until then is in it.
        schema: revision of the database.
        objects: ``directory`` (copied), or ``s3`` (listed).
        listing_sha256: digest of the list, which has the digest of every object.
        feed_end: last position of the feed at ``made_at``.
        master_key: public name of the master key that opens the personal columns.
        keys: digest of each file of the key directory; the files themselves are kept elsewhere.
    """

    format: int
    made_at: str
    schema: str
    database: str
    database_sha256: str
    objects: str
    object_count: int
    listing_sha256: str
    feed_end: int
    master_key: str
    keys: Mapping[str, str]

    @property
    def moment(self) -> datetime:
        """When it was begun."""
        return parse_rfc3339(self.made_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the manifest tells beside what is copied; see there."""

    made_at: datetime
    schema: str
    feed_end: int
    master_key: str
    keys: Mapping[str, str]


def create(
    directory: Path,
    url: str,
    objects: DirectoryObjectStore | S3ObjectStore,
    facts: Facts,
    watch: Callable[[int], None] = lambda _count: None,
) -> Manifest:
    """Make a backup in an empty or new directory; ``watch`` is told of each object.

    Raises:
        Conflict: the directory holds something.
        Unavailable: database, objects or disk fail; what is there has no manifest and is no backup.
    """
    _make_empty(directory)
    copy = copy_database(url, directory)
    count = 0

    def ours(name: str) -> bool:
        return (leaves_of(name) or 0) <= copy.leaves

    with (directory / LISTING).open("x", encoding="utf-8") as listing:
        lines = (
            _copied(objects, directory, ours) if isinstance(objects, DirectoryObjectStore) else _listed(objects, ours)
        )
        for line in lines:
            listing.write(json.dumps(line) + "\n")
            count += 1
            watch(1)
        listing.flush()
        os.fsync(listing.fileno())
    manifest = Manifest(
        format=FORMAT,
        made_at=rfc3339(facts.made_at),
        schema=facts.schema,
        database=copy.file.name,
        database_sha256=digest_of_file(copy.file),
        objects=DIRECTORY if isinstance(objects, DirectoryObjectStore) else BUCKET,
        object_count=count,
        listing_sha256=digest_of_file(directory / LISTING),
        feed_end=facts.feed_end,
        master_key=facts.master_key,
        keys=facts.keys,
    )
    unfinished = directory / (MANIFEST + ".part")
    with unfinished.open("x", encoding="utf-8") as file:
        json.dump(asdict(manifest), file, ensure_ascii=False, indent=2)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(directory / MANIFEST)
    return manifest


def read_manifest(directory: Path) -> Manifest:
    """The manifest of a backup.

    Raises:
        NotFound: there is none: no backup, or one that was not finished.
        InvalidInput: one of another program, or damaged.
    """
    try:
        said = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
        if said.get("format") != FORMAT or set(said) != {field.name for field in fields(Manifest)}:
            raise InvalidInput(f"{directory / MANIFEST} 不是本程序能读取的备份清单")
        return Manifest(**said)
    except OSError as error:
        raise NotFound(f"{directory} 中没有 {MANIFEST}：不是备份，或备份没有完成") from error
    except (ValueError, AttributeError) as error:
        raise InvalidInput(f"{directory / MANIFEST} 已损坏，请使用另一份备份") from error


def problems(
    directory: Path,
    manifest: Manifest,
    bucket: S3ObjectStore | None = None,
    watch: Callable[[int], None] = lambda _count: None,
    gone: Callable[[str], bool] = lambda _name: False,
) -> Iterator[str]:
    """What is not as the manifest says, in Chinese; ``bucket`` is where a listed backup has its objects.

    ``gone`` tells what went by decision since (鉴定销毁): that is missing from the bucket, and not lost.
    """
    for name, digest in ((manifest.database, manifest.database_sha256), (LISTING, manifest.listing_sha256)):
        path = directory / name
        if not path.is_file():
            yield f"缺少 {name}"
        elif digest_of_file(path) != digest:
            yield f"{name} 与清单的摘要不一致"
    if manifest.objects == DIRECTORY:
        yield from _unlike_copies(directory, watch)
    elif bucket is not None:
        yield from _unlike_bucket(directory, bucket, watch, gone)


def _unlike_copies(directory: Path, watch: Callable[[int], None]) -> Iterator[str]:
    for line in _lines(directory):
        watch(1)
        path = directory / OBJECTS / check_name(line["name"])
        if not path.is_file():
            yield f"缺少文件 {line['name']}"
        elif digest_of_file(path) != line["sha256"]:
            yield f"文件 {line['name']} 与清单的摘要不一致"


def _unlike_bucket(
    directory: Path, bucket: S3ObjectStore, watch: Callable[[int], None], gone: Callable[[str], bool]
) -> Iterator[str]:
    """Objects that are named by their digest are there as they were; uploads come and go."""
    with closing(DiskLedger()) as ledger:
        ledger.expect(BUCKET, (_version_key(line) for line in _lines(directory) if line["sha256"]))
        for one in bucket.versions():
            ledger.see(BUCKET, [_version_key(asdict(one))])
            watch(1)
        after = ""
        while rows := ledger.short(BUCKET, after=after, limit=PAGE):
            after = rows[-1][0]
            for key, _ in rows:
                name = key.partition(" ")[0]
                if not gone(name):
                    yield f"存储桶中缺少文件 {name}，或已不是备份时的版本"


def _version_key(line: Mapping[str, Any]) -> str:
    return f"{line['name']} {line['version']} {line['etag']}"


def restore(
    directory: Path,
    manifest: Manifest,
    var_dir: Path,
    url: str,
    watch: Callable[[int], None] = lambda _count: None,
) -> None:
    """Make database and objects from a backup that was checked, into an empty place.

    Raises:
        Conflict: ``var_dir`` or the database holds something.
    """
    _make_empty(var_dir)
    restore_database(directory / manifest.database, url)
    if manifest.objects == DIRECTORY:
        copies = DirectoryObjectStore(directory / OBJECTS, read_only=True)
        target = DirectoryObjectStore(var_dir / OBJECTS)
        for batch in _batches((line["name"], copies.get(line["name"])) for line in _lines(directory)):
            target.put_all(batch, content_type="")
            watch(len(batch))


def digest_of_file(path: Path) -> str:
    """Hex SHA-256 of a file, block by block."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _copied(objects: DirectoryObjectStore, directory: Path, ours: Callable[[str], bool]) -> Iterator[dict[str, Any]]:
    target = DirectoryObjectStore(directory / OBJECTS)
    for batch in _batches(_read(objects, ours)):
        target.put_all(batch, content_type="")
        for name, data in batch.items():
            yield {"name": name, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


def _read(objects: DirectoryObjectStore, ours: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    for name in filter(ours, objects.walk("")):
        with suppress(NotFound):  # an upload that was over meanwhile
            yield name, objects.get(name)


def _batches(files: Iterable[tuple[str, bytes]]) -> Iterator[dict[str, bytes]]:
    """Files that are synced side by side: one by one, each would wait for the disk twice."""
    batch: dict[str, bytes] = {}
    size = 0
    for name, data in files:
        batch[name] = data
        size += len(data)
        if len(batch) >= MOST_TOGETHER or size >= MOST_BYTES_TOGETHER:
            yield batch
            batch, size = {}, 0
    if batch:
        yield batch


def _listed(bucket: S3ObjectStore, ours: Callable[[str], bool]) -> Iterator[dict[str, Any]]:
    """Names that hold a digest tell it; the server's own digest and version stand beside it."""
    for one in bucket.versions():
        if not ours(one.name):
            continue
        named = one.name.rpartition("/")[2].removesuffix(".pdf")
        yield {**asdict(one), "sha256": named if len(named) == hashlib.sha256().digest_size * 2 else ""}


def _lines(directory: Path) -> Iterator[dict[str, Any]]:
    try:
        with (directory / LISTING).open(encoding="utf-8") as listing:
            yield from map(json.loads, listing)
    except FileNotFoundError:
        return  # told by the digests
    except ValueError as error:
        raise InvalidInput(f"{directory / LISTING} 已损坏，请使用另一份备份") from error


def _make_empty(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise Conflict(f"{directory} 不是空目录：备份和恢复都不覆盖已有的内容，请另选目录")
    except OSError as error:
        raise Unavailable(f"{directory} 无法写入，请检查磁盘空间与权限") from error
