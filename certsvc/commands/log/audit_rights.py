"""Compare rows of rights with leaves, scans and fetches: show codes, grants, reservations of seals, and their grounds.

What never changes is in the digest of the leaf with which the row began. A redemption is proven by the scan, a use by
the fetch, an end by a leaf of its moment, the result of a seal use by a leaf over the whole row.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from certsvc.commands.evidence.rows import (
    ANSWERED,
    ARCHIVE,
    CO_HOLDER,
    DELEGATION,
    GRANT,
    MATERIAL,
    RELATION,
    RESERVATION,
    SHOW,
    answered_key,
    moment_key,
    row_key,
)
from certsvc.commands.log.findings import Found
from certsvc.license.archives import MaterialState
from certsvc.license.delegations import DelegationState
from certsvc.seal.model import ReservationResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from certsvc.commands.log.audit_since import Since
    from certsvc.commands.log.findings import AuditReport
    from certsvc.commands.reconcile_ports import Ledger
    from certsvc.license.archives import Archive
    from certsvc.license.audited import ReadGrant, ReadLeaf, ReadMaterial, ReadShow
    from certsvc.license.delegations import Delegation
    from certsvc.license.relations import CoHolder, Relation
    from certsvc.seal.model import SealReservation

WITHDRAWN, ACCEPTED, ENDED = "grant.withdrawn", "delegation.accepted", "delegation.ended"
RELATION_ENDED, REMOVED = "relation.ended", "co_holder.removed"
RECEIVED, TAKEN_BACK = "archive.received", "material.withdrawn"
MOMENTS = (WITHDRAWN, ACCEPTED, ENDED, RELATION_ENDED, REMOVED, RECEIVED, TAKEN_BACK)
"""Nouns of what happens to a row once, known by the moment of its leaf; leaves of every release tell it."""
_TELLS: Mapping[str, str] = {**{noun: noun for noun in MOMENTS}, "delegation.declined": ENDED}
"""Which kind of leaf tells which of them."""

_OVER = frozenset({DelegationState.DECLINED, DelegationState.ENDED})
_USES_DIFFER = "与核验记录、用证记录或办理时间不符"


def moment_told(leaf: ReadLeaf, said: Mapping[str, Any]) -> tuple[str, str] | None:
    """Noun and key of what a leaf says that happened to a row; None where it says nothing of the kind."""
    noun = _TELLS.get(leaf.kind)
    if noun is None:
        return None
    content = said["content"]
    row_id = content.get("co_holder_id", "") if noun == REMOVED else said["subject"]
    detail = ""
    if noun == ENDED:
        detail = str(content.get("because", ""))
    elif noun == RECEIVED:
        detail = _receipt(content["handed_to"], content["receipt_no"], content.get("received_on", ""), said["actor"])
    return noun, moment_key(noun, str(row_id), leaf.at, detail)


def _receipt(*parts: object) -> str:
    return "\n".join(map(str, parts))


class RightAudit:
    """Looks at one row after the other; differences between leaves and rows come out of the ledger at the end."""

    def __init__(
        self,
        ledger: Ledger,
        report: AuditReport,
        since: Mapping[str, Since],
        expect: Callable[[str, Any, datetime, str], None],
        *,
        settled: datetime,
    ) -> None:
        """Share books with the audit of the other rows, which expects a row by its digest."""
        self._ledger = ledger
        self._report = report
        self._since = since
        self._expect = expect
        self._settled = settled

    def show(self, read: ReadShow) -> None:
        """A code is redeemed by a scan, and by one that gave data it is."""
        one = read.show
        self._expect(SHOW, row_key(one), one.created_at, "")
        agrees = read.taken if one.redeemed_at is not None else not (read.gave or one.redeemed_by)
        self._holds(agrees, SHOW, one.show_id)

    def grant(self, read: ReadGrant) -> None:
        """A grant is used by a fetch, answers by others, and names the case that it was first used for."""
        one = read.grant
        # One that named no case is for that of its first use; as it was made it named none.
        made = one if not read.of_case or self._named(GRANT, one) else replace(one, case_no="")
        self._expect(GRANT, row_key(made), one.created_at, "")
        unbound = self._named(GRANT, made) and read.named_case and not one.case_no
        agrees = (one.used_at, one.answers) == (read.fetched_at, read.answers) and not unbound
        self._holds(agrees, GRANT, one.grant_id)
        self._happened(WITHDRAWN, one.grant_id, one.withdrawn_at, told=True)

    def reservation(self, one: SealReservation) -> None:
        """A reservation by the leaf of its making, its result by that of its answer, which is over the whole row."""
        since, key, made = self._since[RESERVATION], answered_key(one), row_key(one)
        answered, old = one.result is not ReservationResult.OPEN, f"old:{ANSWERED}"
        by_id = self._ledger.saw(old, one.reservation_id)
        by_digest = self._ledger.saw(ANSWERED, key)
        if answered and by_id:
            self._ledger.expect(old, [one.reservation_id])
        if answered and (by_digest or not by_id):
            self._ledger.expect(ANSWERED, [key])
            if one.answered_at is None or one.answered_at >= self._settled:
                self._since[ANSWERED].young.add(key)
        if self._ledger.saw(RESERVATION, made):
            self._ledger.expect(RESERVATION, [made])
        elif not (answered and (by_digest or by_id)) and since.digests is not None and one.reserved_at >= since.digests:
            self._ledger.expect(RESERVATION, [made])
            if one.reserved_at >= self._settled:
                since.young.add(made)

    def delegation(self, one: Delegation) -> None:
        """Begin, acceptance and end; the state follows from these but for whether it waits for a new 法定代表人."""
        told = self._named(DELEGATION, one)
        self._expect(DELEGATION, row_key(one), one.created_at, "")
        self._happened(ACCEPTED, one.delegation_id, one.accepted_at, told=told)
        self._happened(ENDED, one.delegation_id, one.ended_at, one.ended_because, told=told)
        if one.ended_at is not None:
            agrees = one.state is (DelegationState.ENDED if one.ended_because else DelegationState.DECLINED)
        elif one.accepted_at is not None:
            agrees = one.state in {DelegationState.ACTIVE, DelegationState.UNCONFIRMED}
        else:
            agrees = one.state is DelegationState.OFFERED
        if not agrees or (one.ended_because and one.state not in _OVER):
            detail = f"状态为 {one.state}，与接受和结束的时间不符"
            self._report.tell(Found.STATE_CHANGED, f"{DELEGATION} {one.delegation_id}", detail)

    def relation(self, one: Relation) -> None:
        """A fact and its end."""
        told = self._named(RELATION, one)
        self._expect(RELATION, row_key(one), one.created_at, "")
        self._happened(RELATION_ENDED, one.relation_id, one.ended_at, told=told)

    def co_holder(self, one: CoHolder) -> None:
        """One who holds a license too, until when."""
        self._expect(CO_HOLDER, row_key(one), one.added_at, "")
        self._happened(REMOVED, one.co_holder_id, one.removed_at, told=True)

    def archive(self, one: Archive) -> None:
        """A package and its receipt; leaves of earlier releases do not tell the day on it."""
        self._expect(ARCHIVE, row_key(one), one.made_at, "")
        receipt = _receipt(one.handed_to, one.receipt_no, one.received_on or "", one.receipt_by)
        dayless = _receipt(one.handed_to, one.receipt_no, "", one.receipt_by)
        at = one.receipt_at
        if at is not None and self._ledger.saw(RECEIVED, moment_key(RECEIVED, one.archive_id, at, dayless)):
            receipt = dayless
        self._happened(RECEIVED, one.archive_id, at, receipt, told=True)
        if at is None:
            told = one.handed_to or one.receipt_no or one.received_on or one.receipt_by
            self._holds(not told, ARCHIVE, one.archive_id)

    def material(self, read: ReadMaterial) -> None:
        """A material, until it was taken back; one that was destroyed stands as it was before, and has no name."""
        one, erased = read.material, read.erased
        self._expect(MATERIAL, row_key(one) if erased is None else erased.was, one.registered_at, "")
        self._happened(TAKEN_BACK, one.material_id, one.moved_at, told=True)
        destroyed = one.state is MaterialState.DESTROYED
        agrees = destroyed or (one.state is MaterialState.WITHDRAWN) == (one.moved_at is not None)
        self._holds(agrees and destroyed == (erased is not None), MATERIAL, one.material_id)

    def _named(self, noun: str, row: Any) -> bool:
        return self._ledger.saw(noun, row_key(row))

    def _holds(self, agrees: bool, noun: str, row_id: str) -> None:
        if not agrees:
            self._report.tell(Found.ROW_CHANGED, f"{noun} {row_id}", _USES_DIFFER)

    def _happened(self, noun: str, row_id: str, at: datetime | None, because: str = "", *, told: bool) -> None:
        """What happened to a row at ``at``; earlier releases did not tell the end of every row (not ``told``)."""
        if at is None:
            return
        key = moment_key(noun, row_id, at, because)
        if told or self._ledger.saw(noun, key):
            self._ledger.expect(noun, [key])
            if at >= self._settled:
                self._since[noun].young.add(key)
