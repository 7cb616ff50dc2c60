"""An S3 server behind a way that fails: nothing half is ever seen, and what is unknown is told as unknown."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import urllib3
from fault_proxy import FaultProxy
from fixtures_store import open_bucket
from minio.error import S3Error
from s3_process import S3Process

from certsvc.errors import ConfigurationError, NotFound, Unavailable
from certsvc.store.objects_s3 import S3ObjectStore

PDF = "application/pdf"
NAME = "licenses/ab/abcd.pdf"
DATA = bytes(range(256)) * 400
PATIENCE_S = 3.0
"""Longer than a busy machine lets the server wait, shorter than what the proxy calls too late."""


@pytest.fixture
def proxy(s3_server: S3Process) -> Iterator[FaultProxy]:
    proxy = FaultProxy(s3_server.port)
    yield proxy
    proxy.close()


@pytest.fixture
def through(s3_server: S3Process, proxy: FaultProxy) -> Iterator[S3ObjectStore]:
    """A bucket behind the proxy."""
    store = open_bucket(s3_server, url=f"http://{proxy.address}", read_s=PATIENCE_S)
    store.prepare()
    yield store
    store.close()


def test_a_server_that_is_down_is_unavailable_and_works_again_when_it_is_back(
    through: S3ObjectStore, proxy: FaultProxy
) -> None:
    through.put(NAME, DATA, content_type=PDF)
    proxy.down = True
    proxy.cut()
    for ask in (
        lambda: through.put("licenses/x", DATA, content_type=PDF),
        lambda: through.get(NAME),
        lambda: through.delete(NAME),
        lambda: through.names(""),
        lambda: through.retain(NAME, until=datetime.now(UTC)),
        through.prepare,
    ):
        with pytest.raises(Unavailable, match="请稍后重试"):
            ask()
    proxy.down = False
    assert through.get(NAME) == DATA
    assert through.names("") == (NAME,)


def test_a_reset_in_the_middle_leaves_no_half_object_and_the_put_may_be_repeated(
    through: S3ObjectStore, proxy: FaultProxy
) -> None:
    proxy.reset_after = 30_000
    proxy.cut()
    with pytest.raises(Unavailable):
        through.put(NAME, DATA, content_type=PDF)
    proxy.reset_after = None
    with pytest.raises(NotFound):
        through.get(NAME)
    through.put(NAME, DATA, content_type=PDF)
    assert through.get(NAME) == DATA


def test_an_answer_that_comes_too_late_is_unknown_and_the_put_may_be_repeated(
    through: S3ObjectStore, proxy: FaultProxy
) -> None:
    proxy.delay_s = PATIENCE_S + 0.7
    begun = time.monotonic()
    with pytest.raises(Unavailable):
        through.put(NAME, DATA, content_type=PDF)
    assert time.monotonic() - begun < 10 * PATIENCE_S, "it does not wait for the answer for ever"
    proxy.delay_s = 0
    through.put(NAME, DATA, content_type=PDF)
    assert through.get(NAME) == DATA


def test_a_server_that_lies_is_found_out_by_reading_back(through: S3ObjectStore, proxy: FaultProxy) -> None:
    proxy.lie_to_puts = True
    through.put(NAME, DATA, content_type=PDF)
    assert proxy.lied == 1
    with pytest.raises(NotFound):
        through.get(NAME)


def test_a_locked_object_outlives_its_deletion_and_a_lock_is_never_shortened(s3_objects: S3ObjectStore) -> None:
    s3_objects.put(NAME, DATA, content_type=PDF)
    now = datetime.now(UTC)
    s3_objects.retain(NAME, until=now + timedelta(days=2))
    s3_objects.retain(NAME, until=now + timedelta(days=1))
    with pytest.raises(Unavailable, match="AccessDenied"):
        s3_objects.delete(NAME)
    assert s3_objects.get(NAME) == DATA
    kept = s3_objects._client.get_object_retention(s3_objects._bucket, NAME)
    assert kept is not None
    assert kept.retain_until_date > now + timedelta(days=1, hours=23)
    s3_objects.retain(NAME, until=now + timedelta(days=3))
    with pytest.raises(NotFound):
        s3_objects.retain("licenses/none", until=now + timedelta(days=1))


def test_several_objects_are_locked_side_by_side_each_until_its_own_day(s3_objects: S3ObjectStore) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    until = {f"licenses/ab/several-{number}.pdf": now + timedelta(days=number) for number in range(1, 11)}
    s3_objects.put_all(dict.fromkeys(until, DATA), content_type=PDF)
    s3_objects.retain_all(until)
    for name, day in until.items():
        kept = s3_objects._client.get_object_retention(s3_objects._bucket, name)
        assert kept is not None
        assert kept.retain_until_date == day
    with pytest.raises(NotFound):
        s3_objects.retain_all({**until, "licenses/none": now + timedelta(days=1)})


def test_deleting_leaves_no_older_version_behind(s3_objects: S3ObjectStore) -> None:
    s3_objects.put(NAME, DATA, content_type=PDF)
    client, bucket = s3_objects._client, s3_objects._bucket
    client.remove_object(bucket, NAME)  # what a person at the server's console does: only a mark
    s3_objects.put(NAME, b"again", content_type=PDF)
    s3_objects.put(NAME + ".b", b"other", content_type=PDF)
    s3_objects.delete(NAME)
    left = list(client.list_objects(bucket, recursive=True, include_version=True))
    assert [one.object_name for one in left] == [NAME + ".b"]


def test_a_link_opens_the_file_alone_and_for_a_short_time(s3_server: S3Process) -> None:
    store = open_bucket(s3_server, public_url=s3_server.url)
    store.prepare()
    store.put(NAME, DATA, content_type=PDF)
    url = store.link(NAME, file_name="证照.pdf", lifetime_s=10**6)
    assert url is not None
    assert parse_qs(urlsplit(url).query)["X-Amz-Expires"] == ["900"]
    with urllib3.PoolManager() as http:
        answer = http.request("GET", url)
        assert (answer.status, answer.data) == (200, DATA)
        assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%E8%AF%81")
        assert http.request("GET", url.replace("abcd.pdf", "abce.pdf")).status == 403
        short = store.link(NAME, file_name="x", lifetime_s=1)
        assert short is not None
        time.sleep(2.1)
        assert http.request("GET", short).status == 403
    store.close()


def test_a_bucket_that_is_missing_or_keys_that_are_wrong_are_told_to_the_operator(s3_server: S3Process) -> None:
    store = open_bucket(s3_server)
    with pytest.raises(Unavailable, match="s3_bucket"):
        store.names("")
    wrong = S3ObjectStore(s3_server.url, "certs-wrong", access_key=s3_server.access_key, secret_key="wrong")
    with pytest.raises(Unavailable, match=r"SignatureDoesNotMatch|AccessDenied"):
        wrong.prepare()
    for address in ("ftp://minio", "minio:9000", "https://user:word@minio", "https://minio/path"):
        with pytest.raises(ConfigurationError, match="s3_url"):
            S3ObjectStore(address, "certs", access_key="a", secret_key="b")
    with pytest.raises(ConfigurationError, match="s3_bucket"):
        S3ObjectStore(s3_server.url, "No", access_key="a", secret_key="b").prepare()


def test_preparing_twice_changes_nothing(s3_objects: S3ObjectStore) -> None:
    s3_objects.put(NAME, DATA, content_type=PDF)
    s3_objects.prepare()
    assert s3_objects.names("") == (NAME,)
    assert s3_objects._client.get_bucket_versioning(s3_objects._bucket).status == "Enabled"
    with pytest.raises(S3Error):
        s3_objects._client.make_bucket(s3_objects._bucket)


def test_a_file_costs_one_request_to_put_one_to_read_back_one_to_lock_and_no_connection_of_its_own(
    s3_objects: S3ObjectStore,
) -> None:
    def asked() -> tuple[int, int]:
        pools = [s3_objects._http.pools[key] for key in s3_objects._http.pools.keys()]  # noqa: SIM118  (no iterator)
        return sum(pool.num_requests for pool in pools), sum(pool.num_connections for pool in pools)

    count = 16
    names = [f"licenses/ab/{number}.pdf" for number in range(2 * count)]
    s3_objects.put_all(dict.fromkeys(names[:count], DATA), content_type=PDF)
    s3_objects.get_all(names[:count])
    s3_objects.retain(names[0], until=datetime.now(UTC) + timedelta(seconds=30))
    before = asked()
    s3_objects.put_all(dict.fromkeys(names[count:], DATA), content_type=PDF)
    s3_objects.get_all(names[count:])
    s3_objects.retain_all(dict.fromkeys(names[count:], datetime.now(UTC) + timedelta(seconds=30)))
    after = asked()
    assert after[0] - before[0] == 3 * count
    assert after[1] - before[1] <= 2, "they go over connections that were there"
