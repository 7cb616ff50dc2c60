"""Rows of rights against leaves of this release and of the one before, which named them by id or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from store_records import make_reservation, make_show
from test_audit_of_two_releases import T0, Rows, audited, leaf

from certsvc.commands.evidence.rows import answered_key, rows_of
from certsvc.commands.log.findings import Found
from certsvc.license.audited import Read, ReadLeaf, ReadShow
from certsvc.license.uses import Show
from certsvc.seal.model import ReservationResult, SealReservation

LATER = T0 + timedelta(minutes=1)
OPEN = make_reservation(1, reserved_at=T0)
UNKNOWN = replace(OPEN, result=ReservationResult.UNKNOWN, answered_at=LATER)
USED = replace(OPEN, result=ReservationResult.USED, answered_at=LATER + timedelta(minutes=1))


class Rights(Rows):
    """Reservations and shows, each one page."""

    def __init__(self, reservations: list[SealReservation], shows: list[ReadShow] | None = None) -> None:
        super().__init__([], [])
        self.reservations, self.shown = reservations, shows or []

    def reservations_after(self, place: object, *, limit: int) -> list[Any]:
        del limit
        rows = self.reservations
        return [] if place else [Read(place="z", row_id=one.reservation_id, row=one) for one in rows]

    def shows_after(self, place: object, *, limit: int) -> list[Any]:
        del limit
        return [] if place else [Read(place="z", row_id=one.show.show_id, row=one) for one in self.shown]


def found(rows: Rights, leaves: list[ReadLeaf]) -> set[tuple[Found, str]]:
    return {(one.kind, one.about) for one in audited(rows, leaves).findings}


def reserved(position: int, *rows: SealReservation) -> ReadLeaf:
    return leaf(position, "seal.reserved", T0, rows=rows_of(rows))


def answered(position: int, row: SealReservation, former: SealReservation | None = None) -> ReadLeaf:
    more = {"former": [answered_key(former)]} if former else {}
    which = {"reservation_id": row.reservation_id, "rows": [answered_key(row)]}
    return leaf(position, f"seal.{row.result.value}", LATER, **which, **more)


def answered_before(position: int, row: SealReservation) -> ReadLeaf:
    return leaf(position, f"seal.{row.result.value}", LATER, reservation_id=row.reservation_id)


HISTORIES: dict[str, tuple[SealReservation, list[ReadLeaf]]] = {
    "open": (OPEN, [reserved(1, OPEN)]),
    "used": (USED, [reserved(1, OPEN), answered(2, USED)]),
    "settled by hand": (USED, [reserved(1, OPEN), answered(2, UNKNOWN), answered(3, USED, UNKNOWN)]),
    "given up by the release before": (USED, [answered_before(2, UNKNOWN), answered(3, USED, UNKNOWN)]),
    "reserved by the release before": (USED, [answered(3, USED)]),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_a_reservation_and_its_result_are_what_leaves_say(name: str) -> None:
    row, leaves = HISTORIES[name]
    assert found(Rights([row]), leaves) == set()
    assert found(Rights([]), leaves), "it was deleted"
    other = ReservationResult.FAILED if row.result is not ReservationResult.FAILED else ReservationResult.USED
    for changed in (replace(row, digest="0" * 64), replace(row, result=other, answered_at=LATER)):
        told = found(Rights([changed]), leaves)
        assert {about.split(" ")[1] for _, about in told} == {row.reservation_id}, (changed, told)
    if row.result is not ReservationResult.OPEN:
        assert found(Rights([replace(row, signature_sha256="1" * 64)]), leaves)


def test_a_reservation_that_no_leaf_names_is_told_and_one_of_the_release_before_is_not() -> None:
    first = replace(OPEN, reservation_id="use_before", reserved_at=T0 - timedelta(days=1))
    more = replace(OPEN, reservation_id="use_more", reserved_at=LATER)
    leaves = [reserved(1, OPEN)]
    assert found(Rights([OPEN, first]), leaves) == set()
    assert found(Rights([OPEN, more]), leaves) == {(Found.ROW_UNPROVEN, "reservation use_more")}


def read(show: Show, *, taken: bool = False, gave: bool = False) -> ReadShow:
    return ReadShow(show=show, taken=taken, gave=gave)


def test_a_code_is_redeemed_when_a_scan_says_so() -> None:
    show = make_show(1, created_at=T0)
    done = replace(show, redeemed_at=T0, redeemed_by="officer-1")
    leaves = [leaf(1, "show.made", T0, show_id=show.show_id, rows=rows_of([show]))]
    assert found(Rights([], [read(show)]), leaves) == set()
    assert found(Rights([], [read(done, taken=True, gave=True)]), leaves) == set()
    changed = {(Found.ROW_CHANGED, f"show {show.show_id}")}
    assert found(Rights([], [read(done)]), leaves) == changed, "nobody scanned it"
    assert found(Rights([], [read(show, gave=True)]), leaves) == changed, "somebody was given data"
    assert found(Rights([], [read(replace(show, scene="other"))]), leaves) == changed
    assert found(Rights([]), leaves) == {(Found.ROW_MISSING, f"show {show.show_id}")}


def test_a_code_of_a_bundle_that_the_release_before_named_in_several_leaves_is_one_row() -> None:
    show = make_show(1, created_at=T0)
    leaves = [leaf(n, "show.made", T0, show_id=show.show_id, bundle="catering") for n in (1, 2, 3)]
    assert found(Rights([], [read(show)]), leaves) == set()
    assert found(Rights([]), leaves) == {(Found.ROW_MISSING, f"show {show.show_id}")}
