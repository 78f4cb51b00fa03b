"""Sums up what script/demo measured; exits 1 when a figure contradicts another. Usage: demo-summary.py WORK [ROWS DISTINCT]"""

import json
import pathlib
import sys

work = pathlib.Path(sys.argv[1])
rows = sys.argv[2].split() if len(sys.argv) > 2 and sys.argv[2] else None
runs = {name: json.loads((work / f"{name}.json").read_text()) for name in ("cards", "bitcoin")}
journal = json.loads((work / "verify.json").read_text())
swaps = len((work / "swaps").read_text().splitlines()) if (work / "swaps").exists() else 0

failures = sum(run["errors"] + run["disconnects"] for run in runs.values())
mismatches = sum(run["mismatches"] for run in runs.values())
replies = sum(run["decisions_total"] for run in runs.values())

print()
print(f"{'':10}{'requests':>10}{'tx/s':>10}{'p50 us':>9}{'p99 us':>9}{'p99.9 us':>10}   {'approve':>8}{'review':>8}{'decline':>8}   versions")
for name, run in runs.items():
    latency, outcomes = run["latency_ns"], run["outcomes"]
    versions = " ".join(f"{version['version']}:{version['decisions']}" for version in run["versions"])
    print(
        f"{name:10}{run['replies']:>10,}{run['decisions_per_second']:>10,.0f}{latency['p50'] / 1e3:>9.0f}{latency['p99'] / 1e3:>9.0f}"
        f"{latency['p99_9'] / 1e3:>10.0f}   {outcomes['approve']:>8,}{outcomes['review']:>8,}{outcomes['decline']:>8,}   {versions}"
    )
print()
checks = [
    ("swaps", swaps, swaps >= 1),
    ("failures", failures, failures == 0),
    ("mismatches", mismatches, mismatches == 0),
    ("replies", f"{replies:,}", replies > 0),
    ("journal records", f"{journal['decisions']:,}", journal["decisions"] == replies and journal["ok"]),
]
if rows:
    checks.append(("rows in PostgreSQL", f"{int(rows[0]):,} ({int(rows[1]):,} distinct)", rows == [str(replies)] * 2))
for name, value, is_right in checks:
    print(f"{name:20}{value:>16}   {'' if is_right else 'WRONG'}")
sys.exit(0 if all(is_right for _, _, is_right in checks) else 1)
