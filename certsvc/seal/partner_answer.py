"""What another city's register answers about a file: text from outside, so bounded and read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MAX_TEXT = 300
"""Characters of one value; whoever answers for the partner must not fill our pages."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PartnerAnswer:
    """The answer in the partner's own words.

    Attributes:
        passed: whether its verdict over the register was TOTAL-PASSED.
        known: whether exactly this file is a license on its register (as of the moment asked about).
    """

    passed: bool
    known: bool
    type_code: str = ""
    type_name: str = ""
    state: str = ""
    identifier: str = ""
    number: str = ""
    issuer_name: str = ""
    holder_masked: str = ""
    valid_from: str = ""
    valid_until: str = ""


INDICATIONS = frozenset({"TOTAL-PASSED", "TOTAL-FAILED", "INDETERMINATE"})


def read_answer(value: object) -> PartnerAnswer:
    """The answer from JSON values (``POST /v1/verifications``); ValueError for anything else."""
    verdict = _object(value)
    if verdict.get("indication") not in INDICATIONS:
        msg = "not a verdict"
        raise ValueError(msg)
    # A document that was stamped or signed there is on its register too, and is no license that could be recognised.
    if verdict.get("registry_match") != "exact" or verdict.get("license", ()) is None:
        return PartnerAnswer(passed=False, known=False)
    facts = _object(verdict.get("license"))
    return PartnerAnswer(
        passed=verdict["indication"] == "TOTAL-PASSED",
        known=True,
        type_code=_text(facts, "type"),
        type_name=_text(facts, "type_name"),
        state=_text(facts, "state"),
        identifier=_text(facts, "identifier"),
        number=_text(facts, "number"),
        issuer_name=_text(facts, "issuer_name"),
        holder_masked=_text(facts, "holder_masked"),
        valid_from=_text(facts, "valid_from"),
        valid_until=_text(facts, "valid_until"),
    )


def _object(value: object) -> Mapping[str, object]:
    if isinstance(value, Mapping):
        return value
    msg = "no JSON object where one belongs"
    raise ValueError(msg)


def _text(values: Mapping[str, object], name: str) -> str:
    value = values.get(name, "")
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        msg = f"{name} is no short text"
        raise ValueError(msg)
    return value
