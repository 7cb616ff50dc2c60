"""Packages, 电子材料 and what may be due, on both databases."""

from __future__ import annotations

import dataclasses
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from archive_records import BODY, MATERIAL_NAME, OTHER, make_archive, make_material, run_archives
from sqlalchemy import text
from store_records import make_request, make_version

from certsvc.store.engine import Store


def test_every_operation_has_its_effect(store: Store) -> None:
    with store.uow() as tx:
        run_archives(tx)


def test_of_many_at_once_one_makes_the_package_of_a_state(store: Store) -> None:
    def attempt(n: int) -> bool:
        with store.uow() as tx:
            return tx.archives.insert(make_archive(n, subject="same", state_digest="same"))

    with ThreadPoolExecutor(6) as pool:
        assert Counter(pool.map(attempt, range(1, 7))) == {True: 1, False: 5}


def test_licenses_and_cases_are_walked_in_pages_each_once(store: Store) -> None:
    with store.uow() as tx:
        for n in (1, 2, 3):
            tx.licenses.insert(make_version(n))
            request = make_request(n)
            payload = dataclasses.replace(request.payload, case_no="BJ-1" if n < 3 else "BJ-2")
            assert tx.requests.insert(dataclasses.replace(request, payload=payload))
        walked: list[str] = []
        while page := tx.archives.licenses_after(walked[-1] if walked else "", limit=2):
            walked += page
        assert walked == sorted({make_version(n).license_id for n in (1, 2, 3)})
        assert tx.archives.cases_after("", limit=1) == ["BJ-1"]
        assert tx.archives.cases_after("BJ-1", limit=9) == ["BJ-2"]


def test_of_many_at_once_no_more_are_counted_in_than_a_case_may_have(store: Store) -> None:
    most = 3
    with store.uow() as tx:
        assert tx.materials.insert(make_material(1))

    def attempt(n: int) -> bool:
        with store.uow() as tx:
            return tx.materials.count_held(BODY, "BJ-1") < most and tx.materials.insert(make_material(n))

    with ThreadPoolExecutor(6) as pool:
        assert Counter(pool.map(attempt, range(2, 8))) == {True: 2, False: 4}


def test_bodies_of_a_case_are_told_each_once_and_its_requests_by_body(store: Store) -> None:
    with store.uow() as tx:
        for n, body in ((1, BODY), (2, OTHER), (3, BODY)):
            request = make_request(n)
            payload = dataclasses.replace(request.payload, case_no="BJ-1", authority_code=body)
            assert tx.requests.insert(dataclasses.replace(request, payload=payload))
        assert tx.archives.bodies_of_cases(["BJ-1", "BJ-2"]) == sorted([("BJ-1", BODY), ("BJ-1", OTHER)])
        several = tx.requests.of_case("BJ-1", caller="", body=BODY, behind="", limit=9)
        assert [one.request_id for one in several] == ["req_000001", "req_000003"]


def test_the_name_of_a_material_is_in_no_column_in_clear(store: Store) -> None:
    with store.uow() as tx:
        tx.materials.insert(make_material())
    with store._engines[0].connect() as connection:
        row = connection.execute(text("SELECT * FROM materials")).one()
    assert MATERIAL_NAME.encode() not in b"".join(
        one if isinstance(one, bytes) else str(one).encode() for one in map(_plain, row)
    )
    with store.uow.read() as tx:
        assert tx.materials.of_case(BODY, "BJ-1", limit=9) == [make_material()]


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value
