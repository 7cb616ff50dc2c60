"""What anyone may know of a license: state, type, issuer, masked name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.catalog.masks import apply_mask
from certsvc.catalog.model import Mask
from certsvc.catalog.validation import face_date
from certsvc.license.standing import standing
from certsvc.seal.verdict import LicenseFacts, Reason, SubIndication

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.standing import Standing

OPEN_ENDED_ZH = "长期"


def public_facts(deps: Deps, tx: UnitOfWork, version: LicenseVersion, now: datetime) -> LicenseFacts:
    """Facts for a verdict; the number stays out where it embeds an ID number (DOMAIN.md 3)."""
    kind = deps.catalog.type(version.type_slug)
    stands = standing(version, now)
    replaced = tx.licenses.by_version_id(version.replaced_by_version_id) if version.replaced_by_version_id else None
    return LicenseFacts(
        identifier=version.identifier,
        number="" if kind.number_embeds_id else version.number,
        type_slug=kind.slug,
        type_name=kind.name,
        issuer_name=version.issuer_name,
        holder_masked=apply_mask(kind.holder_masks.get("show", Mask.NAME), version.holder.name),
        state=stands.code,
        state_zh=stands.zh,
        valid_from=face_date(version.valid_from),
        valid_until=face_date(version.valid_until) if version.valid_until else OPEN_ENDED_ZH,
        replaced_by=replaced.identifier if replaced else "",
    )


def reason_of(stands: Standing) -> Reason:
    """The reason code for a standing."""
    return Reason.OK if stands.good else Reason(f"license_{stands.code}")


def sub_indication_of(stands: Standing) -> SubIndication | None:
    """The nearest word of EN 319 102-1: a license is no certificate, so the reason code says it exactly."""
    if stands.good:
        return None
    return {"expired": SubIndication.EXPIRED, "not_yet_valid": SubIndication.NOT_YET_VALID}.get(
        stands.code, SubIndication.REVOKED
    )
