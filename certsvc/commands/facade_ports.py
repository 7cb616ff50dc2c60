"""What the store offers about facades: accounts, 用证码 of the older interface, addresses that give a file once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.license.facades import AuthCode, Download, FacadeAccount, FacadeName


class Facades(Protocol):
    """Accounts and what they were given."""

    def insert_account(self, account: FacadeAccount) -> bool:
        """Store; False when the facade has this login already."""
        ...

    def account(self, account_id: str) -> FacadeAccount | None:
        """The account."""
        ...

    def account_by_login(self, facade: FacadeName, login: str) -> FacadeAccount | None:
        """The account."""
        ...

    def accounts(self, *, behind: str, limit: int) -> Sequence[FacadeAccount]:
        """Accounts behind an id, in the order of their ids."""
        ...

    def stop_account(self, account_id: str) -> bool:
        """Let nobody in by it any more, once."""
        ...

    def insert_code(self, code: AuthCode) -> None:
        """Store."""
        ...

    def code(self, code_sha256: str) -> AuthCode | None:
        """The code, whatever its age."""
        ...

    def use_code(self, code_sha256: str, *, file: bool, now: datetime) -> bool:
        """Use it once for the file, or once for the fields, in time; else False."""
        ...

    def exchange_code(self, code_sha256: str, *, by: str, now: datetime) -> bool:
        """Put the digest ``by`` in place of that of an unused code, in time; else False."""
        ...

    def insert_download(self, download: Download) -> None:
        """Store."""
        ...

    def download(self, id_sha256: str) -> Download | None:
        """The address, whatever its age."""
        ...

    def use_download(self, id_sha256: str, *, now: datetime) -> bool:
        """Use it once, in time; else False."""
        ...

    def forget(self, *, before: datetime) -> int:
        """Remove codes and addresses that ended before a moment; how many."""
        ...
