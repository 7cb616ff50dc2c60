"""Packages and materials in the books: what is missing, changed or too much is found; two runs make one package."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

from archive_city import make, own_slug
from fixtures_city import ServedCity
from log_city import audited, settle
from test_materials import register
from test_reconcile import compared
from upload_documents import letter

from certsvc.commands.archiving.contents import license_contents
from certsvc.commands.archiving.make import archive_contents
from certsvc.commands.ports import Deps


def found(city: ServedCity, **later: int) -> dict[str, str]:
    """What reconciliation finds, by name."""
    return {one.about: one.kind.value for one in compared(city, **later).findings}


def told(city: ServedCity) -> set[tuple[str, str]]:
    return {(one.kind.value, one.about) for one in audited(city.service.deps).findings}


def test_packages_and_materials_are_in_the_books(database_url: str, make_city: Callable[..., ServedCity]) -> None:
    city = make_city(database_url)
    done = city.issue(own_slug(city), "BOOKS-1")
    archive_id = make(city, identifier=done["identifier"])["archive_id"]
    material_id = register(city, letter(1))["material_id"]
    settle(city)
    assert (found(city), told(city)) == ({}, set())

    objects = city.service.deps.objects
    for noun, row_id, name in (
        ("archive", archive_id, f"archives/{archive_id}.zip"),
        ("material", material_id, f"materials/{material_id}.pdf"),
    ):
        kept = objects.get(name)
        objects.delete(name)
        assert found(city) == {name: "missing_file"}
        assert told(city) == {("file_missing", f"{noun} {row_id}")}
        objects.put(name, kept[:-1], content_type="application/pdf")
        assert found(city) == {name: "changed_file"}
        assert told(city) == {("file_changed", f"{noun} {row_id}")}
        objects.delete(name)
        objects.put(name, kept, content_type="application/pdf")
    stray = "archives/arc_of_nobody.zip"
    objects.put(stray, b"PK", content_type="application/zip")
    assert found(city) == {}, "work in flight is no orphan"
    assert found(city, hours=48) == {stray: "stray_file"}
    objects.delete(stray)

    for change, noun, row_id in (
        (f"UPDATE archives SET label = 'x' WHERE archive_id = '{archive_id}'", "archive", archive_id),
        (f"UPDATE archives SET receipt_no = 'x' WHERE archive_id = '{archive_id}'", "archive", archive_id),
        (f"UPDATE materials SET state = 'withdrawn' WHERE material_id = '{material_id}'", "material", material_id),
        (f"DELETE FROM materials WHERE material_id = '{material_id}'", "material", material_id),
    ):
        city.execute(change)
        assert f"{noun} {row_id}" in {about for _, about in told(city)}, change


def test_two_runs_at_once_make_one_package(database_url: str, make_city: Callable[..., ServedCity]) -> None:
    city = make_city(database_url)
    done = city.issue(own_slug(city), "BOOKS-2")
    settle(city)
    deps = city.service.deps
    with deps.uow.read() as tx:
        contents = license_contents(deps, tx, done["identifier"])
    both = Barrier(2)

    class Together:
        """Objects of the service; whoever has written a package waits for the other one."""

        def __getattr__(self, name: str) -> object:
            return getattr(deps.objects, name)

        def put(self, name: str, data: bytes, *, content_type: str) -> None:
            deps.objects.put(name, data, content_type=content_type)
            both.wait(timeout=60)

    beside: Deps = replace(deps, objects=Together())  # type: ignore[arg-type]
    # One read the license before its body was merged into another one, and one afterwards.
    reads = [contents, replace(contents, authority_code=f"{contents.authority_code[:-1]}X")]
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda one: archive_contents(beside, one, actor="test"), reads))
    assert made[0] == made[1]
    assert city.rows("SELECT count(*) FROM archives") == [(1,)]
    assert len(list(deps.objects.walk("archives/"))) == 1
