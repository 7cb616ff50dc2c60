"""Registered licenses and the reports of their sources keep their promises on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from store_records import T0, make_move, make_version

from certsvc.errors import IntegrityError
from certsvc.license.origin import LicenseOrigin, Registration
from certsvc.license.states import State
from certsvc.store.engine import Store

REGISTRATION = Registration(
    source_id="national_market",
    source_name="示例国家市场主体登记系统",
    authority_code="11990000MB0000019F",
    body_sha256="0" * 64,
)


def test_a_version_comes_back_with_its_registration_and_an_issued_one_without(store: Store) -> None:
    registered, issued = make_version(1, registration=REGISTRATION), make_version(2)
    with store.uow() as tx:
        tx.licenses.insert(registered)
        tx.licenses.insert(issued)
    with store.uow.read() as tx:
        assert tx.licenses.by_version_id("ver_000001") == registered
        assert tx.licenses.by_sha256(registered.artifact.sha256) == registered
        assert {one.origin for one in tx.licenses.of_holder(registered.holder, limit=9)} == set(LicenseOrigin)
        found = tx.licenses.by_identifier(issued.identifier)
    assert found == issued
    assert found is not None
    assert (found.origin, found.registration) == (LicenseOrigin.ISSUED, None)


def test_the_newest_report_of_a_version_is_the_one_that_happened_last(store: Store) -> None:
    with store.uow() as tx:
        for n in (1, 2):
            tx.licenses.insert(make_version(n, registration=REGISTRATION))
        assert tx.source_reports.last("ver_000001") is None
        moves = (
            make_move(1),
            make_move(2, name="resume", from_state=State.SUSPENDED, to_state=State.VALID),
            make_move(3, version_id="ver_000002"),
        )
        for row, revision, days in zip(moves, (1, 2, 1), (2, 1, 9), strict=True):
            assert tx.licenses.move(row, revision=revision, suspended_until=None)
            tx.source_reports.insert(row.move_id, row.version_id, T0 + timedelta(days=days))
    with store.uow.read() as tx:
        assert tx.source_reports.last("ver_000001") == T0 + timedelta(days=2)
        assert tx.source_reports.of_move("mov_000003") == T0 + timedelta(days=9)
        assert tx.source_reports.of_move("mov_x") is None


def test_a_report_belongs_to_a_move_and_stands_once(store: Store) -> None:
    with store.uow() as tx:
        tx.licenses.insert(make_version(1, registration=REGISTRATION))
        assert tx.licenses.move(make_move(1), revision=1, suspended_until=None)
        tx.source_reports.insert("mov_000001", "ver_000001", T0)
    for move_id in ("mov_000001", "mov_000009"):
        with pytest.raises(IntegrityError), store.uow() as tx:
            tx.source_reports.insert(move_id, "ver_000001", T0)
