"""Sends the notices that wait, one way at a time: a gateway that is away delays nothing but itself.

A notice is claimed under a lease, sent outside every transaction, and its result recorded afterwards: a crash in
between sends the same letter again, under the same id. Contacts are looked up at every try, so none is kept with a
notice and a change counts at once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from certsvc.commands.evidence.record import record
from certsvc.commands.notices.tell import open_ways
from certsvc.commands.verifying.facts import masked_holder
from certsvc.license.notices import (
    FINAL,
    NO_CONTACT,
    SENT_BY,
    Contact,
    Letter,
    SendFault,
    Service,
    Way,
    masked,
    pause_before,
)

if TYPE_CHECKING:
    from certsvc.commands.notice_ports import NoticeChannel
    from certsvc.commands.ports import Deps
    from certsvc.license.model import LicenseVersion
    from certsvc.license.notices import ClaimedNotice

log = structlog.get_logger("certsvc.notices")

LEASE_S = 180
"""Longer than the longest try: ten answers of a mail server at its time limit, and the record."""

REST_FIRST_S = 2.0
REST_LONGEST_S = 300.0
"""A gateway that is away is asked again after pauses that double; every question costs one notice a try."""

SERVICE = "service"
"""Who acts, in evidence rows."""


class NoticeSender:
    """Sends by one way; any number of processes may."""

    def __init__(self, deps: Deps, channel: NoticeChannel, *, lease_s: int = LEASE_S) -> None:
        """Send through ``channel``, one of ``deps.channels``."""
        self._deps = deps
        self._channel = channel
        self._lease_s = lease_s
        self._failures = 0
        self._rest_until = 0.0

    def once(self) -> bool:
        """Send one notice that is due; False when none is, or the gateway rests."""
        deps, way = self._deps, self._channel.way
        if deps.clock.monotonic() < self._rest_until:
            return False
        now = deps.clock.now()
        with deps.uow.read() as tx:
            if not tx.notices.is_due(way, now=now):
                return False
        with deps.uow() as tx:
            claim = tx.notices.claim(way, token=deps.ids.new("clm"), now=now, lease_s=self._lease_s)
            if claim is None:
                return False
            version = tx.licenses.by_version_id(claim.notice.version_id)
            if version is None:
                msg = "a notice is about a version that is not on the register"
                raise RuntimeError(msg)
            known = tx.contacts.of(claim.notice.recipient or version.holder)
        self._try(claim, version, known.effective if known else Contact())
        return True

    def _try(self, claim: ClaimedNotice, version: LicenseVersion, contact: Contact) -> None:
        deps, way = self._deps, self._channel.way
        address = contact.address(way)
        if not address:
            self._record(claim, version, contact, None)
            return
        letter = self._letter(claim, version, address)
        deps.faults.reach("notice.sending")
        fault = self._channel.send(letter)
        deps.faults.reach("notice.sent")
        self._pace(fault)
        self._record(claim, version, contact, fault)

    def _letter(self, claim: ClaimedNotice, version: LicenseVersion, address: str) -> Letter:
        kind, recipient = self._deps.catalog.type(version.type_slug), claim.notice.recipient
        to = masked_holder(kind, version if recipient is None else replace(version, holder=recipient))
        return Letter(
            letter_id=claim.notice.notice_id,
            address=address,
            subject=self._deps.notice_texts.subject(kind.name),
            text=f"{to}：{claim.notice.text}",
            at=claim.notice.at,
        )

    def _pace(self, fault: SendFault) -> None:
        """Let a gateway that is away rest."""
        if fault is not SendFault.AWAY:
            self._failures = 0
            return
        self._failures += 1
        rest = min(REST_FIRST_S * 2 ** min(self._failures - 1, 16), REST_LONGEST_S)
        self._rest_until = self._deps.clock.monotonic() + rest
        log.warning(
            "gateway away", action="notice.away", way=self._channel.way.value, failures=self._failures, rest_s=rest
        )

    def _record(self, claim: ClaimedNotice, version: LicenseVersion, contact: Contact, fault: SendFault | None) -> None:
        """Keep what came of a try; None is a way to which the holder has no address any more."""
        deps, way, notice = self._deps, self._channel.way, claim.notice
        now = deps.clock.now()
        service = Service(to=masked(way, contact.address(way)))
        pause = None if fault is None or fault in FINAL else pause_before(notice.attempts + 1)
        content = {"notice_id": notice.notice_id, "about": notice.about, "way": way.value}
        with deps.uow() as tx:
            if fault is SendFault.NONE:
                if tx.notices.sent(claim, service, now=now):
                    record(
                        tx, deps, kind="notice.sent", subject=version.identifier, actor=SERVICE, content=content, at=now
                    )
            elif pause is not None:
                tx.notices.put_off(claim, way=way, attempts=notice.attempts, ready_at=now + pause)
            elif other := self._next_way(contact):
                tx.notices.put_off(claim, way=other, attempts=0, ready_at=now)
            else:
                reason = NO_CONTACT if fault is None else fault.value
                if tx.notices.fail(claim, service, reason=reason, now=now):
                    content |= {"reason": reason}
                    record(
                        tx,
                        deps,
                        kind="notice.failed",
                        subject=version.identifier,
                        actor=SERVICE,
                        content=content,
                        at=now,
                    )
        deps.faults.reach("notice.recorded")
        if fault is not SendFault.NONE:
            log.info(
                "notice not sent",
                action="notice.failed",
                notice=notice.notice_id,
                way=way.value,
                attempt=notice.attempts,
                fault=NO_CONTACT if fault is None else fault.value,
                last=pause is None,
            )

    def _next_way(self, contact: Contact) -> Way | None:
        """The way to try when this one is used up."""
        later = SENT_BY[SENT_BY.index(self._channel.way) + 1 :]
        return next((way for way in open_ways(self._deps, contact) if way in later), None)


def send_notices(deps: Deps, *, lease_s: int = LEASE_S) -> int:
    """Send whatever is due by every way (tests, one-off runs); how many tries were made."""
    tries = 0
    for channel in deps.channels:
        sender = NoticeSender(deps, channel, lease_s=lease_s)
        while sender.once():
            tries += 1
    return tries
