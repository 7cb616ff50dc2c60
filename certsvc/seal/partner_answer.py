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
        known: whether exactly this file is on its register (as of the moment asked about).
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


def read_answer(value: object) -> PartnerAnswer:
    """The answer from JSON values (``POST /v1/verifications``); ValueError for anything else."""
    if not isinstance(value, Mapping) or value.get("indication") not in {
        "TOTAL-PASSED",
        "TOTAL-FAILED",
        "INDETERMINATE",
    }:
        msg = "not a verdict"
        raise ValueError(msg)
    license_ = value.get("license")
    known = value.get("registry_match") == "exact"
    if not known:
        return PartnerAnswer(passed=False, known=False)
    facts: Mapping[str, object] = license_ if isinstance(license_, Mapping) else {}
    if not facts:
        msg = "a registered file without a license"
        raise ValueError(msg)
    return PartnerAnswer(
        passed=value["indication"] == "TOTAL-PASSED",
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


def _text(values: Mapping[str, object], name: str) -> str:
    value = values.get(name, "")
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        msg = f"{name} is no short text"
        raise ValueError(msg)
    return value
