"""查证照: one box for what people bring (标识, 编号, 证件号码, 流水号, 办件编号), and the newest of a type or state.

Names are encrypted without an index, so nobody is found by name: a list of everybody called so is what this register
must not be asked for. That somebody looked for a person is in evidence, with the licenses that were found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.console.reach import READERS
from certsvc.commands.evidence.record import record
from certsvc.commands.verifying.stands import stands_all
from certsvc.errors import FieldProblem, InvalidInput
from certsvc.identifiers.holder_code import HolderCodeType
from certsvc.license.model import Holder
from certsvc.license.states import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.request import IssuanceRequest
    from certsvc.license.standing import Standing

MAX_TEXT = 128
"""Characters of what is looked for; the longest 证照标识 has fewer. Stops oversized input before it is digested."""
MAX_FOUND = 50
"""Licenses of one answer: each is decrypted."""
LOOKED_AT = 2_000
"""Rows of the register one page of a filtered list looks at: bounds the time of one request."""
MAX_PLACE = 64
REQUEST_ID = "req_"
SEARCHED = "console.searched"


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """One license as a row; the holder is masked where it is shown."""

    version: LicenseVersion
    standing: Standing


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What was found.

    Attributes:
        requests: those under the 流水号, 办件编号 or id, also where no license came of them.
        whole: False where there are more than :data:`MAX_FOUND`.
        place: behind which the list goes on; empty at the end and for what was looked for by its name.
    """

    hits: Sequence[Hit]
    requests: Sequence[IssuanceRequest]
    whole: bool
    place: str = ""


def search(deps: Deps, caller: Principal, *, text: str, type_slug: str, state: str, place: str = "") -> Found:
    """Licenses by anything that names one, exactly; without a text the newest of a type or state, page by page.

    Raises:
        InvalidInput: an unknown type or state, or a text that is too long.
    """
    roles.require(caller, *READERS)
    wanted = text.strip()
    _check(deps, wanted, type_slug, state)
    if not wanted:
        return _newest(deps, type_slug=type_slug, state=state, place=place)
    now = deps.clock.now()
    with deps.uow.read() as tx:
        requests = _requests(deps, tx, wanted)
        versions = _versions(deps, tx, wanted, requests)
        fitting = [one for one in versions if type_slug in {"", one.type_slug} and state in {"", one.state.value}]
        shown = fitting[:MAX_FOUND]
        how = stands_all(deps, tx, shown, now)
    if shown:
        with deps.uow() as tx:
            content = {"found": [one.identifier for one in shown]}
            record(tx, deps, kind=SEARCHED, subject=caller.subject, actor=caller.subject, content=content, at=now)
    hits = [Hit(version=version, standing=one) for version, one in zip(shown, how, strict=True)]
    return Found(hits=hits, requests=requests, whole=len(fitting) <= MAX_FOUND)


def _check(deps: Deps, text: str, type_slug: str, state: str) -> None:
    problems = []
    if len(text) > MAX_TEXT:
        problems.append(FieldProblem(pointer="/text", code="too_long", detail=f"最多 {MAX_TEXT} 个字"))
    if type_slug and not deps.catalog.has_type(type_slug):
        problems.append(FieldProblem(pointer="/type", code="unknown", detail="目录中没有这个证照类型，请重新选择"))
    if state and state not in {one.value for one in State}:
        problems.append(FieldProblem(pointer="/state", code="unknown", detail="没有这个状态，请重新选择"))
    if problems:
        raise InvalidInput("查询条件有误，请更正后再查", problems=tuple(problems))


def _newest(deps: Deps, *, type_slug: str, state: str, place: str) -> Found:
    with deps.uow.read() as tx:
        versions, end = tx.console.newest_behind(
            place, type_slug=type_slug, state=state, look_at=LOOKED_AT, limit=MAX_FOUND
        )
        how = stands_all(deps, tx, versions, deps.clock.now())
    hits = [Hit(version=version, standing=one) for version, one in zip(versions, how, strict=True)]
    return Found(hits=hits, requests=(), whole=True, place=end)


def _requests(deps: Deps, tx: UnitOfWork, text: str) -> Sequence[IssuanceRequest]:
    """By request id, 业务流水号 or 办件编号."""
    if text.startswith(REQUEST_ID):
        found = tx.requests.by_id(text)
        return [] if found is None else [found]
    bodies = [one.code for one in deps.catalog.authorities]
    several = [
        *tx.console.of_business(bodies, text, limit=MAX_FOUND),
        *tx.requests.of_case(text, caller="", behind="", limit=MAX_FOUND),
    ]
    return list({one.request_id: one for one in several}.values())[:MAX_FOUND]


def _versions(deps: Deps, tx: UnitOfWork, text: str, requests: Sequence[IssuanceRequest]) -> Sequence[LicenseVersion]:
    """By 证照标识, 证照编号, the holder's code, or a request; newest first."""
    upper = text.upper()
    found = [*tx.licenses.by_identifiers([upper]).values()]
    slugs = [kind.slug for kind in deps.catalog.types]
    for number in dict.fromkeys((text, upper)):
        found += tx.console.numbered(slugs, number, limit=MAX_FOUND + 1)
    for code_type in HolderCodeType:
        holder = Holder(name="", code=upper, code_type=code_type.value)
        found += tx.licenses.of_holder(holder, limit=MAX_FOUND + 1)
    found += tx.licenses.by_version_ids([one.version_id for one in requests if one.version_id]).values()
    several = {one.version_id: one for one in found}
    return sorted(several.values(), key=lambda one: (one.created_at, one.version_id), reverse=True)
