"""The trust list for other instances: a signed export, and what an import would change, as proposals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.trust.change import propose_change
from certsvc.errors import InvalidInput
from certsvc.seal.trust_entries import anchor_of, body_of, entry_id_of, json_of, kind_of, recognition_of
from certsvc.seal.trust_list import FILE, PARTNER_PREFIX, SEAL, Anchor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.seal.trust_list import Recognition, TrustList, TrustProposal

MAX_ENTRIES = 2000
"""Entries of one import: twice what a list may hold."""

NEW, CHANGED, ONLY_HERE = "new", "changed", "only_here"


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One entry that differs: ``new`` here, ``changed`` there, or ``only_here`` (which an import never proposes)."""

    what: str
    kind: str
    entry_id: str
    name: str
    entry: Anchor | Recognition


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """An export that was read: who made it, which version it is, and how it differs from ours."""

    issuer: str
    version: int
    digest: str
    differences: tuple[Difference, ...]


def export_list(deps: Deps, caller: Principal) -> str:
    """The list in force as a signed document."""
    roles.require(caller, roles.TRUST_PROPOSER, roles.TRUST_CONFIRMER, roles.OPERATOR, roles.AUDITOR)
    listed = deps.trust.current
    claims = {
        "version": listed.version,
        "digest": listed.digest,
        "sha256": listed.fingerprint(),
        "anchors": [json_of(one) for one in listed.anchors],
        "recognitions": [json_of(one) for one in listed.recognitions],
    }
    return deps.trust_lists.sign(claims, now=deps.clock.now())


def read_import(deps: Deps, text: str, jwks: str, *, partner: str = "") -> Imported:
    """What an export holds that ours has not, under the publisher's keys; nothing is stored.

    Args:
        deps: the ports.
        text: the export.
        jwks: the publisher's keys, which came another way than the export.
        partner: code of the city that made it: then only its own roots of seals are taken, for this partner alone.

    Raises:
        InvalidInput: the export was changed, is under another key, or holds what is no entry.
        ConfigurationError: ``jwks`` is no set of public keys.
    """
    claims = deps.trust_lists.read(text, jwks)
    entries: list[Anchor | Recognition] = [anchor_of(one) for one in _rows(claims, "anchors")]
    entries += [recognition_of(one) for one in _rows(claims, "recognitions")]
    if partner:
        entries = [_as_partner(one, partner) for one in entries if isinstance(one, Anchor) and SEAL in one.purposes]
    version = claims.get("version")
    if not isinstance(version, int) or isinstance(version, bool):
        raise InvalidInput("信任列表文件没有版本号（version）")
    deps.trust.follow()
    return Imported(
        issuer=str(claims.get("iss", "")),
        version=version,
        digest=str(claims.get("digest", "")),
        differences=_differences(deps.trust.current, entries, whole=not partner),
    )


def propose_import(deps: Deps, caller: Principal, imported: Imported, reason: str) -> tuple[TrustProposal, ...]:
    """Propose every new or changed entry; none is in force before somebody else confirms it.

    A recognition whose anchors are not in force yet is left for the next import: it names what nobody confirmed.
    """
    roles.require(caller, roles.TRUST_PROPOSER)
    listed = deps.trust.current
    return tuple(
        propose_change(deps, caller, one.entry, reason)
        for one in imported.differences
        if one.what != ONLY_HERE and _ready(listed, one.entry)
    )


def _ready(listed: TrustList, entry: Anchor | Recognition) -> bool:
    return isinstance(entry, Anchor) or all(listed.anchor(one) is not None for one in entry.anchors)


def _as_partner(entry: Anchor, partner: str) -> Anchor:
    return anchor_of({**json_of(entry), "purposes": [PARTNER_PREFIX + partner]})


def _differences(listed: TrustList, entries: Sequence[Anchor | Recognition], *, whole: bool) -> tuple[Difference, ...]:
    here_now: tuple[Anchor | Recognition, ...] = (*listed.anchors, *listed.recognitions)
    ours = {(kind_of(one), entry_id_of(one)): one for one in here_now}
    theirs = {(kind_of(one), entry_id_of(one)): one for one in entries}
    found = []
    for key, entry in theirs.items():
        here = ours.get(key)
        if here is None:
            found.append(_difference(NEW, entry))
        elif body_of(here) != body_of(entry) and not (isinstance(here, Anchor) and here.origin == FILE):
            found.append(_difference(CHANGED, entry))
    if whole:
        found += [_difference(ONLY_HERE, entry) for key, entry in ours.items() if key not in theirs]
    return tuple(found)


def _difference(what: str, entry: Anchor | Recognition) -> Difference:
    return Difference(what=what, kind=kind_of(entry), entry_id=entry_id_of(entry), name=entry.name, entry=entry)


def _rows(claims: Mapping[str, object], name: str) -> Sequence[object]:
    rows = claims.get(name)
    if not isinstance(rows, list) or len(rows) > MAX_ENTRIES:
        raise InvalidInput(f"信任列表文件的 {name} 应为列表，不超过 {MAX_ENTRIES} 项")
    return rows
