"""Column types that refuse what the two databases would read differently."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, DateTime, Integer, String, Text
from sqlalchemy.types import TypeDecorator

from certsvc.clock import check_aware
from certsvc.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Dialect
    from sqlalchemy.types import TypeEngine

MAX_KEY_CHARS = 200
"""Characters of an indexed text. PostgreSQL refuses index rows over 2,704 bytes, so an attacker who sends a long
idempotency key or event id would otherwise get "unavailable" instead of an answer; three keys of 200 fit."""

_TIME_CHARS = 32

ROW_NUMBER: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits on both; only ``INTEGER`` is an alias of SQLite's row id."""


class UtcTime(TypeDecorator[datetime]):
    """A moment: aware and in UTC, in and out, to the microsecond; a naive one is our own mistake (RuntimeError).

    PostgreSQL keeps ``timestamptz``; SQLite has no such type and keeps ISO 8601 text of fixed width, which sorts.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text on SQLite."""
        return dialect.type_descriptor(String(_TIME_CHARS) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """To UTC."""
        return self.bind_processor(dialect)(value)

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        """The same, chosen once per statement: a value goes through one call."""
        return _utc_text if dialect.name == "sqlite" else _utc

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """From UTC."""
        if value is None:
            return None
        at = datetime.fromisoformat(value) if isinstance(value, str) else value
        return at.astimezone(UTC)


class PlainText(TypeDecorator[str]):
    """Text that both databases can hold: no U+0000 (PostgreSQL has none) and no lone surrogates (not UTF-8)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Refuse what cannot be stored."""
        if value is not None and not (value.isascii() and "\0" not in value):
            check_text(value)
        return value


class Key(TypeDecorator[str]):
    """Short indexed text of at most :data:`MAX_KEY_CHARS` characters."""

    impl = String(MAX_KEY_CHARS)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Refuse what cannot be stored or indexed."""
        if value is not None:
            if len(value) > MAX_KEY_CHARS:
                raise InvalidInput(f"编号类字段最多 {MAX_KEY_CHARS} 个字符，实际 {len(value)} 个，请缩短后重试")
            if not (value.isascii() and "\0" not in value):
                check_text(value)
        return value


def _utc(value: datetime | None) -> datetime | None:
    return None if value is None else check_aware(value)


def _utc_text(value: datetime | None) -> str | None:
    return None if value is None else check_aware(value).isoformat(timespec="microseconds")


def check_text(value: str) -> None:
    """Raise InvalidInput for text with U+0000 or a lone surrogate."""
    if "\0" in value:
        raise InvalidInput("文本含有空字符（U+0000），无法保存，请删除后重试")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidInput("文本含有不成对的代理码位，无法保存，请检查编码后重试") from error


def text_sha256(value: str) -> str:
    """Hex SHA-256 of a key whose sender chooses its length; InvalidInput for a lone surrogate."""
    try:
        return hashlib.sha256(value.encode("utf-8")).hexdigest()
    except UnicodeEncodeError as error:
        raise InvalidInput("文本含有不成对的代理码位，无法保存，请检查编码后重试") from error
