"""Make a seal (制作): its key inside the key ring, its certificate, and for SM2 its seal object (GB/T 38540).

Every key operation has a committed making before and an answer after; a crash in between leaves the making open, listed
by ``certsvc seals unanswered``, and the next try goes on with the same key.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, TypeVar

import rfc8785

from certsvc.commands.evidence.record import record
from certsvc.commands.seals.duties import UNSEEN, check_duty, check_seen
from certsvc.commands.seals.end_versions import clear_dropped
from certsvc.commands.seals.note_move import Moved, Said, note_move
from certsvc.errors import CertsvcError, Conflict, NotFound
from certsvc.seal.life import SEAL_MOVE, UNDER_WAY, lawful_move
from certsvc.seal.making import KeyOrder, ObjectOrder, SealMaking
from certsvc.seal.model import ReservationResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.seal.making import CertificateFacts
    from certsvc.seal.version import SealVersion

    Done = TypeVar("Done")

SM2 = "sm2"
DROPPED_MEANWHILE = "这个版本在制作期间已终止办理，所制密钥已销毁、证书已吊销；仍需要的，请重新申请"


def make_seal(deps: Deps, caller: Principal, seal_id: str, *, outside: bool) -> SealVersion:
    """Make the key, and with a CA at hand the certificate: then the version is ``made``.

    Without one, or when ``outside`` is asked, the certificate request stands in the version, which stays ``approved``
    until :func:`accept_seal_certificate`.

    Raises:
        NotFound: no such seal, or not the caller's to see.
        Forbidden: not the maker, or the person who applied or approved.
        IllegalMove: not approved.
        SigningError, ConfigurationError: no CA or maker's key for the algorithm, or a key operation that failed.
    """
    version = _begin(deps, caller, seal_id)
    order = _order(version)
    if outside or not deps.seal_maker.issues():
        with _unless_dropped(deps, caller, version):
            return _request(deps, caller, version, order)

    def work() -> CertificateFacts:
        deps.seal_maker.make_key(order)
        deps.faults.reach("seal.key_made")
        return deps.seal_maker.issue(order)

    with _unless_dropped(deps, caller, version):
        facts = _operation(deps, caller, version, "key", asdict(order), work)
        return _finish(deps, caller, version, facts)


def accept_seal_certificate(deps: Deps, caller: Principal, seal_id: str, answer: bytes) -> SealVersion:
    """Take the certificate that an outside CA gave to the request; then the version is ``made``.

    Raises:
        NotFound, Forbidden, IllegalMove: as for :func:`make_seal`.
        Conflict: no request was made.
        InvalidInput: not the certificate of this key and owner, ended, or without trusted issuer.
    """
    version = _begin(deps, caller, seal_id)
    if not version.request:
        raise Conflict("尚未生成证书申请，请先办理制作并导出证书申请")
    order = _order(version)
    with _unless_dropped(deps, caller, version):
        facts = _operation(
            deps, caller, version, "certificate", asdict(order), lambda: deps.seal_maker.accept(order, answer)
        )
        return _finish(deps, caller, version, facts)


@contextmanager
def _unless_dropped(deps: Deps, caller: Principal, version: SealVersion) -> Iterator[None]:
    """Leave no key and no good certificate behind when the version was dropped while it was being made.

    Raises:
        Conflict: it was, whatever went wrong in the making.
    """
    try:
        yield
    except CertsvcError as error:
        if clear_dropped(deps, version, actor=caller.subject):
            raise Conflict(DROPPED_MEANWHILE) from error
        raise


def _begin(deps: Deps, caller: Principal, seal_id: str) -> SealVersion:
    """The version that this caller may make now; who makes it is on its row from here on."""
    with deps.uow() as tx:
        tx.seals.hold(seal_id)
        versions = tx.seal_lives.versions(seal_id)
        if not versions:
            raise NotFound(UNSEEN)
        version = next((one for one in versions if one.state in UNDER_WAY), versions[-1])
        check_seen(deps, caller, version.owner_code)
        move = lawful_move("make", version.state)
        check_duty(deps, caller, move, version)
        made = replace(version, made_by=caller.subject)
        if not tx.seal_lives.move(made, source=version.state):
            raise Conflict("这枚印章刚刚由他人办理，请刷新后再看")
    return made


def _request(deps: Deps, caller: Principal, version: SealVersion, order: KeyOrder) -> SealVersion:
    def work() -> str:
        deps.seal_maker.make_key(order)
        deps.faults.reach("seal.key_made")
        return deps.seal_maker.request(order)

    asked = replace(version, request=_operation(deps, caller, version, "request", asdict(order), work))
    with deps.uow() as tx:
        if not tx.seal_lives.move(asked, source=version.state):
            raise Conflict("这枚印章刚刚由他人办理，请刷新后再看")
        content = {"version": version.version, "key_id": order.key_id}
        now = deps.clock.sure()
        record(
            tx,
            deps,
            kind="seal.certificate_requested",
            subject=version.seal_id,
            actor=caller.subject,
            content=content,
            at=now,
        )
    return asked


def object_order(deps: Deps, version: SealVersion, key_id: str) -> ObjectOrder:
    """What the seal object of a version's key is made from."""
    width, height = deps.renderer.stamp_size(version.stamp)
    return ObjectOrder(
        key_id=key_id,
        seal_id=version.seal_id,
        name=version.name,
        picture=deps.renderer.stamp_png(version.stamp),
        width_mm=round(width),
        height_mm=round(height),
    )


