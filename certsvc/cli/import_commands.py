"""Subcommands of ``certsvc import`` and ``certsvc bulk``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from certsvc.cli.program import Program
from certsvc.license.bulk import WINDOW
from certsvc.license.imports import Judgement
from certsvc.license.stock import Trust

import_app = Program(help="存量导入 · licenses that were issued before")
bulk_app = Program(help="批量办理 · one decision about many licenses")

ImportId = Annotated[str, typer.Argument(help="批次编号")]
BulkId = Annotated[str, typer.Argument(help="批量办理编号")]
Clerk = Annotated[str, typer.Option("--by", help="批量经办人（certsvc people bind 绑定的账号）")]
Verifier = Annotated[str, typer.Option("--by", help="批量核实人，不得是上传人或经办人")]
Either = Annotated[str, typer.Option("--by", help="批量经办人或批量核实人")]
Reason = Annotated[str, typer.Option(help="意见或原因")]


@import_app.command("template")
def import_template(
    license_type: Annotated[str, typer.Argument(help="证照类型")],
    out: Annotated[Path | None, typer.Option(help="写到哪里，缺省为“类型.xlsx”", dir_okay=False)] = None,
) -> None:
    """写出一种证照的存量模板（XLSX） · the template of a type."""
    from certsvc.cli.imports import write_template

    target = out or Path(f"{license_type}.xlsx")
    write_template(license_type, target)
    typer.echo(str(target))


@import_app.command("check")
def import_check(
    file: Annotated[Path, typer.Argument(help="CSV、XLSX 或 ZIP", exists=True, dir_okay=False)],
    license_type: Annotated[str, typer.Option("--type", help="证照类型")],
    trust: Annotated[Trust, typer.Option(help="可信等级")],
    by: Clerk,
    out: Annotated[Path | None, typer.Option(help="逐行结果写到哪里（.xlsx 或 .csv）", dir_okay=False)] = None,
) -> None:
    """上传并逐行检查，不制发任何证照；有误的行退出码为 1 · upload and check; nothing is issued."""
    from certsvc.cli.imports import check_upload

    raise typer.Exit(0 if check_upload(file, type_slug=license_type, trust=trust, by=by, out=out) else 1)


@import_app.command("status")
def import_status(
    by: Either, import_id: Annotated[str, typer.Argument(help="批次编号，缺省列出最近的批次")] = ""
) -> None:
    """批次的进度 · how far an import is."""
    from certsvc.cli.imports import show

    show(import_id, by=by)


@import_app.command("result")
def import_result(
    import_id: ImportId,
    by: Either,
    out: Annotated[Path, typer.Option(help="写到哪里（.xlsx 或 .csv）", dir_okay=False)],
) -> None:
    """写出带“结果、原因”两列的表 · the table with results and reasons."""
    from certsvc.cli.imports import write_result

    write_result(import_id, out, by=by)
    typer.echo(str(out))


@import_app.command("sample")
def import_sample(
    import_id: ImportId, by: Verifier, size: Annotated[int, typer.Option(min=0, help="样本行数，0 为按规则")] = 0
) -> None:
    """抽样并列出样本 · draw the sample."""
    from certsvc.cli.imports import draw_rows

    draw_rows(import_id, by=by, size=size)


@import_app.command("judge")
def import_judge(
    import_id: ImportId,
    row: Annotated[int, typer.Argument(help="表中行号")],
    outcome: Annotated[Judgement, typer.Argument(help="confirmed 一致 · refused 不一致")],
    by: Verifier,
    reason: Reason = "",
) -> None:
    """记录样本一行的核对结果 · what the comparison with the original found."""
    from certsvc.cli.imports import judge_row

    judge_row(import_id, row, outcome, by=by, reason=reason)
    typer.echo("已记录")


@import_app.command("approve")
def import_approve(import_id: ImportId, by: Verifier, reason: Reason) -> None:
    """批准，开始制证 · approve."""
    from certsvc.cli.imports import decide

    typer.echo(decide(import_id, by=by, reason=reason, agrees=True))


@import_app.command("refuse")
def import_refuse(import_id: ImportId, by: Verifier, reason: Reason) -> None:
    """不予批准，不制发任何一张 · refuse the whole import."""
    from certsvc.cli.imports import decide

    typer.echo(decide(import_id, by=by, reason=reason, agrees=False))


@import_app.command("drop")
def import_drop(import_id: ImportId, by: Clerk, reason: Reason) -> None:
    """批准前放弃 · take an import back."""
    from certsvc.cli.imports import take_back

    typer.echo(take_back(import_id, by=by, reason=reason))


@import_app.command("watch")
def import_watch(
    import_id: ImportId, by: Either, work: Annotated[bool, typer.Option("--work", help="由本进程制证")] = False
) -> None:
    """显示制证进度直到办结 · watch it being issued."""
    from certsvc.cli.imports import watch

    watch(import_id, by=by, work=work)


@bulk_app.command("preview")
def bulk_preview(
    licenses: Annotated[Path, typer.Argument(help="文本文件，一行一个证照标识或编号", exists=True, dir_okay=False)],
    action: Annotated[str, typer.Option(help="suspend resume rescind withdraw revoke cancel void reinstate renew")],
    document_no: Annotated[str, typer.Option(help="文书号")],
    decided_on: Annotated[str, typer.Option(help="决定日期，如 2026-01-15")],
    basis: Annotated[str, typer.Option(help="法律依据")],
    by: Clerk,
    license_type: Annotated[str, typer.Option("--type", help="证照类型，按编号列出时必填")] = "",
    until: Annotated[str, typer.Option(help="暂扣截止日期")] = "",
    valid_until: Annotated[str, typer.Option(help="延续后的截止日期")] = "",
    window_hours: Annotated[int, typer.Option(min=0, help="确认后等待几小时再生效")] = int(
        WINDOW.total_seconds() // 3600
    ),
    why_short: Annotated[str, typer.Option(help="等待期较短的理由")] = "",
) -> None:
    """预览，不改变任何证照 · preview; nothing is moved."""
    from certsvc.cli.bulks import preview

    asked = {
        "action": action,
        "type": license_type,
        "document_no": document_no,
        "decided_on": decided_on,
        "basis": basis,
        "until": until or None,
        "valid_until": valid_until or None,
        "window_hours": window_hours,
        "why_short": why_short,
    }
    preview(licenses, asked, by=by)


@bulk_app.command("confirm")
def bulk_confirm(
    bulk_id: BulkId, by: Verifier, count: Annotated[int, typer.Option(min=1, help="预览中可以办理的张数")]
) -> None:
    """确认，等待期满后生效 · confirm."""
    from certsvc.cli.bulks import confirm

    typer.echo(confirm(bulk_id, by=by, count=count))


@bulk_app.command("drop")
def bulk_drop(bulk_id: BulkId, by: Either, reason: Reason) -> None:
    """生效前取消办理 · drop it before it takes effect."""
    from certsvc.cli.bulks import take_back

    typer.echo(take_back(bulk_id, by=by, reason=reason))


@bulk_app.command("status")
def bulk_status(bulk_id: BulkId, by: Either) -> None:
    """办理进度与逐张结果 · how far it is."""
    from certsvc.cli.bulks import show

    show(bulk_id, by=by)
