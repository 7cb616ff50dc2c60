"""Personal data cannot be read in the database, nor moved within it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from archive_records import MATERIAL_HOLDER, make_material
from disposal_records import make_disposal, make_hold
from matter_records import make_member
from postgres_process import PostgresProcess
from reseal_records import make_outcome, make_plan
from store_records import (
    HOLDER,
    make_counter,
    make_evidence_row,
    make_fetch,
    make_grant,
    make_intent,
    make_move,
    make_notice,
    make_party,
    make_payload,
    make_person,
    make_request,
    make_use_request,
    make_version,
    make_withholding,
)

from certsvc.errors import IntegrityError
from certsvc.license.model import Decision
from certsvc.license.notices import Contact, Service
from certsvc.signing.cipher import ColumnCipher
from certsvc.store.engine import Store, open_store

NUMBER = "990101199001011234"
PHOTO = b"\xff\xd8 a face that nobody else should see " * 20
SECRETS = {
    "name": HOLDER.name.encode(),
    "code and number with an id": HOLDER.code.encode(),
    "field data": "热食类食品制售".encode(),
    "escaped name": b"\\u793a\\u4f8b\\u5f20",
    "photo": b"a face that nobody else",
    "photo in base64": b"YSBmYWNlIHRoYXQg",
    "badge": b"BADGE-4711",
    "account of staff": b"ACCOUNT-4711",
    "division of staff": "示例许可一处".encode(),
    "operator": "示例李四".encode(),
    "purpose": "办理食品经营许可变更".encode(),
    "notice": "您的食品经营许可证已签发".encode(),
    "reason": "持证主体已注销".encode(),
    "note of service": "由示例赵六签收".encode(),
    "phone": b"13800000001",
    "masked phone": b"138****0001",
    "mail": b"somebody@example.com",
    "basis": "示例王五之违法行为".encode(),
    "material": "示例租赁合同".encode(),
    "holder of a material": MATERIAL_HOLDER.name.encode(),
    "code of the holder of a material": MATERIAL_HOLDER.code.encode(),
    "salt": make_evidence_row(1).salt,
    "salt in hex": make_evidence_row(1).salt.hex().encode(),
}


def fill(store: Store) -> str:
    """Write every kind of personal data; the id of the photo."""
    decision = Decision(
        authority_code="x", document_no="1", decided_on=make_intent(1).issued_on, basis="示例王五之违法行为"
    )
    now = make_request(1).created_at
    with store.uow() as tx:
        assert tx.requests.insert(make_request(1, payload=make_payload(1, number=NUMBER)))
        assert tx.requests.insert(make_request(2))
        assert tx.requests.claim(worker="w", token="t", now=now, lease_s=9)
        assert tx.requests.refuse("req_000001", claim_token="t", code="c", detail="持证主体已注销", now=now)
        tx.intents.insert_all([make_intent(1, number=NUMBER)])
        tx.licenses.insert(make_version(1, number=NUMBER))
        tx.licenses.insert(make_version(2))
        assert tx.licenses.move(make_move(1, decision=decision), revision=1, suspended_until=None)
        tx.access.upsert_person(make_person(1, badge="BADGE-4711"))
        tx.sharing.insert_grant(make_grant(1, operator="示例李四"))
        kept_quiet = {"withheld_until": now, "withheld_why": "示例王五之违法行为", "said": "是否包含“热食类食品制售”"}
        tx.sharing.insert_fetch(make_fetch(1, **kept_quiet))
        tx.bases.insert_request(make_use_request(1))
        tx.bases.insert_party(make_party(1))
        tx.bases.insert_counter(make_counter(1))
        tx.bases.insert_withholding(make_withholding(1, legal_basis="示例王五之违法行为"))
        assert tx.bases.count_ask("client_b", now.date(), f"person\n{HOLDER.code}", most=1)
        note = Service(to="138****0001", note="由示例赵六签收")
        tx.notices.insert(make_notice(1, service=note, recipient=HOLDER))
        contact = Contact(phone="13800000001", mail="somebody@example.com")
        tx.contacts.set_given(HOLDER, contact, by="system", now=now)
        tx.contacts.set_own(HOLDER, contact, tell_uses=True, by="holder", now=now)
        tx.staff.set_all([make_member(1, account="ACCOUNT-4711", division="示例许可一处")])
        assert tx.materials.insert(make_material(name="示例租赁合同"))
        tx.disposals.insert(make_disposal(reason="示例王五之违法行为", opinion="示例王五之违法行为"), [])
        tx.disposals.place(make_hold(reason="示例王五之违法行为"))
        tx.reseals.insert(make_plan(reason="示例王五之违法行为"))
        tx.reseals.add(make_outcome(detail="示例王五之违法行为"))
        tx.outbox.add_evidence(make_evidence_row(1))
        return tx.photos.put(PHOTO)


def file_bytes(url: str) -> bytes:
    path = Path(url.removeprefix("sqlite:///"))
    return b"".join(part.read_bytes() for part in path.parent.glob(f"{path.name}*"))


def test_no_personal_text_stands_in_the_bytes_of_a_sqlite_database(sqlite_url: str, cipher: ColumnCipher) -> None:
    store = open_store(sqlite_url, cipher)
    fill(store)
    while_open = file_bytes(sqlite_url)
    store.close()
    for data in (while_open, file_bytes(sqlite_url)):
        assert b"req_000001" in data, "the search finds what is not hidden"
        assert [name for name, secret in SECRETS.items() if secret in data] == []


def test_no_personal_text_stands_in_the_files_of_a_postgresql_server(cipher: ColumnCipher, postgres_url: str) -> None:
    """The rows as text and in hex, and the write-ahead log through the rows: every column of every table."""
    store = open_store(postgres_url, cipher)
    fill(store)
    store.close()
    with psycopg.connect(postgres_url) as connection:
        tables = [row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        dump = b"".join(
            bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
            for table in tables
            for row in connection.execute(f'SELECT * FROM "{table}"'.encode())
            for value in row
        )
    assert b"req_000001" in dump
    assert [name for name, secret in SECRETS.items() if secret in dump] == []


def test_no_personal_text_reaches_the_log_of_postgresql_when_a_statement_fails(cipher: ColumnCipher) -> None:
    server = PostgresProcess()
    try:
        server.start()
        from certsvc.store import migrate

        migrate.upgrade(server.url())
        store = open_store(server.url(), cipher)
        with store.uow() as tx:
            tx.licenses.insert(make_version(1))
        with pytest.raises(IntegrityError) as caught, store.uow() as tx:
            tx.licenses.insert(make_version(2, identifier=make_version(1).identifier))
        store.close()
        log = (server.directory.parent / "log").read_bytes()
    finally:
        server.close()
    assert b"uq_licenses_identifier" in log
    for text in (log, repr(caught.value).encode(), str(caught.value.__cause__).encode()):
        assert [name for name, secret in SECRETS.items() if secret in text] == []


SWAPS = {
    "the data of another license": "UPDATE licenses SET data = (SELECT data FROM licenses WHERE version_id="
    "'ver_000002') WHERE version_id = 'ver_000001'",
    "the holder of another license": "UPDATE licenses SET holder = (SELECT holder FROM licenses WHERE version_id="
    "'ver_000002') WHERE version_id = 'ver_000001'",
    "another column of the same license": "UPDATE licenses SET data = holder WHERE version_id = 'ver_000001'",
    "a column of another table": "UPDATE licenses SET number = (SELECT number FROM intents) "
    "WHERE version_id = 'ver_000001'",
    "one changed byte": "UPDATE licenses SET data = x'01' WHERE version_id = 'ver_000001'",
}


@pytest.mark.parametrize("statement", SWAPS.values(), ids=SWAPS)
def test_an_encrypted_value_that_was_moved_or_changed_is_not_believed(
    sqlite_url: str, cipher: ColumnCipher, statement: str
) -> None:
    store = open_store(sqlite_url, cipher)
    fill(store)
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as connection:
        assert connection.execute(statement).rowcount == 1
    connection.close()
    with store.uow.read() as tx:
        assert tx.licenses.by_version_id("ver_000002") is not None
        with pytest.raises(IntegrityError):
            tx.licenses.by_version_id("ver_000001")
    store.close()


@pytest.mark.parametrize(
    ("statement", "read"),
    [
        ("UPDATE requests SET payload = (SELECT payload FROM requests WHERE request_id = 'req_000002')", "request"),
        ("UPDATE people SET subject = 'person-9'", "person"),
        ("UPDATE photos SET photo_id = 'photo_9'", "photo"),
        ("UPDATE evidence SET evidence_id = 'evd_9', position = 1", "evidence"),
    ],
)
def test_a_row_that_took_over_the_secrets_of_another_is_not_believed(
    sqlite_url: str, cipher: ColumnCipher, statement: str, read: str
) -> None:
    store = open_store(sqlite_url, cipher)
    fill(store)
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as connection:
        assert connection.execute(statement).rowcount >= 1
    connection.close()
    with store.uow.read() as tx:
        reads: dict[str, Callable[[], object]] = {
            "request": lambda: tx.requests.by_id("req_000001"),
            "person": lambda: tx.access.person("person-9"),
            "photo": lambda: tx.photos.get("photo_9"),
            "evidence": lambda: tx.outbox.evidence_after(0, limit=1),
        }
        with pytest.raises(IntegrityError):
            reads[read]()
    store.close()


def test_two_stores_with_other_keys_find_nothing_of_each_other(sqlite_url: str, cipher: ColumnCipher) -> None:
    from certsvc.ids import SystemIds
    from certsvc.signing.master_key import MasterKey

    mine = open_store(sqlite_url, cipher)
    fill(mine)
    mine.close()
    other = open_store(sqlite_url, ColumnCipher(MasterKey(bytes(32)), SystemIds()))
    with other.uow.read() as tx:
        assert list(tx.licenses.of_holder(HOLDER, limit=9)) == []
        assert tx.licenses.by_number("food-operation", NUMBER) is None
        with pytest.raises(IntegrityError):
            tx.licenses.by_version_id("ver_000001")
    other.close()
