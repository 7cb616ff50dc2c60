"""The seed's catalog moved out of region 99 to a region that production takes; still nobody's: for tests."""

from __future__ import annotations

import re
from pathlib import Path

from certsvc.catalog.loader import SEED_DIRECTORY
from certsvc.errors import InvalidIdentifier
from certsvc.identifiers import citizen_id, food_number, uscc
from certsvc.identifiers.citizen_id import CitizenId
from certsvc.identifiers.food_number import FoodNumber
from certsvc.identifiers.uscc import Uscc

SANDBOX, PROVINCE = "99", "33"
_USCC = re.compile(r"(?=([0-9]{2}99[0-9]{4}[0-9A-Z]{10}))")
_CITIZEN = re.compile(r"(?=(99[0-9]{15}[0-9X]))")
_FOOD = re.compile(r"(?=((?:JY[0-9]|SC[0-9]{3})99[0-9]{5,11}))")
_REGION = re.compile(r"(?<![0-9A-Za-z])99(?=[0-9]{4}(?![0-9A-Za-z]))")


def moved(text: str) -> str:
    """Every valid code of region 99 in ``text``, alone or at the head of a longer one, in the other region."""
    for pattern, move in ((_USCC, moved_uscc), (_CITIZEN, _citizen), (_FOOD, _food)):
        for found in {match[1] for match in pattern.finditer(text)}:
            text = text.replace(found, move(found))
    return _REGION.sub(PROVINCE, text)


def moved_uscc(code: str) -> str:
    """A USCC of region 99 in the other region; what is none stays."""
    try:
        Uscc.parse(code)
    except InvalidIdentifier:
        return code
    body = code[:2] + PROVINCE + code[4:-1]
    return body + uscc.check_character(body)


def _citizen(code: str) -> str:
    try:
        CitizenId.parse(code)
    except InvalidIdentifier:
        return code
    body = PROVINCE + code[2:-1]
    return body + citizen_id.check_character(body)


def _food(code: str) -> str:
    try:
        FoodNumber.parse(code)
    except InvalidIdentifier:
        return code
    body = code[2:-1].replace(SANDBOX, PROVINCE, 1)
    return code[:2] + body + food_number.check_digit(body)


def move_catalog(target: Path, slugs: tuple[str, ...] = ()) -> None:
    """Write the moved catalog to ``target``: everything, or only these types and the matters that need no other."""
    (target / "types").mkdir(parents=True)
    for name in ("authorities.toml", "laws.toml", "matters.toml", *(() if slugs else ("bundles.toml",))):
        text = moved((SEED_DIRECTORY / name).read_text(encoding="utf-8"))
        (target / name).write_text(_only(text, slugs) if slugs and name == "matters.toml" else text, encoding="utf-8")
    for path in sorted((SEED_DIRECTORY / "types").iterdir()):
        if path.suffix == ".toml" and (not slugs or path.stem in slugs):
            (target / "types" / path.name).write_text(moved(path.read_text(encoding="utf-8")), encoding="utf-8")
        elif path.suffix == ".pdf":
            (target / "types" / path.name).write_bytes(path.read_bytes())


def _only(matters: str, slugs: tuple[str, ...]) -> str:
    blocks = re.split(r"(?m)^(?=\[\[matters\]\])", matters)
    needs = re.compile(r"(?m)^(?!code |name |bases )([a-z_]+) = ")
    return "".join(block for block in blocks if set(needs.findall(block)) <= set(slugs))
