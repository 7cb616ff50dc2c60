"""What the console is answered."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from certsvc.api.models import ENGLISH, FlagOut, Model
from certsvc.clock import local_day
from certsvc.commands.console.charts import Charts
from certsvc.commands.console.history import History
from certsvc.commands.console.reach import shown_holder, shown_number
from certsvc.commands.console.reasons import WAITS, Step, step_of, why_of
from certsvc.commands.console.search import Found, Hit
from certsvc.commands.console.stuck import Stuck
from certsvc.commands.console.timeline import Entry
from certsvc.commands.offline.labels import english_of
from certsvc.commands.ports import Deps
from certsvc.license.model import LicenseVersion
from certsvc.license.request import IssuanceRequest
from certsvc.license.standing import Standing
from certsvc.license.states import STATE_ZH


class ConsoleLicenseOut(Model):
    """A license as a row: the holder's name is masked, a number that is an ID number is left out."""

    identifier: str
    number: str = Field(description="证照编号；编号就是身份证件号码的为空")
    type: str
    type_name: str
    type_name_en: str = Field(description=ENGLISH)
    issuer_name: str
    holder: str = Field(description="持证主体名称，已遮盖")
    issued_on: date
    valid_until: str
    state: str
    state_zh: str
    good: bool
    light: str
    flags: list[FlagOut]
    version: int
    origin: str = Field(description="issued 本系统签发 · registered 来源系统制作、核验后登记")

    @staticmethod
    def of(deps: Deps, version: LicenseVersion, how: Standing) -> ConsoleLicenseOut:
        """From a version and how it stands."""
        kind = deps.catalog.type(version.type_slug)
        return ConsoleLicenseOut(
            identifier=version.identifier,
            number=shown_number(deps, version),
            type=kind.slug,
            type_name=kind.name,
            type_name_en=english_of(kind.slug),
            issuer_name=version.issuer_name,
            holder=shown_holder(deps, version),
            issued_on=version.issued_on,
            valid_until=version.valid_until.isoformat() if version.valid_until else "",
            state=how.code,
            state_zh=how.zh,
            good=how.good,
            light=how.light.value,
            flags=FlagOut.many(how.flags),
            version=version.version,
            origin=version.origin.value,
        )


class ConsoleRequestOut(Model):
    """A request as a row."""

    request_id: str
    state: str
    business_no: str
    case_no: str
    type: str
    type_name: str
    authority_name: str
    reason: str
    attempts: int
    created_at: datetime
    updated_at: datetime

    @staticmethod
    def of(deps: Deps, one: IssuanceRequest) -> ConsoleRequestOut:
        """From a request; the detail of its reason may quote data and stays with the system that asked."""
        payload, catalog = one.payload, deps.catalog
        known = catalog.has_type(payload.type_slug)
        body = payload.authority_code
        return ConsoleRequestOut(
            request_id=one.request_id,
            state=one.state.value,
            business_no=payload.business_no,
            case_no=payload.case_no,
            type=payload.type_slug,
            type_name=catalog.type(payload.type_slug).name if known else payload.type_slug,
            authority_name=catalog.authority(body).name if catalog.has_authority(body) else body,
            reason=one.reason_code,
            attempts=one.attempts,
            created_at=one.created_at,
            updated_at=one.updated_at,
        )


class SearchOut(Model):
    """What was found; ask again with ``next`` as ``cursor``, unless it is empty."""

    licenses: list[ConsoleLicenseOut]
    requests: list[ConsoleRequestOut]
    whole: bool = Field(description="否则只列最近的 50 张，请选类型或状态再查")
    next: str

    @staticmethod
    def of(deps: Deps, found: Found) -> SearchOut:
        """From the command's answer."""
        return SearchOut(
            licenses=[_row(deps, hit) for hit in found.hits],
            requests=[ConsoleRequestOut.of(deps, one) for one in found.requests],
            whole=found.whole,
            next=found.place,
        )


