"""Bodies that act on the holder's consent alone (公证机构、公用企业、银行): no duty opens anything to them.

What a body is stands in the catalog (``catalog/authority.py``), not with its systems or people: whoever acts for the
body is bound by it, at every door. The doors ask here; what the database may hold all the same is shut by
``policy_board.judge``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.catalog.authority import ON_CONSENT_ZH
from certsvc.commands.evidence.record import record
from certsvc.errors import ConsentOnly
from certsvc.license.uses import CONSENT_ONLY

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps, Principal


def check_duty(deps: Deps, authority_code: str) -> None:
    """ConsentOnly for a body that acts on consent alone."""
    if deps.catalog.consent_only(authority_code):
        kind = ON_CONSENT_ZH[deps.catalog.authority(authority_code).kind]
        detail = f"本单位是{kind}，只能凭持证人授权用证，不能依职能；请改用持证人授权（basis 填 consent）"
        raise ConsentOnly(detail, why=CONSENT_ONLY)


def check_duty_on_record(deps: Deps, caller: Principal, *, wished: str, matter_code: str) -> None:
    """As :func:`check_duty`, before a transaction; the refusal is evidence by itself, since there is no use.

    ``wished`` is what the caller wanted on the statutory basis: ``policy``, ``withholding`` or ``oversight``.
    """
    try:
        check_duty(deps, caller.authority_code)
    except ConsentOnly:
        content = {"authority_code": caller.authority_code, "matter_code": matter_code, "wished": wished}
        with deps.uow() as tx:
            record(
                tx,
                deps,
                kind="consent_only.refused",
                subject=caller.authority_code,
                actor=caller.subject,
                content=content,
                at=deps.clock.now(),
            )
        raise
