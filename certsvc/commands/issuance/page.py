"""From an intent to the job of the page maker: texts with face masks, metadata, the signature field."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from certsvc.catalog.masks import apply_mask
from certsvc.catalog.model import FieldKind, ValidityKind
from certsvc.catalog.validation import face_date
from certsvc.commands.issuance.link_fields import link_rule
from certsvc.commands.issuance.payload import last_day
from certsvc.commands.issuance.stock import PAGE_MARK
from certsvc.commands.page_ports import PageJob, SignatureField
from certsvc.identifiers.holder_code import HolderCodeType
from certsvc.license.links import LinkKind
from certsvc.license.request import Action
from certsvc.license.standing import PROVISIONAL_ZH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.catalog.model import LicenseType
    from certsvc.commands.ports import Deps
    from certsvc.license.model import IssueIntent, LicenseVersion
    from certsvc.license.request import IssuancePayload
    from certsvc.seal.model import Seal

OPEN_ENDED_ZH = "长期"
FIELD_NAME = "issuer-seal"
PROVISIONAL_TITLE = "（模拟审批意见）"


def period(
    payload: IssuancePayload, intent: IssueIntent, kind: LicenseType, previous: LicenseVersion | None
) -> tuple[date, date | None]:
    """First and last day, as the link keeps them: 变更 and 补办 keep both, 延续 keeps the first (DOMAIN.md 1.5).

    Defaults are derived from the intent, so that what is accepted before midnight and issued after is not a day short.
    """
    start, end, counted_from = payload.valid_from or intent.issued_on, payload.valid_until, None
    rule = link_rule(payload.action)
    if previous is not None and rule is not None:
        if rule.keeps_start and not (payload.valid_from and rule.kind is LinkKind.CORRECT):
            start = previous.valid_from
        if rule.keeps_end:
            return start, (end if rule.kind is LinkKind.CORRECT and end else previous.valid_until)
        if rule.kind is LinkKind.RENEW:
            # The old version is superseded at once, so the new one must be in force at once.
            counted_from = (previous.valid_until or intent.issued_on) + timedelta(days=1)
    if end is None and kind.validity.kind is ValidityKind.YEARS:
        end = last_day(counted_from or start, kind.validity.years)
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
    previous: LicenseVersion | None = None,
) -> PageJob:
    """The whole job; the same intent always gives the same job."""
    issuer = deps.catalog.authority(payload.authority_code)
    step = kind.signature_plan[0]
    form = deps.sealer.format_for(seal, step.format) or step.format
    provisional = payload.action is Action.PROVISIONAL or (
        previous is not None and _stays_provisional(payload, previous)
    )
    return PageJob(
        license_type=_marked(kind) if provisional else kind,
        values=face_values(kind, payload, intent, issuer.name, valid),
        photo=photo,
        printed_code=f"{deps.policy.public_base}/q/{intent.printed_token}",
        issuer_name=issuer.name,
        issued_on=intent.issued_on,
        metadata=metadata(kind, payload, intent, issuer.name, valid),
        stamp=seal.stamp,
        signature=SignatureField(
            name=FIELD_NAME,
            sub_filter=deps.sealer.sub_filter(form),
            reason=_reason(payload, kind, provisional=provisional),
            location=seal.owner_name if payload.stock else issuer.name,
            signed_at=intent.signed_at,
            docmdp=step.docmdp,
            reserved_bytes=deps.sealer.reserved_bytes(seal, form),
        ),
        sandbox=deps.policy.sandbox,
        document_id=intent.document_id,
        later_fields=later_fields(kind),
        copy_label=kind.face.subtitle.strip("（）") if payload.stock else "",
        copy_number=PAGE_MARK if payload.stock else "",
    )


def _reason(payload: IssuancePayload, kind: LicenseType, *, provisional: bool) -> str:
    """Why the page is sealed, as readers of the file show it."""
    if provisional:
        return f"出具{kind.name}模拟审批意见"
    return f"依存量数据制作{kind.name}" if payload.stock else f"颁发{kind.name}"


def later_fields(kind: LicenseType) -> tuple[str, ...]:
    """Names of the fields of the second and further seals of the type's plan."""
    return tuple(f"{FIELD_NAME}-{number}" for number in range(2, len(kind.signature_plan) + 1))


def _stays_provisional(payload: IssuancePayload, previous: LicenseVersion) -> bool:
    """Whether the request sets a provisional opinion right."""
    return payload.action is Action.CORRECT and previous.provisional


def _marked(kind: LicenseType) -> LicenseType:
    """The face of a provisional opinion: it says what it is under the title and at the foot."""
    face = replace(kind.face, subtitle=PROVISIONAL_TITLE, notes=(PROVISIONAL_ZH,))
    return replace(kind, face=face)


def face_values(
    kind: LicenseType,
    payload: IssuancePayload | LicenseVersion,
    intent: IssueIntent | LicenseVersion,
    issuer_name: str,
    valid: tuple[date, date | None],
) -> Mapping[str, str]:
    """Text per source of the face, with face masks applied; a registered version has all of it by itself."""
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
