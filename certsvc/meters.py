"""Figures of one process in the text format of Prometheus (0.0.4), without a library.

Labels are words of ours: routes as they are declared, outcomes, lanes, names of consumers. Never ids, never data of
people: a figure stands in a monitoring system for years, and each new value of a label is a new series there.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of a histogram of answers: from a lookup to what a person waits for."""

MAX_SERIES = 5_000
"""Series of one figure: a label that somebody outside can choose must not fill the memory. More count as one."""

OTHER = "other"

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One line: a name with its suffix, labels, a value."""

    name: str
    labels: Labels
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """What one figure says now; ``kind`` is counter, gauge or histogram."""

    name: str
    kind: str
    about: str
    samples: Sequence[Sample]


def gauge(name: str, about: str, values: Iterable[tuple[Mapping[str, str], float]]) -> Family:
    """A family of values as they are at this moment."""
    samples = [Sample(name=name, labels=_sorted(labels), value=value) for labels, value in values]
    return Family(name=name, kind="gauge", about=about, samples=samples)


class Counter:
    """Counts up; threads may share it."""

    def __init__(self, name: str, about: str) -> None:
        self._name, self._about = name, about
        self._lock = threading.Lock()
        self._values: dict[Labels, float] = {}

    def add(self, amount: float = 1, **labels: str) -> None:
        """Count under these labels."""
        key = _sorted(labels)
        with self._lock:
            key = _bounded(self._values, key)
            self._values[key] = self._values.get(key, 0) + amount

    def family(self) -> Family:
        """What was counted."""
        with self._lock:
            found = sorted(self._values.items())
        samples = [Sample(name=self._name, labels=labels, value=value) for labels, value in found]
        return Family(name=self._name, kind="counter", about=self._about, samples=samples)


@dataclass(slots=True)
class _Spread:
    counts: list[int]
    total: float = 0.0


class Histogram:
    """How long things took, in seconds; threads may share it."""

    def __init__(self, name: str, about: str, bounds: Sequence[float] = SECONDS) -> None:
        self._name, self._about, self._bounds = name, about, tuple(bounds)
        self._lock = threading.Lock()
        self._values: dict[Labels, _Spread] = {}

    def observe(self, seconds: float, **labels: str) -> None:
        """One more thing took so long."""
        key = _sorted(labels)
        with self._lock:
            key = _bounded(self._values, key)
            spread = self._values.setdefault(key, _Spread([0] * (len(self._bounds) + 1)))
            spread.counts[bisect_left(self._bounds, seconds)] += 1
            spread.total += seconds

    def family(self) -> Family:
        """Cumulative counts per bound, sum and count, as the format asks."""
        samples: list[Sample] = []
        with self._lock:
            found = [(labels, list(one.counts), one.total) for labels, one in sorted(self._values.items())]
        for labels, counts, total in found:
            seen = 0
            for bound, count in zip((*self._bounds, math.inf), counts, strict=True):
                seen += count
                within = (*labels, ("le", _number(bound)))
                samples.append(Sample(name=f"{self._name}_bucket", labels=within, value=seen))
            samples.append(Sample(name=f"{self._name}_sum", labels=labels, value=total))
            samples.append(Sample(name=f"{self._name}_count", labels=labels, value=seen))
        return Family(name=self._name, kind="histogram", about=self._about, samples=samples)


@dataclass(slots=True)
class Meters:
    """What one process counts as it works.

    Attributes:
        log_stopped: whether the last turn of its loop of the evidence log ended in an error.
    """

    requests: Counter = field(
        default_factory=lambda: Counter("certsvc_http_requests_total", "Answers by route, method and status code")
    )
    request_seconds: Histogram = field(
        default_factory=lambda: Histogram("certsvc_http_request_seconds", "Time until an answer was sent, by route")
    )
    issuing: Counter = field(
        default_factory=lambda: Counter(
            "certsvc_issuing_total", "Requests worked on in this process, by lane and outcome"
        )
    )
    troubles: Counter = field(
        default_factory=lambda: Counter("certsvc_loop_errors_total", "Turns of a loop that ended in an error, by code")
    )

    log_stopped: bool = False

    def families(self) -> list[Family]:
        """All of them, in a fixed order."""
        counted = [one.family() for one in (self.requests, self.request_seconds, self.issuing, self.troubles)]
        about = "Whether this process could not append to the evidence log in its last turn"
        return [*counted, gauge("certsvc_log_stopped", about, [({}, float(self.log_stopped))])]


def exposition(families: Iterable[Family]) -> bytes:
    """The text that Prometheus reads."""
    lines: list[str] = []
    for family in families:
        lines.append(f"# HELP {family.name} {_escape(family.about)}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        lines.extend(_line(sample) for sample in family.samples)
    return ("\n".join(lines) + "\n").encode()


def _line(sample: Sample) -> str:
    quoted = ",".join(f'{name}="{_escape(value, quotes=True)}"' for name, value in sample.labels)
    return f"{sample.name}{{{quoted}}} {_number(sample.value)}" if quoted else f"{sample.name} {_number(sample.value)}"


def _escape(text: str, *, quotes: bool = False) -> str:
    text = text.replace("\\", r"\\").replace("\n", r"\n")
    return text.replace('"', r"\"") if quotes else text


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) else repr(float(value))


def _sorted(labels: Mapping[str, str]) -> Labels:
    return tuple(sorted(labels.items()))


def _bounded(values: Mapping[Labels, object], key: Labels) -> Labels:
    """The key, or that of everything else once there are too many."""
    if key in values or len(values) < MAX_SERIES:
        return key
    return tuple((name, OTHER) for name, _ in key)
