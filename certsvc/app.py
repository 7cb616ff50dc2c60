"""The composition root: the only file that knows every room.

It builds one frozen :class:`Deps` from settings; nothing is connected or read at import.
"""

from __future__ import annotations

import os
import signal
import socket
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from certsvc.api.application import create_application
from certsvc.catalog.loader import load_catalog
from certsvc.clock import SystemClock
from certsvc.commands.catalog.fixed import FixedCatalog
from certsvc.commands.catalog.live import SAMPLE_STAMP, open_catalog
from certsvc.commands.issuance.press import OwnPress
from certsvc.commands.ports import Deps, Policy
from certsvc.delivery.egress import Egress
from certsvc.delivery.loops import Loops
from certsvc.delivery.press_pool import PressPool
from certsvc.delivery.spool import MessageSpool
from certsvc.errors import ConfigurationError
from certsvc.ids import SystemIds
from certsvc.rendering.fixed_pages import FixedPages
from certsvc.rendering.page import PageRenderer
from certsvc.rendering.signing_pages import SigningPageMaker
from certsvc.rendering.upload_worker import ANSWER as UPLOAD_ANSWER
from certsvc.rendering.uploads import IsolatedUploads
from certsvc.settings import fault_point
from certsvc.signing.cipher import ColumnCipher
from certsvc.signing.declaration import load_declaration, load_seal_declarations
from certsvc.signing.devpki import init_dev_keys
from certsvc.signing.formats import FORMATS
from certsvc.signing.isolated import IsolatedInspector
from certsvc.signing.keyring import SoftwareKeyRing
from certsvc.signing.long_term import PadesTimestamped
from certsvc.signing.master_key import create_master_key, load_master_key
from certsvc.signing.own_certificates import OwnCertificates
from certsvc.signing.person_keys import DevelopmentPeopleCa, WrappedPersonKeys
from certsvc.signing.remote_sealer import PlatformClient, RemoteFormat, RemoteKeyRing
from certsvc.signing.rings import CombinedKeyRing
from certsvc.signing.seal_maker import MakerPolicy, SoftwareSealMaker
from certsvc.signing.seal_object import SealDirectory
from certsvc.signing.sealer import LicenseSealer
from certsvc.signing.ses_format import SesV4
from certsvc.signing.strict import StrictInspector
from certsvc.signing.timestamps import TimestampClient
from certsvc.signing.token_ring import TokenKeyRing
from certsvc.signing.tokens import JwtTokenService, OidcIssuer
from certsvc.signing.trust import TrustAnchors
from certsvc.signing.worker_pool import WorkerPool
from certsvc.store.engine import Store, open_store
from certsvc.store.migrate import upgrade
from certsvc.store.objects_dir import DirectoryObjectStore
from certsvc.web.install import install_pages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI

    from certsvc.clock import Clock
    from certsvc.commands.life_ports import CatalogSource
    from certsvc.commands.page_ports import Press
    from certsvc.commands.ports import FaultPoints
    from certsvc.ids import Ids
    from certsvc.settings import Settings
    from certsvc.signing.formats import SignatureFormat
    from certsvc.signing.keyring import KeyRing
    from certsvc.signing.master_key import MasterKey

TOKEN_KEY = "token-1"  # noqa: S105
"""Key id of the key that signs access tokens."""


HTTP_OK = 200


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
    renderer: PageRenderer
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
        if isinstance(self.deps.press, PressPool):
            self.deps.press.close()
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
    egress = _egress(settings)
    ring = _ring(settings, master, egress)
    timestamps = _timestamps(settings, egress, ids)
    anchors = _anchors(settings)
    store = open_store(settings.database, ColumnCipher(master, ids))
    inspector = IsolatedInspector(anchors)
    own = OwnCertificates(settings.keys)
    upload_workers = WorkerPool(UPLOAD_ANSWER)
    uploads = IsolatedUploads(upload_workers.ask)
    objects = DirectoryObjectStore(settings.objects)
    objects.sweep_incoming(before=clock.now() - timedelta(days=1))
    renderer = PageRenderer(settings.font_dirs)
    sealer = LicenseSealer(ring, _formats(settings, timestamps), timestamps=timestamps, known=own)
    press = _press(settings, OwnPress(renderer, sealer))
    deps = Deps(
        uow=store.uow,
        catalogs=_catalogs(settings, store, clock, renderer, seeds_only=seeds_only),
        renderer=renderer,
        sealer=sealer,
        press=press,
        inspector=inspector,
        self_inspector=StrictInspector(ring, anchors),
        uploads=uploads,
        painter=renderer.mark_board(),
        objects=objects,
        tokens=JwtTokenService(
            ring, key_id=TOKEN_KEY, issuer=settings.issuer, audience=settings.issuer, ids=ids, oidc=_oidc(settings)
        ),
        seal_maker=SoftwareSealMaker(
            settings.keys, master, ring, anchors, own, _maker_policy(settings), clock=clock, ids=ids
        ),
        clock=clock,
        ids=ids,
        policy=Policy(
            sandbox=settings.sandbox,
            public_base=settings.public_base,
            event_source=settings.issuer,
            max_upload_bytes=settings.max_upload_bytes,
            sm2_required=settings.sm2_required and not settings.sandbox,
            simulation_matters=settings.simulation_matters,
            catalog_dir=settings.catalog_dir,
        ),
        faults=_faults(settings),
        person_keys=_person_keys(settings, master, ids),
        signing_pages=SigningPageMaker(renderer, uploads.prepare, sandbox=settings.sandbox),
        upload_check=FixedPages(uploads),
        notifier=MessageSpool(settings.messages, ids),
    )
    register_seals(settings, deps, ring)
    loops = Loops(deps, name=f"{socket.gethostname()}-{os.getpid()}", lease_s=settings.lease_s)
    return Service(settings, deps, store, inspector, loops, renderer, upload_workers)


