"""A question in words and in claims: what was asked of a personal field stands in neither, but for a salted digest.

A term asked of a name, a number or an address may be the whole of it: whoever reads ledger or statement would read it
there, whatever the answer was.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from certsvc.catalog.model import Mask
from certsvc.clock import local_day, rfc3339
from certsvc.commands.showing.values import BUILT_IN, HOLDER_CODE, HOLDER_NAME, NUMBER
from certsvc.license.questions import Ask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from certsvc.catalog.model import LicenseType
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.sharing.answer_question import QuestionBody

UNTOLD_ZH = "所报内容"
PLACES = ("face", "show", "print")
"""Where a mask says that a value is personal: in logs nothing of any field stands."""
_TERM = re.compile(r"是否包含“.*”$", re.DOTALL)


def in_words(deps: Deps, body: QuestionBody) -> str:
    """The question as the holder reads it; it repeats nothing that is personal."""
    if body.ask is Ask.VALID:
        return f"{body.on.isoformat()} 是否有效" if body.on else "现在是否有效"
    if body.ask is Ask.SCOPE:
        term = UNTOLD_ZH if is_personal(deps, body.type, body.field) else f"“{body.term}”"
        return f"“{_name(deps, body)}”是否包含{term}"
    return "所报的人是否为持证人"


def without_term(said: str) -> str:
    """The question in words as a whole office may read it: without the term, also of rows of earlier releases."""
    return _TERM.sub(f"是否包含{UNTOLD_ZH}", said)


def is_personal(deps: Deps, type_slug: str, field: str) -> bool:
    """Whether the catalog masks a field where people look; of a type that nobody knows, every field."""
    kind = _kind(deps, type_slug)
    if kind is None or field == HOLDER_CODE:
        return True
    if field == HOLDER_NAME:
        return _is_masked(kind.holder_masks)
    if field == NUMBER:
        return kind.number_embeds_id
    spec = kind.field(field)
    return spec is not None and _is_masked(spec.masks)


def question_claims(
    deps: Deps, caller: Principal, body: QuestionBody, now: datetime, *, salt: str
) -> dict[str, object]:
    """What a statement says of the question and of who asked; ``salt`` stands beside the statement, never in it."""
    question: dict[str, str] = {"ask": body.ask.value, "type": body.type}
    if body.ask is Ask.VALID:
        question["on"] = (body.on or local_day(now)).isoformat()
    if body.ask is Ask.SCOPE:
        question["field"] = body.field
        if is_personal(deps, body.type, body.field):
            question["term_sha256"] = hashlib.sha256(f"{salt}\x1fterm\x1f{body.term}".encode()).hexdigest()
        else:
            question["term"] = body.term
    return {
        "aud": caller.subject,
        "question": question,
        "known_at": rfc3339(now),
        "matter_code": body.matter_code,
        "case_no": body.case_no,
    }


def is_field(deps: Deps, body: QuestionBody) -> bool:
    """Whether the type has the field; a type that nobody knows is refused as one that is not open."""
    kind = _kind(deps, body.type)
    return kind is None or body.field in BUILT_IN or kind.field(body.field) is not None


def _is_masked(masks: Mapping[str, Mask]) -> bool:
    return any(masks.get(place, Mask.NONE) is not Mask.NONE for place in PLACES)


def _kind(deps: Deps, slug: str) -> LicenseType | None:
    return deps.catalog.type(slug) if deps.catalog.has_type(slug) else None


def _name(deps: Deps, body: QuestionBody) -> str:
    kind = _kind(deps, body.type)
    spec = kind.field(body.field) if kind is not None else None
    return spec.name if spec is not None else BUILT_IN.get(body.field, body.field)