def _row(deps: Deps, hit: Hit) -> ConsoleLicenseOut:
    return ConsoleLicenseOut.of(deps, hit.version, hit.standing)


class EntryOut(Model):
    """One line of a timeline."""

    at: datetime
    kind: str
    zh: str
    en: str
    who: str
    why: str
    evidence_id: str = Field(description="证明它的留痕编号，另有出处的为空")
    position: int = Field(description="留痕序号，从 1 起；0 为尚未排序或另有出处")

    @staticmethod
    def of(one: Entry) -> EntryOut:
        """From an entry."""
        return EntryOut(
            at=one.at,
            kind=one.kind,
            zh=one.zh,
            en=one.en,
            who=one.who,
            why=one.why,
            evidence_id=one.evidence_id,
            position=one.position,
        )


class VersionOut(Model):
    """A version of the same license."""

    identifier: str
    version: int
    state: str
    state_zh: str
    issued_on: date


class HistoryOut(Model):
    """A license and everything that happened to it, newest first."""

    license: ConsoleLicenseOut
    issuer_today: str
    sha256: str
    entries: list[EntryOut]
    counts: dict[str, int] = Field(
        description="最近 500 条留痕中的次数：scans 扫码、shows 亮证、fetches 用证、copies 加注件"
    )
    whole: bool = Field(description="否则只列最近 500 条留痕，制发和变动照列")
    place: int = Field(description="制发或登记的留痕序号，从 1 起；0 为尚未进入检查点")
    size: int = Field(description="最新检查点的规模")
    versions: list[VersionOut]
    newest: list[str] = Field(description="现行版本的证照标识")

    @staticmethod
    def of(deps: Deps, found: History) -> HistoryOut:
        """From the command's answer."""
        body = found.issuer_today
        return HistoryOut(
            license=ConsoleLicenseOut.of(deps, found.version, found.standing),
            issuer_today=deps.catalog.authority(body).name if deps.catalog.has_authority(body) else "",
            sha256=found.version.artifact.sha256,
            entries=[EntryOut.of(one) for one in found.entries],
            counts=dict(found.counts),
            whole=found.whole,
            place=found.place,
            size=found.size,
            versions=[
                VersionOut(
                    identifier=one.identifier,
                    version=one.version,
                    state=one.state.value,
                    state_zh=STATE_ZH[one.state],
                    issued_on=one.issued_on,
                )
                for one in found.versions
            ],
            newest=[one.identifier for one in found.newest],
        )


STEP = "retry 原因排除后重试 · clear_up 先查明，重试不受理 · start 已受理未开始，看制证进程"


class GroupOut(Model):
    """Requests that wait for one reason, and what to do."""

    reason: str
    step: Step = Field(description=STEP)
    why: str
    why_en: str
    next: str
    next_en: str
    retry: bool = Field(description="可以重试；否则须先查明，重试不受理")
    count: int
    since: datetime


class StuckRequestOut(ConsoleRequestOut):
    """A request that does not go on, and what to do next."""

    step: Step = Field(description=STEP)

    @staticmethod
    def stuck(deps: Deps, one: IssuanceRequest, step: Step) -> StuckRequestOut:
        """From a request."""
        return StuckRequestOut(**dict(ConsoleRequestOut.of(deps, one)), step=step)


class ParkedRowOut(Model):
    """An event of the broker that could not be carried out."""

    parked_id: str
    client_id: str
    code: str
    parked_at: datetime


class ReservationOut(Model):
    """A use of a seal without an answer; it is settled with ``certsvc seals settle``."""

    reservation_id: str
    seal_id: str
    purpose: str
    result: str
    reserved_at: datetime


class BehindOut(Model):
    """A consumer of events that is late."""

    name: str
    count: int
    since: datetime


