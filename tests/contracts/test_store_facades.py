"""Facades, codes, one-time addresses, regulators' subscriptions and results: the same on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from oversight_records import (
    BASIS,
    GRANT,
    OPERATOR,
    PURPOSE,
    TASK,
    make_account,
    make_code,
    make_download,
    make_oversight,
    make_push,
    make_result,
)
from sqlalchemy import Engine, event
from store_records import T0, make_client, make_version

from certsvc.commands.store_ports import UnitOfWork
from certsvc.errors import IntegrityError
from certsvc.license.facades import FacadeName
from certsvc.license.oversight import OversightState
from certsvc.store.engine import Store

LATER = T0 + timedelta(seconds=1)


@pytest.fixture
def filled(store: Store) -> Store:
    with store.uow() as tx:
        fill(tx)
    return store


def fill(tx: UnitOfWork) -> None:
    """One of everything."""
    tx.access.upsert_client(make_client(1, client_id="client_1"))
    tx.licenses.insert(make_version(1))
    assert tx.facades.insert_account(make_account())
    tx.facades.insert_code(make_code())
    tx.facades.insert_download(make_download())
    tx.oversights.insert(make_oversight())
    assert tx.oversights.push(make_push())
    assert tx.inspection_results.insert(make_result())


def test_what_is_written_comes_back_equal(filled: Store) -> None:
    with filled.uow.read() as tx:
        assert tx.facades.account("fac_000001") == make_account()
        assert tx.facades.account_by_login(FacadeName.APP, "app-key-1") == make_account()
        assert tx.facades.account_by_login(FacadeName.CERT_SHARE, "app-key-1") is None
        assert list(tx.facades.accounts(behind="", limit=9)) == [make_account()]
        assert tx.facades.code(make_code().code_sha256) == make_code()
        assert tx.facades.download(make_download().id_sha256) == make_download()
        assert tx.oversights.by_id("ovs_000001") == make_oversight()
        assert list(tx.oversights.of_client("client_1", behind="", limit=9)) == [make_oversight()]
        assert list(tx.oversights.of_client("", behind="ovs_000001", limit=9)) == []
        assert tx.oversights.clients_of(["ovs_000001", "ovs_000009"]) == {"ovs_000001": "client_1"}
        assert tx.oversights.clients_of([]) == {}
        assert list(tx.oversights.active()) == []
        assert tx.oversights.pushed("evt_push1") == make_push()
        assert list(tx.oversights.pushes("ovs_000001", after=0, limit=9)) == [make_push()]
        assert list(tx.oversights.pushes("ovs_000001", after=1, limit=9)) == []
        assert tx.inspection_results.by_number("client_1", "JC-1") == make_result()
        assert list(tx.inspection_results.of_versions(["ver_000001"], limit=9)) == [make_result()]


def test_what_must_be_once_is_once(filled: Store) -> None:
    with filled.uow() as tx:
        assert not tx.facades.insert_account(make_account(2, login="app-key-1")), "the login is taken"
        assert not tx.oversights.push(make_push(2, event_id="evt_1")), "told of this event"
        assert not tx.inspection_results.insert(make_result(2, result_no="JC-1"))
        assert tx.oversights.push(make_push(3, oversight_id="ovs_000001"))
    with filled.uow() as tx:
        assert tx.facades.stop_account("fac_000001")
        assert not tx.facades.stop_account("fac_000001")
        active = replace(make_oversight(), state=OversightState.ACTIVE, after=7, changed_at=LATER)
        assert tx.oversights.move(active, source=OversightState.ASKED)
        assert not tx.oversights.move(active, source=OversightState.ASKED)
        assert list(tx.oversights.active()) == [active]


def test_a_code_gives_fields_once_and_file_once_and_only_in_time(filled: Store) -> None:
    code = make_code()
    with filled.uow() as tx:
        assert not tx.facades.use_code(code.code_sha256, file=False, now=code.expires_at), "to the second"
        assert tx.facades.use_code(code.code_sha256, file=False, now=LATER)
        assert not tx.facades.use_code(code.code_sha256, file=False, now=LATER)
        assert tx.facades.use_code(code.code_sha256, file=True, now=LATER)
        assert not tx.facades.use_code(code.code_sha256, file=True, now=LATER)
        assert not tx.facades.exchange_code(code.code_sha256, by="other", now=LATER), "a used one is not exchanged"
        tx.facades.insert_code(make_code(2))
        assert tx.facades.exchange_code(make_code(2).code_sha256, by="f" * 64, now=LATER)
        assert tx.facades.code(make_code(2).code_sha256) is None
        assert tx.facades.code("f" * 64) == replace(make_code(2), code_sha256="f" * 64)
        assert not tx.facades.exchange_code("nothing", by="e" * 64, now=LATER)


def test_of_many_that_open_one_address_one_does(filled: Store) -> None:
    digest = make_download().id_sha256

    def opened(_: int) -> bool:
        with filled.uow() as tx:
            return tx.facades.use_download(digest, now=LATER)

    with filled.uow() as tx:
        assert not tx.facades.use_download(digest, now=make_download().expires_at)
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(opened, range(4))) == [False, False, False, True]


def test_what_ended_is_forgotten_and_what_has_not_stays(filled: Store) -> None:
    with filled.uow() as tx:
        assert tx.facades.forget(before=T0) == 0
        assert tx.facades.forget(before=T0 + timedelta(minutes=11)) == 2
        assert tx.facades.code(make_code().code_sha256) is None


def test_no_personal_word_stands_in_the_rows_and_a_moved_one_is_not_believed(filled: Store) -> None:
    words = (OPERATOR, PURPOSE, GRANT, TASK, BASIS, "990101199001011234")
    with filled._engines[0].begin() as connection:
        for table in ("facade_codes", "facade_downloads", "inspection_results"):
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").all()
            assert len(rows) == 1
            dump = b"".join(bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in rows[0])
            assert not [word for word in words if word.encode() in dump]
        connection.exec_driver_sql("UPDATE inspection_results SET result_id = 'ins_000009'")
        connection.exec_driver_sql("UPDATE facade_downloads SET id_sha256 = 'x'")
    with filled.uow.read() as tx, pytest.raises(IntegrityError):
        tx.inspection_results.by_number("client_1", "JC-1")
    with filled.uow.read() as tx, pytest.raises(IntegrityError):
        tx.facades.download("x")


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


def everything(tx: UnitOfWork) -> None:
    fill(tx)
    tx.facades.account("a")
    tx.facades.account_by_login(FacadeName.APP, "l")
    tx.facades.accounts(behind="", limit=9)
    tx.facades.stop_account("a")
    tx.facades.use_code("c", file=True, now=T0)
    tx.facades.use_code("c", file=False, now=T0)
    tx.facades.exchange_code(make_code().code_sha256, by="d", now=T0)
    tx.facades.download("d")
    tx.facades.use_download("d", now=T0)
    tx.facades.forget(before=T0)
    tx.oversights.by_id("o")
    tx.oversights.clients_of(["o"])
    tx.oversights.of_client("c", behind="", limit=9)
    tx.oversights.of_client("", behind="", limit=9)
    tx.oversights.active()
    tx.oversights.move(make_oversight(), source=OversightState.ENDED)
    tx.oversights.pushed("p")
    tx.oversights.pushes("o", after=0, limit=9)
    tx.inspection_results.by_number("c", "n")
    tx.inspection_results.of_versions(["v"], limit=9)
    tx.inspection_results.of_versions(["v"], limit=9, behind=(T0, "r"))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_every_statement_finds_its_rows_through_an_index(kind: str, request: pytest.FixtureRequest) -> None:
    store: Any = request.getfixturevalue("sqlite_store" if kind == "sqlite" else "postgres_store")
    engine = store._engines[0]
    with recorded(engine) as statements, store.uow() as tx:
        everything(tx)
    assert len(statements) > 25
    bad = {}
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("SELECT 1" if kind == "sqlite" else "SET LOCAL enable_seqscan = off")
        for statement, parameters in statements:
            explain = "EXPLAIN QUERY PLAN" if kind == "sqlite" else "EXPLAIN"
            rows = connection.exec_driver_sql(f"{explain} {statement}", parameters).all()
            plan = "\n".join(str(row[-1]) for row in rows)
            scans = [line for line in plan.splitlines() if line.startswith("SCAN") and "CONSTANT ROW" not in line]
            if scans or "Seq Scan" in plan or "FOR ORDER BY" in plan:
                bad[statement] = plan
    assert bad == {}
