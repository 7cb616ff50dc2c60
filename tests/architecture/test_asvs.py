"""Every requirement of OWASP ASVS 5.0.0, levels 1 and 2, has an answer in asvs.toml, and what is claimed is there.

``python tests/architecture/test_asvs.py`` writes docs/asvs.md anew.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIST: dict[str, Any] = tomllib.loads((ROOT / "tests/architecture/asvs.toml").read_text(encoding="utf-8"))
CHAPTERS: dict[str, Any] = LIST["chapters"]
ITEMS: dict[str, Any] = LIST["items"]
PAGE = ROOT / "docs" / "asvs.md"
GUIDE = ROOT / "docs" / "install-server.md"
SECURITY = ROOT / "docs" / "security.md"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]

TOTALS = {
    "V1": (8, 19),
    "V2": (4, 7),
    "V3": (8, 11),
    "V4": (2, 8),
    "V5": (4, 5),
    "V6": (13, 22),
    "V7": (6, 12),
    "V8": (4, 3),
    "V9": (4, 3),
    "V10": (5, 24),
    "V11": (3, 11),
    "V12": (3, 6),
    "V13": (1, 12),
    "V14": (2, 7),
    "V15": (3, 10),
    "V16": (0, 16),
    "V17": (0, 7),
}
"""Requirements of level 1 and of level 2 in each chapter of the release 5.0.0: 70 and 183."""

MET, PARTLY, NOT_APPLICABLE, NOT_MET = STATES = ("满足", "部分", "不适用", "未满足")
MAX_PARAPHRASE = 25
"""Characters: a reminder in our own words, not the sentence of the standard."""

TEST = re.compile(r"(tests/[\w/]+\.py)::(test_\w+)")
CHAPTER_ROW = re.compile(r"^\| (V\d+) [^|]+ \| (\S+) \|[^|]*\|$", re.MULTILINE)
HEAD = """# ASVS 5.0.0 逐条自查 · Every requirement of levels 1 and 2

OWASP ASVS 5.0.0 一级、二级的全部要求，逐条写明状态和证明。自查，未经第三方评估。要求以自己的话简述，原文以标准为准。
按章的说明见 [security.md](security.md)。A self-assessment; paraphrases are ours, the standard's text is what counts.

* **满足** met：有测试或检查器证明；**部分** partly：证明了一部分，说明写的是没有证明或没有做到的。
* **不适用** not applicable：说明写原因；**未满足** not met：没有做，或没有任何测试证明，说明写缺什么。

