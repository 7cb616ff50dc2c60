"""Every row of a list has exactly one answer, whatever is known; working days and tickets by their laws."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.catalog.loader import load_catalog
from certsvc.catalog.material_file import Material, read_materials
from certsvc.catalog.toml_table import TomlFile
from certsvc.catalog.workdays import Workdays, read_workdays
from certsvc.errors import ConfigurationError
from certsvc.identifiers.holder_code import HolderCodeType
from certsvc.license.counter import EXEMPT, MATCHING, Flag, RowAnswer, Taking, TakingKind, Ways, decide
from certsvc.license.tickets import TICKET_MOVES, UNANSWERED, Ticket, TicketKind, TicketState, sources_of

CATALOG = load_catalog()
NAMES = ("applies", "electronic", "asked", "license", "data", "promise", "later")

# The rule once more, as lines of a form: the first that fits answers. "-" is either.
#         applies electronic asked license data promise later
TABLE = (
    ("0------", "not_applicable"),
    ("110----", "later"),
    ("1111---", "exempt_license"),
    ("11101--", "exempt_data"),
    ("11100 1-".replace(" ", ""), "promise"),
    ("1110001", "later"),
    ("1110000", "bring"),
    ("10---1-", "promise"),
    ("10---01", "later"),
    ("10---00", "bring"),
)


def by_table(values: tuple[bool, ...]) -> list[str]:
    """Every line that fits."""
    text = "".join("1" if value else "0" for value in values)
    return [answer for line, answer in TABLE if all(a in ("-", b) for a, b in zip(line, text, strict=True))]


@pytest.mark.parametrize("values", list(product((False, True), repeat=len(NAMES))))
def test_every_combination_has_exactly_one_answer_and_it_is_that_of_the_table(values: tuple[bool, ...]) -> None:
    fitting = by_table(values)
    assert len(fitting) == 1, "the table is a law of its own: each case stands in one line"
    assert decide(Ways(**dict(zip(NAMES, values, strict=True)))).value == fitting[0]


@given(values=st.tuples(*[st.booleans()] * len(NAMES)))
def test_paper_is_asked_for_only_where_nothing_else_does_and_never_for_an_outage(values: tuple[bool, ...]) -> None:
    ways = Ways(**dict(zip(NAMES, values, strict=True)))
    answer = decide(ways)
    if answer is RowAnswer.BRING:
        assert not (ways.electronic and not ways.asked)
        assert not ways.promise
        assert not ways.later
    if answer in EXEMPT:
        assert ways.asked
        assert ways.electronic


def test_a_policy_that_does_not_name_the_type_never_makes_a_row_exempt() -> None:
    for license_, data in product((False, True), repeat=2):
        ways = Ways(applies=True, electronic=False, asked=True, license=license_, data=data, promise=False, later=False)
        assert decide(ways) is RowAnswer.BRING


def test_what_can_be_noted_fits_the_answer() -> None:
    assert RowAnswer.NOT_APPLICABLE not in {answer for answers in MATCHING.values() for answer in answers}
    assert MATCHING[TakingKind.PROMISE] == {RowAnswer.PROMISE}
    assert MATCHING[TakingKind.LATER] == {RowAnswer.LATER}


def test_the_seed_has_lists_of_several_kinds() -> None:
    lists = CATALOG.materials.lists
    assert len(lists) >= 6
    assert all(len(materials) > 2 for materials in lists.values())
    every = [material for materials in lists.values() for material in materials]
    for some in ("licenses", "data", "promise", "later_days"):
        assert [material for material in every if getattr(material, some)], some
    assert {material.applies for material in every} == {"all", "organisation", "person"}


def test_a_material_is_asked_of_its_kind_of_holder() -> None:
    organisation = Material(id="a", name="甲", paper="原件", applies="organisation")
    assert organisation.applies_to(HolderCodeType.USCC)
    assert not organisation.applies_to(HolderCodeType.CITIZEN_ID)
    assert Material(id="a", name="甲", paper="原件").applies_to(HolderCodeType.ORDINARY_PASSPORT)


BAD = {
    "unknown matter": ('matter = "11990000MB0000019F2990131009009"', "licenses = []", "matters.toml"),
    "unknown type": ('matter = "11990000MB0000019F2990131002001"', 'licenses = ["nothing"]', "nothing"),
    "unknown field": ('matter = "11990000MB0000019F2990131002001"', 'data = ["business_license.songs"]', "songs"),
    "promise without law": ('matter = "11990000MB0000019F2990131002001"', 'promise = "承诺"', "promise_basis"),
    "no days": ('matter = "11990000MB0000019F2990131002001"', "later_days = 0", "1 至"),
    "unknown key": ('matter = "11990000MB0000019F2990131002001"', 'paperr = "x"', "paperr"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_list_is_refused_by_name(name: str) -> None:
    matter, line, said = BAD[name]
    text = (
        f'[[lists]]\n{matter}\n[[lists.materials]]\nid = "one"\nname = "材料"\npaper = "原件"\n{line}\n'
        '[[counters]]\nauthority = "11990000MB0000086D"\nregions = ["99"]\n'
    )
    file = TomlFile("materials.toml", text.encode())
    known = (
        {one.code: one for one in CATALOG.authorities},
        {one.slug: one for one in CATALOG.types},
        {one.code: one for one in CATALOG.matters},
    )
    with pytest.raises(ConfigurationError, match=said):
        read_materials(file, *known)


def test_working_days_know_holidays_and_worked_weekends() -> None:
    days = CATALOG.workdays
    assert days.after(date(2026, 9, 30), 1) == date(2026, 10, 8)
    assert days.after(date(2026, 10, 8), 2) == date(2026, 10, 10), "Saturday is worked"
    assert days.after(date(2027, 1, 1), 1) == date(2027, 1, 4), "a year not listed has weekends only"
    with pytest.raises(ConfigurationError, match="周末"):
        read_workdays(TomlFile("workdays.toml", b'off = ["2026-01-03"]\nworked = []\n'))
    with pytest.raises(ConfigurationError, match="不是周末"):
        read_workdays(TomlFile("workdays.toml", b'off = []\nworked = ["2026-01-05"]\n'))


@given(start=st.dates(date(2026, 1, 1), date(2027, 12, 31)), count=st.integers(1, 60))
def test_so_many_working_days_lie_behind_the_start(start: date, count: int) -> None:
    days: Workdays = CATALOG.workdays
    last = days.after(start, count)
    between = [start + timedelta(days=n) for n in range(1, (last - start).days + 1)]
    assert sum(days.is_worked(day) for day in between) == count
    assert days.is_worked(last)


def make_ticket(**changes: Any) -> Ticket:
    values: dict[str, Any] = {
        "ticket_id": "tkt_1",
        "kind": TicketKind.MISSING,
        "counter_code": "a",
        "opened_by": "clerk",
        "matter_code": "m",
        "case_no": "1",
        "type_slug": "food_operation",
        "issuer_code": "b",
        "holder_code": "c",
        "holder_code_type": "001",
        "field_key": "",
        "right": "x",
        "evidence": "y",
        "opened_at": datetime(2026, 1, 5, tzinfo=UTC),
        "due_on": date(2026, 1, 9),
        **changes,
    }
    return Ticket(**values)


def test_a_ticket_goes_one_way_and_ends_closed() -> None:
    order = list(TicketState)
    for state, targets in TICKET_MOVES.items():
        assert all(order.index(target) > order.index(state) for target in targets)
    assert sources_of(TicketState.OPEN) == frozenset()
    assert sources_of(TicketState.CLOSED) == {TicketState.CORRECTED, TicketState.REFUSED}
    reached, paths = {TicketState.OPEN}, [TicketState.OPEN]
    while paths:
        more = TICKET_MOVES[paths.pop()] - reached
        reached |= more
        paths += more
    assert reached == set(TicketState)


@pytest.mark.parametrize("state", list(TicketState))
def test_only_an_unanswered_ticket_is_overdue_and_only_after_its_last_day(state: TicketState) -> None:
    ticket = make_ticket(state=state)
    last_moment = datetime(2026, 1, 9, 15, 59, 59, tzinfo=UTC)  # the end of the day in Shanghai is 16:00 UTC
    assert not ticket.overdue(last_moment)
    assert ticket.overdue(last_moment + timedelta(seconds=1)) == (state in UNANSWERED)


def test_a_deadline_flags_and_ends_nothing() -> None:
    def flag(today: date, **changes: Any) -> Flag | None:
        values: dict[str, Any] = dict.fromkeys(
            ("taking_id", "case_id", "counter_code", "authority_code", "matter_code", "case_no", "material"), "x"
        )
        values |= {"reason": "", "text": "", "operator": "o", "sheet_version": 1, "counts": False}
        at = datetime(2026, 1, 5, tzinfo=UTC)
        values |= {"kind": TakingKind.LATER, "due_on": date(2026, 1, 9), "at": at, **changes}
        return Taking(**values).flag(today)

    days = [flag(date(2026, 1, day)) for day in (5, 6, 7, 9, 10)]
    assert days == [Flag.OPEN, Flag.OPEN, Flag.DUE_SOON, Flag.DUE_SOON, Flag.OVERDUE]
    assert flag(date(2026, 2, 1), done_at=datetime(2026, 1, 8, tzinfo=UTC)) is Flag.DONE
    assert flag(date(2026, 2, 1), due_on=None) is None
