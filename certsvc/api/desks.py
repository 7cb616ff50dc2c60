"""Requests that come together meet here: one look at the register for callers, one transaction for what they ask.

Nobody's request holds a thread while it waits; each desk has one, which works as long as somebody stands there.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from fastapi.concurrency import run_in_threadpool

from certsvc.commands.access.principals import claimed, look_up, unknown
from certsvc.commands.combine import UNKNOWN_ZH, WAIT_S, WORK_S, Combiner
from certsvc.commands.issuance.accept_issuance import accept_issuances, prepare_acceptance
from certsvc.commands.sharing.fetch_again import fetch_once
from certsvc.commands.sharing.fetch_license import fetch_license, fetch_licenses
from certsvc.commands.showing.scan_code import scan_codes
from certsvc.errors import Unavailable
from certsvc.events.spans import spanning
from certsvc.events.trace import current_trace
from certsvc.identifiers.policy_key import COPY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from certsvc.commands.access.principals import Claimed
    from certsvc.commands.combine import Place
    from certsvc.commands.issuance.accept_issuance import Accepted, Origin, Prepared
    from certsvc.commands.issuance.body import IssuanceBody
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.sharing.fetch_license import FetchAnswer, FetchBody
    from certsvc.commands.showing.scan_code import ScanAnswer

QuestionT = TypeVar("QuestionT")
AnswerT = TypeVar("AnswerT")

CHECKERS = 4
"""Requests for issuance that a process checks at one time: decoding photos leaves the interpreter to others."""

ROUNDS = 1
"""Turns of the event loop between asking and the beginning of the work, so that whose requests lie unread in the
sockets when the first asks goes along. A turn without work takes some ten microseconds."""


class _Desk(Generic[QuestionT, AnswerT]):
    """Any event loop may ask, also several.

    A piece of work begins when the event loop has gone through what was ready: who has come by then goes together, and
    nobody waits for a clock. Work that is done sooner than the next one asks would else be done for each alone.
    """

    def __init__(self, name: str, work: Callable[[Sequence[QuestionT]], Sequence[AnswerT | Exception]]) -> None:
        self._combiner = Combiner(work, ThreadPoolExecutor(1, name).submit)

    async def ask(self, question: QuestionT) -> AnswerT:
        """The answer, or what the work raised about this question; Unavailable when none came in time."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[None] = loop.create_future()

        def told(_: Place[QuestionT, AnswerT]) -> None:
            loop.call_soon_threadsafe(_wake, waiting)

        def begin(rounds: int) -> None:
            if rounds:
                loop.call_soon(begin, rounds - 1)
            else:
                self._combiner.begin()

        place = self._combiner.put(question, told, partial(loop.call_soon_threadsafe, begin, ROUNDS))
        loop.call_soon(begin, ROUNDS)

        def late() -> None:
            self._combiner.give_up(place)
            timers.append(loop.call_later(WORK_S, _wake, waiting))

        timers = [loop.call_later(WAIT_S, late)]
        try:
            await waiting
        finally:
            for timer in timers:
                timer.cancel()
        if place.error is not None:
            raise place.error
        if place.answer is None:
            raise Unavailable(UNKNOWN_ZH)
        return place.answer


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():  # whoever asked may have been cancelled
        waiting.set_result(None)


class SignInDesk:
    """Every look begins after those it is for have asked, so a removed role ends at once."""

    def __init__(self, deps: Deps) -> None:
        self._desk: _Desk[Claimed, Principal] = _Desk("sign-in", partial(_known, deps))

    async def ask(self, deps: Deps, token: str) -> Principal:
        """As ``authenticate``."""
        return await self._desk.ask(claimed(deps, token))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scan:
    deps: Deps
    caller: Principal
    text: str
    trace: str


class ScanDesk:
    """Where the scans of a process meet."""

    def __init__(self) -> None:
        self._desk: _Desk[_Scan, ScanAnswer] = _Desk("scan", _scan)

    async def ask(self, deps: Deps, caller: Principal, text: str) -> ScanAnswer:
        """As ``scan_code``."""
        return await self._desk.ask(_Scan(deps=deps, caller=caller, text=text, trace=current_trace()))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Fetch:
    deps: Deps
    caller: Principal
    body: FetchBody
    trace: str


class FetchDesk:
    """Where fetches meet. Whoever may want the file asks alone: to make one takes longer than all else of a fetch."""

    def __init__(self) -> None:
        self._desk: _Desk[_Fetch, FetchAnswer] = _Desk("fetch", _fetch)

    async def ask(self, deps: Deps, caller: Principal, body: FetchBody, key: str = "") -> FetchAnswer:
        """As ``fetch_once``; whoever brings a ``key`` asks alone: it is looked up first, and bound with the answer."""
        if key:
            return await run_in_threadpool(fetch_once, deps, caller, body, key)
        if not body.fields or COPY in body.fields:
            return await run_in_threadpool(fetch_license, deps, caller, body)
        return await self._desk.ask(_Fetch(deps=deps, caller=caller, body=body, trace=current_trace()))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Issuance:
    deps: Deps
    prepared: Prepared


class IssuanceDesk:
    """Where requests for issuance meet to be stored; before that each is checked, and its photo read, by a thread.

    Those threads are few: checking never waits for anything, so more of them would only take turns.
    """

    def __init__(self) -> None:
        self._checkers = ThreadPoolExecutor(CHECKERS, "issuance-check")
        self._desk: _Desk[_Issuance, Accepted] = _Desk("issuance", _accept)

    async def ask(self, deps: Deps, caller: Principal, body: IssuanceBody, origin: Origin) -> Accepted:
        """As ``accept_issuance``."""
        check = partial(copy_context().run, prepare_acceptance, deps, caller, body, origin)
        prepared = await asyncio.get_running_loop().run_in_executor(self._checkers, check)
        return await self._desk.ask(_Issuance(deps=deps, prepared=prepared))


# Of those who came together the last saw the newest catalog; it is the same for all, but for a moment.


def _known(deps: Deps, several: Sequence[Claimed]) -> list[Principal | Exception]:
    return [one or unknown() for one in look_up(deps, several)]


def _scan(several: Sequence[_Scan]) -> list[ScanAnswer | Exception]:
    deps, traces = several[-1].deps, [one.trace for one in several]
    with spanning(deps.tracer, "desk.scan", links=[*filter(None, traces)], certsvc__questions=len(several)):
        return [*scan_codes(deps, [(one.caller, one.text) for one in several], traces=traces)]


def _fetch(several: Sequence[_Fetch]) -> list[FetchAnswer | Exception]:
    deps, traces = several[-1].deps, [one.trace for one in several]
    with spanning(deps.tracer, "desk.fetch", links=[*filter(None, traces)], certsvc__questions=len(several)):
        return [*fetch_licenses(deps, [(one.caller, one.body) for one in several], traces=traces)]


def _accept(several: Sequence[_Issuance]) -> list[Accepted | Exception]:
    deps, asked = several[-1].deps, [one.prepared for one in several]
    traces = [one.trace for one in asked if one.trace]
    with spanning(deps.tracer, "desk.issuance", links=traces, certsvc__questions=len(several)):
        return [*accept_issuances(deps, asked)]
