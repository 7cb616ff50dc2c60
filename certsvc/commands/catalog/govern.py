"""Propose and publish license types: a department proposes, the 政务服务管理机构 publishes, never one person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from certsvc.catalog.publication import Proposal, Publication, load_with, read_head, seed_files
from certsvc.commands.access import roles
from certsvc.commands.catalog.live import SAMPLE_STAMP, files_in_effect
from certsvc.commands.evidence.record import record
from certsvc.errors import ConfigurationError, Conflict, FieldProblem, Forbidden, InvalidInput, NotFound, TooLarge
from certsvc.events.payloads import CatalogPublished

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from certsvc.catalog.loader import Catalog
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork

Loaded = TypeVar("Loaded")

MAX_FILE_BYTES = 256 * 1024
"""Ten times the largest type file; stops a body that would fill memory before it is parsed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogStatus:
    """What is proposed, what is published, and the epoch."""

    epoch: int
    proposals: Sequence[Proposal]
    publications: Sequence[Publication]


def propose_type(deps: Deps, caller: Principal, raw: bytes) -> Proposal:
    """Keep a type file for publication; the same file again is the same proposal.

    Raises:
        InvalidInput: the catalog would not load with it, its face cannot be drawn, or its version is not newer than the
            published one.
        Forbidden: the caller's authority neither defines nor issues the type.
    """
    roles.require(caller, roles.CATALOG_PROPOSER)
    if len(raw) > MAX_FILE_BYTES:
        raise TooLarge(f"类型文件超过 {MAX_FILE_BYTES // 1024} KiB")
    now = deps.clock.now()
    head = as_input(lambda: read_head("提案", raw))
    with deps.uow.read() as tx:
        types = {**seed_files(deps.policy.catalog_dir), **files_in_effect(tx), head.slug: raw}
        newest = max((p.version for p in tx.publications.in_effect() if p.slug == head.slug), default=0)
        known = tx.publications.same_proposal(head.slug, head.version, head.digest)
    if known is not None:
        return known
    if head.version <= newest:
        detail = f"第 {newest} 版已发布，请把 version 改为 {newest + 1}"
        problem = FieldProblem(pointer="/file", code="version", detail=detail)
        raise InvalidInput("已发布的版本不得更改", problems=(problem,))
    kind = as_input(lambda: proven(deps, types, [head.slug])).type(head.slug)
    if caller.authority_code not in {kind.definer_code, *kind.issuers}:
        raise Forbidden("只有证照的定义机构或颁发机构可以提案")
    proposal = Proposal(
        proposal_id=deps.ids.new("pro"),
        slug=head.slug,
        version=head.version,
        digest=head.digest,
        file=raw,
        proposed_by=caller.subject,
        authority_code=caller.authority_code,
        proposed_at=now,
    )
    with deps.uow() as tx:
        if not tx.publications.propose(proposal):
            # Proposed by another call in this very moment.
            return tx.publications.same_proposal(head.slug, head.version, head.digest) or proposal
        record(
            tx,
            deps,
            kind="catalog.proposed",
            subject=head.slug,
            actor=caller.subject,
            content={"proposal_id": proposal.proposal_id, "version": head.version, "digest": head.digest},
            at=now,
        )
    return proposal


def publish_types(deps: Deps, caller: Principal, proposal_ids: Sequence[str]) -> tuple[Publication, ...]:
    """Publish proposals together; every process takes them up within seconds. Nothing is published unless all are.

    Raises:
        NotFound: no such proposal.
        Forbidden: the caller proposed one of them.
        Conflict: this version was published meanwhile.
        InvalidInput: the catalog would not load with them, or a face cannot be drawn.
    """
    roles.require(caller, roles.CATALOG_PUBLISHER)
    now = deps.clock.now()
    with deps.uow() as tx:
        proposals = [_proposal(tx, proposal_id) for proposal_id in dict.fromkeys(proposal_ids)]
        for proposal in proposals:
            if proposal.proposed_by == caller.subject:
                raise Forbidden("提案人和发布人不得为同一人，请由政务服务管理机构的其他人发布")
        types = {**files_in_effect(tx), **{proposal.slug: proposal.file for proposal in proposals}}
        as_input(lambda: proven(deps, types, [proposal.slug for proposal in proposals]))
        return tuple(_publish(deps, tx, caller, proposal, now) for proposal in proposals)


