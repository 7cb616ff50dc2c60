"""Seal pages as the signature plan of their type says: which seals, in which order, each use reserved and answered.

One seal is a certification signature without changes allowed. With several, the first certifies with P=2 over a page
that brings the later fields along, and each further one is an update of its own (DESIGN.md 4): RSA or P-256 for readers
abroad first, SM2 last. The pages of a batch reserve their first seals together and answer together; a page with more
seals goes on by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.commands.issuance.page import FIELD_NAME, later_fields
from certsvc.commands.page_ports import SealTask
from certsvc.commands.seals.fence import ReservedPage, seal_fenced
from certsvc.commands.seals.use_seal import Asked, abandon_earlier, reserve_uses, settle_sealed
from certsvc.errors import CertsvcError, SealUnavailable
from certsvc.seal.marks import NextField, NextSignature

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from certsvc.catalog.model import LicenseType
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.seal.model import Seal
    from certsvc.seal.prepared import PreparedPdf
    from certsvc.seal.use import SealUse

SM2 = "sm2"


@dataclass(frozen=True, kw_only=True, slots=True)
class SealStep:
    """One step of a signature plan, with the seal that does it."""

    seal: Seal
    format: str
    field: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SealingPage:
    """A page that is to be sealed.

    Attributes:
        purpose: why, such as ``issue:req_01…``; further seals of the page add ``:2``, ``:3``.
    """

    prepared: PreparedPdf
    steps: tuple[SealStep, ...]
    purpose: str
    use: SealUse
    signed_at: datetime


def plan_steps(deps: Deps, tx: UnitOfWork, kind: LicenseType, authority_code: str) -> tuple[SealStep, ...]:
    """Who seals: for each step the first seal of the authority that can do its format and has no step yet.

    Raises:
        SealUnavailable: a step without a seal, or, where SM2 is required, a plan that ends without any.
    """
    authority = deps.catalog.authority(authority_code)
    named = tuple(filter(None, (authority.seal_id, *authority.further_seals)))
    known = tx.seals.by_ids(named)
    free = [known[seal_id] for seal_id in named if seal_id in known]
    if not free:
        written = "、".join(named) or "未填写"
        raise SealUnavailable(
            f"{authority.name}没有可用的电子印章：authorities.toml 所写的印章（{written}）不在登记中；"
            "请制作并启用印章，把印章编号写入该机构的 seal_id，再重新启动各进程"
        )
    steps: list[SealStep] = []
    for step, field in zip(kind.signature_plan, (FIELD_NAME, *later_fields(kind)), strict=True):
        chosen = next((seal for seal in free if deps.sealer.format_for(seal, step.format)), None)
        if chosen is None:
            raise SealUnavailable(f"{authority.name}没有能以 {step.format} 签章的印章，请制作相应算法的印章")
        free.remove(chosen)
        steps.append(SealStep(seal=chosen, format=deps.sealer.format_for(chosen, step.format), field=field))
    if deps.policy.sm2_required and not any(step.seal.algorithm == SM2 for step in steps):
        raise SealUnavailable(
            f"正式环境签发的证照须有国密（SM2）印章：请为{authority.name}制作 SM2 印章并启用；"
            "如经批准使用其他算法，由运维设置 sm2_required = false"
        )
    return tuple(steps)


def seal_pages(deps: Deps, pages: Sequence[SealingPage]) -> list[bytes | CertsvcError]:
    """The sealed files, or why a page was not sealed; nothing that failed is ever handed out.

    Raises:
        SealUnavailable: a first seal could not be reserved; then no page of the batch was sealed.
    """
    abandon_earlier(deps, [purpose for page in pages for purpose in _purposes(page)])
    first = [_asked(page.steps[0], page.prepared, page.purpose, page.use) for page in pages]
    reservations = reserve_uses(deps, first)
    deps.faults.reach("issue.seal_reserved")
    tasks = [_task(page.prepared, page.steps[0], page.signed_at) for page in pages]
    reserved = [ReservedPage(asked=asked, task=task) for asked, task in zip(first, tasks, strict=True)]
    sealed = seal_fenced(deps, reserved)
    deps.faults.reach("issue.sealed")
    settle_sealed(deps, zip(reservations, sealed, strict=True))
    deps.faults.reach("issue.seal_answered")
    return [_further(deps, page, data) for page, data in zip(pages, sealed, strict=True)]


def _purposes(page: SealingPage) -> Iterable[str]:
    return (page.purpose, *(f"{page.purpose}:{number}" for number in range(2, len(page.steps) + 1)))


def _asked(step: SealStep, prepared: PreparedPdf, purpose: str, use: SealUse) -> Asked:
    return Asked(seal=step.seal, purpose=purpose, digest=prepared.digest("sha256").hex(), use=use)


def _task(prepared: PreparedPdf, step: SealStep, signed_at: datetime) -> SealTask:
    return SealTask(prepared=prepared, seal=step.seal, format=step.format, signed_at=signed_at)


def _further(deps: Deps, page: SealingPage, data: bytes | CertsvcError) -> bytes | CertsvcError:
    """The second and further seals of a page, one after the other."""
    for number, step in enumerate(page.steps[1:], start=2):
        if not isinstance(data, bytes):
            return data
        signature = NextSignature(
            filter=deps.sealer.filter(step.format),
            sub_filter=deps.sealer.sub_filter(step.format),
            signed_at=page.signed_at,
            signer=step.seal.name,
            reserved_bytes=deps.sealer.reserved_bytes(step.seal, step.format),
        )
        try:
            again = deps.renderer.prepare_next(data, NextField(name=step.field), signature)
            asked = _asked(step, again, f"{page.purpose}:{number}", page.use)
            (reservation,) = reserve_uses(deps, [asked])
        except CertsvcError as error:
            return error
        (data,) = seal_fenced(deps, [ReservedPage(asked=asked, task=_task(again, step, page.signed_at))])
        settle_sealed(deps, [(reservation, data)])
    return data
