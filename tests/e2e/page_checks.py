"""What every state of every page keeps, as checks that a walk through them makes at each stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

POINT = 96 / 72
"""CSS pixels of one point."""
OVERFLOW = "[document.documentElement.scrollWidth, innerWidth]"
STICKING_OUT = """
() => [...document.querySelectorAll('body *')]
  .filter((node) => node.getBoundingClientRect().right > innerWidth + 0.5 || node.scrollWidth > node.clientWidth + 1)
  .filter((node) => node.clientWidth > 1).map((node) => node.outerHTML.slice(0, 90))
"""
AXE = Path(__file__).parents[2] / "certsvc" / "web" / "ui" / "node_modules" / "axe-core" / "axe.min.js"

VISIBLE_TEXT = """
() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const parse = (text) => { const p = text.match(/[\\d.]+/g).map(Number); return p.length < 4 ? [...p, 1] : p; };
  const light = ([r, g, b]) => {
    const f = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
  };
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const owner = node.parentElement;
    if (!node.textContent.trim() || owner.closest('.unseen, .skip, noscript, script, option')) continue;
    const box = owner.getBoundingClientRect();
    const style = getComputedStyle(owner);
    if (!box.width || !box.height || style.visibility === 'hidden') continue;
    let ground = [255, 255, 255, 1];
    for (let at = owner; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] === 1) { ground = colour; break; }
    }
    const [a, b] = [light(parse(style.color)), light(ground)].sort((x, y) => y - x);
    const leading = style.lineHeight === 'normal' ? 1.2 : parseFloat(style.lineHeight) / parseFloat(style.fontSize);
    found.push({
      text: node.textContent.trim().slice(0, 30), size: parseFloat(style.fontSize), leading,
      contrast: (a + 0.05) / (b + 0.05), tag: owner.tagName,
    });
  }
  return found;
}
"""

TARGETS = """
() => [...document.querySelectorAll('a[href], button, select, summary, label.button, label.tick,' +
    'input:not([type=file], [type=checkbox], [type=radio])')]
  .filter((node) => node.getBoundingClientRect().width && !node.matches('.skip'))
  .map((node) => ({ text: (node.innerText || node.id).slice(0, 20), width: node.getBoundingClientRect().width,
                    height: node.getBoundingClientRect().height }))
"""

UNNAMED = """
() => [...document.querySelectorAll('input, select, textarea, button, a[href], img, section[aria-labelledby]')]
  .filter((node) => {
    if (node.tagName === 'IMG') return !node.hasAttribute('alt');
    if (node.tagName === 'SECTION') {
      return !node.hidden && !document.getElementById(node.getAttribute('aria-labelledby'));
    }
    if (node.matches('input, select, textarea')) return !node.labels.length && !node.getAttribute('aria-label');
    return !node.innerText.trim() && !node.textContent.trim() && !node.getAttribute('aria-label');
  })
  .map((node) => node.outerHTML.slice(0, 120))
"""


LOOK = """
(size) => {
  const root = document.documentElement;
  root.classList.toggle("elder", size > 0);
  for (const step of [2, 3, 4]) root.classList.toggle(`size-${step}`, step === size);
}
"""
"""Put on the 长辈版 in a letter size of 1 to 4, or take it off with 0, as its buttons do."""


STILL = """
() => Promise.all(document.getAnimations()
  .filter((one) => one.playState === 'running' && one.effect.getComputedTiming().endTime !== Infinity)
  .map((one) => one.finished.catch(() => null)))
"""
"""Kept when nothing moves any more but what moves for ever: colours and places on their way are nobody's to judge."""


def too_wide(page: Page) -> list[tuple[str, int, list[str]]]:
    """Whether the page scrolls sideways, in its plain look, in large and in the largest letters."""
    wide = []
    for size, name in ((0, "plain"), (1, "elder"), (4, "elder largest")):
        page.evaluate(LOOK, size)
        width, inner = page.evaluate(OVERFLOW)
        if width > inner:
            wide.append((name, width, page.evaluate(STICKING_OUT)[-3:]))
    page.evaluate(LOOK, 0)
    return wide


def zoomed(page: Page) -> list[tuple[int, list[str]]]:
    """The same with letters of 200 %, as the reader sets them in the browser."""
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    width, inner = page.evaluate(OVERFLOW)
    wide = [(width, page.evaluate(STICKING_OUT)[-3:])] if width > inner else []
    page.evaluate("document.documentElement.style.fontSize = ''")
    return wide


def hard_to_read(page: Page) -> list[Any]:
    """Texts without contrast, controls without a name or too small for a thumb, marks that are missing."""
    wrong: list[Any] = [item for item in page.evaluate(VISIBLE_TEXT) if item["contrast"] < 4.5]
    wrong += page.evaluate(UNNAMED)
    wrong += [item for item in page.evaluate(TARGETS) if item["height"] < 44 or item["width"] < 44]
    marks = page.evaluate(
        "['main', 'header', 'footer', 'nav[aria-label]', 'h1', '[aria-live=polite]']"
        ".map((name) => document.querySelectorAll(name).length)"
    )
    if marks[:3] != [1, 1, 1] or marks[3] < 1 or marks[4] != 1 or marks[5] != 1:
        wrong.append(marks)
    return wrong


def not_large(page: Page) -> list[Any]:
    """In the 长辈版, letters under 18 points, closed lines, and targets under 60 points (DOMAIN.md 5)."""
    page.evaluate(LOOK, 1)
    texts = page.evaluate(VISIBLE_TEXT)
    assert len(texts) > 8, "the page shows its words"
    small: list[Any] = [item for item in texts if item["size"] < 18 * POINT - 0.01]
    small += [item for item in texts if item["leading"] < 1.3 and item["tag"] == "P"]
    least = 60 * POINT - 0.5
    small += [item for item in page.evaluate(TARGETS) if item["height"] < least or item["width"] < least]
    page.evaluate(LOOK, 0)
    return small


def serious(page: Page) -> list[Any]:
    """What axe finds serious on the page as it is."""
    if page.evaluate("!window.axe"):  # half a megabyte, once for each document
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        (one["id"], one["impact"], [node["html"][:120] for node in one["nodes"]][:3])
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]


CHECKS: tuple[Callable[[Page], Sequence[Any]], ...] = (too_wide, zoomed, hard_to_read, not_large, serious)


def complaints(page: Page) -> list[tuple[str, Any]]:
    """What is wrong with the page as it is: the check that found it, and what it found."""
    page.evaluate(STILL)
    return [(check.__name__, item) for check in CHECKS for item in check(page)]


def complaints_at(page: Page, *sizes: tuple[int, int]) -> list[tuple[int, str, Any]]:
    """What is wrong with the page as it is in windows of these sizes: to walk there once more costs far more.

    Afterwards the window is as it was.
    """
    size, wrong = page.viewport_size, []
    assert size is not None
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        wrong += [(width, *one) for one in complaints(page)]
    page.set_viewport_size(size)
    return wrong
