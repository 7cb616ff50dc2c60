"""What operators do about the accounts of the facades."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.app import build
from certsvc.cli.maintain import OPERATOR
from certsvc.commands.facades.accounts import MAX_PAGE, list_accounts, register_account, stop_account
from certsvc.license.facades import FacadeAccount, FacadeName
from certsvc.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """An account to be registered."""

    facade: FacadeName
    client_id: str
    login: str
    verbs: tuple[str, ...]
    types: tuple[str, ...]
    matter_code: str
    purpose: str
    days: int


def add_account(wanted: Wanted) -> tuple[FacadeAccount, str]:
    """The account and its new secret, which is empty where the client's own token signs in."""
    service = build(load_settings())
    try:
        deps = service.deps
        own_token = wanted.facade is FacadeName.GB_36906
        secret, now = "" if own_token else deps.ids.secret(), deps.clock.now()
        account = FacadeAccount(
            account_id=deps.ids.new("fac"),
            facade=wanted.facade,
            login=wanted.client_id if own_token else wanted.login or deps.ids.token(),
            secret_sha256="",
            client_id=wanted.client_id,
            verbs=wanted.verbs,
            types=wanted.types,
            matter_code=wanted.matter_code,
            purpose=wanted.purpose,
            active=True,
            expires_at=now + timedelta(days=wanted.days),
            created_at=now,
        )
        return register_account(deps, account, actor=OPERATOR, secret=secret), secret
    finally:
        service.close()


def all_accounts() -> Sequence[FacadeAccount]:
    """Every account, in the order of their ids."""
    found: list[FacadeAccount] = []
    service = build(load_settings())
    try:
        while page := list_accounts(service.deps, behind=found[-1].account_id if found else "", limit=MAX_PAGE):
            found += page
    finally:
        service.close()
    return found


def stop(account_id: str) -> None:
    """Let nobody in by it any more."""
    service = build(load_settings())
    try:
        stop_account(service.deps, account_id, actor=OPERATOR)
    finally:
        service.close()
