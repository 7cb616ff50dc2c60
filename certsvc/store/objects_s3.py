"""Objects in an S3 server (MinIO): the shape of a city.

An object appears whole or not at all, under a name that holds its digest; ``If-None-Match: *`` keeps a second writer
from replacing it (RFC 9110 §13.1.2), Content-MD5 lets the server refuse what was changed on the way (RFC 1864), and the
caller reads it back. The client of the server's makers signs the requests; its ``put_object`` takes no conditional
header, so an object is put by a presigned URL that never leaves this process.
"""

from __future__ import annotations

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, urlsplit

import urllib3
from minio import Minio
from minio.commonconfig import ENABLED, GOVERNANCE
from minio.error import MinioException, S3Error
from minio.retention import Retention
from minio.versioningconfig import VersioningConfig
from urllib3.exceptions import HTTPError

from certsvc.clock import check_aware
from certsvc.errors import ConfigurationError, IntegrityError, NotFound, Unavailable
from certsvc.store.object_names import check_name, check_prefix

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from minio.datatypes import Object
    from urllib3 import BaseHTTPResponse

_Result = TypeVar("_Result")

CONNECT_S = 3.0
READ_S = 20.0
"""Longest silence of the server: a store that hangs must not hold the workers for ever."""
CONNECTIONS = 16
"""Connections kept open by one process."""
THREADS = 8
"""Files of a batch on their way at once: fewer than the connections, so that readers find one."""
PUT_URL_S = 60
MAX_LINK_S = 900
"""Longest life of a link: it opens the file for whoever holds it."""

_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "NoSuchObject", "MethodNotAllowed"})
_NO_LOCK = frozenset({"ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration", "NotImplemented"})
_PRECONDITION = 412
_OK = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredVersion:
    """One version of an object; ``etag`` is the server's digest of it."""

    name: str
    version: str
    etag: str
    size: int


