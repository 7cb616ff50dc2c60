"""The composition root: the only file that knows every room.

It builds one frozen :class:`Deps` from settings; nothing is connected or read at import.
"""

from __future__ import annotations

import os
import signal
import socket
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from certsvc.api.application import create_application
from certsvc.catalog.loader import load_catalog
from certsvc.clock import SystemClock
from certsvc.commands.catalog.fixed import FixedCatalog
from certsvc.commands.catalog.live import SAMPLE_STAMP, open_catalog
from certsvc.commands.ports import Deps, Policy
from certsvc.delivery.loops import Loops
from certsvc.errors import ConfigurationError
from certsvc.ids import SystemIds
from certsvc.rendering.page import PageRenderer
from certsvc.rendering.upload_worker import ANSWER as UPLOAD_ANSWER
from certsvc.rendering.uploads import IsolatedUploads
from certsvc.settings import fault_point
from certsvc.signing.certificate_requests import retired_certificates
from certsvc.signing.cipher import ColumnCipher
from certsvc.signing.declaration import load_seal_declarations
from certsvc.signing.devpki import init_dev_keys
from certsvc.signing.formats import FORMATS
from certsvc.signing.isolated import IsolatedInspector
from certsvc.signing.keyring import SoftwareKeyRing
from certsvc.signing.master_key import create_master_key, load_master_key
from certsvc.signing.seal_object import SealDirectory
from certsvc.signing.sealer import LicenseSealer
from certsvc.signing.ses_format import SesV4
from certsvc.signing.strict import StrictInspector
from certsvc.signing.tokens import JwtTokenService, OidcIssuer
from certsvc.signing.trust import TrustAnchors
from certsvc.signing.worker_pool import WorkerPool
from certsvc.store.engine import Store, open_store
from certsvc.store.migrate import upgrade
from certsvc.store.objects_dir import DirectoryObjectStore
from certsvc.web.install import install_pages

if TYPE_CHECKING:
    from fastapi import FastAPI

    from certsvc.clock import Clock
    from certsvc.commands.life_ports import CatalogSource
    from certsvc.commands.ports import FaultPoints
    from certsvc.ids import Ids
    from certsvc.settings import Settings

TOKEN_KEY = "token-1"  # noqa: S105
"""Key id of the key that signs access tokens."""


class NoFaults:
    """The fault points of production: none."""

    def reach(self, name: str) -> None:
        """Do nothing."""


class KillAt:
    """Kills this process at one named step, as a power cut would; for crash tests only."""

    def __init__(self, step: str) -> None:
        self._step = step

    def reach(self, name: str) -> None:
        """Die without any clean-up when the step is the one."""
        if name == self._step:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Service:
    """Everything a process runs on; close it at the end."""

    settings: Settings
    deps: Deps
    store: Store
    inspector: IsolatedInspector
    loops: Loops
    upload_workers: WorkerPool

    def application(self) -> FastAPI:
        """The ASGI application with its pages."""
        app = create_application(
            self.deps,
            rate_limit_per_minute=self.settings.rate_limit_per_minute,
            wake=self.loops.wake,
            loops_alive=lambda: self.loops.alive,
        )
        install_pages(app, sandbox=self.settings.sandbox)
        return app

    def close(self) -> None:
        """Stop loops, then workers, then the database."""
        self.loops.stop()
        self.inspector.close()
        self.upload_workers.close()
        self.store.close()


def prepare(settings: Settings, *, clock: Clock | None = None, ids: Ids | None = None) -> None:
    """Make what a first run needs: master key and development PKI (sandbox only), and the newest schema.

    Raises:
        ConfigurationError: in production when keys are missing, since those come from the key ceremony.
    """
    clock, ids = clock or SystemClock(), ids or SystemIds()
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    if settings.sandbox:
        if not settings.master_key.exists():
            create_master_key(settings.master_key, ids)
        init_dev_keys(settings.keys_file, settings.keys, load_master_key(settings.master_key), clock, ids)
    upgrade(settings.database)


