"""The governance part of a type file: category, seals, checks, paper, relations, stock, legal bases.

Every key is optional, so that a file can begin small; ``report.py`` lists what a department still owes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypedDict

from certsvc.catalog.entry import LEVELS, Category, PaperRule, PeriodicCheck, SatisfiedFiling, Stock

if TYPE_CHECKING:
    from certsvc.catalog.toml_table import Table

SEAL_NAMES = ("法定名称章", "电子证照专用章", "行政审批专用章", "业务专用章")
"""Seals that licenses bear; finance, contract and invoice seals never do."""
MAX_CHECK_MONTHS = 120
MAX_DUPLICATES = 99
MAX_STOCK = 100_000_000
"""No city has more licenses of one type; more is a slip of the pen."""
FIRST_YEAR, LAST_YEAR = 1949, 2100

_CODE = re.compile(r"[a-z][a-z0-9_]{2,39}")
_OVERDUE = "逾期"


class Governance(TypedDict):
    """Keyword arguments of :class:`~certsvc.catalog.model.LicenseType`."""

    category: Category
    level: int
    document: bool
    seals: tuple[str, ...]
    periodic_checks: tuple[PeriodicCheck, ...]
    paper: PaperRule
    promise: bool
    supplement: bool
    all_holders: bool
    stock: Stock | None
    laws: tuple[str, ...]
    satisfies: tuple[SatisfiedFiling, ...]
    depends_on: tuple[str, ...]


def read_governance(root: Table) -> Governance:
    """Read the part that is about the type as an entry of the catalog.

    Raises:
        ConfigurationError: a wrong key or value; references to other files are checked by ``loader.py``.
    """
    category = Category(root.choice("category", tuple(Category))) if "category" in root else Category.LICENSE
    document = root.flag("document") if "document" in root else False
    if document and category not in (Category.APPROVAL, Category.MATERIAL):
        root.refuse("category", "文书应为批文（approval）或材料（material）")
    seals = root.texts("seals") if "seals" in root else ()
    for name in seals:
        if name not in SEAL_NAMES:
            root.refuse("seals", f"“{name}”不是可用的印章：{'、'.join(SEAL_NAMES)}")
    return Governance(
        category=category,
        level=root.integer("level", min(LEVELS), max(LEVELS)) if "level" in root else 2,
        document=document,
        seals=seals,
        periodic_checks=_checks(root),
        paper=_paper(root),
        promise=root.flag("promise") if "promise" in root else False,
        supplement=root.flag("supplement") if "supplement" in root else False,
        all_holders=root.flag("all_holders") if "all_holders" in root else False,
        stock=_stock(root),
        laws=root.texts("laws") if "laws" in root else (),
        satisfies=_satisfies(root),
        depends_on=root.texts("depends_on") if "depends_on" in root else (),
    )


def _checks(root: Table) -> tuple[PeriodicCheck, ...]:
    checks: list[PeriodicCheck] = []
    for table in root.tables("periodic_checks") if "periodic_checks" in root else ():
        check = PeriodicCheck(
            name=table.text("name"),
            months=table.integer("months", 1, MAX_CHECK_MONTHS),
            overdue=table.text("overdue"),
        )
        table.done()
        if not check.overdue.startswith(_OVERDUE):
            table.refuse("overdue", f"应以“{_OVERDUE}”开头，例如 逾期未复审")
        if check.name in (other.name for other in checks):
            table.refuse("name", f"“{check.name}”重复")
        checks.append(check)
    return tuple(checks)


def _paper(root: Table) -> PaperRule:
    if "paper" not in root:
        return PaperRule()
    table = root.table("paper")
    paper = PaperRule(
        duplicates=table.integer("duplicates", 0, MAX_DUPLICATES),
        annex=table.text_or_empty("annex"),
        card_before_detention=table.flag("card_before_detention"),
    )
    table.done()
    return paper


def _stock(root: Table) -> Stock | None:
    if "stock" not in root:
        return None
    table = root.table("stock")
    stock = Stock(
        count=table.integer("count", 0, MAX_STOCK),
        first_year=table.integer("first_year", FIRST_YEAR, LAST_YEAR),
        last_year=table.integer("last_year", FIRST_YEAR, LAST_YEAR),
        source=table.text("source"),
    )
    table.done()
    if stock.last_year < stock.first_year:
        table.refuse("last_year", "早于 first_year")
    return stock


def _satisfies(root: Table) -> tuple[SatisfiedFiling, ...]:
    filings: list[SatisfiedFiling] = []
    for table in root.tables("satisfies") if "satisfies" in root else ():
        filing = SatisfiedFiling(
            code=table.matching("code", _CODE, "应由小写字母、数字、下划线组成"), name=table.text("name")
        )
        table.done()
        if filing.code in (other.code for other in filings):
            table.refuse("code", f"“{filing.code}”重复")
        filings.append(filing)
    return tuple(filings)
