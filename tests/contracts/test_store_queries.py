"""Every statement of the store finds its rows through an index: its cost does not grow with the register."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from archive_records import run_archives
from care_records import run_care
from copy_records import make_alert, make_batch, make_copy
from counter_records import run_counter
from disposal_records import run_disposals
from import_records import make_bulk, make_import, make_row
from matter_records import make_list_version, make_matter, make_member, make_policy
from reseal_records import run_reseals
from sqlalchemy import Engine, event
from store_records import (
    DAY_END,
    DAY_START,
    HOLDER,
    T0,
    make_client,
    make_counter,
    make_due_row,
    make_event,
    make_evidence_row,
    make_fact,
    make_fetch,
    make_grant,
    make_intent,
    make_link,
    make_move,
    make_notice,
    make_party,
    make_person,
    make_proposal,
    make_publication,
    make_request,
    make_reservation,
    make_scan,
    make_seal,
    make_show,
    make_use_request,
    make_version,
    make_withholding,
)
from supervision_records import run_supervision

from certsvc.commands.store_ports import UnitOfWork
from certsvc.events.checkpoint import Checkpoint, Stamp
from certsvc.events.epochs import Epoch, Epochs
from certsvc.events.tiles import Edge
from certsvc.license.bulk import BulkRow, BulkRowState, BulkState
from certsvc.license.consents import RequestState, WithholdState
from certsvc.license.departments import UseCount, UseFilter, UseKind
from certsvc.license.dues import DueKind
from certsvc.license.imports import ImportState, Judgement, RowState
from certsvc.license.matters import MatterChange, MatterChangeKind
from certsvc.license.notices import Contact, NoticeState, Service, Way
from certsvc.license.policies import PolicyState
from certsvc.license.request import Lane
from certsvc.license.request import RequestState as Requested
from certsvc.license.use_alerts import AlertState
from certsvc.seal.approval import ApprovalState
from certsvc.seal.model import ReservationResult, SealState
from certsvc.seal.odd import OddRule
from certsvc.store.engine import Store

READS_ALL = re.compile(
    r"FROM (seals|people|matters|catalog_proposals|catalog_publications|revocations) ORDER BY|AS latest ON"
    r"|FROM seals LEFT OUTER JOIN seal_versions ON .*\s(ORDER BY seals.seal_id$|WHERE seals.state IN)"
    r"|FROM seal_days|JOIN artifact_signatures ON .* GROUP BY artifact_signatures.profile"
    r"|AS files\s+FROM artifacts LEFT OUTER JOIN artifact_signatures"
    r"|FROM licenses ORDER BY licenses.version_id DESC\s+LIMIT \S+ OFFSET",
    re.DOTALL,
)
"""By contract: few seals and their uses of a day, the sandbox's people, some hundred types, what was revoked, all
matters, once after each change, what an operator asks of all files (长期保管), and the newest licenses, so many."""
SMALL_SCANS = {
    "SCAN alert_batches USING INDEX ix_alert_batches_unfinished",  # partial: changes whose users are being told
    "SCAN alerts USING INDEX ix_alerts_open",  # partial, in its order, and limited
    "SCAN requests USING INDEX ix_requests_open",  # partial: the backlog, before a photo goes by decision
    "SCAN requests USING COVERING INDEX ix_requests_lane",  # partial: counts of the backlog
    "SCAN seal_versions USING INDEX uq_seal_versions_under_way",  # partial: what is not in use yet
    "SCAN seal_makings USING INDEX ix_seal_makings_open",  # partial: what has no answer
    "SCAN cursors USING INDEX sqlite_autoindex_cursors_1",  # a row for each consumer
    "SCAN chain",  # what follows one version
    "SCAN archives USING INDEX ix_archives_made",  # newest first, and limited
    "SCAN disposals USING INDEX ix_disposals_proposed",  # newest first, and limited
    "SCAN reseal_plans USING INDEX sqlite_autoindex_reseal_plans_1",  # newest first, and limited
    "SCAN reseal_plans USING COVERING INDEX sqlite_autoindex_reseal_plans_1",  # a row for each plan, by decision of two
    "SCAN policies USING INDEX ix_policies_newest",  # along the index, at most ``limit`` rows
    "SCAN supervision_sweeps USING INDEX sqlite_autoindex_supervision_sweeps_1",  # one row a day, newest first
    "SCAN supervision_sweeps USING COVERING INDEX sqlite_autoindex_supervision_sweeps_1",  # the oldest row alone
    "SCAN webhook_deliveries USING COVERING INDEX ix_webhook_deliveries_due",  # these five: partial, what waits
    "SCAN webhook_deliveries USING INDEX ix_webhook_deliveries_due",
    "SCAN webhook_deliveries USING COVERING INDEX ix_webhook_deliveries_failed",
    "SCAN webhook_deliveries USING INDEX ix_webhook_deliveries_failed",
    "SCAN reservations USING INDEX ix_reservations_open",
    "SCAN events USING COVERING INDEX ix_events_waiting",
    "SCAN CONSTANT ROW",
    "SCAN tally_changes",  # what the sequencer has not folded yet
    "SCAN ready",  # these five: at most ``limit`` rows of a subquery
    "SCAN oldest",
    "SCAN ranked",
    "SCAN (subquery-4)",
    "SCAN anon_1",
    "SCAN looked",  # these two: rows of one body, as many as are looked at or counted
    "SCAN counted",
}
SORTS_FEW = re.compile(r"AS (oldest|looked|counted)\b|ORDER BY use_requests.lapses_at")
"""At most ``limit`` rows of a subquery, and the requests of one client that are open at a time."""
NOW = T0 + timedelta(hours=1)


def run_everything(tx: UnitOfWork) -> None:
    """Call every operation of every noun once."""
    register(tx)
    look_for_many(tx)
    use(tx)
    live(tx)
    seal_life(tx)
    stock(tx)
    bulk(tx)
    run_counter(tx)
    run_supervision(tx)
    run_archives(tx)
    tx.licenses.insert(make_version(90))
    run_care(tx, "ver_000090")
    run_disposals(tx, 91)
    run_reseals(tx, 92)
    tx.seal_fences.share(["seal_001"], most_ms=60_000)
    tx.seal_fences.close("seal_001")
    console(tx)
    assert tx.outbox.lease("sequencer", owner="a", now=NOW, lease_s=1)
    tx.outbox.add(make_event(1))
    tx.outbox.add_evidence(make_evidence_row(1))
    assert tx.outbox.sequence(limit=10) == 2
    assert len(tx.outbox.after(0, limit=10)) == 1
    assert len(tx.outbox.evidence_after(0, limit=10)) == 1
    log(tx)
    assert tx.statuses.lists() == 1
    tx.statuses.marks(1)
    tx.statuses.number_some(limit=1)
    tx.outbox.cursor("c")
    tx.outbox.advance("c", position=1)
    assert tx.outbox.first_time("c", "e", now=NOW)
    matters(tx)
    operations(tx)
    tx.access.upsert_client(make_client(1))
    tx.access.client("client_1")
    tx.access.upsert_person(make_person(1))
    tx.access.person("person-1")
    tx.access.people()
    tx.access.end_session("person", "person-1", "a" * 64, at=T0, until=NOW)
    assert tx.access.clients_asking(["client_1"], ["a" * 64])
    assert tx.access.persons_asking(["person-1"], ["a" * 64])
    assert tx.access.remember_once("k", until=NOW, now=T0)


def operations(tx: UnitOfWork) -> None:
    """What operators look at."""
    tx.operations.queue()
    tx.operations.unsequenced(most=9)
    tx.operations.last_position()
    tx.operations.first_behind(0)
    tx.operations.deliveries(most=9)
    tx.operations.failed_deliveries(most=9)
    tx.operations.reservations()


def matters(tx: UnitOfWork) -> None:
    """Matters, policies and staff."""
    was, now = make_matter(1), make_matter(1, name="改名", version=2)
    assert tx.matters.add_version(make_list_version(1))
    tx.matters.keep([was])
    tx.matters.put([MatterChange(version=2, kind=MatterChangeKind.CHANGED, at=NOW, was=was, now=now)])
    tx.matters.newest_version()
    tx.matters.all()
    tx.matters.by_code("c")
    tx.matters.page(authority_code="", behind="", limit=9)
    tx.matters.page(authority_code="a", behind="", limit=9)
    tx.matters.changes_of("c", limit=9)
    assert tx.policies.request(make_policy(1))
    tx.policies.insert_closed(make_policy(2, state=PolicyState.CLOSED))
    tx.policies.mark()
    tx.policies.set_mark("m")
    tx.policies.by_id("p")
    tx.policies.of_pair("m", "t")
    tx.policies.standing()
    for behind in (None, (NOW, "p")):
        tx.policies.page(limit=9, behind=behind)
        tx.policies.page(authority_code="a", limit=9, behind=behind)
        tx.policies.page(type_slugs=["t"], limit=9, behind=behind)
    assert tx.policies.move(make_policy(1, state=PolicyState.APPROVED), sources={PolicyState.REQUESTED})
    assert tx.policies.count_use("p", day=NOW.date(), quota=2)
    tx.policies.used("p", day=NOW.date())
    tx.staff.set_all([make_member(1)])
    tx.staff.member("c", "a")
    tx.staff.of_client("c")
    tx.staff.count("c")


def log(tx: UnitOfWork) -> None:
    """The evidence log and its audit; an edge has a row for each level, which are few and read by their key."""
    edge = Edge()
    edge.append([bytes(32)])
    assert tx.log.append(edge, Checkpoint(number=1, size=1, note="n", at=NOW), before=0)
    edge.append([bytes(32)])
    assert tx.log.append(edge, Checkpoint(number=2, size=2, note="n", at=NOW), before=1)
    assert not tx.log.append(edge, Checkpoint(number=3, size=2, note="n", at=NOW), before=1)
    tx.log.stamp(Stamp(size=1, token=b"t", at=NOW))
    tx.log.note_subjects([("s", 1)])
    tx.log.note_subjects([("s", 1)], events=True)
    assert len(tx.log.about("s", beginnings=("",), limit=2)) == 1
    assert len(tx.log.events_about("s", beginnings=("",), limit=2)) == 1
    assert [one.size for one in tx.log.after(0, limit=9)] == [1, 2]
    assert tx.log.newest() == tx.log.at_size(2)
    assert tx.log.newest_stamp() == tx.log.stamps_after(0, limit=1)[0]
    assert [position for position, _ in tx.log.leaves(0, limit=9)] == [1]
    assert tx.log.position_of(make_evidence_row(1).evidence_id) == tx.log.given() == 1
    assert tx.log.edge() == edge
    assert tx.log.first_unlogged(0) == make_evidence_row(1).at
    assert tx.log.first_unlogged(1) is None
    assert not tx.log.restored()
    assert tx.log.epochs() == Epochs()
    tx.log.begin_epoch(Epoch(name=20260101000000, after=2))
    assert tx.log.epochs().newest == 20260101000000
    for read in (tx.audited.leaves_after, tx.audited.events_after, tx.audited.moves_after):
        read(0, limit=1)
    for page in (tx.audited.versions_after, tx.audited.fetches_after, tx.audited.scans_after):
        page("", limit=1)
    audited = tx.audited
    for some in (audited.shows_after, audited.grants_after, audited.reservations_after, audited.delegations_after):
        some("", limit=1)
    for others in (audited.relations_after, audited.co_holders_after, audited.archives_after, audited.materials_after):
        others("", limit=1)
    tx.reconciling.archives_after("", limit=1)
    tx.reconciling.materials_after("", limit=1)


def look_for_many(tx: UnitOfWork) -> None:
    """What a batch asks; the rest of it has the statements of single questions."""
    tx.requests.claim_some(worker="w", token="t", now=NOW, lease_s=1, lane=Lane.LIVE, limit=2)
    tx.requests.newest_waiting(Lane.LIVE)
    tx.requests.by_ids(["r", "s"])
    tx.seals.settle("r", ReservationResult.USED, open_before=NOW, now=NOW)
    tx.licenses.by_numbers("food_operation", ["n"])
    tx.seals.by_ids(["s"])
    tx.receipts.find_all([("c", "key:1"), ("d", "key:2")])
    assert tx.requests.insert_all([make_request(77)])
    tx.photos.put_all([b"photo", b"other"])


def register(tx: UnitOfWork) -> None:
    """Requests, intents, licenses, photos and seals."""
    assert tx.requests.insert(make_request(1))
    assert tx.requests.insert(make_request(2))
    tx.requests.by_id("r")
    tx.requests.by_idempotency_key("c", "k")
    tx.requests.by_event("c", "s", "e")
    tx.requests.by_business_key("a", "b", "c", "d")
    assert tx.requests.claim(worker="w", token="t", now=NOW, lease_s=1)
    assert tx.requests.fail("req_000001", claim_token="t", code="c", detail="d", next_try_at=NOW, now=NOW)
    assert tx.requests.claim(worker="w", token="t", now=NOW, lease_s=1)
    assert tx.requests.finish([("req_000001", "t", "v")], now=NOW)
    assert tx.requests.claim(worker="w", token="t", now=NOW, lease_s=1)
    assert tx.requests.refuse("req_000002", claim_token="t", code="c", detail="d", now=NOW)
    tx.requests.counts()
    tx.requests.stuck(before=NOW, limit=9)
    tx.intents.insert_all([make_intent(1)])
    tx.intents.by_requests(["req_000001"]).get("req_000001")
    tx.intents.next_numbers("s", 1)[0]
    tx.intents.renew(["r"], signed_at=NOW)
    tx.intents.drop("r")
    assert tx.receipts.bind("c", "k", body_hash="b", result_id="r", now=NOW)
    tx.receipts.find("c", "k")
    tx.intents.without_result(before=NOW, limit=9)
    tx.licenses.insert(make_version(1))
    tx.licenses.by_version_id("v")
    tx.licenses.by_identifier("i")
    tx.licenses.by_number("t", "n")
    tx.licenses.by_sha256("s")
    tx.licenses.by_printed_token("t")
    tx.licenses.of_holder(HOLDER, limit=9)
    tx.licenses.versions_of("l")
    assert tx.licenses.move(make_move(1), revision=1, suspended_until=None)
    tx.licenses.moves_of("v")
    tx.licenses.newest("v")
    tx.licenses.not_ended_after("l", limit=9)
    tx.licenses.count_by_state()
    tx.photos.get(tx.photos.put(b"photo"))
    tx.seals.upsert(make_seal(1))
    tx.seals.by_id("s")
    tx.seals.all()
    assert tx.seals.reserve([make_reservation(1)], day_start=DAY_START, day_end=DAY_END)
    tx.seals.unanswered(before=NOW, limit=9)
    assert tx.seals.answer([("res_000001", ReservationResult.USED, "")], now=NOW)
    tx.seals.abandon(["p"], now=NOW)
    assert tx.seals.set_state("seal_001", source=SealState.ACTIVE, target=SealState.STOPPED)


def seal_life(tx: UnitOfWork) -> None:
    """Versions, makings, tries, approvals and revocations of seals."""
    tx.seals.hold("s")
    tx.seals.expired(NOW, limit=9)
    tx.seals.used_since("s", NOW, limit=9)
    tx.seals.used_on(DAY_START)
    tx.seals.newest_uses("s", limit=9)
    one = tx.seal_lives.version("seal_001", 1)
    assert one is not None
    made = dataclasses.replace(one, seal_id="seal_009", state=SealState.MADE)
    assert tx.seal_lives.open(made)
    assert tx.seal_lives.move(made, source=SealState.MADE)
    assert tx.seal_lives.activate(made)
    tx.seal_lives.versions("s")
    tx.seal_lives.under_way(limit=9)
    tx.seal_lives.history("s")
    tx.seal_lives.answer_making("m", ReservationResult.USED, now=NOW)
    tx.seal_lives.abandon_makings("k", now=NOW)
    tx.seal_lives.unanswered_makings(before=NOW, limit=9)
    tx.seal_lives.is_revoked("k")
    tx.seal_lives.revocations()
    tx.seal_watch.count_hour("seal_001", T0)
    tx.seal_watch.busy_hours("s", since=T0, before=NOW)
    tx.seal_watch.note_try("seal_001", OddRule.SCOPE, "p", now=T0)
    tx.seal_watch.tries("s", since=T0)
    tx.seal_watch.excuse("s", T0)
    tx.approvals.by_id("a", hold=True)
    tx.approvals.by_id("a")
    tx.approvals.of_owner("o", limit=9)
    tx.approvals.votes("a")
    tx.approvals.set_state("a", source=ApprovalState.WAITING, target=ApprovalState.GRANTED)
    tx.approvals.representative("r")
    tx.approvals.representatives("o", limit=9)
    tx.approvals.dismiss("r", now=NOW)


def live(tx: UnitOfWork) -> None:
    """Links, facts, reminders and the published catalog."""
    tx.licenses.insert(make_version(2, project_code="2601-990100-04-01-123456"))
    tx.links.insert(make_link())
    tx.links.after("v")
    tx.links.before("v")
    assert tx.facts.append(make_fact(1), key="k")
    tx.facts.hold("l")
    tx.facts.by_key("k")
    tx.facts.of("l")
    tx.facts.of_many(["l", "m"])
    tx.facts.dependants("l")
    assert tx.dues.announce(make_due_row())
    tx.dues.announced("a", DueKind.EXPIRED, behind="", limit=9)
    assert tx.dues.place("s", NOW.date()) == ""
    tx.dues.finished("s", NOW.date())
    tx.dues.keep_place("s", NOW.date(), behind="l", finished=False)
    assert tx.publications.propose(make_proposal())
    assert tx.publications.publish(make_publication())
    tx.publications.publish_all([make_publication(2)])
    tx.publications.digests()
    tx.publications.epoch()
    tx.publications.proposal("p")
    tx.publications.same_proposal("s", 1, "d")
    tx.publications.proposals()
    tx.publications.publication("s", 1)
    tx.publications.publications()
    tx.publications.in_effect()


def stock(tx: UnitOfWork) -> None:
    """Imports and their rows."""
    assert tx.imports.insert(make_import())
    tx.imports.by_id("i")
    tx.imports.open_file("a", "s", "d")
    tx.imports.of_authority("a", before="", limit=9)
    tx.imports.of_authority("a", before="i", limit=9)
    assert tx.imports.claim(token="t", now=NOW, until=NOW)
    tx.imports.keep("i", claim_token="t", ready_at=NOW, total=1, waits_for="")
    tx.imports.read_heading("i", claim_token="t", columns=())
    tx.imports.end_check("i", claim_token="t", state=ImportState.CHECKED, problems=(), total=1)
    tx.imports.draw("i", seed="s", size=1)
    how: dict[str, Any] = {
        "source": ImportState.CHECKED,
        "target": ImportState.APPROVED,
        "by": "v",
        "reason": "r",
        "now": NOW,
    }
    tx.imports.decide("i", **how)
    tx.imports.finish("i", claim_token="t", keep_until=NOW)
    tx.imports.over(now=NOW, limit=9)
    tx.imports.forget("i")
    tx.import_rows.add("imp_000001", "s", [make_row()])
    tx.import_rows.last("i")
    tx.import_rows.row("i", 2)
    tx.import_rows.some("i", after=0, limit=9)
    tx.import_rows.some("i", after=0, limit=9, state=RowState.PASSED)
    tx.import_rows.passed("i", limit=9)
    tx.import_rows.passed_numbers("i")
    tx.import_rows.counts("i")
    tx.import_rows.waiting_numbers("s", ["n", "m"])
    tx.import_rows.registered_numbers("s", ["n", "m"])
    tx.import_rows.sample("i", [2])
    tx.import_rows.sampled("i")
    tx.import_rows.judged("i")
    tx.import_rows.judge("i", 2, judgement=Judgement.CONFIRMED, by="v", reason="", now=NOW)
    tx.import_rows.queue("i", 2, request_id="r")
    tx.import_rows.end("i", 2, source=RowState.QUEUED, state=RowState.ISSUED, identifier="x", faults=())
    tx.import_rows.ended_requests("i", limit=9)
    tx.intents.raise_number("s", to=1)


def bulk(tx: UnitOfWork) -> None:
    """Bulk decisions."""
    row = BulkRow(row_no=1, state=BulkRowState.READY, given="g")
    assert tx.bulks.insert(make_bulk(), [row], content="c")
    tx.bulks.by_id("b")
    tx.bulks.open_content("a", "c")
    tx.bulks.of_authority("a", before="", limit=9)
    tx.bulks.of_authority("a", before="b", limit=9)
    tx.bulks.confirm("b", by="v", effect_at=NOW)
    tx.bulks.drop("b", source=BulkState.PREVIEW, by="v", reason="", now=NOW)
    tx.bulks.claim(token="t", now=NOW, until=NOW)
    tx.bulks.keep("b", claim_token="t", ready_at=NOW)
    tx.bulks.finish("b", claim_token="t", now=NOW)
    tx.bulks.rows("b", after=0, limit=9)
    tx.bulks.rows("b", after=0, limit=9, state=BulkRowState.READY)
    tx.bulks.counts("b")
    tx.bulks.set_row("b", row, source=BulkRowState.READY)
    tx.bulks.ended_requests("b", limit=9)


def use(tx: UnitOfWork) -> None:
    """Shows, scans, grants, fetches and notices."""
    tx.showing.insert_show(make_show(1))
    tx.showing.show_by_token("t")
    assert tx.showing.redeem("shw_000001", by="o", now=T0)
    tx.showing.insert_scan(make_scan(1))
    tx.showing.scans_of(["v"], limit=9)
    tx.showing.scans_by_authority("a", limit=9)
    tx.sharing.insert_grant(make_grant(1))
    tx.sharing.grant_by_token("t")
    assert tx.sharing.use_grants(["grt_000001"], now=T0)
    assert not tx.sharing.withdraw_grant("grt_000001", holder_subject="h", now=T0)
    assert not tx.sharing.bind_cases({"g": "c"})
    tx.sharing.grants_of("h", limit=9)
    bases(tx)
    tx.sharing.insert_fetch(make_fetch(1))
    tx.sharing.fetches_of(["v"], limit=9)
    tx.sharing.fetches_by("c", ["v"], limit=9)
    department(tx)
    copy(tx)
    tx.notices.insert(make_notice(1, state=NoticeState.WAITING, way=Way.SMS, ready_at=T0))
    tx.notices.of_versions(["v"], limit=9)
    tell(tx)


def department(tx: UnitOfWork) -> None:
    """What a body asked."""
    wanted = UseFilter(since=T0, before=NOW, matter_code="m", client_id="c", outcome="given")
    for behind in (None, (NOW, "f")):
        tx.departments.uses("a", wanted, limit=9, look_at=99, behind=behind)
    tx.departments.count_uses("a", since=T0, before=NOW, most=99)
    tx.departments.counted_until("a")
    tx.departments.next_body("a")
    tx.departments.next_use("a", since=T0)
    count = UseCount(matter_code="m", type_slug="t", kind=UseKind.FETCH, outcome="given", uses=3, first=T0)
    assert tx.departments.keep_day("a", T0.date(), [count])
    assert len(tx.departments.kept_uses("a", first=T0.date(), last=NOW.date())) == 1
    tx.access.clients_of("a", limit=9)
    tx.access.active_clients_of("a", "using", limit=9)
    tx.bases.open_of("c", now=T0, limit=9)


def console(tx: UnitOfWork) -> None:
    """What operators and auditors look through."""
    for behind in ("", "v"):
        tx.console.newest_behind(behind, type_slug="t", state="valid", look_at=9, limit=5)
    tx.seals.unanswered_of("s", before=NOW, limit=9)
    tx.console.numbered(["s", "t"], "n", limit=9)
    tx.console.of_business(["a", "b"], "n", limit=9)
    for state in (Requested.FAILED, Requested.ACCEPTED):
        tx.console.backlog(state, before=NOW, most=9)
    assert not tx.console.hasten("r", now=NOW)
    tx.console.issued_daily(first=DAY_START.date(), last=DAY_START.date())
    tx.console.places()
    tx.console.leaves_before(9, limit=9)
    tx.console.leaves_about("s", 9, limit=9)
    tx.console.leaf_at(9)
    tx.console.oldest(Requested.FAILED, before=NOW, limit=5)
    tx.console.oldest(Requested.ACCEPTED, before=NOW, limit=5)
    tx.console.oldest(Requested.FAILED, before=NOW, limit=5, reason="seal_unavailable")


def bases(tx: UnitOfWork) -> None:
    """On what uses rest."""
    tx.licenses.held([(HOLDER, "t"), (dataclasses.replace(HOLDER, code="x"), "t")], limit=9)
    tx.licenses.held([(HOLDER, "t")], limit=9)
    tx.sharing.grant("g")
    tx.sharing.hold_by_tokens(["t"])
    tx.sharing.hold_of_consents(["c"])
    tx.sharing.of_consents(["c"])
    tx.sharing.grants_over(["v"], limit=9)
    assert tx.sharing.answer_under("grt_000001", most=9, now=T0)
    assert tx.sharing.withdraw_under(["b"], now=T0) == []
    tx.sharing.insert_fetch(make_fetch(7, withheld_until=T0))
    assert len(tx.sharing.withheld_to_tell(now=T0, limit=9)) == 1
    assert tx.sharing.told("fet_000007", now=T0)
    tx.bases.hold_client("c")
    tx.bases.insert_request(make_use_request(1))
    tx.bases.insert_party(make_party(1))
    tx.bases.count_open("c", HOLDER, now=T0)
    tx.bases.count_open("c", None, now=T0)
    tx.bases.declined(HOLDER, "m", "c", since=T0)
    tx.bases.request("r", hold=True)
    tx.bases.request("r")
    tx.bases.parties_of("r")
    tx.bases.parties_with([HOLDER], limit=9)
    assert tx.bases.answer_party(make_party(1, state=RequestState.CONFIRMED), now=T0)
    assert tx.bases.close_request("urq_000001", RequestState.CONFIRMED, now=T0)
    tx.bases.insert_counter(make_counter(1))
    tx.bases.counters(["c"])
    tx.bases.insert_withholding(make_withholding(1))
    tx.bases.withholdings(["w"])
    tx.bases.withholdings_of("a", limit=9)
    assert tx.bases.decide_withholding("whd_000001", WithholdState.APPROVED, by="p", now=T0)
    assert tx.bases.count_ask("c", DAY_START.date(), "x", most=1)


def copy(tx: UnitOfWork) -> None:
    """Annotated copies, and alerts to whoever used a license."""
    made = make_copy(1)
    tx.copies.insert(made)
    tx.copies.by_fetch("f")
    tx.copies.of_fetches(["f", "g"])
    assert tx.copies.give(made.copy_id, sha256="d", size=1, object_name="o", now=T0)
    tx.copies.by_id("c")
    tx.copies.by_sha256("d")
    tx.copies.by_token("t")
    assert tx.copies.withdraw(made.copy_id, now=T0)
    tx.copies.insert(make_copy(2))
    assert tx.copies.forget_unmade(before=T0 + timedelta(days=1), limit=9) == 1
    batch = make_batch(1)
    tx.alerts.insert_batch(batch)
    tx.alerts.next_batch()
    tx.alerts.keep_place(batch)
    tx.alerts.insert([make_alert(1)])
    tx.alerts.by_id("a")
    tx.alerts.with_cases([make_alert(1)], most=9)
    place = (T0, "a")
    for behind in (None, place):
        tx.alerts.received("c", "a", AlertState.OPEN, limit=9, behind=behind)
        tx.alerts.issued("i", AlertState.OPEN, limit=9, behind=behind)
        tx.alerts.open(limit=9, behind=behind)
    tx.alerts.remind(before=T0 + timedelta(days=1), now=T0, limit=9)
    assert tx.alerts.acknowledge("alt_000001", done="reviewed", note="n", by="c", now=T0)


def tell(tx: UnitOfWork) -> None:
    """Cases, notices, and the contacts of holders."""
    for caller in ("", "c"):
        tx.requests.of_case("c", caller=caller, behind="", limit=9)
        tx.requests.case_counts("c", caller=caller)
    tx.notices.by_id("n")
    tx.notices.open(NoticeState.FAILED, authority_code="", behind="", limit=9)
    tx.notices.open(NoticeState.FAILED, authority_code="a", behind="", limit=9)
    assert tx.notices.is_due(Way.SMS, now=T0)
    claim = tx.notices.claim(Way.SMS, token="t", now=T0, lease_s=9)
    assert claim is not None
    assert tx.notices.put_off(claim, way=Way.SMS, attempts=1, ready_at=T0)
    assert not tx.notices.fail(claim, Service(), reason="away", now=T0)
    assert not tx.notices.sent(claim, Service(), now=T0)
    assert tx.notices.read(["ntc_000001"], now=T0)
    assert not tx.notices.serve("ntc_000001", Way.POST, Service(), now=T0)
    assert not tx.notices.resend("ntc_000001", Way.SMS, now=T0)
    tx.contacts.set_given(HOLDER, Contact(phone="13800000000"), by="s", now=T0)
    tx.contacts.set_own(HOLDER, Contact(mail="a@example.com"), tell_uses=True, by="s", now=T0)
    assert tx.contacts.of(HOLDER)


@contextmanager
def recorded(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """The statements that run inside the block, with their parameters."""
    found: list[tuple[str, Any]] = []

    def remember(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if not statement.startswith("BEGIN"):
            found.append((statement, parameters[0] if many else parameters))

    event.listen(engine, "before_cursor_execute", remember)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", remember)


def plans(store: Store, explain: str, set_up: str) -> dict[str, str]:
    """Statement -> plan, for everything the store can do."""
    engine = store._engines[0]
    with recorded(engine) as statements, store.uow() as tx:
        run_everything(tx)
    found = {}
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql(set_up)
        for statement, parameters in statements:
            rows = connection.exec_driver_sql(f"{explain} {statement}", parameters).all()
            found[statement] = "\n".join(str(row[-1]) for row in rows)
    assert len(found) > 60
    return found


def test_sqlite_scans_no_table_and_sorts_no_table(sqlite_store: Store) -> None:
    bad = {}
    for statement, plan in plans(sqlite_store, "EXPLAIN QUERY PLAN", "SELECT 1").items():
        scans = {line for line in plan.splitlines() if line.startswith("SCAN")} - SMALL_SCANS
        sorts = "FOR ORDER BY" in plan and not SORTS_FEW.search(statement)
        if (scans or sorts) and not READS_ALL.search(statement):
            bad[statement] = plan
    assert bad == {}


def test_a_search_by_holder_and_type_goes_by_an_index_of_both(sqlite_store: Store) -> None:
    found = {
        statement: plan
        for statement, plan in plans(sqlite_store, "EXPLAIN QUERY PLAN", "SELECT 1").items()
        if "licenses.replaced_by_version_id = ''" in statement
    }
    assert len(found) == 2
    for plan in found.values():
        assert "ix_licenses_held (holder_blind=? AND type_slug=?)" in plan


def test_postgresql_scans_no_table(postgres_store: Store) -> None:
    bad = {}
    for statement, plan in plans(postgres_store, "EXPLAIN", "SET LOCAL enable_seqscan = off").items():
        scanned = set(re.findall(r"Seq Scan on (\w+)", plan)) - {"tally_changes"}
        if scanned and not READS_ALL.search(statement):
            bad[statement] = plan
    assert bad == {}


MANY_REQUESTS = """
INSERT INTO requests (request_id, caller, authority_code, business_no, type_slug, action, payload, body_hash, photo_id,
  state, attempts, reason_code, version_id, ready_at, created_at, updated_at, lane)
