"""The composition root: the only file that knows every room.

It builds one frozen :class:`Deps` from settings; nothing is connected or read at import.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certsvc.api.application import create_application
from certsvc.app_keys import (
    file_anchors,
    identity_provider,
    login_url,
    maker_policy,
    open_egress,
    open_ring,
    own_authorities,
    own_timestamps,
    person_keys,
    province,
    revocation_source,
    signature_formats,
    timestamp_client,
    token_service,
    trust_anchors,
    webhook_receivers,
)
from certsvc.app_operations import dashboard, open_door, open_tracer, probes
from certsvc.app_shape import open_broker, open_carriers, open_channels, open_objects, prepare_objects, process_name
from certsvc.catalog.loader import load_catalog
from certsvc.catalog.notice_texts import read_notice_texts
from certsvc.catalog.oversight_file import read_oversight_lists
from certsvc.clock import SystemClock
from certsvc.commands.catalog.fixed import FixedCatalog
from certsvc.commands.catalog.live import SAMPLE_STAMP, open_catalog
from certsvc.commands.clocks.watched import WatchedClock
from certsvc.commands.issuance.press import OwnPress
from certsvc.commands.ports import Deps, Policy
from certsvc.commands.trust.live import LiveTrust
from certsvc.delivery.broker import Broker
from certsvc.delivery.loops import Loops
from certsvc.delivery.partners import PartnerChannels
from certsvc.delivery.press_pool import PressPool
from certsvc.delivery.spool import MessageSpool
from certsvc.errors import ConfigurationError
from certsvc.ids import SystemIds
from certsvc.meters import Meters
from certsvc.rendering.fixed_pages import FixedPages
from certsvc.rendering.page import PageRenderer
from certsvc.rendering.signing_pages import SigningPageMaker
from certsvc.rendering.upload_worker import ANSWER as UPLOAD_ANSWER
from certsvc.rendering.uploads import IsolatedUploads
from certsvc.settings import fault_point
from certsvc.signing.cipher import ColumnCipher
from certsvc.signing.declaration import load_seal_declarations
from certsvc.signing.devpki import init_dev_keys
from certsvc.signing.isolated import IsolatedInspector
from certsvc.signing.listed_anchors import ListedAnchors
from certsvc.signing.log_notes import LogNotes
from certsvc.signing.master_key import create_master_key, load_master_key
from certsvc.signing.offline_signer import OfflineSigning
from certsvc.signing.own_certificates import OwnCertificates
from certsvc.signing.receipts import JwsReceipts
from certsvc.signing.seal_maker import SoftwareSealMaker
from certsvc.signing.sealer import LicenseSealer
from certsvc.signing.status_tokens import StatusTokens
from certsvc.signing.strict import StrictInspector
from certsvc.signing.trust import TrustAnchors
from certsvc.signing.trust_documents import JwsTrustLists
from certsvc.signing.worker_pool import WorkerPool
from certsvc.store.engine import Store, open_store
from certsvc.store.migrate import upgrade
from certsvc.web.install import install_pages

if TYPE_CHECKING:
    from fastapi import FastAPI

    from certsvc.api.operations_door import OperationsDoor
    from certsvc.clock import Clock
    from certsvc.commands.life_ports import CatalogSource
    from certsvc.commands.operations.metrics import Dashboard
    from certsvc.commands.operations.readiness import Probes
    from certsvc.commands.page_ports import Press
    from certsvc.commands.ports import FaultPoints
    from certsvc.ids import Ids
    from certsvc.settings import Settings
    from certsvc.signing.keyring import KeyRing
    from certsvc.signing.master_key import MasterKey
    from certsvc.signing.timestamps import TimestampClient


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
    probes: Probes
    meters: Meters
    dashboard: Dashboard
    broker: Broker | None = None

    def operations_door(self) -> OperationsDoor | None:
        """The door of operators, open, or None where none is set; close it before the service."""
        return open_door(self.settings, self.deps, self.probes, self.dashboard)

    def application(self) -> FastAPI:
        """The ASGI application with its pages."""
        app = create_application(
            self.deps,
            rate_limit_per_minute=self.settings.rate_limit_per_minute,
            wake=self.loops.wake,
            probes=self.probes,
            meters=self.meters,
            facades=self.settings.facades,
        )
        install_pages(app, sandbox=self.settings.sandbox, login=login_url(self.settings))
        return app

    def close(self) -> None:
        """Stop loops, then workers, then the database."""
        self.loops.stop()
        if isinstance(self.deps.press, PressPool):
            self.deps.press.close()
        self.inspector.close()
        self.upload_workers.close()
        for carrier in self.deps.carriers:
            carrier.close()
        if self.broker is not None:
            self.broker.close()
        self.deps.objects.close()
        self.store.close()
        self.deps.tracer.close()


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
    prepare_objects(settings)


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
    clock, ids = WatchedClock(clock or SystemClock()), ids or SystemIds()
    master, egress = load_master_key(settings.master_key), open_egress(settings)
    ring = open_ring(settings, master, egress)
    store = open_store(settings.database, ColumnCipher(master, ids))
    trust, anchors = _trust(settings, store)
    inspector, own = IsolatedInspector(anchors), OwnCertificates(settings.keys)
    upload_workers, broker = WorkerPool(UPLOAD_ANSWER), open_broker(settings)
    uploads, renderer = IsolatedUploads(upload_workers.ask), PageRenderer(settings.font_dirs)
    sealer = _sealer(settings, ring, timestamps := timestamp_client(settings, egress, ids), own)
    deps = Deps(
        uow=store.uow,
        catalogs=_catalogs(settings, store, clock, renderer, seeds_only=seeds_only),
        renderer=renderer,
        sealer=sealer,
        press=_press(settings, OwnPress(renderer, sealer)),
        inspector=inspector,
        self_inspector=StrictInspector(ring, anchors),
        uploads=uploads,
        painter=renderer.mark_board(),
        objects=open_objects(settings, clock),
        seal_maker=_seal_maker(settings, master, ring, anchors, own, clock=clock, ids=ids),
        revocations=revocation_source(settings),
        trust=trust,
        partners=PartnerChannels(),
        **_statements(ring, settings.issuer, ids, timestamps or own_timestamps(settings, ring, clock, ids), anchors),
        authorities=own_authorities(settings, master, ring, clock, ids),
        clock=clock,
        ids=ids,
        policy=_policy(settings),
        faults=_faults(settings),
        person_keys=person_keys(settings, master, ids, anchors),
        signing_pages=SigningPageMaker(renderer, uploads.prepare, sandbox=settings.sandbox),
        upload_check=FixedPages(uploads),
        notifier=MessageSpool(settings.messages, ids),
        carriers=open_carriers(settings, broker),
        receivers=webhook_receivers(settings),
        notice_texts=read_notice_texts(settings.catalog_dir),
        channels=open_channels(settings),
        oversight_lists=read_oversight_lists(settings.catalog_dir),
        province=province(settings),
        **_access(settings, ring, ids),
        tracer=open_tracer(settings, process_name()),
    )
    register_seals(settings, deps, ring)
    rest = _watched(settings, deps, broker, store=store, ring=ring)
    return Service(settings, deps, store, inspector, renderer=renderer, upload_workers=upload_workers, **rest)


def _watched(settings: Settings, deps: Deps, broker: Broker | None, *, store: Store, ring: KeyRing) -> dict[str, Any]:
    """The loops of a process, what it counts, and what operators are told of it."""
    meters = Meters()
    loops = _loops(settings, deps, broker, meters, store)
    found = probes(deps, loops, ring, broker)
    board = dashboard(deps, meters, found, store=store, ring=ring)
    return {"loops": loops, "probes": found, "meters": meters, "dashboard": board, "broker": broker}


def _access(settings: Settings, ring: KeyRing, ids: Ids) -> dict[str, Any]:
    """What tells who is asking, and where people say so."""
    return {"tokens": token_service(settings, ring, ids), "identity": identity_provider(settings)}


def _statements(
    ring: KeyRing, issuer: str, ids: Ids, timestamps: TimestampClient | None, anchors: ListedAnchors
) -> dict[str, Any]:
    """What signs statements of the service, each kind under keys of its own."""
    return {
        "verification_receipts": JwsReceipts(ring, issuer=issuer, ids=ids),
        "trust_lists": JwsTrustLists(ring, issuer=issuer, ids=ids),
        "status_signer": StatusTokens(ring, issuer=issuer, ids=ids),
        "offline": OfflineSigning(ring, issuer=issuer, ids=ids),
        "log_signer": LogNotes(ring, issuer=issuer, ids=ids, timestamps=timestamps, anchors=anchors),
    }


def _seal_maker(
    settings: Settings,
    master: MasterKey,
    ring: KeyRing,
    anchors: ListedAnchors,
    own: OwnCertificates,
    *,
    clock: Clock,
    ids: Ids,
) -> SoftwareSealMaker:
    """Makes the keys and objects of seals under the policy of the profile."""
    return SoftwareSealMaker(settings.keys, master, ring, anchors, own, maker_policy(settings), clock=clock, ids=ids)


def _sealer(
    settings: Settings, ring: KeyRing, timestamps: TimestampClient | None, own: OwnCertificates
) -> LicenseSealer:
    return LicenseSealer(ring, signature_formats(settings, timestamps), timestamps=timestamps, known=own)


def _loops(settings: Settings, deps: Deps, broker: Broker | None, meters: Meters, store: Store) -> Loops:
    """The loops of this process, by a name that no other has."""
    name, lease_s = process_name(), settings.lease_s
    return Loops(deps, name=name, lease_s=lease_s, broker=broker, meters=meters, listener=store.listener)


def _trust(settings: Settings, store: Store) -> tuple[LiveTrust, ListedAnchors]:
    """The trust list in force, and the anchors that it gives to whoever judges."""
    trust = LiveTrust(store.uow, file_anchors(settings))
    return trust, ListedAnchors(trust_anchors(settings), lambda: trust.current)


def _policy(settings: Settings) -> Policy:
    """The settings that commands need."""
    return Policy(
        sandbox=settings.sandbox,
        public_base=settings.public_base,
        event_source=settings.issuer,
        max_upload_bytes=settings.max_upload_bytes,
        sm2_required=settings.sm2_required and not settings.sandbox,
        simulation_matters=settings.simulation_matters,
        sharing_seal=settings.copies_sealed_by,
        alert_days=settings.alert_days,
        officers_show_first=not settings.sandbox
        if settings.officers_show_first is None
        else settings.officers_show_first,
        visit_repeat_days=settings.visit_repeat_days,
        picture_days=settings.inspection_picture_days,
        log_stamp_minutes=settings.log_stamp_minutes,
        catalog_dir=settings.catalog_dir,
        trusted_proxies=settings.trusted_proxies,
        certificate_header=settings.client_certificate_header,
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


def _press(settings: Settings, own: Press) -> Press:
    return PressPool(own, partial(open_press, settings), settings.press_processes) if settings.press_processes else own


def open_press(settings: Settings) -> Press:
    """Renderer and sealer of a process that does nothing else."""
    egress = open_egress(settings)
    ring = open_ring(settings, load_master_key(settings.master_key), egress)
    timestamps = timestamp_client(settings, egress, SystemIds())
    sealer = LicenseSealer(ring, signature_formats(settings, timestamps), timestamps=timestamps)
    return OwnPress(PageRenderer(settings.font_dirs), sealer)


def register_seals(settings: Settings, deps: Deps, ring: KeyRing) -> None:
    """Put the declared seals on the register; the state of a known one is kept."""
    if settings.declared_seals is None:
        return
    with deps.uow() as tx:
        for seal in load_seal_declarations(settings.declared_seals, ring):
            tx.seals.upsert(seal)


def standalone_inspector(trust_dir: Path = Path("keys/trust")) -> IsolatedInspector:
    """An inspector for a machine without a service: the anchors in ``trust_dir``, if any, and what the caller adds."""
    pems = [path.read_bytes() for path in sorted(trust_dir.glob("*.pem"))]
    anchors = TrustAnchors(()).with_extra(pems).with_intermediates(trust_dir).with_makers_in(trust_dir)
    return IsolatedInspector(anchors, workers=1)


def standalone_uploads() -> tuple[IsolatedUploads, WorkerPool]:
    """What reads PDFs of others on a machine without a service, and its workers, to be closed at the end."""
    workers = WorkerPool(UPLOAD_ANSWER)
    return IsolatedUploads(workers.ask), workers


def _faults(settings: Settings) -> FaultPoints:
    step = fault_point()
    if not step:
        return NoFaults()
    if not settings.sandbox:
        raise ConfigurationError("CERTSVC_FAULT_POINT 仅用于测试，正式环境拒绝启动")
    return KillAt(step)
