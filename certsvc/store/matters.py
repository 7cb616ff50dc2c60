"""The list of matters (事项) and its versions."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from certsvc.license.matters import ListedMatter, MatterChange, MatterChangeKind, MatterListVersion
from certsvc.store.tables_matters import matter_changes, matter_versions, matters
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import RowMapping

    from certsvc.store.transaction import Transaction

_M, _V, _C = matters.c, matter_versions.c, matter_changes.c
_VERSIONS = select(*_V).where(_V.version > 0).order_by(_V.version.desc()).limit(bindparam("most"))
_ALL = select(*_M).order_by(_M.code)
_BY_CODE = select(*_M).where(_M.code == bindparam("which"))
_PAGE = select(*_M).where(_M.code > bindparam("last")).order_by(_M.code).limit(bindparam("most"))
_PAGE_OF = (
    select(*_M)
    .where(_M.authority_code == bindparam("whose"), _M.code > bindparam("last"))
    .order_by(_M.code)
    .limit(bindparam("most"))
)
_CHANGES_OF = select(*_C).where(_C.code == bindparam("which")).order_by(_C.version.desc()).limit(bindparam("most"))


@cache
def _put(dialect: str) -> Insert:
    made = insert_into(dialect, matters)
    rest = {column.name: made.excluded[column.name] for column in matters.c if not column.primary_key}
    return made.on_conflict_do_update(index_elements=[_M.code], set_=rest)


@cache
def _add_version(dialect: str) -> Insert:
    return insert_into(dialect, matter_versions).on_conflict_do_nothing(index_elements=[_V.version])


@cache
def _note(dialect: str) -> Insert:
    return insert_into(dialect, matter_changes)


class MatterRows:
    """Implements ``matter_ports.Matters``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def newest_version(self) -> MatterListVersion | None:
        """The last import."""
        return next(iter(self.versions(limit=1)), None)

    def add_version(self, version: MatterListVersion) -> bool:
        """Store an import; False when another took its number."""
        done = self._tx.changed(
            _add_version(self._tx.dialect),
            version=version.version,
            source=version.source,
            digest=version.digest,
            imported_by=version.imported_by,
            imported_at=version.imported_at,
            matters=version.matters,
            added=version.added,
            changed=version.changed,
            ended=version.ended,
        )
        return done == 1

    def versions(self, *, limit: int) -> Sequence[MatterListVersion]:
        """Imports, newest first."""
        return [MatterListVersion(**dict(row)) for row in self._tx.rows(_VERSIONS, most=limit)]

    def put(self, changes: Sequence[MatterChange]) -> None:
        """Store matters as they are from their version on, and what changed."""
        self.keep([change.now for change in changes])
        rows = [
            {
                "code": change.now.code,
                "version": change.version,
                "kind": change.kind.value,
                "at": change.at,
                "was_name": change.was.name if change.was else None,
                "was_authority": change.was.authority_code if change.was else None,
                "was_ends_on": change.was.ends_on if change.was else None,
                "was_version": change.was.version if change.was else None,
                "name": change.now.name,
                "authority_code": change.now.authority_code,
                "ends_on": change.now.ends_on,
            }
            for change in changes
        ]
        self._tx.changed_all(_note(self._tx.dialect), rows)

    def keep(self, matters: Sequence[ListedMatter]) -> None:
        """Store matters as they stand."""
        rows = [
            {
                "code": one.code,
                "name": one.name,
                "authority_code": one.authority_code,
                "ends_on": one.ends_on,
                "version": one.version,
            }
            for one in matters
        ]
        self._tx.changed_all(_put(self._tx.dialect), rows)

    def all(self) -> Sequence[ListedMatter]:
        """Every matter, by code."""
        return [ListedMatter(**dict(row)) for row in self._tx.rows(_ALL)]

    def page(self, *, authority_code: str, behind: str, limit: int) -> Sequence[ListedMatter]:
        """Matters by code behind ``behind``; of one body, unless ``authority_code`` is empty."""
        rows = (
            self._tx.rows(_PAGE_OF, whose=authority_code, last=behind, most=limit)
            if authority_code
            else self._tx.rows(_PAGE, last=behind, most=limit)
        )
        return [ListedMatter(**dict(row)) for row in rows]

    def by_code(self, code: str) -> ListedMatter | None:
        """The matter."""
        row = self._tx.row(_BY_CODE, which=code)
        return None if row is None else ListedMatter(**dict(row))

    def changes_of(self, code: str, *, limit: int) -> Sequence[MatterChange]:
        """What the versions changed in it, newest first."""
        return [_change(row) for row in self._tx.rows(_CHANGES_OF, which=code, most=limit)]


def _change(row: RowMapping) -> MatterChange:
    was = None
    if row["was_name"] is not None:
        was = ListedMatter(
            code=row["code"],
            name=row["was_name"],
            authority_code=row["was_authority"],
            ends_on=row["was_ends_on"],
            version=row["was_version"],
        )
    now = ListedMatter(
        code=row["code"],
        name=row["name"],
        authority_code=row["authority_code"],
        ends_on=row["ends_on"],
        version=row["version"],
    )
    kind = as_word(MatterChangeKind, row["kind"])
    return MatterChange(version=row["version"], kind=kind, at=row["at"], was=was, now=now)
