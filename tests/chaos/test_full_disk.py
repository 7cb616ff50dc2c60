"""R9: a full disk under the database and the files: a clean answer, nothing broken, and on again when there is room.

The disk is a memory file system of its own, which takes the right to mount (root in a container has it).
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from checker import check_town
from town import Load, Town

from certsvc.store import migrate

DISK_MB = 64
BLOCK = b"\0" * (1 << 20)
TOLD_S = 30.0
"""How soon a client is told."""
FULL_S = 2.0
"""How long it stays full after that, while clients go on asking."""
RECOVERY_S = 30.0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "certsvc-test", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"a disk cannot be mounted here: {made.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(ballast: Path) -> None:
    """Write until nothing more fits."""
    with ballast.open("ab", buffering=0) as file:
        for size in (len(BLOCK), 4096, 1):
            try:
                while True:
                    file.write(BLOCK[:size])
            except OSError:
                continue


def test_a_disk_that_is_full_for_a_while(city_keys: Path, small_disk: Path, rounds: Callable[[int, int], int]) -> None:
    path = small_disk / "certsvc.sqlite3"
    database_url = f"sqlite:///{path}"
    migrate.upgrade(database_url)
    town = Town.found(city_keys, small_disk, database_url)
    ballast = small_disk / "ballast"
    try:
        town.node("all")
        with Load(town, 0.1) as load:
            for _ in range(rounds(2, 20)):
                load.wait_for(3, within_s=60)
                told_before = load.answers[503]
                fill(ballast)
                deadline = time.monotonic() + TOLD_S
                while load.answers[503] == told_before:
                    assert time.monotonic() < deadline, "the disk was full and nobody was told"
                    fill(ballast)  # what was being written when it was filled first may have left some room
                    time.sleep(0.1)
                time.sleep(FULL_S)
                ballast.unlink()
                load.wait_for(3, within_s=RECOVERY_S)
        check_town(town, load.acknowledged)
        with sqlite3.connect(path) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()
    finally:
        town.close()
    assert os.statvfs(small_disk).f_bavail > 0
