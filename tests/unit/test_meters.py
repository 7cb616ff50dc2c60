"""What a monitoring system reads: the text format, read by an independent reader, and bounds on what it may hold."""

from __future__ import annotations

import threading

import pytest
from exposition import read_exposition

from certsvc import meters
from certsvc.meters import Counter, Histogram, exposition, gauge


def test_counters_gauges_and_histograms_are_read_as_they_were_meant() -> None:
    counted, took = Counter("a_total", "About\nlines and \\"), Histogram("b_seconds", "b", bounds=(0.1, 1.0))
    counted.add(route='/v1/"x"\\y\n', code="200")
    counted.add(2, code="200", route='/v1/"x"\\y\n')
    for seconds in (0.05, 0.1, 0.7, 5):
        took.observe(seconds, route="r")
    now = gauge("c", "c", [({}, 0.25), ({"kind": "k"}, 7)])
    found = read_exposition(exposition([counted.family(), took.family(), now]).decode())
    assert found["a_total"].get(route='/v1/\\"x\\"\\\\y\\n', code="200") == 3
    assert [found["b_seconds"].get("_bucket", route="r", le=le) for le in ("0.1", "1", "+Inf")] == [2, 3, 4]
    assert found["b_seconds"].get("_sum", route="r") == pytest.approx(5.85)
    assert (found["c"].get(), found["c"].get(kind="k")) == (0.25, 7)


def test_threads_count_every_time() -> None:
    counted = Counter("a_total", "a")

    def count() -> None:
        for _ in range(2_000):
            counted.add(x="y")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_exposition(exposition([counted.family()]).decode())["a_total"].get(x="y") == 8_000


def test_a_label_that_others_choose_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meters, "MAX_SERIES", 3)
    counted = Counter("a_total", "a")
    for number in range(10):
        counted.add(x=str(number))
    found = read_exposition(exposition([counted.family()]).decode())["a_total"]
    assert len(found.values) == 4
    assert found.get(x=meters.OTHER) == 7


@pytest.mark.parametrize(
    "bad",
    [
        "# HELP a a\n# TYPE a gauge\na 1",
        "# HELP a a\n# TYPE a gauge\nb 1\n",
        "# HELP a a\n# TYPE a gauge\na 1\na 1\n",
        '# HELP a a\n# TYPE a gauge\na{x="1" 1\n',
        '# HELP a a\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n',
    ],
)
def test_the_reader_refuses_what_breaks_the_format(bad: str) -> None:
    with pytest.raises((AssertionError, KeyError)):
        read_exposition(bad)
