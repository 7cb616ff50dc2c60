"""An Idempotency-Key of a use or consent: whoever lost the answer asks again and gets the same, recorded once.

A key is bound to its caller and to the content under it. What stands under it is kept as digests under the master key:
the content names people, and a key is whatever a client thinks of.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import rfc8785

from certsvc.commands.evidence.record import record
from certsvc.errors import CertsvcError, Conflict, IdempotencyMismatch, IntegrityError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pydantic import BaseModel

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.uses import Fetch

AnswerT = TypeVar("AnswerT")

MAX_KEY_LENGTH = 200
"""Characters of a key; as those of issuance."""
REPEAT_FOR = timedelta(minutes=10)
"""So long an answer is given again: the next try of whoever lost it, and no second life of a consent that was used."""
CODE_BYTES = 16
"""Of a 用证码: 128 bits, as those that are random."""
GIVEN = "given"
OVER_ZH = "此 Idempotency-Key 已用过，且超过十分钟，不再重给"


@dataclass(frozen=True, kw_only=True, slots=True)
class Once:
    """What a caller sent under a key; ``kind`` says of what it is the key."""

    caller: str
    kind: str
    key: str
    content: str

    @staticmethod
    def of(caller: str, kind: str, key: str, body: BaseModel) -> Once | None:
        """What was sent, or None without a key."""
        if not key:
            return None
        return Once(caller=caller, kind=kind, key=key, content=rfc8785.dumps(body.model_dump(mode="json")).decode())

    @property
    def _name(self) -> str:
        return f"{self.kind}:{self.key}"

    def _digest(self, tx: UnitOfWork) -> str:
        return tx.receipts.keyed(self.content, self.kind).hex()

    def known(self, tx: UnitOfWork) -> str:
        """The id that this led to before, or empty; IdempotencyMismatch where the content was another."""
        found = tx.receipts.find(self.caller, self._name)
        if found is None:
            return ""
        if found[0] != self._digest(tx):
            raise IdempotencyMismatch("同一 Idempotency-Key 的内容不一致；重发请保持内容不变，新的请求请换用新的键")
        return found[1]

    def bind(self, tx: UnitOfWork, result_id: str, now: datetime) -> None:
        """In the transaction of what it led to; Conflict, which undoes that, when another call was first."""
        digest = self._digest(tx)
        if not tx.receipts.bind(self.caller, self._name, body_hash=digest, result_id=result_id, now=now):
            raise Conflict("同一 Idempotency-Key 正在处理，请稍后以同一键重试")

    def code(self, tx: UnitOfWork) -> str:
        """A code that is the same whenever it is asked for, and that nobody works out without the master key."""
        made = tx.receipts.keyed(f"{self.caller}\n{self._name}\n{self.content}", f"{self.kind}.code")
        return base64.urlsafe_b64encode(made[:CODE_BYTES]).decode().rstrip("=")


def check_time(at: datetime, now: datetime, named: str) -> None:
    """Conflict where it is too late to give an answer again."""
    if now >= at + REPEAT_FOR:
        raise Conflict(f"{OVER_ZH}；原编号 {named}，需要再次使用请换用新的键")


def first_or_again(
    deps: Deps,
    caller: Principal,
    once: Once | None,
    first: Callable[[], AnswerT],
    read_again: Callable[[str, datetime], AnswerT],
) -> AnswerT:
    """``first``, which fetches and binds the key; where the key led to a fetch, what ``read_again`` finds of that."""
    if once is None:
        return first()
    known = _known(deps, once)
    if not known:
        try:
            return first()
        except Conflict:
            # Somebody with the same key was first: a second try while the first was still on its way.
            known = _known(deps, once)
            if not known:
                raise
    return _repeated(deps, caller, known, read_again)


def _repeated(deps: Deps, caller: Principal, fetch_id: str, read_again: Callable[[str, datetime], AnswerT]) -> AnswerT:
    """What is read anew of a fetch; that it left again, or why it did not, is in the evidence."""
    now = deps.clock.sure()
    refused: CertsvcError | None = None
    try:
        answer = read_again(fetch_id, now)
    except (Unavailable, IntegrityError):
        raise
    except CertsvcError as error:
        refused = error
    with deps.uow.shared() as tx:
        content = {"outcome": refused.code if refused is not None else GIVEN}
        record(tx, deps, kind="fetch.repeated", subject=fetch_id, actor=caller.subject, content=content, at=now)
    if refused is not None:
        raise refused
    return answer


def given_before(tx: UnitOfWork, caller: Principal, fetch_id: str, now: datetime) -> Fetch:
    """The fetch that a key of the caller led to; Conflict where it is too late to give it again."""
    row = tx.sharing.fetch(fetch_id)
    if row is None or row.client_id != caller.subject:
        msg = "a key leads to a fetch of its caller"
        raise RuntimeError(msg)
    check_time(row.at, now, fetch_id)
    return row


def _known(deps: Deps, once: Once) -> str:
    with deps.uow.read() as tx:
        return once.known(tx)
