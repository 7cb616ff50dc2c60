"""Which license a consent is for where a holder has several of a type: whoever says yes chooses, the service never."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.catalog.masks import apply_mask
from certsvc.catalog.model import Mask
from certsvc.errors import FieldProblem, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from certsvc.commands.ports import Deps
    from certsvc.commands.sharing.held import Held
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.consents import UseRequest
    from certsvc.license.delegations import Delegation
    from certsvc.license.model import Holder, LicenseVersion

PLACE_KEYS = ("premises", "location", "address", "registered_address", "residence")
"""Fields by which people tell two licenses of one type apart, the nearest to the thing itself first."""

NOT_AMONG_ZH = "所选证照不在可选之列：不是申请所列的类型，或不在其名下、委托范围内"


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One license that a consent may be for, as whoever decides tells it from another.

    Attributes:
        place: 经营场所, 坐落 or 地址 as the type shows it; empty where the type has none.
    """

    identifier: str
    number: str
    place: str


def choice_of(deps: Deps, version: LicenseVersion, *, shared: bool = False) -> Choice:
    """The license in words; ``shared`` for a co-holder, who reads no number that holds the first holder's own."""
    kind = deps.catalog.type(version.type_slug)
    number = version.number
    if shared and kind.number_embeds_id:
        number = apply_mask(Mask.CODE_TAIL, number)
    for key in PLACE_KEYS:
        spec, value = kind.field(key), version.data.get(key, "")
        if spec is not None and value:
            return Choice(identifier=version.identifier, number=number, place=apply_mask(spec.mask("show"), value))
    return Choice(identifier=version.identifier, number=number, place="")


def candidates(
    held: Held, holder: Holder, type_slug: str, within: Container[str] | None = None
) -> Sequence[LicenseVersion]:
    """The holder's licenses of the type that are in force, else all that nothing replaced; newest first, each once.

    Provisional opinions are nobody's consent. ``within`` are the only licenses that count, by id, of a delegation.
    """
    found: dict[str, LicenseVersion] = {}
    for version in held.versions.get((holder.code_type, holder.code, type_slug), ()):
        if not version.provisional and (within is None or version.license_id in within):
            found.setdefault(version.license_id, version)
    good = [version for version in found.values() if held.standings[version.version_id].good]
    return good or list(found.values())


def choices_for(
    deps: Deps, held: Held, request: UseRequest, delegation: Delegation | None, shared: LicenseVersion | None
) -> dict[str, Sequence[Choice]]:
    """By type the licenses that a yes may be for; of a co-holder the one that is ``shared``."""
    if shared is not None:
        return {shared.type_slug: [choice_of(deps, shared, shared=True)]}
    within = delegation.scope if delegation is not None else None
    return {
        slug: [choice_of(deps, version) for version in candidates(held, request.holder, slug, within)]
        for slug in request.items
    }


def choose(
    deps: Deps, several: Sequence[LicenseVersion], identifier: str, *, pointer: str, unknown: Exception | None = None
) -> LicenseVersion:
    """The license of ``several`` that was named, or the only one there is.

    Raises:
        InvalidInput: there are several and none was named, with what there is to choose from; or the one that was
            named is none of them, unless ``unknown`` is to be raised then.
    """
    if identifier:
        named = next((version for version in several if version.identifier == identifier), None)
        if named is None:
            problem = FieldProblem(pointer=pointer, code="not_among", detail=NOT_AMONG_ZH)
            raise unknown or InvalidInput(NOT_AMONG_ZH, problems=(problem,))
        return named
    if len(several) > 1:
        name = deps.catalog.type(several[0].type_slug).name
        listed = [choice_of(deps, version) for version in several]
        problems = tuple(
            FieldProblem(pointer=pointer, code="choose", detail=f"{one.identifier}　{one.number}　{one.place}".strip())
            for one in listed
        )
        raise InvalidInput(f"名下有 {len(several)} 张{name}，请指明同意使用哪一张（证照标识）", problems=problems)
    return several[0]


def types_within(tx: UnitOfWork, given: Sequence[Delegation]) -> Mapping[str, frozenset[str]]:
    """By delegation the types of the licenses in it, at one statement for all of them."""
    wanted = sorted({license_id for one in given for license_id in one.scope})
    slugs = {version.license_id: version.type_slug for version in tx.licenses.of_licenses(wanted)} if wanted else {}
    return {
        one.delegation_id: frozenset(slugs[license_id] for license_id in one.scope if license_id in slugs)
        for one in given
    }