def _maker_policy(settings: Settings) -> MakerPolicy:
    """The sandbox has issuing CAs of its own; in production certificates of seals come from outside."""
    if settings.declared_seals is None:
        return MakerPolicy(profile=settings.profile, maker_key_id="", issuers={}, never_destroyed=frozenset())
    declared = load_declaration(settings.declared_seals)
    return MakerPolicy(
        profile=settings.profile,
        maker_key_id=declared.makers[0].key_id if declared.makers else "",
        issuers={algorithm: ca.key.key_id for ca in declared.issuers for algorithm in ca.issues}
        if settings.sandbox
        else {},
        never_destroyed=frozenset(key.key_id for key in declared.leaves) if settings.sandbox else frozenset(),
    )


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


def _ring(settings: Settings, master: MasterKey, egress: Egress) -> KeyRing:
    """The software ring, with an HSM's and a province's seals beside it where they are configured."""
    software = SoftwareKeyRing(settings.keys, master, profile=settings.profile)
    others: list[KeyRing] = []
    if settings.token_module is not None and settings.token_pin_file is not None:
        pin = _secret(settings.token_pin_file)
        others.append(TokenKeyRing(settings.token_module, settings.token_label, pin, settings.keys))
    if settings.platform_url and settings.platform_token_file is not None:

        def post(url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
            answer = egress.post(url, headers, body)
            return answer.status, answer.body

        client = PlatformClient(settings.platform_url, _secret(settings.platform_token_file), post)
        others.append(RemoteKeyRing(client, settings.platform_seals))
    return CombinedKeyRing((software, *others)) if others else software


def _egress(settings: Settings) -> Egress:
    """The way out; what the operator configured as a server may be called wherever it is."""
    servers = filter(None, (settings.platform_url, *settings.tsa_servers))
    return Egress(allowed=(*settings.egress_allowed, *servers))


def _press(settings: Settings, own: Press) -> Press:
    return PressPool(own, partial(open_press, settings), settings.press_processes) if settings.press_processes else own


def open_press(settings: Settings) -> Press:
    """Renderer and sealer of a process that does nothing else."""
    egress = _egress(settings)
    ring = _ring(settings, load_master_key(settings.master_key), egress)
    timestamps = _timestamps(settings, egress, SystemIds())
    sealer = LicenseSealer(ring, _formats(settings, timestamps), timestamps=timestamps)
    return OwnPress(PageRenderer(settings.font_dirs), sealer)


def _secret(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"口令文件 {path} 无法读取") from error


def _timestamps(settings: Settings, egress: Egress, ids: Ids) -> TimestampClient | None:
    if not settings.tsa_servers:
        return None

    def post(url: str, body: bytes) -> bytes:
        answer = egress.post(url, {"Content-Type": "application/timestamp-query"}, body)
        if answer.status != HTTP_OK:
            raise OSError(f"HTTP {answer.status}")
        return answer.body

    return TimestampClient(settings.tsa_servers, post, ids)


def _formats(settings: Settings, timestamps: TimestampClient | None) -> tuple[SignatureFormat, ...]:
    """Every format whose needs are met."""
    formats: list[SignatureFormat] = [*FORMATS, SesV4(SealDirectory(settings.keys / "seals"))]
    if timestamps is not None:
        formats.append(PadesTimestamped(timestamps))
    if settings.platform_url:
        formats += (RemoteFormat("cms"), RemoteFormat("ses"))
    return tuple(formats)


def _person_keys(settings: Settings, master: MasterKey, ids: Ids) -> WrappedPersonKeys:
    """Keys of people: certified at once by the development CA in the sandbox, by an external CA in production."""
    if not settings.sandbox:
        return WrappedPersonKeys(master, ids, algorithm=settings.person_algorithm or "sm2", ca=None)
    ca = DevelopmentPeopleCa(settings.keys_file, settings.keys, master, ids, profile=settings.profile)
    return WrappedPersonKeys(master, ids, algorithm=settings.person_algorithm or "p256", ca=ca)


def register_seals(settings: Settings, deps: Deps, ring: KeyRing) -> None:
    """Put the declared seals on the register; the state of a known one is kept."""
    if settings.declared_seals is None:
        return
    with deps.uow() as tx:
        for seal in load_seal_declarations(settings.declared_seals, ring):
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
