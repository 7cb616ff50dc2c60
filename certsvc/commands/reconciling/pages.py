"""Walking through tables and ledgers page by page, each page in a transaction of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from certsvc.commands.reconcile_ports import Books
    from certsvc.commands.store_ports import UnitOfWork

PAGE = 500
"""Rows read at once: bounds the memory, and how long a transaction lasts."""

RowT = TypeVar("RowT")
PlaceT = TypeVar("PlaceT")


def pages(
    books: Books,
    read: Callable[[UnitOfWork, PlaceT], Sequence[RowT]],
    place_of: Callable[[RowT], PlaceT],
    start: PlaceT,
) -> Iterator[Sequence[RowT]]:
    """Pages of rows; ``read`` gives those behind a place."""
    place = start
    while True:
        with books.uow.read() as tx:
            rows = read(tx, place)
        if not rows:
            return
        yield rows
        place = place_of(rows[-1])


def uneven(read: Callable[..., Sequence[tuple[str, int]]], topic: str) -> Iterator[tuple[str, int]]:
    """Every key of a topic that ``read`` (short or over) gives, with how often it was seen."""
    after = ""
    while rows := read(topic, after=after, limit=PAGE):
        yield from rows
        after = rows[-1][0]
