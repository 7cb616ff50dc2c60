"""Grants and the fetch ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, case, or_, select, text, update

from certsvc.license.uses import Fetch, Grant
from certsvc.store.newest import newest_of
from certsvc.store.one_of import one_of
from certsvc.store.tables_bases import UNTOLD, withheld_uses
from certsvc.store.tables_uses import BY_CONSENT, FOR_ANOTHER, fetches, grants
from certsvc.store.together import ROWS, given_texts
from certsvc.store.transaction import Insert, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import RowMapping, Table

    from certsvc.store.transaction import Transaction

_G = grants.c
_CIRCUMSTANCES = "fetches.circumstances"

_OPERATOR, _SAID, _WHY = "grants.operator", "fetches.said", "fetches.withheld_why"

_GRANT_BY_TOKEN = select(*_G).where(_G.token_sha256 == bindparam("digest"))
_GRANT = select(*_G).where(_G.grant_id == bindparam("which"))
# In one order by everybody, so that nobody waits in a circle.
_HELD_BY_TOKENS = select(*_G).where(one_of(_G.token_sha256, "digests")).order_by(_G.token_sha256).with_for_update()
_OF_CONSENTS = (
    select(*_G)
    .where(_G.consent_id.in_(bindparam("which", expanding=True)), text(f"grants.{BY_CONSENT}"))
    .order_by(_G.consent_id, _G.grant_id)
)
_HELD_OF_CONSENTS = _OF_CONSENTS.with_for_update()
_ONE = _G.grant_id == bindparam("which")
_UNUSED = (_G.used_at.is_(None), _G.withdrawn_at.is_(None))
_USE = (
    update(grants)
    .where(one_of(_G.grant_id, "which"), *_UNUSED, _G.expires_at > bindparam("now"))
    .values(used_at=bindparam("now"))
)
_ANSWER = (
    update(grants)
    .where(_ONE, _G.withdrawn_at.is_(None), _G.expires_at > bindparam("now"), _G.answers < bindparam("most"))
    .values(
        answers=_G.answers + 1,
        case_no=case((_G.case_no == "", bindparam("named", type_=_G.case_no.type)), else_=_G.case_no),
    )
)
_GIVEN = given_texts("which", "named")
_BIND_SEVERAL = update(grants).where(_G.grant_id == _GIVEN.c.which, _G.case_no == "").values(case_no=_GIVEN.c.named)
_WITHOUT_CASE = update(grants).where(one_of(_G.grant_id, "which"), _G.case_no == "")
# A used one too: it goes on answering until its time is over.
_WITHDRAW = (
    update(grants)
    .where(
        _ONE,
        _G.withdrawn_at.is_(None),
        _G.expires_at > bindparam("now"),
        _G.holder_subject == bindparam("holder"),
    )
    # Two clocks may differ by a little: a use that was let through is never later than its withdrawal.
    .values(withdrawn_at=case((_G.used_at > bindparam("now"), _G.used_at), else_=bindparam("now")))
    .returning(_G.withdrawn_at)
)
_WITHDRAW_UNDER = (
    update(grants)
    .where(
        _G.basis_id.in_(bindparam("which", expanding=True)),
        text(f"grants.{FOR_ANOTHER}"),
        _G.used_at.is_(None),
        _G.withdrawn_at.is_(None),
        _G.expires_at > bindparam("now"),
    )
    .values(withdrawn_at=bindparam("now"))
    .returning(_G.grant_id)
)
_GRANTS_OF = newest_of(grants, _G.holder_subject, _G.created_at, _G.grant_id)
_GRANTS_OVER = newest_of(grants, _G.version_id, _G.created_at, _G.grant_id)
_FETCH = select(*fetches.c).where(fetches.c.fetch_id == bindparam("which"))
_SEEN = or_(fetches.c.withheld_until.is_(None), fetches.c.withheld_until <= bindparam("seen"))
_FETCHES_OF = newest_of(fetches, fetches.c.version_id, fetches.c.at, fetches.c.fetch_id, _SEEN)
_BY = fetches.c.client_id == bindparam("by")
_FETCHES_BY = newest_of(fetches, fetches.c.version_id, fetches.c.at, fetches.c.fetch_id, _BY)
_W = withheld_uses.c
_TO_TELL = (
    select(*fetches.c)
    .join_from(withheld_uses, fetches, fetches.c.fetch_id == _W.fetch_id)
    .where(text(f"withheld_uses.{UNTOLD}"), _W.until <= bindparam("now"))
    .order_by(_W.until, _W.fetch_id)
    .limit(bindparam("most"))
)
_TOLD = (
    update(withheld_uses)
    .where(_W.fetch_id == bindparam("which"), _W.told_at.is_(None))
    .values(told_at=bindparam("now"))
)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table)


class SharingRows:
    """Implements ``sharing_ports.Sharing``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert_grant(self, grant: Grant) -> None:
        """Store a consent."""
        self._tx.changed(
            _insert(self._tx.dialect, grants),
            grant_id=grant.grant_id,
            token_sha256=grant.token_sha256,
            version_id=grant.version_id,
            holder_subject=grant.holder_subject,
            client_id=grant.client_id,
            matter_code=grant.matter_code,
            case_no=grant.case_no,
            fields=to_json(list(grant.fields)),
            created_at=grant.created_at,
            expires_at=grant.expires_at,
            used_at=grant.used_at,
            withdrawn_at=grant.withdrawn_at,
            basis=str(grant.basis),
            basis_id=grant.basis_id,
            consent_id=grant.consent_id,
            operator=self._tx.seal(grant.operator, _OPERATOR, grant.grant_id) if grant.operator else None,
            answers=grant.answers,
            copy_until=grant.copy_until,
        )

    def grant_by_token(self, token_sha256: str) -> Grant | None:
        """The grant."""
        row = self._tx.row(_GRANT_BY_TOKEN, digest=token_sha256)
        return None if row is None else self._grant(row)

    def grant(self, grant_id: str) -> Grant | None:
        """The grant."""
        row = self._tx.row(_GRANT, which=grant_id)
        return None if row is None else self._grant(row)

    def hold_by_tokens(self, digests: Sequence[str]) -> Mapping[str, Grant]:
        """Those of these grants that there are, by digest; nobody else uses them until the end of the transaction."""
        rows = self._tx.rows(_HELD_BY_TOKENS, digests=sorted(set(digests))) if digests else ()
        return {row["token_sha256"]: self._grant(row) for row in rows}

    def hold_of_consents(self, consent_ids: Sequence[str]) -> Sequence[Grant]:
        """The grants that came of these use requests and consents at a counter, held in the same way."""
        rows = self._tx.rows(_HELD_OF_CONSENTS, which=sorted(set(consent_ids))) if consent_ids else ()
        return [self._grant(row) for row in rows]

    def of_consents(self, consent_ids: Sequence[str]) -> Sequence[Grant]:
        """The same, not held."""
        rows = self._tx.rows(_OF_CONSENTS, which=sorted(set(consent_ids))) if consent_ids else ()
        return [self._grant(row) for row in rows]

    def answer_under(self, grant_id: str, *, most: int, now: datetime, case_no: str = "") -> bool:
        """Count an answer under a grant; False when it was withdrawn, is over or has given ``most`` answers.

        One that named no case is for ``case_no`` from now on: else it would answer for every case of the office.
        """
        return self._tx.changed(_ANSWER, which=grant_id, most=most, now=now, named=case_no) == 1

    def withdraw_under(self, basis_ids: Sequence[str], *, now: datetime) -> Sequence[str]:
        """Withdraw the unused grants that rest on these delegations or relations; their ids."""
        rows = self._tx.rows(_WITHDRAW_UNDER, which=sorted(set(basis_ids)), now=now) if basis_ids else ()
        return sorted(row["grant_id"] for row in rows)

    def grants_over(self, version_ids: Sequence[str], *, limit: int) -> Sequence[Grant]:
        """Grants over these licenses, whoever consented, newest first."""
        return [self._grant(row) for row in _GRANTS_OVER.rows(self._tx, version_ids, limit=limit)]

    def use_grants(self, grant_ids: Collection[str], *, now: datetime) -> int:
        """Use each once, if in time (before ``expires_at``) and not withdrawn; how many were."""
        return self._tx.changed(_USE, which=sorted(grant_ids), now=now) if grant_ids else 0

    def bind_cases(self, cases: Mapping[str, str]) -> int:
        """Let grants (by id) that named no case be for this one from now on; how many named none."""
        if not cases:
            return 0
        if self._tx.dialect == "postgresql":
            rows = [{"which": grant_id, "named": case_no} for grant_id, case_no in sorted(cases.items())]
            return self._tx.changed(_BIND_SEVERAL, **{ROWS: to_json(rows)})
        named = case(dict(sorted(cases.items())), value=_G.grant_id)
        return self._tx.changed(_WITHOUT_CASE.values(case_no=named), which=sorted(cases))

    def withdraw_grant(self, grant_id: str, *, holder_subject: str, now: datetime) -> datetime | None:
        """Withdraw a grant of this holder, used or not, whose time is not over; from when on it is, None if not."""
        row = self._tx.row(_WITHDRAW, which=grant_id, holder=holder_subject, now=now)
        at: datetime | None = None if row is None else row["withdrawn_at"]
        return at

    def grants_of(self, holder_subject: str, *, limit: int) -> Sequence[Grant]:
        """The holder's grants, newest first."""
        return [self._grant(row) for row in _GRANTS_OF.rows(self._tx, [holder_subject], limit=limit)]

    def insert_fetch(self, fetch: Fetch) -> None:
        """Append to the ledger."""
        self.insert_fetches([fetch])

    def insert_fetches(self, made: Sequence[Fetch]) -> None:
        """Append to the ledger."""
        self._tx.insert_rows(fetches, [self._values(fetch) for fetch in made])
        kept_quiet = [one for one in made if one.withheld_until is not None]
        self._tx.changed_all(
            _insert(self._tx.dialect, withheld_uses),
            [{"fetch_id": one.fetch_id, "until": one.withheld_until, "told_at": None} for one in kept_quiet],
        )

    def fetches_of(
        self,
        version_ids: Sequence[str],
        *,
        limit: int,
        behind: tuple[datetime, str] | None = None,
        now: datetime | None = None,
    ) -> Sequence[Fetch]:
        """Ledger rows about these versions as their holder may see them at ``now``, newest first.

        Without ``now`` nothing that was ever withheld is among them.
        """
        rows = _FETCHES_OF.rows(self._tx, version_ids, limit=limit, behind=behind, seen=now or LONG_AGO)
        return [use_of_row(self._tx, row) for row in rows]

    def fetches_by(self, client_id: str, version_ids: Sequence[str], *, limit: int) -> Sequence[Fetch]:
        """A client's own ledger rows about these versions, newest first; those too that a holder may not see yet."""
        return [use_of_row(self._tx, row) for row in _FETCHES_BY.rows(self._tx, version_ids, limit=limit, by=client_id)]

    def withheld_to_tell(self, *, now: datetime, limit: int) -> Sequence[Fetch]:
        """Uses that were withheld until a moment that has come, and were not told yet."""
        return [use_of_row(self._tx, row) for row in self._tx.rows(_TO_TELL, now=now, most=limit)]

    def told(self, fetch_id: str, *, now: datetime) -> bool:
        """Remember that a withheld use was told; False when it was."""
        return self._tx.changed(_TOLD, which=fetch_id, now=now) == 1

    def fetch(self, fetch_id: str) -> Fetch | None:
        """The ledger row."""
        row = self._tx.row(_FETCH, which=fetch_id)
        return None if row is None else use_of_row(self._tx, row)

    def _values(self, fetch: Fetch) -> dict[str, object]:
        circumstances = {"operator": fetch.operator, "purpose": fetch.purpose}
        why = fetch.withheld_why
        return {
            "fetch_id": fetch.fetch_id,
            "version_id": fetch.version_id,
            "client_id": fetch.client_id,
            "client_name": fetch.client_name,
            "authority_code": fetch.authority_code,
            "matter_code": fetch.matter_code,
            "case_no": fetch.case_no,
            "circumstances": self._tx.seal_json(circumstances, _CIRCUMSTANCES, fetch.fetch_id),
            "basis": str(fetch.basis),
            "grant_id": fetch.grant_id,
            "fields": to_json(list(fetch.fields)),
            "outcome": fetch.outcome,
            "at": fetch.at,
            "said": self._tx.seal(fetch.said, _SAID, fetch.fetch_id) if fetch.said else None,
            "answer": fetch.answer,
            "withheld_until": fetch.withheld_until,
            "withheld_why": self._tx.seal(why, _WHY, fetch.fetch_id) if why else None,
            "type_slug": fetch.type_slug,
        }

    def _grant(self, row: RowMapping) -> Grant:
        return grant_of_row(self._tx, row)


def grant_of_row(tx: Transaction, row: RowMapping) -> Grant:
    """A row of the grants."""
    values: dict[str, Any] = {name: row[name] for name in _G.keys()}  # noqa: SIM118
    values["fields"] = tuple(from_json(row["fields"]))
    sealed = row["operator"]
    values["operator"] = tx.open(sealed, _OPERATOR, row["grant_id"]) if sealed else ""
    return Grant(**values)


def use_of_row(tx: Transaction, row: RowMapping) -> Fetch:
    """A row of the ledger."""
    values: dict[str, Any] = dict(row)
    values.update(tx.open_json(values.pop("circumstances"), _CIRCUMSTANCES, row["fetch_id"]))
    values["fields"] = tuple(from_json(row["fields"]))
    for name, column in (("said", _SAID), ("withheld_why", _WHY)):
        values[name] = tx.open(row[name], column, row["fetch_id"]) if row[name] else ""
    return Fetch(**values)
