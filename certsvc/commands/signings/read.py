"""Who may read a round: its creator, and the people who are asked to sign, from their turn on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.signers.identity import own_living
from certsvc.commands.signings.document import load_document
from certsvc.errors import InvalidInput, NotFound
from certsvc.seal.signing_round import SigningRound, StepState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.seal.signing_round import Step

MAX_LISTED = 100
PAGE_WIDTHS = (480, 960, 1600)
"""Widths of page pictures in pixels; fixed, so that nobody asks for a thousand sizes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenRound:
    """A round as one caller sees it.

    Attributes:
        mine: the caller's own step, or None for the creator.
        my_turn: whether the caller may sign now.
        new_signer: whether the caller's e-signature is in its first day, in which every signature needs a code.
    """

    signing: SigningRound
    mine: Step | None
    my_turn: bool
    new_signer: bool = False

    @property
    def needs_code(self) -> bool:
        """Whether the caller's confirmation must bring a one-time code."""
        return self.signing.needs_code or self.new_signer


def list_rounds(deps: Deps, caller: Principal) -> Sequence[SeenRound]:
    """A person's rounds, or those that a system or clerk asked for; newest first.

    A person sees a round when it is the own turn, and afterwards; not while others sign first.
    """
    roles.require(caller, roles.HOLDER, roles.APPROVAL, roles.APPROVAL_ANY, roles.CLERK)
    with deps.uow.read() as tx:
        if caller.holder_code:
            found = tx.signings.of_person(caller.holder_code_type, caller.holder_code, limit=MAX_LISTED)
        else:
            found = tx.signings.of_creator(caller.subject, limit=MAX_LISTED)
        new_signer = _in_first_day(tx, deps, caller)
    seen = (seen_by(deps, caller, signing) for signing in found)
    return [replace(one, new_signer=new_signer) for one in seen if one is not None]


def read_round(deps: Deps, caller: Principal, round_id: str) -> SeenRound:
    """One round; NotFound when it is none of the caller's business."""
    with deps.uow.read() as tx:
        signing = tx.signings.by_id(round_id)
        new_signer = _in_first_day(tx, deps, caller)
    seen = seen_by(deps, caller, signing) if signing is not None else None
    if seen is None:
        raise NotFound("没有这份待签文件，或还没有轮到您签名")
    return replace(seen, new_signer=new_signer)


def _in_first_day(tx: UnitOfWork, deps: Deps, caller: Principal) -> bool:
    signer = own_living(tx, caller)
    return signer is not None and signer.new_at(deps.clock.now())


def own_step(tx: UnitOfWork, deps: Deps, caller: Principal, round_id: str) -> tuple[SigningRound, Step]:
    """The round and the caller's step in it; NotFound for anybody who does not take part."""
    roles.require(caller, roles.HOLDER)
    signing = tx.signings.by_id(round_id)
    seen = seen_by(deps, caller, signing) if signing is not None else None
    if seen is None or seen.mine is None:
        raise NotFound("没有这份待签文件，或还没有轮到您签名")
    return seen.signing, seen.mine


def document_of(deps: Deps, caller: Principal, round_id: str) -> tuple[SeenRound, bytes]:
    """The document as it is now."""
    seen = read_round(deps, caller, round_id)
    return seen, load_document(deps, seen.signing.head)


def page_picture(deps: Deps, caller: Principal, round_id: str, page: int, *, sha256: str, width: int) -> bytes:
    """A page (from 1) of the document with this digest as PNG: what the person looks at is what the person confirms.

    Raises:
        NotFound: not the caller's round, or no such revision or page of it.
        InvalidInput: a width that is not offered.
    """
    seen = read_round(deps, caller, round_id)
    revision = next((one for one in seen.signing.revisions if one.sha256 == sha256), None)
    if revision is None or not 1 <= page <= seen.signing.page_count:
        raise NotFound("没有这一页，或文件版本已更新，请刷新后再看")
    if width not in PAGE_WIDTHS:
        raise InvalidInput(f"宽度可选 {'、'.join(map(str, PAGE_WIDTHS))} 像素")
    return deps.uploads.picture(load_document(deps, revision), page=page - 1, width_px=width)


def seen_by(deps: Deps, caller: Principal, signing: SigningRound) -> SeenRound | None:
    """How the caller sees the round, or None."""
    mine = signing.step_of(caller.holder_code_type, caller.holder_code) if caller.holder_code else None
    open_now = signing.state_at(deps.clock.now()) is signing.state
    my_turn = mine is not None and open_now and mine in signing.ready()
    if signing.created_by == caller.subject and mine is None:
        return SeenRound(signing=signing, mine=None, my_turn=False)
    if mine is None or not (my_turn or mine.state is not StepState.WAITING or mine in signing.ready()):
        return None
    return SeenRound(signing=signing, mine=mine, my_turn=my_turn)
