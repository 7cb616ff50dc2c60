"""What the store offers about licenses: the register."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from certsvc.license.model import Holder, LicenseVersion, MoveRecord
    from certsvc.license.states import State


class Licenses(Protocol):
    """The register."""

    def insert(self, version: LicenseVersion) -> None:
        """Register a version with its artifact.

        IntegrityError when the identifier or digest is taken, or the number or the license is in force already.
        """
        ...

    def insert_all(self, versions: Sequence[LicenseVersion]) -> None:
        """Register versions that follow none of each other; as :meth:`insert`."""
        ...

    def by_version_id(self, version_id: str) -> LicenseVersion | None:
        """The version."""
        ...

    def by_version_ids(self, version_ids: Sequence[str]) -> Mapping[str, LicenseVersion]:
        """Those of these versions that there are, by id."""
        ...

    def by_identifier(self, identifier: str) -> LicenseVersion | None:
        """The version with this 证照标识."""
        ...

    def by_identifiers(self, identifiers: Sequence[str]) -> Mapping[str, LicenseVersion]:
        """The versions with these 证照标识, by identifier."""
        ...

    def by_number(self, type_slug: str, number: str) -> LicenseVersion | None:
        """The newest version with this 证照编号 of this type."""
        ...

    def by_numbers(self, type_slug: str, numbers: Sequence[str]) -> Mapping[str, LicenseVersion]:
        """The newest version with each of these 证照编号 of this type, where there is one."""
        ...

    def by_sha256(self, sha256: str) -> LicenseVersion | None:
        """The version one of whose artifacts has this digest (hex)."""
        ...

    def by_printed_token(self, token: str) -> LicenseVersion | None:
        """The version whose page carries this printed code."""
        ...

    def by_printed_tokens(self, tokens: Sequence[str]) -> Mapping[str, LicenseVersion]:
        """The versions whose pages carry these printed codes, by code."""
        ...

    def of_holder(self, holder: Holder, *, limit: int) -> Sequence[LicenseVersion]:
        """The holder's versions, newest first, found by the blind index of type and code."""
        ...

    def held(
        self, asked: Sequence[tuple[Holder, str]], *, limit: int
    ) -> Mapping[tuple[str, str, str], Sequence[LicenseVersion]]:
        """What holders have of types and nothing replaced, newest first, at most ``limit`` of each holder and type.

        By code type, code and license type; whoever has none is out.
        """
        ...

    def versions_of(self, license_id: str) -> Sequence[LicenseVersion]:
        """All versions of a license, oldest first."""
        ...

    def of_licenses(self, license_ids: Sequence[str]) -> Sequence[LicenseVersion]:
        """All versions of these licenses, each license's oldest first."""
        ...

    def newest(self, version_id: str) -> Sequence[LicenseVersion]:
        """The ends of every chain of links that begins at a version, oldest first; itself when nothing follows it."""
        ...

    def not_ended_after(self, license_id: str, *, limit: int) -> Sequence[LicenseVersion]:
        """The versions that have not ended, of licenses behind ``license_id`` in the order of their ids."""
        ...

    def move(self, record: MoveRecord, *, revision: int, suspended_until: date | None, replaced_by: str = "") -> bool:
        """Set the state and append the record, if the version still stands at ``revision``; else False."""
        ...

    def moves_of(self, version_id: str) -> Sequence[MoveRecord]:
        """The moves of a version, oldest first."""
        ...

    def moves_of_all(self, version_ids: Sequence[str]) -> Mapping[str, Sequence[MoveRecord]]:
        """The moves of each of these versions, oldest first."""
        ...

    def count_by_state(self) -> dict[State, int]:
        """How many versions stand in each state."""
        ...
