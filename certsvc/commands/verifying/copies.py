"""Is this annotated copy (加注件) good? What the register says of a copy, beside what it says of its license."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from certsvc.clock import rfc3339
from certsvc.commands.verifying.conclusion import FILE_CHECKS, as_it_is, unseen
from certsvc.commands.verifying.facts import reason_of, sub_indication_of
from certsvc.commands.verifying.register import view_of
from certsvc.license.copies import COPY_FIELD
from certsvc.license.states import State
from certsvc.seal.verdict import Check, CopyFacts, Indication, Reason, RegistryMatch, SubIndication

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.commands.verifying.register import RegisterView
    from certsvc.license.copies import AnnotatedCopy
    from certsvc.seal.verdict import FileFindings, Verdict

_SHOWN = 2
"""Characters of a matter's name that the public may see of a copy by its code."""

_SUB = {
    Reason.COPY_EXPIRED: SubIndication.EXPIRED,
    Reason.COPY_FOR_ANOTHER: SubIndication.GENERIC,
    Reason.COPY_LICENSE_SUSPENDED: SubIndication.GENERIC,
}
_OPEN = frozenset({Reason.COPY_FOR_ANOTHER, Reason.COPY_LICENSE_SUSPENDED})
"""No failure of the copy: it is not for the one who asks, or not to be used for now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyView:
    """A copy on the register at the moment asked about, and how its license stood then."""

    copy: AnnotatedCopy
    license: RegisterView
    moment: datetime
    made_for: str
    """name of the body"""


def copy_view(
    deps: Deps, tx: UnitOfWork, copy: AnnotatedCopy, now: datetime, at: datetime | None = None
) -> CopyView | None:
    """The copy as it stands now, or stood at ``at``; None when it had not been given then."""
    moment = at or now
    if copy.given_at is None or copy.given_at > moment:
        return None
    version = tx.licenses.by_version_id(copy.version_id)
    view = view_of(deps, tx, version, now, at) if version is not None else None
    if view is None:
        return None
    known = deps.catalog.has_authority(copy.authority_code)
    name = deps.catalog.authority(copy.authority_code).name if known else copy.authority_code
    return CopyView(copy=copy, license=view, moment=moment, made_for=name)


def copy_facts(view: CopyView, *, masked: bool) -> CopyFacts:
    """What a verdict says of the copy; the public, who only has its code, sees of the matter what it begins with."""
    copy = view.copy
    matter = copy.matter_name[:_SHOWN] + "＊＊＊" if masked else copy.matter_name
    return CopyFacts(
        number=copy.number,
        made_for=view.made_for,
        matter=matter,
        until=copy.until,
        made_at=copy.signed_at,
        withdrawn=_withdrawn(view),
    )


def conclude_copy(findings: FileFindings, view: CopyView, now: datetime, *, used_by: str = "") -> Verdict:
    """The verdict over the bytes of a registered copy.

    ``used_by`` is the USCC of the body to which it was handed in, where the asker says so.
    """
    against = _against(view, used_by)
    indication, sub, reason = findings.indication, findings.sub_indication, findings.reason
    if against is not None and indication is not Indication.TOTAL_FAILED:
        indication, sub, reason = _concluded(view, against)
    elif indication is Indication.TOTAL_PASSED:
        reason = Reason.OK_COPY
    return replace(
        as_it_is(findings, now),
        indication=indication,
        sub_indication=sub,
        reason=reason,
        detail=f"时间依据：登记时间 {rfc3339(view.copy.given_at)}" if view.copy.given_at else "",
        registry_match=RegistryMatch.EXACT,
        status=_status(against),
        license=view.license.facts,
        later=view.license.later,
        copy=copy_facts(view, masked=False),
    )


def conclude_copy_code(view: CopyView, now: datetime, *, masked: bool = True) -> Verdict:
    """The verdict over the printed code of a copy, or over the digest of its file: from the register alone."""
    against = _against(view, "")
    passed = Reason.OK_COPY_REGISTERED if masked else Reason.OK_COPY
    indication, sub, reason = (Indication.TOTAL_PASSED, None, passed)
    if against is not None:
        indication, sub, reason = _concluded(view, against)
    return replace(
        unseen(reason, now),
        indication=indication,
        sub_indication=sub,
        registry_match=RegistryMatch.EXACT,
        status=_status(against),
        license=view.license.facts,
        not_checked=FILE_CHECKS,
        later=view.license.later,
        copy=copy_facts(view, masked=masked),
    )


def marked_as_copy(verdict: Verdict) -> Verdict:
    """The verdict over bytes that are not on the register, under the seal of a copy: none that was ever given."""
    if verdict.registry_match is not RegistryMatch.OTHER_BYTES:
        return verdict
    if not any(one.field_name == COPY_FIELD and one.valid is Check.GOOD for one in verdict.signatures):
        return verdict
    return replace(verdict, reason=Reason.COPY_CHANGED)


def _against(view: CopyView, used_by: str) -> Reason | None:
    """What speaks against the copy first of all."""
    how = view.license.how
    if _withdrawn(view):
        return Reason.COPY_WITHDRAWN
    if how.code == State.SUSPENDED.value:
        return Reason.COPY_LICENSE_SUSPENDED
    if how.code == State.PROVISIONAL.value:
        return Reason.LICENSE_PROVISIONAL
    if not how.good:
        replaced = how.code == State.SUPERSEDED.value or view.license.facts.replaced_by
        return Reason.COPY_LICENSE_REPLACED if replaced else Reason.COPY_LICENSE_ENDED
    if view.copy.expired(view.moment):
        return Reason.COPY_EXPIRED
    if used_by and used_by != view.copy.authority_code:
        return Reason.COPY_FOR_ANOTHER
    return None


def _withdrawn(view: CopyView) -> bool:
    at = view.copy.withdrawn_at
    return at is not None and at <= view.moment


def _concluded(view: CopyView, against: Reason) -> tuple[Indication, SubIndication | None, Reason]:
    if against is Reason.LICENSE_PROVISIONAL:
        return Indication.TOTAL_FAILED, sub_indication_of(view.license.how), reason_of(view.license.how)
    indication = Indication.INDETERMINATE if against in _OPEN else Indication.TOTAL_FAILED
    return indication, _SUB.get(against, SubIndication.REVOKED), against


def _status(against: Reason | None) -> Check:
    return Check.GOOD if against in {None, Reason.COPY_FOR_ANOTHER} else Check.BAD
