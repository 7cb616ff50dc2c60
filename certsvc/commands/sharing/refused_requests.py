"""A use request (用证申请) that was refused, on record: it names no license, so only the body itself reads of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import rows_of
from certsvc.commands.sharing.use_rows import known_keys, reason_of, type_of
from certsvc.errors import Conflict, RateLimited
from certsvc.license.uses import Fetch, UseBasis

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.sharing.use_requests import UseRequestBody
    from certsvc.errors import CertsvcError

STOPPED = "stopped requests"
"""Under this the first request of the day beyond a limit is counted: no license and no person is named so."""


def refuse_request(deps: Deps, caller: Principal, body: UseRequestBody, error: CertsvcError) -> None:
    """A row per type that was asked for, and the evidence of them, after nothing came of the request.

    Of requests beyond a limit one per client and day: a client that goes on trying must not fill the ledger.
    """
    now = deps.clock.now()
    with deps.uow() as tx:
        limited = isinstance(error, Conflict | RateLimited)
        if limited and not tx.bases.count_ask(caller.subject, local_day(now), STOPPED, most=1):
            return
        rows = [
            Fetch(
                fetch_id=deps.ids.new("fch"),
                version_id="",
                client_id=caller.subject,
                client_name=caller.name,
                authority_code=caller.authority_code,
                matter_code=body.matter_code,
                case_no=body.case_no,
                operator=body.operator,
                purpose=body.purpose,
                basis=UseBasis.CONSENT,
                grant_id="",
                fields=known_keys(deps, item.type, item.fields),
                outcome=reason_of(error),
                at=now,
                type_slug=type_of(deps, item.type),
            )
            for item in body.items
        ]
        tx.sharing.insert_fetches(rows)
        content = {
            "client_id": caller.subject,
            "matter_code": body.matter_code,
            "case_no": body.case_no,
            "types": sorted({row.type_slug for row in rows} - {""}),
            "reason": reason_of(error),
            "rows": rows_of(rows),
        }
        subject = deps.ids.new("urq")
        record(tx, deps, kind="consent.refused", subject=subject, actor=caller.subject, content=content, at=now)
