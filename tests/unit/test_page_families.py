"""Page and service speak of the same families: each has a colour and a symbol; pages have no words of their own."""

from __future__ import annotations

import re
from pathlib import Path

from certsvc.seal.differences import COMPARED_WORDS, Compared
from certsvc.seal.families import Family
from certsvc.seal.reason_words import WORDS

JS = Path(__file__).resolve().parents[2] / "certsvc" / "web" / "pages" / "static" / "js"
FAMILIES = {
    name: (colour, symbol)
    for name, colour, symbol in re.findall(
        r'^  (\w+): \["(green|amber|red)", "(\w+)"\],$', (JS / "reasons.js").read_text(encoding="utf-8"), re.MULTILINE
    )
}
GREEN = {Family.OK, Family.REGISTERED}


def test_every_family_has_a_colour_and_a_symbol_that_is_drawn() -> None:
    assert set(FAMILIES) == set(Family)
    shapes = set(re.findall(r'^  (\w+): \["M', (JS / "dom.js").read_text(encoding="utf-8"), re.MULTILINE))
    assert {symbol for _, symbol in FAMILIES.values()} <= shapes


def test_only_what_may_be_relied_on_is_green() -> None:
    assert {family for family, (colour, _) in FAMILIES.items() if colour == "green"} == GREEN


def test_the_families_that_must_not_be_mixed_up_have_symbols_of_their_own() -> None:
    apart = (Family.OK, Family.ENDED, Family.PAUSED, Family.EXPIRED, Family.CHANGED, Family.FOREIGN, Family.LATER)
    assert len({FAMILIES[family][1] for family in apart}) == len(apart)


def test_the_page_has_no_words_of_reasons_of_its_own() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in JS.glob("*.js"))
    assert not [words.next_zh for words in WORDS.values() if words.next_zh in text]
    assert set(COMPARED_WORDS) == set(Compared)
