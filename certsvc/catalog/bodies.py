"""Which body stands where (DOMAIN.md 1.9): who issued, who took its place since, and who supervises the trade.

Often one authority, and never one question: an 行政审批局 issues and seals permits of others' trades; the trade's
department (行业主管部门) supervises their holders; and when bodies merge, the name on the page stays that of the issuer
at the time, while its successor decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.identifiers.region import Region

if TYPE_CHECKING:
    from datetime import date

    from certsvc.catalog.authority import Authority
    from certsvc.catalog.loader import Catalog
    from certsvc.catalog.model import LicenseType

MAX_MERGERS = 20
"""Reforms since 1949 are fewer; the loader refuses circles, and this ends whatever it did not see."""


def heir(catalog: Catalog, code: str, day: date) -> str:
    """USCC of the body that exercises an authority's powers on ``day``: itself, or what it was merged into."""
    for _ in range(MAX_MERGERS):
        if not catalog.has_authority(code):
            return code
        body = catalog.authority(code)
        if body.merged_on is None or day < body.merged_on:
            return code
        code = body.successor
    return code


def supervisor(catalog: Catalog, kind: LicenseType, issuer_code: str, day: date) -> Authority | None:
    """行业主管部门 of a license: its issuer, or for what an 行政审批局 issued the trade's department of its region.

    The nearest department counts: of the issuer's own region, else of the next wider one; at last the body that
    defines the type. None when the catalog no longer knows the issuer.
    """
    code = heir(catalog, issuer_code, day)
    if not catalog.has_authority(code):
        return None
    issuer = catalog.authority(code)
    if not issuer.approves_for_others:
        return issuer
    region = Region.parse(issuer.region)
    trade = [
        body
        for body in (catalog.authority(heir(catalog, other, day)) for other in kind.issuers)
        if not body.approves_for_others and Region.parse(body.region).contains(region)
    ]
    if trade:
        return max(trade, key=lambda body: body.level)
    return catalog.authority(kind.definer_code) if catalog.has_authority(kind.definer_code) else None
