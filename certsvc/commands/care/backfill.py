"""Reads what older files stand on, from releases that did not note it: page by page, and again from where it stopped.

Nothing about a license changes, and nobody is told. A file that cannot be read is told of and left for the next run.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from certsvc.commands.evidence.record import record
from certsvc.errors import CertsvcError
from certsvc.seal.care import SignatureKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from certsvc.commands.ports import Deps
    from certsvc.license.model import Artifact
    from certsvc.seal.care import SignatureFacts

PAGE = 100
"""Files read and stored at a time: a live request waits for one such transaction at most."""


@dataclass(kw_only=True, slots=True)
class Backfilled:
    """What a run did; ``unreadable`` are ids of artifacts with the reason in Chinese."""

    read: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)


def backfill(deps: Deps, watch: Callable[[int], None] = lambda _: None) -> Backfilled:
    """Read every file made here of which nothing is known; ``watch`` is told how many more were looked at."""
    done, after = Backfilled(), ""
    seals = _seals_by_certificate(deps)
    while True:
        with deps.uow.read() as tx:
            page = tx.care.unread(after, limit=PAGE)
        if not page:
            return done
        found = _read(deps, page, seals, done)
        with deps.uow() as tx:
            # Another run may have read them meanwhile: each is stored once.
            known = tx.care.of([artifact.artifact_id for artifact, _ in found])
            fresh = [one for one in found if one[0].artifact_id not in known]
            tx.care.add(fresh)
            if fresh:
                content = {"files": len(fresh), "first": fresh[0][0].artifact_id, "last": fresh[-1][0].artifact_id}
                now = deps.clock.now()
                record(tx, deps, kind="care.read", subject="artifacts", actor="operator", content=content, at=now)
        done.read += len(fresh)
        after = page[-1].artifact_id
        watch(len(page))


def _read(
    deps: Deps, page: Sequence[Artifact], seals: Mapping[str, str], done: Backfilled
) -> list[tuple[Artifact, tuple[SignatureFacts, ...]]]:
    found = []
    for artifact in page:
        try:
            signatures = deps.sealer.read_facts(deps.objects.get(artifact.object_name))
        except CertsvcError as error:
            done.unreadable[artifact.artifact_id] = error.detail
            continue
        found.append((artifact, _named(signatures, seals)))
    return found


def _named(signatures: Sequence[SignatureFacts], seals: Mapping[str, str]) -> tuple[SignatureFacts, ...]:
    return tuple(
        replace(one, seal_id=seals.get(one.serial + one.issuer_key, "")) if one.kind is SignatureKind.SEAL else one
        for one in signatures
    )


def _seals_by_certificate(deps: Deps) -> dict[str, str]:
    """The seal of every certificate that a key of a seal was ever given: serial and issuer's key id name it."""
    keys: dict[str, str] = {}
    with deps.uow.read() as tx:
        for seal in tx.seals.all():
            keys[seal.key_id] = seal.seal_id
            keys.update({version.key_id: seal.seal_id for version in tx.seal_lives.versions(seal.seal_id)})
    return {
        facts.serial + facts.issuer_key_id: seal_id
        for key_id, seal_id in keys.items()
        if key_id
        for facts in deps.seal_maker.certificates(key_id)
    }
