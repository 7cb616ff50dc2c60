"""From an intent to the job of the page maker: texts with face masks, metadata, the signature field."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from certsvc.catalog.masks import apply_mask
from certsvc.catalog.model import FieldKind, ValidityKind
from certsvc.catalog.validation import face_date
from certsvc.commands.issuance.payload import last_day
from certsvc.commands.ports import PageJob, SignatureField
from certsvc.identifiers.holder_code import HolderCodeType
from certsvc.license.request import Action

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.catalog.model import LicenseType
    from certsvc.commands.ports import Deps
    from certsvc.license.model import IssueIntent, LicenseVersion
    from certsvc.license.request import IssuancePayload
    from certsvc.seal.model import Seal

OPEN_ENDED_ZH = "长期"
FIELD_NAME = "issuer-seal"


def period(
    payload: IssuancePayload, intent: IssueIntent, kind: LicenseType, previous: LicenseVersion | None
) -> tuple[date, date | None]:
    """First and last day: 变更 and 补办 keep both, 延续 keeps the first and moves the last (DOMAIN.md 1.5).

    Defaults are derived from the intent, so that what is accepted before midnight and issued after is not a day short.
    """
    if previous is not None and payload.action in {Action.CHANGE, Action.REPLACE}:
        return previous.valid_from, previous.valid_until
    start = payload.valid_from or intent.issued_on
    end = payload.valid_until
    if previous is not None and payload.action is Action.RENEW:
        # The old version is superseded at once, so the new one must be in force at once.
        after = (previous.valid_until or intent.issued_on) + timedelta(days=1)
        start = previous.valid_from
        if end is None and kind.validity.kind is ValidityKind.YEARS:
            end = last_day(after, kind.validity.years)
    elif end is None and kind.validity.kind is ValidityKind.YEARS:
        end = last_day(start, kind.validity.years)
    return start, end


def page_job(
    deps: Deps,
    *,
    payload: IssuancePayload,
    intent: IssueIntent,
    kind: LicenseType,
    seal: Seal,
    photo: bytes | None,
    valid: tuple[date, date | None],
) -> PageJob:
    """The whole job; the same intent always gives the same job."""
    issuer = deps.catalog.authority(payload.authority_code)
    step = kind.signature_plan[0]
    return PageJob(
        license_type=kind,
        values=face_values(kind, payload, intent, issuer.name, valid),
        photo=photo,
        printed_code=f"{deps.policy.public_base}/q/{intent.printed_token}",
        issuer_name=issuer.name,
        issued_on=intent.issued_on,
        metadata=metadata(kind, payload, intent, issuer.name, valid),
        stamp=seal.stamp,
        signature=SignatureField(
            name=FIELD_NAME,
            sub_filter=deps.sealer.sub_filter(step.format),
            reason=f"颁发{kind.name}",
            location=issuer.name,
            signed_at=intent.signed_at,
            docmdp=step.docmdp,
            reserved_bytes=deps.sealer.reserved_bytes(seal, step.format),
        ),
        sandbox=deps.policy.sandbox,
        document_id=intent.document_id,
    )


def face_values(
    kind: LicenseType, payload: IssuancePayload, intent: IssueIntent, issuer_name: str, valid: tuple[date, date | None]
) -> Mapping[str, str]:
    """Text per source of the face, with face masks applied."""
    start, end = valid
    end_text = face_date(end) if end else OPEN_ENDED_ZH
    values = {
        "holder_name": apply_mask(kind.holder_masks.get("face"), payload.holder.name),
        "holder_code": apply_mask(kind.holder_code_masks.get("face"), payload.holder.code),
        "number": intent.number,
        "identifier": intent.identifier,
        "issuer_name": issuer_name,
        "issued_on": face_date(intent.issued_on),
        "first_issued_on": face_date(intent.first_issued_on),
        "valid_from": face_date(start),
        "valid_until": end_text,
        "validity": f"{face_date(start)}至{end_text}" if end else OPEN_ENDED_ZH,
    }
    for spec in kind.fields:
        text = payload.data.get(spec.key, "")
        if text and spec.kind is FieldKind.DATE:
            text = face_date(date.fromisoformat(text))
        values[f"field:{spec.key}"] = apply_mask(spec.mask("face"), text)
    return values


def metadata(
    kind: LicenseType, payload: IssuancePayload, intent: IssueIntent, issuer_name: str, valid: tuple[date, date | None]
) -> Mapping[str, str]:
    """The elements of GB/T 36903-2018 by English name; face masks apply to what the face masks."""
    start, end = valid
    elements = {
        "certificateIdentifier": intent.identifier,
        "certificateName": kind.name,
        "certificateNumber": intent.number,
        "certificateTypeName": kind.name,
        "certificateTypeCode": kind.type_code,
        "certificateVersion": f"{intent.version:03d}",
        "certificateIssuingAuthorityName": issuer_name,
        "certificateIssuingAuthorityCode": payload.authority_code,
        "certificateIssuedDate": f"{intent.issued_on:%Y%m%d}",
        "certificateEffectiveDate": f"{start:%Y%m%d}",
        "certificateExpiringDate": f"{end:%Y%m%d}" if end else "",
        "certificateAreaCode": payload.region,
        "certificateHolderName": apply_mask(kind.holder_masks.get("face"), payload.holder.name),
        "certificateHolderCode": apply_mask(kind.holder_code_masks.get("face"), payload.holder.code),
        "certificateHolderTypeName": HolderCodeType.of(payload.holder.code_type).zh,
        "certificateHolderType": payload.holder.code_type,
        "certificateDefineAuthorityName": kind.definer_name,
        "certificateDefineAuthorityCode": kind.definer_code,
        "relatedItemCode": payload.matter_code,
    }
    for spec in kind.fields:
        if spec.element.startswith("KZ_"):
            elements[spec.element] = apply_mask(spec.mask("face"), payload.data.get(spec.key, ""))
    return elements
