"""Every column of shows, grants, reservations, delegations, facts and co-holders: its change is found and named."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from fixtures_city import ServedCity
from log_city import audited, settle
from log_intruder import COLUMNS, DirectoryFiles, Intruder
from rights_city import give_and_take

TABLES = ("shows", "grants", "reservations", "delegations", "relations", "co_holders")


class Every(Intruder):
    """Goes through columns and rows in place of drawing them."""

    def change(self, table: str, column: str, row: dict[str, object]) -> bool:
        other = self._other(column, row[column])
        if row[column] is None and other is None:
            return False
        self._change(table, row, {column: other})
        self.named.add(str(row[COLUMNS[table][0]]))
        return True


def test_each_column_of_each_row(database_url: str, make_city: Callable[..., ServedCity], tmp_path: Path) -> None:
    city = make_city(database_url)
    give_and_take(city)
    settle(city)
    report = audited(city.service.deps, files=False)
    assert report.agrees, report.findings
    sample = random.Random(11)
    for place in range(max(len(COLUMNS[table][1]) for table in TABLES)):  # a column of each table at once
        intruder = Every(database_url, DirectoryFiles(tmp_path), 1)
        deeds = []
        for table in TABLES:
            name, columns = COLUMNS[table]
            row = sample.choice(intruder._rows(table))
            if place < len(columns) and intruder.change(table, columns[place], row):
                deeds.append((str(row[name]), table, columns[place]))
        told = " ".join(f"{one.about} {one.detail}" for one in audited(city.service.deps, files=False).findings)
        intruder.undo()
        assert not [deed for deed in deeds if deed[0] not in told], (deeds, told)
    assert audited(city.service.deps, files=False).agrees
