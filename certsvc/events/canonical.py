"""The canonical form of a JSON value (RFC 8785), for whatever is digested or signed.

Nearly all that is canonicalised here is text under names in ASCII. Of that the C library writes the same bytes in a
twentieth of the time, and evidence is written for every scan and every fetch.
"""

from __future__ import annotations

from typing import Any

import orjson
import rfc8785

from certsvc.events.strict_json import MAX_INTEGER


def canonical(value: Any) -> bytes:
    """The bytes of a plain JSON value.

    Raises:
        rfc8785.CanonicalizationError: a value that has none: a lone surrogate, NaN, an integer beyond 2^53.
    """
    if _is_simple(value):
        try:
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        except TypeError:
            pass  # lone surrogates, or too many levels: refused below, in the words of the standard
    return rfc8785.dumps(value)


def _is_simple(value: Any) -> bool:
    """Whether both write it alike: no fractions, no names whose order depends on how they are encoded (§3.2.3)."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return bool(-MAX_INTEGER <= value <= MAX_INTEGER)
    if kind is dict:
        return all(type(name) is str and name.isascii() for name in value) and all(map(_is_simple, value.values()))
    return (kind is list or kind is tuple) and all(map(_is_simple, value))
