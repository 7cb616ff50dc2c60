"""The holder's side of 反扫: look at who asks for what and why, pick a license, agree or not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.sharing.matter_challenge import consent, decides, keys_for, may_consent
from certsvc.commands.sharing.policy import matter_name
from certsvc.commands.showing.codes import read_code, token_sha256
from certsvc.commands.showing.create_show import PROVISIONAL_NOT_SHOWN_ZH, count_use
from certsvc.commands.showing.readers import is_for
from certsvc.commands.showing.rights import all_rights, right_to_show
from certsvc.commands.showing.values import ShownField, scene_fields, shown_fields
from certsvc.commands.verifying.stands import stands_all
from certsvc.errors import Conflict, InvalidInput, NotFound
from certsvc.events.consent_payloads import ChallengeAnswered
from certsvc.license.challenges import BARE, COLLECT_TTL_S, PHOTO, Challenge, ChallengeState
from certsvc.license.standing import BEST_FIRST

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.catalog.model import SceneSpec
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.showing.rights import Right
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.standing import Standing

NO_CHALLENGE_ZH = "没有这个核验请求，请核对二维码"
STATE_ZH: dict[ChallengeState, str] = {
    ChallengeState.ASKED: "等待持证人答复",
    ChallengeState.CONFIRMED: "持证人已同意",
    ChallengeState.DECLINED: "持证人未同意",
    ChallengeState.COLLECTED: "核验信息已取走",
    ChallengeState.EXPIRED: "已过期，请重新发起",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What the verifier would see of a license."""

    fields: tuple[ShownField, ...]
    photo: bool
    scene_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """A license that answers the challenge, by what right, how it stands, and what the verifier would see."""

    right: Right
    seen: Seen
    standing: Standing


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A challenge as the holder sees it."""

    challenge: Challenge
    scene_name: str
    fits: Sequence[Fit]


def open_challenge(deps: Deps, caller: Principal, *, text: str) -> Opened:
    """What a scanned challenge asks for, and the caller's licenses that answer it, those in force first.

    Nothing is answered by looking.

    Raises:
        NotFound: not one of our challenges.
        Conflict: too late, or answered already.
    """
    roles.require(caller, roles.HOLDER)
    now = deps.clock.sure()
    with deps.uow.read() as tx:
        challenge = _waiting(deps, tx, text, now)
        seen = [
            (right, seen_by(deps, tx, caller, challenge, right, now)) for right in all_rights(deps, tx, caller, now)
        ]
        fitting = [(right, one) for right, one in seen if one is not None]
        standings = stands_all(deps, tx, [right.version for right, _ in fitting], now)
    fits = [Fit(right=right, seen=one, standing=how) for (right, one), how in zip(fitting, standings, strict=True)]
    # The page offers the first: not last year's license while this year's is in force.
    fits.sort(key=lambda fit: BEST_FIRST[fit.standing.light])
    return Opened(challenge=challenge, scene_name=_scene_name(deps, challenge), fits=fits)


def answer_challenge(
    deps: Deps, caller: Principal, *, text: str, confirm: bool, identifier: str = "", delegation_id: str = ""
) -> Challenge:
    """Agree with one license, or decline; the first answer counts.

    Raises:
        NotFound: not one of our challenges, or not a license that the caller may show.
        InvalidInput: the license does not answer what was asked.
        Conflict: too late, answered already, or the right to show is not in force.
    """
    roles.require(caller, roles.HOLDER)
    now = deps.clock.sure()
    with deps.uow() as tx:
        challenge = _waiting(deps, tx, text, now)
        if confirm:
            answered, version = _confirmed(deps, tx, caller, challenge, identifier, delegation_id, now)
        else:
            answered, version = replace(challenge, state=ChallengeState.DECLINED), None
        answered = replace(answered, holder_subject=caller.subject, answered_at=now)
        if not tx.challenges.answer(answered, now=now):
            raise Conflict("这个核验请求刚刚被答复或已过期")
        shown = version.identifier if version else ""
        payload = ChallengeAnswered(
            challenge_id=answered.challenge_id,
            authority_code=answered.authority_code,
            scene=answered.scene,
            matter_code=answered.matter_code,
            outcome=answered.state.value,
            identifier=shown,
        )
        event_id, source = deps.ids.new("evt"), deps.policy.event_source
        tx.outbox.add(payload.event(event_id=event_id, source=source, subject=shown or answered.challenge_id, at=now))
        record(
            tx,
            deps,
            kind="challenge.answered",
            subject=shown or answered.challenge_id,
            actor=caller.subject,
            content={"challenge_id": answered.challenge_id, "outcome": answered.state.value, "basis": answered.basis},
            at=now,
        )
    return answered


def seen_by(
    deps: Deps, tx: UnitOfWork, caller: Principal, challenge: Challenge, right: Right, now: datetime
) -> Seen | None:
    """What the verifier would see of a license, as the caller may read it; None when it does not answer."""
    version = right.version
    if challenge.type_slug not in {"", version.type_slug} or version.provisional:
        return None
    if challenge.scene and not right.covers(challenge.scene):
        return None
    seen = seen_of(deps, tx, challenge, version, masked=right.delegation is not None)
    # Last, for it asks the register several times: most licenses of a wallet are none that the matter may see.
    if seen is None or (not challenge.scene and not may_consent(deps, tx, caller, challenge, right, now)):
        return None
    return seen


def seen_of(
    deps: Deps, tx: UnitOfWork, challenge: Challenge, version: LicenseVersion, *, masked: bool = False
) -> Seen | None:
    """The fields of the scene, or those that the matter may see; None when there are none.

    ``masked`` as a delegate reads a scene beforehand.
    """
    kind = deps.catalog.type(version.type_slug)
    if challenge.scene:
        scene = _within_yes(kind.scene(challenge.scene), challenge)
        if scene is None or not is_for(scene, challenge.audience):
            return None
        photo = scene.photo and version.photo_id != ""
        return Seen(fields=scene_fields(kind, version, scene, masked=masked), photo=photo, scene_name=scene.name)
    keys = keys_for(deps, tx, challenge.matter_code, challenge.authority_code, version.type_slug)
    if not keys:
        return None
    fields = shown_fields(kind, version, keys, unmasked=() if masked else keys)
    return Seen(fields=fields, photo=False, scene_name=matter_name(deps, challenge.matter_code))


def _within_yes(scene: SceneSpec | None, challenge: Challenge) -> SceneSpec | None:
    """The scene, after a yes without what was not in it when the holder looked."""
    yes_to = challenge.seen
    if scene is None or yes_to is None:
        return scene
    return replace(
        scene,
        fields=tuple(key for key in scene.fields if key in yes_to or BARE + key in yes_to),
        unmasked=tuple(key for key in scene.unmasked if BARE + key in yes_to),
        photo=scene.photo and PHOTO in yes_to,
    )


def _yes_to(deps: Deps, challenge: Challenge, version: LicenseVersion, seen: Seen) -> tuple[str, ...]:
    scene = deps.catalog.type(version.type_slug).scene(challenge.scene)
    bare = scene.unmasked if scene is not None else ()
    keys = [BARE + field.key if field.key in bare else field.key for field in seen.fields]
    return (*keys, *((PHOTO,) if seen.photo else ()))


def _scene_name(deps: Deps, challenge: Challenge) -> str:
    """Types that share a scene call it the same."""
    scenes = (kind.scene(challenge.scene) for kind in deps.catalog.types) if challenge.scene else ()
    return next((scene.name for scene in scenes if scene is not None), "")


def _waiting(deps: Deps, tx: UnitOfWork, text: str, now: datetime) -> Challenge:
    code = read_code(text, deps.policy.public_base)
    found = tx.challenges.by_token(token_sha256(code.token)) if code.kind == "challenge" else None
    if found is None:
        raise NotFound(NO_CHALLENGE_ZH)
    state = found.stands(now)
    if state is ChallengeState.EXPIRED:
        raise Conflict("核验请求已过期，请核验人员重新出示")
    if state is not ChallengeState.ASKED:
        raise Conflict("核验请求已经答复过，请核验人员重新出示")
    return found


def _confirmed(
    deps: Deps,
    tx: UnitOfWork,
    caller: Principal,
    challenge: Challenge,
    identifier: str,
    delegation_id: str,
    now: datetime,
) -> tuple[Challenge, LicenseVersion]:
    right = right_to_show(deps, tx, caller, identifier, now, delegation_id=delegation_id)
    if right.version.provisional:
        raise InvalidInput(PROVISIONAL_NOT_SHOWN_ZH)
    seen = seen_by(deps, tx, caller, challenge, right, now)
    if seen is None and challenge.matter_code and challenge.type_slug in {"", right.version.type_slug}:
        decides(deps, tx, caller, challenge, right, now)  # says why, where the license is what was asked for
    if seen is None:
        raise InvalidInput("这张证照与核验请求不符，请另选一张；没有合适的可以不同意")
    until = now + timedelta(seconds=COLLECT_TTL_S)
    yes_to = _yes_to(deps, challenge, right.version, seen)
    if challenge.matter_code:
        consent(deps, tx, caller, challenge, right, keys=yes_to, until=until, now=now)
    else:
        count_use(tx, right, now)
    answered = replace(
        challenge,
        state=ChallengeState.CONFIRMED,
        version_id=right.version.version_id,
        basis=right.basis,
        basis_id=right.basis_id,
        presenter=right.presenter,
        collect_until=until,
        seen=yes_to,
    )
    return answered, right.version
