"""一业一证 under one code: the state of the bundle and every license in it, derived when it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.catalog.bundles import BundleState, bundle_standing
from certsvc.commands.showing.bundles import member_standing
from certsvc.commands.showing.reading import AMBER, GREEN, RED
from certsvc.license.standing import BEST_FIRST

if TYPE_CHECKING:
    from certsvc.catalog.bundles import BundleStanding
    from certsvc.catalog.entry import Bundle
    from certsvc.catalog.model import LicenseType, SceneSpec
    from certsvc.commands.ports import Deps
    from certsvc.commands.showing.reading import Reading
    from certsvc.license.uses import Scan
    from certsvc.seal.verdict import Reason

LIGHTS: dict[BundleState, str] = {
    BundleState.COMPLETE: GREEN,
    BundleState.ATTENTION: AMBER,
    BundleState.INCOMPLETE: AMBER,
    BundleState.IMPAIRED: RED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """One license as a verifier sees it, and the record of that.

    There is no scene when the code is of none, or the catalog has given it up meanwhile.
    """

    kind: LicenseType
    scene: SceneSpec | None
    read: Reading
    scan: Scan


@dataclass(frozen=True, kw_only=True, slots=True)
class BundleReading:
    """A bundle as a verifier sees it: what is missing in it was not shown or does not exist."""

    bundle: Bundle
    standing: BundleStanding
    members: tuple[Look, ...]
    refused: tuple[Reason, ...]

    @property
    def light(self) -> str:
        """Of the whole; a code that gives nothing any more is never green."""
        light = LIGHTS[self.standing.state]
        return AMBER if self.refused and light == GREEN else light

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Those of the worst license first."""
        worst_first = sorted(self.members, key=lambda one: -BEST_FIRST[one.read.light])
        return tuple(dict.fromkeys(reason for one in worst_first for reason in one.read.reasons))


def bundle_of(deps: Deps, code: str, members: tuple[Look, ...], refused: tuple[Reason, ...]) -> BundleReading:
    """What follows for the bundle from every license that was shown; ``refused`` says why the code gives nothing."""
    bundle = deps.catalog.bundle(code)
    standings = {one.kind.slug: member_standing(one.read.standing) for one in members}
    return BundleReading(bundle=bundle, standing=bundle_standing(bundle, standings), members=members, refused=refused)
