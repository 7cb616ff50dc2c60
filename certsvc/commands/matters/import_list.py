"""Import a version of the list of matters: the whole list of its one source, all of it or nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.matters.list_file import MAX_BYTES, read_list
from certsvc.commands.shapes import Line
from certsvc.commands.sharing.policy_board import Orphan, draw, seed_matters
from certsvc.errors import Conflict
from certsvc.events.matter_payloads import MattersImported
from certsvc.license.matters import ListedMatter, MatterChange, MatterChangeKind, MatterListVersion, compare

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork

MANY_ENDINGS = 10
"""More matters than this end with one import only if it says how many: a list that was cut off in the middle looks
like one that ends half the matters of a city."""

IMPORTERS = (roles.CATALOG_PUBLISHER, roles.OPERATOR)


class MatterListBody(BaseModel):
    """事项清单：来源和全文；清单须是全量."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Line = Field(min_length=1, max_length=100, description="来源，如“省政务服务事项管理系统”")
    form: Literal["csv", "toml"] = Field(description="csv 或 toml")
    content: str = Field(min_length=1, max_length=MAX_BYTES, description="清单全文，须是全量：未列出的事项将终止")
    endings: int | None = Field(default=None, ge=0, description=f"确认终止的事项数，超过 {MANY_ENDINGS} 项时必填")
    dry_run: bool = Field(default=False, description="只核对，不导入")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportAnswer:
    """What an import did, or would do.

    Attributes:
        version: the version that counts now; of a dry run the one it would be.
        imported: False for a dry run, and for the list that counts already.
        changes: what it changes, by code.
        orphans: policies that point to nothing afterwards; of a dry run those of now.
    """

    version: MatterListVersion
    imported: bool
    changes: tuple[MatterChange, ...]
    orphans: tuple[Orphan, ...]


def import_list(deps: Deps, caller: Principal, body: MatterListBody) -> ImportAnswer:
    """Compare a list with the one that counts and, unless it is a dry run, put it in its place.

    Raises:
        TooLarge, InvalidInput: as ``list_file.read_list``.
        Conflict: many matters would end and ``endings`` does not say so, or another import was faster.
    """
    return import_bytes(deps, caller, body, body.content.encode())


def import_bytes(deps: Deps, caller: Principal, body: MatterListBody, data: bytes) -> ImportAnswer:
    """The same over the file's bytes, which the digest is of."""
    roles.require(caller, *IMPORTERS)
    now = deps.clock.now()
    listed = read_list(body.form, data, has_authority=deps.catalog.has_authority)
    digest = hashlib.sha256(data).hexdigest()
    with deps.uow() if not body.dry_run else deps.uow.read() as tx:
        last = tx.matters.newest_version()
        if last is not None and last.digest == digest:
            return ImportAnswer(version=last, imported=False, changes=(), orphans=_orphans(deps, tx, now))
        known = seed_matters(deps.catalog) if last is None else {one.code: one for one in tx.matters.all()}
        number = last.version + 1 if last is not None else 1
        changes = _changes(known, listed, number, now)
        version = _version(caller, body, digest, number, len(listed), changes, now)
        if body.dry_run:
            return ImportAnswer(version=version, imported=False, changes=changes, orphans=_orphans(deps, tx, now))
        _check_endings(body, version.ended)
        if not tx.matters.add_version(version):
            raise Conflict("另一次导入刚刚完成，请重新核对后再导入")
        if last is None:
            touched = {change.now.code for change in changes}
            tx.matters.keep([one for one in known.values() if one.code not in touched])
        tx.matters.put(changes)
        tx.policies.set_mark(deps.ids.new("mrk"))
        orphans = _orphans(deps, tx, now)
        _tell(deps, tx, caller, version, len(orphans), now)
    return ImportAnswer(version=version, imported=True, changes=changes, orphans=orphans)


def _changes(
    known: dict[str, ListedMatter], listed: Sequence[ListedMatter], version: int, now: datetime
) -> tuple[MatterChange, ...]:
    day = local_day(now)
    here = {one.code for one in listed}
    gone = [
        replace(one, ends_on=day, version=version)
        for one in known.values()
        if one.code not in here and one.in_force(day)
    ]
    made: list[MatterChange] = []
    for one in [*(replace(one, version=version) for one in listed), *gone]:
        was = known.get(one.code)
        kind = compare(was, one, day)
        if kind is not None:
            made.append(MatterChange(version=version, kind=kind, at=now, was=was, now=one))
    return tuple(sorted(made, key=lambda change: change.now.code))


def _version(
    caller: Principal,
    body: MatterListBody,
    digest: str,
    number: int,
    matters: int,
    changes: Sequence[MatterChange],
    now: datetime,
) -> MatterListVersion:
    kinds = [change.kind for change in changes]
    return MatterListVersion(
        version=number,
        source=body.source,
        digest=digest,
        imported_by=caller.subject,
        imported_at=now,
        matters=matters,
        added=kinds.count(MatterChangeKind.ADDED),
        changed=kinds.count(MatterChangeKind.CHANGED) + kinds.count(MatterChangeKind.RESTORED),
        ended=kinds.count(MatterChangeKind.ENDED),
    )


def _check_endings(body: MatterListBody, ended: int) -> None:
    if ended > MANY_ENDINGS and body.endings != ended:
        raise Conflict(
            f"这份清单将终止 {ended} 项事项，其用证随即停止；请确认清单为全量，再以 endings={ended} 重新导入"
        )
    if body.endings is not None and body.endings != ended:
        raise Conflict(f"确认终止 {body.endings} 项，实际将终止 {ended} 项；请先试导入（dry_run）核对")


def _orphans(deps: Deps, tx: UnitOfWork, now: datetime) -> tuple[Orphan, ...]:
    # Drawn for this answer alone: what a transaction changed is no picture for others until it is committed.
    return draw(tx, deps.catalog, local_day(now)).orphans


def _tell(
    deps: Deps, tx: UnitOfWork, caller: Principal, version: MatterListVersion, orphans: int, now: datetime
) -> None:
    payload = MattersImported(
        version=version.version,
        digest=version.digest,
        matters=version.matters,
        added=version.added,
        changed=version.changed,
        ended=version.ended,
        orphans=orphans,
    )
    subject = f"matters.{version.version}"
    event_id, source = deps.ids.new("evt"), deps.policy.event_source
    tx.outbox.add(payload.event(event_id=event_id, source=source, subject=subject, at=now))
    content = {"version": version.version, "source": version.source, "digest": version.digest, "ended": version.ended}
    record(tx, deps, kind="matters.imported", subject=subject, actor=caller.subject, content=content, at=now)
