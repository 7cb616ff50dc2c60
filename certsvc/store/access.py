"""Clients, people and what was seen once."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, select, true

from certsvc.license.parties import Client, Person
from certsvc.store.columns import text_sha256
from certsvc.store.one_of import one_of
from certsvc.store.tables import clients, people, seen_once
from certsvc.store.transaction import Insert, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Table

    from certsvc.store.transaction import Transaction

_PERSONAL = "people.personal"
PRUNE_AT_ONCE = 100
"""How many expired keys one call deletes: more than it adds, so the table stays small, and never a long pause."""

_CLIENTS = select(*clients.c).where(one_of(clients.c.client_id, "which"))
# Roles stand as a JSON list of plain words, so that a word in quotes is one of them.
_ACTIVE_OF = (
    select(*clients.c)
    .where(
        clients.c.authority_code == bindparam("body"),
        clients.c.active == true(),
        clients.c.roles.contains(bindparam("role")),
    )
    .order_by(clients.c.client_id)
    .limit(bindparam("most"))
)
_CLIENTS_OF = (
    select(*clients.c)
    .where(clients.c.authority_code == bindparam("body"))
    .order_by(clients.c.client_id)
    .limit(bindparam("most"))
)
_PERSONS = select(*people.c).where(one_of(people.c.subject, "which"))
_PEOPLE = select(*people.c).order_by(people.c.subject)
_EXPIRED = seen_once.alias("expired")
_PRUNE = delete(seen_once).where(
    seen_once.c.key_sha256.in_(
        select(_EXPIRED.c.key_sha256)
        .where(_EXPIRED.c.until <= bindparam("now"))
        .order_by(_EXPIRED.c.until)
        .limit(PRUNE_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
)


@cache
def _replace(dialect: str, table: Table) -> Insert:
    """Insert, or replace everything but the primary key."""
    made = insert_into(dialect, table)
    keys = list(table.primary_key.columns)
    rest = {column.name: made.excluded[column.name] for column in table.c if not column.primary_key}
    return made.on_conflict_do_update(index_elements=keys, set_=rest)


@cache
def _remember(dialect: str) -> Insert:
    """Insert, or take over a row that has expired; the row stays locked until the end of the transaction."""
    made = insert_into(dialect, seen_once)
    return made.values(key_sha256=bindparam("digest"), until=bindparam("end")).on_conflict_do_update(
        index_elements=[seen_once.c.key_sha256],
        set_={"until": made.excluded.until},
        where=seen_once.c.until <= bindparam("now"),
    )


class AccessRows:
    """Implements ``store_ports.Access``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def upsert_client(self, client: Client) -> None:
        """Register or replace a client."""
        self._tx.changed(
            _replace(self._tx.dialect, clients),
            client_id=client.client_id,
            name=client.name,
            authority_code=client.authority_code,
            roles=to_json(sorted(client.roles)),
            secret_sha256=client.secret_sha256,
            jwks=client.jwks,
            active=client.active,
            auth_method=client.auth_method,
            tls_subject=client.tls_subject,
            tls_sha256=client.tls_sha256,
            staff_required=client.staff_required,
            purpose=client.purpose,
        )

    def client(self, client_id: str) -> Client | None:
        """The client."""
        return self.clients([client_id]).get(client_id)

    def clients(self, client_ids: Sequence[str]) -> Mapping[str, Client]:
        """Those of these clients that are registered, by id."""
        rows = self._tx.rows(_CLIENTS, which=sorted(set(client_ids))) if client_ids else ()
        return {row["client_id"]: _client(row) for row in rows}

    def clients_of(self, authority_code: str, *, limit: int) -> Sequence[Client]:
        """The clients of this body, by id."""
        return [_client(row) for row in self._tx.rows(_CLIENTS_OF, body=authority_code, most=limit)]

    def active_clients_of(self, authority_code: str, role: str, *, limit: int) -> Sequence[Client]:
        """The active clients of this body that have a role, by id."""
        rows = self._tx.rows(_ACTIVE_OF, body=authority_code, role=f'"{role}"', most=limit)
        return [_client(row) for row in rows]

    def upsert_person(self, person: Person) -> None:
        """Bind a person."""
        personal = {"name": person.name, "holder_code": person.holder_code, "badge": person.badge}
        self._tx.changed(
            _replace(self._tx.dialect, people),
            subject=person.subject,
            personal=self._tx.seal_json(personal, _PERSONAL, person.subject),
            roles=to_json(sorted(person.roles)),
            holder_code_type=person.holder_code_type,
            authority_code=person.authority_code,
            verified_by=person.verified_by,
            created_at=person.created_at,
        )

    def person(self, subject: str) -> Person | None:
        """The person."""
        return self.persons([subject]).get(subject)

    def persons(self, subjects: Sequence[str]) -> Mapping[str, Person]:
        """Those of these people that are bound, by subject."""
        rows = self._tx.rows(_PERSONS, which=sorted(set(subjects))) if subjects else ()
        return {row["subject"]: self._person(row) for row in rows}

    def people(self) -> Sequence[Person]:
        """Every person, by subject (the sandbox login lists them)."""
        return [self._person(row) for row in self._tx.rows(_PEOPLE)]

    def remember_once(self, key: str, *, until: datetime, now: datetime) -> bool:
        """True the first time ``key`` is seen before ``until`` (assertion ids); False on replay.

        A few expired keys are forgotten on the way.
        """
        self._tx.changed(_PRUNE, now=now)
        return self._tx.changed(_remember(self._tx.dialect), digest=text_sha256(key), end=until, now=now) == 1

    def _person(self, row: RowMapping) -> Person:
        personal = self._tx.open_json(row["personal"], _PERSONAL, row["subject"])
        return Person(
            subject=row["subject"],
            name=personal["name"],
            roles=frozenset(from_json(row["roles"])),
            holder_code=personal["holder_code"],
            holder_code_type=row["holder_code_type"],
            authority_code=row["authority_code"],
            badge=personal["badge"],
            verified_by=row["verified_by"],
            created_at=row["created_at"],
        )


def _client(row: RowMapping) -> Client:
    return Client(
        client_id=row["client_id"],
        name=row["name"],
        authority_code=row["authority_code"],
        roles=frozenset(from_json(row["roles"])),
        secret_sha256=row["secret_sha256"],
        jwks=row["jwks"],
        active=row["active"],
        auth_method=row["auth_method"],
        tls_subject=row["tls_subject"],
        tls_sha256=row["tls_sha256"],
        staff_required=row["staff_required"],
        purpose=row["purpose"],
    )
