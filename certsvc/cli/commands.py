"""The command line: every subcommand in one place; each does its work in a file of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from certsvc.cli.alert_commands import alerts
from certsvc.cli.archive_commands import archive_app
from certsvc.cli.audit_commands import audit_app
from certsvc.cli.backup_commands import backup_app
from certsvc.cli.care_commands import care_app
from certsvc.cli.catalog_commands import catalog_sample, catalog_start
from certsvc.cli.client_commands import clients_app
from certsvc.cli.clock_commands import clock_app
from certsvc.cli.code_commands import code_app
from certsvc.cli.consoles import answers
from certsvc.cli.event_commands import events_app
from certsvc.cli.facade_commands import facades_app
from certsvc.cli.import_commands import bulk_app, import_app
from certsvc.cli.logs import configure_logs
from certsvc.cli.matter_commands import matters_app
from certsvc.cli.moments import moment
from certsvc.cli.notice_commands import notices_app
from certsvc.cli.paper_commands import roles, sbom
from certsvc.cli.people_commands import people_app
from certsvc.cli.program import Program
from certsvc.cli.reconcile_commands import reconcile
from certsvc.cli.report_commands import reports_app
from certsvc.cli.seal_commands import keys_app, seals_app
from certsvc.cli.signings import signers_app, signings_app
from certsvc.cli.supervision_commands import supervision_app
from certsvc.cli.trust_commands import trust_app
from certsvc.cli.webhook_commands import webhooks_app
from certsvc.errors import CertsvcError

app = Program(
    name="certsvc",
    help="电子证照与电子印章服务 · e-license and e-seal service",
    pretty_exceptions_enable=False,
    add_completion=False,
)
db_app = Program(help="数据库 · database")
objects_app = Program(help="文件存储 · object store")
requests_app = Program(help="制证申请 · issuance requests")
catalog_app = Program(help="证照目录 · catalog")
for name, group in (
    ("keys", keys_app),
    ("db", db_app),
    ("seals", seals_app),
    ("objects", objects_app),
    ("catalog", catalog_app),
    ("requests", requests_app),
    ("clients", clients_app),
    ("matters", matters_app),
    ("people", people_app),
    ("signers", signers_app),
    ("signings", signings_app),
    ("trust", trust_app),
    ("events", events_app),
    ("webhooks", webhooks_app),
    ("facades", facades_app),
    ("notices", notices_app),
    ("import", import_app),
    ("bulk", bulk_app),
    ("backup", backup_app),
    ("audit", audit_app),
    ("archive", archive_app),
    ("reports", reports_app),
    ("code", code_app),
    ("clock", clock_app),
    ("supervision", supervision_app),
    ("care", care_app),
):
    app.add_typer(group, name=name)
app.command("reconcile")(reconcile)
app.command("alerts")(alerts)
app.command("roles")(roles)
app.command("sbom")(sbom)
catalog_app.command("start")(catalog_start)
catalog_app.command("sample")(catalog_sample)


@app.command()
def serve(
    port: Annotated[int | None, typer.Option(help="端口，缺省取配置")] = None,
    workers: Annotated[int | None, typer.Option(help="制证线程数")] = None,
    loops: Annotated[
        bool | None, typer.Option("--loops/--no-loops", help="是否也制证、投递；缺省取配置（serve_loops）")
    ] = None,
) -> None:
    """启动服务：接口、页面，并制证、投递 · API, pages and, unless --no-loops, workers and relay."""
    from certsvc.cli.serve import run_server

    run_server(port=port, workers=workers, loops=loops)


@app.command()
def worker() -> None:
    """只做制证 · issuing only; start as many as needed."""
    from certsvc.cli.serve import run_loops

    run_loops(relay=False)


@app.command()
def relay() -> None:
    """只做事件编号与投递 · sequencer and relay only."""
    from certsvc.cli.serve import run_loops

    run_loops(relay=True)


@app.command()
def remind(
    awaiting_of: Annotated[str, typer.Option(help="另列出此颁发机构的待注销清单（统一社会信用代码）")] = "",
) -> None:
    """检查到期事项并发出提醒（每日一次，可随时重跑） · the daily sweep of what falls due."""
    from certsvc.cli.maintain import awaiting_cancellation, sweep_dues

    typer.echo(sweep_dues())
    if awaiting_of:
        for line in awaiting_cancellation(awaiting_of):
            typer.echo(line)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="输出目录")] = Path("var/demo"),
) -> None:
    """从零开始演示全部主要业务 · the whole main job, end to end, with a report."""
    from certsvc.cli.demo import run_demo

    raise typer.Exit(0 if run_demo(out) else 1)


@app.command()
def verify(
    files: Annotated[list[Path], typer.Argument(help="PDF、.esl 文件，文件夹或 ZIP")],
    trust: Annotated[list[Path] | None, typer.Option(help="另加的信任证书（PEM），可多次")] = None,
    at: Annotated[str, typer.Option(help="核验时刻，如 2026-01-01T00:00:00Z")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="每个文件一行 JSON")] = False,
    report: Annotated[Path | None, typer.Option(help="另写一份报告（.csv 或 .xlsx）")] = None,
    receipts: Annotated[Path | None, typer.Option(help="为每个文件出具核验回执，存入此目录")] = None,
) -> None:
    """核验文件：退出码 0 通过、1 不通过、2 无法判定、3 用法有误."""
    from certsvc.cli.verify import Wanted, verify_paths

    wanted = Wanted(as_json=as_json, report=report, receipts=receipts)
    raise typer.Exit(verify_paths(files, trust or [], moment(at), wanted))


@app.command()
def receipt(
    receipts: Annotated[list[Path], typer.Argument(help="核验回执文件（.jws）")],
    keys: Annotated[Path | None, typer.Option(help="出具机关公布的公钥（JWKS），不填用本机的")] = None,
    of: Annotated[Path | None, typer.Option(help="回执所说的文件，一并核对")] = None,
) -> None:
    """查验核验回执：退出码 0 属实、1 不属实或不是这个文件的、3 用法有误."""
    from certsvc.cli.receipts import check_receipts

    raise typer.Exit(check_receipts(receipts, keys, of))


@app.command()
def bench(
    names: Annotated[list[str] | None, typer.Argument(help="指标名，缺省为全部")] = None,
    size: Annotated[list[int] | None, typer.Option(min=1000, help="增长曲线的登记数，可重复")] = None,
) -> None:
    """性能指标，每行一个 JSON · one JSON line per figure."""
    from certsvc.cli.bench import run_bench

    run_bench(names or [], size or [])


@app.command()
def openapi(
    out: Annotated[Path, typer.Option(help="写到哪里")] = Path("openapi"),
) -> None:
    """生成 OpenAPI 与事件模式 · write the API document and the event schemas."""
    from certsvc.cli.documents import write_documents

    for path in write_documents(out):
        typer.echo(str(path))


@app.command()
def gallery(
    out: Annotated[Path, typer.Option(help="写到哪里")] = Path("docs/pictures/gallery.png"),
    pages: Annotated[
        Path | None, typer.Option(help="另将每种样张写成单独的 PDF，便于逐页查看", file_okay=False)
    ] = None,
) -> None:
    """绘制全部证照类型的样张总览 · every type's sample page on one picture."""
    from certsvc.cli.gallery import write_gallery

    typer.echo(f"{out}：{write_gallery(out, pages)} 种证照和文书")


