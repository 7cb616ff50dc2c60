"""What was reserved before a stop is not signed after it: the fence between keys and what ends their use (ADR 97)."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fixtures_city import ServedCity
from seal_people import APPLICANT, KEEPER, SAID, person, seal_in_use, stored

from certsvc.app import Service
from certsvc.cli.bench_cases import jobs
from certsvc.clock import FixedClock
from certsvc.commands.access import roles
from certsvc.commands.access.seed_sandbox import seed_sandbox
from certsvc.commands.issuance.process_request import process_next
from certsvc.commands.page_ports import Press, SealTask
from certsvc.commands.ports import Deps
from certsvc.commands.seals import fence
from certsvc.commands.seals.expire_seals import expire_seals
from certsvc.commands.seals.fence import BLOCK_PAGES, BLOCK_TIME, ReservedPage, seal_fenced
from certsvc.commands.seals.move_seal import move_seal
from certsvc.commands.seals.represent import appoint_representative, dismiss_representative
from certsvc.commands.seals.use_seal import Asked, reserve_uses, settle_sealed, unanswered_uses
from certsvc.delivery.sequencer import sequence_once
from certsvc.errors import CertsvcError, SealUnavailable, Unavailable, UseUnknown
from certsvc.seal.model import Seal, SealReservation, SealState
from certsvc.seal.prepared import PreparedPdf
from certsvc.seal.use import SealUse

NOON = datetime(2026, 12, 2, 4, tzinfo=UTC)
TRIES = 1000
THREADS = 8
PLAIN = SealUse(backfill=True)
Sealed = bytes | CertsvcError


class RecordingRing:
    """The key ring, and when each key operation began (monotonic)."""

    def __init__(self, ring: Any) -> None:
        self._ring, self.begun = ring, list[float]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ring, name)

    def sign_digest(self, key_id: str, digest_algorithm: str, data: bytes) -> bytes:
        self.begun.append(time.monotonic())
        made: bytes = self._ring.sign_digest(key_id, digest_algorithm, data)
        return made


class HeldPress:
    """The press, stopped with a page in its hand until it is let go."""

    def __init__(self, press: Press) -> None:
        self._press = press
        self.reached, self.go = threading.Event(), threading.Event()

    def draw(self, tasks: Sequence[Any]) -> list[Any]:
        return self._press.draw(tasks)

    def seal(self, tasks: Sequence[SealTask]) -> list[Sealed]:
        self.reached.set()
        assert self.go.wait(30)
        return self._press.seal(tasks)


@pytest.fixture
def deps(make_service: Callable[..., Service], database_url: str) -> Deps:
    """The ports of a sandbox, once per kind of database, with a clock that goes."""
    service = make_service(database_url)
    seed_sandbox(service.deps)
    return service.deps


@pytest.fixture
def clock() -> FixedClock:
    """A clock that the tests move."""
    return FixedClock(NOON)


@pytest.fixture
def still(make_service: Callable[..., Service], sqlite_url: str, clock: FixedClock) -> Deps:
    """The ports of a sandbox whose clock stands."""
    service = make_service(sqlite_url, clock=clock)
    seed_sandbox(service.deps)
    return service.deps


def recorded(deps: Deps, monkeypatch: pytest.MonkeyPatch) -> RecordingRing:
    sealer: Any = deps.sealer
    ring = RecordingRing(sealer._ring)
    monkeypatch.setattr(sealer, "_ring", ring)
    return ring


def a_page(deps: Deps, seal: Seal) -> SealTask:
    job = jobs(deps, seal)()
    (drawn,) = deps.press.draw([job])
    assert isinstance(drawn, PreparedPdf)
    return SealTask(prepared=drawn, seal=seal, format="pades-b-b", signed_at=job.signature.signed_at)


def reserved(
    deps: Deps, seal: Seal, count: int, use: SealUse = PLAIN
) -> tuple[list[SealReservation], list[ReservedPage]]:
    task = a_page(deps, seal)
    digest = task.prepared.digest("sha256").hex()
    asked = [Asked(seal=seal, purpose=f"t:{n}", digest=digest, use=use) for n in range(count)]
    return reserve_uses(deps, asked), [ReservedPage(asked=one, task=task) for one in asked]


def results(deps: Deps, seal: Seal) -> Counter[str]:
    with deps.uow.read() as tx:
        return Counter(one.result.value for one in tx.seals.newest_uses(seal.seal_id, limit=2 * TRIES))


def against(outcome: Sealed) -> str:
    return outcome.against if isinstance(outcome, SealUnavailable) else type(outcome).__name__


@contextmanager
def beside(work: Callable[[], Any]) -> Iterator[list[Any]]:
    """Run ``work`` in a thread while the block runs; its result is in the list afterwards."""
    came: list[Any] = []
    thread = threading.Thread(target=lambda: came.append(work()))
    thread.start()
    try:
        yield came
    finally:
        thread.join(60)


def test_a_thousand_reserved_uses_around_a_stop_use_no_key_after_its_commit(
    deps: Deps, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal = seal_in_use(deps, daily_budget=2 * TRIES)
    uses, pages = reserved(deps, seal, TRIES)
    ring = recorded(deps, monkeypatch)
    blocks = [slice(at, at + BLOCK_PAGES) for at in range(0, TRIES, BLOCK_PAGES)]
    enough = threading.Event()

    def one(block: slice) -> list[Sealed]:
        made = seal_fenced(deps, pages[block])
        settle_sealed(deps, zip(uses[block], made, strict=True))
        if len(ring.begun) > TRIES // 5:
            enough.set()
        return made

    with ThreadPoolExecutor(THREADS) as pool:
        coming = [pool.submit(one, block) for block in blocks]
        assert enough.wait(120)
        move_seal(deps, KEEPER, seal.seal_id, "stop", SAID)
        stopped = time.monotonic()
        made = [outcome for block in coming for outcome in block.result()]
    signed = sum(isinstance(outcome, bytes) for outcome in made)
    refused = [outcome for outcome in made if isinstance(outcome, SealUnavailable)]
    assert max(ring.begun) <= stopped, "a key was used after the stop was committed"
    assert len(ring.begun) == signed > TRIES // 5
    assert len(refused) == TRIES - signed > 0, "the stop came in the middle"
    assert {one.against for one in refused} == {"state"}
    assert results(deps, seal) == {"used": signed, "failed": len(refused)}
    assert unanswered_uses(deps, older_than_s=-600, limit=10) == []


def test_a_stop_waits_for_the_block_in_hand_and_lets_nobody_pass_meanwhile(deps: Deps) -> None:
    seal = seal_in_use(deps)
    _, (first, second) = reserved(deps, seal, 2)
    held = HeldPress(deps.press)
    with (
        beside(lambda: seal_fenced(dataclasses.replace(deps, press=held), [first])) as made,
        beside(lambda: held.reached.wait(30) and move_seal(deps, KEEPER, seal.seal_id, "stop", SAID)) as stopped,
    ):
        assert held.reached.wait(30)
        time.sleep(0.5)
        assert stopped == [], "the stop waits"
        with beside(lambda: seal_fenced(deps, [second])) as late:
            time.sleep(0.2)
            assert late == [], "who comes after a waiting stop waits behind it"
            held.go.set()
    assert isinstance(made[0][0], bytes)
    assert stopped[0].state is SealState.STOPPED
    assert against(late[0][0]) == "state"


def test_why_nothing_was_signed_is_in_evidence(still: Deps) -> None:
    seal = seal_in_use(still)
    (use,), pages = reserved(still, seal, 1)
    move_seal(still, KEEPER, seal.seal_id, "stop", SAID)
    settle_sealed(still, [(use, seal_fenced(still, pages)[0])])
    while sequence_once(still, owner="t"):
        pass
    with still.uow.read() as tx:
        failed = [row for row in tx.outbox.evidence_after(0, limit=1000) if row.kind == "seal.failed"]
    (content,) = [json.loads(row.details)["content"] for row in failed]
    assert (content["reservation_id"], content["reason"]) == (use.reservation_id, "seal_unavailable:state")


@pytest.mark.parametrize("late", [timedelta(0), timedelta(days=30), -BLOCK_TIME])
def test_a_period_that_ends_between_reservation_and_key_is_seen(
    still: Deps, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, late: timedelta
) -> None:
    seal = seal_in_use(still)
    _, pages = reserved(still, seal, 2)
    ring = recorded(still, monkeypatch)
    clock.advance(seal.valid_until - clock.now() + late)
    assert [against(one) for one in seal_fenced(still, pages)] == ["period"] * 2
    expire_seals(still)
    assert (stored(still, seal.seal_id).state is SealState.EXPIRED) == (late >= timedelta(0))
    assert [against(one) for one in seal_fenced(still, pages)] == ["state" if late >= timedelta(0) else "period"] * 2
    assert ring.begun == []


def test_a_block_that_ends_within_the_period_signs(still: Deps, clock: FixedClock) -> None:
    seal = seal_in_use(still)
    _, pages = reserved(still, seal, 1)
    clock.advance(seal.valid_until - clock.now() - BLOCK_TIME - timedelta(seconds=1))
    assert isinstance(seal_fenced(still, pages)[0], bytes)


@pytest.mark.parametrize("how", ["term", "dismissed"])
def test_a_representative_whose_office_ended_between_reservation_and_key_signs_nothing(
    still: Deps, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    seal = seal_in_use(still, manual_needed=2, approvers=("use-approver-1", "use-approver-2"))
    term = (NOON, NOON + timedelta(days=30))
    person("use-approver-3", roles.SEAL_USE_APPROVER)
    office = appoint_representative(
        still,
        APPLICANT,
        person="use-approver-3",
        scope_types=(),
        matters=(),
        term=term,
        document_no="示例授〔2026〕1号",
    )
    use = SealUse(manual=True, operator="use-approver-3", represented_by=office.representative_id)
    _, pages = reserved(still, seal, 1, use)
    ring = recorded(still, monkeypatch)
    if how == "term":
        clock.advance(term[1] - clock.now())
    else:
        dismiss_representative(still, APPLICANT, office.representative_id)
    assert [against(one) for one in seal_fenced(still, pages)] == ["approval"]
    assert ring.begun == []


def test_a_dismissal_waits_for_what_is_signed_in_this_persons_name(
    make_service: Callable[..., Service], postgres_url: str
) -> None:
    deps = make_service(postgres_url).deps
    with pytest.raises(Unavailable), deps.uow() as tx:  # noqa: PT012  (the end of the block is what raises)
        tx.seal_fences.share(["rep_1"], most_ms=5_000)
        with beside(lambda: _closed(deps, "rep_1")) as closed:
            with beside(lambda: _closed(deps, "rep_2")) as other:
                pass
            assert other == [True], "only who closes the same name waits"
            time.sleep(0.2)
            assert closed == []
            tx.seal_fences.share(["rep_3"], most_ms=100)
        assert closed == [True], "the server lets go of a fence that is held too long"


def _closed(deps: Deps, name: str) -> bool:
    with deps.uow() as tx:
        tx.seal_fences.close(name)
    return True


def test_a_device_that_hangs_keeps_no_seal_from_being_stopped(
    make_service: Callable[..., Service], postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deps = make_service(postgres_url).deps
    seed_sandbox(deps)
    seal = seal_in_use(deps)
    uses, pages = reserved(deps, seal, 1)
    held = HeldPress(deps.press)
    monkeypatch.setattr(fence, "BLOCK_TIME", timedelta(seconds=1))
    with beside(lambda: seal_fenced(dataclasses.replace(deps, press=held), pages)) as made:
        assert held.reached.wait(30)
        move_seal(deps, KEEPER, seal.seal_id, "stop", SAID)
        assert stored(deps, seal.seal_id).state is SealState.STOPPED
        held.go.set()
    assert isinstance(made[0][0], UseUnknown), "what came after it is not handed out"
    settle_sealed(deps, [(uses[0], made[0][0])])
    assert [one.reservation_id for one in unanswered_uses(deps, older_than_s=-600)] == [uses[0].reservation_id]


def test_a_stop_does_not_wait_for_a_platform_but_is_seen_before_every_page(
    deps: Deps, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal = seal_in_use(deps)
    _, pages = reserved(deps, seal, 3)
    monkeypatch.setattr(type(deps.sealer), "is_away", lambda _self, _name: True)
    held = HeldPress(deps.press)
    with beside(lambda: seal_fenced(dataclasses.replace(deps, press=held), pages)) as made:
        assert held.reached.wait(30)
        move_seal(deps, KEEPER, seal.seal_id, "stop", SAID)
        held.go.set()
    assert [against(one) for one in made[0]] == ["bytes", "state", "state"]


class StopsAt:
    """Stops a seal the first time a step is reached: the moment in which a keeper acts."""

    def __init__(self, deps: Deps, seal_id: str, step: str) -> None:
        self._deps, self._seal_id, self._step = deps, seal_id, step

    def reach(self, name: str) -> None:
        if name == self._step:
            self._step = ""
            move_seal(self._deps, KEEPER, self._seal_id, "stop", SAID)


def test_a_license_whose_seal_is_stopped_under_way_waits_and_is_issued_after_it(small_city: ServedCity) -> None:
    city, deps = small_city, small_city.service.deps
    code = city.catalog.sample("food_operation")["issuer_code"]
    seal_id = city.catalog.authority(code).seal_id
    body = city.body("food_operation", "F-1")
    asked = city.answer(city.client.post("/v1/issuances", headers=city.system(), json=body), 202)
    stopping = dataclasses.replace(deps, faults=StopsAt(deps, seal_id, "issue.seal_reserved"))
    process_next(stopping, worker="w", lease_s=60)
    path = f"/v1/issuances/{asked['request_id']}"
    waits = city.answer(city.client.get(path, headers=city.system()), 200)
    assert (waits["state"], waits["reason"]) == ("failed", "seal_unavailable")
    assert city.rows("SELECT result, count(*) FROM reservations GROUP BY result") == [("failed", 1)]
    assert list(deps.objects.names("licenses/")) == []
    move_seal(deps, KEEPER, seal_id, "resume", SAID)
    city.make_due()
    city.drain()
    done = city.answer(city.client.get(path, headers=city.system()), 200)
    assert done["state"] == "issued"
    assert city.check(city.file(done["identifier"]))["reason"] == "ok"
