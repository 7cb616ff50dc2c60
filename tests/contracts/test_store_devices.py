"""Devices, cores, queued inspections and parts of bundles, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from store_records import T0, make_version

from certsvc.errors import IntegrityError
from certsvc.license.devices import Device, DeviceKind, DeviceState
from certsvc.license.inspections import InspectionRecord
from certsvc.license.offline import IssuedCore
from certsvc.license.offline_bundle import PartVersion
from certsvc.store.engine import Store

LATER = T0 + timedelta(minutes=5)


def make_device(n: int = 1, **changes: Any) -> Device:
    """A pending device with a key of its own."""
    device = Device(
        device_id=f"dev_{n:06d}",
        kind=DeviceKind.HOLDER,
        state=DeviceState.PENDING,
        subject="person-1",
        authority_code="",
        name="示例张三的手机",
        public_key=bytes((2, *([n] * 32))),
        thumbprint=f"thumb-{n}",
        challenge=f"challenge-{n}",
        created_at=T0 + timedelta(seconds=n),
    )
    return replace(device, **changes)


def make_core(n: int = 1, **changes: Any) -> IssuedCore:
    core = IssuedCore(
        core_id=f"cor_{n:06d}",
        token_sha256=f"{n:064d}",
        version_id="ver_000001",
        device_id="dev_000001",
        issued_at=T0,
        expires_at=T0 + timedelta(hours=n),
    )
    return replace(core, **changes)


def make_inspection(n: int = 1, **changes: Any) -> InspectionRecord:
    record = InspectionRecord(
        device_id="dev_000001",
        record_id=f"record-{n:016d}",
        digest=f"{n:064d}",
        scan_id=f"scn_{n:06d}",
        made_at=T0,
        received_at=LATER,
        light="green",
        reason="ok_offline",
        identity_checked=True,
        then="ok",
        now="license_revoked",
        flags=("ended_meanwhile",),
    )
    return replace(record, **changes)


def test_a_device_comes_back_whole_and_its_name_is_not_readable(store: Store) -> None:
    with store.uow() as tx:
        tx.devices.insert(make_device(1))
        assert tx.devices.by_id("dev_000001") == make_device(1)
        assert tx.devices.by_id("dev_x") is None
        assert tx.devices.by_thumbprint("thumb-1") is None, "claimed is not proven"
    with store._engines[-1].connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM devices").all()
    assert "张三".encode() not in b"".join(bytes(value) for value in rows[0] if isinstance(value, bytes | memoryview))


def test_a_device_is_confirmed_once_and_blocked_once(store: Store) -> None:
    with store.uow() as tx:
        tx.devices.insert(make_device(1))
        assert tx.devices.hold("person-1", DeviceKind.HOLDER) == 0
        assert tx.devices.confirm("dev_000001", now=LATER)
        assert not tx.devices.confirm("dev_000001", now=LATER)
        active = replace(make_device(1), state=DeviceState.ACTIVE, challenge="", confirmed_at=LATER)
        assert tx.devices.by_thumbprint("thumb-1") == active
        assert tx.devices.hold("person-1", DeviceKind.HOLDER) == 1
        assert tx.devices.hold("person-1", DeviceKind.OFFICER) == 0
        assert tx.devices.block("dev_000001", by="person-2", now=LATER)
        assert not tx.devices.block("dev_000001", by="person-3", now=T0)
        blocked = replace(active, state=DeviceState.BLOCKED, blocked_at=LATER, blocked_by="person-2")
        assert tx.devices.by_ids(["dev_000001", "dev_x"]) == {"dev_000001": blocked}
        assert not tx.devices.confirm("dev_000001", now=LATER)


def test_a_key_that_was_proven_is_no_other_devices(store: Store) -> None:
    with store.uow() as tx:
        for n in (1, 2):
            tx.devices.insert(make_device(n, thumbprint="same"))
        assert tx.devices.confirm("dev_000001", now=LATER)
    with pytest.raises(IntegrityError), store.uow() as tx:
        tx.devices.confirm("dev_000002", now=LATER)


def test_devices_are_listed_newest_first_by_person_and_by_authority(store: Store) -> None:
    with store.uow() as tx:
        for n, subject, body in (
            (1, "person-1", ""),
            (2, "officer-1", "A"),
            (3, "officer-2", "B"),
            (4, "person-1", ""),
        ):
            tx.devices.insert(make_device(n, subject=subject, authority_code=body))
    with store.uow.read() as tx:
        assert [one.device_id for one in tx.devices.of_subject("person-1", limit=9)] == ["dev_000004", "dev_000001"]
        assert [one.device_id for one in tx.devices.of_authorities({"A", "B", "C"}, limit=9)] == [
            "dev_000003",
            "dev_000002",
        ]
        assert len(tx.devices.of_authorities({"A", "B"}, limit=1)) == 1


def test_what_was_never_proven_is_dropped_and_blocked_keys_are_told_since_when(store: Store) -> None:
    with store.uow() as tx:
        for n in (1, 2, 3):
            tx.devices.insert(make_device(n))
        tx.devices.confirm("dev_000001", now=T0)
        tx.devices.drop_pending("person-2", before=LATER)
        tx.devices.drop_pending("person-1", before=T0 + timedelta(seconds=3))
        assert sorted(one.device_id for one in tx.devices.of_subject("person-1", limit=9)) == [
            "dev_000001",
            "dev_000003",
        ]
        tx.devices.block("dev_000001", by="x", now=LATER)
        tx.devices.block("dev_000003", by="x", now=LATER)
        kind = DeviceKind.HOLDER
        assert list(tx.devices.blocked_keys(kind, since=LATER, limit=9)) == [make_device(1).public_key]
        assert not tx.devices.blocked_keys(kind, since=LATER + timedelta(seconds=1), limit=9)
        assert not tx.devices.blocked_keys(DeviceKind.OFFICER, since=T0, limit=9)


def test_cores_are_found_by_the_digest_of_their_token_and_dropped_after_their_end(store: Store) -> None:
    with store.uow() as tx:
        tx.licenses.insert(make_version(1))
        tx.devices.insert(make_device(1))
        tx.offline_cores.insert_all([make_core(1), make_core(2)])
        tx.offline_cores.insert_all([])
        wanted = [make_core(n).token_sha256 for n in (1, 2, 3)]
        assert tx.offline_cores.by_tokens(wanted) == {make_core(n).token_sha256: make_core(n) for n in (1, 2)}
        assert tx.offline_cores.by_tokens([]) == {}
        tx.offline_cores.drop_of("dev_000001", ended_before=make_core(2).expires_at)
        assert list(tx.offline_cores.by_tokens(wanted)) == [make_core(2).token_sha256]
    with pytest.raises(IntegrityError), store.uow() as tx:
        tx.offline_cores.insert_all([make_core(3, token_sha256=make_core(2).token_sha256)])


def test_a_record_is_taken_once_per_device(store: Store) -> None:
    with store.uow() as tx:
        for n in (1, 2):
            tx.devices.insert(make_device(n))
        assert set(tx.inspections.add_all([make_inspection(1), make_inspection(2)])) == {
            make_inspection(1).record_id,
            make_inspection(2).record_id,
        }
        changed = make_inspection(1, digest="other", scan_id="scn_x")
        added = tx.inspections.add_all([changed, make_inspection(3), make_inspection(1, device_id="dev_000002")])
        assert sorted(added) == [make_inspection(1).record_id, make_inspection(3).record_id]
        ids = [make_inspection(n).record_id for n in (1, 2, 3, 4)]
        assert tx.inspections.of_device("dev_000001", ids) == {
            make_inspection(n).record_id: make_inspection(n) for n in (1, 2, 3)
        }
        assert not tx.inspections.add_all([])


def test_versions_of_parts_are_given_one_after_another(store: Store) -> None:
    def change(n: int) -> int:
        with store.uow() as tx:
            newest = tx.bundle_parts.hold(now=T0)
            part = PartVersion(name=f"part-{n}", digest=f"{n}", version=newest + 1)
            tx.bundle_parts.change([part], gone=(), newest=newest + 1, now=T0)
            return part.version

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(change, range(8))) == list(range(1, 9))
    with store.uow() as tx:
        assert tx.bundle_parts.hold(now=T0) == 8
        tx.bundle_parts.change([PartVersion(name="part-0", digest="new", version=9)], gone=["part-1"], newest=9, now=T0)
    with store.uow.read() as tx:
        found = tx.bundle_parts.versions()
    assert sorted(found) == ["part-0", *(f"part-{n}" for n in range(2, 8))]
    assert found["part-0"] == PartVersion(name="part-0", digest="new", version=9)


def test_moves_of_several_versions_are_read_at_once(store: Store) -> None:
    with store.uow() as tx:
        tx.licenses.insert(make_version(1))
        assert tx.licenses.moves_of_all(["ver_000001", "ver_x"]) == {"ver_000001": [], "ver_x": []}
        assert tx.licenses.moves_of_all([]) == {}
