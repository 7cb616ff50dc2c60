"""What of a license leaves by a fetch: the keys that policy, consent and question share, and the facts of these."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from certsvc.errors import NoLawfulBasis
from certsvc.identifiers.policy_key import COPY, readable
from certsvc.license.uses import BEYOND_POLICY

if TYPE_CHECKING:
    from certsvc.commands.sharing.fetch_license import FetchBody
    from certsvc.license.uses import Grant
    from certsvc.seal.verdict import LicenseFacts


def scope_of(body: FetchBody, allowed: tuple[str, ...], grant: Grant | None) -> tuple[str, ...]:
    """The keys that leave: those asked for, else all that policy and grant list; NoLawfulBasis beyond these."""
    allowed = readable(allowed)
    if grant is not None:
        allowed = tuple(key for key in allowed if key in grant.fields)
    wanted = body.fields or allowed
    beyond = [key for key in wanted if key not in allowed]
    if beyond or not wanted:
        asked, able = "、".join(beyond) or "信息项", "、".join(allowed) or "无（只能以 /v1/answers 核验）"
        raise NoLawfulBasis(f"超出该事项的用证范围：{asked}；可用：{able}", why=BEYOND_POLICY)
    return tuple(wanted)


def within(facts: LicenseFacts, keys: tuple[str, ...]) -> LicenseFacts:
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
