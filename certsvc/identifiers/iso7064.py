"""The hybrid check systems of ISO/IEC 7064 (GB/T 17710-2008) that Chinese licenses use.

Both are the same recursion over an alphabet of ``m`` characters with a product taken modulo ``m + 1``. They find every
single wrong character, but not every swap of neighbours: in each state of the recursion exactly one pair of characters
may trade places unseen, 1 swap in 630 for MOD 37,36 and 1 in 45 for MOD 11,10 (the tests count them).
"""

from __future__ import annotations

from certsvc.errors import InvalidIdentifier

ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Values 0 to 35 in this order. A widespread class maps letters to 11..36 instead and is wrong (GB/T 17710-2008)."""

DIGITS = "0123456789"


_VALUES = {
    alphabet: {character: value for value, character in enumerate(alphabet)} for alphabet in (ALPHANUMERIC, DIGITS)
}


def mod_37_36(body: str) -> str:
    """Return the check character of ``body`` by MOD 37,36 over ``0-9A-Z``.

    Raises:
        InvalidIdentifier: ``body`` is empty or has a character outside the alphabet.
    """
    return _hybrid(body, ALPHANUMERIC)


def mod_11_10(body: str) -> str:
    """Return the check digit of ``body`` by MOD 11,10 over ``0-9``.

    Raises:
        InvalidIdentifier: ``body`` is empty or has a character that is not an ASCII digit.
    """
    return _hybrid(body, DIGITS)


def _hybrid(body: str, alphabet: str) -> str:
    if not body:
        raise InvalidIdentifier("校验字符", "被校验的内容为空，请先填写编码主体")
    modulus = len(alphabet)
    product = modulus
    values = _VALUES[alphabet]
    try:
        for character in body:
            total = (product + values[character]) % modulus or modulus
            product = total * 2 % (modulus + 1)
    except KeyError:
        raise InvalidIdentifier("校验字符", f"只能由 {alphabet[0]}-{alphabet[-1]} 范围内的半角字符组成") from None
    return alphabet[(modulus + 1 - product) % modulus]
