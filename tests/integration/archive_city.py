"""What tests of archiving do with a city."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import Any

from fixtures_city import ServedCity
from log_city import settle

from certsvc.commands.archiving.checks import check_package
from certsvc.commands.archiving.package import MANIFEST, NOTE, SIGNED_AS
from certsvc.commands.archiving.tools import tools_of
from certsvc.commands.log.bundle import signed_manifest
from certsvc.license.archives import Found

SLUG = "business_license"
ARCHIVIST = "archivist-1"


def archivist_of(city: ServedCity) -> str:
    """USCC of the sandbox archivist's body."""
    return next(one.authority_code for one in city.people if one.subject == ARCHIVIST)


def own_slugs(city: ServedCity) -> list[str]:
    """Types whose samples the archivist's body issues."""
    body = archivist_of(city)
    return [
        one.slug
        for one in city.catalog.types
        if not one.document and city.catalog.sample(one.slug)["issuer_code"] == body
    ]


def own_slug(city: ServedCity) -> str:
    """One of them."""
    return own_slugs(city)[0]


def make(city: ServedCity, status: int = 201, **asked: str) -> dict[str, Any]:
    settle(city)
    answer = city.client.post("/v1/archives", headers=city.person(ARCHIVIST), json=asked)
    return dict(city.answer(answer, status))


def package(city: ServedCity, archive_id: str) -> bytes:
    answer = city.client.get(f"/v1/archives/{archive_id}/package", headers=city.person(ARCHIVIST))
    assert answer.status_code == 200, answer.text
    return bytes(answer.content)


def opened(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def resigned(city: ServedCity, files: dict[str, bytes]) -> bytes:
    """The files as a package whose manifest the service itself signed: what is below has to hold by itself."""
    manifest = json.loads(files[MANIFEST])
    manifest["files"] = {
        name: {
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "sm3": hashlib.new("sm3", data).hexdigest(),
        }
        for name, data in files.items()
        if name not in (MANIFEST, NOTE)
    }
    listed = json.dumps(manifest).encode()
    note = signed_manifest(city.service.deps, manifest["origin"], listed, SIGNED_AS)
    return zipped({**files, MANIFEST: listed, NOTE: note})


def failed(city: ServedCity, data: bytes) -> set[str]:
    """Codes of the items that fail over a package."""
    items = check_package(data, tools_of(city.service.deps))
    return {one.code for one in items if one.found is Found.FAILED}
