"""Which files a wish for renewal means."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import cast

from care_records import make_facts, make_stamp
from store_records import T0

from certsvc.clock import local_day
from certsvc.commands.care.inventory import KnownGroup
from certsvc.commands.care.renew import Wish
from certsvc.seal.care import FileGroup, Revoked, SignatureFacts, SignatureKind

YEAR = timedelta(days=365)


def test_files_are_meant_by_when_they_fail() -> None:
    def group(*signatures: SignatureFacts) -> KnownGroup:
        return KnownGroup(group=cast("FileGroup", None), signatures=signatures)

    seal = make_facts(certificate_until=T0 + 3 * YEAR)
    inside = make_stamp(kind=SignatureKind.TIMESTAMP, certificate_until=T0 + 8 * YEAR)
    wish, today = Wish(before=local_day(T0 + 4 * YEAR)), local_day(T0)
    assert wish.means(group(seal, inside), today), "its timestamp lasts, and cannot carry it without revocation data"
    assert not wish.means(group(seal), today)
    assert replace(wish, bare=True).means(group(seal), today)
    told = replace(seal, revocation_at=T0)
    assert not wish.means(group(told, inside), today)
    lost = Revoked(serial=seal.serial, issuer_key=seal.issuer_key, on=local_day(T0 - YEAR))
    gone = replace(group(seal, inside), revoked=(lost,))
    assert gone.fails() == lost.on
    assert not wish.means(gone, today), "what has failed is beyond renewal"
