"""``certsvc gallery``: every license type's sample page on one picture, drawn in a sandbox of its own."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from certsvc.app import build, prepare
from certsvc.catalog.numbers import first_number
from certsvc.cli.samples import sample_body
from certsvc.commands.access.seed_sandbox import seed_sandbox
from certsvc.commands.issuance.body import parse_issuance
from certsvc.commands.issuance.page import page_job, period
from certsvc.commands.issuance.payload import build_payload
from certsvc.errors import ConfigurationError
from certsvc.identifiers.license_identifier import LicenseIdentifier
from certsvc.license.model import IssueIntent
from certsvc.rendering.gallery import contact_sheet
from certsvc.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.catalog.model import LicenseType
    from certsvc.commands.page_ports import PageJob
    from certsvc.commands.ports import Deps
    from certsvc.seal.model import Seal

SERIAL = "20260101000001"


def write_gallery(out: Path, folder: Path | None = None) -> int:
    """Draw all types into ``out``; returns how many there are.

    Args:
        out: the picture.
        folder: also write every page there as ``<slug>.pdf``, to be looked at in full size.
    """
    with tempfile.TemporaryDirectory(prefix="certsvc-gallery-") as place:
        settings = load_settings({"profile": "sandbox", "var_dir": Path(place) / "var"})
        prepare(settings)
        service = build(settings)
        try:
            seed_sandbox(service.deps)
            with service.deps.uow.read() as tx:
                seals = tx.seals.all()
            kinds = service.deps.catalog.types
            pages = []
            with Progress(console=Console(stderr=True), transient=True) as progress:
                for kind in progress.track(kinds, description="绘制"):
                    job = sample_page(service.deps, kind, seals)
                    data = service.deps.renderer.render(job).data
                    pages.append((kind.name, data))
                    if folder is not None:
                        folder.mkdir(parents=True, exist_ok=True)
                        (folder / f"{kind.slug}.pdf").write_bytes(data)
        finally:
            service.close()
        fonts = [path for folder in settings.font_dirs for path in sorted(folder.glob("NotoSansSC*.ttf"))]
    if not fonts:
        msg = "找不到字体，请先运行 make setup"
        raise ConfigurationError(msg)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(contact_sheet(pages, fonts[0]))
    return len(pages)


def sample_page(deps: Deps, kind: LicenseType, seals: Sequence[Seal]) -> PageJob:
    """The job of a type's sample, stamped with the seal of its issuer."""
    body = parse_issuance(sample_body(deps.catalog, kind.slug, "GALLERY"))
    payload = build_payload(deps, body)
    seal = next((seal for seal in seals if seal.owner_code == payload.authority_code), None)
    if seal is None:
        msg = f"示例机关 {payload.authority_code} 没有印章，请在 keys/dev.toml 中声明"
        raise ConfigurationError(msg)
    now = deps.clock.now().replace(microsecond=0)
    identifier = LicenseIdentifier.create(
        type_code=kind.type_code, issuer_code=payload.authority_code, serial=SERIAL, version=1
    )
    issued = payload.issued_on or now.date()
    intent = IssueIntent(
        request_id="req",
        version_id="ver",
        license_id="lic",
        identifier=str(identifier),
        root=identifier.root,
        version=1,
        number=payload.number or first_number(kind, payload.data, region=payload.region, year=issued.year),
        printed_token=deps.ids.token(),
        document_id=deps.ids.salt(),
        issued_on=issued,
        first_issued_on=issued,
        signed_at=now,
        previous_version_id="",
    )
    photo = deps.renderer.normalise_photo(base64.b64decode(body.photo)) if body.photo else None
    return page_job(
        deps,
        payload=payload,
        intent=intent,
        kind=kind,
        seal=seal,
        photo=photo,
        valid=period(payload, intent, kind, None),
    )
