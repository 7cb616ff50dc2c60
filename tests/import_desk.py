"""What the tests of imports and bulk decisions ask a city for."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

from fixtures_city import ServedCity

from certsvc.catalog.stock_columns import Column, stock_columns
from certsvc.clock import local_day
from certsvc.identifiers.iso7064 import mod_11_10

SLUG = "food_operation"
CLERK, VERIFIER = "batch-clerk-1", "batch-verifier-1"
CSV = "text/csv"
REGION_DIGITS = "990101"


def food_number(n: int) -> str:
    """A number of the type's present form, the ``n``-th of its series, with a right check digit."""
    body = f"2{REGION_DIGITS}{n:06d}"
    return f"JY{body}{mod_11_10(body)}"


@dataclass
class ImportDesk:
    """A city, its department's clerk and verifier, and one type."""

    city: ServedCity
    slug: str = SLUG

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the type's table."""
        deps = self.city.service.deps
        return stock_columns(deps.catalog, deps.catalog.type(self.slug), local_day(deps.clock.now()))

    @property
    def year(self) -> int:
        """The present year."""
        return local_day(self.city.service.deps.clock.now()).year

    def heading(self, key: str) -> str:
        """The heading of a column."""
        return next(column.heading for column in self.columns if column.key == key)

    def row(self, n: int = 1, **changes: str) -> dict[str, str]:
        """Cells by key of a row that passes; ``data.x`` is written ``data_x``."""
        cells = {column.key: column.example for column in self.columns}
        cells |= {
            "number": food_number(n),
            "holder_name": f"示例餐饮第{n}有限公司",
            "issued_on": f"{self.year - 3}-01-01",
        }
        cells |= {"valid_from": f"{self.year - 3}-01-01", "valid_until": f"{self.year + 1}-12-31"}
        for key, text in changes.items():
            name = "data." + key.removeprefix("data_") if key.startswith("data_") else key
            assert name in cells, name
            cells[name] = text
        return cells

    def csv(self, rows: list[dict[str, str]], *, encoding: str = "utf-8") -> bytes:
        """A table in the order of the template."""
        out = io.StringIO(newline="")
        writer = csv.writer(out)
        writer.writerow([column.heading for column in self.columns])
        for row in rows:
            writer.writerow([row[column.key] for column in self.columns])
        return out.getvalue().encode(encoding)

    def many(self, count: int, *, first: int = 1) -> bytes:
        """A table of ``count`` rows that pass."""
        return self.csv([self.row(n) for n in range(first, first + count)])

    def send(
        self, data: bytes, *, name: str = "stock.csv", trust: str = "B", by: str = CLERK, slug: str | None = None
    ) -> Any:
        """The bare answer to an upload."""
        return self.city.client.post(
            "/v1/imports",
            headers=self.city.person(by),
            files={"file": (name, data, "application/octet-stream")},
            data={"type": slug or self.slug, "trust": trust},
        )

    def checked(self, data: bytes, **how: Any) -> dict[str, Any]:
        """An upload and its check; how it stands then."""
        import_id = self.city.answer(self.send(data, **how), 202)["import_id"]
        self.city.drain()
        return self.read(import_id)

    def read(self, import_id: str, *, by: str = CLERK) -> dict[str, Any]:
        """How far an import is."""
        return dict(self.city.answer(self.get(f"/{import_id}", by=by), 200))

    def get(self, path: str, *, by: str = CLERK, **params: Any) -> Any:
        """The bare answer to a question below ``/v1/imports``."""
        return self.city.client.get(f"/v1/imports{path}", headers=self.city.person(by), params=params)

    def post(self, path: str, body: dict[str, Any], *, by: str = VERIFIER) -> Any:
        """The bare answer to what is asked below ``/v1/imports``."""
        return self.city.client.post(f"/v1/imports{path}", headers=self.city.person(by), json=body)

    def rows(self, import_id: str, **params: Any) -> list[dict[str, Any]]:
        """Rows, at most 500."""
        page = self.city.answer(self.get(f"/{import_id}/rows", limit=500, **params), 200)
        return list(page["rows"])

    def reasons(self, import_id: str) -> dict[int, dict[str, str]]:
        """Row number -> code of a fault -> its sentence, for every faulty row."""
        found = self.rows(import_id, state="faulty")
        return {row["row"]: {one["code"]: f"{one['column']}|{one['detail']}" for one in row["faults"]} for row in found}

    def sampled(self, import_id: str) -> list[int]:
        """Draw the sample and confirm every row of it; their numbers."""
        rows = self.city.answer(self.post(f"/{import_id}/samples", {}), 201)
        for row in rows:
            self.city.answer(self.post(f"/{import_id}/samples/{row['row']}", {"outcome": "confirmed"}), 201)
        return [row["row"] for row in rows]

    def approve(self, import_id: str, *, by: str = VERIFIER, agrees: bool = True) -> Any:
        """The bare answer to a decision."""
        return self.post(f"/{import_id}/approval", {"agrees": agrees, "reason": "抽样一致"}, by=by)

    def approved(self, data: bytes, **how: Any) -> str:
        """An import that may be issued."""
        import_id = str(self.checked(data, **how)["batch"]["import_id"])
        self.sampled(import_id)
        self.city.answer(self.approve(import_id), 201)
        return import_id
