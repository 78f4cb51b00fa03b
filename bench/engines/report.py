"""The tables of a run, in Markdown. `report.py FILE` prints the last run of a results file again."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

SINGLE_ROWS_WANTED = 20_000
# A load average from here on is told: one is this measurement itself.
LOAD_TOLD = 1.5
# What a model's code took to compile is told from here on.
BUILD_SECONDS_TOLD = 5


def merged(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each kind, model and engine: the median over the rounds, the worst agreement."""
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for result in results:
        groups.setdefault((result["kind"], result["model"], result["engine"]), []).append(result)
    rows = []
    for group in groups.values():
        row = dict(group[0])
        good = [result for result in group if "single" in result]
        if good:
            row.pop("error", None)
            for name in ("p50", "p99"):
                values = [result["single"][name] for result in good]
                row[name] = None if None in values else statistics.median(values)
            row["calls"] = min(result["single"]["calls"] for result in good)
            row["batch_row"] = statistics.median(result["batch"]["p50"] / result["batch"]["rows"] for result in good)
            row["batch_rows"], row["batch_calls"] = good[0]["batch"]["rows"], min(result["batch"]["calls"] for result in good)
            equal = [result["bit_equal"] for result in good if result.get("bit_equal") is not None]
            row["bit_equal"] = min(equal) if equal else None
            row["max_difference"] = max((result.get("max_difference", 0.0) for result in good), default=None)
        rows.append(row)
    return rows


def time(nanoseconds: float | None) -> str:
    if nanoseconds is None:
        return "–"
    if nanoseconds < 1_000:
        return f"{nanoseconds:.0f} ns"
    return f"{nanoseconds / 1_000:.3g} µs" if nanoseconds < 1_000_000 else f"{nanoseconds / 1_000_000:.3g} ms"


def count(number: int) -> str:
    return f"{number / 1_000:.1f}k" if number >= 1_000 else str(number)


def times(value: float | None, ours: float | None) -> str:
    if not value or not ours:
        return "–"
    return f"{value / ours:,.0f}x" if value >= 100 * ours else f"{value / ours:.3g}x"


def share(value: float | None) -> str:
    """Never rounded up to one."""
    return "–" if value is None else "1" if value == 1 else f"{int(value * 1000) / 1000:.3f}"


def name(row: dict[str, Any]) -> str:
    version = f" {row['version']}" if row["version"] and row["version"] != "not installed" else ""
    notes = [row["note"], "incl. Python" if row["binding"] == "Python" else ""]
    if "compiled" in row["label"] and (row.get("build_seconds") or 0) >= BUILD_SECONDS_TOLD:
        notes.append(f"built in {row['build_seconds']:.0f} s")
    notes = [note for note in notes if note]
    return f"{row['label']}{version}" + (f" ({', '.join(notes)})" if notes else "")


def is_ours(row: dict[str, Any]) -> bool:
    return str(row["engine"]).startswith("assay")


def ours_of(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Our reference: the kernel that the server would choose, which is listed first."""
    return next((row for row in rows if is_ours(row) and "p50" in row), None)


def line(row: dict[str, Any], ours: dict[str, Any] | None) -> str:
    if "p50" not in row:
        return f"| {name(row)} | {row.get('error', 'no figures')} | | | | | | |"
    calls = "" if row["calls"] >= SINGLE_ROWS_WANTED else f" (n={count(row['calls'])})"
    single = f"{time(row['p50'])}{calls}"
    ratios = [times(row["p50"], ours["p50"]), times(row["batch_row"], ours["batch_row"])] if ours else ["–", "–"]
    exact = "own trees" if row["bit_equal"] is None else share(row["bit_equal"])
    difference = "–" if row["bit_equal"] is None else f"{row['max_difference']:.2g}"
    cells = [name(row), single, time(row["p99"]), ratios[0], time(row["batch_row"]), ratios[1], exact, difference]
    return "| " + " | ".join(cells) + " |"


def table(rows: list[dict[str, Any]], kind: str) -> list[str]:
    lines = []
    for title in dict.fromkeys(row["title"] for row in rows if row["kind"] == kind):
        group = [row for row in rows if row["kind"] == kind and row["title"] == title]
        batch = max((row.get("batch_rows", 0) for row in group), default=0)
        lines += ["", f"**{group[0]['model']}: {title}**", "",
                  f"| Engine | one row, median | p99 | to ours | batch of {batch}, a row | to ours | bit-equal | max. difference |",
                  "|---|---|---|---|---|---|---|---|"]
        ours = ours_of(group)
        lines += [line(row, ours) for row in group]
    return lines


def best(group: list[dict[str, Any]], column: str) -> dict[str, Any] | None:
    return min((row for row in group if not is_ours(row) and row.get(column)), key=lambda row: row[column], default=None)


def against(peer: dict[str, Any] | None, ours: dict[str, Any] | None, column: str) -> list[str]:
    if peer is None:
        return ["–", "–"]
    return [f"{time(peer[column])} {name(peer)}", times(peer[column], ours[column] if ours else None)]


def summary(rows: list[dict[str, Any]], kind: str) -> list[str]:
    """A model a line: ours, the fastest other engine and how many times faster ours is."""
    lines = ["| Model | one row: Assay (p99) | next best | ratio | batch, a row: Assay | next best | ratio |",
             "|---|---|---|---|---|---|---|"]
    for title in dict.fromkeys(row["title"] for row in rows if row["kind"] == kind):
        group = [row for row in rows if row["kind"] == kind and row["title"] == title]
        ours, single, batch = ours_of(group), best(group, "p50"), best(group, "batch_row")
        cells = [title, f"{time(ours['p50'])} ({time(ours['p99'])})" if ours else "–"]
        cells += against(single, ours, "p50")
        cells += [time(ours["batch_row"]) if ours else "–", *against(batch, ours, "batch_row")]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


HEADINGS = {"score": "Scores", "contributions": "Contributions (SHAP values)"}


def markdown(results: list[dict[str, Any]]) -> str:
    machine, rows = results[0]["machine"], merged(results)
    vector = "AVX-512 VBMI" if machine["avx512vbmi"] else "AVX2" if machine["avx2"] else "no AVX2"
    lines = [f"{machine['cpu']} (family {machine['family']}, model {machine['model']}, {vector}), one thread on processor "
             f"{machine['pinned_to']}; commit {results[0]['commit']}; {results[0]['run']}; median of "
             f"{max(result['round'] for result in results)} rounds; `bench/engines/run {results[0]['command']}`"]
    busy = max(result["machine"]["load"] for result in results)
    if busy > LOAD_TOLD:
        lines += ["", f"**Other work was going on** (load average up to {busy:.1f}): the 99th percentiles and the batches are too slow."]
    for kind, heading in HEADINGS.items():
        if any(row["kind"] == kind for row in rows):
            lines += ["", f"### {heading}", "", *summary(rows, kind), *table(rows, kind)]
    return "\n".join(lines)


if __name__ == "__main__":
    everything = [json.loads(text) for text in Path(sys.argv[1]).read_text().splitlines()]
    print(markdown([result for result in everything if result["run"] == everything[-1]["run"]]))
