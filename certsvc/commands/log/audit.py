"""Audit everything that the log proves; looking changes nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.commands.log.audit_rows import RowAudit
from certsvc.commands.log.audit_tree import TreeAudit
from certsvc.commands.log.findings import AuditReport, Found
from certsvc.errors import InvalidInput
from certsvc.events.checkpoint import read_note
from certsvc.events.merkle import range_root
from certsvc.events.tiles import HEIGHT, TileNodes, split_hashes, tile_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from certsvc.commands.ports import Deps
    from certsvc.commands.reconcile_ports import Ledger

SETTLE_S = 30
"""A row younger than this may be on its way into the log; in a running service a leaf takes a second."""
LEAVES = "leaves"


def audit(
    deps: Deps,
    ledger: Ledger,
    *,
    rows: bool = True,
    files: bool = True,
    settle_s: int = SETTLE_S,
    watch: Callable[[str, int, int], None] = lambda _stage, _done, _of: None,
) -> AuditReport:
    """Recompute the log and compare rows, objects and timestamps with it.

    Args:
        deps: what is looked at.
        ledger: an empty one; it is used up.
        rows: whether the rows that leaves speak of are compared too, or the log alone.
        files: whether every file of a license is read.
        settle_s: age from which a row must be in the log.
        watch: called with the stage, how much was done and of how much (0: not known).

    Raises:
        Unavailable: database or object store do not answer; nothing can be said then.
    """
    report = AuditReport()
    settled = deps.clock.now() - timedelta(seconds=settle_s)
    compared = RowAudit(deps, ledger, report, settled=settled)
    TreeAudit(deps, report, compared.look if rows else None).run(lambda done, of: watch(LEAVES, done, of))
    if rows:
        compared.compare(lambda noun, count: watch(noun, count, 0), files=files)
    if not rows:
        report.not_checked.append("业务数据（--log-only）")
    elif not files:
        report.not_checked.append("证照文件（--no-files）")
    return report


def audit_against(deps: Deps, report: AuditReport, notes: Sequence[str]) -> None:
    """Compare checkpoints that somebody kept with the log of today: what was published then must be its beginning.

    Raises:
        InvalidInput: not a checkpoint of this log.
    """
    for note in notes:
        try:
            head, text, signatures = read_note(note)
        except ValueError as error:
            raise InvalidInput("所给的文件不是检查点") from error
        if not deps.log_signer.is_signed(text, signatures):
            raise InvalidInput("所给的检查点不是本服务签名的，或被改动过")
        with deps.uow.read() as tx:
            edge = tx.log.edge()

        def hashes(level: int, number: int) -> Sequence[bytes]:
            if number < edge.size >> HEIGHT * (level + 1):  # noqa: B023  (used up in this turn)
                return split_hashes(deps.objects.get(tile_name(level, number)))
            return edge.levels[level]  # noqa: B023

        if head.size > edge.size:
            report.tell(Found.LEAF_MISSING, f"{edge.size + 1} 至 {head.size}", "所给检查点之后日志被截短")
        elif head.size and range_root(0, head.size, TileNodes(hashes)) != head.root:
            report.tell(Found.ROOT_DIFFERS, f"规模 {head.size}", "现在的日志不以所给检查点为开头：日志分叉")