def build(
    settings: Settings, *, clock: Clock | None = None, ids: Ids | None = None, seeds_only: bool = False
) -> Service:
    """Build a service over prepared keys and schema.

    Args:
        settings: where everything is.
        clock: another source of time, for tests.
        ids: another source of ids, for tests.
        seeds_only: take the catalog from its seed files whatever is published, to propose and publish the first ones.

    Raises:
        ConfigurationError: keys, catalog, fonts or settings that cannot be used; the detail says what to do.
    """
    clock, ids = clock or SystemClock(), ids or SystemIds()
    master = load_master_key(settings.master_key)
    ring = SoftwareKeyRing(settings.keys, master, profile=settings.profile)
    anchors = _anchors(settings)
    store = open_store(settings.database, ColumnCipher(master, ids))
    inspector = IsolatedInspector(anchors)
    upload_workers = WorkerPool(UPLOAD_ANSWER)
    objects = DirectoryObjectStore(settings.objects)
    objects.sweep_incoming(before=clock.now() - timedelta(days=1))
    renderer = PageRenderer(settings.font_dirs)
    deps = Deps(
        uow=store.uow,
        catalogs=_catalogs(settings, store, clock, renderer, seeds_only=seeds_only),
        renderer=renderer,
        sealer=LicenseSealer(
            ring,
            (*FORMATS, SesV4(SealDirectory(settings.keys / "seals"))),
            retired=retired_certificates(settings.keys),
        ),
        inspector=inspector,
        self_inspector=StrictInspector(ring, anchors),
        uploads=IsolatedUploads(upload_workers.ask),
        painter=renderer.mark_board(),
        objects=objects,
        tokens=JwtTokenService(
            ring, key_id=TOKEN_KEY, issuer=settings.issuer, audience=settings.issuer, ids=ids, oidc=_oidc(settings)
        ),
        clock=clock,
        ids=ids,
        policy=Policy(
            sandbox=settings.sandbox,
            public_base=settings.public_base,
            event_source=settings.issuer,
            max_upload_bytes=settings.max_upload_bytes,
            simulation_matters=settings.simulation_matters,
            catalog_dir=settings.catalog_dir,
        ),
        faults=_faults(settings),
    )
    register_seals(settings, deps)
    loops = Loops(deps, name=f"{socket.gethostname()}-{os.getpid()}", lease_s=settings.lease_s)
    return Service(settings, deps, store, inspector, loops, upload_workers)


def _catalogs(
    settings: Settings, store: Store, clock: Clock, renderer: PageRenderer, *, seeds_only: bool
) -> CatalogSource:
    if seeds_only:
        return FixedCatalog(load_catalog(settings.catalog_dir))
    return open_catalog(
        store.uow,
        settings.catalog_dir,
        publish_seeds=settings.sandbox,
        now=clock.now(),
        prove=lambda types: renderer.prove(types, SAMPLE_STAMP),
    )


def register_seals(settings: Settings, deps: Deps) -> None:
    """Put the declared seals on the register; the state of a known one is kept."""
    with deps.uow() as tx:
        for seal in load_seal_declarations(settings.keys_file, settings.keys):
            tx.seals.upsert(seal)


def _anchors(settings: Settings) -> TrustAnchors:
    """Public anchors of the operator, and in the sandbox the development root."""
    directories = [settings.trust_dir]
    if settings.sandbox:
        directories.append(settings.keys / "trust")
    pems = [path.read_bytes() for place in directories for path in sorted(place.glob("*.pem"))]
    if not pems:
        raise ConfigurationError(f"信任目录 {settings.trust_dir} 中没有根证书（*.pem），无法核验任何印章")
    anchors = TrustAnchors(()).with_extra(pems).with_intermediates(*directories)
    if settings.crl_dir is not None:
        anchors = anchors.with_crls(settings.crl_dir, required=settings.revocation_required)
    return anchors


def standalone_inspector(trust_dir: Path = Path("keys/trust")) -> IsolatedInspector:
    """An inspector for a machine without a service: the anchors in ``trust_dir``, if any, and what the caller adds."""
    pems = [path.read_bytes() for path in sorted(trust_dir.glob("*.pem"))]
    anchors = TrustAnchors(()).with_extra(pems).with_intermediates(trust_dir)
    return IsolatedInspector(anchors, workers=1)


def _oidc(settings: Settings) -> tuple[OidcIssuer, ...]:
    if not settings.oidc_issuer:
        return ()
    if settings.oidc_jwks_file is None:
        raise ConfigurationError("设置了 oidc_issuer，还须设置 oidc_jwks_file（身份提供方的公钥集）")
    jwks = Path(settings.oidc_jwks_file).read_text(encoding="utf-8")
    audience = settings.oidc_audience or settings.issuer
    return (OidcIssuer(issuer=settings.oidc_issuer, audience=audience, jwks=jwks),)


def _faults(settings: Settings) -> FaultPoints:
    step = fault_point()
    if not step:
        return NoFaults()
    if not settings.sandbox:
        raise ConfigurationError("CERTSVC_FAULT_POINT 仅用于测试，正式环境拒绝启动")
    return KillAt(step)
