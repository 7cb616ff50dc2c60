"""The register, its moves and the photos keep their promises on both databases."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from store_records import HOLDER, make_move, make_version

from certsvc.clock import SHANGHAI
from certsvc.errors import IntegrityError, NotFound
from certsvc.license.model import Holder, LicenseVersion
from certsvc.license.states import State
from certsvc.store.engine import Store


def register(store: Store, *versions: LicenseVersion) -> None:
    with store.uow() as tx:
        for version in versions:
            tx.licenses.insert(version)


def second_version(**changes: object) -> LicenseVersion:
    """Version 2 of license 1, with the same number; version 1 must have ended."""
    first = make_version(1)
    return make_version(2, license_id=first.license_id, number=first.number, version=2, **changes)


def test_a_version_comes_back_as_it_was_by_every_key(store: Store) -> None:
    version = make_version(1, photo_id="photo_1", valid_until=None, suspended_until=date(2026, 4, 1))
    register(store, version)
    with store.uow.read() as tx:
        assert tx.licenses.by_version_id(version.version_id) == version
        assert tx.licenses.by_identifier(version.identifier) == version
        assert tx.licenses.by_number("food-operation", version.number) == version
        assert tx.licenses.by_sha256(version.artifact.sha256) == version
        assert tx.licenses.by_printed_token(version.printed_token) == version
        assert list(tx.licenses.of_holder(HOLDER, limit=10)) == [version]
        assert list(tx.licenses.versions_of(version.license_id)) == [version]


def test_what_was_never_registered_is_not_found(store: Store) -> None:
    register(store, make_version(1))
    with store.uow.read() as tx:
        assert tx.licenses.by_version_id("ver_x") is None
        assert tx.licenses.by_identifier("1.2.3") is None
        assert tx.licenses.by_number("business-license", make_version(1).number) is None
        assert tx.licenses.by_sha256("00" * 32) is None
        assert tx.licenses.by_printed_token("") is None
        assert list(tx.licenses.of_holder(dataclasses.replace(HOLDER, code_type="414"), limit=10)) == []
        assert list(tx.licenses.versions_of("lic_x")) == []
        assert list(tx.licenses.moves_of("ver_x")) == []


def test_a_number_leads_to_its_newest_version_and_versions_stand_in_order(store: Store) -> None:
    register(store, second_version(), make_version(1, state=State.SUPERSEDED))
    with store.uow.read() as tx:
        found = tx.licenses.by_number("food-operation", make_version(1).number)
        assert found is not None
        assert found.version == 2
        assert [v.version for v in tx.licenses.versions_of("lic_000001")] == [1, 2]


def test_a_holder_sees_all_versions_newest_first_by_code_and_type_whatever_the_name(store: Store) -> None:
    renamed = dataclasses.replace(HOLDER, name="示例张三（曾用名）")
    stranger = dataclasses.replace(HOLDER, code="990101199001015678")
    register(store, make_version(1), make_version(3, holder=renamed), make_version(2), make_version(4, holder=stranger))
    with store.uow.read() as tx:
        assert [v.version_id for v in tx.licenses.of_holder(HOLDER, limit=9)] == [
            "ver_000003",
            "ver_000002",
            "ver_000001",
        ]
        assert len(tx.licenses.of_holder(HOLDER, limit=2)) == 2


def test_what_is_held_of_a_type_is_found_behind_whatever_else_there_is(store: Store) -> None:
    stranger, nobody = (dataclasses.replace(HOLDER, code=code) for code in ("990101199001015678", "nobody"))
    food, guide = make_version(1).type_slug, "tour_guide"
    register(
        store,
        make_version(1),
        *(make_version(n, state=State.SUPERSEDED, replaced_by_version_id="ver_x") for n in range(2, 60)),
        *(make_version(n, type_slug=guide) for n in range(60, 120)),
        make_version(120, holder=stranger),
        make_version(121, holder=stranger, type_slug="elsewhere"),
    )
    mine, guides, other = (
        (one.code_type, one.code, slug) for one, slug in ((HOLDER, food), (HOLDER, guide), (stranger, food))
    )
    with store.uow.read() as tx:

        def held(*asked: tuple[Holder, str], limit: int = 2) -> dict[tuple[str, str, str], list[str]]:
            found = tx.licenses.held(asked, limit=limit)
            return {key: [version.version_id for version in several] for key, several in found.items()}

        newest = ["ver_000119", "ver_000118"]
        assert held((HOLDER, food)) == {mine: ["ver_000001"]}
        assert held((HOLDER, guide)) == {guides: newest}
        assert held((HOLDER, food), (HOLDER, guide), (stranger, food), (nobody, food)) == {
            mine: ["ver_000001"],
            guides: newest,
            other: ["ver_000120"],
        }, "the limit is for each"
        assert held((HOLDER, food), (stranger, guide)) == {mine: ["ver_000001"]}, "as it was asked, not crosswise"
        assert held() == held((nobody, food)) == held((nobody, food), (stranger, guide)) == {}


@pytest.mark.parametrize("taken", ["identifier", "number", "digest", "printed_token", "version_id"])
def test_a_taken_key_refuses_the_whole_transaction(store: Store, taken: str) -> None:
    first = make_version(1)
    register(store, first)
    other = make_version(2)
    if taken == "digest":
        artifact = dataclasses.replace(other.artifact, sha256=first.artifact.sha256)
        other = dataclasses.replace(other, artifact=artifact)
    elif taken == "version_id":
        artifact = dataclasses.replace(other.artifact, version_id=first.version_id)
        other = dataclasses.replace(other, version_id=first.version_id, artifact=artifact)
    else:
        other = dataclasses.replace(other, **{taken: getattr(first, taken)})
    with pytest.raises(IntegrityError):
        register(store, make_version(3), other)
    with store.uow.read() as tx:
        assert tx.licenses.by_version_id("ver_000003") is None
        assert tx.licenses.count_by_state()[State.VALID] == 1
        assert tx.licenses.by_sha256(make_version(3).artifact.sha256) is None


IN_FORCE = (State.PROVISIONAL, State.VALID, State.SUSPENDED)


@pytest.mark.parametrize("state", State)
def test_a_number_is_given_again_only_when_no_version_with_it_is_in_force(store: Store, state: State) -> None:
    register(store, make_version(1, state=state))
    again = make_version(2, number=make_version(1).number)
    if state in IN_FORCE:
        with pytest.raises(IntegrityError):
            register(store, again)
    else:
        register(store, again)
        with store.uow.read() as tx:
            assert tx.licenses.by_number("food-operation", again.number) == again


@pytest.mark.parametrize("state", State)
def test_of_one_license_one_version_is_in_force(store: Store, state: State) -> None:
    register(store, make_version(1, state=state))
    second = make_version(2, license_id=make_version(1).license_id, version=2)
    if state in IN_FORCE:
        with pytest.raises(IntegrityError):
            register(store, second)
    else:
        register(store, second)


def test_a_version_is_not_reinstated_beside_its_successor(store: Store) -> None:
    register(store, make_version(1, state=State.CANCELLED), second_version())
    reinstate = make_move(1, name="reinstate", from_state=State.CANCELLED, to_state=State.VALID)
    with pytest.raises(IntegrityError), store.uow() as tx:
        tx.licenses.move(reinstate, revision=1, suspended_until=None)
    with store.uow.read() as tx:
        version = tx.licenses.by_version_id("ver_000001")
        assert version is not None
        assert version.state is State.CANCELLED
        assert list(tx.licenses.moves_of("ver_000001")) == []


def test_an_artifact_of_another_version_is_refused(store: Store) -> None:
    stray = dataclasses.replace(make_version(1).artifact, version_id="ver_other")
    with pytest.raises(IntegrityError):
        register(store, make_version(1, artifact=stray))


def test_a_move_sets_state_and_revision_and_is_remembered(store: Store) -> None:
    register(store, make_version(1))
    suspended, resumed = (
        make_move(1),
        make_move(2, name="resume", from_state=State.SUSPENDED, to_state=State.VALID, decision=None),
    )
    with store.uow() as tx:
        assert tx.licenses.move(suspended, revision=1, suspended_until=date(2026, 6, 3))
        stopped = tx.licenses.by_version_id("ver_000001")
        assert stopped is not None
        assert (stopped.state, stopped.revision, stopped.suspended_until) == (State.SUSPENDED, 2, date(2026, 6, 3))
        assert tx.licenses.move(resumed, revision=2, suspended_until=None)
    with store.uow.read() as tx:
        back = tx.licenses.by_version_id("ver_000001")
        assert back == make_version(1, revision=3)
        assert list(tx.licenses.moves_of("ver_000001")) == [suspended, resumed]


def test_a_move_on_an_old_revision_or_from_another_state_changes_nothing(store: Store) -> None:
    register(store, make_version(1))
    with store.uow() as tx:
        assert not tx.licenses.move(make_move(1), revision=2, suspended_until=None)
        elsewhere = make_move(1, from_state=State.SUSPENDED, to_state=State.VALID)
        assert not tx.licenses.move(elsewhere, revision=1, suspended_until=None)
        assert not tx.licenses.move(make_move(1, version_id="ver_x"), revision=1, suspended_until=None)
    with store.uow.read() as tx:
        assert tx.licenses.by_version_id("ver_000001") == make_version(1)
        assert list(tx.licenses.moves_of("ver_000001")) == []


def test_of_twenty_parallel_moves_on_one_revision_exactly_one_takes_effect(store: Store) -> None:
    register(store, make_version(1))

    def move(n: int) -> bool:
        with store.uow() as tx:
            return tx.licenses.move(make_move(n), revision=1, suspended_until=date(2026, 6, n))

    with ThreadPoolExecutor(20) as pool:
        won = [n for n, took in enumerate(pool.map(move, range(1, 21)), start=1) if took]
    assert len(won) == 1
    with store.uow.read() as tx:
        version = tx.licenses.by_version_id("ver_000001")
        assert version is not None
        assert (version.revision, version.suspended_until) == (2, date(2026, 6, won[0]))
        assert [record.move_id for record in tx.licenses.moves_of("ver_000001")] == [f"mov_{won[0]:06d}"]


def test_the_link_to_a_successor_stays_when_a_later_move_names_none(store: Store) -> None:
    register(store, make_version(1))
    replaced = make_move(1, name="supersede", to_state=State.SUPERSEDED, decision=None)
    with store.uow() as tx:
        assert tx.licenses.move(replaced, revision=1, suspended_until=None, replaced_by="ver_000002")
        cancelled = make_move(2, name="cancel", from_state=State.SUPERSEDED, to_state=State.CANCELLED)
        assert tx.licenses.move(cancelled, revision=2, suspended_until=None)
        version = tx.licenses.by_version_id("ver_000001")
        assert version is not None
        assert version.replaced_by_version_id == "ver_000002"


def test_counts_by_state_agree_with_the_rows_before_and_after_folding(store: Store) -> None:
    register(store, *(make_version(n) for n in range(1, 6)), make_version(9, state=State.PROVISIONAL))
    with store.uow() as tx:
        assert tx.licenses.move(make_move(1), revision=1, suspended_until=date(2026, 6, 3))
    expected = dict.fromkeys(State, 0) | {State.VALID: 4, State.SUSPENDED: 1, State.PROVISIONAL: 1}
    for _ in range(4):
        with store.uow.read() as tx:
            assert tx.licenses.count_by_state() == expected
        with store.uow() as tx:
            tx.outbox.sequence(limit=3)


def test_a_photo_is_stored_once_and_comes_back_byte_for_byte(store: Store) -> None:
    picture = bytes(range(256)) * 40
    with store.uow() as tx:
        first = tx.photos.put(picture)
        assert tx.photos.put(picture) == first
        assert tx.photos.put(picture + b"x") != first
    with store.uow.read() as tx:
        assert tx.photos.get(first) == picture
        with pytest.raises(NotFound):
            tx.photos.get("photo_unknown")


def test_times_come_back_to_the_microsecond_and_in_utc(store: Store) -> None:
    at = make_version(1).created_at.replace(microsecond=999_999)
    east = at.astimezone(SHANGHAI)
    register(store, make_version(1, created_at=east))
    with store.uow.read() as tx:
        version = tx.licenses.by_version_id("ver_000001")
        assert version is not None
        assert version.created_at == at
        assert version.created_at.utcoffset() == timedelta(0)


def test_a_naive_time_is_our_own_mistake_and_writes_nothing(store: Store) -> None:
    naive = make_version(1).created_at.replace(tzinfo=None)
    with pytest.raises(RuntimeError, match="naive"):
        register(store, make_version(2), make_version(1, created_at=naive))
    with store.uow.read() as tx:
        assert tx.licenses.by_version_id("ver_000002") is None
