"""Records of imports and bulk decisions for tests: complete and synthetic; change fields by keyword."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from typing import Any

from store_records import ISSUER, T0

from certsvc.license.bulk import BulkBatch, BulkOrder, BulkState
from certsvc.license.imports import ImportBatch, ImportRow, ImportState, RowState
from certsvc.license.stock import Trust

LATER = T0 + timedelta(hours=2)


def make_import(n: int = 1, **changes: Any) -> ImportBatch:
    """An upload with bytes of its own."""
    batch = ImportBatch(
        import_id=f"imp_{n:06d}",
        authority_code=ISSUER,
        type_slug="food-operation",
        trust=Trust.B,
        state=ImportState.UPLOADED,
        sha256=f"{n:064x}",
        form="csv",
        upload=f"imports/imp_{n:06d}",
        columns=(),
        problems=(),
        total=0,
        uploaded_by="clerk",
        uploaded_at=T0,
        keep_until=LATER,
    )
    return dataclasses.replace(batch, **changes)


def make_row(row_no: int = 2, **changes: Any) -> ImportRow:
    """A row that passed."""
    row = ImportRow(row_no=row_no, state=RowState.PASSED, cells={"number": f"N-{row_no}"}, number=f"N-{row_no}")
    return dataclasses.replace(row, **changes)


ORDER = BulkOrder(
    action="revoke", document_no="示1号", decided_on=date(2026, 1, 1), basis="法", window=timedelta(hours=1)
)


def make_bulk(n: int = 1, **changes: Any) -> BulkBatch:
    """A preview."""
    batch = BulkBatch(
        bulk_id=f"blk_{n:06d}",
        authority_code=ISSUER,
        state=BulkState.PREVIEW,
        order=ORDER,
        total=1,
        asked_by="clerk",
        asked_at=T0,
    )
    return dataclasses.replace(batch, **changes)
