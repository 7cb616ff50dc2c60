"""What is measured: our page maker, sealer and verifier against raw cryptography, stock pyHanko and ReportLab."""

from __future__ import annotations

import base64
import io
import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from certsvc.app import Service, build, prepare
from certsvc.cli.bench import Figure, Side
from certsvc.cli.bench_codes import code_figures
from certsvc.cli.bench_copies import copy_figure
from certsvc.cli.bench_rivals import (
    raw_rsa_signer,
    reportlab_page,
    stock_pyhanko_sealer,
    stock_pyhanko_stamper,
    stock_pyhanko_validator,
    uploaded_page,
)
from certsvc.cli.bench_verify import SAMPLE_TYPE, exact_side
from certsvc.cli.samples import sample_body
from certsvc.commands.access.principals import of_client
from certsvc.commands.access.seed_sandbox import PLATFORM, seed_sandbox
from certsvc.commands.issuance.body import parse_issuance
from certsvc.commands.issuance.page import page_job, period
from certsvc.commands.issuance.payload import build_payload
from certsvc.commands.ports import TrustChoice
from certsvc.identifiers.license_identifier import LicenseIdentifier
from certsvc.license.model import IssueIntent
from certsvc.seal.marks import NextSignature
from certsvc.seal.placing import PlacedMark
from certsvc.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from certsvc.commands.page_ports import PageJob
    from certsvc.commands.ports import Deps, Principal
    from certsvc.seal.model import Seal

FORMAT = "pades-b-b"
SM2_FORMAT = "sm2-cms"
SURNAMES, GIVEN = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨", "示例测试甲乙丙丁戊己庚辛壬癸"

READY_JOBS = 512
"""Pages of different holders, made ready so that only drawing is measured."""


def bench_service(place: Path) -> tuple[Service, Principal]:
    """A sandbox below ``place`` and its approval platform."""
    settings = load_settings({"profile": "sandbox", "var_dir": place / "var"})
    prepare(settings)
    service = build(settings)
    seed_sandbox(service.deps)
    with service.deps.uow.read() as tx:
        client = tx.access.client(PLATFORM)
    if client is None:
        msg = "the sandbox was not seeded"
        raise RuntimeError(msg)
    return service, of_client(client)


