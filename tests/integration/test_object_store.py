"""The service over an S3 server: issuing while it fails, what it loses, how long it keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fault_proxy import FaultProxy
from fixtures_city import ServedCity
from s3_process import S3Process

from certsvc.commands.evidence.sweep import remove_orphans
from certsvc.store.objects_s3 import S3ObjectStore

SLUG = "tour_guide"


@pytest.fixture
def proxy(s3_server: S3Process) -> Iterator[FaultProxy]:
    proxy = FaultProxy(s3_server.port)
    yield proxy
    proxy.close()


@pytest.fixture
def city(
    make_city: Callable[..., ServedCity], sqlite_url: str, s3_server: S3Process, proxy: FaultProxy, tmp_path: Path
) -> ServedCity:
    """A city whose files lie in a bucket behind the proxy."""
    keys = tmp_path / "s3.keys"
    keys.write_text(f"{s3_server.access_key}\n{s3_server.secret_key}\n")
    city = make_city(
        sqlite_url,
        s3_url=f"http://{proxy.address}",
        s3_public_url=s3_server.url,
        s3_bucket=f"city-{tmp_path.name.replace('_', '-')[-40:]}",
        s3_credentials_file=keys,
    )
    bucket(city).prepare()
    return city


def bucket(city: ServedCity) -> S3ObjectStore:
    objects = city.service.deps.objects
    assert isinstance(objects, S3ObjectStore)
    return objects


def ask(city: ServedCity, business_no: str) -> str:
    response = city.client.post("/v1/issuances", headers=city.system(), json=city.body(SLUG, business_no))
    return str(city.answer(response, 202)["request_id"])


def state(city: ServedCity, request_id: str) -> dict[str, Any]:
    return dict(city.answer(city.client.get(f"/v1/issuances/{request_id}", headers=city.system()), 200))


def test_a_license_is_kept_in_the_bucket_locked_and_given_by_a_link(city: ServedCity) -> None:
    done = city.issue(SLUG, "S3-1")
    path = f"/v1/licenses/{done['identifier']}"
    file = city.client.get(f"{path}/file", headers=city.system())
    link = city.answer(city.client.get(f"{path}/link", headers=city.system()), 200)
    assert httpx.get(link["url"]).content == file.content
    assert city.client.get(f"{path}/link", headers=city.person(city.holder_of(SLUG))).status_code in {403, 404}
    (name,) = bucket(city).names("licenses/")
    kept = bucket(city)._client.get_object_retention(bucket(city)._bucket, name)
    assert kept is not None
    years = city.catalog.type(SLUG).retention_years
    assert kept.retain_until_date.year >= city.service.deps.clock.now().year + years


def test_while_the_store_is_down_requests_are_taken_and_issued_when_it_is_back(
    city: ServedCity, proxy: FaultProxy
) -> None:
    city.system()
    proxy.down = True
    proxy.cut()
    asked = [ask(city, f"DOWN-{n}") for n in range(3)]
    city.drain()
    assert {state(city, one)["state"] for one in asked} == {"failed"}
    assert city.client.get("/readyz").json()["objects"] == "unavailable"
    assert city.rows("SELECT count(*) FROM licenses") == [(0,)]
    proxy.down = False
    city.make_due()
    city.drain()
    assert {state(city, one)["state"] for one in asked} == {"issued"}
    assert city.rows("SELECT count(*), count(DISTINCT number) FROM licenses") == [(3, 3)]
    assert len(bucket(city).names("licenses/")) == 3


def test_a_file_that_the_store_lost_is_never_registered(city: ServedCity, proxy: FaultProxy) -> None:
    city.system()
    proxy.lie_to_puts = True
    request_id = ask(city, "LOST")
    city.drain()
    assert proxy.lied >= 1
    assert state(city, request_id)["state"] == "failed"
    assert city.rows("SELECT count(*) FROM licenses") == [(0,)]
    proxy.lie_to_puts = False
    city.make_due()
    city.drain()
    assert state(city, request_id)["state"] == "issued"


def test_what_was_never_registered_is_swept_and_what_was_is_not(city: ServedCity) -> None:
    city.issue(SLUG, "KEPT")
    kept = bucket(city).names("licenses/")
    orphan = "licenses/00/" + "0" * 64 + ".pdf"
    bucket(city).put(orphan, b"%PDF-", content_type="application/pdf")
    assert list(remove_orphans(city.service.deps, settle_s=-60)) == [orphan]
    assert bucket(city).names("licenses/") == kept
