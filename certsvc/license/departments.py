"""What a department looks at: which uses it made, counted and by page (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.license.uses import UseBasis

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.license.uses import Fetch

GIVEN = "given"
REFUSED = "refused"
"""Any outcome but ``given``, in a filter."""
COPY = "*copy"
HOLDER_NAME = "holder_name"


class UseKind(StrEnum):
    """What was asked for."""

    FETCH = "fetch"
    """取信息项"""
    COPY = "copy"
    """加注件"""
    ANSWER = "answer"
    """核验答复"""


USE_KIND_ZH: dict[UseKind, str] = {
    UseKind.FETCH: "取信息项",
    UseKind.COPY: "加注件",
    UseKind.ANSWER: "核验答复",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class UseFilter:
    """Which uses of a body; what is empty or None leaves nothing out.

    Attributes:
        since, before: first moment and the moment behind the last.
        outcome: ``given``, ``refused`` (for any reason) or the code of one reason.
    """

    since: datetime
    before: datetime
    matter_code: str = ""
    client_id: str = ""
    kind: UseKind | None = None
    outcome: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class UseCount:
    """How many uses of one matter, type, kind and outcome, and when the first of them was."""

    matter_code: str
    type_slug: str
    kind: UseKind
    outcome: str
    uses: int
    first: datetime


def kind_of(use: Fetch) -> UseKind:
    """What a use asked for; a refused one what it named, so that one which named nothing is a fetch."""
    if use.said or use.answer:
        return UseKind.ANSWER
    return UseKind.COPY if COPY in use.fields else UseKind.FETCH


def names_holder(use: Fetch) -> bool:
    """Whether the department may read (masked) whose license it was.

    Only where the name has left already: the row of a refusal, or of an answer, would say that there is such a license
    and whose it is to somebody to whom exactly that was not told.
    """
    left = HOLDER_NAME in use.fields or COPY in use.fields
    return use.outcome == GIVEN and use.basis != UseBasis.APPLICATION and left
