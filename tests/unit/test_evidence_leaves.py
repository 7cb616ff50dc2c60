"""An evidence row is written from parts; its bytes are those of the canonical whole."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from certsvc.events.evidence import make_evidence, salted_digest
from certsvc.ids import SystemIds

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
CONTENTS = st.dictionaries(WORDS, WORDS | st.integers(-(2**40), 2**40) | st.booleans() | st.lists(WORDS), max_size=5)
AT = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
ULID_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@given(WORDS, WORDS, CONTENTS)
def test_the_details_are_the_canonical_form_of_subject_actor_and_content(
    subject: str, actor: str, content: dict[str, Any]
) -> None:
    salt = bytes(range(16))
    row = make_evidence(
        evidence_id="evd_1", kind="license.issued", at=AT, salt=salt, subject=subject, actor=actor, content=content
    )
    assert row.details == rfc8785.dumps({"content": content, "subject": subject, "actor": actor})
    assert salted_digest(salt, rfc8785.dumps(content)).encode() in row.leaf


def test_an_id_is_its_milliseconds_and_eighty_random_bits() -> None:
    before = time.time_ns() // 1_000_000
    made = [SystemIds().new("lic") for _ in range(1000)]
    after = time.time_ns() // 1_000_000
    values = []
    for one in made:
        prefix, _, text = one.partition("_")
        assert (prefix, len(text)) == ("lic", 26)
        value = 0
        for digit in text:
            value = value * 32 + ULID_DIGITS.index(digit)
        assert before <= value >> 80 <= after
        values.append(value & (1 << 80) - 1)
    assert len(set(values)) == len(made)
    union, common = 0, -1
    for value in values:
        union, common = union | value, common & value
    assert union == (1 << 80) - 1, "every bit is set in one of a thousand"
    assert common == 0, "and in not all of them"
