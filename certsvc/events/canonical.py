"""RFC 8785 form of JSON values, at the price of a sort where that is all it takes.

orjson writes what RFC 8785 §3.2 asks for when the names are ASCII (their order by code point is the order by UTF-16
unit), the integers are exact in a double and there are no fractions: nearly everything that is digested here. Whatever
else there is goes through rfc8785, so the bytes are the same in every case; a leaf of the log must never depend on the
way it was written.
"""

from __future__ import annotations

from typing import Any

import orjson
import rfc8785

_MOST_EXACT = 2**53 - 1
"""RFC 8785 §3.2.2.3, RFC 7493 §2.2: larger integers have no exact double, and rfc8785 refuses them."""


def canonical(value: Any) -> bytes:
    """The RFC 8785 form of plain JSON values.

    Raises:
        rfc8785.CanonicalizationError: a number or text that has no such form, or a value that is not JSON.
    """
    if _is_simple(value):
        try:
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError:
            # Half of a surrogate pair, or nesting beyond orjson's limit: rfc8785 says what is wrong with it.
            pass
    return rfc8785.dumps(value)


def _is_simple(value: Any) -> bool:
    """Whether both writers give the same bytes; subclasses are never simple."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is dict:
        return all(type(name) is str and name.isascii() and _is_simple(one) for name, one in value.items())
    if kind is list:
        return all(map(_is_simple, value))
    return kind is int and -_MOST_EXACT <= value <= _MOST_EXACT
