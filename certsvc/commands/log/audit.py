"""Audit everything that the log proves; looking changes nothing."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from certsvc.commands.log.audit_rows import RowAudit
from certsvc.commands.log.audit_tree import TreeAudit
from certsvc.commands.log.findings import AuditReport, Found
from certsvc.errors import IntegrityError, InvalidInput, NotFound
from certsvc.events.checkpoint import read_note
from certsvc.events.epochs import split_origin
from certsvc.events.merkle import range_root
from certsvc.events.tiles import HEIGHT, Layers, TileNodes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from certsvc.commands.ports import Deps
    from certsvc.commands.reconcile_ports import Ledger
    from certsvc.events.checkpoint import TreeHead
    from certsvc.events.epochs import Epochs
    from certsvc.events.tiles import Edge

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
        if head.size:
            _hold_against(deps, report, head)


def _hold_against(deps: Deps, report: AuditReport, head: TreeHead) -> None:
    about = f"规模 {head.size}"
    try:
        with deps.uow.read() as tx:
            edge, epochs = tx.log.edge(), tx.log.epochs()
        end = epochs.end_of(split_origin(head.origin)[1])
        if end is not None and head.size > end:
            detail = f"日志恢复后自第 {end} 条起另起名称，所给检查点的其余部分不在现在的日志中"
            report.tell(Found.LEAF_MISSING, f"{end + 1} 至 {head.size}", detail)
        elif head.size > edge.size:
            report.tell(Found.LEAF_MISSING, f"{edge.size + 1} 至 {head.size}", "所给检查点之后日志被截短")
        elif range_root(0, head.size, TileNodes(partial(_tile, deps, edge, epochs))) != head.root:
            report.tell(Found.ROOT_DIFFERS, about, "现在的日志不以所给检查点为开头：日志分叉")
    except (IntegrityError, NotFound, ValueError, RuntimeError):  # what is torn is named by the audit itself
        report.tell(Found.ROOT_DIFFERS, about, "日志文件或边缘数据残缺，算不出所给检查点的根")


def _tile(deps: Deps, edge: Edge, epochs: Epochs, level: int, number: int) -> Layers:
    """As much of a tile as there is, read anew."""
    if number < edge.size >> HEIGHT * (level + 1):
        return Layers(deps.objects.get(epochs.tile_name(level, number)))
    return Layers(b"".join(edge.levels[level]))
