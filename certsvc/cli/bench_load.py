"""The load of a benchmark, a process of its own: plain HTTP/1.1 over connections that stay open.

Reads one JSON document from standard input (``ports``, ``connections``, ``path``, ``requests``: token and body of each)
and prints one (``wall_s``, ``cpu_s``, ``latencies_ms``, ``statuses``). It does nothing but send and measure, since it
shares the cores with what it measures.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


async def _connection(port: int, requests: list[bytes], taken: list[float], statuses: Counter[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        start = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        await reader.readexactly(length)
        taken.append(time.perf_counter() - start)
        statuses[int(head[9:12])] += 1
    writer.close()


def _bytes(path: str, token: str, body: str) -> bytes:
    data = body.encode()
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
    return (head + f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n").encode() + data


async def _run(asked: Mapping[str, Any]) -> dict[str, object]:
    ports, connections = asked["ports"], asked["connections"]
    requests = [_bytes(asked["path"], token, body) for token, body in asked["requests"]]
    taken: list[float] = []
    statuses: Counter[int] = Counter()
    start, spent = time.perf_counter(), time.process_time()
    await asyncio.gather(
        *(
            _connection(ports[n % len(ports)], requests[n::connections], taken, statuses)
            for n in range(connections)
            if requests[n::connections]
        )
    )
    wall, cpu = time.perf_counter() - start, time.process_time() - spent
    return {"wall_s": wall, "cpu_s": cpu, "latencies_ms": [1000 * one for one in taken], "statuses": dict(statuses)}


def main() -> None:
    """One load."""
    asked = json.load(sys.stdin)
    print(json.dumps(asyncio.run(_run(asked))))


if __name__ == "__main__":
    main()
