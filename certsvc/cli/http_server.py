"""The HTTP server of this process: uvicorn waits for every answer, and an event stream has no end of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    import socket

    from fastapi import FastAPI


class StreamingServer(uvicorn.Server):
    """Ends the open event streams when it is told to stop, so that readers see a whole answer and come again."""

    def __init__(self, app: FastAPI, config: uvicorn.Config) -> None:
        """Serve ``app`` as ``config`` says."""
        super().__init__(config)
        self._streams = app.state.streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let the streams end, and wait for the answers under way."""
        self._streams.end_all()
        await super().shutdown(sockets)
