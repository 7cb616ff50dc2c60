"""``certsvc catalog start``: the seed's catalog outside region 99, with SM2 plans, to begin one's own from."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from certsvc.catalog.loader import SEED_DIRECTORY, load_catalog
from certsvc.errors import ConfigurationError, InvalidIdentifier, InvalidInput
from certsvc.identifiers import citizen_id, food_number, uscc
from certsvc.identifiers.citizen_id import CitizenId
from certsvc.identifiers.food_number import FoodNumber
from certsvc.identifiers.uscc import Uscc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

SANDBOX = "99"
FILES = ("authorities.toml", "laws.toml", "matters.toml")
ONE_SEAL = 'signature_plan = [\n  { role = "issuer_seal", format = "pades-b-b", docmdp = 1 },\n]'
"""The plan of a type with one seal; production wants SM2."""
_CODES = (r"[0-9]{2}99[0-9]{4}[0-9A-Z]{10}", r"99[0-9]{15}[0-9X]", r"(?:JY[0-9]|SC[0-9]{3})99[0-9]{5,11}")
_USCC, _CITIZEN, _FOOD = (re.compile(f"(?=({pattern}))") for pattern in _CODES)
_REGION = re.compile(r"(?<![0-9A-Za-z])99(?=[0-9]{4}(?![0-9A-Za-z]))")
_PROVINCE = re.compile(r"[1-8][0-9]")


def write_start(target: Path, province: str, slugs: Iterable[str] = ()) -> list[str]:
    """Write the seed moved to ``province``: everything, or these types, what they stand on, and the matters for them.

    Returns:
        The slugs that were written.

    Raises:
        InvalidInput: no province of this code.
        UnknownLicenseType: the seed has no such type.
        ConfigurationError: something is at ``target`` already.
    """
    if not _PROVINCE.fullmatch(province):
        raise InvalidInput("省级行政区划代码为两位数字，如 33；99 只用于沙箱")
    if target.exists():
        raise ConfigurationError(f"{target} 已经存在，不会覆盖；请换一个目录")
    chosen = _with_what_they_stand_on(slugs)
    move = partial(moved, province=province)
    (target / "types").mkdir(parents=True)
    for name in (*FILES, *(() if chosen else ("bundles.toml",))):
        text = move((SEED_DIRECTORY / name).read_text(encoding="utf-8"))
        (target / name).write_text(_only(text, chosen) if chosen and name == "matters.toml" else text, encoding="utf-8")
    for path in sorted((SEED_DIRECTORY / "types").iterdir()):
        if path.suffix == ".toml" and (not chosen or path.stem in chosen):
            text = move(path.read_text(encoding="utf-8")).replace(ONE_SEAL, ONE_SEAL.replace("pades-b-b", "sm2-cms"))
            (target / "types" / path.name).write_text(text, encoding="utf-8")
        elif path.suffix == ".pdf":
            (target / "types" / path.name).write_bytes(path.read_bytes())
    return sorted(path.stem for path in (target / "types").glob("*.toml"))


def moved(text: str, province: str) -> str:
    """Every valid code of region 99 in ``text``, alone or at the head of a longer one, in ``province``."""
    moves: tuple[tuple[re.Pattern[str], Callable[[str, str], str]], ...]
    moves = ((_USCC, moved_uscc), (_CITIZEN, _citizen), (_FOOD, _food))
    for pattern, move in moves:
        for found in {match[1] for match in pattern.finditer(text)}:
            text = text.replace(found, move(found, province))
    return _REGION.sub(province, text)


def moved_uscc(code: str, province: str) -> str:
    """A USCC of region 99 in ``province``; what is none stays."""
    try:
        Uscc.parse(code)
    except InvalidIdentifier:
        return code
    body = code[:2] + province + code[4:-1]
    return body + uscc.check_character(body)


def _citizen(code: str, province: str) -> str:
    try:
        CitizenId.parse(code)
    except InvalidIdentifier:
        return code
    body = province + code[2:-1]
    return body + citizen_id.check_character(body)


def _food(code: str, province: str) -> str:
    try:
        FoodNumber.parse(code)
    except InvalidIdentifier:
        return code
    body = code[2:-1].replace(SANDBOX, province, 1)
    return code[:2] + body + food_number.check_digit(body)


def _with_what_they_stand_on(slugs: Iterable[str]) -> frozenset[str]:
    seed, found = load_catalog(), set[str]()
    waiting = set(slugs)
    while waiting:
        slug = waiting.pop()
        found.add(slug)
        kind = seed.type(slug)
        seen_by_its_matters = {other for code in kind.matters for other in seed.matter(code).allows}
        waiting |= ({*kind.depends_on} | seen_by_its_matters) - found
    return frozenset(found)


def _only(matters: str, slugs: frozenset[str]) -> str:
    blocks = re.split(r"(?m)^(?=\[\[matters\]\])", matters)
    needs = re.compile(r"(?m)^(?!code |name |bases )([a-z_]+) = ")
    return "".join(block for block in blocks if set(needs.findall(block)) <= slugs)
