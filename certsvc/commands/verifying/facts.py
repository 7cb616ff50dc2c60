"""What anyone may know of a license: state, type, issuer, masked name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.catalog.masks import apply_mask
from certsvc.catalog.model import Mask
from certsvc.catalog.validation import face_date
from certsvc.commands.verifying.stands import stands
from certsvc.identifiers.holder_code import HolderCodeType
from certsvc.license.standing import Light
from certsvc.license.states import State
from certsvc.license.status_list import list_uri
from certsvc.seal.verdict import LicenseFacts, Reason, StatusFlag, SubIndication

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.catalog.model import LicenseType
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.standing import Standing

OPEN_ENDED_ZH = "长期"


def public_facts(
    deps: Deps,
    tx: UnitOfWork,
    version: LicenseVersion,
    now: datetime,
    how_known: Standing | None = None,
    *,
    newest: tuple[str, ...] | None = None,
) -> LicenseFacts:
    """Facts for a verdict; the number stays out where it embeds an ID number (DOMAIN.md 3).

    ``how_known`` and ``newest`` are standing and newest versions at an earlier moment; without them those of now.
    """
    kind = deps.catalog.type(version.type_slug)
    how = how_known or stands(deps, tx, version, now)
    if newest is None:
        following = tx.licenses.newest(version.version_id)
        newest = tuple(one.identifier for one in following if one.version_id != version.version_id)
    entry = version.status_entry
    return LicenseFacts(
        identifier=version.identifier,
        number=public_number(kind, version),
        type_slug=kind.slug,
        type_name=kind.name,
        issuer_name=version.issuer_name,
        holder_masked=masked_holder(kind, version),
        state=how.code,
        state_zh=how.zh,
        valid_from=face_date(version.valid_from),
        valid_until=face_date(version.valid_until) if version.valid_until else OPEN_ENDED_ZH,
        replaced_by=newest[0] if newest else "",
        newest=newest,
        light=how.light.value,
        flags=tuple(StatusFlag(code=flag.code, zh=flag.zh, light=flag.light.value) for flag in how.flags),
        origin=version.origin.value,
        source_name=version.registration.source_name if version.registration else "",
        origin_zh=version.registration.sentence if version.registration else "",
        status_index=entry.index if entry else 0,
        status_uri=list_uri(deps.policy.public_base, entry.list_no) if entry else "",
    )


def public_number(kind: LicenseType, version: LicenseVersion) -> str:
    """证照编号 as anyone may see it: empty where it is an ID number (DOMAIN.md 3)."""
    return "" if kind.number_embeds_id else version.number


def masked_holder(kind: LicenseType, version: LicenseVersion) -> str:
    """The holder's name as anyone may see it.

    A type that firms and people may both hold (行驶证) shows a firm's name in full; a person's is masked all the same.
    """
    mask = kind.holder_masks.get("show", Mask.NAME)
    if mask is Mask.NONE and not HolderCodeType.of(version.holder.code_type).is_organisation:
        mask = Mask.NAME
    return apply_mask(mask, version.holder.name)


def reason_of(how: Standing) -> Reason:
    """The reason code for a standing; a good one that is more than ``valid`` (a pending renewal) says so."""
    return Reason.OK if how.code == State.VALID.value else Reason(f"license_{how.code}")


def amber_reasons(how: Standing) -> tuple[Reason, ...]:
    """Why a good license is amber, most important first."""
    return tuple(dict.fromkeys(Reason(f"license_{flag.code}") for flag in how.flags if flag.light is Light.AMBER))


def sub_indication_of(how: Standing) -> SubIndication | None:
    """The nearest word of EN 319 102-1: a license is no certificate, so the reason code says it exactly."""
    return None if how.good else sub_indication_for(how.code)


def sub_indication_for(code: str) -> SubIndication:
    """The same for the code of a standing that is not good."""
    return {
        "expired": SubIndication.EXPIRED,
        "not_yet_valid": SubIndication.NOT_YET_VALID,
        "provisional": SubIndication.GENERIC,
    }.get(code, SubIndication.REVOKED)
