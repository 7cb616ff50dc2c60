"""What is reported of a license: its elements by GB/T 36903-2018 §5 names, what became of it, and the file's digest.

The province's register needs the holder's name and code unmasked: they lie in the rows of the register only, encrypted,
and go out over the configured endpoint when a report is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.identifiers.holder_code import HolderCodeType
from certsvc.license.states import STATE_ZH

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps
    from certsvc.license.model import LicenseVersion
    from certsvc.license.reports import Report

OPEN_ENDED = "长期"


def reported_metadata(deps: Deps, report: Report, version: LicenseVersion) -> dict[str, object]:
    """One item of a sending."""
    kind = deps.catalog.type(version.type_slug)
    known = deps.catalog.has_authority(version.issuer_code)
    until = version.valid_until
    return {
        "id": report.report_id,
        "sequence": report.position,
        "certificateIdentifier": version.identifier,
        "certificateName": kind.name,
        "certificateNumber": version.number,
        "certificateTypeName": kind.name,
        "certificateTypeCode": kind.type_code,
        "certificateVersion": f"{version.version:03d}",
        "certificateIssuingAuthorityName": version.issuer_name,
        "certificateIssuingAuthorityCode": version.issuer_code,
        "certificateIssuedDate": f"{version.issued_on:%Y%m%d}",
        "certificateEffectiveDate": f"{version.valid_from:%Y%m%d}",
        "certificateExpiringDate": f"{until:%Y%m%d}" if until else OPEN_ENDED,
        "certificateAreaCode": deps.catalog.authority(version.issuer_code).region if known else "",
        "certificateHolderName": version.holder.name,
        "certificateHolderCode": version.holder.code,
        "certificateHolderTypeName": HolderCodeType.of(version.holder.code_type).zh,
        "certificateHolderType": version.holder.code_type,
        "certificateDefineAuthorityName": kind.definer_name,
        "certificateDefineAuthorityCode": kind.definer_code,
        "state": report.state.value,
        "stateName": STATE_ZH[report.state],
        "sha256": version.artifact.sha256,
    }
