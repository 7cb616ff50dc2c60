"""How a client system is set up: whether its staff is registered, and its registered purpose."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.commands.access import roles
from certsvc.commands.access.staff import NO_CLIENT_ZH, own_client
from certsvc.commands.evidence.record import record
from certsvc.commands.shapes import Line
from certsvc.errors import NotFound

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.parties import Client

MAX_PURPOSE = 200
"""Characters of a purpose, as in a fetch."""


class ClientSettings(BaseModel):
    """缺省的项不改."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    staff_required: bool | None = Field(default=None, description="调用时经办人须已登记")
    purpose: Line | None = Field(default=None, max_length=MAX_PURPOSE, description="登记的使用目的，空文本为清除")


def read_client(deps: Deps, caller: Principal, client_id: str) -> Client:
    """A system of the caller's body; NotFound otherwise."""
    with deps.uow.read() as tx:
        return own_client(tx, caller, client_id)


def set_client(deps: Deps, caller: Principal, client_id: str, wanted: ClientSettings) -> Client:
    """Change what is given; NotFound for an unknown system."""
    roles.require(caller, roles.OPERATOR)
    now = deps.clock.now()
    with deps.uow() as tx:
        client = tx.access.client(client_id)
        if client is None:
            raise NotFound(NO_CLIENT_ZH)
        changed = replace(
            client,
            staff_required=client.staff_required if wanted.staff_required is None else wanted.staff_required,
            purpose=client.purpose if wanted.purpose is None else wanted.purpose,
        )
        tx.access.upsert_client(changed)
        content = {"staff_required": changed.staff_required, "purpose": changed.purpose}
        record(tx, deps, kind="access.client_settled", subject=client_id, actor=caller.subject, content=content, at=now)
    return changed