@app.command()
def states(
    out: Annotated[Path, typer.Option(help="写到哪里")] = Path("docs/states.md"),
) -> None:
    """生成证照状态与办理的说明 · write the page about states."""
    from certsvc.cli.states_document import states_markdown

    out.write_text(states_markdown(), encoding="utf-8")
    typer.echo(str(out))


@app.command()
def stamp(
    files: Annotated[list[Path], typer.Argument(help="PDF 文件", exists=True, dir_okay=False)],
    seal: Annotated[str, typer.Option(help="印章编号")],
    keeper: Annotated[str, typer.Option(help="印章保管人（certsvc people bind 绑定的账号）")],
    purpose: Annotated[str, typer.Option(help="用印事由")],
    keyword: Annotated[str, typer.Option(help="盖在这段可见文字上")] = "",
    count: Annotated[int, typer.Option(min=1, help="文字应出现几处")] = 1,
    at: Annotated[str, typer.Option(help="距左,距上（毫米），如 150,230")] = "",
    pages: Annotated[str, typer.Option(help="哪些页：all odd even first last 或 1,3-5")] = "last",
    seam: Annotated[bool, typer.Option(help="加盖骑缝章")] = False,
    date: Annotated[str, typer.Option(help="成文日期，如 2026-01-01")] = "",
    watermark: Annotated[str, typer.Option(help="水印文字")] = "",
    lock: Annotated[bool, typer.Option(help="盖章后不许再签名盖章")] = False,
    case_no: Annotated[str, typer.Option(help="文号或办件编号")] = "",
    out: Annotated[Path | None, typer.Option(help="输出目录，缺省同原文件", file_okay=False, exists=True)] = None,
) -> None:
    """给文件盖章 · stamp documents; exit 1 when some were refused."""
    from certsvc.catalog.validation import face_date
    from certsvc.cli.stamp import stamp_files
    from certsvc.seal.placing import point_of
    from certsvc.seal.stampings import StampCase, StampWish

    wish = StampWish(
        pages=pages,
        point_mm=point_of(at) if at else None,
        keyword=keyword,
        expected=count,
        seam=seam,
        date_text=face_date(date) if date else "",
        watermark=watermark,
        lock=lock,
    )
    case = StampCase(purpose=purpose, case_no=case_no)
    raise typer.Exit(stamp_files(files, keeper=keeper, seal_id=seal, wish=wish, case=case, out=out))


