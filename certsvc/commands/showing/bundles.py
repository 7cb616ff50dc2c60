"""一业一证 of a holder: each trade's bundle, derived from the licenses that the holder has; nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.catalog.bundles import MemberStanding, bundle_standing
from certsvc.commands.showing.wallet import wallet
from certsvc.license.standing import Light
from certsvc.license.states import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.catalog.bundles import BundleStanding
    from certsvc.catalog.entry import Bundle
    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.standing import Standing

_BEST_FIRST = (MemberStanding.GOOD, MemberStanding.ATTENTION, MemberStanding.ENDED)
_NO_MEMBERS = frozenset({State.PROVISIONAL, State.SUPERSEDED, State.VOIDED})
"""An opinion is no license, and what was replaced or wrongly made is followed by what counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HolderBundle:
    """One bundle and how it stands for this holder.

    Attributes:
        members: 证照标识 of the license that counts, by slug; a type without one is not in it.
    """

    bundle: Bundle
    standing: BundleStanding
    members: dict[str, str]


def holder_bundles(deps: Deps, caller: Principal) -> tuple[HolderBundle, ...]:
    """The bundles of which the caller holds at least one license, in the order of the catalog.

    Of several licenses of one type the best counts: a second shop that closed takes nothing from the first.
    """
    best: dict[str, tuple[MemberStanding, str]] = {}
    for card in wallet(deps, caller):
        if card.version.state in _NO_MEMBERS:
            continue
        stands, slug = member_standing(card.standing), card.version.type_slug
        if slug not in best or _BEST_FIRST.index(stands) < _BEST_FIRST.index(best[slug][0]):
            best[slug] = (stands, card.version.identifier)
    return tuple(_of(bundle, best) for bundle in deps.catalog.bundles if _slugs(bundle) & set(best))


def _slugs(bundle: Bundle) -> set[str]:
    return {*bundle.required, *bundle.optional}


def _of(bundle: Bundle, best: dict[str, tuple[MemberStanding, str]]) -> HolderBundle:
    order: Sequence[str] = bundle.required + bundle.optional
    return HolderBundle(
        bundle=bundle,
        standing=bundle_standing(bundle, {slug: stands for slug, (stands, _) in best.items()}),
        members={slug: best[slug][1] for slug in order if slug in best},
    )


def member_standing(how: Standing) -> MemberStanding:
    """What a license that stands so is to its bundle."""
    if not how.good:
        return MemberStanding.ENDED
    return MemberStanding.GOOD if how.light is Light.GREEN else MemberStanding.ATTENTION
