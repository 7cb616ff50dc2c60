"""The published catalog: proposals, publications and the epoch that every process follows."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select

from certsvc.catalog.publication import Proposal, Publication
from certsvc.store.intents import next_of
from certsvc.store.tables import counters
from certsvc.store.tables_life import catalog_proposals, catalog_publications
from certsvc.store.transaction import Insert, insert_into

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import RowMapping, Table

    from certsvc.store.transaction import Transaction

EPOCH = "catalog:epoch"

_A = catalog_proposals.c
_P = catalog_publications.c
_EPOCH = select(counters.c.value).where(counters.c.name == EPOCH)
_PROPOSAL = select(*_A).where(_A.proposal_id == bindparam("which"))
_SAME = select(*_A).where(
    _A.slug == bindparam("slug"), _A.version == bindparam("number"), _A.digest == bindparam("digest")
)
_PROPOSALS = select(*_A).order_by(_A.slug, _A.version, _A.digest)
_PUBLICATION = select(*_P).where(_P.slug == bindparam("slug"), _P.version == bindparam("number"))
_PUBLICATIONS = select(*_P).order_by(_P.slug, _P.version)
_DIGESTS = select(_P.slug, _P.version, _P.digest).order_by(_P.slug, _P.version)
_LATEST = select(_P.slug, func.max(_P.version).label("version")).group_by(_P.slug).subquery("latest")
_IN_EFFECT = (
    select(*_P).join(_LATEST, (_LATEST.c.slug == _P.slug) & (_LATEST.c.version == _P.version)).order_by(_P.slug)
)


@cache
def _once(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table).on_conflict_do_nothing()


class PublicationRows:
    """Implements ``life_ports.Publications``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def epoch(self) -> int:
        """How many times the catalog was published; one row, read by every process every few seconds."""
        row = self._tx.row(_EPOCH)
        return 0 if row is None else int(row["value"])

    def propose(self, proposal: Proposal) -> bool:
        """Store; False when the same file was proposed under this slug and version."""
        added = self._tx.changed(
            _once(self._tx.dialect, catalog_proposals),
            proposal_id=proposal.proposal_id,
            slug=proposal.slug,
            version=proposal.version,
            digest=proposal.digest,
            file=proposal.file,
            proposed_by=proposal.proposed_by,
            authority_code=proposal.authority_code,
            proposed_at=proposal.proposed_at,
        )
        return added == 1

    def proposal(self, proposal_id: str) -> Proposal | None:
        """The proposal."""
        row = self._tx.row(_PROPOSAL, which=proposal_id)
        return None if row is None else _proposal(row)

    def same_proposal(self, slug: str, version: int, digest: str) -> Proposal | None:
        """The proposal of exactly this file."""
        row = self._tx.row(_SAME, slug=slug, number=version, digest=digest)
        return None if row is None else _proposal(row)

    def proposals(self) -> Sequence[Proposal]:
        """Every proposal, by slug and version."""
        return [_proposal(row) for row in self._tx.rows(_PROPOSALS)]

    def publish(self, publication: Publication) -> bool:
        """Store and raise the epoch; False, and nothing written, when this version of the type was published."""
        added = self._tx.changed(
            _once(self._tx.dialect, catalog_publications),
            slug=publication.slug,
            version=publication.version,
            digest=publication.digest,
            file=publication.file,
            proposed_by=publication.proposed_by,
            proposed_at=publication.proposed_at,
            published_by=publication.published_by,
            published_at=publication.published_at,
        )
        if added == 0:
            return False
        self._tx.row(next_of(self._tx.dialect), series=EPOCH, step=1)
        return True

    def publish_all(self, publications: Sequence[Publication]) -> None:
        """Store those that were not published, and raise the epoch once."""
        rows = [asdict(publication) for publication in publications]
        self._tx.changed_all(_once(self._tx.dialect, catalog_publications), rows)
        self._tx.row(next_of(self._tx.dialect), series=EPOCH, step=1)

    def digests(self) -> Mapping[tuple[str, int], str]:
        """Digest of every published file by slug and version."""
        return {(row["slug"], row["version"]): row["digest"] for row in self._tx.rows(_DIGESTS)}

    def publication(self, slug: str, version: int) -> Publication | None:
        """The published file of one version of a type."""
        row = self._tx.row(_PUBLICATION, slug=slug, number=version)
        return None if row is None else _publication(row)

    def publications(self) -> Sequence[Publication]:
        """Everything that was ever published, by slug and version."""
        return [_publication(row) for row in self._tx.rows(_PUBLICATIONS)]

    def in_effect(self) -> Sequence[Publication]:
        """The newest published version of every type."""
        return [_publication(row) for row in self._tx.rows(_IN_EFFECT)]


def _proposal(row: RowMapping) -> Proposal:
    return Proposal(**{**row, "file": bytes(row["file"])})


def _publication(row: RowMapping) -> Publication:
    return Publication(**{**row, "file": bytes(row["file"])})