本页由 `tests/architecture/asvs.toml` 生成（`python tests/architecture/test_asvs.py`），并由该测试核对：
条目齐全，所列测试和检查器存在。The checker sees that each proof exists; whether it proves enough is judged by people.
"""


def levels() -> dict[str, int]:
    """The level of every number, in the order of the standard."""
    found = [(number, level) for one in CHAPTERS.values() for level in (1, 2) for number in one[f"level_{level}"]]
    return dict(sorted(found, key=lambda pair: parts(pair[0])))


def parts(number: str) -> tuple[int, ...]:
    """``V10.4.2`` as numbers."""
    return tuple(map(int, number[1:].split(".")))


def asvs_markdown() -> str:
    """The page: a table of totals, then one table for each chapter."""
    level_of = levels()
    lines = [HEAD, "| 章 | " + " | ".join(STATES) + " | 共 |", "|---" * (len(STATES) + 2) + "|"]
    counted = {
        chapter: Counter(ITEMS[n]["state"] for n in level_of if n.split(".")[0] == chapter) for chapter in CHAPTERS
    }
    rows = [(f"{chapter} {CHAPTERS[chapter]['title']}", counted[chapter]) for chapter in CHAPTERS]
    for name, states in [*rows, ("**合计**", sum(counted.values(), Counter()))]:
        lines.append(f"| {name} | " + " | ".join(str(states[state]) for state in STATES) + f" | {states.total()} |")
    for chapter, told in CHAPTERS.items():
        lines += [
            "",
            f"## {chapter} {told['title']}",
            "",
            "| 条 | 级 | 要求 | 状态 | 说明 | 证明 |",
            "|---|---|---|---|---|---|",
        ]
        for number, level in level_of.items():
            if number.split(".")[0] == chapter:
                item = ITEMS[number]
                proof = "<br>".join(f"`{one}`" for one in item.get("proof", ()))
                lines.append(
                    f"| {number} | {level} | {item['zh']} | {item['state']} | {item.get('note', '')} | {proof} |"
                )
    return "\n".join(lines) + "\n"


@cache
def functions_of(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@cache
def is_ruff_rule(code: str) -> bool:
    """A rule that ruff knows and that no setting switches off for the product."""
    off = [*PROJECT["ruff"]["lint"]["ignore"]]
    off += PROJECT["ruff"]["lint"]["per-file-ignores"].get("certsvc/*", [])
    known = subprocess.run([sys.executable, "-m", "ruff", "rule", code], capture_output=True, check=False)
    return known.returncode == 0 and not any(code.startswith(one) for one in off)


def is_there(proof: str) -> bool:
    """Whether a test or checker of this name exists."""
    test = TEST.fullmatch(proof)
    if test:
        return (ROOT / test[1]).is_file() and test[2] in functions_of(test[1])
    kind, _, name = proof.partition(" ")
    if kind == "ruff":
        return is_ruff_rule(name)
    if kind == "import-linter":
        return name in {contract["name"] for contract in PROJECT["importlinter"]["contracts"]}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return kind == "make" and bool(name) and re.search(rf"^{re.escape(name)}:", makefile, re.MULTILINE) is not None


def test_every_number_of_the_standard_has_one_answer() -> None:
    numbers = [number for one in CHAPTERS.values() for level in (1, 2) for number in one[f"level_{level}"]]
    assert {chapter: (len(one["level_1"]), len(one["level_2"])) for chapter, one in CHAPTERS.items()} == TOTALS
    assert len(numbers) == len(set(numbers)) == 253
    assert all(re.fullmatch(r"V\d+\.\d+\.\d+", number) for number in numbers)
    assert not [
        n for chapter, one in CHAPTERS.items() for n in one["level_1"] + one["level_2"] if n.split(".")[0] != chapter
    ]
    assert ITEMS.keys() == set(numbers)


def test_every_answer_has_what_its_state_asks_for() -> None:
    for number, item in ITEMS.items():
        assert item.keys() <= {"zh", "state", "note", "proof"}, number
        assert item["state"] in STATES, number
        assert bool(item.get("proof")) == (item["state"] in {MET, PARTLY}), number
        assert bool(item.get("note")) == (item["state"] != MET), number
        assert len(item.get("proof", ())) == len(set(item.get("proof", ()))), number
        assert 2 < len(item["zh"]) <= MAX_PARAPHRASE, number
        assert re.search(r"[\u4e00-\u9fff]{2}", item["zh"]), number
        assert "|" not in item["zh"] + item.get("note", ""), "it stands in a table"


@pytest.mark.parametrize("proof", sorted({one for item in ITEMS.values() for one in item.get("proof", ())}))
def test_every_test_and_checker_that_is_named_exists(proof: str) -> None:
    assert is_there(proof)


@pytest.mark.parametrize(
    "proof",
    [
        "tests/architecture/test_asvs.py::test_of_nobody",
        "tests/architecture/test_nothing.py::test_every_number_of_the_standard_has_one_answer",
        "tests/architecture/test_asvs.py",
        "ruff S000",
        "ruff S311",
        "import-linter Arrows point up",
        "make nothing",
        "make ",
        "somebody said so",
    ],
)
def test_a_proof_that_is_none_is_seen(proof: str) -> None:
    assert not is_there(proof)


def test_the_page_is_the_one_that_the_list_gives() -> None:
    assert PAGE.read_text(encoding="utf-8") == asvs_markdown(), "run: python tests/architecture/test_asvs.py"


def test_what_is_the_duty_of_whoever_installs_is_on_the_guides_list() -> None:
    """By number, and nothing that the product meets by itself."""
    _, _, duties = GUIDE.read_text(encoding="utf-8").partition("安全上归部署方的")
    told = re.findall(r"V\d+\.\d+\.\d+", duties)
    assert len(told) == len(set(told))
    assert set(told) == {number for number, item in ITEMS.items() if "部署方" in item.get("note", "")}
    assert not {number for number in told if ITEMS[number]["state"] in {MET, NOT_APPLICABLE}}


def test_the_chapters_of_the_page_about_threats_agree() -> None:
    """A chapter is 做到 where every requirement that applies is met, 不适用 where none applies, else 部分."""
    text = SECURITY.read_text(encoding="utf-8")
    assert "(asvs.md)" in text
    told = dict(CHAPTER_ROW.findall(text))
    assert told.keys() == CHAPTERS.keys()
    for chapter in CHAPTERS:
        states = {item["state"] for number, item in ITEMS.items() if number.split(".")[0] == chapter}
        applying = states - {NOT_APPLICABLE}
        assert told[chapter] == ("不适用" if not applying else "做到" if applying == {MET} else "部分"), chapter


if __name__ == "__main__":
    PAGE.write_text(asvs_markdown(), encoding="utf-8")
