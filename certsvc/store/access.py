"""Clients, people, which of their sessions ended early, and what was seen once."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import and_, bindparam, delete, select, true, tuple_

from certsvc.license.parties import Asking, Client, Person
from certsvc.store.columns import text_sha256
from certsvc.store.one_of import one_of
from certsvc.store.tables import clients, people, seen_once
from certsvc.store.tables_sessions import EVERY_TOKEN, session_ends
from certsvc.store.transaction import Insert, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, RowMapping, Select, Table

    from certsvc.store.transaction import Transaction

PartyT = TypeVar("PartyT", Client, Person)

_PERSONAL = "people.personal"
PERSON = "person"
SYSTEM = "system"
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


def _with_ends(table: Table, kind: str, name: ColumnElement[str]) -> Select[Any]:
    """Rows of ``table`` beside what ended the sessions asked about: a row for each end, and one where nothing did."""
    ends = session_ends.c
    ended = and_(ends.kind == kind, ends.subject == name, one_of(ends.token_key, "tokens"))
    asked = select(*table.c, ends.token_key.label("ended_key"), ends.at.label("ended_at"))
    joined = asked.select_from(table.outerjoin(session_ends, ended))
    return joined.where(one_of(name, "which"))


_CLIENTS_ASKING = _with_ends(clients, SYSTEM, clients.c.client_id)
_PEOPLE_ASKING = _with_ends(people, PERSON, people.c.subject)
_EXPIRED_END = session_ends.alias("expired_end")
_PRUNE_ENDS = delete(session_ends).where(
    tuple_(session_ends.c.kind, session_ends.c.subject, session_ends.c.token_key).in_(
        select(_EXPIRED_END.c.kind, _EXPIRED_END.c.subject, _EXPIRED_END.c.token_key)
        .where(_EXPIRED_END.c.until <= bindparam("now"), _EXPIRED_END.c.token_key != EVERY_TOKEN)
        .order_by(_EXPIRED_END.c.until)
        .limit(PRUNE_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
)
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


@cache
def _end(dialect: str) -> Insert:
    """Insert, or put off: an end that was there is never taken back, nor set to an earlier moment."""
    made = insert_into(dialect, session_ends)
    return made.on_conflict_do_update(
        index_elements=[session_ends.c.kind, session_ends.c.subject, session_ends.c.token_key],
        set_={"at": made.excluded.at, "until": made.excluded.until},
        where=session_ends.c.at < made.excluded.at,
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

    def clients_asking(self, client_ids: Sequence[str], tokens: Sequence[str]) -> Mapping[str, Asking[Client]]:
        """Those of these clients that are registered, by id, and which of the tokens named were ended."""
        return self._asking(_CLIENTS_ASKING, "client_id", _client, client_ids, tokens)

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

    def persons_asking(self, subjects: Sequence[str], tokens: Sequence[str]) -> Mapping[str, Asking[Person]]:
        """Those of these people that are bound, by subject, and which of the tokens named were ended."""
        return self._asking(_PEOPLE_ASKING, "subject", self._person, subjects, tokens)

    def _asking(
        self,
        statement: Select[Any],
        name: str,
        read: Callable[[RowMapping], PartyT],
        names: Sequence[str],
        tokens: Sequence[str],
    ) -> Mapping[str, Asking[PartyT]]:
        """Several rows tell of one party where several of its sessions were ended; it is read once."""
        if not names:
            return {}
        found: dict[str, Asking[PartyT]] = {}
        for row in self._tx.rows(statement, which=sorted(set(names)), tokens=[EVERY_TOKEN, *sorted(set(tokens))]):
            known = found.get(row[name])
            found[row[name]] = _asking(known, known.party if known is not None else read(row), row)
        return found

    def end_session(
        self, kind: str, subject: str, token_key: str = EVERY_TOKEN, *, at: datetime, until: datetime
    ) -> None:
        """Let a token end at once, or without one every token issued until ``at``; expired rows go on the way."""
        self._tx.changed(_PRUNE_ENDS, now=at)
        self._tx.changed(_end(self._tx.dialect), kind=kind, subject=subject, token_key=token_key, at=at, until=until)

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


def _asking(known: Asking[PartyT] | None, party: PartyT, row: RowMapping) -> Asking[PartyT]:
    """What one more row says about the sessions of ``party``."""
    ended = known.ended if known is not None else frozenset[str]()
    before = known.ended_before if known is not None else None
    key = row["ended_key"]
    if key == EVERY_TOKEN:
        before = row["ended_at"]
    elif key is not None:
        ended |= {key}
    return Asking(party=party, ended=ended, ended_before=before)


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