def jobs(deps: Deps, seal: Seal, format_name: str = FORMAT) -> Callable[[], PageJob]:
    """Gives a new job at each call: another name, identity, number, code and document id; sealed in ``format_name``."""
    body = parse_issuance(sample_body(deps.catalog, SAMPLE_TYPE, "BENCH"))
    payload = build_payload(deps, body)
    kind = deps.catalog.type(SAMPLE_TYPE)
    kind = replace(kind, signature_plan=(replace(kind.signature_plan[0], format=format_name),))
    photo = deps.renderer.normalise_photo(base64.b64decode(body.photo))
    now = deps.clock.now().replace(microsecond=0)
    count = itertools.count(1)

    def job() -> PageJob:
        number = next(count)
        name = SURNAMES[number % len(SURNAMES)] + GIVEN[number % len(GIVEN)] + GIVEN[number // 3 % len(GIVEN)]
        identifier = LicenseIdentifier.create(
            type_code=kind.type_code, issuer_code=payload.authority_code, serial=f"{number:014d}", version=1
        )
        intent = IssueIntent(
            request_id="req",
            version_id="ver",
            license_id="lic",
            identifier=str(identifier),
            root=identifier.root,
            version=1,
            number=f"{number:017d}",
            printed_token=deps.ids.token(),
            document_id=deps.ids.salt(),
            issued_on=now.date(),
            first_issued_on=now.date(),
            signed_at=now,
            previous_version_id="",
        )
        named = replace(payload, holder=replace(payload.holder, name=name, code=f"9901011990{number:08d}"))
        return page_job(
            deps,
            payload=named,
            intent=intent,
            kind=kind,
            seal=seal,
            photo=photo,
            valid=period(named, intent, kind, None),
        )

    return job


def _seal(deps: Deps, algorithm: str) -> Seal:
    """The seal of the sample's issuer, with the key of one with the wanted algorithm."""
    owner = deps.catalog.sample(SAMPLE_TYPE)["issuer_code"]
    with deps.uow.read() as tx:
        seals = tx.seals.all()
    own = next((seal for seal in seals if seal.owner_code == owner and seal.algorithm == algorithm), None)
    return own or next(seal for seal in seals if seal.algorithm == algorithm)


def _onepass_sides(deps: Deps) -> dict[str, Side]:
    """Render and seal, per algorithm of the seal; every page another holder's, its values made ready before."""
    sides: dict[str, Side] = {}
    for algorithm in ("rsa2048", "rsa3072", "p256", "sm2"):
        seal = _seal(deps, algorithm)
        form = SM2_FORMAT if algorithm == "sm2" else FORMAT
        job = jobs(deps, seal, form)
        ready = itertools.cycle([job() for _ in range(READY_JOBS)])

        def onepass(seal: Seal = seal, ready: Iterator[PageJob] = ready, form: str = form) -> bytes:
            one = next(ready)
            return deps.sealer.seal(deps.renderer.render(one), seal, form, signed_at=one.signature.signed_at)

        sides[algorithm] = Side(name=f"render+seal {algorithm}", once=onepass)
    return sides


def _stamping_sides(deps: Deps) -> tuple[Side, Side]:
    """Sealing an uploaded page at a point: update and CMS here, ``sign_pdf`` with a visible stamp there."""
    seal = _seal(deps, "rsa2048")
    page = uploaded_page()
    width, height = deps.renderer.stamp_points(seal.stamp)
    mark = PlacedMark(kind="stamp", page=0, rect=(380.0, 120.0, 380 + width, 120 + height))
    now = deps.clock.now().replace(microsecond=0)
    field = deps.painter.field("Seal", seal.stamp, (mark,), lock=False)
    signature = NextSignature(
        filter=deps.sealer.filter(FORMAT),
        sub_filter=deps.sealer.sub_filter(FORMAT),
        signed_at=now,
        signer=seal.stamp.ring_text,
        reserved_bytes=deps.sealer.reserved_bytes(seal, FORMAT),
    )

    def stamped() -> bytes:
        prepared = deps.renderer.prepare_next(page, field, signature)
        return deps.sealer.seal(prepared, seal, FORMAT, signed_at=now)

    stock = stock_pyhanko_stamper(page, "rsa2048")
    return Side(name="stamp upload rsa2048", once=stamped), Side(name="stock pyHanko sign_pdf rsa2048", once=stock)


def figures(place: Path) -> tuple[Figure, ...]:
    """Every figure that exists so far, under its name in PERFORMANCE.md."""
    service, client = bench_service(place)
    deps = service.deps
    sides = _onepass_sides(deps)
    page = jobs(deps, _seal(deps, "p256"))
    ready = itertools.cycle([page() for _ in range(READY_JOBS)])
    sealed = bytes(sides["rsa2048"].once())  # type: ignore[call-overload]  # onepass gives bytes
    now = deps.clock.now()
    stock = {
        name: Side(name=f"stock pyHanko {name}", once=stock_pyhanko_sealer(sealed, name))
        for name in ("rsa2048", "p256")
    }
    anchors = [path.read_bytes() for path in (service.settings.keys / "trust").glob("*.pem")]
    return (
        Figure(
            name="issue.onepass.rsa2048.vs_raw_sign",
            unit="ratio",
            goal=0.5,
            sides=(sides["rsa2048"], Side(name="raw RSA-2048 sign", once=raw_rsa_signer())),
        ),
        Figure(
            name="issue.onepass.rsa3072.vs_raw_sign",
            unit="ratio",
            goal=0.7,
            sides=(sides["rsa3072"], Side(name="raw RSA-3072 sign", once=raw_rsa_signer(3072))),
        ),
        Figure(name="issue.onepass.sm2.per_core_s", unit="1/s", goal=700, sides=(sides["sm2"],)),
        Figure(name="issue.onepass.p256.per_core_s", unit="1/s", goal=1200, sides=(sides["p256"],)),
        Figure(
            name="issue.onepass.rsa2048.vs_stock_pyhanko",
            unit="ratio",
            goal=80,
            sides=(sides["rsa2048"], stock["rsa2048"]),
        ),
        Figure(name="issue.onepass.p256.vs_stock_pyhanko", unit="ratio", goal=60, sides=(sides["p256"], stock["p256"])),
        Figure(name="seal.pdf.rsa2048.vs_stock_pyhanko", unit="ratio", goal=40, sides=_stamping_sides(deps)),
        Figure(
            name="render.page.vs_reportlab",
            unit="ratio",
            goal=60,
            sides=(
                # ReportLab is given one ready job; ours are ready too, but each differs from the one before.
                Side(name="render", once=lambda: deps.renderer.render(next(ready))),
                Side(name="ReportLab", once=reportlab_page(page(), service.settings.font_dirs)),
            ),
        ),
        Figure(name="verify.own_exact.per_core_s", unit="1/s", goal=1800, sides=(exact_side(deps, client),)),
        Figure(
            name="verify.own_full.vs_pyhanko",
            unit="ratio",
            goal=30,
            sides=(
                Side(name="own verifier", once=lambda: deps.self_inspector.inspect(sealed, TrustChoice(), now)),
                Side(name="pyHanko validate", once=stock_pyhanko_validator(io.BytesIO(sealed), anchors)),
            ),
        ),
        *code_figures(deps),
        copy_figure(deps, page, _seal(deps, "p256"), _seal(deps, "sm2"), (FORMAT, SM2_FORMAT)),
    )
