"""Every word that a page says is in that page: a key without a word would stand on the screen as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "certsvc" / "web" / "ui" / "src"
PAGES = ("console", "counter", "department", "holder", "officer")
IMPORTED = re.compile(r"""(?:from|import)\s*\(?\s*["'](\.[^"']+)["']""")
SAID = re.compile(r"""\bt\(\s*["'`]([a-z0-9_.?]+)["'`]""")
EITHER = re.compile(
    r"""\bt\(\s*[^()"'`]*(?:\([^()]*\))?[^()"'`]*\?\s*["']([a-z0-9_.]+)["']\s*:\s*["']([a-z0-9_.]+)["']"""
)
NEVER_SAID = {
    "console": {"verdict.unclear", "uses.copy", "ask.scope"},
    "counter": {"verdict.unclear"},
    "officer": {"ask.scope", "show.photo", "show.reveal", "show.conceal"},
}
"""Said by shared parts in cases that a page does not have: keys of policies, what a holder holds out, a verdict."""
WORD = re.compile(r"""^\s*"([a-z0-9_.?*-]+)":\s*\[""", re.MULTILINE)


def found(at: Path, name: str) -> Path | None:
    """The file that an import names; None for style sheets and what a package brings."""
    place = (at.parent / name).resolve()
    return next((one for end in ("", ".ts", ".vue", ".js") if (one := Path(f"{place}{end}")).is_file()), None)


def parts(start: Path) -> set[Path]:
    """The file and all that it imports, directly or not."""
    seen: set[Path] = set()
    waiting = [start]
    while waiting:
        file = waiting.pop()
        if file in seen or file.suffix == ".css":
            continue
        seen.add(file)
        names = IMPORTED.findall(file.read_text("utf-8"))
        waiting += [one for name in names if (one := found(file, name)) is not None]
    return seen


def said_in(text: str) -> set[str]:
    """The keys that a text says in full."""
    return {*SAID.findall(text), *(key for pair in EITHER.findall(text) for key in pair)}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_a_word_for_everything_it_says(page: str) -> None:
    texts = {file: file.read_text("utf-8") for file in parts(SOURCES / page / "main.ts")}
    words = {key for text in texts.values() for key in WORD.findall(text)}
    said = {key: file.name for file, text in texts.items() for key in said_in(text)}
    assert len(said) > 30, "the page is not found"
    missing = {key: where for key, where in said.items() if key not in words}
    assert set(missing) == NEVER_SAID.get(page, set()), missing


def test_a_key_is_found_however_it_is_said() -> None:
    text = (
        """{{ t("a.one") }} {{ t('a.two', { n: 1 }) }} t(one.active ? "a.three" : "a.four") """
        """t(`a.five`) t(x(y) ? 'a.six' : 'a.seven')"""
    )
    assert said_in(text) == {"a.one", "a.two", "a.three", "a.four", "a.five", "a.six", "a.seven"}
