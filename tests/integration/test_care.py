"""Long-life care in a city: what is noted when a license is made, read again from files, counted, and asked about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fixtures_city import ServedCity
from test_signature_plans import ISSUER, P256, SLUG, SM2, TWO, answering, catalog_with

from certsvc.clock import SystemClock
from certsvc.commands.care.backfill import backfill
from certsvc.commands.care.inventory import Dimension, take_inventory
from certsvc.ids import SystemIds
from certsvc.signing.keyring import SoftwareKeyRing
from certsvc.signing.master_key import load_master_key
from certsvc.signing.timestamps import DevelopmentTsa

RSA_TYPE, LONG = "tour_guide", "teacher_qualification"
COLUMNS = "artifact_id, place, profile, kind, format, key, seal_id, serial, issuer_key, certificate_until, revocation"


def stored(city: ServedCity) -> list[tuple[Any, ...]]:
    return city.rows(f"SELECT {COLUMNS} FROM artifact_signatures ORDER BY artifact_id, place")


def asked(city: ServedCity, **query: str) -> dict[str, Any]:
    answer = city.client.get("/v1/care/breaks", params=query, headers=city.person("auditor-1"))
    return dict(city.answer(answer, 200))


def one_hit(found: dict[str, Any], slug: str) -> dict[str, Any]:
    (hit,) = [one for one in found["hits"] if one["type"] == slug]
    return dict(hit)


def test_what_is_noted_is_what_the_files_say_and_older_ones_are_read(
    database_url: str, make_city: Callable[..., ServedCity], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = make_city(database_url, catalog_dir=catalog_with(tmp_path, TWO))
    city.issue(SLUG, "CARE-1")
    city.issue(SLUG, "CARE-2", holder={**city.body(SLUG, "x")["holder"], "name": "示例乙"})
    city.issue(RSA_TYPE, "CARE-3")
    noted = stored(city)
    assert [row[6] for row in noted if row[6] in {P256, SM2}] == [P256, SM2] * 2, "in the order of the plan"
    assert [row[3] for row in noted] == ["seal"] * 5
    assert len({row[2] for row in noted}) == 2, "two files that stand on the same share a profile"
    # As if a release before this one had made them; the reading is stopped in the middle and goes on.
    city.execute("DELETE FROM artifact_signatures")
    deps = city.service.deps
    assert take_inventory(deps).unread == 3
    monkeypatch.setattr("certsvc.commands.care.backfill.PAGE", 2)

    def stops(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backfill(deps, stops)
    assert take_inventory(deps).unread == 1
    again = backfill(deps)
    assert (again.read, again.unreadable) == (1, {})
    assert stored(city) == noted
    assert backfill(deps).read == 0
    kinds = city.rows("SELECT count(*) FROM evidence WHERE kind = 'care.read'")
    assert kinds == [(2,)], "one for each page, none for nothing"


def test_a_file_that_cannot_be_read_is_told_of_and_tried_again(small_city: ServedCity) -> None:
    small_city.issue(RSA_TYPE, "CARE-4")
    small_city.execute("DELETE FROM artifact_signatures")
    deps = small_city.service.deps
    ((name, artifact_id),) = small_city.rows("SELECT object_name, artifact_id FROM artifacts")
    whole = deps.objects.get(name)
    deps.objects.delete(name)
    lost = backfill(deps)
    assert (lost.read, list(lost.unreadable)) == (0, [artifact_id])
    deps.objects.put(name, whole, content_type="application/pdf")
    assert backfill(deps).read == 1


def test_operators_and_auditors_are_told_what_breaks(small_city: ServedCity) -> None:
    done = small_city.issue(RSA_TYPE, "CARE-5")
    small_city.issue(SLUG, "CARE-6")
    assert small_city.move(done["identifier"], "revoke", slug=RSA_TYPE).status_code == 201
    who = small_city.person("auditor-1")
    counted = small_city.answer(small_city.client.get("/v1/care/inventory", headers=who), 200)
    assert (counted["files"], counted["in_force"], counted["unread"]) == (2, 1, 0)
    keys = {row["value"]: row for row in counted["rows"] if row["dimension"] == "key"}
    assert (keys["rsa2048"]["files"], keys["rsa2048"]["in_force"]) == (1, 0)
    assert (keys["p256"]["files"], keys["p256"]["in_force"]) == (1, 1)
    (seal,) = [row for row in counted["rows"] if row["value"] == P256]
    assert (seal["dimension"], seal["files"]) == ("seal", 1)
    assert seal["name"]

    everything = asked(small_city)
    assert (everything["kind"], everything["files"], everything["broken"]) == (None, 2, 0)
    assert sum(one["in_force"] + one["ended"] for one in everything["months"]) == 2
    rsa = asked(small_city, algorithm="rsa")
    assert (rsa["files"], rsa["broken"], rsa["standing"], rsa["looked_at"]) == (1, 1, 0, 2)
    hit = one_hit(rsa, RSA_TYPE)
    assert (hit["in_force"], hit["broken"], hit["next_end"]) == (False, 1, None)
    assert any("证据包" in line for line in rsa["advice"])
    held = asked(small_city, seal=P256)
    assert one_hit(held, SLUG)["issuer_code"] == ISSUER
    assert any("certsvc care plan" in line for line in held["advice"])
    (ca,) = [row for row in counted["rows"] if row["dimension"] == "ca" and row["in_force"]]
    assert asked(small_city, ca=ca["value"])["files"] == asked(small_city, ca=ca["name"])["files"] == 1
    # On a day on which it ended by itself, its loss breaks nothing.
    late = asked(small_city, seal=P256, at=f"{int(seal['earliest_end'][:4]) + 1}-01-01")
    assert (late["broken"], one_hit(late, SLUG)["failed_before"]) == (0, 1)


def test_asking_wrongly_is_answered_with_what_to_do(small_city: ServedCity) -> None:
    def status(subject: str, **query: str) -> int:
        headers = small_city.person(subject)
        return int(small_city.client.get("/v1/care/breaks", params=query, headers=headers).status_code)

    assert status("auditor-1", ca="a", tsa="b") == 422
    assert status("auditor-1", at="9999-12-31") == 422
    assert status("auditor-1", seal=" ") == 422
    assert status("auditor-1", tsa="nobody") == 422, "a misspelt name is no answer of none"
    assert status(small_city.holder_of(SLUG), seal="a") == 403


def test_a_license_with_a_timestamp_is_noted_with_it(
    sqlite_url: str, make_city: Callable[..., ServedCity], city_keys: Path
) -> None:
    ring = SoftwareKeyRing(city_keys / "keys", load_master_key(city_keys / "master.key"), profile="sandbox")
    tsa = DevelopmentTsa(ring, "tsa-1", SystemClock(), SystemIds())
    with answering(lambda _path, _authorization, body: (200, tsa(body))) as base:
        city = make_city(sqlite_url, tsa_servers=(base,))
        city.issue(LONG, "CARE-7")
    noted = stored(city)
    assert [(row[1], row[3]) for row in noted] == [(0, "seal"), (1, "archive_timestamp")]
    assert noted[0][6], "the seal is named"
    rows = take_inventory(city.service.deps).rows
    (authority,) = [row for row in rows if row.dimension is Dimension.TSA]
    assert asked(city, tsa=authority.value)["files"] == 1
    city.execute("DELETE FROM artifact_signatures")
    backfill(city.service.deps)
    assert stored(city) == noted
