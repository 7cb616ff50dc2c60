"""What a later move writes into the row of a license, and its place in a status list, follow from leaves as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fixtures_city import ServedCity
from life_city import DECISION, Life
from log_city import audited, settle
from sqlalchemy import Connection, create_engine, text

SLUG = "food_operation"


def found(city: ServedCity) -> str:
    return " ".join(f"{one.kind} {one.about}" for one in audited(city.service.deps).findings)


def put(connection: Connection, column: str, value: Any, identifier: str) -> None:
    connection.execute(
        text(f"UPDATE licenses SET {column} = :value WHERE identifier = :which"), {"value": value, "which": identifier}
    )


def test_status_numbers_successors_and_terms_of_suspension_are_held_against_leaves(
    database_url: str, make_city: Callable[..., ServedCity]
) -> None:
    city = make_city(database_url)
    life = Life(city, SLUG)
    first = life.made("LC-1", "issue")["identifier"]
    changed = life.made("LC-2", "change", previous=first)["identifier"]
    other = city.issue("tour_guide", "LC-3")["identifier"]
    assert city.move(changed, "suspend", slug=SLUG).status_code == 201
    settle(city)
    assert found(city) == ""

    engine = create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    columns = "identifier, version_id, status_no, suspended_until, replaced_by_version_id"
    with engine.connect() as connection:
        rows = connection.execute(text(f"SELECT {columns} FROM licenses")).mappings()
        kept = {row["identifier"]: dict(row) for row in rows}
    assert [kept[one]["replaced_by_version_id"] for one in (first, changed)] == [kept[changed]["version_id"], ""]
    deeds = [
        ("replaced_by_version_id", first, kept[other]["version_id"]),
        ("replaced_by_version_id", first, "ver_of_nothing"),
        ("replaced_by_version_id", first, ""),
        ("replaced_by_version_id", other, kept[first]["version_id"]),
        ("suspended_until", changed, "2031-01-01"),
        ("suspended_until", changed, None),
        ("status_no", first, 999_999),
        ("status_no", first, None),
    ]
    for column, identifier, value in deeds:
        with engine.begin() as connection:
            put(connection, column, value, identifier)
        told = found(city)
        with engine.begin() as connection:
            put(connection, column, kept[identifier][column], identifier)
        assert f"license {identifier}" in told, (column, value, told)

    one, two = kept[first]["status_no"], kept[other]["status_no"]
    with engine.begin() as connection:  # each would be read in the other's place of a list
        for identifier, value in ((first, None), (other, one), (first, two)):
            put(connection, "status_no", value, identifier)
    told = found(city)
    assert f"license {first}" in told
    assert f"license {other}" in told
    with engine.begin() as connection:
        for identifier, value in ((first, None), (other, two), (first, one)):
            put(connection, "status_no", value, identifier)
    assert found(city) == ""
    engine.dispose()


def test_the_term_of_a_suspension_that_a_correction_carried_on_is_held_too(
    database_url: str, make_city: Callable[..., ServedCity]
) -> None:
    city = make_city(database_url)
    life = Life(city, SLUG)
    first = life.made("LC-4", "issue")["identifier"]
    assert city.move(first, "suspend", slug=SLUG, until="2031-01-15").status_code == 201
    corrected = life.made("LC-5", "correct", previous=first, decision=DECISION)["identifier"]
    settle(city)
    assert city.rows(f"SELECT state FROM licenses WHERE identifier = '{corrected}'") == [("suspended",)]
    assert found(city) == ""
    city.execute(f"UPDATE licenses SET suspended_until = '2035-01-01' WHERE identifier = '{corrected}'")
    assert f"license {corrected}" in found(city)
    city.execute(f"UPDATE licenses SET suspended_until = NULL WHERE identifier = '{corrected}'")
    assert f"license {corrected}" in found(city)
    city.execute(f"UPDATE licenses SET suspended_until = '2031-01-15' WHERE identifier = '{corrected}'")
    assert found(city) == ""
