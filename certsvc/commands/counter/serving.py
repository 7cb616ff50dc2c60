"""Which matters a counter takes, and who of its people stands behind what is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.access.staff import check_operator
from certsvc.commands.sharing.policy import find_matter, matters_in_force
from certsvc.errors import FieldProblem, InvalidInput, NoLawfulBasis, Unavailable

if TYPE_CHECKING:
    from certsvc.catalog.material_file import Material
    from certsvc.catalog.model import Matter
    from certsvc.commands.ports import Deps, Principal

STAFF = (roles.CLERK, roles.USING)
"""Who works at a counter: its clerks, and the systems (综合受理系统) of the departments."""


def serves(deps: Deps, caller: Principal, matter: Matter) -> bool:
    """Whether the caller's counter takes this matter: the own body's, or that of a 综合窗口 for its regions."""
    if matter.authority_code == caller.authority_code:
        return True
    if roles.CLERK not in caller.roles:
        return False
    region = deps.catalog.authority(matter.authority_code).region
    return any(
        counter.authority_code == caller.authority_code and region.startswith(counter.regions)
        for counter in deps.catalog.materials.counters
    )


def matter_at(deps: Deps, caller: Principal, matter_code: str) -> tuple[Matter, tuple[Material, ...]]:
    """The matter and its material list.

    Raises:
        NoLawfulBasis: no such matter, not one of this counter, or one without a list: alike.
    """
    try:
        with deps.uow.read() as tx:
            matter = find_matter(deps, tx, matter_code)
    except Unavailable:
        matter = deps.catalog.find_matter(matter_code)  # in an outage, as the catalog has it: a slip can be made
    materials = deps.catalog.materials.lists.get(matter.code, ()) if matter is not None else ()
    if matter is None or not materials or not serves(deps, caller, matter):
        raise NoLawfulBasis("本窗口不受理该事项，或该事项还没有材料清单；请核对事项实施编码（matter_code）")
    return matter, materials


def matters_at(deps: Deps, caller: Principal) -> list[tuple[Matter, tuple[Material, ...]]]:
    """Every matter that the caller's counter takes and that has a list, by name."""
    roles.require(caller, *STAFF)
    lists = deps.catalog.materials.lists
    found = [matter for matter in matters_in_force(deps) if matter.code in lists and serves(deps, caller, matter)]
    return [(matter, lists[matter.code]) for matter in sorted(found, key=lambda one: one.name)]


def operator_of(deps: Deps, caller: Principal, said: str) -> str:
    """Whose hands did it: of a clerk the own account, whatever was said; a system names its user.

    Raises:
        InvalidInput: a system that names nobody.
        OperatorUnknown: somebody whom the system's body did not register, where it must.
    """
    if caller.kind == "person":
        return caller.name or caller.subject
    if not said:
        problem = FieldProblem(pointer="/operator", code="missing", detail="请填写经办人账号")
        raise InvalidInput("系统调用须写明经办人账号（operator）", problems=(problem,))
    if caller.staff_required:
        with deps.uow.read() as tx:
            check_operator(tx, caller, said, deps.clock.now())
    return said
