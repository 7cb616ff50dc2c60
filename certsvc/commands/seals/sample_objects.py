"""Seal objects (.esl) of the sandbox's seals, which come with a declaration and not by the making."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.seals.make_seal import SM2, object_order
from certsvc.errors import NotFound
from certsvc.seal.life import IN_USE

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps


def make_sample_objects(deps: Deps) -> int:
    """Make the object of every SM2 seal of the sandbox that has none; how many were made. NotFound in production."""
    if not deps.policy.sandbox:
        raise NotFound("体验数据仅在沙箱环境提供")
    with deps.uow.read() as tx:
        seals = [one for one in tx.seals.all() if one.algorithm == SM2]
        versions = [one for seal in seals for one in tx.seal_lives.versions(seal.seal_id) if one.state in IN_USE]
    made = 0
    for version in versions:
        try:
            deps.seal_maker.seal_object(version.key_id)
        except NotFound:
            deps.seal_maker.make_object(object_order(deps, version, version.key_id))
            made += 1
    return made