class S3ObjectStore:
    """Implements ``ports.ObjectStore`` in one bucket."""

    def __init__(
        self,
        url: str,
        bucket: str,
        *,
        access_key: str,
        secret_key: str,
        region: str = "us-east-1",
        public_url: str = "",
        read_s: float = READ_S,
    ) -> None:
        """Speak to the server at ``url`` (``https://s3.example:9000``); nothing is connected yet.

        ``public_url`` is the same server as readers outside see it; without it no links are given.

        Raises:
            ConfigurationError: the address or the bucket's name cannot be used.
        """
        timeout = urllib3.Timeout(connect=CONNECT_S, read=read_s)
        self._http = urllib3.PoolManager(timeout=timeout, retries=False, maxsize=CONNECTIONS, block=True)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="objects")
        self._bucket = bucket

        def client(address: str) -> Minio:
            parts = urlsplit(address)
            if (
                parts.scheme not in {"http", "https"}
                or not parts.hostname
                or "@" in parts.netloc
                or parts.path.strip("/")
            ):
                raise ConfigurationError(f"s3_url 应为 https://主机:端口：{parts.scheme}://{parts.hostname}")
            return Minio(
                parts.netloc,
                access_key=access_key,
                secret_key=secret_key,
                secure=parts.scheme == "https",
                region=region,
                http_client=self._http,
            )

        self._client = client(url)
        self._links = client(public_url) if public_url else None
        self._locks: bool | None = None

    def close(self) -> None:
        """End the threads and the connections."""
        self._threads.shutdown()
        self._http.clear()

    def prepare(self) -> None:
        """Make the bucket if it is missing, with versions and, where the server can, object lock.

        Raises:
            ConfigurationError: the bucket cannot be made or named so.
            Unavailable: the server does not answer.
        """
        try:
            with _asking("准备存储桶"):
                if not self._client.bucket_exists(self._bucket):
                    self._make_bucket()
                if self._client.get_bucket_versioning(self._bucket).status != ENABLED:
                    self._client.set_bucket_versioning(self._bucket, VersioningConfig(ENABLED))
        except ValueError as error:
            raise ConfigurationError(f"s3_bucket 不是有效的桶名：{self._bucket}") from error

    def put(self, name: str, data: bytes, *, content_type: str) -> None:
        """Store durably, unless the very same bytes are there already.

        Raises:
            IntegrityError: other bytes stand under the name.
            Unavailable: the server failed, or nobody knows whether it has them; to put again is safe.
            RuntimeError: not a name of ours.
        """
        headers = {
            "If-None-Match": "*",
            "Content-Type": content_type or "application/octet-stream",
            "Content-MD5": base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode(),
        }
        with _asking("写入"):
            lifetime = timedelta(seconds=PUT_URL_S)
            url = self._client.get_presigned_url("PUT", self._bucket, check_name(name), expires=lifetime)
            answer = self._http.request("PUT", url, body=data, headers=headers, redirect=False)
        if answer.status == _OK:
            return
        if answer.status != _PRECONDITION:
            raise _unavailable("写入", str(answer.status))
        try:
            there = self.get(name)
        except NotFound as error:
            raise _unavailable("写入", "deleted meanwhile") from error
        if there != data:
            raise IntegrityError(f"文件 {name} 已存在且内容不同，未覆盖")

    def get(self, name: str) -> bytes:
        """The bytes; NotFound when there are none, Unavailable when the server does not give all of them."""
        with _asking("读取", missing=name):
            answer: BaseHTTPResponse = self._client.get_object(self._bucket, check_name(name))
            try:
                data = answer.read()
                told = answer.headers.get("Content-Length")
            finally:
                answer.close()
                answer.release_conn()
        if told is not None and int(told) != len(data):
            raise _unavailable("读取", "short answer")
        return data

    def put_all(self, files: Mapping[str, bytes], *, content_type: str) -> None:
        """Store each durably, as :meth:`put`, several at once; after an error all may be put again."""
        self._each(lambda name: self.put(name, files[name], content_type=content_type), files)

    def get_all(self, names: Sequence[str]) -> Mapping[str, bytes]:
        """The bytes by name, several read at once; NotFound when there are none under one of them."""
        return dict(zip(names, self._each(self.get, names), strict=True))

    def delete(self, name: str) -> None:
        """Remove every version, if there; Unavailable when one is locked until later."""
        check_name(name)
        with _asking("删除"):
            listed = self._client.list_objects(self._bucket, prefix=name, recursive=True, include_version=True)
            for found in [one for one in listed if one.object_name == name]:
                self._client.remove_object(self._bucket, name, version_id=found.version_id)

    def retain(self, name: str, *, until: datetime) -> None:
        """Lock the object against deletion until then, where the server can; a lock is never shortened.

        Raises:
            NotFound: there is no such object.
            Unavailable: the server does not answer.
        """
        wanted = check_aware(until).astimezone(UTC).replace(microsecond=0)
        with _asking("锁定", missing=name):
            if not self._can_lock():
                return
            try:
                self._client.set_object_retention(self._bucket, check_name(name), Retention(GOVERNANCE, wanted))
            except S3Error as error:
                # A server refuses to shorten a lock: then the one that is there is the longer one.
                if error.code != "AccessDenied" or not self._kept(name, wanted):
                    raise

    def retain_all(self, until: Mapping[str, datetime]) -> None:
        """Lock each until its moment, as :meth:`retain`, several at once."""
        self._each(lambda name: self.retain(name, until=until[name]), until)

    def link(self, name: str, *, file_name: str, lifetime_s: int) -> str | None:
        """A URL that gives the object to whoever holds it, for at most 15 minutes; nothing is asked of the server.

        None when no address for readers outside was configured.
        """
        if self._links is None:
            return None
        said = {
            "response-content-type": "application/pdf",
            "response-content-disposition": f"attachment; filename*=UTF-8''{quote(file_name, safe='')}",
        }
        lifetime = timedelta(seconds=min(lifetime_s, MAX_LINK_S))
        return self._links.get_presigned_url(
            "GET", self._bucket, check_name(name), expires=lifetime, response_headers=dict(said)
        )

    def names(self, prefix: str, *, before: datetime | None = None) -> tuple[str, ...]:
        """All names that start with ``prefix``, sorted; see :meth:`walk`."""
        return tuple(sorted(self.walk(prefix, before=before)))

    def walk(self, prefix: str, *, before: datetime | None = None) -> Iterator[str]:
        """Names that start with ``prefix``, a page of the server's in memory at a time.

        With ``before``, only what was last written before it (by the server's clock).
        """
        check_prefix(prefix)
        limit = None if before is None else check_aware(before)
        with _asking("列出"):
            for one in self._client.list_objects(self._bucket, prefix=prefix, recursive=True):
                if limit is None or _older(one, limit):
                    yield _name(one)

    def versions(self) -> Iterator[StoredVersion]:
        """The newest version of every object, with what the server says of it."""
        with _asking("列出"):
            for one in self._client.list_objects(self._bucket, recursive=True, include_version=True):
                if one.is_latest in {None, "true", True} and not one.is_delete_marker:
                    yield StoredVersion(
                        name=_name(one), version=one.version_id or "", etag=one.etag or "", size=one.size or 0
                    )

    def _each(self, work: Callable[[str], _Result], names: Collection[str]) -> list[_Result]:
        """Do it for several side by side; the first error is raised when all have ended."""
        if len(names) == 1:
            return [work(name) for name in names]
        waiting = [self._threads.submit(work, name) for name in names]
        wait(waiting)
        return [one.result() for one in waiting]

    def _kept(self, name: str, until: datetime) -> bool:
        had = self._client.get_object_retention(self._bucket, name)
        return had is not None and had.retain_until_date >= until

    def _make_bucket(self) -> None:
        try:
            self._client.make_bucket(self._bucket, object_lock=True)
        except S3Error as error:
            if error.code == "BucketAlreadyOwnedByYou":
                return  # another process was quicker
            if error.code not in _NO_LOCK:
                raise
            self._client.make_bucket(self._bucket)

    def _can_lock(self) -> bool:
        if self._locks is None:
            try:
                self._client.get_object_lock_config(self._bucket)
            except S3Error as error:
                if error.code not in _NO_LOCK:
                    raise
                self._locks = False
            else:
                self._locks = True
        return self._locks


def _name(found: Object) -> str:
    return found.object_name or ""


def _older(found: Object, limit: datetime) -> bool:
    return found.last_modified is not None and found.last_modified < limit


@contextmanager
def _asking(what: str, *, missing: str = "") -> Iterator[None]:
    """Errors of the client in our words; ``missing`` names the object that may not be there."""
    try:
        yield
    except S3Error as error:
        if missing and error.code in _GONE:
            raise NotFound(f"文件 {missing} 不存在") from error
        if error.code == "NoSuchBucket":
            raise Unavailable("存储桶不存在，请运维核对 s3_bucket，或运行 certsvc db upgrade 创建") from error
        raise _unavailable(what, error.code or "S3Error") from error
    except (MinioException, HTTPError, OSError) as error:
        raise _unavailable(what, type(error).__name__) from error


def _unavailable(what: str, reason: str) -> Unavailable:
    """``reason`` is a word of the protocol; addresses and keys stay out of it."""
    return Unavailable(f"对象存储{what}失败（{reason}），请稍后重试；持续出现请运维检查对象存储")
