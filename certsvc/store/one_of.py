"""A column that is one of several values given by name, in a statement whose text is the same for any number of them.

``IN`` with a list is written anew for every number of values: SQLAlchemy puts the list in at each execution, and what
the driver and PostgreSQL have prepared serves only the next list as long. On PostgreSQL the values are one array
(``= ANY``); an ``IN`` with a list of parameters is planned as that, so the same indexes serve. SQLite has no arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import ARRAY, any_, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import ColumnElement
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import Boolean

if TYPE_CHECKING:
    from sqlalchemy.sql.compiler import SQLCompiler


class OneOf(ColumnElement[bool]):
    """Both ways to write it; each value is checked and shaped by the column's type."""

    inherit_cache = True
    type = Boolean()
    _traverse_internals = [  # noqa: RUF012  (SQLAlchemy's own name and kind)
        ("listed", InternalTraversal.dp_clauseelement),
        ("in_array", InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        """The values are a list in the parameter ``name``."""
        self.listed = column.in_(bindparam(name, expanding=True))
        self.in_array = column == any_(bindparam(name, type_=ARRAY(column.type)))

    def self_group(self, against: Any = None) -> Self:  # noqa: ARG002
        """As it is: both ways are conditions already, and SQLite's would else be compared with 1."""
        return self


@compiles(OneOf)
def _listed(element: OneOf, compiler: SQLCompiler, **more: Any) -> str:
    return compiler.process(element.listed, **more)


@compiles(OneOf, "postgresql")
def _in_array(element: OneOf, compiler: SQLCompiler, **more: Any) -> str:
    return compiler.process(element.in_array, **more)


def one_of(column: ColumnElement[Any], name: str) -> OneOf:
    """Whether a column has one of the values that are given as ``name``; none of an empty list."""
    return OneOf(column, name)
