"""Which ``pg_dump`` and ``pg_restore`` are run, where the machine has one and the wheel another."""

from __future__ import annotations

from pathlib import Path

import pytest

from certsvc.store import database_copy


@pytest.mark.parametrize(("server", "wanted"), [(14, 15), (15, 15), (16, 17), (17, 17), (18, 17)])
def test_the_oldest_that_is_no_older_than_the_server_is_run(
    server: int, wanted: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, wheel = tmp_path / "pg_restore", tmp_path / "wheel" / "pginstall" / "bin" / "pg_restore"
    wheel.parent.mkdir(parents=True)
    for path, version in ((here, 15), (wheel, 17)):
        path.write_text(f"#!/bin/sh\necho 'pg_restore (PostgreSQL) {version}.4'\n", encoding="utf-8")
        path.chmod(0o755)

    class Wheel:
        origin = str(tmp_path / "wheel" / "__init__.py")

    monkeypatch.setattr("certsvc.store.database_copy.shutil.which", lambda _: str(here))
    monkeypatch.setattr("certsvc.store.database_copy.importlib.util.find_spec", lambda _: Wheel)
    assert database_copy._program("pg_restore", server) == str({15: here, 17: wheel}[wanted])
