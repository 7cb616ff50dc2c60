"""A type as an entry of the catalog (GB/T 36902): category, level, checks, paper, stock; and what joins types."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Category(StrEnum):
    """证照类别 of the catalog (GB/T 36902)."""

    LICENSE = "license"
    APPROVAL = "approval"
    PROOF = "proof"
    MATERIAL = "material"
    CARD = "card"

    @property
    def code(self) -> str:
        """The digit that catalogs exchange."""
        return _CATEGORIES[self][0]

    @property
    def zh(self) -> str:
        """The Chinese name."""
        return _CATEGORIES[self][1]


_CATEGORIES = {
    Category.LICENSE: ("1", "证照"),
    Category.APPROVAL: ("2", "批文"),
    Category.PROOF: ("3", "证明"),
    Category.MATERIAL: ("4", "材料"),
    Category.CARD: ("5", "证件"),
}

LEVELS = {1: "国家级", 2: "省（部）级", 3: "地市级", 4: "区县级", 5: "乡镇级"}
"""级别 of types and authorities (GB/T 36902, numbering as catalogs in use have it)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PeriodicCheck:
    """A check with due dates of its own (年审、校验、复审、定期注册); missing it is no expiry (DOMAIN.md 1.4).

    Attributes:
        name: as the trade calls it.
        months: from one check to the next.
        overdue: what a scan says in amber, ``逾期未复审``.
    """

    name: str
    months: int
    overdue: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperRule:
    """The paper twin of a license.

    Attributes:
        duplicates: how many 副本 may be printed, 0 for none.
        annex: name of the 附页, or empty.
        card_before_detention: whether 扣留 or 暂扣 needs the physical card in hand, so that the page says so.
    """

    duplicates: int = 0
    annex: str = ""
    card_before_detention: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Stock:
    """存量: licenses of the type that were made before this service, as the department declares them.

    Attributes:
        count: how many.
        first_year, last_year: when they were issued.
        source: which register holds them.
    """

    count: int
    first_year: int
    last_year: int
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SatisfiedFiling:
    """A 备案 or registration that a license absorbs (多证合一): whoever asks for it is answered by the license."""

    code: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundle:
    """一业一证: what one trade needs, behind one code. It has no state of its own and replaces none of its members.

    Attributes:
        code: stable code (``convenience_store``).
        name: 行业 as people call it.
        matter_code: the 一件事 through which it is asked for, or empty.
        required: slugs of the types without which the trade may not begin.
        optional: slugs of the types that only some need.
    """

    code: str
    name: str
    matter_code: str
    required: tuple[str, ...]
    optional: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Law:
    """A legal basis by its title; its text is not quoted anywhere."""

    id: str
    title: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A national or provincial system that makes licenses which are registered here (归集).

    Attributes:
        id: stable code (``national_market``).
        name: its Chinese name, as every page shows it.
        authority_code: USCC of the body that runs it; only systems of that body report states.
        types: slugs of the types that it provides.
    """

    id: str
    name: str
    authority_code: str
    types: tuple[str, ...]


class Keeping(StrEnum):
    """保管期限 of what is archived, as 归档范围和保管期限表 has it."""

    PERMANENT = "permanent"
    YEARS_30 = "years_30"
    YEARS_10 = "years_10"

    @property
    def zh(self) -> str:
        """The Chinese name."""
        return _KEEPING[self][0]

    @property
    def years(self) -> int | None:
        """How long, or None for ever."""
        return _KEEPING[self][1]


_KEEPING: dict[Keeping, tuple[str, int | None]] = {
    Keeping.PERMANENT: ("永久", None),
    Keeping.YEARS_30: ("定期30年", 30),
    Keeping.YEARS_10: ("定期10年", 10),
}


class ArchiveWhen(StrEnum):
    """When a license is to be archived."""

    ENDED = "ended"
    """终止归档: when its last version has ended, with its whole life"""
    ISSUED = "issued"
    """办结归档: with the case that issued it, and with each further version"""
    NEVER = "never"
    """不归档"""


ARCHIVE_WHEN_ZH: dict[ArchiveWhen, str] = {
    ArchiveWhen.ENDED: "终止归档",
    ArchiveWhen.ISSUED: "办结归档",
    ArchiveWhen.NEVER: "不归档",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveRule:
    """归档: how long what is archived of a type is kept, and when it is archived."""

    keeping: Keeping = Keeping.PERMANENT
    when: ArchiveWhen = ArchiveWhen.ENDED


KEPT_FOR_EVER = ArchiveRule()
"""Of a type that nobody said anything about: nothing is lost by it."""


def keeping_for(years: int) -> Keeping:
    """The shortest 保管期限 that is not shorter than the retention of the files (``retention_years``)."""
    return next((one for one in (Keeping.YEARS_10, Keeping.YEARS_30) if years <= (one.years or 0)), Keeping.PERMANENT)
