"""Whose 电子材料 somebody sees and decides over: the own, those of a ward, those of a represented company."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.commands.showing.rights import MAX_OTHERS, UNDER_14_ZH, acting_of, holder_of, require_alive, same
from certsvc.errors import Conflict, NotFound
from certsvc.license.relations import needs_guardian
from certsvc.license.uses import ShowBasis

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from certsvc.commands.ports import Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.archives import Material

NOT_YOURS_ZH = "您名下没有这份电子材料"


@dataclass(frozen=True, kw_only=True, slots=True)
class MaterialRight:
    """By what right somebody decides over the use of a material; ``basis_id`` names the relation, if there is one."""

    material: Material
    basis: ShowBasis
    basis_id: str = ""


def seen_materials(tx: UnitOfWork, caller: Principal, now: datetime) -> Mapping[str, Material]:
    """By id the materials whose uses and grants the caller sees, in whatever state they stand."""
    if not caller.holder_code:
        return {}
    holders = [holder_of(caller), *(relation.subject for _, relation in acting_of(tx, caller, now))]
    return {one.material_id: one for one in tx.materials.of_holders(holders, limit=MAX_OTHERS)}


def right_to_material(tx: UnitOfWork, caller: Principal, material_id: str, now: datetime) -> MaterialRight:
    """The caller's right over a material; one that there is not and another's cost the same reads (Q5).

    Raises:
        NotFound: no such material, or one of somebody else: alike.
        Conflict: the caller is too young to decide alone, or dead by the register.
    """
    found = tx.materials.by_id(material_id)
    acting = acting_of(tx, caller, now)
    holder = found.holder if found is not None else None
    if found is None or holder is None or not caller.holder_code:
        raise NotFound(NOT_YOURS_ZH)
    if same(holder, holder_of(caller)):
        if needs_guardian(holder, local_day(now)):
            raise Conflict(UNDER_14_ZH)
        require_alive(tx, caller)
        return MaterialRight(material=found, basis=ShowBasis.OWN)
    for basis, relation in acting:
        if same(relation.subject, holder):
            return MaterialRight(material=found, basis=basis, basis_id=relation.relation_id)
    raise NotFound(NOT_YOURS_ZH)
