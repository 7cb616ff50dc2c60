"""Log lines go to standard error as it is when they are written."""

from __future__ import annotations

import contextlib
import io
import logging

import structlog

from certsvc.cli.logs import configure_logs


def test_a_line_goes_where_standard_error_leads_now_and_not_where_it_led_once() -> None:
    first = io.StringIO()
    try:
        with contextlib.redirect_stderr(first):
            configure_logs("WARNING")
            log = structlog.get_logger("certsvc.test")
            log.warning("one", action="test.one")
        assert "test.one" in first.getvalue()
        first.close()
        with contextlib.redirect_stderr(io.StringIO()) as second:
            log.warning("two", action="test.two")
            logging.getLogger("certsvc.test").error("three")
        assert "test.two" in second.getvalue()
        assert "three" in second.getvalue()
    finally:
        configure_logs("ERROR")
