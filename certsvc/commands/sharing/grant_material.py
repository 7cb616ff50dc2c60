"""授权 over a 电子材料: whom it is about lets one client use it for one matter, once (用证码), as with a license."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.commands.access import roles
from certsvc.commands.shapes import Line
from certsvc.commands.sharing.grant_use import (
    MAX_GRANT_MINUTES,
    GrantAnswer,
    granted_keys,
    made_before,
    receiving,
    store_grant,
)
from certsvc.commands.sharing.policy import by_own_code, keys_on_consent
from certsvc.commands.sharing.repeats import Once
from certsvc.commands.showing.codes import token_sha256
from certsvc.commands.showing.material_rights import right_to_material, seen_materials
from certsvc.errors import Conflict
from certsvc.identifiers.material_kind import slug_of
from certsvc.license.archives import MATERIAL_ZH, MaterialState
from certsvc.license.uses import Grant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.archives import Material


class MaterialGrantBody(BaseModel):
    """授权范围：哪份电子材料、给谁、为哪个事项、哪些信息、多久."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    material_id: Line = Field(min_length=1, max_length=64, description="材料登记号")
    client_id: str = Field(max_length=64, description="用证系统")
    matter_code: str = Field(max_length=33, description="事项实施编码")
    case_no: Line = Field(default="", max_length=64, description="办件编号，填写后仅限该件")
    fields: tuple[str, ...] = Field(default=(), max_length=20, description="授权的信息项，缺省为该事项允许的全部")
    minutes: int = Field(default=30, ge=1, le=MAX_GRANT_MINUTES)


def own_materials(deps: Deps, caller: Principal) -> Sequence[Material]:
    """Materials about the caller, wards and the company led that count, newest first."""
    roles.require(caller, roles.HOLDER)
    with deps.uow.read() as tx:
        found = seen_materials(tx, caller, deps.clock.now()).values()
    return [one for one in found if one.state is MaterialState.REGISTERED]


def grant_material(deps: Deps, caller: Principal, body: MaterialGrantBody, *, idempotency_key: str = "") -> GrantAnswer:
    """Make a grant; the code leaves in the answer only, and once more to whoever lost that and has the key.

    Raises:
        NotFound: not a material over whose use the caller decides, or no such client.
        Conflict: the caller is too young to decide alone, or the material counts no more.
        NoLawfulBasis: no such matter of this client, or it may not see this kind.
        InvalidInput: fields that the matter does not need; IdempotencyMismatch: the key came with other content.
    """
    roles.require(caller, roles.HOLDER)
    body, now = by_own_code(deps, body), deps.clock.sure()
    once = Once.of(caller.subject, "material_grant", idempotency_key, body)
    with deps.uow() as tx:
        token = once.code(tx) if once is not None else deps.ids.token()
        if once is not None and (known := once.known(tx)):
            return made_before(tx, known, token, now)
        right = right_to_material(tx, caller, body.material_id, now)
        material = right.material
        if material.state is not MaterialState.REGISTERED:
            raise Conflict(f"这份电子材料{MATERIAL_ZH[material.state]}，不能授权他人使用")
        client = receiving(tx, body.client_id)
        allowed = keys_on_consent(deps, tx, body.matter_code, client.authority_code, slug_of(material.code))
        grant = Grant(
            grant_id=deps.ids.new("grt"),
            token_sha256=token_sha256(token),
            version_id=material.material_id,
            holder_subject=caller.subject,
            client_id=client.client_id,
            matter_code=body.matter_code,
            case_no=body.case_no,
            fields=granted_keys(body.fields, allowed),
            created_at=now,
            expires_at=now + timedelta(minutes=body.minutes),
            basis=right.basis,
            basis_id=right.basis_id,
        )
        if once is not None:
            once.bind(tx, grant.grant_id, now)
        store_grant(deps, tx, grant, material, actor=caller.subject)
    return GrantAnswer(grant=grant, authority_code=client.authority_code, code=token, material=material)
