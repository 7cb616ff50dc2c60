"""``certsvc catalog propose|publish|status``: the published catalog by hand, in the name of registered people."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from certsvc.app import build
from certsvc.catalog.publication import seed_files
from certsvc.cli.callers import person_of
from certsvc.commands.access import roles
from certsvc.commands.catalog.govern import catalog_status, propose_type, publish_types, waiting
from certsvc.commands.catalog.preview import preview_type
from certsvc.commands.ports import Principal
from certsvc.errors import NotFound
from certsvc.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from certsvc.commands.ports import Deps

OPERATOR = Principal(subject="cli", kind="system", roles=frozenset({roles.OPERATOR}))


def propose_files(files: Sequence[Path], *, seeds: bool, by: str) -> list[str]:
    """Propose type files, or, of the seeds that no publication has, those of the proposer's department; one line each.

    Raises:
        NotFound: nobody of this name, or the department has no seed to propose.
    """
    with _deps() as deps:
        caller = _person(deps, by)
        raws = [path.read_bytes() for path in files]
        if seeds:
            with deps.uow.read() as tx:
                known = {slug for slug, _ in tx.publications.digests()}
            new = [slug for slug in _slugs_of(deps, caller) if slug not in known]
            if not new:
                raise NotFound("本部门没有尚未发布的类型：各部门的提案人只提出本部门定义或颁发的类型")
            files_of = seed_files(deps.policy.catalog_dir)
            raws += [files_of[slug] for slug in new]
        proposals = [propose_type(deps, caller, raw) for raw in raws]
    return [f"{item.proposal_id}\t{item.slug}\t第 {item.version} 版\t{item.digest}" for item in proposals]


def publish_proposals(proposal_ids: Sequence[str], *, everything: bool, by: str) -> list[str]:
    """Publish proposals, or everything that waits, together; one line each."""
    with _deps() as deps:
        caller = _person(deps, by)
        chosen = list(proposal_ids)
        if everything:
            chosen += [proposal.proposal_id for proposal in waiting(catalog_status(deps, OPERATOR))]
        published = publish_types(deps, caller, chosen)
    return [f"{item.slug}\t第 {item.version} 版\t{item.digest}" for item in published]


def preview_proposal(proposal_id: str, out: Path, *, by: str) -> None:
    """Write the preview of a proposal."""
    with _deps() as deps:
        out.write_bytes(preview_type(deps, _person(deps, by), proposal_id))


def describe_catalog() -> list[str]:
    """Epoch, what waits, and the newest published version of each type."""
    with _deps() as deps:
        status = catalog_status(deps, OPERATOR)
    newest = {publication.slug: publication for publication in status.publications}
    lines = [f"第 {status.epoch} 次发布；已发布 {len(newest)} 种"]
    lines += [
        f"待发布\t{item.proposal_id}\t{item.slug}\t第 {item.version} 版\t{item.proposed_by}" for item in waiting(status)
    ]
    lines += [
        f"已发布\t{slug}\t第 {item.version} 版\t{item.published_by}\t{item.digest}" for slug, item in newest.items()
    ]
    return lines


@contextmanager
def _deps() -> Iterator[Deps]:
    """A service over the seeds, so that the very first types can be published too."""
    service = build(load_settings(), seeds_only=True)
    try:
        yield service.deps
    finally:
        service.close()


def _slugs_of(deps: Deps, caller: Principal) -> list[str]:
    """The seeds that this person may propose: what the own authority defines or issues."""
    own = caller.authority_code
    return [kind.slug for kind in deps.catalog.types if own in {kind.definer_code, *kind.issuers}]


def _person(deps: Deps, subject: str) -> Principal:
    return person_of(deps, subject, "请先登记并授予目录角色")
