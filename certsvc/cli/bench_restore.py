"""``restore``: seconds for a backup, its check and its restoration, embedded shape; wall clock.

Some licenses are issued, the rows of the others are copies past the program (as in ``growth``), and each has a file of
its own in the directory, as long as a real one: what a backup reads, digests, writes and syncs is what it would be.
"""

from __future__ import annotations

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

from certsvc.cli.bench_cases import bench_service
from certsvc.cli.bench_growth import grow, issue
from certsvc.commands.issuance.batch import object_name
from certsvc.store.backup import Facts, create, problems, restore
from certsvc.store.migrate import current
from certsvc.store.objects_dir import DirectoryObjectStore

if TYPE_CHECKING:
    from pathlib import Path

    from certsvc.commands.ports import Deps
    from certsvc.settings import Settings

RESTORE = "restore.seconds"
LICENSES = 10_000
GOAL_S = 30.0
"""RELIABILITY.md R13 gives a hundred thousand five minutes."""
ISSUED = 20
WRITERS = 8
PDF = "application/pdf"


def restore_seconds(place: Path, *, licenses: int = LICENSES) -> dict[str, object]:
    """Backup, check and restoration together; each by itself stands in ``parts``."""
    service, caller = bench_service(place / "restore")
    deps, settings = service.deps, service.settings
    try:
        issue(deps, caller, "FIRST", ISSUED)
        grow(settings.database.removeprefix("sqlite:///"), ISSUED, licenses)
        _add_files(deps, licenses - ISSUED)
        facts = _facts(deps, settings)
        backup, var = place / "backup", place / "restored"
        start = time.perf_counter()
        with closing(DirectoryObjectStore(settings.objects, read_only=True)) as objects:
            manifest = create(backup, settings.database, objects, facts)
        made = time.perf_counter()
        wrong = list(problems(backup, manifest))
        checked = time.perf_counter()
        restore(backup, manifest, var, f"sqlite:///{var / 'certsvc.sqlite3'}")
        end = time.perf_counter()
    finally:
        service.close()
    with closing(sqlite3.connect(var / "certsvc.sqlite3")) as file:
        (rows,) = file.execute("SELECT count(*) FROM licenses").fetchone()
    files = sum(1 for _ in DirectoryObjectStore(var / "objects", read_only=True).walk(""))
    if wrong or rows != licenses or files < licenses:
        msg = f"what was restored is not what was backed up: {rows} rows, {files} files, {wrong[:3]}"
        raise RuntimeError(msg)
    value = end - start
    parts = {"licenses": licenses, "backup_s": round(made - start, 2), "check_s": round(checked - made, 2)}
    parts |= {"restore_s": round(end - checked, 2)}
    line: dict[str, object] = {"name": RESTORE, "value": round(value, 2), "unit": "s wall", "goal": GOAL_S}
    return {**line, "reached": value <= GOAL_S, "parts": parts}


def _add_files(deps: Deps, count: int) -> None:
    """Files of other content and the same length as one that was issued."""
    with deps.uow.read() as tx:
        first = tx.licenses.not_ended_after("", limit=1)[0]
    model = deps.objects.get(first.artifact.object_name)

    def add(number: int) -> None:
        data = model[:-12] + f"{number:012d}".encode()
        deps.objects.put(object_name(data), data, content_type=PDF)

    with ThreadPoolExecutor(WRITERS) as writers:
        list(writers.map(add, range(count)))


def _facts(deps: Deps, settings: Settings) -> Facts:
    with deps.uow.read() as tx:
        end = tx.feed.end()
    return Facts(made_at=deps.clock.now(), schema=current(settings.database), feed_end=end, master_key="", keys={})
