"""Facade accounts, codes and one-time addresses."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, select, true, update

from certsvc.license.facades import AuthCode, Download, FacadeAccount, FacadeName
from certsvc.store.tables_facades import facade_accounts, facade_codes, facade_downloads
from certsvc.store.transaction import Insert, as_word, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Table

    from certsvc.store.transaction import Transaction

_A, _C, _D = facade_accounts.c, facade_codes.c, facade_downloads.c
_CIRCUMSTANCES, _ASKED = "facade_codes.circumstances", "facade_downloads.asked"

_ACCOUNT = select(*_A).where(_A.account_id == bindparam("which"))
_BY_LOGIN = select(*_A).where(_A.facade == bindparam("name"), _A.login == bindparam("who"))
_ACCOUNTS = select(*_A).where(_A.account_id > bindparam("behind")).order_by(_A.account_id).limit(bindparam("most"))
_STOP = update(facade_accounts).where(_A.account_id == bindparam("which"), _A.active == true()).values(active=False)
_CODE = select(*_C).where(_C.code_sha256 == bindparam("digest"))
_IN_TIME = (_C.code_sha256 == bindparam("digest"), _C.expires_at > bindparam("now"))
_USE_DATA = update(facade_codes).where(*_IN_TIME, _C.data_used_at.is_(None)).values(data_used_at=bindparam("now"))
_USE_FILE = update(facade_codes).where(*_IN_TIME, _C.file_used_at.is_(None)).values(file_used_at=bindparam("now"))
_EXCHANGE = (
    update(facade_codes)
    .where(*_IN_TIME, _C.data_used_at.is_(None), _C.file_used_at.is_(None))
    .values(code_sha256=bindparam("other"), circumstances=bindparam("sealed"))
)
_DOWNLOAD = select(*_D).where(_D.id_sha256 == bindparam("digest"))
_USE_DOWNLOAD = (
    update(facade_downloads)
    .where(_D.id_sha256 == bindparam("digest"), _D.expires_at > bindparam("now"), _D.used_at.is_(None))
    .values(used_at=bindparam("now"))
)
_FORGET = (
    delete(facade_codes).where(_C.expires_at < bindparam("before")),
    delete(facade_downloads).where(_D.expires_at < bindparam("before")),
)


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table)


@cache
def _insert_new(dialect: str) -> Insert:
    return insert_into(dialect, facade_accounts).on_conflict_do_nothing()


class FacadeRows:
    """Implements ``facade_ports.Facades``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert_account(self, account: FacadeAccount) -> bool:
        """Store; False when the facade has this login already."""
        done = self._tx.changed(
            _insert_new(self._tx.dialect),
            account_id=account.account_id,
            facade=account.facade.value,
            login=account.login,
            secret_sha256=account.secret_sha256,
            client_id=account.client_id,
            verbs=to_json(list(account.verbs)),
            types=to_json(list(account.types)),
            matter_code=account.matter_code,
            purpose=account.purpose,
            active=account.active,
            expires_at=account.expires_at,
            created_at=account.created_at,
        )
        return done == 1

    def account(self, account_id: str) -> FacadeAccount | None:
        """The account."""
        row = self._tx.row(_ACCOUNT, which=account_id)
        return None if row is None else _account(row)

    def account_by_login(self, facade: FacadeName, login: str) -> FacadeAccount | None:
        """The account."""
        row = self._tx.row(_BY_LOGIN, name=facade.value, who=login)
        return None if row is None else _account(row)

    def accounts(self, *, behind: str, limit: int) -> Sequence[FacadeAccount]:
        """Accounts behind an id, in the order of their ids."""
        return [_account(row) for row in self._tx.rows(_ACCOUNTS, behind=behind, most=limit)]

    def stop_account(self, account_id: str) -> bool:
        """Let nobody in by it any more, once."""
        return self._tx.changed(_STOP, which=account_id) == 1

    def insert_code(self, code: AuthCode) -> None:
        """Store."""
        self._tx.changed(
            _insert(self._tx.dialect, facade_codes),
            code_sha256=code.code_sha256,
            account_id=code.account_id,
            client_id=code.client_id,
            basis=code.basis,
            identifier=code.identifier,
            type_slug=code.type_slug,
            matter_code=code.matter_code,
            case_no=code.case_no,
            circumstances=self._sealed(code, code.code_sha256),
            created_at=code.created_at,
            expires_at=code.expires_at,
            data_used_at=code.data_used_at,
            file_used_at=code.file_used_at,
        )

    def code(self, code_sha256: str) -> AuthCode | None:
        """The code, whatever its age."""
        row = self._tx.row(_CODE, digest=code_sha256)
        if row is None:
            return None
        values: dict[str, Any] = dict(row)
        values.update(self._tx.open_json(values.pop("circumstances"), _CIRCUMSTANCES, row["code_sha256"]))
        return AuthCode(**values)

    def use_code(self, code_sha256: str, *, file: bool, now: datetime) -> bool:
        """Use it once for the file, or once for the fields, in time; else False."""
        return self._tx.changed(_USE_FILE if file else _USE_DATA, digest=code_sha256, now=now) == 1

    def exchange_code(self, code_sha256: str, *, by: str, now: datetime) -> bool:
        """Put the digest ``by`` in place of that of an unused code, in time; else False."""
        known = self.code(code_sha256)
        if known is None:
            return False
        return self._tx.changed(_EXCHANGE, digest=code_sha256, now=now, other=by, sealed=self._sealed(known, by)) == 1

    def insert_download(self, download: Download) -> None:
        """Store."""
        self._tx.changed(
            _insert(self._tx.dialect, facade_downloads),
            id_sha256=download.id_sha256,
            account_id=download.account_id,
            client_id=download.client_id,
            asked=self._tx.seal_json(download.asked, _ASKED, download.id_sha256),
            created_at=download.created_at,
            expires_at=download.expires_at,
            used_at=download.used_at,
        )

    def download(self, id_sha256: str) -> Download | None:
        """The address, whatever its age."""
        row = self._tx.row(_DOWNLOAD, digest=id_sha256)
        if row is None:
            return None
        values: dict[str, Any] = dict(row)
        values["asked"] = self._tx.open_json(row["asked"], _ASKED, row["id_sha256"])
        return Download(**values)

    def use_download(self, id_sha256: str, *, now: datetime) -> bool:
        """Use it once, in time; else False."""
        return self._tx.changed(_USE_DOWNLOAD, digest=id_sha256, now=now) == 1

    def forget(self, *, before: datetime) -> int:
        """Remove codes and addresses that ended before a moment; how many."""
        return sum(self._tx.changed(statement, before=before) for statement in _FORGET)

    def _sealed(self, code: AuthCode, row_id: str) -> bytes:
        kept = {"operator": code.operator, "purpose": code.purpose, "grant_code": code.grant_code}
        return self._tx.seal_json(kept, _CIRCUMSTANCES, row_id)


def _account(row: RowMapping) -> FacadeAccount:
    values: dict[str, Any] = dict(row)
    values["facade"] = as_word(FacadeName, row["facade"])
    values["verbs"] = tuple(from_json(row["verbs"]))
    values["types"] = tuple(from_json(row["types"]))
    return FacadeAccount(**values)
