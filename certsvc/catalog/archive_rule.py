"""``[archive]`` of a type: 保管期限 and 归档时点; optional, so that catalogs of before stay good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.catalog.entry import ArchiveRule, ArchiveWhen, Keeping, keeping_for

if TYPE_CHECKING:
    from certsvc.catalog.local_part import LocalPart
    from certsvc.catalog.toml_table import Table

MOST_YEARS = 100


def read_archive(root: Table, local: LocalPart, *, document: bool) -> ArchiveRule:
    """The city's rule if it has one, else the standard's, else one that follows from ``retention_years``.

    A 文书 belongs to its case and is archived with it; a license when it has ended.

    Raises:
        ConfigurationError: a wrong key or value, or a 保管期限 that is over before the files may be deleted.
    """
    years = root.integer("retention_years", 1, MOST_YEARS)
    usual = ArchiveRule(keeping=keeping_for(years), when=ArchiveWhen.ISSUED if document else ArchiveWhen.ENDED)
    standard = _read(root, usual, years)
    part = local.part("archive", root)
    return standard if part is root else _read(part, standard, years)


def _read(parent: Table, otherwise: ArchiveRule, years: int) -> ArchiveRule:
    if "archive" not in parent:
        return otherwise
    table = parent.table("archive")
    keeping = Keeping(table.choice("keeping", tuple(Keeping))) if "keeping" in table else otherwise.keeping
    when = ArchiveWhen(table.choice("when", tuple(ArchiveWhen))) if "when" in table else otherwise.when
    table.done()
    if keeping.years is not None and keeping.years < years:
        table.refuse("keeping", f"保管期限（{keeping.zh}）不能短于文件保存年数 retention_years（{years} 年）")
    return ArchiveRule(keeping=keeping, when=when)
