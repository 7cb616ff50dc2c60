"""Signatures of P-256 between DER and ``r`` and ``s`` in 32 bytes each, as another library converts them."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import example, given
from hypothesis import strategies as st

from certsvc.signing.statements import _der, _raw

NUMBERS = st.integers(min_value=0, max_value=2**256 - 1) | st.integers(min_value=0, max_value=2**16)


@given(NUMBERS, NUMBERS)
@example(0, 0)
@example(0x7F, 0x80)
@example(2**255 - 1, 2**255)
@example(2**248, 2**256 - 1)
def test_both_ways_agree_with_another_library(r: int, s: int) -> None:
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert _der(raw) == encode_dss_signature(r, s)
    assert decode_dss_signature(_der(raw)) == (r, s)
    assert _raw(encode_dss_signature(r, s)) == raw