def preview_catalog(deps: Deps, caller: Principal, proposal_id: str) -> tuple[Proposal, Catalog]:
    """The catalog as it would be with a proposal, for whoever may propose or publish."""
    roles.require(caller, roles.CATALOG_PROPOSER, roles.CATALOG_PUBLISHER)
    with deps.uow.read() as tx:
        proposal = _proposal(tx, proposal_id)
        types = {**seed_files(deps.policy.catalog_dir), **files_in_effect(tx), proposal.slug: proposal.file}
    return proposal, as_input(lambda: load_with(deps.policy.catalog_dir, types, drafts=[proposal.slug]))


def catalog_status(deps: Deps, caller: Principal) -> CatalogStatus:
    """Everything proposed and published."""
    roles.require(caller, roles.CATALOG_PROPOSER, roles.CATALOG_PUBLISHER, roles.AUDITOR, roles.OPERATOR)
    with deps.uow.read() as tx:
        return CatalogStatus(
            epoch=tx.publications.epoch(),
            proposals=tx.publications.proposals(),
            publications=tx.publications.publications(),
        )


def waiting(status: CatalogStatus) -> list[Proposal]:
    """Proposals of versions that nobody has published; the newest of each type and version."""
    published = {(publication.slug, publication.version) for publication in status.publications}
    open_ones = [proposal for proposal in status.proposals if (proposal.slug, proposal.version) not in published]
    latest = {(p.slug, p.version): p for p in sorted(open_ones, key=lambda proposal: proposal.proposed_at)}
    return list(latest.values())


def proven(deps: Deps, types: Mapping[str, bytes], slugs: Sequence[str]) -> Catalog:
    """The catalog with ``types``; the faces of ``slugs``, which are new in it, can be drawn."""
    catalog = load_with(deps.policy.catalog_dir, types, drafts=slugs)
    deps.renderer.prove([catalog.type(slug) for slug in slugs], SAMPLE_STAMP)
    return catalog


def as_input(load: Callable[[], Loaded]) -> Loaded:
    """What ``load`` gives; a file that cannot be used is the proposer's mistake here, not the operator's."""
    try:
        return load()
    except ConfigurationError as error:
        problem = FieldProblem(pointer="/file", code="catalog", detail=error.detail)
        raise InvalidInput("目录不能采用这个类型文件，请按提示更正", problems=(problem,)) from error


def _proposal(tx: UnitOfWork, proposal_id: str) -> Proposal:
    proposal = tx.publications.proposal(proposal_id)
    if proposal is None:
        raise NotFound("没有这个提案，请核对提案编号")
    return proposal


def _publish(deps: Deps, tx: UnitOfWork, caller: Principal, proposal: Proposal, now: datetime) -> Publication:
    publication = Publication(
        slug=proposal.slug,
        version=proposal.version,
        digest=proposal.digest,
        file=proposal.file,
        proposed_by=proposal.proposed_by,
        proposed_at=proposal.proposed_at,
        published_by=caller.subject,
        published_at=now,
    )
    newest = max((version for slug, version in tx.publications.digests() if slug == proposal.slug), default=0)
    if proposal.version <= newest or not tx.publications.publish(publication):
        raise Conflict(f"{proposal.slug} 第 {newest} 版已发布，请以更高的 version 重新提案")
    payload = CatalogPublished(
        license_type=proposal.slug,
        version=proposal.version,
        digest=proposal.digest,
        proposed_by=proposal.proposed_by,
        published_by=caller.subject,
    )
    tx.outbox.add(
        payload.event(event_id=deps.ids.new("evt"), source=deps.policy.event_source, subject=proposal.slug, at=now)
    )
    record(
        tx,
        deps,
        kind="catalog.published",
        subject=proposal.slug,
        actor=caller.subject,
        content={"proposal_id": proposal.proposal_id, "version": proposal.version, "digest": proposal.digest},
        at=now,
    )
    return publication