@db_app.command("upgrade")
def db_upgrade() -> None:
    """升级数据库结构 · bring the schema to the newest revision."""
    from certsvc.cli.maintain import upgrade_database

    typer.echo(f"数据库版本：{upgrade_database()}")


@objects_app.command("sweep")
def objects_sweep(
    delete: Annotated[bool, typer.Option("--delete", help="删除（缺省只列出）")] = False,
) -> None:
    """找出未登记的文件 · files that were sealed but never registered."""
    from certsvc.cli.maintain import sweep

    names = sweep(delete=delete)
    for name in names:
        typer.echo(name)
    typer.echo(f"未登记的文件 {len(names)} 个" + ("，已删除" if delete and names else ""))


@requests_app.command("stuck")
def requests_stuck(
    older_than: Annotated[int, typer.Option(help="秒")] = 600,
) -> None:
    """列出久未办结的申请及原因 · requests that wait, and why."""
    from certsvc.cli.maintain import stuck

    rows = stuck(older_than)
    table = Table("申请", "类型", "业务流水号", "状态", "次数", "原因", "最近一次")
    for row in rows:
        payload = row.payload
        cells = (row.request_id, payload.type_slug, payload.business_no, row.state.value, str(row.attempts))
        table.add_row(*cells, f"{row.reason_code} {row.reason_detail}", row.updated_at.isoformat())
    answers().print(table if rows else "没有久未办结的申请")


@catalog_app.command("check")
def catalog_check() -> None:
    """检查证照目录并试排全部版面 · check every type file and draw every face."""
    from certsvc.cli.maintain import check_catalog

    licenses, documents = check_catalog()
    typer.echo(f"目录检查通过：证照 {licenses} 种、文书 {documents} 种")


