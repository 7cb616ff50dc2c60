"""Records of annotated copies and of alerts for tests: synthetic, each different by its number ``n``."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

from store_records import ISSUER, T0

from certsvc.license.copies import AnnotatedCopy
from certsvc.license.use_alerts import AlertBatch, UseAlert


def make_copy(n: int = 1, **changes: Any) -> AnnotatedCopy:
    """The intent of a copy."""
    copy = AnnotatedCopy(
        copy_id=f"cpy_{n:06d}",
        fetch_id=f"fch_{n:06d}",
        version_id="ver_000001",
        client_id="using-1",
        authority_code=ISSUER,
        matter_code="11990000MB0000019F2990131002001",
        matter_name="示例事项",
        case_no=f"BJ-{n}",
        purpose="示例办理目的",
        token=f"token{n:017d}",
        document_id=f"{n:032x}",
        basis="consent",
        until=T0 + timedelta(days=30),
        signed_at=T0 + timedelta(seconds=n),
    )
    return dataclasses.replace(copy, **changes)


def make_batch(n: int = 1, **changes: Any) -> AlertBatch:
    """A change whose users are to be told."""
    at = T0 + timedelta(seconds=n)
    batch = AlertBatch(
        batch_id=f"evt_{n:06d}",
        version_id="ver_000001",
        change="revoked",
        changed_at=at,
        since=at - timedelta(days=366),
    )
    return dataclasses.replace(batch, **changes)


def make_alert(n: int = 1, **changes: Any) -> UseAlert:
    """An open alert."""
    alert = UseAlert(
        alert_id=f"alt_{n:06d}",
        batch_id="evt_000001",
        version_id="ver_000001",
        identifier="1.2.156.3005.2.000001",
        license_type="food-operation",
        issuer_code=ISSUER,
        change="revoked",
        changed_at=T0,
        client_id=f"using-{n}",
        authority_code="11990000MB0000019F",
        created_at=T0 + timedelta(seconds=n),
    )
    return dataclasses.replace(alert, **changes)
