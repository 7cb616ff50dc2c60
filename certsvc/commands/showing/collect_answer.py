"""The verifier's side of 反扫: see whether the holder has answered, and take the answer, once."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import rows_of
from certsvc.commands.sharing.matter_challenge import collect
from certsvc.commands.showing.answer_challenge import NO_CHALLENGE_ZH, STATE_ZH, seen_of
from certsvc.commands.showing.ask_holder import ASKERS
from certsvc.commands.showing.codes import token_sha256
from certsvc.commands.showing.readers import reader_of
from certsvc.commands.showing.reading import presenter_of, read_all, read_license
from certsvc.commands.showing.rights import grounds_of, still_right
from certsvc.commands.showing.scan_code import announce, answer_of, scan_row
from certsvc.commands.showing.scan_reads import closed_to, duties_of
from certsvc.commands.visits.repeats import name_who_is_visited
from certsvc.errors import CertsvcError, Conflict, NotFound
from certsvc.license.challenges import CHALLENGE, ChallengeState

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.sharing.fetch_license import FetchAnswer
    from certsvc.commands.showing.scan_code import ScanAnswer
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.challenges import Challenge


def challenge_state(deps: Deps, caller: Principal, challenge_id: str) -> tuple[Challenge, ChallengeState]:
    """A challenge of the caller's own and where it stands; NotFound for anyone else's, in the same words."""
    roles.require(caller, *ASKERS)
    with deps.uow.read() as tx:
        found = _own(tx, caller, challenge_id)
    return found, found.stands(deps.clock.now())


def collect_answer(deps: Deps, caller: Principal, challenge_id: str, *, ticket: str) -> ScanAnswer | FetchAnswer:
    """What the holder agreed to show, once, to the session that asked; the license is looked at as it stands now.

    For a scene it is a scan; for a matter a fetch, and what refuses a fetch refuses it, on record.

    Raises:
        NotFound: another account's, another session's, or none: alike.
        Conflict: not answered yet, declined, taken already, or too late; or the scene is closed to this officer, who
            may take the answer once the visit is open.
        NoLawfulBasis, OperatorUnknown: for a matter, as :func:`fetch_license`.
    """
    roles.require(caller, *ASKERS)
    now = deps.clock.sure()
    with deps.uow() as tx:
        _own(tx, caller, challenge_id)
        challenge = tx.challenges.hold_one(challenge_id)
        if challenge is None or not hmac.compare_digest(challenge.ticket_sha256, token_sha256(ticket)):
            raise NotFound(NO_CHALLENGE_ZH)
        state = challenge.stands(now)
        if state is not ChallengeState.CONFIRMED:
            raise Conflict(STATE_ZH[state])
        if challenge.scene:
            if not tx.challenges.collect(challenge_id, now=now):
                raise Conflict(STATE_ZH[ChallengeState.COLLECTED])
            return _read(deps, tx, caller, challenge, now)
        answer = collect(deps, tx, caller, challenge, ticket, now)
    if isinstance(answer, CertsvcError):
        raise answer
    return answer


def _own(tx: UnitOfWork, caller: Principal, challenge_id: str) -> Challenge:
    found = tx.challenges.by_id(challenge_id)
    if found is None or found.verifier != caller.subject:
        raise NotFound(NO_CHALLENGE_ZH)
    return found


def _read(deps: Deps, tx: UnitOfWork, caller: Principal, challenge: Challenge, now: datetime) -> ScanAnswer:
    version = tx.licenses.by_version_id(challenge.version_id)
    if version is not None:
        grounds = grounds_of(tx, [(challenge.basis, challenge.basis_id)])
        version = still_right(deps, grounds, version, challenge.basis, challenge.basis_id, challenge.scene, now)
    seen = seen_of(deps, tx, challenge, version) if version is not None else None
    if version is None or seen is None:
        raise Conflict("持证人同意之后，出示的权利已经结束，请重新发起")
    duty = duties_of(tx, [caller], now).get(caller.subject)
    kind, reader = deps.catalog.type(version.type_slug), reader_of(caller)
    scene = kind.scene(challenge.scene)
    if scene is not None and (why_not := closed_to(deps, kind, scene, duty, reader)):
        raise Conflict(why_not)
    reads = read_all(deps, tx, [version], {version.photo_id} if seen.photo else (), now)
    read = read_license(deps, tx, reads, version, now, reader=reader, fields=seen.fields, photo=seen.photo)
    warnings = name_who_is_visited(deps, tx, [(duty, version)] if duty else [], now)
    scan = scan_row(
        deps,
        caller,
        duty,
        now,
        code_kind=CHALLENGE,
        source_id=challenge.challenge_id,
        outcome=read.reasons[0],
        version=version,
        scene=challenge.scene,
        fields=read.fields,
    )
    tx.showing.insert_scan(scan)
    announce(deps, tx, version, scan)
    record(
        tx,
        deps,
        kind="challenge.collected",
        subject=version.identifier,
        actor=caller.subject,
        content={
            "challenge_id": challenge.challenge_id,
            "scan_id": scan.scan_id,
            "fields": list(scan.fields),
            "rows": rows_of([scan]),
        },
        at=now,
    )
    presenter = presenter_of(challenge.basis, challenge.presenter)
    warning = warnings.get(scan.visit_id, "")
    return answer_of(scan, read, scene_name=seen.scene_name, presenter=presenter, warning=warning)
