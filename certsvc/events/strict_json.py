"""JSON texts, read strictly (RFC 8259, I-JSON RFC 7493): what two readers could read differently is refused here.

Python's reader takes NaN, keeps the last of two equal keys, lets unpaired surrogates through and goes as deep as the
sender likes; each of these has led to requests that one program checks and another one carries out differently.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from certsvc.errors import FieldProblem, InvalidInput

MAX_DEPTH = 32
"""Levels of objects and arrays; ours have four. Stops bodies that exhaust the stack of whoever walks them."""

MAX_INTEGER = 2**53 - 1
"""Larger whole numbers lose digits in readers that use floating point (RFC 7493 §2.2)."""

MAX_DIGITS = 17
"""Characters of such a number with its sign; longer ones are not converted, which takes quadratic time."""

MAX_PROBLEMS = 20

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class _Bad:
    """Stands where a value would be that must not be taken."""

    __slots__ = ("detail", "step")

    def __init__(self, detail: str, step: str = "") -> None:
        self.detail = detail
        self.step = step


class _Reader:
    """Hooks of one reading; ``found`` says whether any of them objected."""

    def __init__(self) -> None:
        self.found = False

    def pairs(self, pairs: list[tuple[str, Any]]) -> Any:
        members = dict(pairs)
        if len(members) == len(pairs):
            return members
        seen: set[str] = set()
        repeated = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return self._bad("同一对象中重复出现此项，请只保留一个", repeated)

    def whole(self, text: str) -> Any:
        if len(text) <= MAX_DIGITS and abs(int(text)) <= MAX_INTEGER:
            return int(text)
        return self._bad("整数过大，会丢失精度，请改为文本")

    def fraction(self, text: str) -> Any:
        value = float(text)
        return value if math.isfinite(value) else self._bad("数值超出范围")

    def constant(self, _text: str) -> Any:
        return self._bad("NaN 和 Infinity 不是合法的 JSON 数值")

    def _bad(self, detail: str, step: str = "") -> _Bad:
        self.found = True
        return _Bad(detail, step)


def read_json(raw: bytes) -> Any:
    """The value of a JSON text.

    Raises:
        InvalidInput: not UTF-8, not JSON, or one of the traps above; the pointer says where.
    """
    reader = _Reader()
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=reader.pairs,
            parse_int=reader.whole,
            parse_float=reader.fraction,
            parse_constant=reader.constant,
        )
    except UnicodeDecodeError as error:
        raise _refused("", "请求体不是 UTF-8 编码") from error
    except json.JSONDecodeError as error:
        raise _refused("", f"不是合法的 JSON：第 {error.lineno} 行第 {error.colno} 列附近有误") from error
    except (ValueError, RecursionError) as error:
        raise _refused("", "不是合法的 JSON：数字过长或嵌套过深") from error
    surrogates = _SURROGATE.search(raw) is not None
    if reader.found or surrogates or raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
        _walk(value)
    return value


def _walk(value: Any) -> None:
    """Look at every member and refuse with pointers."""
    problems: list[FieldProblem] = []
    waiting: list[tuple[str, Any, int]] = [("", value, 1)]
    while waiting and len(problems) < MAX_PROBLEMS:
        pointer, item, depth = waiting.pop()
        if depth > MAX_DEPTH:
            problems.append(_problem(pointer, f"嵌套超过 {MAX_DEPTH} 层，请精简"))
        elif isinstance(item, _Bad):
            problems.append(_problem(pointer + _step(item.step), item.detail))
        elif isinstance(item, str):
            problems.extend(_unpaired(pointer, item))
        elif isinstance(item, dict):
            for key, member in item.items():
                problems.extend(_unpaired(pointer, key))
                waiting.append((pointer + _step(key), member, depth + 1))
        elif isinstance(item, list):
            waiting.extend((f"{pointer}/{index}", member, depth + 1) for index, member in enumerate(item))
    if problems:
        raise InvalidInput("请求内容有误，请按提示逐项更正", problems=tuple(problems))


def _unpaired(pointer: str, text: str) -> list[FieldProblem]:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return [_problem(pointer, "含有不成对的代理码，请检查发送方的字符编码")]
    return []


def _step(key: str) -> str:
    shown = key.encode("utf-8", errors="replace").decode("utf-8")
    return "/" + shown.replace("~", "~0").replace("/", "~1") if key else ""


def _problem(pointer: str, detail: str) -> FieldProblem:
    return FieldProblem(pointer=pointer, code="json_invalid", detail=detail)


def _refused(pointer: str, detail: str) -> InvalidInput:
    return InvalidInput("请求体无法读取，请按提示更正", problems=(_problem(pointer, detail),))
