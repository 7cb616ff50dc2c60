"""What a verifier gets to see of one license: its state now, the fields of the scene, the photo, the seal, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.catalog.masks import apply_mask
from certsvc.catalog.model import Mask
from certsvc.commands.issuance.authority import issuer_today
from certsvc.commands.showing.rights import PRESENTER_ZH
from certsvc.commands.verifying.facts import amber_reasons, public_facts, reason_of
from certsvc.commands.verifying.stands import stands
from certsvc.license.standing import Light
from certsvc.license.uses import ShowBasis
from certsvc.seal.verdict import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.showing.values import ShownField
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.standing import Standing
    from certsvc.seal.model import Seal
    from certsvc.seal.verdict import LicenseFacts

GREEN, RED, AMBER = "green", "red", "amber"


@dataclass(frozen=True, kw_only=True, slots=True)
class Presenter:
    """Who shows for the holder, as a verifier sees it: by what right, in words too, and the masked name."""

    basis: str
    relation_zh: str
    name_masked: str

    @property
    def text_zh(self) -> str:
        """For the verifier."""
        return f"{self.relation_zh}：{self.name_masked}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One license as a verifier sees it.

    Attributes:
        reasons: reason codes, most important first.
        notes: sentences for the officer (compare the person with the photo …).
    """

    light: str
    reasons: tuple[Reason, ...]
    standing: Standing
    facts: LicenseFacts
    fields: tuple[ShownField, ...]
    photo: bytes | None
    seal: Seal | None
    notes: tuple[str, ...]


def read_license(
    deps: Deps,
    tx: UnitOfWork,
    version: LicenseVersion,
    now: datetime,
    *,
    refusals: Sequence[Reason] = (),
    fields: tuple[ShownField, ...] = (),
    photo: bool = False,
) -> Reading:
    """Look at a license; ``refusals`` say why no data are given, ``fields`` are those that are."""
    how = stands(deps, tx, version, now)
    # An ended license outranks everything else; "already used" outranks what is amber, and that a mere OK.
    why = amber_reasons(how) or (Reason.OK,)
    reasons = (*refusals, *why) if how.good else (reason_of(how), *refusals)
    light = RED if not how.good else (AMBER if refusals or how.light is Light.AMBER else GREEN)
    notes: list[str] = []
    seal: Seal | None = None
    if version.registration is None:
        sealed_by = issuer_today(deps, version) if version.stock is not None else version.issuer_code
        seal = tx.seals.by_id(deps.catalog.authority(sealed_by).seal_id)
    else:
        notes.append(version.registration.sentence)
    picture = tx.photos.get(version.photo_id) if photo and version.photo_id else None
    notes.append("请核对持证人与照片、身份证件是否一致" if picture else "本码证明证照状态，请另行核对持证人身份")
    return Reading(
        light=light,
        reasons=tuple(reasons),
        standing=how,
        facts=public_facts(deps, tx, version, now),
        fields=fields,
        photo=picture,
        seal=seal,
        notes=tuple(notes),
    )


def presenter_of(basis: str, name: str) -> Presenter | None:
    """Who shows, when it is not the holder."""
    if basis == ShowBasis.OWN:
        return None
    return Presenter(basis=str(basis), relation_zh=PRESENTER_ZH[basis], name_masked=apply_mask(Mask.NAME, name))
