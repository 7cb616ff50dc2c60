"""The catalog in effect in this process: what is published, followed by its epoch, swapped as a whole.

At start every seed file is compared with what is published under its slug and version: another digest is refused,
because a published version is never changed. The sandbox publishes new seeds by itself; production leaves that to two
people (``certsvc catalog propose``, ``certsvc catalog publish``).

Faces are proven before they are taken up. Those that come with the program were proven by its tests, and those in
effect when they were taken up, so that a start or a swap costs only what is new.
"""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

import structlog

from certsvc.catalog.loader import load_catalog
from certsvc.catalog.publication import Publication, load_with, read_head, seed_files
from certsvc.errors import ConfigurationError
from certsvc.seal.model import StampSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from certsvc.catalog.loader import Catalog
    from certsvc.catalog.model import LicenseType
    from certsvc.commands.store_ports import UnitOfWork, UnitOfWorkFactory

log = structlog.get_logger("certsvc.catalog")

SEED = "seed"
"""Who proposes and publishes the sandbox's seeds."""
SAMPLE_STAMP = StampSpec(ring_text="示例印章")
"""The stamp of proofs and previews: a real owner's stamp goes on nothing that is not sealed."""


class LiveCatalog:
    """Implements ``life_ports.CatalogSource``; one per process, safe between threads."""

    def __init__(
        self,
        uow: UnitOfWorkFactory,
        directory: Path | None,
        prove: Callable[[Sequence[LicenseType]], None] | None = None,
        *,
        seeds: Catalog | None = None,
    ) -> None:
        """Take up what is published.

        Args:
            uow: where it is published.
            directory: the seed files, or None for those of the program.
            prove: draws the faces of types, or None where nothing is drawn.
            seeds: the catalog of the seed files, if it was just loaded: taken as it is when nothing else is published.

        Raises:
            ConfigurationError: nothing is published, or what is does not load or cannot be drawn.
        """
        self._uow = uow
        self._directory = directory
        self._prove = prove
        self._lock = threading.Lock()
        shipped = {hashlib.sha256(raw).hexdigest() for raw in seed_files().values()}
        self._epoch, self._catalog = self._load(shipped, seeds)

    @property
    def current(self) -> Catalog:
        """The catalog in effect."""
        return self._catalog

    def follow(self) -> bool:
        """Look at the epoch, one row, and take up a newer catalog; True when it was swapped."""
        with self._uow.read() as tx:
            epoch = tx.publications.epoch()
        if epoch == self._epoch:
            return False
        with self._lock:
            if epoch == self._epoch:
                return False
            try:
                self._epoch, self._catalog = self._load(kind.digest for kind in self._catalog.types)
            except ConfigurationError as error:
                # The last good one stays; this epoch is not looked at again, the next one is.
                self._epoch = epoch
                log.warning("new catalog refused", action="catalog.refused", epoch=epoch, reason=error.detail)
                return False
        log.info("catalog taken up", action="catalog.swapped", epoch=self._epoch, digest=self._catalog.digest)
        return True

    def _load(self, proven: Iterable[str], seeds: Catalog | None = None) -> tuple[int, Catalog]:
        """Epoch and catalog; types whose digest is among ``proven`` need not be drawn again."""
        with self._uow.read() as tx:
            epoch = tx.publications.epoch()
            types = files_in_effect(tx)
        if not types:
            raise ConfigurationError(
                "没有已发布的证照类型；请由各部门提案（certsvc catalog propose --seeds --by 提案人），"
                "再由政务服务管理机构的另一人发布（certsvc catalog publish --all --by 发布人）"
            )
        same = types == seed_files(self._directory)
        catalog = (seeds or load_catalog(self._directory)) if same else load_with(self._directory, types)
        if self._prove is not None:
            known = frozenset(proven)
            self._prove([kind for kind in catalog.types if kind.digest not in known])
        return epoch, catalog


def files_in_effect(tx: UnitOfWork) -> dict[str, bytes]:
    """The newest published file of every type, by slug."""
    return {publication.slug: publication.file for publication in tx.publications.in_effect()}


def open_catalog(
    uow: UnitOfWorkFactory,
    directory: Path | None,
    *,
    publish_seeds: bool,
    now: datetime,
    prove: Callable[[Sequence[LicenseType]], None] | None = None,
) -> LiveCatalog:
    """Compare the seeds with what is published, publish new ones if asked, and take up what is in effect.

    Raises:
        ConfigurationError: a seed file that differs from what is published under its version; or nothing that loads.
    """
    catalog = load_catalog(directory)  # seeds that do not load are never published
    seeds = seed_files(directory)
    with uow.read() as tx:
        published = tx.publications.digests()
    new = check_seeds(seeds, published)
    if new and publish_seeds:
        if prove is not None and directory is not None:
            prove([kind for kind in catalog.types if kind.slug in new])  # nor are those that cannot be drawn
        rows = [_seed_publication(slug, seeds[slug], now) for slug in new]
        with uow() as tx:
            tx.publications.publish_all(rows)
        with uow.read() as tx:
            check_seeds(seeds, tx.publications.digests())  # another process may have been first, with other files
    elif new:
        log.warning("seeds are not published", action="catalog.unpublished", types="、".join(new))
    return LiveCatalog(uow, directory, prove, seeds=catalog)


def check_seeds(seeds: Mapping[str, bytes], published: Mapping[tuple[str, int], str]) -> tuple[str, ...]:
    """Slugs of the seeds whose version is newer than anything published.

    Raises:
        ConfigurationError: the published file of the same version is another one; the detail says what to do.
    """
    newest: dict[str, int] = {}
    for slug, version in published:
        newest[slug] = max(version, newest.get(slug, 0))
    new: list[str] = []
    for slug, raw in seeds.items():
        head = read_head(f"{slug}.toml", raw, keep=True)
        known = published.get((head.slug, head.version))
        if known is not None and known != head.digest:
            msg = (
                f"目录文件 types/{slug}.toml 的第 {head.version} 版已发布，内容与文件不同："
                f"已发布 SHA-256 {known}，文件 SHA-256 {head.digest}。已发布的版本不得更改："
                f"请把文件中的 version 改为 {newest[head.slug] + 1} 再启动，或恢复原文件"
            )
            raise ConfigurationError(msg)
        if known is None and head.version > newest.get(head.slug, 0):
            new.append(slug)
    return tuple(new)


def _seed_publication(slug: str, raw: bytes, now: datetime) -> Publication:
    head = read_head(f"{slug}.toml", raw, keep=True)
    return Publication(
        slug=head.slug,
        version=head.version,
        digest=head.digest,
        file=raw,
        proposed_by=SEED,
        proposed_at=now,
        published_by=SEED,
        published_at=now,
    )
