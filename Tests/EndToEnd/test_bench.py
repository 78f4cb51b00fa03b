"""The measurements run to their end, and what they keep is complete. How fast anything is, is not looked at here."""

from __future__ import annotations

import json
import math
import os
import pathlib
from typing import Any

import pytest
from conftest import BIN, ROOT, TWO_PROCESSORS, run

pytestmark = pytest.mark.skipif(not TWO_PROCESSORS, reason="the measurements keep server and load apart with taskset")

ABOUT = {"time", "machine", "processors", "kernel", "commit", "command"}
LATENCIES = {"p50_us", "p99_us", "p99_9_us"}


def kept(work: pathlib.Path, name: str, *command: Any) -> list[dict[str, Any]]:
    """What a script appends to its file of results."""
    run(ROOT / "bench" / command[0], *command[1:], "--keep", env={**os.environ, "ASSAY_BENCH_RESULTS": str(work), "ASSAY_BIN": str(BIN)})
    lines = [json.loads(line) for line in (work / f"{name}.jsonl").read_text().splitlines()]
    assert lines
    for line in lines:
        assert ABOUT <= line.keys()
        assert line["command"].startswith(f"bench/{command[0]} ")
    return lines


def are_measured(line: dict[str, Any], *names: str) -> bool:
    return all(math.isfinite(line[name]) and line[name] > 0 for name in names)


def test_peers_keep_a_line_for_each_server_and_point(work: pathlib.Path) -> None:
    lines = kept(work, "peers", "peers/run", "--peers", "echo,assay", "--points", "1x1,4x2", "--seconds", 1, "--rounds", 1, "--chart", work / "chart.svg")
    assert [(line["peer"], line["connections"], line["depth"]) for line in lines] == [
        ("echo", 1, 1), ("echo", 4, 2), ("assay", 1, 1), ("assay", 4, 2)
    ]
    assert all(are_measured(line, "per_second", "replies", "server_us_per_request", *LATENCIES) for line in lines)
    assert (work / "chart.svg").read_text().endswith("</svg>\n")


def test_swap_keeps_a_line_for_each_kind_and_rate_without_errors(work: pathlib.Path) -> None:
    lines = kept(work, "swap", "swap", "--sizes", 1, "--rates", "0,10", "--seconds", 0.5, "--rounds", 1)
    assert [(line["kind"], line["swaps_wanted_per_second"]) for line in lines] == [("held", 0), ("held", 10), ("new", 0), ("new", 10)]
    for line in lines:
        assert are_measured(line, "bundle_bytes", "requests_wanted", "requests_per_second", *LATENCIES)
        assert line["errors"] == 0 and line["disconnects"] == 0
        assert (line["swaps"] > 0) == (line["swaps_wanted_per_second"] > 0)


@pytest.mark.parametrize(
    "curve, points, more",
    [
        ("features", [8, 40], []), ("trees", [5, 10], []), ("depth", [2, 3], []), ("bundles", [1, 40], ["served"]),
        ("batch", [1, 50], ["xgboost_per_second", "engine_per_second", "unaudited_per_second"]), ("connections", [1, 300], []), ("load", [0.2, 0.5], ["peak_per_second"]),
    ],
)
def test_curve_keeps_a_line_for_each_point(work: pathlib.Path, curve: str, points: list[float], more: list[str]) -> None:
    if curve == "batch" and not (BIN / "assay-engine").exists():
        pytest.skip("assay-engine is not built")
    numbers = ",".join(map(str, points))
    chart = work / "chart.svg"
    lines = kept(work, "curves", "curves/run", "--curves", curve, "--points", numbers, "--seconds", 0.2, "--rounds", 1, "--chart", chart)
    assert [(line["curve"], line["point"]) for line in lines] == [(curve, point) for point in points]
    for line in lines:
        assert are_measured(line, "per_second", "requests", *LATENCIES, *more)
        assert line["errors"] == 0 and line["disconnects"] == 0
    if curve == "bundles":
        assert [line["served"] for line in lines] == points
    assert chart.read_text().endswith("</svg>\n")


def test_overload_keeps_a_line_for_each_factor_and_every_decision_has_its_record(work: pathlib.Path) -> None:
    # It ends with an error itself when the journal's records are not the decisions.
    lines = kept(work, "overload", "overload", "--factors", "0.5,3", "--trees", 50, "--seconds", 0.5, "--rounds", 1)
    assert [line["factor"] for line in lines] == [0.5, 3]
    for line in lines:
        assert are_measured(line, "peak_per_second", "sent_per_second", "goodput_per_second", "p50_us", "p99_us", "max_us")
        assert line["disconnects"] == 0 and "other_errors" not in line


def test_connections_keep_a_line_for_each_case_and_none_fails(work: pathlib.Path) -> None:
    lines = kept(work, "connections", "connections", "--idle", 200, "--storm", 50, "--seconds", 0.5, "--rounds", 1)
    assert [line["case"] for line in lines] == ["alone", "storm", "idle"]
    for line in lines:
        assert are_measured(line, "per_second", *LATENCIES)
        assert line["errors"] == 0 and line["disconnects"] == 0 and line.get("failures", 0) == 0
    assert lines[1]["connects"] >= 50 and lines[2]["idle"] == 200
