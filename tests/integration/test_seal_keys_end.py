"""Keys and certificates of seals that end while they are made, and a second certificate for one key."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from fixtures_city import ServedCity
from seal_people import APPLICANT, APPROVER, AUDITOR, KEEPER, MAKER, SAID, seal_in_use, stored, wanted
from test_seal_life import outside_answer

from certsvc.app import build
from certsvc.clock import FixedClock
from certsvc.commands.ports import Deps
from certsvc.commands.seals.apply_seal import apply_seal, remake_seal
from certsvc.commands.seals.end_versions import destroy_ended_keys, destroy_key
from certsvc.commands.seals.expire_seals import expire_seals
from certsvc.commands.seals.make_seal import accept_seal_certificate, make_seal
from certsvc.commands.seals.move_seal import move_seal
from certsvc.commands.seals.note_move import Said
from certsvc.commands.seals.read_seals import read_history, read_seal
from certsvc.errors import Conflict, InvalidInput
from certsvc.seal.model import SealState
from certsvc.seal.version import Cause, SealVersion
from certsvc.signing.certificates import read_chain


class PowerCut(BaseException):
    """The process is gone."""


class At:
    """Does something when a step is reached."""

    def __init__(self, step: str, act: Callable[[], object]) -> None:
        self.step = step
        self.act = act

    def reach(self, name: str) -> None:
        if name == self.step:
            self.act()


def cut() -> None:
    raise PowerCut


def approved(deps: Deps, **changes: object) -> str:
    seal_id = apply_seal(deps, APPLICANT, wanted(**changes), SAID).seal_id
    move_seal(deps, APPROVER, seal_id, "approve", SAID)
    return seal_id


def key_files(city: ServedCity, key_id: str) -> list[str]:
    keys = city.service.settings.keys
    return [place for place in ("pending", "private") if (keys / place / f"{key_id}.key").exists()]


def serials(city: ServedCity, seal_id: str) -> set[str]:
    with city.service.deps.uow.read() as tx:
        return {one.serial for one in tx.seal_lives.revocations() if one.seal_id == seal_id}


def serial_of(path: Path) -> str:
    return f"{read_chain(path)[0].serial_number:x}"


@pytest.mark.parametrize("step", ["seal.key_reserved", "seal.key_made", "seal.key_done"])
def test_a_version_that_is_dropped_while_it_is_made_leaves_no_key_and_no_good_certificate(
    small_city: ServedCity, step: str
) -> None:
    deps = small_city.service.deps
    seal_id = approved(deps)
    drop = At(step, lambda: move_seal(deps, APPLICANT, seal_id, "drop", SAID))
    with pytest.raises(Conflict, match="已终止办理"):
        make_seal(dataclasses.replace(deps, faults=drop), MAKER, seal_id, outside=False)
    assert key_files(small_city, f"{seal_id}-v1") == []
    certificate = small_city.service.settings.keys / "certs" / f"{seal_id}-v1.pem"
    left = {serial_of(certificate)} if certificate.exists() else set()
    assert serials(small_city, seal_id) == left
    assert read_seal(deps, KEEPER, seal_id).shown.state is SealState.DROPPED
    assert destroy_ended_keys(deps) == 0, "nothing is left to do"


@pytest.mark.parametrize("outside", [False, True])
def test_what_a_crash_left_of_a_dropped_version_is_found_by_the_sweep(small_city: ServedCity, outside: bool) -> None:
    deps = small_city.service.deps
    seal_id = approved(deps)

    def dropped_and_gone() -> None:
        move_seal(deps, APPLICANT, seal_id, "drop", SAID)
        # The making goes on in another process and dies behind its key.
        keys = small_city.service.settings.keys
        (keys / "private" / f"{seal_id}-v1.key").write_bytes(saved)
        raise PowerCut

    keys = small_city.service.settings.keys
    with pytest.raises(PowerCut):
        make_seal(dataclasses.replace(deps, faults=At("seal.key_made", cut)), MAKER, seal_id, outside=outside)
    saved = (keys / "pending" / f"{seal_id}-v1.key").read_bytes()
    step = "seal.request_done" if outside else "seal.key_done"
    with pytest.raises(PowerCut):
        make_seal(dataclasses.replace(deps, faults=At(step, dropped_and_gone)), MAKER, seal_id, outside=outside)
    assert key_files(small_city, f"{seal_id}-v1") == ["private"]
    assert destroy_ended_keys(deps) == 1
    assert key_files(small_city, f"{seal_id}-v1") == []
    assert len(serials(small_city, seal_id)) == (0 if outside else 1)
    assert destroy_ended_keys(deps) == 0


def test_two_makers_in_one_moment_make_one_key_that_lives(small_city: ServedCity) -> None:
    deps = small_city.service.deps
    seal_id = approved(deps)
    rival = At("seal.key_done", lambda: make_seal(deps, MAKER, seal_id, outside=False))
    with pytest.raises(Conflict, match="刷新"):
        make_seal(dataclasses.replace(deps, faults=rival), MAKER, seal_id, outside=False)
    assert read_seal(deps, KEEPER, seal_id).shown.state is SealState.MADE
    assert key_files(small_city, f"{seal_id}-v1") == ["private"]
    assert serials(small_city, seal_id) == set()
    move_seal(deps, KEEPER, seal_id, "activate", SAID)
    assert deps.sealer.reserved_bytes(stored(deps, seal_id), "pades-b-b") > 1000


def remade(deps: Deps, seal_id: str) -> SealVersion:
    remake_seal(deps, KEEPER, seal_id, Cause.CERTIFICATE, None, SAID)
    return make_seal(deps, MAKER, seal_id, outside=False)


def test_the_version_under_way_of_a_seal_that_ends_loses_its_key(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    clock = FixedClock(datetime.now(UTC))
    city = make_city(sqlite_url, clock=clock)
    deps = city.service.deps
    lost, cancelled, expired = (seal_in_use(deps, years=1).seal_id for _ in range(3))
    for seal_id in (lost, cancelled, expired):
        remade(deps, seal_id)
        assert key_files(city, f"{seal_id}-v2") == ["private"]
    remake_seal(deps, KEEPER, lost, Cause.KEY_LOST, None, SAID)
    move_seal(deps, KEEPER, cancelled, "stop", SAID)
    move_seal(deps, MAKER, cancelled, "cancel", SAID)
    clock.advance(timedelta(days=400))
    assert expire_seals(deps) >= 1
    certs = city.service.settings.keys / "certs"
    for seal_id in (lost, cancelled, expired):
        assert key_files(city, f"{seal_id}-v2") == []
        assert serial_of(certs / f"{seal_id}-v2.pem") in serials(city, seal_id)
    assert key_files(city, f"{expired}-v1") == ["private"], "a clock that runs ahead destroys no key"
    assert destroy_ended_keys(deps) == 0


def test_a_key_that_a_living_version_has_is_never_destroyed(small_city: ServedCity) -> None:
    deps = small_city.service.deps
    seal = seal_in_use(deps)
    remake_seal(deps, KEEPER, seal.seal_id, Cause.CERTIFICATE, None, SAID)
    make_seal(deps, MAKER, seal.seal_id, outside=False)
    move_seal(deps, KEEPER, seal.seal_id, "activate", SAID)
    new = stored(deps, seal.seal_id)
    assert (key_files(small_city, seal.key_id), key_files(small_city, new.key_id)) == ([], ["private"])
    # A seal that was declared with the key of another one: the key outlives the first of the two.
    other = seal_in_use(deps)
    small_city.execute(f"UPDATE seal_versions SET key_id = '{new.key_id}' WHERE seal_id = '{other.seal_id}'")
    move_seal(deps, KEEPER, other.seal_id, "stop", SAID)
    move_seal(deps, MAKER, other.seal_id, "cancel", SAID)
    assert key_files(small_city, new.key_id) == ["private"]
    assert not destroy_key(deps, new.key_id)
    assert destroy_ended_keys(deps) == 0
    assert key_files(small_city, new.key_id) == ["private"]


def test_a_key_that_could_not_be_destroyed_at_once_is_destroyed_later(small_city: ServedCity) -> None:
    deps = small_city.service.deps
    seal = seal_in_use(deps)
    private = small_city.service.settings.keys / "private" / f"{seal.key_id}.key"
    saved = private.read_bytes()
    move_seal(deps, KEEPER, seal.seal_id, "stop", SAID)
    move_seal(deps, MAKER, seal.seal_id, "cancel", SAID)
    # As it is when the process dies between the transaction and the key ring, or the disk comes back from before.
    private.write_bytes(saved)
    assert destroy_ended_keys(deps) == 1
    assert not private.exists()
    assert destroy_ended_keys(deps) == 0


# A stop is lifted with a reason ---------------------------------------------------------------------------------------


def test_a_new_version_that_lifts_a_stop_says_why(small_city: ServedCity) -> None:
    deps = small_city.service.deps
    seal = seal_in_use(deps)
    remade(deps, seal.seal_id)
    move_seal(deps, KEEPER, seal.seal_id, "stop", SAID)
    headers = small_city.person("keeper-1")
    row = small_city.answer(small_city.client.get(f"/v1/seals/{seal.seal_id}", headers=headers), 200)
    assert {one["move"]: one["needs"] for one in row["moves"]}["activate"] == ["reason"]
    for said in (Said(), Said(reason=" ")):
        with pytest.raises(InvalidInput, match="原因"):
            move_seal(deps, KEEPER, seal.seal_id, "activate", said)
    long = {"move": "activate", "reason": "长" * 201}
    path = f"/v1/seals/{seal.seal_id}/moves"
    assert small_city.client.post(path, headers=headers, json=long).status_code == 422
    assert stored(deps, seal.seal_id).state is SealState.STOPPED
    move_seal(deps, KEEPER, seal.seal_id, "activate", Said(reason="新证书已核对"))
    assert stored(deps, seal.seal_id).state is SealState.ACTIVE
    last = {one.name: one for one in read_history(deps, AUDITOR, seal.seal_id)}
    assert (last["activate"].reason, last["replace"].from_state) == ("新证书已核对", "stopped")


# A second certificate for one key -------------------------------------------------------------------------------------


def test_a_second_answer_of_the_ca_counts_in_every_running_process(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    city = make_city(sqlite_url)
    deps, keys = city.service.deps, city.service.settings.keys
    second = build(city.service.settings)
    try:
        seal_id = approved(deps)
        asked = make_seal(deps, MAKER, seal_id, outside=True)
        first = outside_answer(city, asked.request)
        with pytest.raises(PowerCut):
            accept_seal_certificate(
                dataclasses.replace(deps, faults=At("seal.certificate_done", cut)), MAKER, seal_id, first
            )
        before = read_chain(keys / "certs" / f"{seal_id}-v1.pem")[0]
        seal = dataclasses.replace(seal_in_use(deps), key_id=f"{seal_id}-v1")
        assert second.deps.sealer.reserved_bytes(seal, "pades-b-b") > 1000, "the other process knows the first one"
        answer = outside_answer(city, asked.request, serial=4712)
        made = accept_seal_certificate(deps, MAKER, seal_id, answer)
        move_seal(deps, KEEPER, seal_id, "activate", SAID)
        after = read_chain(keys / "certs" / f"{seal_id}-v1.pem")[0]
        assert (before.serial_number, after.serial_number) == (4711, 4712)
        assert made.state is SealState.MADE
        for service in (city.service, second):
            for one in (before, after):
                assert service.deps.sealer.is_own(one.fingerprint(hashes.SHA256()).hex())
    finally:
        second.close()
    move_seal(deps, KEEPER, seal_id, "stop", SAID)
    move_seal(deps, MAKER, seal_id, "cancel", SAID)
    assert serials(city, seal_id) == {f"{4711:x}", f"{4712:x}"}, "both were given to the key"
