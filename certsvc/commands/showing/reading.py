"""What a verifier gets to see of a license: its state now, the fields of the scene, the photo, the seal, and why.

Every table is read once, however many licenses are looked at together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.catalog.masks import apply_mask
from certsvc.catalog.model import Mask
from certsvc.commands.issuance.authority import issuer_today
from certsvc.commands.showing.readers import OFFICER
from certsvc.commands.showing.rights import PRESENTER_ZH
from certsvc.commands.verifying.facts import amber_reasons, public_facts, reason_of
from certsvc.commands.verifying.stands import rules_for
from certsvc.license.standing import Light, standing
from certsvc.license.uses import ShowBasis
from certsvc.seal.verdict import Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.showing.values import ShownField
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.standing import Standing
    from certsvc.seal.model import Seal
    from certsvc.seal.verdict import LicenseFacts

GREEN, RED, AMBER = "green", "red", "amber"
CARD_NEEDED_ZH = "扣留或暂扣前须核对实体证照，电子证照不能代替收缴"


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
class Reads:
    """What was read of licenses that are looked at together."""

    standings: Mapping[str, Standing]
    """by version id"""
    newest: Mapping[str, tuple[str, ...]]
    """证照标识 of what follows a version, by version id"""
    seals: Mapping[str, Seal]
    photos: Mapping[str, bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One license as a verifier sees it.

    Attributes:
        reasons: reason codes, most important first.
        notes: sentences for the officer (compare the person with the photo …).
        card_needed: whether 扣留 or 暂扣 needs the physical card in hand (需核对实体证).
    """

    light: str
    reasons: tuple[Reason, ...]
    standing: Standing
    facts: LicenseFacts
    fields: tuple[ShownField, ...]
    photo: bytes | None
    seal: Seal | None
    notes: tuple[str, ...]
    card_needed: bool


def read_all(
    deps: Deps, tx: UnitOfWork, versions: Iterable[LicenseVersion], photo_ids: Collection[str], now: datetime
) -> Reads:
    """Facts, followers and seals of these licenses, and the photos that are given; reads nothing for none."""
    known = {version.version_id: version for version in versions}
    facts = tx.facts.of_many(list({version.license_id for version in known.values()})) if known else {}
    followed: Collection[str] = tx.links.followed(list(known)) if known else ()
    seal_ids = {_seal_id_of(deps, version) for version in known.values()} - {""}
    return Reads(
        standings={
            version_id: standing(version, facts[version.license_id], rules_for(deps, version), now)
            for version_id, version in known.items()
        },
        newest={version_id: _newest(tx, version_id) for version_id in followed},
        seals=tx.seals.by_ids(sorted(seal_ids)) if seal_ids else {},
        photos=tx.photos.get_all(sorted(set(photo_ids) - {""})),
    )


def read_license(
    deps: Deps,
    tx: UnitOfWork,
    reads: Reads,
    version: LicenseVersion,
    now: datetime,
    *,
    reader: str,
    refusals: Sequence[Reason] = (),
    why_not: str = "",
    fields: tuple[ShownField, ...] = (),
    photo: bool = False,
    sound: Reason = Reason.OK,
) -> Reading:
    """One license for a kind of reader, of what was read.

    Args:
        deps: the ports.
        tx: the transaction; nothing is read in it.
        reads: what :func:`read_all` read of this license, among others.
        version: the license, as the right to show it lets it be seen.
        now: the moment.
        reader: ``officer`` or ``clerk``.
        refusals: why no data are given.
        why_not: for the officer, why the scene is closed to this one; empty when it is not.
        fields: those that are given.
        photo: whether the photo is given.
        sound: what it means that the license is in force, by what the code proves.
    """
    how = reads.standings[version.version_id]
    # An ended license outranks everything else; "already used" outranks what is amber, and that a mere OK.
    why = amber_reasons(how) or (sound,)
    reasons = (*refusals, *why) if how.good else (reason_of(how), *refusals)
    picture = reads.photos.get(version.photo_id) if photo else None
    card_needed = reader == OFFICER and deps.catalog.type(version.type_slug).paper.card_before_detention
    notes = (
        version.registration.sentence if version.registration else "",
        why_not,
        "请核对持证人与照片、身份证件是否一致" if picture else "本码证明证照状态，请另行核对持证人身份",
        CARD_NEEDED_ZH if card_needed else "",
    )
    return Reading(
        light=RED if not how.good else (AMBER if refusals or how.light is Light.AMBER else GREEN),
        reasons=tuple(reasons),
        standing=how,
        facts=public_facts(deps, tx, version, now, how, newest=reads.newest.get(version.version_id, ())),
        fields=fields,
        photo=picture,
        seal=reads.seals.get(_seal_id_of(deps, version)),
        notes=tuple(note for note in notes if note),
        card_needed=card_needed,
    )


def presenter_of(basis: str, name: str) -> Presenter | None:
    """Who shows, when it is not the holder."""
    if basis == ShowBasis.OWN:
        return None
    return Presenter(basis=str(basis), relation_zh=PRESENTER_ZH[basis], name_masked=apply_mask(Mask.NAME, name))


def _seal_id_of(deps: Deps, version: LicenseVersion) -> str:
    """The seal on the page as it would be used today; empty for a license made elsewhere."""
    if version.registration is not None:
        return ""
    sealed_by = issuer_today(deps, version) if version.stock is not None else version.issuer_code
    return deps.catalog.authority(sealed_by).seal_id


def _newest(tx: UnitOfWork, version_id: str) -> tuple[str, ...]:
    following = tx.licenses.newest(version_id)
    return tuple(one.identifier for one in following if one.version_id != version_id)
