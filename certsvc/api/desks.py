"""Requests that come together meet here: one look at the register for callers, one transaction for scans or fetches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from certsvc.commands.access.principals import claimed, look_up, refuse
from certsvc.commands.combine import Combiner
from certsvc.commands.sharing.fetch_license import fetch_license, fetch_licenses
from certsvc.commands.showing.scan_code import scan_codes
from certsvc.errors import CertsvcError
from certsvc.identifiers.policy_key import COPY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.access.principals import Claimed
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.sharing.fetch_license import FetchAnswer, FetchBody
    from certsvc.commands.showing.scan_code import ScanAnswer


class SignInDesk:
    """Threads share it. Every look begins after those it is for have asked, so a removed role ends at once."""

    def __init__(self, deps: Deps) -> None:
        self._combiner: Combiner[Claimed, Principal | None] = Combiner(partial(look_up, deps))

    def ask(self, deps: Deps, token: str) -> Principal:
        """As ``authenticate``; the token is checked by the thread that asks."""
        return self._combiner.ask(claimed(deps, token)) or refuse()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Question:
    deps: Deps
    caller: Principal
    text: str


class ScanDesk:
    """Threads share it."""

    def __init__(self) -> None:
        self._combiner: Combiner[_Question, ScanAnswer] = Combiner(_answer)

    def ask(self, deps: Deps, caller: Principal, text: str) -> ScanAnswer:
        """As ``scan_code``."""
        return self._combiner.ask(_Question(deps=deps, caller=caller, text=text))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Fetch:
    deps: Deps
    caller: Principal
    body: FetchBody


class FetchDesk:
    """Threads share it. Whoever may want the file asks alone: to make one takes longer than all else of a fetch."""

    def __init__(self) -> None:
        self._combiner: Combiner[_Fetch, FetchAnswer | CertsvcError] = Combiner(_fetch)

    def ask(self, deps: Deps, caller: Principal, body: FetchBody) -> FetchAnswer:
        """As ``fetch_license``."""
        if not body.fields or COPY in body.fields:
            return fetch_license(deps, caller, body)
        answer = self._combiner.ask(_Fetch(deps=deps, caller=caller, body=body))
        if isinstance(answer, CertsvcError):
            raise answer
        return answer


def _fetch(questions: Sequence[_Fetch]) -> list[FetchAnswer | CertsvcError]:
    return fetch_licenses(questions[-1].deps, [(one.caller, one.body) for one in questions])


def _answer(questions: Sequence[_Question]) -> list[ScanAnswer]:
    # Of those who came together the last saw the newest catalog; it is the same for all, but for a moment.
    return scan_codes(questions[-1].deps, [(one.caller, one.text) for one in questions])
