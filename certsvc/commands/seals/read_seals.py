"""Look at seals: lists with what the caller may do, histories, pictures and seal objects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.clock import end_of_day, local_day
from certsvc.commands.access import roles
from certsvc.commands.seals.duties import SEERS, UNSEEN, check_seen, may_open, moves_for, sees
from certsvc.errors import NotFound
from certsvc.seal.life import IN_USE, UNDER_WAY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.seal.object import SealObjectReport
    from certsvc.seal.version import SealMoveRecord, SealVersion

MAX_WAITING = 1_000
"""Versions under way that one look goes through; a province applies for fewer in a year."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SealView:
    """A seal as one caller sees it.

    Attributes:
        current: the newest version that is or was in use, or None for a seal that is only applied for.
        under_way: the version that is not in use yet, or None.
        used_today: uses of the Shanghai day so far.
        moves: names of what the caller may do now: moves of ``seal/life.py``, ``make``, ``remake``, ``renew``.
    """

    seal_id: str
    current: SealVersion | None
    under_way: SealVersion | None
    used_today: int
    moves: tuple[str, ...]

    @property
    def shown(self) -> SealVersion:
        """The version that stands for the seal."""
        found = self.current or self.under_way
        if found is None:
            msg = "a seal without a version"
            raise RuntimeError(msg)
        return found


def list_seals(deps: Deps, caller: Principal, *, after: str = "", limit: int = 500) -> Sequence[SealView]:
    """Seals behind ``after`` that the caller may see, by id; those only applied for among them."""
    roles.require(caller, *SEERS)
    with deps.uow.read() as tx:
        waiting = {one.seal_id: one for one in tx.seal_lives.under_way(limit=MAX_WAITING)}
        owners = {seal.seal_id: seal.owner_code for seal in tx.seals.all()}
        owners |= {one.seal_id: one.owner_code for one in waiting.values()}
        seen = [seal_id for seal_id in sorted(owners) if seal_id > after and sees(deps, caller, owners[seal_id])]
        used = tx.seals.used_on(_day_start(deps))
        return [_view(deps, tx, caller, seal_id, used.get(seal_id, 0)) for seal_id in seen[:limit]]


def read_seal(deps: Deps, caller: Principal, seal_id: str) -> SealView:
    """One seal; NotFound when there is none that the caller may see."""
    roles.require(caller, *SEERS)
    with deps.uow.read() as tx:
        used = tx.seals.used_on(_day_start(deps))
        view = _view(deps, tx, caller, seal_id, used.get(seal_id, 0))
    check_seen(deps, caller, view.shown.owner_code)
    return view


def read_history(deps: Deps, caller: Principal, seal_id: str) -> Sequence[SealMoveRecord]:
    """Every move of a seal; NotFound when there is none that the caller may see."""
    read_seal(deps, caller, seal_id)
    with deps.uow.read() as tx:
        return tx.seal_lives.history(seal_id)


def names_of(deps: Deps, moves: Sequence[SealMoveRecord]) -> Mapping[str, str]:
    """Names of the people who made these moves, as far as they are registered; for those who may read the history."""
    with deps.uow.read() as tx:
        people = {move.actor: tx.access.person(move.actor) for move in moves}
    return {actor: one.name for actor, one in people.items() if one is not None}


def seal_picture(deps: Deps, caller: Principal, seal_id: str, *, version: int = 0) -> bytes:
    """The picture of a version as PNG, 0 for the one that stands for the seal; NotFound.

    In the sandbox the ring text is that of an invented authority; the picture proves nothing anywhere.
    """
    return deps.renderer.stamp_png(_version(deps, caller, seal_id, version).stamp)


def seal_object(deps: Deps, caller: Principal, seal_id: str, *, version: int = 0) -> bytes:
    """The seal object (.esl) of a version, for its keepers, its makers and auditors; NotFound without one."""
    roles.require(caller, roles.SEAL_KEEPER, roles.SEAL_MAKER, roles.AUDITOR)
    key_id = _version(deps, caller, seal_id, version).key_id
    if not key_id:
        raise NotFound("印章尚未制作，没有印章数据")
    return deps.seal_maker.seal_object(key_id)


def judge_seal_object(deps: Deps, caller: Principal, data: bytes) -> SealObjectReport:
    """What is found about a seal object that the caller brings; InvalidInput for a file that is none."""
    roles.require(caller, *SEERS)
    return deps.seal_maker.judge_object(data, deps.clock.now())


def _version(deps: Deps, caller: Principal, seal_id: str, number: int) -> SealVersion:
    view = read_seal(deps, caller, seal_id)
    if number == 0:
        return view.shown
    with deps.uow.read() as tx:
        found = tx.seal_lives.version(seal_id, number)
    if found is None:
        raise NotFound("这枚印章没有这个版本")
    return found


def _view(deps: Deps, tx: UnitOfWork, caller: Principal, seal_id: str, used: int) -> SealView:
    versions = tx.seal_lives.versions(seal_id)
    if not versions:
        raise NotFound(UNSEEN)
    under_way = next((one for one in versions if one.state in UNDER_WAY), None)
    in_use = next((one for one in versions if one.state in IN_USE), None)
    rest = [one for one in versions if one.state not in UNDER_WAY]
    current = in_use or (rest[-1] if rest else None)
    moves = [move.name for one in (current, under_way) if one for move in moves_for(deps, caller, one)]
    if in_use is not None and under_way is None:
        moves += [name for name in ("remake", "renew") if may_open(deps, caller, name, in_use)]
    visible = None if under_way is None else _without_request(caller, under_way)
    return SealView(
        seal_id=seal_id, current=current, under_way=visible, used_today=used, moves=tuple(dict.fromkeys(moves))
    )


def _without_request(caller: Principal, version: SealVersion) -> SealVersion:
    """The certificate request is the maker's business."""
    return version if roles.SEAL_MAKER in caller.roles else replace(version, request="")


def _day_start(deps: Deps) -> datetime:
    return end_of_day(local_day(deps.clock.now())) - timedelta(days=1)
