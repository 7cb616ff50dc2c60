"""What 电子监察 counts (pure): one row per day, measure, department, type and what it was about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Measure(StrEnum):
    """What is counted; ``about`` of a count is told beside each."""

    FINISHED = "finished"
    """办结件 that should yield a license, as approval systems report them; about: matter"""
    ISSUED = "issued"
    """licenses issued that day for cases, without 存量"""
    ACCEPTED = "accepted"
    """requests for issuance, on the day of acceptance"""
    REFUSED = "refused"
    """of them refused, counted on the day of acceptance"""
    SEALED = "sealed"
    """of them sealed and registered, counted on the day of acceptance"""
    SCANNED = "scanned"
    """亮证 and scans of printed codes; about: scene, or empty for a printed code"""
    FETCHED = "fetched"
    """用证; about: matter"""
    REPLACED = "replaced"
    """用证 that replaced a paper: one license of one case, once; about: matter"""
    SERVED = "served"
    """completed services; about: matter"""
    MARKED = "marked"
    """ratings; about: the mark"""
    COMPLAINED = "complained"
    """steps of complaints; about: the state that was reached"""


@dataclass(frozen=True, kw_only=True, slots=True)
class DayCount:
    """One count."""

    day: date
    measure: str
    department: str
    type_slug: str
    about: str
    value: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CountedRequest:
    """What of a request decides where it is counted: the day of acceptance (Beijing) and whether it was 存量."""

    day: date
    authority_code: str
    action: str
    backfill: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class QualityCount:
    """Licenses of a department and type with a defect; an empty defect counts those that were looked at."""

    department: str
    type_slug: str
    defect: str
    value: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """One look through the register; ``place`` is where it goes on."""

    run_on: date
    place: str
    looked: int
    done_at: datetime | None


class FigureKey(StrEnum):
    """The figures that offices circulate."""

    PRODUCTION = "production"
    SEALING = "sealing"
    PAPER_TAKEN = "paper_taken"
    SHOWS = "shows"
    PRINTED = "printed"
    FETCHES = "fetches"
    REPLACED = "replaced"
    QUALITY = "quality"
    CONTENT = "content"
    TAKING_PART = "taking_part"


class By(StrEnum):
    """What the lines of a figure are of."""

    TYPE = "type"
    MATTER = "matter"
    SCENE = "scene"
    DEFECT = "defect"
    MARK = "mark"


@dataclass(frozen=True, kw_only=True, slots=True)
class Definition:
    """What a figure says.

    Attributes:
        unit: 率, 件 or 次; a count has no denominator.
        numerator, denominator: SQL over the register that gives them, with ``:first``, ``:last`` and ``:body``
            (empty: every body) for figures of counts per day; shown beside the figure, and run by the tests.
    """

    key: FigureKey
    name_zh: str
    definition_zh: str
    unit: str
    by: By
    numerator: str
    denominator: str = ""


_DAYS = (
    "SELECT sum(value) FROM supervision_days WHERE measure IN ({}){}"
    " AND day BETWEEN :first AND :last AND (:body = '' OR department = :body)"
)


def _sum(*measures: str, more: str = "") -> str:
    words = ", ".join(f"'{measure}'" for measure in measures)
    return _DAYS.format(words, more)


_NEWEST = (
    "SELECT sum(value) FROM supervision_quality WHERE {} AND run_on = (SELECT max(run_on) FROM supervision_sweeps"
    " WHERE done_at IS NOT NULL) AND (:body = '' OR department = :body)"
)
_IN_DAYS = "BETWEEN :first AND :last（北京时间）AND (:body = '' OR authority_code = :body)"

_TAKEN = "SELECT count(*) FROM counter_takings WHERE counts AND at {}"
_EXEMPT = "SELECT sum(exempt) FROM counter_cases WHERE opened_at {}"

DEFINITIONS: tuple[Definition, ...] = (
    Definition(
        key=FigureKey.PRODUCTION,
        name_zh="电子证照生产率",
        definition_zh="期内签发的电子证照件数 ÷ 期内办结且按规定应当产生证照的全部办件数。分母由审批系统按日报送，"
        "含没有申请电子证照的办件；存量补录、更正和模拟转正不计入分子。没有报送的不计算。",
        unit="率",
        by=By.TYPE,
        numerator=_sum(Measure.ISSUED.value),
        denominator=_sum(Measure.FINISHED.value),
    ),
    Definition(
        key=FigureKey.SEALING,
        name_zh="签章率",
        definition_zh="期内受理的制证申请中已加盖电子印章并登记的件数 ÷ 期内受理且未被退回的制证申请件数；"
        "按受理日归属，存量补录不计。",
        unit="率",
        by=By.TYPE,
        numerator=_sum(Measure.SEALED.value),
        denominator=_sum(Measure.ACCEPTED.value) + "，减去：" + _sum(Measure.REFUSED.value),
    ),
    Definition(
        key=FigureKey.PAPER_TAKEN,
        name_zh="应免未免率",
        definition_zh="期内窗口对“免提交”材料仍收取纸质件的份数 ÷ 期内办件材料清单中“免提交”材料的份数。越低越好。",
        unit="率",
        by=By.MATTER,
        numerator=_TAKEN.format(_IN_DAYS),
        denominator=_EXEMPT.format(_IN_DAYS),
    ),
    Definition(
        key=FigureKey.SHOWS,
        name_zh="亮证次数",
        definition_zh="期内持证主体出示的亮证码被核验的次数，按场景；归属核验的单位。",
        unit="次",
        by=By.SCENE,
        numerator=_sum(Measure.SCANNED.value, more=" AND about <> ''"),
    ),
    Definition(
        key=FigureKey.PRINTED,
        name_zh="证面二维码核验次数",
        definition_zh="期内执法人员、窗口扫描证面印制二维码的次数；归属核验的单位。",
        unit="次",
        by=By.TYPE,
        numerator=_sum(Measure.SCANNED.value, more=" AND about = ''"),
    ),
    Definition(
        key=FigureKey.FETCHES,
        name_zh="用证次数",
        definition_zh="期内系统取得证照信息、加注件或核验答复的次数；归属用证系统所在部门。",
        unit="次",
        by=By.MATTER,
        numerator=_sum(Measure.FETCHED.value),
    ),
    Definition(
        key=FigureKey.REPLACED,
        name_zh="用证替代纸件次数",
        definition_zh="期内带办件编号的用证中，同一系统、同一办件对同一证照只计一次：每次少交一份纸质证照。",
        unit="次",
        by=By.MATTER,
        numerator=_sum(Measure.REPLACED.value),
    ),
    Definition(
        key=FigureKey.QUALITY,
        name_zh="数据问题率",
        definition_zh="最近一次全库检查中，有缺项、代码有误或重复登记的在用证照件次 ÷ 检查的在用证照件数；"
        "一件证照每种问题计一次。与起止日期无关。",
        unit="率",
        by=By.DEFECT,
        numerator=_NEWEST.format("defect <> ''"),
        denominator=_NEWEST.format("defect = ''"),
    ),
    Definition(
        key=FigureKey.CONTENT,
        name_zh="好评率",
        definition_zh="期内评价中非常满意、满意、基本满意的次数 ÷ 期内全部评价次数。",
        unit="率",
        by=By.MARK,
        numerator=_sum(Measure.MARKED.value, more=" AND about IN ('3', '4', '5')"),
        denominator=_sum(Measure.MARKED.value),
    ),
    Definition(
        key=FigureKey.TAKING_PART,
        name_zh="参评率",
        definition_zh="期内评价次数 ÷ 期内办结且发出评价码的服务次数。",
        unit="率",
        by=By.MATTER,
        numerator=_sum(Measure.MARKED.value),
        denominator=_sum(Measure.SERVED.value),
    ),
)
"""Every figure, in the order of the sheet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of a figure: a type, a matter, a scene, a defect or a mark."""

    key: str
    numerator: int
    denominator: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One figure of a period and body; ``rate`` is None for a count and where there is nothing to divide by.

    Attributes:
        note: what the reader has to know, in Chinese, or empty.
    """

    definition: Definition
    numerator: int
    denominator: int | None
    lines: tuple[Line, ...]
    note: str = ""

    @property
    def rate(self) -> float | None:
        """The share, in 1; above 1 when what was reported cannot be right."""
        return rate_of(self.numerator, self.denominator)


def rate_of(numerator: int, denominator: int | None) -> float | None:
    """The share, to four places; None where there is nothing to divide by."""
    return round(numerator / denominator, 4) if denominator else None
