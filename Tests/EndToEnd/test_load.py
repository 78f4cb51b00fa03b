"""The load generator against a real server: what its options promise. Nothing here assumes a rate or a duration that the machine must hold."""

from __future__ import annotations

import html.parser
import json
import pathlib
import re

from conftest import ROOT, Server, load, load_command, run

ROWS = ROOT / "bench" / "train" / "cards_rows.npy"
TRANSACTIONS = ROOT / "bench" / "train" / "bitcoin_transactions.jsonl"


class Page(html.parser.HTMLParser):
    """Fails on tags that are not closed in their order; keeps what a browser would load."""

    VOID = {"meta", "link", "img", "br"}

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_stages_conditions_and_the_page(demo_server: Server) -> None:
    page = demo_server.work / "report.html"
    stages = ["--stage", "200:0.5", "--ramp", "200:600:0.5", "--stage", "600:0.3", "--arrivals", "poisson", "--seed", 5]
    figures = load(demo_server, "--bundle", "cards", "--connections", 2, *stages, "--report", page, "--fail-if", "p99>3600s", "--verify")
    assert [stage["name"] for stage in figures["stages"]] == ["200/s", "200 to 600/s", "600/s"]
    assert sum(stage["replies"] for stage in figures["stages"]) == figures["replies"] > 0
    assert figures["fail_if"] == [{"condition": "p99>3600s", "met": False}]
    assert figures["open_loop"]["arrivals"] == "poisson"
    timeline = figures["timeline"]
    assert round(sum(timeline["decisions_per_second"]) * timeline["interval_seconds"]) == figures["decisions_total"]
    # Complete in itself: nothing to load, nothing to run.
    text = page.read_text()
    parsed = Page(text)
    assert parsed.loaded == [] and "script" not in parsed.seen and "url(" not in text
    assert parsed.seen.count("svg") == 4
    assert not re.search(r"\b(nan|inf)\b", text)


def test_a_condition_that_comes_true_exits_with_four(demo_server: Server) -> None:
    for condition, code in [("p50>1ns", 4), ("errors>0", 0), ("tx/s<1000000000", 4), ("p99.9>3600s,max>3600s", 0)]:
        load(demo_server, "--bundle", "cards", "--requests", 100, "--fail-if", condition, code=code)
    refused = run(*load_command(demo_server, "--bundle", "cards", "--fail-if", "p99>1"), code=2)
    assert "a time ends in" in refused.stderr


def test_bundles_and_batches_are_mixed(demo_server: Server) -> None:
    mix = ["--mix", "cards=0.7,bitcoin=0.3", "--rows", f"cards={ROWS}", "--verify", "--depth", 4]
    figures = load(demo_server, *mix, "--transactions", f"bitcoin={TRANSACTIONS}", "--requests", 1000)
    assert [part["name"] for part in figures["parts"]] == ["cards, single rows", "bitcoin, single rows"]
    assert {version["bundle"] for version in figures["versions"]} == {"cards", "bitcoin"}
    assert 550 < figures["parts"][0]["replies"] < 850
    assert figures["verification"]["verified"] == figures["decisions_total"] == 1000
    batches = load(demo_server, "--mix", "cards=1,bitcoin=1", "--batch", "1=0.8,10=0.2", "--requests", 500, "--verify")
    assert sum(part["replies"] for part in batches["parts"]) == 500
    assert batches["decisions_total"] == sum(part["decisions"] for part in batches["parts"]) > 500
    assert batches["verification"]["mismatches"] == 0


def test_rows_come_from_a_journal(demo_server: Server) -> None:
    load(demo_server, "--bundle", "cards", "--rows", ROWS, "--requests", 300)
    load(demo_server, "--bundle", "bitcoin", "--transactions", TRANSACTIONS, "--requests", 40)
    demo_server.terminate()
    demo_server.start()
    again = load(demo_server, "--bundle", "cards", "--rows", demo_server.journal, "--requests", 600, "--verify")
    assert again["rows"] == 300 and again["verification"]["verified"] == 600
    derived = load(demo_server, "--bundle", "bitcoin", "--rows", demo_server.journal, "--requests", 40, "--verify")
    assert derived["rows"] == 40 and derived["verification"]["verified"] == 40
    nothing = run(*load_command(demo_server, "--bundle", "cards", "--rows", demo_server.registry), code=1)
    assert "holds no journal" in nothing.stderr


def test_the_highest_rate_is_searched_and_every_step_shown(demo_server: Server) -> None:
    # What makes a rate fail here is its own size, not the machine: a slow one finds less, or nothing.
    report: pathlib.Path = demo_server.work / "found.json"
    options = ["--bundle", "cards", "--find-max", "--slo", "p99<3600s", "--slo", "tx/s<2000", "--rate", 200, "--duration", 0.2, "--warmup", 0.1]
    shown = run(*load_command(demo_server, *options, "--json", report), code=None)
    found = json.loads(report.read_text())
    search = found["find_max"]
    assert shown.returncode == found["exit_code"] == (4 if search["requests_per_second"] is None else 0)
    assert search["slo"] == ["p99<3600s", "tx/s<2000"]
    assert any(not step["holds"] for step in search["steps"])
    assert search["requests_per_second"] == max((step["target_requests_per_second"] for step in search["steps"] if step["holds"]), default=None)
    assert len(re.findall(r"/s .* (?:holds|fails) ", shown.stdout)) >= len(search["steps"])


def test_the_generator_measures_its_own_ceiling(demo_server: Server) -> None:
    figures = load(demo_server, "--bundle", "cards", "--connections", 4, "--depth", 4, "--requests", 100, "--ceiling")
    ceiling = figures["ceiling"]
    assert 0 < ceiling["requests_per_second"]
    assert ceiling["requests_per_second_max"] * ceiling["processor_ns_per_request"] > 0.99e9
