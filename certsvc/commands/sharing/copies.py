"""What becomes of an annotated copy after it was given: had again, withdrawn; and intents that led to nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.sharing.make_copy import stored_copy
from certsvc.commands.showing.rights import right_to_consent
from certsvc.commands.verifying.stands import stands
from certsvc.errors import Conflict, NotFound
from certsvc.events.copy_payloads import CopyWithdrawn
from certsvc.identifiers.use_basis import CONSENT
from certsvc.license.copies import CopyState

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.copies import AnnotatedCopy

NO_COPY_ZH = "没有这份加注件"

UNMADE_FOR = timedelta(days=1)
"""After so long an intent leads to nothing: no fetch takes a minute."""
SWEPT_AT_ONCE = 500


def copy_again(deps: Deps, caller: Principal, fetch_id: str) -> tuple[AnnotatedCopy, bytes]:
    """The very bytes that a fetch of the caller's gave, as long as they are good for anything.

    Raises:
        NotFound: no copy of a fetch of this client.
        Conflict: it expired or was withdrawn.
    """
    roles.require(caller, roles.USING)
    now = deps.clock.now()
    with deps.uow.read() as tx:
        copy = tx.copies.by_fetch(fetch_id)
        version = tx.licenses.by_version_id(copy.version_id) if copy is not None else None
        good = version is not None and (version.provisional or stands(deps, tx, version, now).good)
    if copy is None or copy.client_id != caller.subject or copy.state is CopyState.MAKING:
        raise NotFound(NO_COPY_ZH)
    if copy.state is CopyState.WITHDRAWN:
        raise Conflict("持证人已收回这份加注件，不再提供；仍需要的，请持证人重新授权")
    if copy.expired(now):
        raise Conflict("这份加注件已过期，不再提供；仍需要的，请按所办事项重新调用")
    if not good:
        raise Conflict("证照不在有效状态，这份加注件不再提供；可改为只取信息项核对状态")
    return copy, stored_copy(deps, copy)


def withdraw_copy(deps: Deps, caller: Principal, copy_id: str) -> AnnotatedCopy:
    """收回加注件: from now on every check of it says that it was withdrawn.

    Raises:
        NotFound: not a copy of a license over whose use the caller decides.
        Conflict: it was given on a duty, or withdrawn before.
    """
    roles.require(caller, roles.HOLDER)
    now = deps.clock.now()
    with deps.uow() as tx:
        copy = tx.copies.by_id(copy_id)
        version = tx.licenses.by_version_id(copy.version_id) if copy is not None else None
        if copy is None or version is None:
            raise NotFound(NO_COPY_ZH)
        try:
            right_to_consent(deps, tx, caller, version.identifier, now, matter_code=copy.matter_code)
        except NotFound:
            raise NotFound(NO_COPY_ZH) from None
        if copy.basis != CONSENT:
            raise Conflict("这份加注件是依法定职责取得的，不能收回；认为不当的，请在“谁用过我的证”中提出异议申诉")
        if not tx.copies.withdraw(copy_id, now=now):
            raise Conflict("这份加注件已经收回")
        payload = CopyWithdrawn(
            copy_id=copy_id,
            fetch_id=copy.fetch_id,
            identifier=version.identifier,
            client_id=copy.client_id,
            authority_code=copy.authority_code,
        )
        event_id, source = deps.ids.new("evt"), deps.policy.event_source
        tx.outbox.add(payload.event(event_id=event_id, source=source, subject=version.identifier, at=now))
        content = {"copy_id": copy_id}
        record(
            tx, deps, kind="copy.withdrawn", subject=version.identifier, actor=caller.subject, content=content, at=now
        )
        withdrawn = tx.copies.by_id(copy_id)
    if withdrawn is None:
        msg = "a copy that was given is never deleted"
        raise RuntimeError(msg)
    return withdrawn


def sweep_copies(deps: Deps) -> int:
    """Forget intents that led to nothing; their objects, if any, are those without a row (``objects sweep``)."""
    with deps.uow() as tx:
        return tx.copies.forget_unmade(before=deps.clock.now() - UNMADE_FOR, limit=SWEPT_AT_ONCE)
