"""一业一证 under one code: the state of the bundle and every license in it, derived when it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.catalog.bundles import BundleState, MemberStanding, bundle_standing
from certsvc.commands.showing.bundles import member_standing
from certsvc.commands.showing.readers import is_for, reader_of
from certsvc.commands.showing.reading import AMBER, GREEN, RED, read_license
from certsvc.commands.showing.values import scene_fields
from certsvc.seal.verdict import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.catalog.bundles import BundleStanding
    from certsvc.catalog.entry import Bundle
    from certsvc.catalog.model import LicenseType, SceneSpec
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.showing.reading import Reading
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.uses import Show

LIGHTS: dict[BundleState, str] = {
    BundleState.COMPLETE: GREEN,
    BundleState.ATTENTION: AMBER,
    BundleState.INCOMPLETE: AMBER,
    BundleState.IMPAIRED: RED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberReading:
    """One license of a bundle as a verifier sees it; no scene when the catalog has given it up meanwhile."""

    kind: LicenseType
    required: bool
    version: LicenseVersion
    scene: SceneSpec | None
    read: Reading


@dataclass(frozen=True, kw_only=True, slots=True)
class BundleReading:
    """A bundle as a verifier sees it: what is missing in it was not shown or does not exist."""

    bundle: Bundle
    standing: BundleStanding
    members: tuple[MemberReading, ...]
    refused: tuple[Reason, ...]

    @property
    def light(self) -> str:
        """Of the whole; a code that gives nothing any more is never green."""
        light = LIGHTS[self.standing.state]
        return AMBER if self.refused and light == GREEN else light

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Those of the worst license first."""
        order = {RED: 0, AMBER: 1, GREEN: 2}
        worst_first = sorted(self.members, key=lambda one: order[one.read.light])
        return tuple(dict.fromkeys(reason for one in worst_first for reason in one.read.reasons))


def read_bundle(
    deps: Deps,
    tx: UnitOfWork,
    caller: Principal,
    show: Show,
    *,
    refusals: Sequence[Reason],
    given: bool,
    now: datetime,
) -> BundleReading:
    """Look at every license that was shown; a scene that is not for this reader gives its state only."""
    bundle = deps.catalog.bundle(show.bundle)
    versions = tx.licenses.by_version_ids([version_id for version_id, _ in show.members])
    members: list[MemberReading] = []
    standings: dict[str, MemberStanding] = {}
    for version_id, code in show.members:
        version = versions[version_id]
        kind = deps.catalog.type(version.type_slug)
        scene = kind.scene(code)
        readable = scene is not None and is_for(scene, reader_of(caller))
        fields = scene_fields(kind, version, scene) if scene is not None and given and readable else ()
        photo = scene is not None and given and readable and scene.photo
        why = tuple(refusals) if readable or refusals else (Reason.SCENE_NOT_FOR_YOU,)
        read = read_license(deps, tx, version, now, refusals=why, fields=fields, photo=photo)
        standings[kind.slug] = member_standing(read.standing)
        required = kind.slug in bundle.required
        members.append(MemberReading(kind=kind, required=required, version=version, scene=scene, read=read))
    return BundleReading(
        bundle=bundle, standing=bundle_standing(bundle, standings), members=tuple(members), refused=tuple(refusals)
    )
