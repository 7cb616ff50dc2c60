"""``certsvc backup``: make, check and restore backups; only settings, keys' names and the store are needed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from certsvc.app_shape import open_objects
from certsvc.cli.reconcile import compare, print_report
from certsvc.clock import SystemClock
from certsvc.commands.reconcile_ports import Books
from certsvc.errors import Conflict, InvalidInput, Unavailable
from certsvc.ids import SystemIds
from certsvc.settings import load_settings
from certsvc.signing.cipher import ColumnCipher
from certsvc.signing.master_key import load_master_key
from certsvc.store.backup import (
    DIRECTORY,
    OBJECTS,
    Facts,
    create,
    digest_of_file,
    problems,
    read_manifest,
    restore,
)
from certsvc.store.database_copy import POSTGRES_FILE, restore_database, skip_ahead
from certsvc.store.engine import open_store
from certsvc.store.migrate import current
from certsvc.store.objects_dir import DirectoryObjectStore
from certsvc.store.objects_s3 import S3ObjectStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from certsvc.settings import Settings
    from certsvc.store.backup import Manifest

MOST_SHOWN = 50
"""Problems that are printed one by one."""


def create_backup(directory: Path) -> str:
    """Back the service up while it runs; a sentence on what was copied."""
    settings, clock = load_settings(), SystemClock()
    master = load_master_key(settings.master_key)
    now = clock.now()
    store = open_store(settings.database, ColumnCipher(master, SystemIds()))
    objects = open_objects(settings, clock)
    try:
        with store.uow.read() as tx:
            end = tx.feed.end()
        facts = Facts(
            made_at=now,
            schema=current(settings.database),
            feed_end=end,
            master_key=master.kek_id.hex(),
            keys=_key_files(settings),
        )
        with _progress("备份文件") as watch:
            manifest = create(directory, settings.database, objects, facts, watch)
    finally:
        objects.close()
        store.close()
    what = "已复制" if manifest.objects == DIRECTORY else "已列出（存储桶自身的版本与复制另行保证）"
    counts = f"数据库版本 {manifest.schema}，文件 {manifest.object_count} 个{what}"
    return f"备份完成：{directory}；{counts}；密钥不在其中，请另行保管"


def check_backup(directory: Path, database: str, *, sample: int) -> int:
    """Digests, keys, the copy of the database, its books; 0 when the backup can be used."""
    settings = load_settings()
    manifest = read_manifest(directory)
    console = Console(stderr=True)
    found = 0
    with (
        _bucket(settings, manifest) as bucket,
        _gone_since(settings, bucket) as gone,
        _progress("核对摘要") as watch,
    ):
        for problem in problems(directory, manifest, bucket, watch, gone):
            found += 1
            if found <= MOST_SHOWN:
                console.print(problem, highlight=False, markup=False)
    for line in _key_differences(settings, manifest):
        console.print(line, highlight=False, markup=False)
    if found:
        console.print(f"备份不可用：{found} 处与清单不一致", highlight=False)
        return 1
    return _compare_copy(settings, directory, manifest, database, sample=sample)


def restore_backup(directory: Path, var_dir: Path, database: str, *, skip: int) -> str:
    """Restore a backup that holds; a sentence on what is still to be done."""
    settings = load_settings()
    manifest = read_manifest(directory)
    if manifest.database == POSTGRES_FILE and not database:
        raise InvalidInput("PostgreSQL 的备份须用 --database-url 说明恢复到哪个空的数据库")
    url = database or f"sqlite:///{(var_dir / 'certsvc.sqlite3').resolve()}"
    with (
        _bucket(settings, manifest) as bucket,
        _gone_since(settings, bucket) as gone,
        _progress("核对摘要") as watch,
    ):
        wrong = next(problems(directory, manifest, bucket, watch, gone), "")
    if wrong:
        raise Conflict(f"备份与清单不一致，没有恢复：{wrong}；请用 certsvc backup check 查看全部")
    with _progress("恢复文件") as watch:
        restore(directory, manifest, var_dir, url, watch)
    if skip:
        skip_ahead(url, skip)
    return (
        f"已恢复到 {var_dir}：备份时刻 {manifest.made_at}，事件位置 {manifest.feed_end}；"
        f"请放回主密钥（{manifest.master_key}）和密钥目录的 {len(manifest.keys)} 个文件，"
        "再运行 certsvc reconcile 核对，然后启动服务"
    )


def _compare_copy(settings: Settings, directory: Path, manifest: Manifest, database: str, *, sample: int) -> int:
    """Compare the books of the copy; a dump has to become a database first."""
    master = load_master_key(settings.master_key)
    if master.kek_id.hex() != manifest.master_key:
        Console(stderr=True).print(f"本机的主密钥不是备份时的（{manifest.master_key}），无法打开数据库副本")
        return 1
    url = f"sqlite:///{(directory / manifest.database).resolve()}"
    if manifest.database == POSTGRES_FILE:
        if not database:
            Console(stderr=True).print("摘要无误；给出 --database-url（空的数据库）才能试恢复并对账", highlight=False)
            return 0
        restore_database(directory / manifest.database, database)
        url = database
    store = open_store(url, ColumnCipher(master, SystemIds()))
    copied = manifest.objects == DIRECTORY
    copies = DirectoryObjectStore(directory / OBJECTS, read_only=True)
    objects = copies if copied else open_objects(settings, SystemClock())
    bucket = objects if isinstance(objects, S3ObjectStore) else None
    try:
        with _gone_since(settings, bucket) as gone:
            report = compare(Books(uow=store.uow, objects=objects, now=manifest.moment, gone=gone), sample=sample)
    finally:
        objects.close()
        store.close()
    print_report(report, as_json=False)
    return 0 if report.agrees else 1


def _key_files(settings: Settings) -> dict[str, str]:
    """Digest of every file of the key directory (private keys lie there encrypted), by its relative name."""
    files = sorted(path for path in settings.keys.rglob("*") if path.is_file())
    return {path.relative_to(settings.keys).as_posix(): digest_of_file(path) for path in files}


def _key_differences(settings: Settings, manifest: Manifest) -> Iterator[str]:
    """Keys that are not here as they were: no fault of the backup, but a restored service needs them."""
    here: Mapping[str, str] = _key_files(settings)
    for name, digest in manifest.keys.items():
        if here.get(name) != digest:
            yield f"注意：密钥文件 {name} 现在{'已改变' if name in here else '不在本机'}，恢复时须有备份时的那一份"


@contextmanager
def _bucket(settings: Settings, manifest: Manifest) -> Iterator[S3ObjectStore | None]:
    """The bucket of a backup whose objects are listed."""
    objects = open_objects(settings, SystemClock()) if manifest.objects != DIRECTORY else None
    if objects is not None and not isinstance(objects, S3ObjectStore):
        raise InvalidInput("备份的文件在存储桶中，请设置 s3_url 等以便核对")
    try:
        yield objects
    finally:
        if objects is not None:
            objects.close()


@contextmanager
def _gone_since(settings: Settings, bucket: S3ObjectStore | None) -> Iterator[Callable[[str], bool]]:
    """Whether an object went by decision, as the service of today knows; a copied backup has all of its objects.

    Where the service has no database any more, nothing is excused.
    """
    if bucket is None or not settings.has_database() or not settings.master_key.exists():
        yield lambda _name: False
        return
    store = open_store(settings.database, ColumnCipher(load_master_key(settings.master_key), SystemIds()))

    def gone(name: str) -> bool:
        try:
            with store.uow.read() as tx:
                return tx.erased.file(name) is not None
        except Unavailable:  # a database that is away, or of an older release: it knows of nothing
            return False

    try:
        yield gone
    finally:
        store.close()


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int], None]]:
    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed:.0f}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=None)
        yield lambda count: bar.advance(task, count)
