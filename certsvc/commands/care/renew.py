"""追加归档时间戳: a document timestamp with fresh revocation data behind files whose last one ends soon.

The result is a later form of the same file: its pages and seals are the bytes that were there, and every earlier form
stays registered, kept, and genuine. What is done is idempotent: a file that was renewed stands on a newer timestamp and
is not found again, so a run may be stopped and repeated. Nobody is told by a notice, for nothing about the license
changes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.commands.care.inventory import known_groups
from certsvc.commands.care.retention import kept_until, last_decided
from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import rows_of
from certsvc.commands.issuance.batch import PDF, object_name
from certsvc.commands.issuance.process_request import LIVE_FRESH
from certsvc.commands.ports import TrustChoice
from certsvc.commands.seals.authorities import own_crls
from certsvc.errors import CertsvcError, InvalidInput, NoTimestamp, SigningError, Unavailable
from certsvc.events.payloads import LicensePreserved
from certsvc.license.model import RENEWED, Artifact
from certsvc.license.request import Lane
from certsvc.seal.care import STAMPS, SignatureKind, first_bad_day, with_seals
from certsvc.seal.verdict import Indication

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date, datetime

    from certsvc.commands.care.inventory import KnownGroup
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.seal.care import Revoked, SignatureFacts

PAGE = 50
"""Files looked for at a time."""
ACTOR = "operator"
LISTS_KEPT = timedelta(minutes=10)
"""How long revocation lists of our own CAs are used before they are made anew."""
MAX_FAILURES = 20
"""Failures of the timestamping authority or the object store in a row after which a run stops; a file's own fault is
told, and passed by: bad files never keep those behind them from being renewed."""
NO_LATER = "时间戳机构现用证书不比原有的晚到期，没有追加；请更换时间戳机构后重试"
_NOT_OF_THE_FILE = (NoTimestamp, Unavailable)


@dataclass(kw_only=True, slots=True)
class Renewed:
    """What a run did; ``failed`` are ids of artifacts with the reason in Chinese."""

    found: int = 0
    renewed: int = 0
    overtaken: int = 0
    failed: dict[str, str] = field(default_factory=dict)


class _InUse:
    """What a run stands on: revocation lists of our own CAs, and the certificate that timestamps are made with now."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._made: datetime | None = None
        self._lists: tuple[bytes, ...] = ()
        self._until: datetime | None = None

    def lists(self, now: datetime, signed: datetime) -> tuple[bytes, ...]:
        """Lists from after ``signed``: others do not say how the certificates stood then."""
        if self._made is None or now - self._made > LISTS_KEPT or self._made < signed:
            self._made, self._lists = now, own_crls(self._deps, since=signed)
        return self._lists

    def stamps_until(self) -> datetime:
        """The end of the authority's certificate, for which it is asked once in a run; NoTimestamp."""
        if self._until is None:
            self._until = self._deps.sealer.stamps_until()
        return self._until


