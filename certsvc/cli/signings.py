"""Commands about people's signatures: requests out to a CA, certificates in, rounds, uses without an answer."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certsvc.cli.program import Program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certsvc.app import Service

signers_app = Program(help="个人电子签名 · e-signatures of people")
signings_app = Program(help="签署 · signing rounds")

OPERATOR = "operator-cli"


@contextmanager
def _service() -> Iterator[Service]:
    from certsvc.app import build
    from certsvc.settings import load_settings

    service = build(load_settings())
    try:
        yield service
    finally:
        service.close()


@signers_app.command("requests")
def requests(
    out: Annotated[Path, typer.Argument(help="写到哪个目录", file_okay=False)],
) -> None:
    """写出等待签发的证书请求（PKCS#10），交电子认证服务机构 · certificate requests that wait."""
    from certsvc.commands.signers.apply import waiting_for_certificates

    with _service() as service:
        waiting = waiting_for_certificates(service.deps)
    out.mkdir(parents=True, exist_ok=True)
    for signer in waiting:
        (out / f"{signer.signer_id}.csr").write_text(signer.csr, encoding="ascii")
    typer.echo(f"证书请求 {len(waiting)} 件")


@signers_app.command("accept")
def accept(
    signer_id: Annotated[str, typer.Argument(help="电子签名编号")],
    answer: Annotated[Path, typer.Argument(help="证书及其上级证书（PEM，不含根证书）", exists=True, dir_okay=False)],
) -> None:
    """登记签发的证书，电子签名随即启用 · put a CA's answer to its signer."""
    from certsvc.commands.signers.apply import accept_certificate

    with _service() as service:
        accept_certificate(service.deps, signer_id, answer.read_bytes(), actor=OPERATOR)
    typer.echo("已启用")


@signers_app.command("revoked")
def revoked(
    issuer: Annotated[str, typer.Option(help="签发证书的密钥编号，缺省为全部")] = "",
) -> None:
    """列出已吊销的个人证书，供制作吊销列表 · revoked certificates of people, one a line."""
    with _service() as service, service.deps.uow.read() as tx:
        for one in tx.signers.revoked_certificates(issuer):
            typer.echo(f"{one.issuer_key_id}\t{one.serial}\t{one.revoked_at.isoformat()}\t{one.reason}")


@signers_app.command("unanswered")
def unanswered(
    older_than: Annotated[int, typer.Option(help="秒")] = 300,
) -> None:
    """列出已预留而无结果的个人密钥使用 · uses of people's keys without an answer."""
    from certsvc.commands.signings.maintain import unanswered_signer_uses

    with _service() as service:
        rows = unanswered_signer_uses(service.deps, older_than_s=older_than)
    for row in rows:
        typer.echo(f"{row.use_id}\t{row.signer_id}\t{row.round_id}\t{row.reserved_at.isoformat()}\t{row.result.value}")
    typer.echo(f"悬而未决的签名 {len(rows)} 件")


@signings_app.command("maintain")
def maintain() -> None:
    """终止逾期的签署、补盖待盖的印章、停止证书到期的电子签名（服务运行时自动进行） · one look at what time brings."""
    from certsvc.commands.signings.maintain import maintain_signings

    with _service() as service:
        done = maintain_signings(service.deps)
    typer.echo(
        f"逾期终止 {done.rounds_expired} 件，盖章 {done.rounds_sealed} 件，到期的电子签名 {done.signers_expired} 个"
    )
