"""事项编码 (GB/T 39554.1-2020): 实施编码 of 31 characters, or 33 with the 业务办理项.

The inside of the 13 characters after the authority's code is known only from examples, so only form and authority are
checked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from certsvc.errors import InvalidIdentifier
from certsvc.identifiers.uscc import Uscc

KIND = "事项编码"
AUTHORITY_LENGTH = 18
IMPLEMENTATION_LENGTH = 31

_FORM = re.compile(r"[0-9A-Z]{18}[0-9A-Z]{13}(?:[0-9]{2})?")


@dataclass(frozen=True, slots=True)
class MatterCode:
    """One code of a matter (事项), with a valid authority in front."""

    value: str

    @classmethod
    def parse(cls, text: str) -> MatterCode:
        """Read 31 or 33 characters of ``0-9A-Z``.

        Raises:
            InvalidIdentifier: another form, or the first 18 characters are no valid USCC.
        """
        if not _FORM.fullmatch(text):
            raise InvalidIdentifier(KIND, "应为 31 位实施编码或 33 位业务办理项编码，由数字和大写字母组成")
        try:
            Uscc.parse(text[:AUTHORITY_LENGTH])
        except InvalidIdentifier as error:
            raise InvalidIdentifier(KIND, f"前 18 位实施主体代码有误（{error.reason}）") from None
        return cls(text)

    @property
    def authority_code(self) -> str:
        """USCC of the authority that carries the matter out (实施主体)."""
        return self.value[:AUTHORITY_LENGTH]

    @property
    def implementation_code(self) -> str:
        """实施编码: the first 31 characters."""
        return self.value[:IMPLEMENTATION_LENGTH]

    @property
    def handling_item(self) -> str:
        """业务办理项: the last two digits of a code of 33, or empty."""
        return self.value[IMPLEMENTATION_LENGTH:]

    def __str__(self) -> str:
        """The 31 or 33 characters."""
        return self.value
