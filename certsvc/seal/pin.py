"""PINs of signers: digits, not guessable in a few tries."""

from __future__ import annotations

import itertools

from certsvc.errors import FieldProblem, InvalidInput

MIN_PIN, MAX_PIN = 6, 12
"""Digits of a PIN; with five tries, six digits leave a guesser five chances in a million."""

_WEAK_STEPS = frozenset({"0", "1", "9"})
_SHORTEST_PERIOD, _LONGEST_PERIOD = 2, 3


def check_pin(pin: str, *, holder_code: str, pointer: str = "/pin") -> None:
    """Refuse what a stranger would try first.

    Raises:
        InvalidInput: not 6 to 12 digits; one digit repeated, a run up or down, a short pattern repeated; or digits of
            the person's own document number (which hold the birthday).
    """
    if not (pin.isascii() and pin.isdigit() and MIN_PIN <= len(pin) <= MAX_PIN):
        raise _refused(pointer, "pin_shape", f"PIN 应为 {MIN_PIN} 至 {MAX_PIN} 位数字")
    steps = {str((int(b) - int(a)) % 10) for a, b in itertools.pairwise(pin)}
    if len(steps) == 1 and steps <= _WEAK_STEPS:
        raise _refused(pointer, "pin_weak", "PIN 过于简单，请不要使用相同或连续的数字")
    for period in range(_SHORTEST_PERIOD, _LONGEST_PERIOD + 1):
        if pin == (pin[:period] * MAX_PIN)[: len(pin)]:
            raise _refused(pointer, "pin_weak", "PIN 过于简单，请不要使用重复的数字组合")
    digits = "".join(char for char in holder_code if char.isdigit())
    birthday = digits[6:14] if len(digits) >= 14 else ""  # noqa: PLR2004  (positions of GB 11643)
    if pin in digits or (birthday and pin in {birthday[2:], birthday[4:] + birthday[:4]}):
        raise _refused(pointer, "pin_weak", "PIN 不能取自证件号码或出生日期，请换一组数字")


def _refused(pointer: str, code: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, problems=(FieldProblem(pointer=pointer, code=code, detail=detail),))
