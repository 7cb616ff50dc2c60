"""What files stand on is kept, counted and found again, and a file gets a later form once, on both databases."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from care_records import make_facts, make_form, make_stamp
from store_records import T0, make_version

from certsvc.errors import IntegrityError
from certsvc.license.model import LATER_FORMS, LicenseVersion, as_registered
from certsvc.license.origin import Registration
from certsvc.license.states import State
from certsvc.seal.care import SignatureFacts, profile_of
from certsvc.store.engine import Store

TODAY = date(2026, 6, 1)
SEALED, STAMPED = (make_facts(),), (make_facts(revocation_at=T0), make_stamp())


def register(store: Store, version: LicenseVersion, signatures: tuple[SignatureFacts, ...] = ()) -> None:
    with store.uow() as tx:
        tx.licenses.insert(version)
        if signatures:
            tx.care.add([(version.artifact, signatures)])


def test_files_are_counted_by_what_they_stand_on(store: Store) -> None:
    later = dataclasses.replace(SEALED[0], signed_at=T0 + timedelta(days=3))
    register(store, make_version(1), SEALED)
    register(store, make_version(2), (later,))
    register(store, make_version(3, valid_until=None), STAMPED)
    register(store, make_version(4, state=State.REVOKED), SEALED)
    register(store, make_version(5, valid_until=TODAY - timedelta(days=1)), SEALED)
    register(store, make_version(6))
    with store.uow.read() as tx:
        groups = {(group.profile, group.in_force): group for group in tx.care.groups(TODAY)}
        assert tx.care.to_read() == 1
        assert [one.version_id for one in tx.care.unread("", limit=9)] == ["ver_000006"]
    plain = groups[profile_of(SEALED), True]
    assert (plain.files, plain.first, plain.last) == (2, SEALED[0].signed_at, later.signed_at)
    assert plain.sample in {"art_000001", "art_000002"}
    assert groups[profile_of(SEALED), False].files == 2, "ended, or its last day is over"
    assert groups[profile_of(STAMPED), True].files == 1
    assert len(groups) == 3


def test_what_a_file_stands_on_comes_back_in_its_order_and_is_stored_once(store: Store) -> None:
    register(store, make_version(1), STAMPED)
    with store.uow.read() as tx:
        assert tx.care.of(["art_000001", "art_x"]) == {"art_000001": STAMPED}
        assert tx.care.of([]) == {}
    with pytest.raises(IntegrityError), store.uow() as tx:
        tx.care.add([(make_version(1).artifact, STAMPED)])


def test_files_made_elsewhere_are_not_ours_to_read(store: Store) -> None:
    origin = Registration(source_id="s", source_name="省平台", authority_code="x", body_sha256="00" * 32)
    register(store, make_version(1, registration=origin))
    with store.uow.read() as tx:
        assert (tx.care.to_read(), list(tx.care.unread("", limit=9))) == (0, [])


def test_a_later_form_takes_the_place_of_the_file_and_the_earlier_one_is_still_found(store: Store) -> None:
    version = make_version(1)
    register(store, version, SEALED)
    form = make_form()
    assert form.kind in LATER_FORMS
    with store.uow() as tx:
        assert tx.care.add_form(form, STAMPED, before=version.artifact.artifact_id)
    with store.uow.read() as tx:
        now = tx.licenses.by_version_id(version.version_id)
        assert now == dataclasses.replace(version, artifact=form), "nothing else about the license changed"
        for sha256 in (version.artifact.sha256, form.sha256):
            assert tx.licenses.by_sha256(sha256) == now
        assert tx.care.form(version.artifact.sha256) == version.artifact
        forms = tx.care.forms_of([version.version_id])
        assert forms == {version.version_id: [version.artifact, form]}
        assert as_registered(now, forms) == version
        (group,) = tx.care.groups(TODAY)
        assert (group.profile, group.files) == (profile_of(STAMPED), 1), "an earlier form is not in use"
        assert list(tx.care.newest_forms(profile_of(SEALED), after="", limit=9)) == []
        assert list(tx.care.newest_forms(profile_of(STAMPED), after="", limit=9)) == [form]
        # Books and audit go on with the file that the version was registered with.
        (row,) = tx.reconciling.versions_after("", limit=9)
        assert row.sha256 == version.artifact.sha256
        (read,) = tx.audited.versions_after("", limit=9)
        assert read.row is not None
        assert read.row.version == version
        assert [one.row for one in tx.audited.forms_after("", limit=9)] == [form]
        assert len(tx.reconciling.artifacts_after("", limit=9)) == 2


def test_of_two_that_make_a_later_form_one_does(store: Store) -> None:
    version = make_version(1)
    register(store, version, SEALED)

    def add(n: int) -> bool:
        with store.uow() as tx:
            return tx.care.add_form(make_form(n), STAMPED, before=version.artifact.artifact_id)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(add, range(1, 5))) == 1
    with store.uow.read() as tx:
        assert len(tx.care.forms_of([version.version_id])[version.version_id]) == 2


def test_an_original_is_no_later_form(store: Store) -> None:
    register(store, make_version(1), SEALED)
    with pytest.raises(RuntimeError, match="no later form"), store.uow() as tx:
        tx.care.add_form(make_form(kind="original"), STAMPED, before="art_000001")


def test_a_file_of_another_version_is_left_for_the_audit_to_tell(store: Store) -> None:
    """Somebody who points a license to the later form of another gets no file of its own in its place."""
    one, other = make_version(1), make_version(2)
    register(store, one, SEALED)
    register(store, other, SEALED)
    with store.uow() as tx:
        assert tx.care.add_form(make_form(of=2), STAMPED, before=other.artifact.artifact_id)
        forms = tx.care.forms_of([one.version_id, other.version_id])
    wrong = dataclasses.replace(one, artifact=make_form(of=2))
    assert as_registered(wrong, forms) == wrong