def _finish(deps: Deps, caller: Principal, version: SealVersion, facts: CertificateFacts) -> SealVersion:
    if version.algorithm == SM2:
        order = object_order(deps, version, facts.key_id)
        said = {**asdict(order), "picture": hashlib.sha256(order.picture).hexdigest()}
        _operation(deps, caller, version, "object", said, lambda: deps.seal_maker.make_object(order))
    move = SEAL_MOVE["make"]
    made = replace(
        version,
        state=move.target,
        key_id=facts.key_id,
        valid_from=facts.valid_from,
        valid_until=facts.valid_until,
        request="",
    )
    with deps.uow() as tx:
        if not tx.seal_lives.move(made, source=version.state):
            raise Conflict("这枚印章刚刚由他人办理，请刷新后再看")
        moved = Moved(
            seal_id=version.seal_id,
            version=version.version,
            owner_code=version.owner_code,
            source=version.state,
        )
        said_by = Said(code=version.cause.value)
        note_move(deps, tx, move, moved, said_by, actor=caller.subject, at=deps.clock.now())
    return made


def _operation(
    deps: Deps,
    caller: Principal,
    version: SealVersion,
    purpose: str,
    order: dict[str, object],
    work: Callable[[], Done],
) -> Done:
    """Run key operations between a committed making and its answer."""
    now = deps.clock.sure()
    making = SealMaking(
        making_id=deps.ids.new("mak"),
        seal_id=version.seal_id,
        version=version.version,
        key_id=version.next_key_id,
        purpose=purpose,
        digest=hashlib.sha256(rfc8785.dumps(order)).hexdigest(),  # type: ignore[arg-type]  # plain JSON values
        actor=caller.subject,
        reserved_at=now,
    )
    with deps.uow() as tx:
        for earlier in tx.seal_lives.abandon_makings(making.key_id, now=now):
            _prove(deps, tx, earlier, ReservationResult.UNKNOWN)
        tx.seal_lives.begin_making(making)
    deps.faults.reach(f"seal.{purpose}_reserved")
    try:
        done = work()
    except CertsvcError:
        _answer(deps, making, ReservationResult.FAILED)
        raise
    deps.faults.reach(f"seal.{purpose}_done")
    _answer(deps, making, ReservationResult.USED)
    return done


def _answer(deps: Deps, making: SealMaking, result: ReservationResult) -> None:
    with deps.uow() as tx:
        # A rival's later try may have called this one unknown; its own answer stands then.
        if tx.seal_lives.answer_making(making.making_id, result, now=deps.clock.now()):
            _prove(deps, tx, making, result)


def _prove(deps: Deps, tx: UnitOfWork, making: SealMaking, result: ReservationResult) -> None:
    content = {
        "making_id": making.making_id,
        "purpose": making.purpose,
        "key_id": making.key_id,
        "digest": making.digest,
        "result": result.value,
    }
    now = deps.clock.now()
    record(tx, deps, kind="seal.making", subject=making.seal_id, actor=making.actor, content=content, at=now)


def _order(version: SealVersion) -> KeyOrder:
    return KeyOrder(
        key_id=version.next_key_id,
        algorithm=version.algorithm,
        name=version.name,
        owner_code=version.owner_code,
        owner_name=version.owner_name,
        years=version.years,
    )
