"""失效推演: which files stop to prove themselves when a CA, a seal, an algorithm or a timestamping authority goes.

Files are judged by themselves, as a reader abroad, a court or an archive would (``seal/care.py``). Whoever asks our
register goes on to be told that these bytes were registered, and when.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.commands.care.inventory import known_groups
from certsvc.errors import InvalidInput, UnknownLicenseType
from certsvc.seal.care import LOSS_ZH, Loss, LossKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from certsvc.commands.care.inventory import KnownGroup
    from certsvc.commands.ports import Deps

FARTHEST = timedelta(days=100 * 366)
"""How far ahead may be asked about; keeps days where arithmetic on them holds."""

RESEAL_ZH = "在用证照：成批换章（certsvc care plan propose），或按变更、换发等业务重新制证"
EVIDENCE_ZH = "已失效留存的：按证照导出证据包（certsvc audit bundle），以登记时间和留痕为证"
RENEW_ZH = "仍可验证的：在最早失效日之前追加归档时间戳（certsvc care renew --before 日期）"
OTHER_TSA_ZH = "追加时间戳须用不依赖该算法的时间戳机构"


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """Files of one type and issuing body that a loss concerns; the last three add up to ``files``.

    Attributes:
        in_force: whether their licenses are in force, or have ended and are kept.
        files: how many stand on what goes.
        broken: how many do not prove themselves any more from that day on, because of it.
        standing: how many still do, by their other proofs: a timestamp from before, say.
        failed_before: how many did not any more by themselves.
        next_end: the first day on which one of those still standing fails; None without any.
    """

    type_slug: str
    type_name: str
    issuer_code: str
    issuer_name: str
    in_force: bool
    files: int
    broken: int
    standing: int
    failed_before: int
    next_end: date | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """How many files concerned stop to prove themselves in a month, such as ``2031-05``."""

    month: str
    in_force: int
    ended: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Breaks:
    """What a loss does; without one, what time alone does until a day.

    Attributes:
        loss: what goes; None when only time does its work.
        on: the day.
        looked_at: files in use of which it is known what they stand on.
        unread: files made here of which nothing is known yet.
        months: when files concerned fail, after the loss.
        advice: what to do, in Chinese.
    """

    loss: Loss | None
    on: date
    looked_at: int
    unread: int
    hits: tuple[Hit, ...]
    months: tuple[Ending, ...]
    advice: tuple[str, ...]

    @property
    def files(self) -> int:
        """How many are concerned."""
        return sum(hit.files for hit in self.hits)

    @property
    def broken(self) -> int:
        """How many it breaks."""
        return sum(hit.broken for hit in self.hits)

    @property
    def standing(self) -> int:
        """How many still stand on that day."""
        return sum(hit.standing for hit in self.hits)


def look_at_breaks(deps: Deps, kind: LossKind | None = None, value: str = "", *, on: date | None = None) -> Breaks:
    """What breaks when ``value`` goes on a day (today, unless told otherwise), or by itself until then.

    Raises:
        InvalidInput: a kind without a value, or a day too far away.
    """
    today = local_day(deps.clock.now())
    day = on or today
    if not abs(day - today) <= FARTHEST:
        raise InvalidInput("推演日期超出范围，请填写今天前后一百年之内的日期")
    if kind is not None and not value.strip():
        raise InvalidInput("请说明是哪一个证书颁发机构、印章、算法或时间戳机构；取值见 certsvc care inventory")
    loss = Loss(kind=kind, value=value.strip(), on=day) if kind is not None else None
    with deps.uow.read() as tx:
        known = known_groups(tx, today)
        unread = tx.care.to_read()
    concerned = [one for one in known if loss is None or any(map(loss.hits, one.signatures))]
    if loss is not None and not concerned:
        raise InvalidInput(f"没有文件依赖{LOSS_ZH[loss.kind]}“{loss.value}”，取值见 certsvc care inventory")
    hits = _hits(deps, concerned, loss, day)
    return Breaks(
        loss=loss,
        on=day,
        looked_at=sum(one.group.files for one in known),
        unread=unread,
        hits=hits,
        months=_months(concerned, loss),
        advice=_advice(hits, loss),
    )


def _hits(deps: Deps, concerned: Iterable[KnownGroup], loss: Loss | None, day: date) -> tuple[Hit, ...]:
    found: dict[tuple[str, str, bool], Hit] = {}
    for one in concerned:
        group = one.group
        key = (group.type_slug, group.issuer_code, group.in_force)
        if key not in found:
            found[key] = Hit(
                type_slug=group.type_slug,
                type_name=_type_name(deps, group.type_slug),
                issuer_code=group.issuer_code,
                issuer_name=_issuer_name(deps, group.issuer_code),
                in_force=group.in_force,
                files=0,
                broken=0,
                standing=0,
                failed_before=0,
                next_end=None,
            )
        found[key] = _with(found[key], one, loss, day)
    return tuple(sorted(found.values(), key=lambda hit: (not hit.in_force, -hit.broken, -hit.files, hit.type_slug)))


def _with(hit: Hit, one: KnownGroup, loss: Loss | None, day: date) -> Hit:
    files = one.group.files
    end = _end(one, loss)
    hit = replace(hit, files=hit.files + files)
    if end > day:
        next_end = min(end, hit.next_end) if hit.next_end is not None else end
        return replace(hit, standing=hit.standing + files, next_end=next_end)
    # What fails on the very day of a loss fails because of it.
    by_itself = loss is not None and one.fails() <= day
    if by_itself:
        return replace(hit, failed_before=hit.failed_before + files)
    return replace(hit, broken=hit.broken + files)


def _end(one: KnownGroup, loss: Loss | None) -> date:
    return one.fails(loss) if loss is not None else one.fails()


def _months(concerned: Iterable[KnownGroup], loss: Loss | None) -> tuple[Ending, ...]:
    counts: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for one in concerned:
        counts[one.group.in_force][f"{_end(one, loss):%Y-%m}"] += one.group.files
    months = sorted({*counts[True], *counts[False]})
    return tuple(Ending(month=month, in_force=counts[True][month], ended=counts[False][month]) for month in months)


def _advice(hits: Iterable[Hit], loss: Loss | None) -> tuple[str, ...]:
    hits = tuple(hits)
    said = []
    if any(hit.broken + hit.failed_before for hit in hits if hit.in_force):
        said.append(RESEAL_ZH)
    if any(hit.broken + hit.failed_before for hit in hits if not hit.in_force):
        said.append(EVIDENCE_ZH)
    if ends := [hit.next_end for hit in hits if hit.next_end is not None]:
        said.append(f"{RENEW_ZH}，最早失效 {min(ends).isoformat()}")
        if loss is not None and loss.kind is LossKind.ALGORITHM:
            said.append(OTHER_TSA_ZH)
    return tuple(said)


def _type_name(deps: Deps, slug: str) -> str:
    try:
        return deps.catalog.type(slug).name
    except UnknownLicenseType:
        return slug


def _issuer_name(deps: Deps, code: str) -> str:
    known = {one.code: one.name for one in deps.catalog.authorities}
    return known.get(code, code)
