"""Type files on the way: a draft checked and drawn without a trace, a proposal as a picture, the file in effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.catalog.publication import load_with, read_head, seed_files
from certsvc.commands.access import roles
from certsvc.commands.catalog.govern import MAX_FILE_BYTES, as_input, preview_catalog, proven
from certsvc.commands.catalog.live import files_in_effect
from certsvc.commands.catalog.preview import sample_job
from certsvc.errors import NotFound, TooLarge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.catalog.loader import Catalog
    from certsvc.commands.ports import Deps, Principal

PICTURE_WIDTH = 1000
"""Pixels: small print of a page can be read, and a page weighs some hundred kilobytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawnType:
    """A type file that the catalog can use.

    Attributes:
        masks: by field and place; fields without one are left out.
        published: the newest published version of the type; 0 when there is none.
        picture: the first page with the sample's data as PNG.
    """

    slug: str
    name: str
    version: int
    published: int
    file: bytes
    masks: Mapping[str, Mapping[str, str]]
    picture: bytes


def draw_draft(deps: Deps, caller: Principal, raw: bytes) -> DrawnType:
    """Check ``raw`` as a proposal would be, and draw its page; nothing is kept.

    Raises:
        InvalidInput: the catalog would not load with it, or its face cannot be drawn; names the place in the file.
        RenderingError: the sample does not fit the page.
    """
    roles.require(caller, roles.CATALOG_PROPOSER, roles.CATALOG_PUBLISHER)
    if len(raw) > MAX_FILE_BYTES:
        raise TooLarge(f"类型文件超过 {MAX_FILE_BYTES // 1024} KiB")
    head = as_input(lambda: read_head("草稿", raw))
    with deps.uow.read() as tx:
        types = {**seed_files(deps.policy.catalog_dir), **files_in_effect(tx), head.slug: raw}
    catalog = as_input(lambda: proven(deps, types, [head.slug]))
    return _drawn(deps, catalog, head.slug, raw)


def draw_proposal(deps: Deps, caller: Principal, proposal_id: str) -> DrawnType:
    """A proposal and its page; NotFound, and InvalidInput when the catalog would no longer load with it."""
    proposal, catalog = preview_catalog(deps, caller, proposal_id)
    return _drawn(deps, catalog, proposal.slug, proposal.file)


def draw_type(deps: Deps, caller: Principal, slug: str) -> DrawnType:
    """The type in effect as it was published, and its page; NotFound."""
    roles.require(caller, roles.CATALOG_PROPOSER, roles.CATALOG_PUBLISHER, roles.AUDITOR, roles.OPERATOR)
    with deps.uow.read() as tx:
        found = files_in_effect(tx).get(slug)
        types = {**seed_files(deps.policy.catalog_dir), **files_in_effect(tx)} if found else {}
    if found is None:
        raise NotFound("没有这个证照类型，请核对类型代码")
    catalog = deps.catalog
    if not catalog.has_type(slug) or catalog.type(slug).version != read_head(slug, found).version:
        # This process has not taken up what was just published: the page must be that of the file beside it.
        catalog = as_input(lambda: load_with(deps.policy.catalog_dir, types, drafts=[slug]))
    return _drawn(deps, catalog, slug, found)


def _drawn(deps: Deps, catalog: Catalog, slug: str, raw: bytes) -> DrawnType:
    kind = catalog.type(slug)
    data = deps.renderer.render(sample_job(deps, catalog, slug)).data
    with deps.uow.read() as tx:
        published = max((version for known, version in tx.publications.digests() if known == slug), default=0)
    return DrawnType(
        slug=slug,
        name=kind.name,
        version=kind.version,
        published=published,
        file=raw,
        masks={f.key: {place: mask.value for place, mask in f.masks.items()} for f in kind.fields if f.masks},
        picture=deps.renderer.preview_png(data, PICTURE_WIDTH),
    )
