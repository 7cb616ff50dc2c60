"""``make demo``: the whole main job on the embedded default, over real HTTP, with a report that is true."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import uvicorn
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from certsvc.app import build, prepare
from certsvc.catalog.masks import apply_mask
from certsvc.catalog.model import Mask
from certsvc.cli.demo_city import City
from certsvc.cli.demo_steps import STEPS
from certsvc.cli.http_server import StreamingServer
from certsvc.cli.logs import configure_logs
from certsvc.commands.access.seed_sandbox import seed_sandbox
from certsvc.commands.seals.sample_objects import make_sample_objects
from certsvc.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from certsvc.app import Service

START_TIMEOUT_S = 30
RATE = 100_000
"""The demo is one caller that does the work of many."""

MARK = ".certsvc-demo"
"""Only a directory that carries this file is emptied before a run."""


class StepFailed(Exception):
    """A step of the demo did not hold."""


def run_demo(out: Path) -> bool:
    """Run every step, print the table, write ``report.json``; True when all held."""
    _fresh(out)
    settings = load_settings({"profile": "sandbox", "var_dir": out, "port": 0, "rate_limit_per_minute": RATE})
    configure_logs("ERROR")
    console = Console()
    columns = (
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    report: list[dict[str, object]] = []
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("准备密钥、印章与数据库", total=len(STEPS) + 1)
        prepare(settings)
        service = build(settings)
        try:
            parties = seed_sandbox(service.deps)
            make_sample_objects(service.deps)
            report.append(
                {"name": "建立开发密钥体系、印章与数据库", "ok": True, "detail": f"印章 {_seals(service)} 枚"}
            )
            progress.advance(task)
            service.loops.start(workers=2, relay=True)
            with serving(service) as base, httpx.Client(base_url=base, timeout=60) as client:
                city = City(
                    client=client,
                    out=out,
                    secrets=dict(parties.secrets),
                    people=parties.people,
                    catalog=service.deps.catalog,
                    anchor=settings.keys / "trust",
                )
                for name, step in STEPS:
                    progress.update(task, description=name)
                    report.append(_run(name, step, city))
                    progress.advance(task)
        finally:
            service.close()
    ok = all(bool(row["ok"]) for row in report)
    (out / "report.json").write_text(
        json.dumps({"ok": ok, "steps": report, "licenses": city.licenses}, ensure_ascii=False, indent=2),
        encoding="utf-8",
    )
    _print(console, report, city, out)
    return ok


def _run(name: str, step: Callable[[City], str], city: City) -> dict[str, object]:
    try:
        return {"name": name, "ok": True, "detail": step(city)}
    except Exception as error:  # noqa: BLE001  (a failed step is a line of the report, whatever it was)
        return {"name": name, "ok": False, "detail": f"{type(error).__name__}: {error}"}


def _fresh(out: Path) -> None:
    """Empty the demo's own directory; refuse any other that is not empty."""
    if out.exists():
        if not (out / MARK).exists() and any(out.iterdir()):
            raise StepFailed(f"{out} 不是演示目录且不为空；请用 --out 指定新目录")
        shutil.rmtree(out)
    out.mkdir(parents=True)
    (out / MARK).touch()


@contextmanager
def serving(service: Service, *, port: int = 0) -> Iterator[str]:
    """The application on a loopback port, a free one unless told, in this process."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", port))
    app = service.application()
    server = StreamingServer(app, uvicorn.Config(app, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_TIMEOUT_S
    while not server.started:
        if time.monotonic() > deadline or not thread.is_alive():
            raise StepFailed("服务没有启动")
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(START_TIMEOUT_S)
        listener.close()


def _seals(service: Service) -> int:
    with service.deps.uow.read() as tx:
        return len(tx.seals.all())


def _print(console: Console, report: list[dict[str, object]], city: City, out: Path) -> None:
    steps = Table(Column("步骤", no_wrap=True), "结果", Column("说明", overflow="fold"), title="演示步骤")
    for row in report:
        steps.add_row(str(row["name"]), "[green]✔[/green]" if row["ok"] else "[red]✘[/red]", str(row["detail"]))
    names, verdicts = Column("证照", overflow="fold"), Column("现在核验", overflow="fold")
    licenses = Table(names, Column("编号", no_wrap=True), verdicts, "pdfsig", title="签发的证照")
    for row in city.licenses:
        kind = city.catalog.type(str(row["type"]))
        # A number that is an ID number is not printed where everything may be logged (DOMAIN.md 3).
        number = apply_mask(Mask.CODE_TAIL, str(row["number"])) if kind.number_embeds_id else str(row["number"])
        licenses.add_row(kind.name, number, f"{row['verdict']} {row['text']}", str(row["pdfsig"]))
    console.print(steps)
    console.print(licenses)
    command = f"CERTSVC_PROFILE=sandbox CERTSVC_VAR_DIR={out} .venv/bin/certsvc verify"
    for line in (
        "pdfsig 只看文件上的印章；证照现在能不能用，要问登记：被吊销、已换发的文件印章仍然完好。",
        f"文件与报告：{out}（report.json）",
        f"自己核验一件：{command} {city.licenses[0]['pdf']}" if city.licenses else "",
        "点一点：make serve（另有一套密钥，演示的文件在那里会显示“印章不在信任列表内”）",
    ):
        console.print(line, highlight=False, soft_wrap=True)
