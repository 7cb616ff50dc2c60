"""One row of 存量: cells, then the rules of the type, then what no license in force may be; every fault is named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pydantic import ValidationError

from certsvc.catalog.bodies import heir
from certsvc.catalog.stock_columns import CHECK, ENDED_WORDS, FIELD, REASON, RESULT, SUSPENDED, stock_columns
from certsvc.clock import local_day
from certsvc.commands.imports.cells import old_id, read_cell
from certsvc.commands.issuance.body import DecisionBody, IssuanceBody, shape_problems
from certsvc.commands.issuance.payload import build_payload
from certsvc.errors import CertsvcError, FieldProblem
from certsvc.identifiers.holder_code import HolderCodeType
from certsvc.license.imports import Fault
from certsvc.license.model import Decision
from certsvc.license.request import StockClaim
from certsvc.license.stock import StockEntry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certsvc.catalog.model import LicenseType
    from certsvc.catalog.stock_columns import Column
    from certsvc.commands.imports.table import RawRow
    from certsvc.commands.ports import Deps
    from certsvc.license.imports import ImportBatch
    from certsvc.license.request import IssuancePayload

MAX_FAULTS = 20
"""Faults that are named of one row; whoever mends these finds the others next time."""

_COLUMN_OF = {
    "/authority_code": "issuer",
    "/holder/name": "holder_name",
    "/holder/code": "holder_code",
    "/holder/code_type": "holder_code_type",
    "/number": "number",
    "/issued_on": "issued_on",
    "/valid_from": "valid_from",
    "/valid_until": "valid_until",
    "/region": "region",
    "/photo": "photo",
    "/document_no": "suspended_no",
    "/basis": "suspended_basis",
}
"""JSON pointer of an issuance body (or of a decision) -> key of the column that it comes from."""

_SUSPENSION = ("suspended_no", "suspended_on", "suspended_until", "suspended_basis")


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedRow:
    """What a row says, and what is wrong with it; a payload only when nothing is."""

    cells: Mapping[str, str]
    faults: tuple[Fault, ...]
    payload: IssuancePayload | None


class RowChecker:
    """Checks rows of one import under one catalog, on one day."""

    def __init__(self, deps: Deps, batch: ImportBatch) -> None:
        """``deps`` should be pinned: all rows are checked under one catalog."""
        self._deps = deps
        self._batch = batch
        self._kind: LicenseType = deps.catalog.type(batch.type_slug)
        self._today = local_day(deps.clock.now())
        self.columns = stock_columns(deps.catalog, self._kind, self._today)
        self._by_key = {column.key: column for column in self.columns}
        self._example = {column.key: column.example for column in self.columns}

    @property
    def takes_photos(self) -> bool:
        """Whether licenses of the type have a photo."""
        return self._kind.photo

    def heading(self, key: str) -> str:
        """The heading of a column."""
        column = self._by_key.get(key)
        return column.heading if column else ""

    def check(self, row: RawRow, keys: Sequence[str]) -> CheckedRow:
        """A row as it was read; ``keys`` are those of its columns in their order, empty for one to be ignored."""
        cells: dict[str, str] = {}
        faults: list[Fault] = []
        given = dict(zip(keys, range(len(keys)), strict=True))
        for column in self.columns:
            index = given.get(column.key, -1)
            text = row.cells[index] if 0 <= index < len(row.cells) else ""
            cells[column.key], fault = read_cell(column, text, numeric=index in row.numeric)
            fault = self._ended(text) or fault if column.key == "state" else fault
            if fault is not None:
                faults.append(fault)
        if any(cell.strip() for cell in row.cells[len(keys) :]):
            detail = "内容比列名多，可能整行错位，请核对（单元格中有逗号的应加引号）"
            faults.append(Fault(column="", code="extra_cells", detail=detail))
        if self._is_example(cells):
            only = Fault(column="", code="example_row", detail="这是模板的示例行，请删除后上传")
            return CheckedRow(cells=cells, faults=(only,), payload=None)
        return self._judged(row.number, cells, faults)

    def again(self, row_no: int, cells: Mapping[str, str]) -> CheckedRow:
        """A row that passed before, under the catalog and on the day of now; columns may have come since, or gone."""
        return self._judged(row_no, dict.fromkeys(self._by_key, "") | dict(cells), [])

    def _is_example(self, cells: Mapping[str, str]) -> bool:
        return all(cells[key] == example for key, example in self._example.items() if example and key != "valid_until")

    def _judged(self, row_no: int, cells: dict[str, str], faults: list[Fault]) -> CheckedRow:
        bad = {fault.column for fault in faults}
        faults += [one for one in (*self._old_ids(cells), *self._state_faults(cells)) if one.column not in bad]
        payload = None
        problems = self._problems(row_no, cells, bad)
        if isinstance(problems, tuple):
            faults.extend(self._named(problems, {fault.column for fault in faults}))
        else:
            payload = problems
        if payload is not None:
            faults.extend(self._late_faults(payload))
        shown = tuple(faults[:MAX_FAULTS])
        return CheckedRow(cells=cells, faults=shown, payload=None if shown else payload)

    def _problems(
        self, row_no: int, cells: Mapping[str, str], bad: set[str]
    ) -> IssuancePayload | tuple[FieldProblem, ...]:
        """The payload of a row, or what the catalog says against it."""
        try:
            body = self._body(cells, bad)
            claim = self._claim(row_no, cells, bad)
            return build_payload(self._deps, body, claim)
        except ValidationError as error:
            return shape_problems(error)
        except CertsvcError as error:
            return error.problems or (FieldProblem(pointer="", code=error.code, detail=error.detail),)

    def _body(self, cells: Mapping[str, str], bad: set[str]) -> IssuanceBody:
        def day(key: str) -> date | None:
            return date.fromisoformat(cells[key]) if cells[key] and self.heading(key) not in bad else None

        types = self._kind.holder_code_types
        return IssuanceBody.model_validate(
            {
                "authority_code": cells["issuer"] or "0",
                "business_no": "stock",
                "type": self._kind.slug,
                "holder": {
                    "name": cells["holder_name"] or "0",
                    "code": cells["holder_code"] or "0",
                    "code_type": cells["holder_code_type"] or types[0],
                },
                "data": {
                    key.removeprefix(FIELD): text for key, text in cells.items() if key.startswith(FIELD) and text
                },
                "issued_on": day("issued_on"),
                "valid_from": day("valid_from"),
                "valid_until": day("valid_until"),
                "number": cells["number"],
                "region": cells["region"],
                "matter_code": self._kind.matters[0] if len(self._kind.matters) == 1 else "",
            }
        )

    def _claim(self, row_no: int, cells: Mapping[str, str], bad: set[str]) -> StockClaim:
        entry = StockEntry(import_id=self._batch.import_id, row_no=row_no, trust=self._batch.trust)
        first = cells["first_issued_on"] or cells["issued_on"]
        known = first and not bad & {self.heading("first_issued_on"), self.heading("issued_on")}
        return StockClaim(
            entry=entry,
            first_issued_on=date.fromisoformat(first) if known else self._today,
            suspension=self._suspension(cells, bad) if cells["state"] == SUSPENDED else None,
            checks=tuple(
                (key.removeprefix(CHECK), date.fromisoformat(text))
                for key, text in cells.items()
                if key.startswith(CHECK) and text and self.heading(key) not in bad
            ),
        )

    def _suspension(self, cells: Mapping[str, str], bad: set[str]) -> Decision | None:
        if any(not cells[key] or self.heading(key) in bad for key in _SUSPENSION):
            return None  # said as a fault of its own
        body = DecisionBody.model_validate(
            {
                "document_no": cells["suspended_no"],
                "decided_on": cells["suspended_on"],
                "basis": cells["suspended_basis"],
            }
        )
        return Decision(
            authority_code=cells["suspended_by"] or cells["issuer"],
            document_no=body.document_no,
            decided_on=body.decided_on,
            basis=body.basis,
            until=date.fromisoformat(cells["suspended_until"]),
        )

    def _old_ids(self, cells: Mapping[str, str]) -> list[Fault]:
        """Numbers of 15 digits where the holder is a citizen; of others they are registration numbers of old."""
        code_type = cells["holder_code_type"] or self._kind.holder_code_types[0]
        if code_type != HolderCodeType.CITIZEN_ID.value:
            return []
        keys = ("holder_code", "number") if self._kind.number_embeds_id else ("holder_code",)
        found = (old_id(self._by_key[key], cells[key]) for key in keys)
        return [fault for fault in found if fault is not None]

    def _ended(self, state: str) -> Fault | None:
        """What registers call a license that is not in force; no file is made of it."""
        if not any(word in state for word in ENDED_WORDS):
            return None
        return self._fault("state", "ended", f"“{state.strip()}”的证照不再制发，请删除此行")

    def _state_faults(self, cells: Mapping[str, str]) -> list[Fault]:
        state = cells["state"]
        missing = [key for key in _SUSPENSION if not cells[key]]
        if state == SUSPENDED:
            return [self._fault(key, "missing", "暂扣的证照必须填写，请按暂扣决定补充") for key in missing]
        extra = [key for key in ("suspended_by", *_SUSPENSION) if cells[key]]
        return [self._fault(key, "extra", "证照状态不是暂扣，请删去或更正状态") for key in extra]

    def _late_faults(self, payload: IssuancePayload) -> list[Fault]:
        """What stands against a license that is to be in force today."""
        faults = []
        issued, claim = payload.issued_on, payload.stock
        if payload.valid_until is not None and payload.valid_until < self._today:
            detail = f"已于 {payload.valid_until.isoformat()} 到期，过期的证照不制发，请删除此行或先办理延续"
            faults.append(self._fault("valid_until", "expired", detail))
        if issued is not None and issued > self._today:
            faults.append(self._fault("issued_on", "in_future", "颁发日期晚于今天，请核对"))
        if claim is not None and issued is not None and claim.first_issued_on > issued:
            faults.append(self._fault("first_issued_on", "after_issue", "首次发证日期晚于颁发日期，请核对"))
        for name, day in claim.checks if claim is not None else ():
            if day > self._today or (claim is not None and day < claim.first_issued_on):
                detail = "日期应在首次发证之后、今天之前，请核对"
                faults.append(self._fault(CHECK + name, "out_of_range", detail))
        body = payload.authority_code
        if self._successor(body) != self._batch.authority_code:
            detail = "原发证机关的职权现由其他机关行使，请由该机关上传，或核对原发证机关"
            faults.append(self._fault("issuer", "other_department", detail))
        if claim is not None and claim.suspension is not None:
            faults.extend(self._suspension_faults(claim.suspension))
        return faults

    def _suspension_faults(self, decision: Decision) -> list[Fault]:
        faults = []
        if decision.decided_on > self._today:
            faults.append(self._fault("suspended_on", "in_future", "暂扣决定日期晚于今天，请核对"))
        if decision.until is not None and decision.until < decision.decided_on:
            faults.append(self._fault("suspended_until", "before_start", "暂扣截止日期早于决定日期，请核对"))
        if not self._deps.catalog.has_authority(decision.authority_code):
            detail = "暂扣机关不在机构目录中，请核对统一社会信用代码或请目录管理部门补充"
            faults.append(self._fault("suspended_by", "unknown_authority", detail))
        return faults

    def _successor(self, code: str) -> str:
        return heir(self._deps.catalog, code, self._today)

    def _named(self, problems: Sequence[FieldProblem], said: set[str]) -> list[Fault]:
        """Problems as faults of their columns; one that was said of a cell is not said again."""
        faults = []
        for problem in problems:
            heading = self.heading(self._key_of(problem.pointer))
            if heading in said:
                continue
            name = f"{heading}：" if heading else ""
            faults.append(Fault(column=heading, code=problem.code, detail=problem.detail.removeprefix(name)))
        return faults

    @staticmethod
    def _key_of(pointer: str) -> str:
        if pointer.startswith("/data/"):
            return FIELD + pointer.removeprefix("/data/")
        return _COLUMN_OF.get(pointer, "")

    def _fault(self, key: str, code: str, detail: str) -> Fault:
        return Fault(column=self.heading(key), code=code, detail=detail)


def keys_of(columns: Sequence[Column], header: Sequence[str]) -> tuple[list[str], list[Fault]]:
    """The key of every column of an upload, empty for one of our result columns; and faults of the heading."""
    by_heading = {column.heading: column.key for column in columns}
    keys: list[str] = []
    faults: list[Fault] = []
    for place, heading in enumerate(header, start=1):
        key = by_heading.get(heading, "")
        if not key and heading not in {RESULT, REASON}:
            named = f"“{heading[:40]}”" if heading else "没有名称"
            detail = f"第 {place} 列{named}不是模板中的列，请删除或更正列名"
            faults.append(Fault(column=heading[:40], code="unknown_column", detail=detail))
        elif key and key in keys:
            detail = f"第 {place} 列与前面的列同名，请只保留一列"
            faults.append(Fault(column=heading, code="duplicate_column", detail=detail))
        keys.append(key)
    for column in columns:
        if column.required and column.key not in keys:
            detail = f"缺少“{column.heading}”列，请按模板补充"
            faults.append(Fault(column=column.heading, code="missing_column", detail=detail))
    return keys, faults