@catalog_app.command("propose")
def catalog_propose(
    by: Annotated[str, typer.Option(help="提案人（已登记，有目录提案角色）")],
    files: Annotated[list[Path] | None, typer.Argument(help="类型文件", exists=True, dir_okay=False)] = None,
    seeds: Annotated[bool, typer.Option("--seeds", help="目录中本部门定义或颁发、从未发布的全部类型")] = False,
) -> None:
    """提出类型的新版本 · propose versions of types."""
    from certsvc.cli.catalog_changes import propose_files

    for line in propose_files(files or [], seeds=seeds, by=by):
        typer.echo(line)


@catalog_app.command("preview")
def catalog_preview(
    proposal: Annotated[str, typer.Argument(help="提案编号")],
    by: Annotated[str, typer.Option(help="查看人")],
    out: Annotated[Path, typer.Option(help="写到哪里")] = Path("preview.pdf"),
) -> None:
    """用示例数据预览提案的证面（样本） · the proposed page with sample data."""
    from certsvc.cli.catalog_changes import preview_proposal

    preview_proposal(proposal, out, by=by)
    typer.echo(str(out))


@catalog_app.command("publish")
def catalog_publish(
    by: Annotated[str, typer.Option(help="发布人（已登记，有目录发布角色，且不是提案人）")],
    proposals: Annotated[list[str] | None, typer.Argument(help="提案编号")] = None,
    everything: Annotated[bool, typer.Option("--all", help="全部待发布的提案")] = False,
) -> None:
    """发布提案，各进程数秒内生效 · publish proposals together."""
    from certsvc.cli.catalog_changes import publish_proposals

    for line in publish_proposals(proposals or [], everything=everything, by=by):
        typer.echo(line)


@catalog_app.command("status")
def catalog_status() -> None:
    """待发布与已发布的类型 · what waits and what is published."""
    from certsvc.cli.catalog_changes import describe_catalog

    for line in describe_catalog():
        typer.echo(line)


@catalog_app.command("lists")
def catalog_lists(
    out: Annotated[Path, typer.Argument(help="写到哪个目录", file_okay=False)],
    files: Annotated[bool, typer.Option("--files", help="取类型文件（缺省取现行的已发布目录）")] = False,
) -> None:
    """写出证照目录、制作清单、四电应用清单、免证办事项清单（XLSX） · the public lists."""
    from certsvc.cli.catalog_lists import write_lists

    for line in write_lists(out, files=files):
        typer.echo(line)


@catalog_app.command("report")
def catalog_report(
    department: Annotated[str, typer.Option(help="只看此部门（统一社会信用代码）")] = "",
) -> None:
    """目录治理报告：各部门待补充、待核对的事项 · what each department owes the catalog."""
    from certsvc.cli.catalog_lists import report_tables

    console = answers()
    for part in report_tables(department):
        console.print(part)


@catalog_app.command("quality")
def catalog_quality(
    department: Annotated[str, typer.Option(help="只看此部门（统一社会信用代码）")] = "",
    files: Annotated[bool, typer.Option("--files", help="并逐件读取文件，与登记的摘要比对")] = False,
    out: Annotated[Path | None, typer.Option(help="另写成 XLSX", dir_okay=False)] = None,
) -> None:
    """登记数据质量报告：缺项、代码有误、未签章、重复，按部门 · what is wrong with the licenses in the register."""
    from certsvc.cli.quality import quality_tables

    console = answers()
    for part in quality_tables(department, files=files, out=out):
        console.print(part)


def main() -> None:
    """Run the command line; an expected error is one sentence on standard error and exit code 3."""
    # What is logged on the way belongs to standard error, and only when it matters: results are for people and scripts.
    configure_logs("WARNING")
    try:
        app()
    except CertsvcError as error:
        problems = [{"pointer": p.pointer, "detail": p.detail} for p in error.problems]
        Console(stderr=True).print(f"[bold]{error.title_zh}[/bold]：", end="")
        sys.stderr.write(error.detail + "\n")
        if problems:
            sys.stderr.write(json.dumps(problems, ensure_ascii=False, indent=2) + "\n")
        sys.exit(3)