@dataclass(frozen=True, kw_only=True, slots=True)
class _Meant:
    """A file that is to be renewed, with what it stands on and what of that is revoked."""

    artifact: Artifact
    signatures: tuple[SignatureFacts, ...]
    revoked: tuple[Revoked, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """Which files are to be renewed.

    Attributes:
        before: those with a timestamp that hold today, and do not any more on this day.
        bare: those without any timestamp too.
    """

    before: date
    bare: bool = False

    def means(self, one: KnownGroup, today: date) -> bool:
        """Whether these files are meant; what does not hold any more is beyond renewal."""
        stamped = any(signature.kind in STAMPS for signature in one.signatures)
        return today < one.fails() < self.before and (stamped or self.bare)


def to_renew(deps: Deps, wish: Wish) -> int:
    """How many files are meant: the preview."""
    today = local_day(deps.clock.now())
    with deps.uow.read() as tx:
        known = known_groups(tx, today)
    return sum(one.group.files for one in known if wish.means(one, today))


def renew_files(
    deps: Deps,
    wish: Wish,
    *,
    watch: Callable[[int], None] = lambda _: None,
    give_way: Callable[[], None] = lambda: None,
) -> Renewed:
    """Renew every file that is meant, one after the other.

    Args:
        deps: the ports.
        wish: which files.
        watch: told how many more were looked at.
        give_way: called while live requests wait, before the next file; it sleeps.

    Raises:
        InvalidInput: the files are to be renewed before a day that is over.
        SigningError: one failure after the other; what was done stays done.
    """
    if wish.before <= local_day(deps.clock.now()):
        raise InvalidInput("请填写今天以后的日期：归档时间戳须在上一个时间戳失效之前追加")
    done, use, in_a_row = Renewed(), _InUse(deps), 0
    for one in _meant(deps, wish):
        while live_waits(deps):
            give_way()
        done.found += 1
        try:
            if _renew(deps, one, use):
                done.renewed += 1
            else:
                done.overtaken += 1
            in_a_row = 0
        except CertsvcError as error:
            done.failed[one.artifact.artifact_id] = error.detail
            in_a_row += isinstance(error, _NOT_OF_THE_FILE)
        if in_a_row == MAX_FAILURES:
            raise SigningError(f"连续 {MAX_FAILURES} 件未能追加，已停止（成功 {done.renewed} 件）：{error_of(done)}")
        watch(1)
    return done


def error_of(done: Renewed) -> str:
    """The reason of the last failure."""
    return next(reversed(done.failed.values()), "")


def _meant(deps: Deps, wish: Wish) -> Iterator[_Meant]:
    now = deps.clock.now()
    today = local_day(now)
    with deps.uow.read() as tx:
        known = known_groups(tx, today)
    profiles = {one.group.profile: one.revoked for one in known if wish.means(one, today)}
    for profile, revoked in sorted(profiles.items()):
        after = ""
        while True:
            with deps.uow.read() as tx:
                page = tx.care.newest_forms(profile, after=after, limit=PAGE)
                facts = tx.care.of([artifact.artifact_id for artifact in page])
                past = _past_keeping(deps, tx, page, now)
            if not page:
                break
            yield from (
                _Meant(artifact=artifact, signatures=facts[artifact.artifact_id], revoked=revoked)
                for artifact in page
                if artifact.version_id not in past
            )
            after = page[-1].artifact_id


def _past_keeping(deps: Deps, tx: UnitOfWork, page: Sequence[Artifact], now: datetime) -> set[str]:
    """Versions whose files need not be kept any more: a timestamp for them would be for nothing."""
    versions = tx.licenses.by_version_ids([artifact.version_id for artifact in page])
    moves = tx.licenses.moves_of_all([artifact.version_id for artifact in page])
    return {
        version_id
        for version_id, version in versions.items()
        if kept_until(deps, version, last_decided(version, moves.get(version_id, ()))) < now
    }


def live_waits(deps: Deps) -> bool:
    """Whether somebody waits for a license: care gives way."""
    with deps.uow.read() as tx:
        newest = tx.requests.newest_waiting(Lane.LIVE)
    return newest is not None and newest > deps.clock.now() - LIVE_FRESH


def _renew(deps: Deps, one: _Meant, use: _InUse) -> bool:
    """One file: read, timestamped, passed by the own verifier, stored and read back, registered in one transaction."""
    artifact, before = one.artifact, one.signatures
    stamps = [signature for signature in before if signature.kind in STAMPS]
    if stamps and use.stamps_until() <= stamps[-1].certificate_until:
        raise SigningError(NO_LATER)
    data = deps.objects.get(artifact.object_name)
    if hashlib.sha256(data).hexdigest() != artifact.sha256:
        raise SigningError("文件与登记的摘要不一致，没有追加时间戳：请先对账（certsvc reconcile）")
    now = deps.clock.sure()
    longer = _timestamped(deps, data, use.lists(now, max(signature.signed_at for signature in before)), now)
    signatures = _facts(deps, longer, before)
    if first_bad_day(signatures, *one.revoked) <= first_bad_day(before, *one.revoked):
        raise SigningError(
            "追加没有延长保管：时间戳机构现用证书不比原有的晚到期，或取不到吊销数据；请更换时间戳机构或查明后重试"
        )
    sha256 = hashlib.sha256(longer).hexdigest()
    name = object_name(longer)
    deps.objects.put(name, longer, content_type=PDF)
    deps.faults.reach("care.object_stored")
    if deps.objects.get(name) != longer:
        raise Unavailable("对象存储读回内容与写入不一致，没有登记")
    form = Artifact(
        artifact_id=deps.ids.new("art"),
        version_id=artifact.version_id,
        kind=RENEWED,
        sha256=sha256,
        size=len(longer),
        object_name=name,
        created_at=now,
    )
    return _register(deps, artifact, form, signatures)


def _timestamped(deps: Deps, data: bytes, own: tuple[bytes, ...], now: datetime) -> bytes:
    wanted = deps.self_inspector.inspect(data, TrustChoice(crls=own), now).wanted
    answers = deps.revocations.ask(wanted, now) if wanted else None
    crls = (*own, *(answers.crls if answers else ()))
    longer = deps.sealer.renew(data, crls=crls, ocsps=answers.ocsps if answers else ())
    if not longer.startswith(data):
        raise SigningError("追加时间戳改动了原有内容，没有登记")
    findings = deps.self_inspector.inspect(longer, TrustChoice(crls=own), deps.clock.now())
    if findings.indication is not Indication.TOTAL_PASSED:
        raise SigningError(f"追加时间戳后自检未通过（{findings.reason.value}），没有登记")
    return longer


def _facts(deps: Deps, longer: bytes, before: Sequence[SignatureFacts]) -> tuple[SignatureFacts, ...]:
    """What the new form stands on; its seals are those of the form before it."""
    seals = [one.seal_id for one in before if one.kind is SignatureKind.SEAL]
    return with_seals(deps.sealer.read_facts(longer), seals)


def _register(deps: Deps, former: Artifact, form: Artifact, signatures: Sequence[SignatureFacts]) -> bool:
    """The new form, event and evidence in one transaction; False when the license has another form by now."""
    now = form.created_at
    with deps.uow() as tx:
        if not tx.care.add_form(form, signatures, before=former.artifact_id):
            return False
        version = tx.licenses.by_version_id(form.version_id)
        if version is None:
            raise SigningError("证照登记不存在，没有登记新的文件")
        event = LicensePreserved(
            identifier=version.identifier,
            license_type=version.type_slug,
            issuer_code=version.issuer_code,
            sha256=form.sha256,
            previous_sha256=former.sha256,
        )
        event_id, source = deps.ids.new("evt"), deps.policy.event_source
        tx.outbox.add(event.event(event_id=event_id, source=source, subject=version.identifier, at=now))
        content = {"sha256": form.sha256, "previous_sha256": former.sha256, "rows": rows_of([form])}
        record(tx, deps, kind="license.preserved", subject=version.identifier, actor=ACTOR, content=content, at=now)
    deps.faults.reach("care.registered")
    return True
