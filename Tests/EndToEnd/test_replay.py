"""Recorded decisions replay bit for bit, and a backtest says what an independent computation says."""

from __future__ import annotations

import csv
import json
import os
import pathlib
import sys
from typing import Any

import numpy

from conftest import BUNDLES, ROOT, Server, assay_command, load, output_of, run, with_demo_bundles

DECISIONS = int(os.environ.get("ASSAY_REPLAY_DECISIONS", "20000"))
SWAPS = int(os.environ.get("ASSAY_REPLAY_SWAPS", "4"))


def test_decisions_over_swaps_replay_with_no_differing_bit(work: pathlib.Path) -> None:
    figures = work / "figures.json"
    # It ends badly when an acknowledged decision is missing or differs.
    result = run(
        sys.executable, ROOT / "bench" / "replay", "--decisions", DECISIONS, "--swaps", SWAPS, "--rounds", 1, "--work", work / "replay",
        "--json", figures,
    )
    print(result.stdout)
    report = json.loads(figures.read_text())
    assert report["acknowledged"] == {"cards": DECISIONS, "bitcoin": DECISIONS // 10}
    for name, count in report["acknowledged"].items():
        replayed = report["replay"][name]
        assert (replayed["compared"], replayed["differing"], replayed["not_compared"]) == (count, 0, 0)
        assert replayed["explained"] > 0 and len(replayed["bundles"]) == 2
    assert report["replay"]["bitcoin"]["derived"] == DECISIONS // 10
    assert report["backtest"]["decisions"] == DECISIONS

    # The same in Python's own words: features from the journal's dump, scores from the offline command, thresholds from the bundle.
    lines = assay_command("journal", "dump", work / "replay" / "cards" / "journal", "--json").stdout.splitlines()
    records = [json.loads(line) for line in lines]
    rows = numpy.array([[numpy.nan if value is None else value for value in record["features"]] for record in records], dtype=numpy.float32)
    numpy.save(work / "rows.npy", rows)
    assay_command("bundle", "score", BUNDLES / "cards-2.assay", "--rows", work / "rows.npy", "--output", work / "scores.npy")
    scores = numpy.load(work / "scores.npy").reshape(-1)
    review, decline = report["backtest"]["review"], report["backtest"]["decline"]
    expected = ["decline" if score >= decline else "review" if score >= review else "approve" for score in scores]
    matrix = {a: {b: 0 for b in ("approve", "review", "decline")} for a in ("approve", "review", "decline")}
    for record, outcome in zip(records, expected):
        matrix[record["outcome"]][outcome] += 1
    assert report["backtest"]["matrix"] == matrix
    with (work / "replay" / "flips.csv").open(newline="") as stream:
        flips = list(csv.DictReader(stream))
    wanted = [(str(record["sequence"]), record["outcome"], outcome) for record, outcome in zip(records, expected) if record["outcome"] != outcome]
    assert [(flip["sequence"], flip["recorded_outcome"], flip["challenger_outcome"]) for flip in flips] == wanted
    assert (work / "replay" / "backtest.svg").read_text().endswith("</svg>\n")


def decide(server: Server) -> None:
    load(server, "--bundle", "cards", "--requests", 200)
    with server.client() as client:
        assert client.score("cards", [0.5] * 30, explain=3, transaction_id="tx,1").audit_sequence == 201


def test_replay_ends_as_documented(make_server: Any) -> None:
    server = with_demo_bundles(make_server())
    decide(server)
    # The server is running meanwhile; the last record comes to the journal within a moment.
    server.terminate()
    common = ["--journal", server.journal, "--registry", server.registry]
    assert output_of("replay", *common)["compared"] == 201
    assert output_of("replay", *common, "--transaction", "tx,1")["compared"] == 1
    one = output_of("replay", *common, "--decision", 201)
    assert one["equal"] and one["record"]["transaction_id"] == "tx,1"
    assert [line["name"] for line in one["lines"]].count("reason") >= 3
    text = assay_command("replay", *common, "--decision", 201).stdout
    assert "RECORDED" in text and "≠" not in text
    assert assay_command("replay", *common, "--decision", 999, code=1).stderr.strip().endswith("no decision with the number 999")
    assert assay_command("replay", *common, "--from", "2020-01-01", "--to", "2020-01-02", code=2).stdout
    assert "is no moment" in assay_command("replay", *common, "--from", "yesterday", code=64).stderr

    # A bundle that is gone from the registry.
    empty = server.work / "empty"
    empty.mkdir()
    gone = assay_command("replay", "--journal", server.journal, "--registry", empty, "--json", code=3)
    assert json.loads(gone.stdout)["not_compared"] == 201
    assert assay_command("replay", "--journal", server.journal, "--registry", empty, "--decision", 5, code=3).stderr

    # A journal whose bytes are damaged.
    segment = next(server.journal.glob("*.journal"))
    data = bytearray(segment.read_bytes())
    data[128 + 128 + 40] ^= 1
    segment.write_bytes(data)
    damaged = assay_command("replay", *common, code=1)
    assert "can't be read" in damaged.stderr


def test_backtest_ends_as_documented(make_server: Any) -> None:
    server = with_demo_bundles(make_server())
    decide(server)
    server.terminate()
    common = ["--journal", server.journal, "--bundle", BUNDLES / "cards-2.assay"]
    text = assay_command("backtest", *common, "--registry", server.registry, "--segment", "caller", "--engine-speed").stdout
    assert "backtest to engine" in text and "carries no cost matrix" in text
    report = output_of("backtest", *common, "--thresholds", "review=0,decline=0", "--costs", "missed=100,blocked=5,review=1")
    assert all(row["approve"] == row["review"] == 0 for row in report["matrix"].values())
    assert report["costs"]["no_probabilities"] == 0
    assert "no decision by" in assay_command("backtest", *common, "--name", "nobody", code=2).stderr
    other = assay_command("backtest", "--journal", server.journal, "--bundle", BUNDLES / "bitcoin-1.assay", "--name", "cards", "--registry", server.registry, code=1)
    assert "is not among the recorded ones of cards version 1" in other.stderr
    assert "above that for decline" in assay_command("backtest", *common, "--thresholds", "review=0.9,decline=0.1", code=1).stderr
    assert assay_command("backtest", *common, "--thresholds", "review=x", code=64).stderr
    assert "neither caller" in assay_command("backtest", *common, "--segment", "nothing", code=2).stderr
