"""A rolling update: two releases write evidence side by side, one naming rows by digest, the other by id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Self

import pytest
from store_records import make_version

from certsvc.commands.evidence.rows import rows_of
from certsvc.commands.log.audit_rows import RowAudit
from certsvc.commands.log.findings import AuditReport, Found
from certsvc.events.evidence import make_evidence
from certsvc.license.audited import Read, ReadLeaf, ReadVersion
from certsvc.license.model import LicenseVersion, MoveRecord
from certsvc.license.states import State
from certsvc.license.uses import Fetch
from certsvc.store.ledger import DiskLedger

T0 = datetime(2026, 1, 1, tzinfo=UTC)


class Rows:
    """A register with a few fetches and moves, page by page."""

    def __init__(self, fetches: list[Fetch], moves: list[MoveRecord], versions: Sequence[LicenseVersion] = ()) -> None:
        self.fetches, self.moves, self.versions = fetches, moves, versions
        self.audited: Any = self
        self.log: Any = self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def read(self) -> Rows:
        return self

    def fetches_after(self, place: str, *, limit: int) -> list[Read[Fetch]]:
        del limit
        return [] if place else [Read(place=one.fetch_id, row_id=one.fetch_id, row=one) for one in self.fetches]

    def moves_after(self, place: int, *, limit: int) -> list[Read[MoveRecord]]:
        del limit
        return [] if place else [Read(place=n, row_id=one.move_id, row=one) for n, one in enumerate(self.moves, 1)]

    def nothing(self, _: object, *, limit: int) -> list[Any]:
        del limit
        return []

    def versions_after(self, place: str, *, limit: int) -> list[Read[ReadVersion]]:
        del limit
        found = [ReadVersion(version=one, moves=(), successor="", searchable=True) for one in self.versions]
        return [] if place else [Read(place="z", row_id=one.version.identifier, row=one) for one in found]

    scans_after = events_after = forms_after = stamps_after = nothing
    archives_after = materials_after = nothing
    shows_after = grants_after = reservations_after = delegations_after = relations_after = co_holders_after = nothing


def fetch(number: int) -> Fetch:
    words = ("version_id", "client_id", "client_name", "authority_code", "matter_code", "case_no", "operator")
    more: Any = dict.fromkeys((*words, "purpose", "basis", "grant_id"), "x")
    at = T0 + timedelta(seconds=number)
    return Fetch(fetch_id=f"fet_{number}", fields=(), outcome="given", at=at, **more)


def move(number: int) -> MoveRecord:
    return MoveRecord(
        move_id=f"mov_{number}",
        version_id="ver_1",
        name="suspend",
        from_state=State.VALID,
        to_state=State.SUSPENDED,
        decision=None,
        actor="a",
        at=T0 + timedelta(seconds=number),
    )


def leaf(position: int, kind: str, at: datetime, **content: object) -> ReadLeaf:
    row = make_evidence(
        evidence_id=f"evd_{position}", kind=kind, at=at, salt=b"s" * 16, subject="s", actor="a", content=content
    )
    row = replace(row, position=position)
    return ReadLeaf(position=position, evidence_id=row.evidence_id, kind=kind, at=at, leaf=row.leaf, row=row)


def audited(rows: Rows, leaves: list[ReadLeaf]) -> AuditReport:
    report, ledger = AuditReport(), DiskLedger()
    deps: Any = SimpleNamespace(uow=rows)
    audit = RowAudit(deps, ledger, report, settled=T0 + timedelta(days=1))
    for one in leaves:
        audit.look(one)
    audit.compare(lambda _noun, _count: None, files=False)
    ledger.close()
    return report


@pytest.mark.parametrize("old", [1, 2, 3])
def test_a_row_that_an_old_leaf_names_is_old_whenever_it_was_written(old: int) -> None:
    fetches, moves = [fetch(n) for n in (1, 2, 3)], [move(n) for n in (1, 2, 3)]
    leaves = []
    for number, (given, moved) in enumerate(zip(fetches, moves, strict=True), 1):
        named = {} if number == old else {"rows": rows_of([given])}
        leaves.append(leaf(2 * number - 1, "fetch.given", given.at, fetch_id=given.fetch_id, **named))
        named = {} if number == old else {"rows": rows_of([moved])}
        leaves.append(leaf(2 * number, "license.suspended", moved.at, **named))
    report = audited(Rows(fetches, moves), leaves)
    assert report.agrees, report.findings

    changed = [*fetches[: old - 1], replace(fetches[old - 1], fetch_id="fet_x"), *fetches[old:]]
    found = {(one.kind, one.about) for one in audited(Rows(changed, moves), leaves).findings}
    assert found == {(Found.ROW_MISSING, f"fetch fet_{old}"), (Found.ROW_UNPROVEN, "fetch fet_x")}
    more = [*moves, replace(move(9), at=T0 + timedelta(seconds=9))]
    found = {(one.kind, one.about) for one in audited(Rows(fetches, more), leaves).findings}
    assert found == {(Found.ROW_UNPROVEN, "move mov_9")}
    new = fetches[old % 3]
    changed = [replace(one, purpose="other") if one is new else one for one in fetches]
    found = {(one.kind, one.about) for one in audited(Rows(changed, moves), leaves).findings}
    assert found == {(Found.ROW_CHANGED, f"fetch {new.fetch_id}")}


def test_a_status_number_is_held_against_the_leaves_that_name_it() -> None:
    old, new = (make_version(number, status_no=number, created_at=T0) for number in (1, 2))
    leaves = [
        leaf(1, "license.issued", old.created_at, rows=rows_of([replace(old, status_no=None)])),  # before it was named
        leaf(2, "license.issued", new.created_at, rows=rows_of([new])),
    ]
    assert audited(Rows([], [], [old, new]), leaves).agrees
    for wrong in (7, None):
        found = audited(Rows([], [], [old, replace(new, status_no=wrong)]), leaves).findings
        assert [(one.kind, one.about) for one in found] == [(Found.ROW_CHANGED, f"license {new.identifier}")]