class StuckOut(Model):
    """What waits for somebody."""

    groups: list[GroupOut]
    requests: list[StuckRequestOut] = Field(description="失败的、久等的各列最早的 100 件")
    parked: list[ParkedRowOut]
    reservations: list[ReservationOut]
    behind: list[BehindOut]
    unsequenced: int
    unsequenced_since: datetime | None
    failed_deliveries: int

    @staticmethod
    def of(deps: Deps, found: Stuck) -> StuckOut:
        """From the command's answer."""
        groups = []
        for one in found.groups:
            why = why_of(one.reason)
            groups.append(
                GroupOut(
                    reason=one.reason,
                    step=step_of(one.reason),
                    why=why.zh,
                    why_en=why.en,
                    next=why.next_zh,
                    next_en=why.next_en,
                    retry=why.retry,
                    count=one.count,
                    since=one.since,
                )
            )
        return StuckOut(
            groups=groups,
            requests=[
                *(StuckRequestOut.stuck(deps, one, step_of(one.reason_code)) for one in found.failed),
                *(StuckRequestOut.stuck(deps, one, step_of(WAITS)) for one in found.waiting),
            ],
            parked=[
                ParkedRowOut(parked_id=one.parked_id, client_id=one.client_id, code=one.code, parked_at=one.parked_at)
                for one in found.parked
            ],
            reservations=[
                ReservationOut(
                    reservation_id=one.reservation_id,
                    seal_id=one.seal_id,
                    purpose=one.purpose,
                    result=one.result.value,
                    reserved_at=one.reserved_at,
                )
                for one in found.reservations
            ],
            behind=[BehindOut(name=one.name, count=one.count, since=one.since) for one in found.behind],
            unsequenced=found.unsequenced,
            unsequenced_since=found.unsequenced_since,
            failed_deliveries=found.failed_deliveries,
        )


class IssuedOut(Model):
    """Licenses of one type that were issued on one day, in 证."""

    day: date
    type: str
    type_name: str
    type_name_en: str = Field(description=ENGLISH)
    value: int


class DayValueOut(Model):
    """One measure of one day, in 件."""

    day: date
    measure: str
    value: int


class NamedValueOut(Model):
    """A number with its name."""

    key: str
    name: str
    value: int


class ChartsOut(Model):
    """Numbers of a period, and how things stand now."""

    first: date
    last: date
    today: date
    issued: list[IssuedOut]
    days: list[DayValueOut]
    scenes: list[NamedValueOut] = Field(description="扫码核验按场景；扫印制码的 key 为空")
    sealed: int = Field(description="签章率的分子：期内受理、已签章登记的件数")
    to_seal: int = Field(description="签章率的分母：期内受理、没有不予办理的件数")
    states: list[NamedValueOut] = Field(description="证照各状态的证数，含已终止的各种原因")
    requests: list[NamedValueOut] = Field(description="申请各状态的件数")

    @staticmethod
    def of(deps: Deps, found: Charts) -> ChartsOut:
        """From the command's answer."""
        names = {kind.slug: kind.name for kind in deps.catalog.types}
        scenes = {scene.code: scene.name for kind in deps.catalog.types for scene in kind.scenes}
        return ChartsOut(
            first=found.first,
            last=found.last,
            today=local_day(deps.clock.now()),
            issued=[
                IssuedOut(
                    day=one.day,
                    type=one.type_slug,
                    type_name=names.get(one.type_slug, one.type_slug),
                    type_name_en=english_of(one.type_slug),
                    value=one.value,
                )
                for one in found.issued
            ],
            days=[DayValueOut(day=one.day, measure=one.measure, value=one.value) for one in found.days],
            scenes=[
                NamedValueOut(key=key, name=scenes.get(key, key), value=value) for key, value in found.scenes.items()
            ],
            sealed=found.sealed,
            to_seal=found.to_seal,
            states=[
                NamedValueOut(key=state.value, name=STATE_ZH[state], value=value)
                for state, value in found.states.items()
            ],
            requests=[NamedValueOut(key=key, name="", value=value) for key, value in found.requests.items()],
        )
