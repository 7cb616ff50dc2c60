"""The page of a proposed type with its sample's data, marked 样本: seen before anybody publishes it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from certsvc.catalog.numbers import first_number
from certsvc.clock import local_day
from certsvc.commands.catalog.govern import preview_catalog
from certsvc.commands.catalog.live import SAMPLE_STAMP
from certsvc.commands.issuance.page import face_values, metadata, period
from certsvc.commands.page_ports import PageJob, SignatureField
from certsvc.identifiers.license_identifier import LicenseIdentifier
from certsvc.license.model import Holder, IssueIntent
from certsvc.license.request import Action, IssuancePayload

if TYPE_CHECKING:
    from certsvc.catalog.loader import Catalog
    from certsvc.catalog.type_file import Sample
    from certsvc.commands.ports import Deps, Principal

SAMPLE_SERIAL = "20260101000001"
EMPTY_ID = bytes(16)


def preview_type(deps: Deps, caller: Principal, proposal_id: str) -> bytes:
    """The PDF: 样本 across the page, a sample stamp, no signature.

    Raises:
        NotFound: no such proposal.
        InvalidInput: the catalog would no longer load with it.
        RenderingError: the sample does not fit the page.
    """
    proposal, catalog = preview_catalog(deps, caller, proposal_id)
    return deps.renderer.render(sample_job(deps, catalog, proposal.slug)).data


def sample_job(deps: Deps, catalog: Catalog, slug: str) -> PageJob:
    """The page of a type of ``catalog`` with its sample's data."""
    kind, sample = catalog.type(slug), catalog.sample(slug)
    issuer = catalog.authority(sample["issuer_code"])
    identifier = LicenseIdentifier.create(
        type_code=kind.type_code, issuer_code=issuer.code, serial=SAMPLE_SERIAL, version=1
    )
    now = deps.clock.now().replace(microsecond=0)
    # The sample of a type that lives a year or two leaves its dates empty, for "issued today".
    issued = date.fromisoformat(sample["issued_on"]) if sample["issued_on"] else local_day(now)
    payload = _payload(sample, slug, issued)
    intent = IssueIntent(
        request_id="",
        version_id="",
        license_id="",
        identifier=str(identifier),
        root=identifier.root,
        version=1,
        number=sample["number"] or first_number(kind, sample["data"], region=sample["region"], year=issued.year),
        printed_token="",
        document_id=EMPTY_ID,
        issued_on=issued,
        first_issued_on=issued,
        signed_at=now,
        previous_version_id="",
    )
    valid = period(payload, intent, kind, None)
    return PageJob(
        license_type=kind,
        values=face_values(kind, payload, intent, issuer.name, valid),
        photo=deps.renderer.sample_photo() if kind.photo else None,
        printed_code=f"{deps.policy.public_base}/",
        issuer_name=issuer.name,
        issued_on=issued,
        metadata=metadata(kind, payload, intent, issuer.name, valid),
        stamp=SAMPLE_STAMP,
        signature=SignatureField(
            name="sample",
            sub_filter=deps.sealer.sub_filter(kind.signature_plan[0].format),
            reason="样本",
            location="",
            signed_at=now,
            docmdp=0,
            reserved_bytes=64,
        ),
        sandbox=True,
        document_id=EMPTY_ID,
    )


def _payload(sample: Sample, slug: str, issued: date) -> IssuancePayload:
    return IssuancePayload(
        authority_code=sample["issuer_code"],
        business_no="",
        type_slug=slug,
        action=Action.ISSUE,
        holder=Holder(name=sample["holder_name"], code=sample["holder_code"], code_type=sample["holder_code_type"]),
        data=sample["data"],
        issued_on=issued,
        valid_from=date.fromisoformat(sample["valid_from"]) if sample["valid_from"] else None,
        valid_until=date.fromisoformat(sample["valid_until"]) if sample["valid_until"] else None,
        number=sample["number"],
        region=sample["region"],
        matter_code=sample["matter_code"],
        previous="",
    )
