"""Connections to PostgreSQL that are given up when nobody answers at the other end.

A host that vanishes without a reset (power, a pulled cable, a firewall that forgot the connection) says nothing, and
the kernel goes on trying for a quarter of an hour. So the kernel is told to ask whether the host is there and to give
up after :data:`SILENT_HOST_S`; and because a host, or something on the way, may take what is sent and never answer,
every answer is waited for :data:`ANSWER_S` at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from sqlalchemy import event

if TYPE_CHECKING:
    from psycopg.abc import PQGen
    from sqlalchemy import Engine

    ResultT = TypeVar("ResultT")

CONNECT_TIMEOUT_S = 5
SILENT_HOST_S = 10
"""What was sent and not acknowledged for so long ends the connection: above what a failing link takes to come back."""
KEEPALIVE_IDLE_S = 4
KEEPALIVE_EVERY_S = 2
KEEPALIVES = 3
"""A quiet connection, also one that waits for an answer, is asked after 4 s and given up after three more silences."""
STATEMENT_TIMEOUT_MS = 15_000
"""PostgreSQL ends a statement that takes longer: a hung query must not hold a worker for ever."""
ANSWER_S = STATEMENT_TIMEOUT_MS / 1000 + 5
"""PostgreSQL has said by then that a statement took too long: whoever is still silent is not there."""

LIVENESS = {
    "connect_timeout": CONNECT_TIMEOUT_S,
    "keepalives": 1,
    "keepalives_idle": KEEPALIVE_IDLE_S,
    "keepalives_interval": KEEPALIVE_EVERY_S,
    "keepalives_count": KEEPALIVES,
    "tcp_user_timeout": SILENT_HOST_S * 1000,
}
"""libpq's words for it."""


class AnsweringConnection(psycopg.Connection[Any]):
    """A connection that is closed when an answer does not come in ``answer_s``."""

    answer_s: float = ANSWER_S

    def wait(self, gen: PQGen[ResultT], interval: float = 0.1, timeout: float | None = None) -> ResultT:
        """As the driver's, but never for ever.

        Raises:
            psycopg.OperationalError: as the driver's; when it is the driver's own (no SQLSTATE: no answer, or the
                connection is lost), the connection is closed, so that the pool throws it away with all of its age.
        """
        try:
            return super().wait(gen, interval, self.answer_s if timeout is None else timeout)
        except psycopg.OperationalError as error:
            if error.sqlstate is None:
                self.pgconn.finish()
            raise


def give_up_silent(engine: Engine, answer_s: float) -> None:
    """Let every connection of ``engine`` be one that is given up after ``answer_s`` without an answer."""

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, arguments: list[Any], named: dict[str, Any]) -> AnsweringConnection:
        connection = AnsweringConnection.connect(*arguments, **named)
        connection.answer_s = answer_s
        return connection
