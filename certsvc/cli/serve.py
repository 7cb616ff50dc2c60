"""The long-running processes: ``serve``, ``worker``, ``relay``."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from typing import TYPE_CHECKING

import structlog
import uvicorn
from rich.console import Console

from certsvc.app import build, prepare
from certsvc.cli.http_server import StreamingServer
from certsvc.cli.issuing import start_issuing
from certsvc.cli.logs import configure_logs
from certsvc.cli.memory import settle_memory
from certsvc.cli.sample_signings import request_sample_signings
from certsvc.cli.samples import sample_body
from certsvc.commands.access.principals import of_client
from certsvc.commands.access.seed_sandbox import PLATFORM, seed_sandbox
from certsvc.commands.issuance.accept_issuance import Origin, accept_issuance
from certsvc.commands.issuance.body import parse_issuance
from certsvc.commands.seals.sample_objects import make_sample_objects
from certsvc.errors import BusinessKeyConflict, ConfigurationError
from certsvc.settings import load_settings
from certsvc.store.migrate import require_newest
from certsvc.web.built import MISSING_BUILD_ZH, load_built

if TYPE_CHECKING:
    from certsvc.app import Service

log = structlog.get_logger("certsvc.serve")

CLIENTS_FILE = "sandbox-clients.json"
"""Where the sandbox leaves the secrets of its client systems, readable by the owner alone."""


def run_server(*, port: int | None, workers: int | None, loops: bool | None = None) -> None:
    """Serve until told to stop; without ``loops`` only answer, and leave issuing and relaying to other processes."""
    asked = {"port": port, "serve_loops": loops}
    settings = load_settings({key: value for key, value in asked.items() if value is not None})
    configure_logs(settings.log_level)
    listener = _listen(settings.host, settings.port)
    if load_built() is None:
        Console(stderr=True).print(MISSING_BUILD_ZH, highlight=False, soft_wrap=True)
    prepare(settings)
    service = build(settings)
    door = None
    try:
        door = service.operations_door()
        if settings.sandbox and settings.serve_loops:
            seed_and_tell(service)
            request_samples(service)
            request_sample_signings(service)
        # uvicorn stops at SIGTERM and then sends it again, to whoever had it before: that must not kill the loops
        # in the middle of a seal's use, before they are stopped below.
        signal.signal(signal.SIGTERM, lambda *_: None)
        if settings.serve_loops:
            start_issuing(service, threads=workers)
        else:
            service.loops.follow()
        app = service.application()
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # whose they are believed is ours to say (``api/proxies.py``)
            timeout_graceful_shutdown=10,
        )
        settle_memory()
        StreamingServer(app, config).run(sockets=[listener])
    finally:
        if door is not None:
            door.close()
        service.close()
        listener.close()


def _listen(host: str, port: int) -> socket.socket:
    """Take the port before anything is touched."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"端口 {host}:{port} 不能使用（可能已有服务在运行）；请先停止它，或用 --port 换一个端口"
        ) from error
    return listener


def seed_and_tell(service: Service) -> dict[str, str]:
    """Register the sandbox's parties and say where to click."""
    settings = service.settings
    path = settings.var_dir / CLIENTS_FILE
    # A restart keeps the secrets: systems that are connected stay connected.
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    parties = seed_sandbox(service.deps, known)
    make_sample_objects(service.deps)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(dict(parties.secrets), file, ensure_ascii=False, indent=2)
    base = f"http://{settings.host}:{settings.port}"
    console = Console(stderr=True)
    for label, address in (
        ("公众核验", f"{base}/"),
        ("持证人", f"{base}/holder"),
        ("电子签名", f"{base}/sign"),
        ("执法人员", f"{base}/officer"),
        ("综合窗口", f"{base}/counter"),
        ("用证部门", f"{base}/department"),
        ("电子监察", f"{base}/supervision"),
        ("管理台", f"{base}/console"),
        ("印章管理", f"{base}/seals"),
        ("文件盖章", f"{base}/stamp"),
        ("证照目录", f"{base}/catalog"),
        ("接口文档", f"{base}/v1/openapi.json"),
        ("客户端凭据", str(path)),
    ):
        console.print(f"{label.ljust(5, '　')}　{address}", highlight=False, soft_wrap=True)
    return dict(parties.secrets)


def request_samples(service: Service) -> None:
    """Ask for one license of every type, so that the sandbox can be clicked through; a restart asks for nothing new."""
    deps = service.deps
    with deps.uow.read() as tx:
        platform = tx.access.client(PLATFORM)
    if platform is None:
        msg = "the sandbox was not seeded"
        raise RuntimeError(msg)
    for kind in deps.catalog.types:
        body = parse_issuance(sample_body(deps.catalog, kind.slug, f"SANDBOX-{kind.slug}"))
        try:
            accept_issuance(deps, of_client(platform), body, Origin())
        except BusinessKeyConflict:
            log.info("sample was issued from an older catalog", action="sandbox.sample", type=kind.slug)


def run_loops(*, relay: bool) -> None:
    """Run issuing threads, or sequencer and relay, until told to stop; ``serve`` brings the schema, they do not."""
    settings = load_settings()
    configure_logs(settings.log_level)
    require_newest(settings.database)
    service = build(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    door = None
    try:
        door = service.operations_door()
        settle_memory()
        service.loops.start(workers=0 if relay else settings.worker_threads, relay=relay)
        log.info("started", action="relay.started" if relay else "worker.started")
        stop.wait()
    finally:
        if door is not None:
            door.close()
        service.close()
