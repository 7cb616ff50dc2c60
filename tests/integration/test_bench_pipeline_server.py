"""The benchmark of the server shape runs, on a few licenses, through servers and processes of its own."""

from __future__ import annotations

from pathlib import Path

from certsvc.cli.bench_pipeline_server import pipeline_server


def test_a_few_licenses_pass_the_server_shape_to_their_last_event(tmp_path: Path) -> None:
    line = pipeline_server(tmp_path / "bench", licenses=4)
    assert isinstance(line["value"], float)
    assert line["value"] > 0
