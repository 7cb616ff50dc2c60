"""The connection to NATS JetStream: one event loop in a thread of its own, asked from threads that may wait.

The broker carries events and is never the truth (RELIABILITY.md 1.4): what it loses is sent again from the outbox.
nats-py is the maintained client of the server's makers (docs/decisions/0066-broker.md).
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import TimeoutError as WaitTimeout
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import nats
from nats.aio.client import Client
from nats.errors import ConnectionClosedError
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from certsvc.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

T = TypeVar("T")

IN_FLIGHT = 100
"""Messages published without waiting for the acknowledgement of the one before."""
ACK_S = 5.0
CONNECT_S = 3
CHECK_S = 2.0
"""How long readiness waits for an answer: it is asked often, and by something that waits itself."""
WAIT_S = 30.0
"""Longest wait for anything: a broker that hangs must not hold a relay beyond its lease."""
DUPLICATES_S = 3600.0
"""How long the server itself knows a ``Nats-Msg-Id`` again; correctness never rests on it."""
KEPT_S = 30 * 24 * 3600.0
"""How long the stream of events is kept for readers that are away."""
ACK_WAIT_S = 60.0
"""After which a message that was taken and not answered is delivered again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokerAddress:
    """Where the broker is and what ours is called there.

    Attributes:
        servers: URLs (``tls://nats1:4222``), tried in turn.
        credentials: file of the NATS user (JWT and seed), or None.
        prefix: first token of every subject.
        replicas: copies that a cluster keeps of each stream.
    """

    servers: tuple[str, ...]
    credentials: Path | None = None
    prefix: str = "certsvc"
    replicas: int = 1

    @property
    def events(self) -> StreamConfig:
        """The stream of events out: ``<prefix>.events.<type>``."""
        return StreamConfig(
            name=f"{self.prefix}-events",
            subjects=[f"{self.prefix}.events.>"],
            storage=StorageType.FILE,
            max_age=KEPT_S,
            duplicate_window=DUPLICATES_S,
            num_replicas=self.replicas,
        )

    @property
    def commands(self) -> StreamConfig:
        """The stream of events in, ``<prefix>.in.<client id>``: a message is gone when it was taken."""
        return StreamConfig(
            name=f"{self.prefix}-in",
            subjects=[f"{self.prefix}.in.*"],
            storage=StorageType.FILE,
            retention=RetentionPolicy.WORK_QUEUE,
            duplicate_window=DUPLICATES_S,
            num_replicas=self.replicas,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """One message to publish; ``key`` is its ``Nats-Msg-Id``."""

    subject: str
    key: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivered:
    """One message that was taken and must be answered.

    Attributes:
        sequence: its place in the stream.
        tries: how often it was delivered, this time included.
    """

    subject: str
    body: bytes
    headers: Mapping[str, str]
    sequence: int
    tries: int
    handle: Msg


class BrokerRefused(Exception):
    """The server knows no such user, or its password or credentials are others."""


class Broker:
    """Publishes and takes messages; safe to share between threads. Connects when it is first asked."""

    def __init__(self, address: BrokerAddress, *, name: str) -> None:
        """Speak to the broker at ``address`` as ``name``; nothing is connected yet."""
        self._address = address
        self._name = name
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"{name}-broker", daemon=True)
        self._thread.start()
        self._client: Client | None = None
        self._ready: set[str] = set()
        self._connecting = asyncio.Lock()

    @property
    def prefix(self) -> str:
        """First token of every subject."""
        return self._address.prefix

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Return when the broker has acknowledged every message; their order is kept.

        Raises:
            Unavailable: not all were acknowledged; to publish all of them again is safe.
        """
        self._ask(self._publish(messages))

    def take(self, count: int) -> Sequence[Delivered]:
        """At most ``count`` waiting messages of the stream of commands, in order; none is an empty answer."""
        return self._ask(self._take(count))

    def done(self, message: Delivered) -> None:
        """The message was carried out or parked: it is not delivered again. Confirmed by the broker."""
        self._ask(message.handle.ack_sync(timeout=ACK_S))

    def later(self, message: Delivered, delay_s: float) -> None:
        """The message is to be delivered again after a while."""
        self._ask(message.handle.nak(delay=delay_s))

    def check(self) -> None:
        """Return when the broker answers now; Unavailable when it does not."""
        self._ask(self._check())

    def close(self) -> None:
        """End the connection and the thread."""
        if self._client is not None:
            with suppress(Unavailable):  # it is going away anyway
                self._ask(self._client.close())
        with suppress(Unavailable):
            self._ask(_end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S)
        self._loop.close()

    def _ask(self, work: Coroutine[object, object, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(WAIT_S)
        except BrokerRefused as error:
            msg = "消息中间件不接受本服务的用户或凭据，请核对地址中的用户和口令或凭据文件；事件留在数据库中，更正后续发"
            raise Unavailable(msg) from error
        except (TimeoutError, NatsError, OSError, WaitTimeout) as error:
            future.cancel()
            self._ready.clear()  # a server whose disk was lost has no streams either
            msg = f"消息中间件没有应答（{type(error).__name__}），事件留在数据库中，稍后自动重试"
            raise Unavailable(msg) from error

    async def _stream(self, config: StreamConfig) -> JetStreamContext:
        client = await self._connected()
        context = client.jetstream(timeout=ACK_S)
        name = str(config.name)
        if name not in self._ready:
            try:
                await context.stream_info(name)
            except NotFoundError:
                await context.add_stream(config)
            self._ready.add(name)
        return context

    async def _check(self) -> None:
        async with asyncio.timeout(CHECK_S):
            client = await self._connected()
            await client.flush()
        if not client.is_connected:  # a connection that is being made again answers a flush with nothing
            raise ConnectionClosedError

    async def _connected(self) -> Client:
        async with self._connecting:
            if self._client is None or self._client.is_closed:
                self._client = await self._connect()
            return self._client

    async def _connect(self) -> Client:
        """A connection; one that is lost later is made again for ever, one whose user is refused now is not.

        Raises:
            BrokerRefused: a server did not let this user in; asking it again would change nothing.
        """
        client, connected = Client(), False
        refused: asyncio.Future[str] = self._loop.create_future()

        async def told(error: Exception) -> None:
            """Other errors come out where somebody waits for an answer; the log need not have them twice."""
            if "authorization violation" in str(error).lower() and not refused.done():
                refused.set_result(str(error))

        connecting = asyncio.ensure_future(
            client.connect(
                list(self._address.servers),
                name=self._name,
                connect_timeout=CONNECT_S,
                max_reconnect_attempts=-1,
                allow_reconnect=True,
                user_credentials=str(self._address.credentials) if self._address.credentials else None,
                error_cb=told,
            )
        )
        try:
            waiting: set[asyncio.Future[Any]] = {connecting, refused}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if connecting.done():
                await connecting
                connected = True
        finally:
            if not connected:  # cancelled, too: half a connection is nobody's, and its socket and tasks would stay
                connecting.cancel()
                await client.close()
        if not connected:
            raise BrokerRefused(refused.result())
        return client

    async def _publish(self, messages: Sequence[Outgoing]) -> None:
        context = await self._stream(self._address.events)
        stream = str(self._address.events.name)
        for start in range(0, len(messages), IN_FLIGHT):
            await asyncio.gather(
                *(
                    context.publish(
                        one.subject, one.body, stream=stream, headers={**one.headers, "Nats-Msg-Id": one.key}
                    )
                    for one in messages[start : start + IN_FLIGHT]
                )
            )

    async def _take(self, count: int) -> Sequence[Delivered]:
        config = self._address.commands
        context = await self._stream(config)
        consumer = ConsumerConfig(
            durable_name="certsvc",
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT_S,
            max_deliver=-1,
            max_ack_pending=count,
        )
        subject = str((config.subjects or [""])[0])
        waiting = await context.pull_subscribe(subject, durable="certsvc", stream=config.name, config=consumer)
        try:
            found = await waiting.fetch(count, timeout=0.5)
        except (TimeoutError, NatsError) as error:
            if isinstance(error, nats.errors.TimeoutError | asyncio.TimeoutError):
                return ()
            raise
        finally:
            await waiting.unsubscribe()
        return [_delivered(one) for one in found]


def _delivered(message: Msg) -> Delivered:
    meta = message.metadata
    return Delivered(
        subject=message.subject,
        body=message.data,
        headers={name.lower(): value for name, value in (message.headers or {}).items()},
        sequence=meta.sequence.stream,
        tries=meta.num_delivered or 1,
        handle=message,
    )


async def _end_tasks() -> None:
    """End what the client leaves running when its server is away: a loop closed over it would complain later."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
