"""In whose name a command of the command line acts."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from certsvc.app import build, prepare
from certsvc.commands.access.principals import of_person
from certsvc.errors import NotFound
from certsvc.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certsvc.app import Service
    from certsvc.commands.ports import Deps, Principal


@contextmanager
def working_service() -> Iterator[Service]:
    """A service over keys and schema that are made ready first."""
    settings = load_settings()
    prepare(settings)
    service = build(settings)
    try:
        yield service
    finally:
        service.close()


def person_of(deps: Deps, subject: str, hint: str) -> Principal:
    """The person bound as ``subject``; NotFound with ``hint``, which says what to do first."""
    with deps.uow.read() as tx:
        person = tx.access.person(subject)
    if person is None:
        raise NotFound(f"没有绑定的人员 {subject}，{hint}")
    return of_person(person)