SELECT 'r' || n, 'c', 'a', 'b' || n, 't', 'issue', payload, '', '', 'accepted', 0, '', '', created_at, created_at,
  created_at, CASE WHEN n > 4900 THEN 0 ELSE 1 END
FROM ({numbers}) AS numbers, requests WHERE requests.request_id = 'req_000001'"""
NUMBERS = {
    "sqlite": "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 5000) SELECT n FROM c",
    "postgresql": "SELECT n FROM generate_series(1, 5000) AS n",
}


def test_a_claim_walks_along_its_lane_however_long_the_other_is(store: Store) -> None:
    engine = store._engines[0]
    with recorded(engine) as statements, store.uow() as tx:
        assert tx.requests.insert(make_request(1))
        assert tx.requests.claim(worker="w", token="t", now=NOW, lease_s=1, up_to=Lane.LIVE)
    statement, parameters = statements[-1]
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql(MANY_REQUESTS.format(numbers=NUMBERS[engine.dialect.name]))
        connection.exec_driver_sql("ANALYZE requests")
        explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
        rows = connection.exec_driver_sql(f"{explain} {statement}", parameters).all()
    plan = "\n".join(str(row[-1]) for row in rows)
    assert "ix_requests_lane" in plan, plan
    assert "ORDER BY" not in plan, plan
    assert "Sort" not in plan, plan
    assert ("(lane<?" if engine.dialect.name == "sqlite" else "Index Cond: ((lane <= 0)") in plan, plan
