"""The cases that an alert is about: of its addressee alone, within its time, the newest first, on both databases."""

from __future__ import annotations

from datetime import timedelta

from copy_records import make_alert, make_batch
from store_records import ISSUER, T0, make_fetch, make_version

from certsvc.license.uses import Fetch
from certsvc.store.engine import Store

VERSION, CLIENT, OTHER = "ver_000001", "using-1", "119900000000000002"
UNTIL = T0 + timedelta(days=400)
SINCE = UNTIL - timedelta(days=366)


def use(n: int, case_no: str, **changes: object) -> Fetch:
    """A use of the addressee, ``n`` minutes into the time of the alert."""
    at = SINCE + timedelta(minutes=n)
    values = {"version_id": VERSION, "client_id": CLIENT, "authority_code": ISSUER, "case_no": case_no, "at": at}
    return make_fetch(n, **{**values, **changes})


def test_an_alert_names_the_cases_of_its_addressee(store: Store) -> None:
    uses = [
        use(1, "A-1"),
        use(2, "A-2"),
        use(3, "A-1"),
        use(4, ""),
        use(5, "refused", outcome="no_lawful_basis"),
        use(6, "of another system", client_id="using-2"),
        use(7, "of another body", authority_code=OTHER),
        use(8, "of another license", version_id="ver_000002"),
        use(9, "before", at=SINCE - timedelta(seconds=1)),
        use(10, "behind", at=UNTIL + timedelta(seconds=1)),
        use(11, "of a clerk", client_id=""),
        use(12, "A-3", at=UNTIL),
    ]
    batch = make_batch(batch_id="evt_000001", since=SINCE, changed_at=UNTIL)
    mine = make_alert(1, client_id=CLIENT, authority_code=ISSUER, changed_at=UNTIL)
    body = make_alert(2, client_id="", authority_code=ISSUER, changed_at=UNTIL)
    with store.uow() as tx:
        tx.licenses.insert(make_version(1))
        tx.sharing.insert_fetches(uses)
        tx.alerts.insert_batch(batch)
        tx.alerts.insert([mine, body])
    with store.uow.read() as tx:
        [first, second] = tx.alerts.with_cases([mine, body], most=50)
        [few] = tx.alerts.with_cases([mine], most=2)
        assert tx.alerts.with_cases([], most=50) == []
    assert (first.cases, first.more_cases) == (("A-3", "A-1", "A-2"), False)
    assert (second.cases, second.more_cases) == (("of a clerk",), False)
    assert (few.cases, few.more_cases) == (("A-3",), True), "one of the two uses named no case"
