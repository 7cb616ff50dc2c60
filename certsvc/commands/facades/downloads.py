"""Addresses that give one file once: a capability of 128 random bits, kept as a digest, for ten minutes.

Nothing is prepared and no file is kept: what the address stands for is fetched when it is opened, under the account,
the policy and the state of the license of that moment, and is on the ledger then.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.commands.facades.accounts import note_beside, open_call
from certsvc.commands.facades.ask import RETRIED, SpentError, give
from certsvc.commands.sharing.fetch_license import FetchBody
from certsvc.commands.showing.codes import token_sha256
from certsvc.errors import CertsvcError, IntegrityError, NotFound
from certsvc.identifiers.policy_key import COPY
from certsvc.license.facades import Download

if TYPE_CHECKING:
    from certsvc.commands.facades.accounts import Call
    from certsvc.commands.ports import Deps
    from certsvc.commands.sharing.fetch_license import FetchAnswer
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.facades import FacadeName

LIFE = timedelta(seconds=600)
"""As the deployed platforms have it (STANDARDS.md 2.4 B)."""
MAX_ID = 64
"""Characters of a capability that is looked up; ours have 22."""
KEPT_FOR = timedelta(days=1)
"""How long ended codes and addresses stay, so that a second try is told from a guess in the evidence."""
FILE = "file"
"""In place of a code in the evidence of a call that gave a file."""
GONE_ZH = "下载地址无效、已使用或已过期，请重新取得"


def make_address(deps: Deps, call: Call, body: FetchBody) -> str:
    """The capability for the file of a fetch; the caller has read the license on the same basis before."""
    now, token = deps.clock.now(), deps.ids.token()
    download = Download(
        id_sha256=token_sha256(token),
        account_id=call.account.account_id,
        client_id=call.caller.subject,
        asked=body.model_copy(update={"fields": (COPY,)}).model_dump(mode="json"),
        created_at=now,
        expires_at=now + LIFE,
    )
    with deps.uow() as tx:
        tx.facades.insert_download(download)
    return token


def open_address(deps: Deps, facade: FacadeName, token: str, *, verb: str) -> FetchAnswer:
    """The file, once; that it was given is in the evidence before it leaves, as a call of ``verb``.

    The use of the address, the fetch and the evidence are one transaction.

    Raises:
        NotFound: no such address, one of another facade, used or too old: alike.
        Unauthenticated: the account is active no more.
        Unavailable, Conflict: the file could not be had just now; the address is as unused as before.
    """
    digest = token_sha256(token[:MAX_ID])
    with deps.uow.read() as tx:
        known = tx.facades.download(digest)
        account = tx.facades.account(known.account_id) if known is not None else None
    if known is None or account is None or account.facade is not facade:
        raise NotFound(GONE_ZH)
    call, now = open_call(deps, account), deps.clock.now()
    if known.used_at is not None or now >= known.expires_at:
        raise NotFound(GONE_ZH)  # before a copy is made for it

    def spend(tx: UnitOfWork, answer: FetchAnswer | CertsvcError) -> None:
        if isinstance(answer, RETRIED):
            return
        if not tx.facades.use_download(digest, now=now):
            raise SpentError
        if isinstance(answer, CertsvcError):
            return
        if answer.file is None:
            raise IntegrityError("证照文件没有制出，已停止提供，请联系运维")
        note_beside(deps, tx, call, verb, FILE)

    try:
        return give(deps, call, FetchBody.model_validate(known.asked), beside=spend)
    except SpentError:
        raise NotFound(GONE_ZH) from None


def forget_facades(deps: Deps) -> int:
    """Remove codes and addresses that ended a day ago; how many."""
    with deps.uow() as tx:
        return tx.facades.forget(before=deps.clock.now() - KEPT_FOR)
