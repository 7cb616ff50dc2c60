"""What of a license leaves by a fetch: the keys that policy, consent and question share, and the facts of these."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from certsvc.errors import NoLawfulBasis
from certsvc.identifiers.policy_key import COPY, readable
from certsvc.license.states import State
from certsvc.license.uses import BEYOND_POLICY, NOT_IN_FORCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.license.model import LicenseVersion
    from certsvc.license.standing import Standing
    from certsvc.license.uses import Grant
    from certsvc.seal.verdict import LicenseFacts


def scope_of(asked: Sequence[str], allowed: Sequence[str], grant: Grant | None) -> tuple[str, ...]:
    """The keys that leave: those asked for, else all that policy and grant list; NoLawfulBasis beyond these."""
    allowed = readable(tuple(allowed))
    if grant is not None:
        allowed = tuple(key for key in allowed if key in grant.fields)
    wanted = asked or allowed
    beyond = [key for key in wanted if key not in allowed]
    if beyond or not wanted:
        named, able = "、".join(beyond) or "信息项", "、".join(allowed) or "无（只能以 /v1/answers 核验）"
        raise NoLawfulBasis(f"超出该事项的用证范围：{named}；可用：{able}", why=BEYOND_POLICY)
    return tuple(wanted)


def within(facts: LicenseFacts, keys: Sequence[str]) -> LicenseFacts:
    """The facts without what the policy does not list; that there is such a license and how it stands always stay."""
    if COPY in keys:
        return facts
    return replace(
        facts,
        number=facts.number if "number" in keys else "",
        issuer_name=facts.issuer_name if "issuer_name" in keys else "",
        holder_masked=facts.holder_masked if "holder_name" in keys else "",
        valid_from=facts.valid_from if "valid_from" in keys else "",
        valid_until=facts.valid_until if "valid_until" in keys else "",
    )


def check_in_force(version: LicenseVersion, how: Standing) -> None:
    """What is asked for in a simulation is the opinion itself, which says on its page that it is none of a license."""
    if version.state is not State.PROVISIONAL and not how.good:
        raise NoLawfulBasis("证照不在有效状态，不提供加注件；可改为只取信息项核对状态", why=NOT_IN_FORCE)
