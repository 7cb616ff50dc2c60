"""Log lines go to standard error as it is when they are written."""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import os

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


class FullDisk(io.StringIO):
    """A file without room."""

    def write(self, _: str) -> int:
        """Fail as the system does."""
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_line_for_which_there_is_no_room_is_lost_and_nothing_else() -> None:
    """A loop that tells of its trouble on a full disk must not end of it."""
    try:
        with contextlib.redirect_stderr(FullDisk()):
            configure_logs("WARNING")
            structlog.get_logger("certsvc.test").warning("one", action="test.one")
            logging.getLogger("certsvc.test").error("two")
    finally:
        configure_logs("ERROR")
