"""Fixtures of the browser tests; they stand in :mod:`city_browser`, whose functions the tests import too."""

from __future__ import annotations

from city_browser import browser, issue, move, open_page, playwright, shown, watch

__all__ = ["browser", "issue", "move", "open_page", "playwright", "shown", "watch"]
