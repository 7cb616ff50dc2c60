"""A reader of Prometheus' text format 0.0.4, written from its description and strict: an independent checker."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*"'
SAMPLE = re.compile(rf"^({NAME})(?:\{{({LABEL}(?:,{LABEL})*)?\}})? (\+Inf|-Inf|NaN|[-+]?[0-9.]+(?:e[-+]?[0-9]+)?)$")
PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"')
KINDS = {"counter", "gauge", "histogram", "summary", "untyped"}
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}


@dataclass
class Read:
    """A family and its samples by labels."""

    kind: str
    values: dict[tuple[str, tuple[tuple[str, str], ...]], float] = field(default_factory=dict)

    def get(self, suffix: str = "", **labels: str) -> float:
        """The value under exactly these labels."""
        return self.values[suffix, tuple(sorted(labels.items()))]

    def total(self, **labels: str) -> float:
        """The sum over every series that has these labels."""
        wanted = set(labels.items())
        return sum(value for (suffix, found), value in self.values.items() if not suffix and wanted <= set(found))


def read_exposition(text: str) -> dict[str, Read]:
    """Families by name; AssertionError names the line that breaks the format."""
    assert text.endswith("\n"), "the last line must end"
    families: dict[str, Read] = {}
    current = helped = ""
    for line in text.splitlines():
        if line.startswith("# HELP "):
            helped = line.split(" ", 3)[2]
            assert helped not in families, f"{helped}: the lines of a family stand together"
        elif line.startswith("# TYPE "):
            _, _, current, kind = line.split(" ")
            assert re.fullmatch(NAME, current), line
            assert current == helped, line
            assert kind in KINDS, line
            families[current] = Read(kind)
        else:
            found = SAMPLE.match(line)
            assert found, f"not a sample: {line}"
            family = families[current]
            suffix = found[1].removeprefix(current)
            assert suffix in SUFFIXES.get(family.kind, ("",)), line
            labels = tuple(sorted(PAIR.findall(found[2] or "")))
            assert len({name for name, _ in labels}) == len(labels), line
            assert (suffix, labels) not in family.values, f"twice: {line}"
            family.values[suffix, labels] = float(found[3])
    for name, family in families.items():
        if family.kind == "histogram":
            _check_histogram(name, family)
        if family.kind == "counter":
            assert name.endswith("_total"), name
            assert all(value >= 0 for value in family.values.values()), name
    return families


def _check_histogram(name: str, family: Read) -> None:
    series: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
    for (suffix, labels), value in family.values.items():
        if suffix == "_bucket":
            rest = tuple(pair for pair in labels if pair[0] != "le")
            series.setdefault(rest, []).append((float(dict(labels)["le"]), value))
    for labels, buckets in series.items():
        counts = [count for _, count in sorted(buckets)]
        assert counts == sorted(counts), f"{name}: buckets are cumulative"
        assert max(bound for bound, _ in buckets) == float("inf"), name
        assert counts[-1] == family.values["_count", labels], name
        assert ("_sum", labels) in family.values, name
